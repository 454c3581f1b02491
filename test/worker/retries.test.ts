// A message whose attempt failed, until it commits or is a dead letter.
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule, Schema, TxRef } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Message, Pipeline, Retry, Store, Topic } from "millrace"
import {
  deadLetters,
  Declined,
  drain,
  eventually,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  publish,
  runReadyFibers,
  start,
  stop,
  until
} from "./support.ts"

const fast = Retry.exponential("100 millis", { attempts: 5, jitter: false })
const slow = Retry.exponential("1 minute", { attempts: 4, jitter: false, cap: "1 hour" })

/** A ledger whose account "bad" fails its first attempts, and a journal of all attempts and of the commits. */
const failing = (policy: Retry.Policy<unknown>, failures: number) => {
  const tried = new Journal<Order>()
  const done = new Journal<Order>()
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(tried.write),
    Pipeline.mapEffect((one, context) =>
      one.account === "bad" && one.n === 1 && context.attempt <= failures
        ? Effect.fail(new Declined({ reason: `attempt ${context.attempt}` }))
        : Effect.succeed(one)
    ),
    Pipeline.commit(done.write),
    Pipeline.retry(policy)
  )
  const triedBad = () => tried.entries.filter((entry) => entry.value.id === "bad1").length
  return { pipeline, tried, done, triedBad }
}

