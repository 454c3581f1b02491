/** Starting: names, settings, migrations, and databases that are not as they should be. */
import { assert, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Duration, Effect, Fiber, Layer, Logger, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Store, Topic, Worker } from "millrace"
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
  }))

it.live("only checks where it must not migrate, and changes nothing", () =>
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
    })
)

const Notes = Topic.make("notes", { schema: Schema.String, id: (note) => note })
const failing = Pipeline.from(Notes, { consumer: "notes" }).pipe(Pipeline.tap(() => Effect.fail({ retryable: false })))

/** Three dead letters and three messages, in a database whose transaction ids are those of another cluster. */
const restoring = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  yield* Worker.drain(failing)
  yield* Topic.publishAll(Notes, ["a", "b", "c"])
  yield* Worker.drain(failing)
  yield* Topic.publishAll(Notes, ["d", "e", "f"])
  const far = sql.literal("(pg_current_xact_id()::text::bigint + 1000000)::text::xid8")
  yield* sql`update ${sql(schema)}.dead_letters set opened = ${far}`
  yield* sql`update ${sql(schema)}.messages set xid = ${far}`
  /** How many rows are from there. */
  return Effect.map(
    sql<{ readonly n: number }>`select count(*)::int as n from (
      select opened as x from ${sql(schema)}.dead_letters union all select xid from ${sql(schema)}.messages) r
      where x >= pg_snapshot_xmax(pg_current_snapshot())`,
    ([row]) => row!.n
  )
})

it.live(
  "gives what was restored from another cluster transaction ids of this one, once, when many start together",
  () =>
    Effect.gen(function*() {
      const schema = freshSchema()
      const lines: Array<string> = []
      const logger = Logger.layer([Logger.make(({ message }) => lines.push(String(message)))])
      yield* Effect.gen(function*() {
        const foreign = yield* restoring(schema)
        assert.strictEqual(yield* foreign, 6)
        yield* Effect.all(
          Array.from({ length: 8 }, (_, i) => started(at(schema, i % 2 === 0 ? "auto" : "check"))),
          { concurrency: "unbounded" }
        ).pipe(Effect.provide(logger))
        assert.strictEqual(yield* foreign, 0)
        const counts = lines.map((line) => /(\d) messages and (\d) dead letters/.exec(line)!)
        assert.deepStrictEqual(
          [1, 2].map((n) => counts.reduce((sum, found) => sum + Number(found[n]), 0)),
          [3, 3]
        )
        const set = yield* DeadLetters.freeze({ consumer: "notes" })
        assert.strictEqual((yield* DeadLetters.redriveAll(set, { by: "ann" })).done, 3)
        // The waiting messages are read, and nothing is logged again.
        yield* Worker.drain(failing)
        assert.lengthOf(yield* DeadLetters.list({ consumer: "notes", state: "open" }), 6)
        const before = lines.length
        yield* Effect.provide(started(at(schema)), logger)
        assert.lengthOf(lines, before)
      }).pipe(Effect.provide(postgres(url, {}, schema)))
    })
)

it.live("does not wait for a transaction that has a restored message locked, and is about to settle it", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const foreign = yield* restoring(schema)
      const [locked, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const settling = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* sql`delete from ${sql(schema)}.messages where id = 'd'`
        yield* Deferred.succeed(locked, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(locked)
      yield* Effect.timeout(started(at(schema)), "10 seconds")
      assert.strictEqual(yield* foreign, 1, "the others are rewritten")
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(settling)
      assert.strictEqual(yield* foreign, 0)
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  }))

it.live("says so where the role has no right to rewrite what was restored from another cluster, and starts", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    const role = `role_${schema}`
    const lines: Array<string> = []
    const logger = Logger.layer([Logger.make(({ message }) => lines.push(String(message)))])
    yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const foreign = yield* restoring(schema)
      yield* Effect.acquireRelease(
        sql`create role ${sql(role)} login password ${sql.literal(`'${role}'`)}`,
        () => Effect.ignore(Effect.andThen(sql`drop owned by ${sql(role)}`, sql`drop role ${sql(role)}`))
      )
      yield* sql`grant usage on schema ${sql(schema)} to ${sql(role)}`
      yield* sql`grant select on all tables in schema ${sql(schema)} to ${sql(role)}`
      const theirs = new URL(url)
      theirs.username = role
      theirs.password = role
      yield* Effect.provide(started(at(schema, "check", theirs.toString())), logger)
      assert.lengthOf(lines, 1)
      assert.include(lines[0], "Start once with a role that may update its tables")
      assert.strictEqual(yield* foreign, 6)
    }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, schema)))
  }))

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

it.live("takes options beside the environment, and a variable that is set wins over its option", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    const from = (env: Record<string, string>) =>
      started(Layer.provide(
        Postgres.layerConfigWith({ schema, migrate: "check", retention: { inbox: "3 days" } }),
        ConfigProvider.layer(ConfigProvider.fromEnvRecord({ DATABASE_URL: url, ...env }))
      ))
    assert.strictEqual((yield* Effect.flip(from({})))._tag, "SchemaOutdated")
    yield* from({ MILLRACE_MIGRATE: "auto" })
    const window = Effect.map(Store.Store, ({ deduplicationWindow }) => Duration.toHours(deduplicationWindow))
    const kept = Layer.provide(
      Postgres.layerConfigWith({ schema, retention: { inbox: "3 days" } }),
      ConfigProvider.layer(ConfigProvider.fromEnvRecord({ DATABASE_URL: url }))
    )
    assert.strictEqual(yield* Effect.provide(window, kept), 72)
  }))

it.live("works without session settings, named statements and LISTEN, as behind a transaction pooler", () =>
  Effect.gen(function*() {
    yield* register()
    yield* publish(["a"])
    const store = yield* Store.Store
    assert.strictEqual(yield* store.transact(Effect.succeed(1)), 1)
  }).pipe(Effect.provide(postgres(url, { pooler: true }))))
