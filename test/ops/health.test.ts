// The health of a process: each check, in sentences, with the worst of them as its status.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Redacted, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Consumers, Errors, Health, Memory, Pipeline, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { drain, order, Orders, orders, ports, publish, runReadyFibers, start, stop } from "../worker/support.ts"

const report = Effect.flatMap(Health.Health, (health) => health.report)

/** Workers of other tests in this file are not seen. */
const alone = Layer.sync(Health.Workers, () => new Set<Health.WorkerState>())

const health = (options?: Health.HealthOptions) => Health.layer({ maxDelay: "1 minute", ...options })

const layer = (options?: Health.HealthOptions, memory: Layer.Layer<any> = Memory.layer) =>
  health(options).pipe(Layer.provideMerge(memory as typeof Memory.layer), Layer.provideMerge(alone))

describe("health", () => {
  it.effect("is ok with several workers that work, and says how many", () =>
    Effect.gen(function*() {
      const workers = [
        yield* start(Pipeline.from(Orders, { consumer: "one" })),
        yield* start(Pipeline.from(Orders, { consumer: "two" }))
      ]
      yield* runReadyFibers
      yield* TestClock.adjust("1 minute")
      const { checks, status } = yield* report
      assert.deepStrictEqual(Object.values(checks).map((check) => check.status), Array(8).fill("ok"))
      assert.strictEqual(status, "ok")
      assert.strictEqual(checks.workers.reason, "2 workers run in this process.")
      for (const { reason } of Object.values(checks)) assert.match(reason, /^[A-Z0-9].*\.$/)
      for (const worker of workers) yield* stop(worker)
      assert.match((yield* report).checks.workers.reason, /^0 workers/)
    }).pipe(Effect.provide(layer())))

  it.effect("is degraded by a queue that falls behind, and names consumer, age and number", () =>
    Effect.gen(function*() {
      const slow = Pipeline.from(Orders, { consumer: "slow" }).pipe(Pipeline.tap(() => Effect.never))
      yield* drain(slow)
      const other = yield* start(Pipeline.from(Orders, { consumer: "quick" }))
      yield* publish(Orders, orders("a", 3))
      const worker = yield* start(slow, { statsEvery: "10 seconds" })
      yield* runReadyFibers
      yield* TestClock.adjust("4 minutes")
      assert.strictEqual((yield* report).status, "ok")
      yield* TestClock.adjust("2 minutes")
      const { checks, status } = yield* report
      assert.strictEqual(status, "degraded")
      assert.match(checks.lag.reason, /^Consumer "slow" is 3\d\d(\.\d)? s behind, with 3 messages\./)
      yield* stop(worker)
      yield* stop(other)
    }).pipe(Effect.provide(layer())))

  it.effect("is degraded by a key that is parked for long, and says how many messages wait behind it", () =>
    Effect.gen(function*() {
      const books = Pipeline.from(Orders, { consumer: "books" }).pipe(
        Pipeline.tap(({ n }) => n === 1 ? Effect.fail({ retryable: false }) : Effect.void),
        Pipeline.deadLetter({ order: "park" })
      )
      yield* drain(books)
      yield* publish(Orders, orders("a", 502))
      const workers = [yield* start(books), yield* start(books)]
      yield* runReadyFibers
      yield* TestClock.adjust("4 minutes")
      const before = (yield* report).checks
      assert.deepStrictEqual([before.heldKeys.status, before.lag.status], ["ok", "ok"])
      assert.strictEqual(before.heldKeys.reason, "Keys that are parked: 1. Keys that are held for a retry: 0.")
      yield* TestClock.adjust("8 minutes")
      const { checks, status } = yield* report
      assert.strictEqual(status, "degraded")
      assert.match(
        checks.heldKeys.reason,
        /^Consumer "books": parked keys wait for an operator \(1\), the oldest for 7\d\d(\.\d)? s, and 501 messages wait behind held keys\.[^:]*$/
      )
      yield* Effect.forEach(workers, stop)
    }).pipe(Effect.provide(layer())))

  it.effect("is degraded by a consumer whose workers are gone, and by a topic that no consumer reads", () =>
    Effect.gen(function*() {
      const books = Pipeline.from(Orders, { consumer: "books" })
      const routed = Effect.map(report, ({ checks }) => checks.routing)
      yield* drain(books)
      assert.deepStrictEqual(yield* routed, {
        status: "ok",
        reason: "Every queue with messages has a worker, and every published topic a consumer."
      })
      yield* publish(Orders, [order("a", 1)])
      yield* publish(Topic.make("odrers", { schema: Schema.String, id: "random" }), ["x"])
      assert.deepStrictEqual(yield* routed, {
        status: "degraded",
        reason: "Messages wait, and no worker lives in any process, for: \"books\". Start one. "
          + "No consumer reads these topics, and their messages wait: \"odrers\". Look for a typing error."
      })
      const worker = yield* start(books)
      yield* runReadyFibers
      assert.notMatch((yield* routed).reason, /books/)
      yield* stop(worker)
      yield* publish(Orders, [order("a", 2)])
      yield* Consumers.pause("books", { by: "anna" })
      assert.notMatch((yield* routed).reason, /books/)
    }).pipe(Effect.provide(layer())))

  it.live("sees consumers without workers and topics without consumers on Postgres", () =>
    Effect.gen(function*() {
      const books = Pipeline.from(Orders, { consumer: "books" })
      yield* Worker.drain(books)
      assert.strictEqual((yield* report).checks.routing.status, "ok")
      yield* Topic.publish(Orders, order("a", 1))
      yield* Topic.publish(Topic.make("odrers", { schema: Schema.String, id: "random" }), "x")
      const { routing } = (yield* report).checks
      assert.match(routing.reason, /for: "books"\. Start one\. .*their messages wait: "odrers"/)
    }).pipe(Effect.provide(
      health().pipe(Layer.provideMerge(postgres(inject("databaseUrl"))), Layer.provideMerge(alone))
    )))

  it.effect("is degraded while leases are not renewed, before they are lost", () => {
    let able = true
    const down = new Errors.TransportError({ engine: "t", operation: "renew", kind: "temporary", detail: "down" })
    const memory = ports({
      subscription: (subscription) => ({
        renew: (leases) => able ? subscription.renew(leases) : Effect.fail(down)
      })
    })
    return Effect.gen(function*() {
      const slow = Pipeline.from(Orders, { consumer: "slow" }).pipe(Pipeline.tap(() => Effect.never))
      yield* drain(slow)
      yield* publish(Orders, [order("a", 1)])
      const worker = yield* start(slow, { lease: "30 seconds" })
      yield* runReadyFibers
      yield* TestClock.adjust("12 seconds")
      assert.strictEqual((yield* report).checks.renewal.status, "ok")
      able = false
      yield* TestClock.adjust("16 seconds")
      const { checks, status } = yield* report
      assert.strictEqual(status, "degraded")
      assert.match(checks.renewal.reason, /^Consumer "slow": leases of 30000 ms end in \d+ ms/)
      able = true
      yield* stop(worker)
    }).pipe(Effect.provide(layer({}, memory)))
  })

  it.effect("is degraded while a worker stops, and when the state of a queue is older than a minute", () => {
    let able = true
    const failure = new Errors.StoreFailure({ operation: "look", kind: "timeout", code: "", detail: "slow", hint: "" })
    const memory = ports({
      store: (store) => ({
        consumers: {
          ...store.consumers,
          status: (consumer) => able ? store.consumers.status(consumer) : Effect.fail(failure)
        }
      })
    })
    return Effect.gen(function*() {
      const slow = Pipeline.from(Orders, { consumer: "slow" }).pipe(Pipeline.tap(() => Effect.never))
      yield* drain(slow)
      yield* publish(Orders, [order("a", 1)])
      const worker = yield* start(slow, { grace: "20 seconds" })
      yield* runReadyFibers
      yield* TestClock.adjust("30 seconds")
      able = false
      yield* TestClock.adjust("80 seconds")
      assert.match((yield* report).checks.lag.reason, /^The state of the queue of "slow" is unknown for \d+/)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* runReadyFibers
      assert.strictEqual(
        (yield* report).checks.workers.reason,
        "Workers that are stopping, and take nothing more: \"slow\"."
      )
      yield* TestClock.adjust("21 seconds")
      yield* Fiber.join(stopping)
    }).pipe(Effect.provide(layer({}, memory)))
  })

  it.live("is degraded by an event loop that was blocked, for a while, and names for how long", () =>
    Effect.gen(function*() {
      yield* Effect.sleep("50 millis")
      const until = performance.now() + 700
      while (performance.now() < until) { /* a handler that computes */ }
      yield* Effect.sleep("50 millis")
      const { checks, status } = yield* report
      assert.strictEqual(status, "degraded")
      const millis = Number(/blocked for (\d+) ms/.exec(checks.eventLoop.reason)![1])
      assert.isTrue(millis >= 600, checks.eventLoop.reason)
      // Not forgotten by being asked for.
      assert.strictEqual((yield* report).status, "degraded")
    }).pipe(Effect.provide(layer({ maxDelay: "400 millis" }))))

  it.live("is down, within its bound, when the network to the database is cut, and ok when it is back", () =>
    Effect.gen(function*() {
      const front = yield* proxy(inject("databaseUrl"))
      const built = yield* Layer.build(
        health({ timeout: "500 millis" }).pipe(
          Layer.provideMerge(Postgres.layer({ url: Redacted.make(front.url), schema: freshSchema() })),
          Layer.provideMerge(alone)
        )
      )
      const { report } = Context.get(built, Health.Health)
      assert.strictEqual((yield* report).checks.database.status, "ok")
      front.swallow = () => true
      const began = performance.now()
      const { checks, status } = yield* report
      assert.isBelow(performance.now() - began, 3000)
      assert.strictEqual(status, "down")
      assert.match(
        checks.database.reason,
        /^The database \(postgres\) cannot be reached\. It did not answer within 500 ms\.$/
      )
      front.swallow = undefined
      // The driver takes seconds to give up the request that was cut, and only one is under way at a time.
      yield* Effect.map(report, ({ checks }) => checks.database.status === "ok").pipe(
        Effect.repeat({ until: (back) => back, schedule: Schedule.spaced("100 millis") }),
        Effect.timeout("25 seconds")
      )
    }).pipe(Effect.scoped))

  it.effect("is down when the store refuses, and says what the store says", () => {
    const failure = new Errors.StoreFailure({
      operation: "answer",
      kind: "unavailable",
      code: "57P03",
      detail: "the database system is starting up",
      hint: "Wait."
    })
    return Effect.gen(function*() {
      const { checks, status } = yield* report
      assert.strictEqual(status, "down")
      assert.include(checks.database.reason, "the database system is starting up")
    }).pipe(Effect.provide(layer({}, ports({ store: () => ({ checkAccess: () => Effect.fail(failure) }) }))))
  })

  it.effect("refuses settings that make no sense", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(layer({ maxLag: 0 }))))
      assert.strictEqual(error instanceof Errors.InvalidSetting && error.setting, "maxLag")
      yield* Effect.asVoid(Store.Store)
    }).pipe(Effect.provide(Memory.layer)))
})
