/** A relay on the memory store, with another engine that fails in every way. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Layer, Metric, Schema, Scope } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetters, Errors, Health, Memory, type Message, Relay, Telemetry, Topic, Transport, Worker } from "millrace"

const Orders = Topic.make("orders", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  key: (order) => order.key,
  id: (order) => order.id
})
const orders = (...ids: ReadonlyArray<string>) => ids.map((id) => ({ id, key: id.charAt(0) }))

type Publish = Transport.Transport["Service"]["publish"]
type Failing = (messages: ReadonlyArray<Message.Message>) => Effect.Effect<void, Effect.Error<ReturnType<Publish>>>

/** Another engine, which records each request and what it has confirmed. */
const engine = (fails: Failing = () => Effect.void) => {
  const requests: Array<ReadonlyArray<string>> = []
  const stored: Array<string> = []
  const target = Layer.succeed(
    Transport.Transport,
    {
      publish: (messages) =>
        Effect.suspend(() => {
          requests.push(messages.map(({ id }) => id))
          return Effect.tap(
            Effect.tapError(fails(messages), (error) =>
              Effect.sync(() => {
                if (error._tag !== "PublishFailed") return
                const failed = new Set(error.failed.map(({ id }) => id))
                stored.push(...messages.filter(({ id }) => !failed.has(id)).map(({ id }) => id))
              })),
            () => Effect.sync(() => stored.push(...messages.map(({ id }) => id)))
          )
        })
    } as Transport.Transport["Service"]
  )
  return { requests, stored, target }
}

const away = new Errors.TransportError({ engine: "broker", operation: "publish", kind: "temporary", detail: "away" })
const gone = new Errors.TransportError({
  engine: "broker",
  operation: "publish",
  kind: "permanent",
  detail: "no queue"
})
const partial = (id: string, outcome: "refused" | "notStored" | "unknown") =>
  new Errors.PublishFailed({ engine: "broker", failed: [{ id, outcome, detail: "throttled" }] })

/** Starts a relay in the scope of the test. */
const start = (target: Layer.Layer<Transport.Transport>, options: Relay.RelayOptions = {}) =>
  Layer.build(Relay.layer(Orders, target, options))
/** The checks of health for the workers of this test only. */
const workers = Effect.flatMap(Health.Health, ({ report }) => Effect.map(report, ({ checks }) => checks))
const observed = Health.layer({ maxDelay: "1 minute" }).pipe(
  Layer.provideMerge(Memory.layer),
  Layer.provideMerge(Layer.sync(Health.Workers, () => new Set<Health.WorkerState>()))
)
const pass = (time: "100 millis" | "10 seconds" | "10 minutes") => TestClock.adjust(time)

