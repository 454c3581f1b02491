/**
 * Brings the schema to this code's version, or fails with the reason why this code cannot run on the schema.
 *
 * Migrations only add, so that old and new code can run side by side during a deploy. The schema records the oldest
 * code that may run on it, and older code refuses to start. Processes that start together wait for one advisory lock.
 * Only the first one migrates.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { SchemaOutdated, SchemaTooNew } from "../../Errors.ts"
import type { Names } from "../sql/names.ts"
import * as Settings from "../sql/settings.ts"
import { initial } from "./0001_initial.ts"

/**
 * `version` is the schema version that this code needs. `oldestCode` is the oldest code that may run on that schema. A
 * release of the code is named by the schema version that it needs.
 */
export const current = { version: 1, oldestCode: 1 } as const

const migrations: Readonly<Record<string, (names: Names) => ReadonlyArray<string>>> = {
  "0001_initial": initial
}

const each = (sql: SqlClient.SqlClient, texts: ReadonlyArray<string>) =>
  Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true })

const loader = (names: Names) =>
  Migrator.fromRecord(Object.fromEntries(
    Object.entries(migrations).map(([name, texts]) =>
      [name, Effect.flatMap(SqlClient.SqlClient, (sql) => each(sql, texts(names)))] as const
    )
  ))

/** Returns the schema's version, and the oldest code that may run on it. Both are 0 if there is no schema. */
const look = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, names: Names) {
  const text = Settings.make(names)
  const [at] = yield* sql.unsafe<{ migrations: string | null; settings: string | null }>(text.installed, [
    `${names.schema}."migrations"`,
    names.settings
  ])
  if (at === undefined || at.migrations === null || at.settings === null) return { found: 0, oldest: 0 }
  const [found] = yield* sql.unsafe<{ version: number }>(text.found)
  const [oldest] = yield* sql.unsafe<{ oldest_code: number }>(text.oldest)
  return { found: found?.version ?? 0, oldest: oldest?.oldest_code ?? 0 }
})

const migrate = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, names: Names) {
  const text = Settings.make(names)
  yield* sql.unsafe(text.alone, [names.raw])
  yield* sql.unsafe(text.createSchema)
  const done = yield* Effect.provideService(
    Migrator.make({})({ loader: loader(names), table: names.migrations }),
    SqlClient.SqlClient,
    sql
  )
  if (done.length === 0) return
  yield* sql.unsafe(text.createSettings)
  yield* sql.unsafe(text.setOldest, [current.oldestCode])
})

/**
 * Returns the statements of `ensure` for a database without Millrace's tables, as one transaction. They are for a
 * review, and for a database where only an administrator creates tables.
 */
export const script = (names: Names): ReadonlyArray<string> => {
  const text = Settings.make(names)
  return [
    "begin",
    text.alone.replace("$1", `'${names.raw}'`),
    text.createSchema,
    text.createMigrations,
    ...Object.entries(migrations).flatMap(([name, texts]) => [
      ...texts(names),
      text.recordMigration(Number(name.slice(0, 4)), name.slice(5))
    ]),
    text.createSettings,
    text.setOldest.replace("$1", String(current.oldestCode)),
    "commit"
  ]
}

/** Checks the schema's version. An old schema is migrated in mode `auto`, and fails in mode `check`. */
export const ensure = Effect.fnUntraced(function*(
  sql: SqlClient.SqlClient,
  transaction: SqlClient.SqlClient["withTransaction"],
  names: Names,
  mode: "auto" | "check"
): Effect.fn.Return<void, SqlError | Migrator.MigrationError | SchemaTooNew | SchemaOutdated> {
  const before = yield* look(sql, names)
  if (before.oldest > current.version) {
    return yield* new SchemaTooNew({ schema: names.raw, found: before.found, supported: current.version })
  }
  if (before.found >= current.version) return
  if (mode === "check") {
    return yield* new SchemaOutdated({ schema: names.raw, found: before.found, needed: current.version })
  }
  yield* transaction(migrate(sql, names))
})
