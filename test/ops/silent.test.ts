// A process that looks alive and can do nothing: Health tries the store, and workers report what keeps failing.
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { Errors, Health, Pipeline, Store, type Transport, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { eventually, freshSchema, message, postgres } from "../postgres/kit.ts"
import { freshDatabase } from "../setup/database.ts"
import { drain, groups, order, Orders, ports, publish, runReadyFibers, start, stop } from "../worker/support.ts"

const report = Effect.flatMap(Health.Health, (health) => health.report)
/** Workers of other tests in this file are not seen. */
const alone = Layer.sync(Health.Workers, () => new Set<Health.WorkerState>())
/** A worker that works, so that health asks for all that it needs. */
const idle: Health.WorkerState = {
  consumer: "c",
  leaseMillis: 30_000,
  left: () => Infinity,
  stopping: () => false,
  failing: () => [],
  stranded: () => false,
  queue: () => undefined
}
const health = Health.layer({ maxDelay: "1 minute", timeout: "1 second" })
const layer = (memory: Layer.Layer<Store.Store | Transport.Transport>) =>
  health.pipe(Layer.provideMerge(memory), Layer.provideMerge(alone))

describe("a worker that looks alive", () => {
  it.effect("and cannot read is said so, with the reason: degraded, and down where no worker can", () => {
    let able = true
    const refused = new Errors.TransportError({
      engine: "t",
      operation: "read",
      kind: "temporary",
      detail: "read-only"
    })
    const memory = ports({
      subscription: (subscription, { consumer }) => ({
        take: (...args) => able || consumer === "good" ? subscription.take(...args) : Effect.fail(refused)
      })
    })
    return Effect.gen(function*() {
      const good = yield* start(Pipeline.from(Orders, { consumer: "good" }))
      const bad = yield* start(Pipeline.from(Orders, { consumer: "bad" }))
      yield* runReadyFibers
      able = false
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual((yield* report).status, "ok")
      yield* TestClock.adjust("5 seconds")
      const { checks } = yield* report
      assert.strictEqual(checks.workers.status, "degraded")
      assert.match(
        checks.workers.reason,
        /^Consumer "bad" has not been able to read its messages for \d+(\.\d)? s\. .*read-only/
      )
      yield* stop(good)
      assert.strictEqual((yield* report).checks.workers.status, "down")
      able = true
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual((yield* report).checks.workers.status, "ok")
      yield* stop(bad)
    }).pipe(Effect.provide(layer(memory)))
  })

  it.effect("and cannot commit is said so, until it can", () => {
    let error: Errors.TransientFailure | Errors.StoreFailure | undefined
    const memory = groups((body, transact) => error === undefined ? transact(body) : Effect.fail(error))
    return Effect.gen(function*() {
      const pipeline = Pipeline.from(Orders, { consumer: "c" }).pipe(Pipeline.commit(() => Effect.void))
      yield* drain(pipeline)
      const worker = yield* start(pipeline)
      yield* runReadyFibers
      error = new Errors.TransientFailure({ kind: "unavailable", code: "25006", detail: "read-only" })
      yield* publish(Orders, [order("a", 1)])
      yield* TestClock.adjust("16 seconds")
      const { checks } = yield* report
      assert.strictEqual(checks.workers.status, "down")
      assert.match(
        checks.workers.reason,
        /^Consumer "c" has not been able to commit anything for \d+(\.\d)? s\. .*read-only/
      )
      error = undefined
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual((yield* report).checks.workers.status, "ok")
      yield* stop(worker)
    }).pipe(Effect.provide(layer(memory)))
  })

  it.effect("and holds no lane while messages wait in free ones is said so at the second look, not between two claims", () => {
    let free = 1
    const memory = ports({
      store: (store) => ({
        consumers: {
          ...store.consumers,
          status: (consumer) =>
            Effect.map(store.consumers.status(consumer), (status) => ({ ...status, waiting: 1, freeLanes: free }))
        }
      })
    })
    return Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "c" }), { statsEvery: "10 seconds" })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* report).status, "ok")
      yield* TestClock.adjust("10 seconds")
      const { checks } = yield* report
      assert.strictEqual(checks.workers.status, "degraded")
      assert.match(checks.workers.reason, /^Consumer "c": messages wait in lanes that no worker has/)
      free = 0
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* report).status, "ok")
      yield* stop(worker)
    }).pipe(Effect.provide(layer(memory)))
  })
})

