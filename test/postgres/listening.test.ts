/**
 * The connection that listens: open, and nothing comes through. It notices by itself, and wake-ups take milliseconds
 * again.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Queue, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Health, Inbox, Lease, Pipeline, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import type { NoteHandler, Wake } from "../../src/postgres/queue/Wake.ts"
import * as PgWatchers from "../../src/postgres/store/PgWatchers.ts"
import { proxy } from "../harness/proxy.ts"
import { logging } from "../ops/collectors.ts"
import { freshDatabase } from "../setup/database.ts"
import { asleep, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")
const Notes = Topic.make("notes", { schema: Schema.String, id: (note) => note, key: (note) => note })

/** Looks again until it holds, and returns how long that took. */
const within = <E, R>(seconds: number, holds: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), holds), { until: (yes) => yes }).pipe(
    Effect.timeout(`${seconds} seconds`)
  )

/** Two processes on one schema: this one behind a proxy, the other beside it. */
const processes = Effect.fnUntraced(function*(options: Partial<Postgres.PostgresOptions> = {}) {
  const between = yield* proxy(url)
  const schema = freshSchema()
  const other = yield* Layer.build(postgres(url, options, schema))
  const here = yield* Layer.build(Postgres.layer({ url: Redacted.make(between.url), schema, ...options }))
  return { between, schema, other, here }
})