describe("a short delay", () => {
  it.effect("is waited for in place, each for the policy's delay", () =>
    Effect.gen(function*() {
      const { pipeline, done, triedBad } = failing(fast, 3)
      yield* publish(Orders, [order("bad", 1), order("bad", 2), order("good", 1)])
      yield* start(pipeline)
      yield* until("the other key is done", () => done.size === 1)
      for (const [delay, attempts] of [[99, 1], [1, 2], [199, 2], [1, 3], [399, 3], [1, 4]] as const) {
        yield* TestClock.adjust(delay)
        yield* runReadyFibers
        assert.strictEqual(triedBad(), attempts)
      }
      assert.deepStrictEqual(done.values.map((one) => one.id), ["good1", "bad1", "bad2"])
      assert.deepStrictEqual(done.attempts, [1, 4, 1])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("runs all steps again, and the effects of a failed attempt are undone", () =>
    Effect.gen(function*() {
      const sum = yield* TxRef.make(0)
      let decoded = 0
      yield* publish(Orders, [order("a", 5)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.map((one) => (decoded++, one)),
          Pipeline.commit((one) => Effect.as(TxRef.update(sum, (before) => before + one.n), one)),
          Pipeline.commit((_, context) => context.attempt < 3 ? Effect.fail("again") : Effect.void),
          Pipeline.retry(fast)
        )
      )
      assert.deepStrictEqual([decoded, yield* TxRef.get(sum)], [3, 5])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a long delay", () => {
  it.effect("holds the key: its successors wait in order, and other keys go on", () =>
    Effect.gen(function*() {
      const { pipeline, done, triedBad } = failing(slow, 1)
      yield* publish(Orders, [...orders("bad", 3), ...orders("good", 3)])
      yield* start(pipeline, { lanes: 1, concurrency: 2, prefetch: 512 })
      yield* until("the other key is done", () => done.size === 3)
      yield* TestClock.adjust("59 seconds")
      yield* publish(Orders, [order("good", 4), order("bad", 4)])
      yield* until("it still is", () => done.size === 4)
      yield* runReadyFibers
      assert.strictEqual(triedBad(), 1)
      yield* eventually("the held key continues", () => done.size === 8, 3_000)
      assert.deepStrictEqual(
        done.values.map((one) => one.id),
        ["good1", "good2", "good3", "good4", "bad1", "bad2", "bad3", "bad4"]
      )
      assert.deepStrictEqual(done.attempts, [1, 1, 1, 1, 2, 1, 1, 1])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("frees the worker: with a concurrency of one, others are handled meanwhile", () =>
    Effect.gen(function*() {
      const { pipeline, done } = failing(slow, 1)
      yield* publish(Orders, [order("bad", 1), order("good", 1)])
      yield* start(pipeline, { concurrency: 1, prefetch: 1, lanes: 1 })
      yield* eventually("the other one is done", () => done.size === 1, 2_000)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("survives the worker: attempts and delays go on in another one where they were", () =>
    Effect.gen(function*() {
      const { pipeline, done, tried, triedBad } = failing(slow, 3)
      yield* publish(Orders, [order("bad", 1)])
      for (const [attempt, minutes] of [[1, 1], [2, 2], [3, 4]] as const) {
        const worker = yield* start(pipeline)
        yield* eventually(`attempt ${attempt}`, () => triedBad() === attempt, 3_000)
        yield* stop(worker)
        // No worker runs meanwhile; the time counts all the same.
        yield* TestClock.adjust(Duration.minutes(minutes))
      }
      yield* start(pipeline)
      yield* eventually("it commits", () => done.size === 1, 3_000)
      assert.deepStrictEqual(tried.attempts, [1, 2, 3, 4])
      assert.deepStrictEqual(done.attempts, [4])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("ends in a dead letter with every attempt, although four workers made them", () =>
    Effect.gen(function*() {
      const { pipeline, done, triedBad } = failing(slow, 99)
      yield* publish(Orders, [order("bad", 1), order("bad", 2)])
      for (const attempt of [1, 2, 3, 4]) {
        const worker = yield* start(pipeline, { name: `worker-${attempt}`, codeVersion: `v${attempt}` })
        yield* eventually(`attempt ${attempt}`, () => triedBad() === attempt, 600_000)
        yield* runReadyFibers
        yield* stop(worker)
      }
      yield* drain(pipeline)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.strictEqual(deadLetter!.reason, "exhausted")
      assert.deepStrictEqual(deadLetter!.attempts.map((one) => one.attempt), [1, 2, 3, 4])
      assert.deepStrictEqual(deadLetter!.attempts.map((one) => one.worker), [1, 2, 3, 4].map((n) => `worker-${n}`))
      assert.deepStrictEqual(deadLetter!.attempts.map((one) => one.codeVersion), ["v1", "v2", "v3", "v4"])
      assert.deepStrictEqual(deadLetter!.attempts[0]!.error, {
        _tag: "Declined",
        reason: "attempt 1",
        message: "declined: attempt 1"
      })
      assert.deepStrictEqual(done.values.map((one) => one.id), ["bad2"])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("an error has a say", () => {
  class Throttled extends Schema.TaggedError<Throttled>()("Throttled", { retryAfter: Schema.Unknown }) {}
  class Refused extends Schema.TaggedError<Refused>()("Refused", { retryable: Schema.Boolean }) {}

  it.effect("how long to wait, in place or as a hold", () =>
    Effect.gen(function*() {
      const tried = new Journal<Order>()
      const waits = ["500 millis", "10 minutes"]
      yield* publish(Orders, [order("a", 1)])
      yield* start(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(tried.write),
          Pipeline.mapEffect((one, { attempt }) =>
            attempt <= 2 ? Effect.fail(new Throttled({ retryAfter: waits[attempt - 1] })) : Effect.succeed(one)
          ),
          Pipeline.retry(fast)
        )
      )
      for (
        const [passed, attempts] of [["499 millis", 1], ["1 millis", 2], ["599 seconds", 2], ["2 seconds", 3]] as const
      ) {
        yield* runReadyFibers
        yield* TestClock.adjust(passed)
        yield* runReadyFibers
        assert.strictEqual(tried.size, attempts, `after another ${passed}`)
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("but not how often: the policy's attempts are the limit", () =>
    Effect.gen(function*() {
      const tried = new Journal<Order>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(tried.write),
          Pipeline.mapEffect(() => Effect.fail(new Throttled({ retryAfter: 1 }))),
          Pipeline.retry(fast)
        )
      )
      assert.strictEqual(tried.size, 5)
      assert.strictEqual((yield* deadLetters("ledger"))[0]?.reason, "exhausted")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that another attempt is useless: rejected after one", () =>
    Effect.gen(function*() {
      const tried = new Journal<Order>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(tried.write),
          Pipeline.commit(() => Effect.fail(new Refused({ retryable: false })))
        )
      )
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepStrictEqual([tried.size, deadLetter?.reason, deadLetter?.attempts.length], [1, "rejected", 1])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("and so has the pipeline's own rule, by the typed error", () =>
    Effect.gen(function*() {
      const tried = new Journal<Order>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(tried.write),
          Pipeline.mapEffect((_, { attempt }) =>
            Effect.fail(new Declined({ reason: attempt < 3 ? "busy" : "closed" }))
          ),
          Pipeline.retry(fast, { while: (error: unknown) => !(error instanceof Declined) || error.reason !== "closed" })
        )
      )
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepStrictEqual([tried.size, deadLetter?.reason, deadLetter?.attempts.length], [3, "rejected", 3])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("and so has a schedule that branches on it, also over errors of an earlier worker", () =>
    Effect.gen(function*() {
      const patient = Schedule.spaced("1 minute").pipe(
        Schedule.setInputType<{ readonly _tag: string; readonly reason?: string }>(),
        Schedule.while(({ input }) => Effect.succeed(input._tag === "Declined" && input.reason === "busy"))
      )
      const tried = new Journal<Order>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap(tried.write),
        Pipeline.mapEffect((_, { attempt }) => Effect.fail(new Declined({ reason: attempt < 4 ? "busy" : "closed" }))),
        Pipeline.retry(patient as Retry.Policy<unknown>)
      )
      yield* publish(Orders, [order("a", 1)])
      for (let i = 0; i < 5; i++) {
        yield* drain(pipeline)
        yield* TestClock.adjust("1 minute")
      }
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepStrictEqual([tried.size, deadLetter?.reason], [4, "exhausted"])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a fault of a handler", () => {
  const failsWith = Effect.fnUntraced(function*<E>(
    pipeline: Pipeline.Pipeline<unknown, E, never>,
    attempts = 1
  ) {
    yield* publish(Orders, [order("a", 1), order("b", 1)])
    yield* drain(pipeline)
    const [deadLetter] = yield* deadLetters("ledger")
    assert.strictEqual(deadLetter!.message.id, "a1")
    assert.lengthOf(deadLetter!.attempts, attempts)
    return deadLetter!.attempts[0]!
  })
  const from = Pipeline.from(Orders, { consumer: "ledger" })
  const onA = (effect: Effect.Effect<unknown>) => (one: Order) => one.account === "a" ? effect : Effect.void

  it.effect("a defect is a failed attempt like any other, with the tag Defect", () =>
    Effect.gen(function*() {
      const failure = yield* failsWith(
        from.pipe(Pipeline.tap(onA(Effect.die(new TypeError("x is no function")))), Pipeline.retry(fast)),
        5
      )
      assert.deepInclude(failure, { tag: "Defect", step: "steps" })
      assert.include(failure.message, "TypeError: x is no function")
      assert.include(failure.stack, "retries.test.ts")
      assert.match(failure.frame, /(^| )retries\.test\.ts$/)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("so is an exception thrown by a pure step, a filter, a commit step, or what is emitted", () =>
    Effect.gen(function*() {
      const boom = (one: Order): never => {
        throw new Error(`boom ${one.id}`)
      }
      const steps = [
        from.pipe(Pipeline.map(boom), Pipeline.retry(Retry.never)),
        from.pipe(Pipeline.filter(boom), Pipeline.retry(Retry.never)),
        from.pipe(Pipeline.mapEffect(boom), Pipeline.retry(Retry.never)),
        from.pipe(Pipeline.commit(boom), Pipeline.retry(Retry.never)),
        from.pipe(Pipeline.emit(Orders, boom), Pipeline.retry(Retry.never))
      ]
      for (const pipeline of steps) {
        yield* Effect.gen(function*() {
          yield* publish(Orders, [order("a", 1)])
          yield* drain(pipeline as Pipeline.Pipeline<unknown>)
          const [deadLetter] = yield* deadLetters("ledger")
          assert.deepInclude(deadLetter, { reason: "exhausted" })
          assert.deepInclude(deadLetter!.attempts[0], { tag: "Defect" })
          assert.include(deadLetter!.attempts[0]!.message, "boom a1")
        }).pipe(Effect.provide(Memory.layer, { local: true }))
      }
    }))

  it.effect("steps that take too long are interrupted and the attempt has failed with StepTimeout", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const hang = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      const failure = yield* failsWith(
        from.pipe(Pipeline.tap(onA(hang)), Pipeline.timeout("3 seconds"), Pipeline.retry(Retry.never))
      )
      assert.deepInclude(failure, { tag: "StepTimeout", step: "steps" })
      assert.include(failure.message, "3000 ms")
      assert.strictEqual(interrupted, 1)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("a commit step that takes too long, too, and the message behind it continues", () =>
    Effect.gen(function*() {
      const done = new Journal<Order>()
      const failure = yield* failsWith(
        from.pipe(
          Pipeline.commit((one, d) => one.account === "a" ? Effect.never : done.write(one, d)),
          Pipeline.commitTimeout("2 seconds"),
          Pipeline.retry(Retry.never)
        )
      )
      assert.deepInclude(failure, { tag: "StepTimeout", step: "commit" })
      assert.include(failure.message, "2000 ms")
      assert.deepStrictEqual(done.values.map((one) => one.id), ["b1"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("a commit step that interrupts itself has failed, and does not end the worker", () =>
    Effect.gen(function*() {
      const done = new Journal<Order>()
      const failure = yield* failsWith(
        from.pipe(
          Pipeline.commit((one, d) => one.account === "a" ? Effect.interrupt : done.write(one, d)),
          Pipeline.retry(fast)
        ),
        5
      )
      assert.deepInclude(failure, { step: "commit" })
      assert.deepStrictEqual(done.values.map((one) => one.id), ["b1"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("a step that interrupts itself has failed, and does not end the worker", () =>
    Effect.gen(function*() {
      const done = new Journal<Order>()
      yield* publish(Orders, [order("a", 1), order("b", 1)])
      const worker = yield* start(from.pipe(
        Pipeline.mapEffect((one) => one.account === "a" ? Effect.interrupt : Effect.succeed(one)),
        Pipeline.commit(done.write),
        Pipeline.retry(fast)
      ))
      yield* eventually("the other one is done", () => done.size === 1, 5_000)
      yield* TestClock.adjust("5 seconds")
      yield* runReadyFibers
      assert.isUndefined(worker.pollUnsafe())
      assert.deepStrictEqual((yield* deadLetters("ledger")).map((deadLetter) => deadLetter.message.id), ["a1"])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a payload that does not decode", () => {
  const write = (payload: string, id: string, version = 1) =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      yield* store.outbox.write([yield* Message.make({ id, topic: "orders", key: "a", payload, version })])
    })

  it.effect("is a dead letter at once, with what was wrong, and its payload as it was", () =>
    Effect.gen(function*() {
      const { pipeline, done } = failing(fast, 0)
      yield* drain(pipeline)
      yield* write("{\"id\":", "m1")
      yield* write("{\"id\":\"m2\",\"account\":\"a\",\"n\":\"1\"}", "m2")
      yield* write(JSON.stringify(order("a", 3)), "m3", 2)
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      const found = yield* deadLetters("ledger")
      assert.deepStrictEqual(
        found.map((deadLetter) => [deadLetter.message.id, deadLetter.reason, deadLetter.attempts.length]),
        [
          ["m1", "undecodable", 1],
          ["m2", "undecodable", 1],
          ["m3", "undecodable", 1]
        ]
      )
      assert.strictEqual(found[0]!.message.payload, "{\"id\":")
      assert.deepInclude(found[1]!.attempts[0], { tag: "DecodeFailed", step: "decode" })
      assert.deepStrictEqual(done.values.map((one) => one.id), ["a1"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is handled when code that reads it is there and it is redriven", () =>
    Effect.gen(function*() {
      const { pipeline } = failing(fast, 0)
      yield* drain(pipeline)
      yield* write("{\"total\":7}", "m1", 2)
      yield* drain(pipeline)
      const Second = Topic.make("orders", { schema: Schema.Struct({ total: Schema.Int }), version: 2 })
      const done = new Journal<{ readonly total: number }>()
      const [deadLetter] = yield* deadLetters("ledger")
      const store = yield* Store.Store
      yield* store.deadLetters.redrive(deadLetter!.id, { by: "anna" })
      yield* drain(Pipeline.from(Second, { consumer: "ledger" }).pipe(Pipeline.commit(done.write)))
      assert.deepStrictEqual(done.values, [{ total: 7 }])
      assert.strictEqual((yield* deadLetters("ledger"))[0]?.state, "resolved")
    }).pipe(Effect.provide(Memory.layer)))
})