describe("on Postgres", () => {
  /** A schema of its own in a database of its own, and health as another role would see it. */
  const place = Effect.gen(function*() {
    const url = yield* freshDatabase(inject("databaseUrl"))
    const schema = freshSchema()
    const built = yield* Layer.build(postgres(url, {}, schema))
    const sql = Context.get(built, SqlClient.SqlClient)
    const role = freshSchema()
    yield* sql.unsafe(`create role ${role} login password 'p' in role pg_read_all_data`)
    yield* sql.unsafe(`grant usage on schema "${schema}" to ${role}`)
    yield* sql.unsafe(`grant all on all tables in schema "${schema}" to ${role}`)
    yield* Effect.addFinalizer(() => Effect.ignore(sql.unsafe(`drop owned by ${role}; drop role ${role}`)))
    const as = new URL(url)
    as.username = role
    as.password = "p"
    const there = Postgres.layer({ url: Redacted.make(as.toString()), schema, migrate: "check", retention: false })
    const workers = new Set([idle])
    const look = Effect.map(
      Layer.build(health.pipe(Layer.provide(there), Layer.provideMerge(Layer.succeed(Health.Workers, workers)))),
      (context) => Effect.map(Context.get(context, Health.Health).report, ({ checks }) => checks.database)
    )
    return { sql, schema, role, workers, look, name: new URL(url).pathname.slice(1) }
  })

  it.live(
    "a database is down that lets a worker do nothing: read-only, a right that is missing, a table that is locked",
    () =>
      Effect.gen(function*() {
        const { look, name, role, schema, sql, workers } = yield* place
        const now = yield* look
        assert.strictEqual((yield* now).status, "ok")
        for (const table of ["lanes", "workers", "messages", "inbox", "holds", "dead_letters"]) {
          yield* sql.unsafe(`revoke insert, update, delete on "${schema}".${table} from ${role}`)
          assert.match((yield* now).reason, new RegExp(`permission denied for table ${table}`))
          yield* sql.unsafe(`grant all on "${schema}".${table} to ${role}`)
        }
        // A process that only publishes needs no right but that.
        workers.clear()
        yield* sql.unsafe(`revoke all on "${schema}".lanes from ${role}`)
        assert.strictEqual((yield* now).status, "ok")
        yield* sql.unsafe(`revoke insert on "${schema}".messages from ${role}`)
        assert.match((yield* now).reason, /permission denied for table messages/)
        yield* sql.unsafe(`grant all on all tables in schema "${schema}" to ${role}`)
        workers.add(idle)
        yield* sql.withTransaction(
          Effect.andThen(
            sql.unsafe(`lock table "${schema}".messages in access exclusive mode`),
            Effect.map(now, ({ reason, status }) => {
              assert.strictEqual(status, "down")
              assert.match(reason, /did not answer/)
            })
          )
        )
        yield* eventually(Effect.map(now, ({ status }) => status === "ok"))
        yield* sql.unsafe(`alter role ${role} in database ${name} set default_transaction_read_only = on`)
        const readOnly = yield* look
        assert.match((yield* readOnly).reason, /in a read-only transaction/)
        workers.clear()
        assert.match((yield* readOnly).reason, /in a read-only transaction/)
      }).pipe(Effect.scoped)
  )

  it.live(
    "a worker that cannot claim lanes, because a transaction has locked them, is reported as holding none",
    () => {
      const schema = freshSchema()
      return Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const store = yield* Store.Store
        const pipeline = Pipeline.from(Orders, { consumer: "c" }).pipe(Pipeline.tap(() => Effect.void))
        yield* Worker.drain(pipeline, { lanes: 4 })
        yield* store.outbox.write([yield* message("a", "k", "orders", "{\"id\":\"a\",\"account\":\"k\",\"n\":1}")])
        const locked = Deferred.makeUnsafe<void>()
        const unlock = Deferred.makeUnsafe<void>()
        yield* Effect.forkScoped(sql.withTransaction(Effect.gen(function*() {
          yield* sql.unsafe(`select from "${schema}".lanes for update`)
          yield* Deferred.succeed(locked, undefined)
          yield* Deferred.await(unlock)
        })))
        yield* Deferred.await(locked)
        yield* Effect.forkScoped(Worker.run(pipeline, { lanes: 4, statsEvery: "200 millis" }))
        const workers = Effect.map(report, ({ checks }) => checks.workers)
        yield* eventually(
          Effect.map(workers, ({ reason }) => reason.includes("messages wait in lanes that no worker has"))
        )
        yield* Deferred.succeed(unlock, undefined)
        yield* eventually(Effect.map(workers, ({ status }) => status === "ok"))
      }).pipe(
        Effect.scoped,
        Effect.provide(
          health.pipe(Layer.provideMerge(postgres(inject("databaseUrl"), {}, schema)), Layer.provideMerge(alone))
        )
      )
    }
  )
})
