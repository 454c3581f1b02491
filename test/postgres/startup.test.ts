/** Starting: names, settings, migrations, and databases that are not as they should be. */
import { assert, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { freshDatabase } from "../setup/database.ts"
import { freshSchema, postgres, publish, register } from "./kit.ts"

const url = inject("databaseUrl")
const at = (schema: string, migrate: "auto" | "check" = "auto", of = url) =>
  Postgres.layer({ url: Redacted.make(of), schema, migrate })
const started = <A, E>(layer: Layer.Layer<A, E>) => Effect.scoped(Effect.asVoid(Layer.build(layer)))

it.live("migrates once when 20 workers start together on an empty database", () =>
  Effect.gen(function*() {
    const fresh = yield* freshDatabase(url)
    yield* Effect.all(Array.from({ length: 20 }, () => started(at("millrace", "auto", fresh))), {
      concurrency: "unbounded"
    })
    const migrations = Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select migration_id from millrace.migrations`)
    assert.strictEqual((yield* Effect.provide(migrations, at("millrace", "check", fresh))).length, 1)
  }), 30_000)

it.live("only checks where it may not migrate, and changes nothing", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    const error = yield* Effect.flip(started(at(schema, "check")))
    assert.deepInclude(error, { _tag: "SchemaOutdated", found: 0, needed: 1 })
    yield* Effect.provide(started(at(schema, "check")), postgres(url, {}, schema))
  }))

it.live("refuses a schema that newer code has made unusable for it, and runs beside newer code otherwise", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into ${sql(`${schema}.migrations`)} (migration_id, name) values (7, 'later')`
      yield* started(at(schema))
      yield* sql`update ${sql(`${schema}.settings`)} set oldest_code = 7`
      const error = yield* Effect.flip(started(at(schema)))
      assert.deepInclude(error, { _tag: "SchemaTooNew", found: 7, supported: 1 })
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  }))

it.live("refuses a schema name that is not plain", () =>
  Effect.gen(function*() {
    for (const name of ["", "a.b", "a\"; drop table x; --", "ü", "1a", "pg_mine", "x".repeat(51)]) {
      const error = yield* Effect.flip(started(at(name)))
      assert.strictEqual(error._tag, "InvalidName", name)
      assert.include(error.message, "at most 50")
    }
    yield* Effect.provide(Effect.andThen(register(), publish(["a"])), postgres(url, {}, `Select-${freshSchema()}`))
  }))

it.live(
  "says within a bound that the database is down, refuses us, or does not exist, without the password",
  () =>
    Effect.gen(function*() {
      const wrong = (change: (url: URL) => void) => {
        const changed = new URL(url)
        changed.password = "canary-secret"
        change(changed)
        return Effect.timeout(Effect.flip(started(at("millrace", "auto", changed.toString()))), "15 seconds")
      }
      const down = yield* wrong((changed) => changed.port = "1")
      const missing = yield* wrong((changed) => {
        changed.pathname = "/nowhere"
        changed.password = new URL(url).password
      })
      assert.deepInclude(down, { _tag: "StoreFailure", operation: "start", kind: "unavailable" })
      assert.deepInclude(missing, { _tag: "StoreFailure", kind: "refused", code: "3D000" })
      for (const error of [down, missing]) assert.notInclude(JSON.stringify(error) + String(error), "canary-secret")
    }),
  40_000
)

it.live("reads the environment, and names the variable that is wrong, without its secret", () =>
  Effect.gen(function*() {
    const from = (env: Record<string, string>) =>
      Effect.flip(started(Layer.provide(Postgres.layerConfig, ConfigProvider.layer(ConfigProvider.fromEnvRecord(env)))))
    const wrong: ReadonlyArray<readonly [variable: string, env: Record<string, string>]> = [
      ["DATABASE_URL", {}],
      ["DATABASE_URL", { DATABASE_URL: "mysql://me:canary-secret@host/db" }],
      ["MILLRACE_POOL", { DATABASE_URL: url, MILLRACE_POOL: "many" }],
      ["MILLRACE_MIGRATE", { DATABASE_URL: url, MILLRACE_MIGRATE: "yes" }],
      ["MILLRACE_POOLER", { DATABASE_URL: url, MILLRACE_POOLER: "1" }],
      ["MILLRACE_SCHEMA", { DATABASE_URL: url, MILLRACE_SCHEMA: "not plain" }],
      ["MILLRACE_SCHEMA", { DATABASE_URL: url, MILLRACE_SCHEMA: "x".repeat(51) }],
      ["MILLRACE_SCHEMA", { DATABASE_URL: url, MILLRACE_SCHEMA: "pg_mine" }]
    ]
    for (const [variable, env] of wrong) {
      const error = yield* from(env)
      assert.strictEqual(error._tag, "InvalidConfig")
      assert.include(error.message, variable)
      assert.notInclude(error.message, "canary-secret")
    }
  }))

it.live("works without session settings, named statements and LISTEN, as behind a transaction pooler", () =>
  Effect.gen(function*() {
    yield* register()
    yield* publish(["a"])
    const store = yield* Store.Store
    assert.strictEqual(yield* store.transact(Effect.succeed(1)), 1)
  }).pipe(Effect.provide(postgres(url, { pooler: true }))))
