/**
 * Reads the server life. A message that was handed out in one server life can commit only in that server life. After a
 * crash or a failover, the message's seq, a queue's number or a token may belong to something else.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/serverLife.ts"

/**
 * Returns the present server life, and begins one if there is none. A server life may end at any time, so each
 * statement that relies on it compares it again.
 *
 * `run` sends the statements where the caller's own statements run. PGlite has one session, so in a user's transaction
 * a statement on another connection would wait for that transaction indefinitely.
 */
export const current = (run: PgDatabase["machinery" | "query"], names: Names): Effect.Effect<string, SqlError> => {
  const text = Sql.make(names)
  const look: Effect.Effect<string, SqlError> = Effect.flatMap(run(text.read, []), ([row]) => {
    const life = row?.["life"]
    return typeof life === "string" ? Effect.succeed(life) : Effect.andThen(run(text.begin, []), look)
  })
  return look
}

/**
 * Logs a warning at a worker's start if the worker's role lacks the rights to begin a server life. After the next crash
 * all workers of such a role would stop, so the operator must know before.
 */
export const warn = (db: PgDatabase, names: Names): Effect.Effect<void, SqlError> =>
  Effect.flatMap(
    db.machinery(Sql.make(names).rights, []),
    ([row]) =>
      row?.["begins"] === true ? Effect.void : Effect.logWarning(
        `Workers under this role will stop after the next crash or failover of the database. Nothing is lost. Now grant the role insert and `
          + `update on ${names.serverLife}, and update on sequence ${names.deadLetterSeq}.`
      )
  )
