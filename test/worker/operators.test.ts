// Operator actions on dead letters and consumers while workers run, on the memory engine and virtual time.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Latch, Ref, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Audit, Consumers, DeadLetters, Memory, Message, Pipeline, Store, Topic } from "millrace"
import {
  deadLetters,
  Declined,
  drain,
  eventually,
  Journal,
  order,
  Orders,
  orders,
  publish,
  runReadyFibers,
  start,
  until
} from "./support.ts"

/** Everything dies until it is fixed. */
const dying = Effect.fnUntraced(function*(count: number) {
  const broken = yield* Ref.make(true)
  const done = new Journal<(typeof Orders)["schema"]["Type"]>()
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap((one) =>
      Effect.flatMap(
        Ref.get(broken),
        (yes) => yes ? Effect.fail({ ...new Declined({ reason: one.id }), retryable: false }) : Effect.void
      )
    ),
    Pipeline.commit(done.write)
  )
  yield* publish(Orders, Array.from({ length: count }, (_, i) => order(`k${i}`, 1)))
  yield* drain(pipeline)
  return { pipeline, done, hint: Ref.set(broken, false), deadLetters: yield* deadLetters("ledger") }
})

describe("a redrive of a set", () => {
  it.effect("keeps its rate, tells how far it is, and can be interrupted between two transactions", () =>
    Effect.gen(function*() {
      yield* dying(30)
      const told: Array<number> = []
      const redriving = yield* Effect.forkChild(
        DeadLetters.redriveAll({ consumer: "ledger" }, {
          by: "anna",
          rate: 10,
          onProgress: ({ done }) => Effect.sync(() => told.push(done))
        }),
        { startImmediately: true }
      )
      yield* runReadyFibers
      assert.deepStrictEqual(told, [2])
      yield* TestClock.adjust("1 second")
      yield* runReadyFibers
      assert.isAtMost(told.at(-1)!, 12)
      assert.isAtLeast(told.at(-1)!, 10)
      yield* Fiber.interrupt(redriving)
      yield* TestClock.adjust("1 minute")
      const states = (yield* deadLetters("ledger")).map(({ state }) => state)
      assert.strictEqual(states.filter((state) => state === "redriving").length, told.at(-1))
      assert.lengthOf(yield* DeadLetters.audit({ action: "redriven" }), told.at(-1)!)
      const rest = yield* DeadLetters.discardAll({ consumer: "ledger" }, { by: "ben", note: "given up" })
      assert.strictEqual(rest.done, 30 - told.at(-1)!)
      assert.lengthOf(yield* DeadLetters.audit({ action: "discarded", by: "ben" }), rest.done)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("can be interrupted while it reports its progress: what was reported is done, and no more", () =>
    Effect.gen(function*() {
      yield* dying(30)
      const told: Array<number> = []
      const end = Latch.makeUnsafe(false)
      const redriving = yield* Effect.forkChild(
        DeadLetters.redriveAll({ consumer: "ledger" }, {
          by: "anna",
          rate: 10,
          onProgress: ({ done }) => told.push(done) < 2 ? Effect.void : end.await
        }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("10 seconds")
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(redriving), { startImmediately: true })
      yield* runReadyFibers
      const interrupted = interrupting.pollUnsafe()
      yield* end.open
      assert.isDefined(interrupted)
      assert.deepStrictEqual(told, [2, 4])
      assert.lengthOf((yield* deadLetters("ledger")).filter(({ state }) => state === "redriving"), 4)
      assert.lengthOf(yield* DeadLetters.audit({ action: "redriven" }), 4)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("refuses a rate that makes no sense, and does nothing", () =>
    Effect.gen(function*() {
      yield* dying(1)
      for (const rate of [0, -1, NaN, Infinity]) {
        const error = yield* Effect.flip(DeadLetters.redriveAll({}, { by: "anna", rate }))
        assert.strictEqual(error._tag, "InvalidSetting")
      }
      assert.deepStrictEqual(yield* Audit.list(), [])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("an edited payload", () => {
  const Lines = Topic.make("lines", {
    schema: Schema.Struct({ account: Schema.String, lines: Schema.Array(Schema.Struct({ cents: Schema.Int })) }),
    key: (one) => one.account,
    version: 2
  })
  const undecodable = Effect.gen(function*() {
    const done = new Journal<(typeof Lines)["schema"]["Type"]>()
    const pipeline = Pipeline.from(Lines, { consumer: "ledger" }).pipe(Pipeline.commit(done.write))
    yield* drain(pipeline)
    const store = yield* Store.Store
    const payloads = [
      "{\"account\":\"a\",\"lines\":[{\"cents\":\"12\"}]}",
      "{\"account\":\"a\",\"lines\":[{\"cents\":1},{\"cents\":\"13\"}]}",
      "{\"account\":\"a\"}",
      "{nonsense"
    ]
    yield* store.outbox.write(
      yield* Effect.forEach(payloads, (payload, i) => Message.make({ id: `${i}`, topic: "lines", key: "a", payload }))
    )
    yield* drain(pipeline)
    return { done, pipeline, found: yield* deadLetters("ledger"), payloads }
  })

  it.effect("is decoded by its topic, keeps id and key, and is committed; the dead letter shows both payloads", () =>
    Effect.gen(function*() {
      const { done, found, payloads, pipeline } = yield* undecodable
      const payload = "{ \"account\": \"a\", \"lines\": [{ \"cents\": 12 }] }"
      yield* DeadLetters.redriveEdited(found[0]!.id, { topic: Lines, payload, by: "anna", note: "cents came as text" })
      yield* drain(pipeline)
      assert.deepStrictEqual(done.values, [{ account: "a", lines: [{ cents: 12 }] }])
      assert.strictEqual(done.entries[0]!.context.message.id, "0")
      const deadLetter = yield* DeadLetters.get(found[0]!.id)
      assert.deepInclude(deadLetter, { state: "resolved", original: payloads[0] })
      assert.deepInclude(deadLetter.message, { payload, version: 2 })
      const [entry] = yield* DeadLetters.audit({ deadLetterId: deadLetter.id })
      assert.deepInclude(entry, { action: "edited", by: "anna", note: "cents came as text" })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is refused if it does not decode, has another key, or belongs to another topic; nothing is changed", () =>
    Effect.gen(function*() {
      const { found } = yield* undecodable
      const edit = (payload: string) =>
        Effect.flip(DeadLetters.redriveEdited(found[0]!.id, { topic: Lines, payload, by: "anna" }))
      const wrong = yield* edit("{\"account\":\"a\",\"lines\":[{\"cents\":\"12\"}]}")
      assert.deepInclude(wrong, { _tag: "EditUndecodable", where: "$.lines[*].cents InvalidType" })
      assert.match(wrong.message, /Nothing was changed\. Correct the edit\.$/)
      assert.strictEqual((yield* edit("no json"))._tag, "EditUndecodable")
      const key = yield* edit("{\"account\":\"b\",\"lines\":[]}")
      assert.deepInclude(key, { _tag: "EditRefused", field: "key", kept: "a", edited: "b" })
      assert.strictEqual((yield* edit(`{"account":"a","lines":[]}${" ".repeat(1_048_576)}`))._tag, "InvalidMessage")
      const other = DeadLetters.redriveEdited(found[0]!.id, { topic: Orders, payload: "{}", by: "anna" })
      assert.deepInclude(yield* Effect.flip(other), { _tag: "EditRefused", field: "topic" })
      assert.deepStrictEqual(yield* DeadLetters.get(found[0]!.id), found[0])
      assert.deepStrictEqual(yield* Audit.list(), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("belongs to a group by path and kind of issue, at any position and with any value", () =>
    Effect.gen(function*() {
      const { found } = yield* undecodable
      assert.deepStrictEqual(found.map(({ fingerprint }) => fingerprint), [
        "DecodeFailed@decode $.lines[*].cents InvalidType",
        "DecodeFailed@decode $.lines[*].cents InvalidType",
        "DecodeFailed@decode $.lines MissingKey",
        "DecodeFailed@decode $ NotJson"
      ])
      const groups = yield* DeadLetters.groups({ consumer: "ledger" })
      assert.deepStrictEqual(groups.map(({ deadLetters }) => deadLetters.count).toSorted((a, b) => a - b), [1, 1, 2])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("an operator action", () => {
  it.effect("is refused without the name of who decides, before anything is looked at; nothing is changed", () =>
    Effect.gen(function*() {
      yield* dying(1)
      const [deadLetter] = yield* deadLetters("ledger")
      const payload = "{}"
      const actions = (action: Store.OperatorAction) => [
        Consumers.pause("ledger", action),
        Consumers.resume("ledger", action),
        Consumers.pauseKey("ledger", "k0", action),
        Consumers.resumeKey("ledger", "k0", action),
        Consumers.unsubscribe("ledger", Orders.name, { ...action, force: { messages: true } }),
        Consumers.remove("unknown", { ...action, force: { messages: true } }),
        DeadLetters.redrive(deadLetter!.id, action),
        DeadLetters.redriveEdited(deadLetter!.id, { ...action, topic: Orders, payload }),
        DeadLetters.discard(deadLetter!.id, action),
        DeadLetters.restore("none", action),
        DeadLetters.release(deadLetter!.id, action),
        DeadLetters.redriveAll({ consumer: "ledger" }, action),
        DeadLetters.discardAll({ consumer: "ledger" }, action)
      ]
      const refused: ReadonlyArray<readonly [Store.OperatorAction, field: string, problem: string]> = [
        [{ by: "" }, "by", "is empty"],
        [{ by: " \n" }, "by", "is empty"],
        [{ by: "anna\0" }, "by", "contains a NUL character"],
        [{ by: "x".repeat(513) }, "by", "has more than 512 bytes"],
        [{ by: "anna", note: "\0" }, "note", "contains a NUL character"],
        [{ by: "anna", note: "x".repeat(4097) }, "note", "has more than 4096 bytes"]
      ]
      for (const [action, field, problem] of refused) {
        for (const attempt of actions(action)) {
          assert.deepInclude(yield* Effect.flip<unknown, unknown, Store.Store>(attempt), {
            _tag: "InvalidOperatorAction",
            field,
            problem
          })
        }
      }
      assert.deepStrictEqual(yield* deadLetters("ledger"), [deadLetter!])
      assert.deepStrictEqual(yield* Audit.list(), [])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a paused consumer", () => {
  it.effect("starts nothing more, not even what its worker holds; what runs is finished, then all continues in order", () =>
    Effect.gen(function*() {
      const done = new Journal<(typeof Orders)["schema"]["Type"]>()
      const latch = Latch.makeUnsafe(false)
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.mapEffect((one) => Effect.as(latch.await, one)),
        Pipeline.commit(done.write)
      )
      const worker = yield* start(pipeline, { concurrency: 1, prefetch: 16, lease: "30 seconds" })
      // It holds one of each key, one of them runs, and there is no room that would be worth a look.
      const others = Array.from({ length: 20 }, (_, i) => order(`c${i}`, 1))
      yield* publish(Orders, [...orders("a", 6), ...others])
      yield* runReadyFibers
      yield* Consumers.pause("ledger", { by: "anna" })
      // The worker has no free place, and gets the news when it renews its leases.
      yield* TestClock.adjust("12 seconds")
      yield* runReadyFibers
      yield* latch.open
      yield* until("what ran is finished", () => done.size === 1)
      yield* publish(Orders, orders("b", 2))
      yield* TestClock.adjust("1 hour")
      yield* runReadyFibers
      assert.deepStrictEqual(done.values.map(({ id }) => id), ["a1"])
      assert.strictEqual((yield* Consumers.get("ledger")).waiting.count, 27)
      yield* Consumers.resume("ledger", { by: "ben" })
      yield* eventually("all is done", () => done.size === 28, 5_000)
      const ids = done.values.map(({ id }) => id)
      assert.deepStrictEqual(ids.filter((id) => id.startsWith("a")), ["a1", "a2", "a3", "a4", "a5", "a6"])
      assert.deepStrictEqual(ids.filter((id) => id.startsWith("b")), ["b1", "b2"])
      assert.deepStrictEqual(done.attempts, Array.from({ length: 28 }, () => 1))
      yield* Fiber.interrupt(worker)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("ends a drain, which gives back what it has not started", () =>
    Effect.gen(function*() {
      const done = new Journal<(typeof Orders)["schema"]["Type"]>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.commit((one, context) =>
          Effect.andThen(
            done.write(one, context),
            one.n === 1 ? Effect.orDie(Consumers.pause("ledger", { by: "anna" })) : Effect.void
          )
        )
      )
      yield* publish(Orders, orders("a", 3))
      yield* drain(pipeline)
      assert.strictEqual(done.size, 1)
      yield* Consumers.resume("ledger", { by: "anna" })
      yield* drain(pipeline)
      assert.deepStrictEqual(done.values.map(({ id }) => id), ["a1", "a2", "a3"])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a removed consumer", () => {
  it.effect("stops the worker that runs, which says why", () =>
    Effect.gen(function*() {
      const done = new Journal<(typeof Orders)["schema"]["Type"]>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write))
      const worker = yield* start(pipeline)
      yield* publish(Orders, orders("a", 1))
      yield* until("it works", () => done.size === 1)
      assert.strictEqual((yield* Effect.flip(Consumers.remove("ledger", { by: "anna" })))._tag, "ConsumerBusy")
      yield* Consumers.remove("ledger", { by: "anna", force: { workers: true } })
      yield* eventually("it has stopped", () => worker.pollUnsafe() !== undefined)
      const error = yield* Effect.flip(Fiber.join(worker))
      assert.deepInclude(error, { _tag: "ConsumerRemoved", consumer: "ledger" })
      assert.deepStrictEqual(yield* Consumers.list, [])
    }).pipe(Effect.provide(Memory.layer)))
})