describe("a relay", () => {
  it.effect("publishes each message under its own id, in the order of its key, one of a key in a request", () =>
    Effect.gen(function*() {
      const { requests, stored, target } = engine()
      yield* start(target)
      yield* Topic.publishAll(Orders, orders("a1", "a2", "b1", "a3", "b2", "c1"))
      yield* pass("10 seconds")
      assert.deepStrictEqual(stored.toSorted(), ["a1", "a2", "a3", "b1", "b2", "c1"])
      for (const key of ["a", "b", "c"]) {
        const ofKey = stored.filter((id) => id.startsWith(key))
        assert.deepStrictEqual(ofKey, ofKey.toSorted())
      }
      for (const request of requests) assert.lengthOf(new Set(request.map((id) => id.charAt(0))), request.length)
      assert.isBelow(requests.length, 6, "messages of several keys share a request")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("publishes what cannot be decoded and what a newer version wrote, as it is", () =>
    Effect.gen(function*() {
      const { stored, target } = engine()
      yield* start(target)
      const Newer = Topic.make("orders", { schema: Schema.String, id: (text) => text, version: 7 })
      yield* Topic.publish(Newer, "x1")
      yield* pass("10 seconds")
      assert.deepStrictEqual(stored, ["x1"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("keeps messages in order during an outage, backs off, shows the lag, and loses none", () =>
    Effect.gen(function*() {
      let down = true
      const { requests, stored, target } = engine(() => down ? Effect.fail(away) : Effect.void)
      yield* start(target)
      yield* Topic.publishAll(Orders, orders("a1", "a2", "b1"))
      yield* pass("10 minutes")
      assert.deepStrictEqual(stored, [])
      assert.isBelow(requests.length, 300, "it backs off")
      const labels = Telemetry.labels({ consumer: "relay/orders" })
      assert.isAbove((yield* Metric.value(Metric.withAttributes(Telemetry.lag, labels))).value, 500)
      assert.strictEqual((yield* Metric.value(Metric.withAttributes(Telemetry.waiting, labels))).value, 3)
      down = false
      yield* pass("10 seconds")
      assert.deepStrictEqual(stored.filter((id) => id.startsWith("a")), ["a1", "a2"])
      assert.lengthOf(stored, 3)
      assert.deepStrictEqual(yield* DeadLetters.list({ consumer: "relay/orders" }), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is shown by health while the other engine confirms nothing, and no longer", () =>
    Effect.gen(function*() {
      let down = true
      const { target } = engine(() => down ? Effect.fail(away) : Effect.void)
      yield* start(target, { grace: 0 })
      yield* pass("10 seconds")
      assert.deepInclude((yield* workers).workers, { status: "ok" }, "nothing was to be published yet")
      yield* Topic.publishAll(Orders, orders("a1", "a2", "b1"))
      yield* TestClock.adjust("9 seconds")
      assert.deepInclude((yield* workers).workers, { status: "ok" })
      yield* TestClock.adjust("9 seconds")
      const { lag, workers: { reason, status } } = yield* workers
      assert.strictEqual(status, "down", "the only worker of this process publishes nothing")
      assert.match(
        reason,
        /^Consumer "relay\/orders" has not been able to publish anything to the other engine for \d+(\.\d)? s\. .*away/
      )
      assert.strictEqual(lag.status, "ok", "the lag shows it much later")
      down = false
      yield* pass("10 seconds")
      assert.deepInclude((yield* workers).workers, { status: "ok" })
    }).pipe(Effect.provide(observed)))

  it.effect("is healthy while the other engine never stores one message, and confirms others", () =>
    Effect.gen(function*() {
      let never = true
      const { stored, target } = engine((messages) =>
        never && messages.some(({ id }) => id === "a1") ? Effect.fail(partial("a1", "notStored")) : Effect.void
      )
      yield* start(target, { grace: 0 })
      yield* Topic.publish(Orders, orders("a1")[0]!)
      for (let i = 1; i < 9; i++) {
        yield* Topic.publish(Orders, { id: `b${i}`, key: "b" })
        yield* TestClock.adjust("4 seconds")
        assert.deepInclude((yield* workers).workers, { status: "ok" })
      }
      assert.lengthOf(stored, 8)
      yield* TestClock.adjust("20 seconds")
      assert.match((yield* workers).workers.reason, /publish anything .*throttled/)
      never = false
      yield* pass("10 seconds")
      assert.lengthOf(stored, 9)
    }).pipe(Effect.provide(observed)))

  for (const outcome of ["notStored", "unknown"] as const) {
    it.effect(`publishes only the rest of a wave again: ${outcome}`, () =>
      Effect.gen(function*() {
        let failures = 2
        const { requests, stored, target } = engine((messages) =>
          messages.some(({ id }) => id === "b1") && failures-- > 0 ? Effect.fail(partial("b1", outcome)) : Effect.void
        )
        yield* start(target, { requests: 1 })
        yield* Topic.publishAll(Orders, orders("a1", "b1", "b2"))
        yield* pass("10 seconds")
        assert.deepStrictEqual(stored.toSorted(), ["a1", "b1", "b2"])
        assert.isBelow(stored.indexOf("b1"), stored.indexOf("b2"))
        assert.lengthOf(requests.filter((request) => request.includes("a1")), 1)
        assert.lengthOf(requests.filter((request) => request.includes("b1")), 3)
      }).pipe(Effect.provide(Memory.layer)))
  }

  it.effect("makes a refused message a dead letter, its key waits, and other keys continue", () =>
    Effect.gen(function*() {
      const { stored, target } = engine((messages) =>
        messages.some(({ id }) => id === "a1") ? Effect.fail(partial("a1", "refused")) : Effect.void
      )
      yield* start(target)
      yield* Topic.publishAll(Orders, orders("a1", "a2", "b1"))
      yield* pass("10 seconds")
      assert.deepStrictEqual(stored, ["b1"])
      const [dead, ...others] = yield* DeadLetters.list({ consumer: "relay/orders" })
      assert.lengthOf(others, 0)
      assert.deepInclude(dead, { reason: "rejected" })
      assert.strictEqual(dead!.attempts[0]!.tag, "RelayRefused")
    }).pipe(Effect.provide(Memory.layer)))

  for (
    const [what, failure] of [
      ["a permanent failure", Effect.fail(gone)],
      ["a defect", Effect.die(new Error("a bug"))],
      ["an interruption from within", Effect.interrupt]
    ] as const
  ) {
    it.effect(`stops permanently after ${what} of the other engine, and its messages wait`, () =>
      Effect.gen(function*() {
        const { target } = engine(() => failure)
        const fatal = yield* Deferred.make<string>()
        yield* start(target, { onFatal: (cause) => Deferred.succeed(fatal, Cause.pretty(cause)) })
        yield* Topic.publishAll(Orders, orders("a1", "b1"))
        yield* pass("10 seconds")
        assert.isTrue(Deferred.isDoneUnsafe(fatal))
        assert.match(yield* Deferred.await(fatal), /no queue|a bug|interrupt/)
        const working = engine()
        yield* start(working.target)
        yield* pass("10 minutes")
        assert.deepStrictEqual(working.stored.toSorted(), ["a1", "b1"])
      }).pipe(Effect.provide(Memory.layer)))
  }

  it.effect("that stops lets its request finish, and gives the other messages back", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const { stored, target } = engine(() =>
        Effect.andThen(Deferred.succeed(begun, undefined), Effect.sleep("1 second"))
      )
      const scope = yield* Scope.make()
      yield* Scope.provide(start(target), scope)
      yield* Topic.publishAll(Orders, orders("a1", "a2"))
      yield* Effect.andThen(pass("100 millis"), Deferred.await(begun))
      const closing = yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* pass("10 seconds")
      assert.isDefined(closing.pollUnsafe())
      assert.deepStrictEqual(stored, ["a1"])
      const next = engine()
      yield* start(next.target)
      yield* pass("10 seconds")
      assert.deepStrictEqual(next.stored, ["a2"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("refuses settings out of their range by name", () =>
    Effect.gen(function*() {
      for (const [setting, value] of [["wave", 0], ["wave", 1.5], ["requests", 101], ["lanes", 0]] as const) {
        const error = yield* Effect.flip(start(engine().target, { [setting]: value }))
        assert.deepInclude(error, { _tag: "InvalidSetting", setting })
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("fails with the failure of the other layer, and starts nothing", () =>
    Effect.gen(function*() {
      const broken = Layer.effect(Transport.Transport, Effect.fail("not there" as const))
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Relay.layer(Orders, broken))))
      assert.strictEqual(error, "not there")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("ends the program of launch when the other engine has failed permanently", () =>
    Effect.gen(function*() {
      const { target } = engine(() => Effect.fail(gone))
      const program = yield* Effect.forkChild(Effect.flip(Worker.launch(Relay.layer(Orders, target))))
      yield* pass("100 millis")
      yield* Topic.publishAll(Orders, orders("a1"))
      yield* pass("10 minutes")
      const exit = program.pollUnsafe()
      assert.deepInclude(exit, { _tag: "Success", value: gone })
    }).pipe(Effect.provide(Memory.layer)))
})
