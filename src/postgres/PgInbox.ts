/**
 * Which ids a consumer has committed: a commit claims those of its messages, and of two claims of one id one waits for the other.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Claim, Claimed, Inbox } from "../Store.ts"
import type { PgDatabase } from "./PgClient.ts"
import type { Queues } from "./PgConsumers.ts"
import * as PgFailure from "./PgFailure.ts"
import * as InboxSql from "./sql/inbox.ts"
import type { Names } from "./sql/names.ts"

export const make = (db: PgDatabase, names: Names, queues: Queues): Pick<Inbox, "claim"> => {
  const text = InboxSql.make(names)
  const failed = PgFailure.storeFailure("claim message ids in the inbox")

  const revive = (queue: number, claims: ReadonlyArray<Claim>, fresh: Set<unknown>) => {
    const redriven = claims.filter((claim) => claim.letter !== undefined && !fresh.has(claim.id))
    if (redriven.length === 0) return Effect.void
    return Effect.map(
      db.within(text.revive, [queue, redriven.map((c) => c.id), redriven.map((c) => BigInt(c.letter!))]),
      (rows) => rows.forEach((row) => fresh.add(row["id"]))
    )
  }

  /** The others: the same message again, or another one under its id. */
  const tellApart = (queue: number, claims: ReadonlyArray<Claim>, fresh: ReadonlySet<unknown>) =>
    Effect.map(
      db.within(text.known, [queue, claims.filter((c) => !fresh.has(c.id)).map((c) => c.id)]),
      (rows) => {
        const known = new Map(rows.map((row) => [row["id"], row["fingerprint"]]))
        return claims.map((claim): Claimed => {
          if (fresh.has(claim.id)) return "fresh"
          const fingerprint = known.get(claim.id)
          return fingerprint === claim.fingerprint || fingerprint === "" ? "duplicate" : "conflict"
        })
      }
    )

  /** A redriven message that turns out to be a duplicate was committed by another way: its letter is over, too. */
  const resolved = (claims: ReadonlyArray<Claim>, answers: ReadonlyArray<Claimed>) => {
    const letters = claims.flatMap(({ letter }, i) =>
      letter === undefined || answers[i] !== "duplicate" ? [] : [BigInt(letter)]
    )
    return letters.length === 0 ? Effect.succeed(answers) : Effect.as(db.within(text.resolve, [letters]), answers)
  }

  return {
    claim: (consumer, claims) =>
      Effect.flatMap(queues.byName(consumer), (queue) => {
        if (claims.length === 0) return Effect.succeed([])
        const ids = claims.map((claim) => claim.id)
        return db.within(text.claim, [queue, ids, claims.map((claim) => claim.fingerprint)]).pipe(
          Effect.flatMap((rows) => {
            if (rows.length === claims.length) return Effect.succeed(claims.map((): Claimed => "fresh"))
            const fresh = new Set<unknown>(rows.map((row) => row["id"]))
            return Effect.flatMap(revive(queue, claims, fresh), () =>
              fresh.size === claims.length
                ? Effect.succeed(claims.map((): Claimed => "fresh"))
                : Effect.flatMap(tellApart(queue, claims, fresh), (answers) => resolved(claims, answers)))
          }),
          Effect.mapError(failed)
        )
      })
  }
}
