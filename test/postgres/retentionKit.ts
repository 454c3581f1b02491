/** Shared by the tests of retention: a pipeline, a schema of its own, one round now, and rows that grow old. */
import { Duration, Effect, Redacted, Result, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import * as Retention from "../../src/postgres/maintenance/Retention.ts"
import * as PgClient from "../../src/postgres/session/PgClient.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { freshSchema } from "./kit.ts"

export const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String, bad: Schema.Boolean }),
  key: (note) => note.key,
  id: (note) => note.id
})
export const note = (id: string, key: string, bad = false) => ({ id, key, bad })
/** Fails for what is bad, and parks its key. */
export const notes = Pipeline.from(Notes, { consumer: "notes" }).pipe(
  Pipeline.tap((one) => one.bad ? Effect.fail({ _tag: "Bad", retryable: false }) : Effect.void),
  Pipeline.deadLetter({ order: "park" })
)

/** The defaults. */
export const settings = Retention.resolve({}) as Retention.Settings

/** One round of retention now, on a schema of its own. */
export const sweeping = Effect.fnUntraced(function*(schema: string, url = inject("databaseUrl"), given = settings) {
  const names = Result.getOrThrow(Names.make(schema))
  const db = yield* PgClient.make({
    url: Redacted.make(url),
    ssl: undefined,
    stream: undefined,
    maxConnections: 2,
    acquireTimeout: Duration.seconds(5),
    commitTimeout: Duration.seconds(5),
    single: false,
    pooler: false
  }).pipe(Effect.provide(Reactivity.layer))
  return Retention.sweep(db, names, given)
})

/** A schema of its own, in which nothing is forgotten by itself. */
export const world = <A, E, R>(
  test: (schema: string) => Effect.Effect<A, E, R>,
  url = inject("databaseUrl")
) => {
  const schema = freshSchema()
  return Effect.scoped(test(schema)).pipe(
    Effect.provide(Postgres.layer({ url: Redacted.make(url), schema, retention: false }))
  )
}

/** Days pass for a table. */
export const older = (schema: string, table: string, column: string, days: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`update ${sql(schema)}.${sql(table)} set ${sql(column)} = ${sql(column)} - ${days} * interval '1 day'`
  )

/** The ids in the inbox. */
export const ids = (schema: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      Effect.map(sql<{ readonly id: string }>`select id from ${sql(schema)}.inbox order by id`, (rows) =>
        rows.map((row) => row.id))
  )
