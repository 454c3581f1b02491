/**
 * The life of the server that a worker reads. A message that was handed out under one life commits only under that
 * life. After a crash or a failover, its place, its id or its token may belong to something else.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/serverLife.ts"

/**
 * Returns the present life, and begins one if there is none. It may end at any time, so each statement that relies on
 * it checks it again.
 *
 * `run` is where the caller's own statements run. With one session (PGlite) a user's transaction would otherwise wait
 * for itself.
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
 * Warns at a worker's start if its role could not begin a life. Otherwise all its workers would end after the next
 * crash.
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