// Each waits for the listener's own bounds.
describe.concurrent("a LISTEN connection that is open and dead", () => {
  it.live("is replaced: wake-ups take milliseconds again within 15 seconds, one line says it, and Health, too", () => {
    const { layer, lines } = logging()
    const done = new Map<string, number>()
    const said = () => lines.filter(({ message }) => message.includes("listens for wake-ups"))
    return Effect.gen(function*() {
      const { between, here, other, schema } = yield* processes()
      const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
        Pipeline.tap((note) => Effect.sync(() => done.set(note, performance.now())))
      )
      const health = Context.get(
        yield* Layer.build(Layer.provide(Health.layer(), Layer.succeedContext(here))),
        Health.Health
      )
      const wakeUps = Effect.map(health.report, ({ checks }) => checks.wakeUps.status)
      yield* Effect.forkScoped(Effect.provide(Worker.run(pipeline, { idlePoll: "1 minute" }), here))
      const publish = (note: string) =>
        Effect.gen(function*() {
          yield* Effect.provide(asleep(schema), other)
          yield* Effect.provide(Topic.publish(Notes, note), other)
          return performance.now()
        })
      const handled = (note: string) => Effect.sync(() => done.has(note))

      yield* publish("before")
      yield* within(5, handled("before"))
      assert.strictEqual(yield* wakeUps, "ok")
      assert.strictEqual(between.silence("LISTEN"), 1)
      const missed = yield* publish("missed")
      yield* Effect.all([
        within(15, handled("missed")),
        within(15, Effect.map(wakeUps, (status) => status === "degraded"))
      ], { concurrency: 2 })
      assert.isBelow(done.get("missed")! - missed, 15_000)
      assert.lengthOf(said(), 1)
      assert.match(said()[0]!.message, /did not respond within 4000 ms\. No message was lost/)
      yield* within(5, Effect.map(wakeUps, (status) => status === "ok"))
      const again = yield* publish("again")
      yield* within(5, handled("again"))
      assert.isBelow(done.get("again")! - again, 1_000)
      assert.lengthOf(said(), 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("is replaced also when LISTEN itself is not answered", () =>
    Effect.gen(function*() {
      const { between, here } = yield* processes()
      let asked = 0
      between.dropResponses = (chunk) => chunk.includes("LISTEN") && asked++ === 0
      const pipeline = Pipeline.from(Notes, { consumer: "c" })
      yield* Effect.forkScoped(Effect.provide(Worker.run(pipeline), here))
      yield* within(15, Effect.sync(() => asked === 2))
      yield* within(5, Effect.sync(() => Context.get(here, Store.Store).notListeningMillis() === 0))
    }).pipe(Effect.scoped))

  it.live("does not keep the layer from closing", () =>
    Effect.gen(function*() {
      const { between, here } = yield* Effect.gen(function*() {
        const built = yield* processes()
        yield* Effect.forkScoped(Effect.provide(Worker.run(Pipeline.from(Notes, { consumer: "c" })), built.here))
        yield* within(10, Effect.sync(() => built.between.silence("listening_channels") === 1))
        return built
      }).pipe(Effect.scoped, Effect.timeout("20 seconds"))
      assert.isDefined(here)
      assert.strictEqual(between.silence("listening_channels"), 0)
    }))

  it.live("is replaced when its server is read-only: what is published on the new primary is not said there", () => {
    const { layer, lines } = logging()
    return Effect.gen(function*() {
      const there = yield* freshDatabase(url)
      const schema = freshSchema()
      const built = yield* Layer.build(postgres(there, {}, schema))
      const sql = Context.get(built, SqlClient.SqlClient)
      const newSessions = (readOnly: string) =>
        sql`alter database ${sql(new URL(there).pathname.slice(1))} set default_transaction_read_only = ${
          sql.literal(readOnly)
        }`
      yield* Effect.provide(Worker.drain(Pipeline.from(Notes, { consumer: "c" })), built)
      yield* newSessions("on")
      const here = yield* Layer.build(Postgres.layer({ url: Redacted.make(there), schema, migrate: "check" }))
      // A waiter for a lease listens; a worker would not even have registered.
      yield* Effect.forkScoped(Effect.provide(Lease.acquire("leader"), here))
      const isNotListening = () => Context.get(here, Store.Store).notListeningMillis() > 0
      yield* within(15, Effect.sync(isNotListening))
      yield* newSessions("off")
      yield* within(15, Effect.sync(() => !isNotListening()))
      assert.lengthOf(lines.filter(({ message }) => message.includes("its server is read-only")), 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.live("notifies Inbox.await again of what another process commits", () =>
    Effect.gen(function*() {
      const { between, here, other, schema } = yield* processes()
      const latch = Deferred.makeUnsafe<void>()
      // The worker is behind the proxy: it did not hear who awaits.
      const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(Pipeline.tap(() => Deferred.await(latch)))
      yield* Effect.forkScoped(Effect.provide(Worker.run(pipeline), here))
      yield* within(10, Effect.sync(() => between.silence("listening_channels") === 1))
      yield* Effect.provide(Topic.publish(Notes, "n"), other)
      const awaited = yield* Effect.forkChild(
        Effect.provide(Inbox.await({ consumer: "c", id: "n" }, { timeout: "40 seconds" }), other)
      )
      const notes = yield* Effect.flatMap(PgClient.PgClient, (sql) => sql.listen(`millrace_${schema}`)).pipe(
        Effect.provide(other)
      )
      const said = (note: RegExp) =>
        Effect.repeat(Effect.map(Queue.take(notes), ({ payload }) => note.exec(payload)), {
          until: (it) => it !== null
        })
          .pipe(Effect.timeout("20 seconds"))
      const asked = yield* said(/^await:(.*):c:n$/)
      // The worker's process listens again, and the waiter announces its id to it.
      yield* said(new RegExp(`^listening:(?!${asked![1]}$)`))
      yield* said(/^await:.*:c:n$/)
      yield* Deferred.succeed(latch, undefined)
      yield* said(/^settled:c:n$/)
      assert.strictEqual((yield* Fiber.join(awaited))._tag, "Committed")
    }).pipe(Effect.scoped))
})

describe("a waiter for an id that another process decides", () => {
  const watching = Effect.gen(function*() {
    const sent: Array<string> = []
    let handler: NoteHandler | undefined
    const wake: Partial<Wake> = {
      listen: Effect.void,
      send: (note) => void sent.push(note),
      onNote: (one) => {
        handler = one
      }
    }
    const watchers = yield* PgWatchers.make(wake as Wake)
    yield* Effect.asVoid(watchers.watch("c", "i", true))
    const me = /^await:(.*):c:i$/.exec(sent.splice(0)[0]!)![1]!
    return { sent, handler: handler!, me }
  })

  it.effect("asks again when its process begins to listen again, and when another one does", () =>
    Effect.gen(function*() {
      const { handler, me, sent } = yield* watching
      handler.listening()
      assert.deepStrictEqual(sent.splice(0), [`listening:${me}`, `await:${me}:c:i`])
      handler.receive("listening:other")
      assert.deepStrictEqual(sent.splice(0), [`await:${me}:c:i`])
      handler.receive(`listening:${me}`)
      assert.deepStrictEqual(sent, [])
    }).pipe(Effect.scoped))
})
