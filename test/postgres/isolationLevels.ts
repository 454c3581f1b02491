/**
 * Shared by the tests of isolation levels: a database whose default is another one, and transactions of a user's own.
 */
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import type { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { freshDatabase } from "../setup/database.ts"
import { postgres } from "./kit.ts"

export const levels = ["read committed", "repeatable read", "serializable"] as const
export type Level = typeof levels[number]

/** The address of a database of its own, where a transaction without a level has this one. */
export const databaseAt = Effect.fnUntraced(function*(level: Level) {
  const url = yield* freshDatabase(inject("databaseUrl"))
  const name = new URL(url).pathname.slice(1)
  yield* Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql.unsafe(`alter database ${name} set default_transaction_isolation = '${level}'`)
  ).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })), Effect.orDie)
  return url
})

/** A layer on such a database. */
export const postgresAt = (level: Level, schema: string, options: Partial<Postgres.PostgresOptions> = {}) =>
  Layer.unwrap(Effect.map(databaseAt(level), (url) => postgres(url, options, schema)))

/** A user's own transaction, with its snapshot taken before the effect runs. */
export const at = <A, E, R>(level: Level, effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.provideService(
      sql.withTransaction(Effect.andThen(sql`select 1`, effect)),
      SqlClient.BeginTransaction,
      `BEGIN ISOLATION LEVEL ${level}`
    ))

/** Outside of the transaction around it, as another process. */
export const apart = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.updateContext(
      effect,
      (context: Context.Context<R>) => Context.omit(sql.transactionService)(context) as Context.Context<R>
    ))
