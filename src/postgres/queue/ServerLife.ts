/**
 * Which life of the server a worker reads. What was handed out under one life commits only under that life: a crash or a failover may
 * have given a place, a number or a token to something else.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/serverLife.ts"

/**
 * The present life, which is begun where there is none. It may end at any time: each statement that trusts it looks at it again. `run` is
 * where the caller's own statements go: one session that a user's transaction has (PGlite) would wait for itself.
 */
export const current = (run: PgDatabase["machinery" | "query"], names: Names): Effect.Effect<string, SqlError> => {
  const text = Sql.make(names)
  const look: Effect.Effect<string, SqlError> = Effect.flatMap(run(text.read, []), ([row]) => {
    const life = row?.["life"]
    return typeof life === "string" ? Effect.succeed(life) : Effect.andThen(run(text.begin, []), look)
  })
  return look
}

/** Says where a worker's role would find out only after a crash that it lacks a right, when each of its workers would end. */
export const warn = (db: PgDatabase, names: Names): Effect.Effect<void, SqlError> =>
  Effect.flatMap(
    db.machinery(Sql.make(names).rights, []),
    ([row]) =>
      row?.["begins"] === true ? Effect.void : Effect.logWarning(
        `Workers under this role will stop after the next crash or failover of the database. Nothing is lost. Now grant the role insert and `
          + `update on ${names.serverLife}, and update on sequence ${names.deadLetterSeq}.`
      )
  )
