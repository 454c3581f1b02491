/**
 * The isolation level of transactions. The library begins its own transactions at READ COMMITTED, even if the role or
 * the database has another default. Each statement then sees all earlier commits. A statement that comes after a lock
 * sees what the last owner of that lock did.
 *
 * A user's own transaction keeps its level. Most calls of the library are correct at any level, or fail with 40001. The
 * other calls check the level first, and refuse a wrong one.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Client from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { StoreFailure } from "../../Errors.ts"
import * as ServerSql from "../sql/server.ts"
import type { PgDatabase } from "./PgClient.ts"
import * as PgFailure from "./PgFailure.ts"

/**
 * Runs an effect as the client's `withTransaction` does, but begins the transaction at READ COMMITTED. A transaction
 * that the effect begins on another client keeps the user's level.
 */
export const transaction =
  (client: Client.SqlClient): PgDatabase["transaction"] =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
    Effect.withFiber((fiber) => {
      const theirs = Effect.provideService(effect, Client.BeginTransaction, fiber.getRef(Client.BeginTransaction))
      return Effect.provideService(client.withTransaction(theirs), Client.BeginTransaction, ServerSql.begin)
    })

/** Returns the level of the ambient transaction if its snapshot does not show later commits, or else undefined. */
const older = (db: PgDatabase): Effect.Effect<string | undefined, SqlError> =>
  Effect.flatMap(db.inTransaction, (inside) =>
    inside
      ? Effect.map(db.within(ServerSql.level, []), ([row]) => {
        const level = String(row?.["level"])
        return level === "repeatable read" || level === "serializable" ? level.toUpperCase() : undefined
      })
      : Effect.undefined)

const refuse = (
  db: PgDatabase,
  operation: string,
  error: Pick<StoreFailure, "kind" | "code" | "hint">
): Effect.Effect<void, StoreFailure> =>
  Effect.flatMap(
    Effect.mapError(older(db), PgFailure.storeFailure(operation)),
    (level) =>
      level === undefined ? Effect.void : Effect.fail(
        new StoreFailure({
          operation,
          ...error,
          detail: `the transaction around it is ${level}, which does not see what was committed since it began`
        })
      )
  )

/** Fails in a transaction that does not see later commits. Use it in a call that must see all committed rows. */
export const refuseOlder = (db: PgDatabase, operation: string): Effect.Effect<void, StoreFailure> =>
  refuse(db, operation, {
    kind: "refused",
    code: "",
    hint: "Do it outside of that transaction, or in one that is READ COMMITTED."
  })

/**
 * Fails in a transaction that does not see later commits. Use it after no row was found, since one may exist by now.
 */
export const refuseUnseen = (db: PgDatabase, operation: string): Effect.Effect<void, StoreFailure> =>
  refuse(db, operation, { kind: "timeout", code: "40001", hint: PgFailure.runAgain })
