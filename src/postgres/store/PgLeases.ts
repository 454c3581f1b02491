/**
 * Named leases. Each lease is one row. One statement on the machinery's connections claims, renews or gives back a
 * lease. The fencing token is checked in the user's transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { LeaseClaim, LeaseStore } from "../../Store.ts"
import type { Wake } from "../queue/Wake.ts"
import * as Isolation from "../session/Isolation.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as Sql from "../sql/leases.ts"
import type { Names } from "../sql/names.ts"

const looking = (name: string) => `look at the token of lease "${name}"`

export const make = (db: PgDatabase, names: Names, wake: Wake): LeaseStore => {
  const text = Sql.make(names)

  const claim = (name: string, owner: string, millis: number): Effect.Effect<LeaseClaim, SqlError> =>
    Effect.flatMap(db.machinery(text.claim, [name, owner, millis]), ([row]) => {
      if (row === undefined) {
        return Effect.andThen(db.machinery(text.create, [name]), Effect.suspend(() => claim(name, owner, millis)))
      }
      return Effect.succeed<LeaseClaim>({
        token: row["token"] as bigint | null ?? undefined,
        owner: String(row["owner"]),
        remainingMillis: Number(row["remaining"])
      })
    })

  return {
    claim: (name, owner, millis) =>
      Effect.mapError(claim(name, owner, millis), PgFailure.storeFailure(`claim lease "${name}"`)),
    renew: (name, owner, token, millis) =>
      db.machinery(text.renew, [name, token, millis, owner]).pipe(
        Effect.map((rows) => rows.length > 0),
        Effect.mapError(PgFailure.storeFailure(`renew lease "${name}"`))
      ),
    release: (name, owner) =>
      db.machinery(text.release, [name, owner, names.channel]).pipe(
        Effect.map((rows) => rows.length > 0 ? wake.released(name) : undefined),
        Effect.mapError(PgFailure.storeFailure(`give lease "${name}" back`))
      ),
    fence: (name, owner, token, millis) =>
      Effect.flatMap(
        Effect.mapError(db.within(text.fence, [name, token, millis, owner]), PgFailure.storeFailure(looking(name))),
        // If no row is found, the lease is lost. But a REPEATABLE READ transaction may have begun before the caller's
        // own claim, and does not see it. So there the call fails, and does not return that the lease is lost.
        (rows) => rows.length > 0 ? Effect.succeed(true) : Effect.as(Isolation.refuseUnseen(db, looking(name)), false)
      ),
    awaitRelease: (name) =>
      Effect.andThen(
        wake.listen,
        Effect.map(
          Effect.acquireRelease(
            Effect.sync(() => wake.waiter(`lease:${name}`)),
            (waiter) => Effect.sync(() => waiter.done())
          ),
          (waiter) => waiter.woken
        )
      )
  }
}
