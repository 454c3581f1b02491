// The promise of each delivery mode when a process crashes between effect and acknowledgement, and its limits.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Logger, Schema } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetters, Errors, Memory, Pipeline, Retry, Store, Telemetry, Topic, Transport, Worker } from "millrace"
import {
  deadLetters,
  Declined,
  drain,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  ports,
  publish,
  runReadyFibers,
  start,
  stop,
  until
} from "./support.ts"

const Receipts = Topic.make("receipts", { schema: Schema.Struct({ of: Schema.String }), id: "random" })

/**
 * The receipts of the commits, each with an id of its own, so that two commits are two receipts.
 */
const receipts = Effect.fnUntraced(function*() {
  const found = new Journal<{ readonly of: string }>()
  yield* drain(Pipeline.from(Receipts, { consumer: "auditor" }).pipe(Pipeline.tap(found.write)))
  return found.values.map((one) => one.of)
})

/** A ledger of a mode: a call outside of the transaction, a commit step, a receipt. */
const ledger = <M extends Pipeline.DeliveryMode>(
  delivery: M,
  at: {
    readonly step?: (one: Order) => Effect.Effect<void, Declined>
    readonly commit?: (one: Order) => Effect.Effect<void, Declined>
  } = {}
) => {
  const called = new Journal<Order>()
  let n = 0
  const pipeline = Pipeline.from(Orders, { consumer: "ledger", delivery }).pipe(
    Pipeline.tap((one, context) => Effect.andThen(called.write(one, context), at.step?.(one) ?? Effect.void)),
    Pipeline.emit(Receipts, (one) => ({ of: one.id }), { id: (one) => `${one.id}-${n++}` }),
    Pipeline.commit((one) => at.commit?.(one) ?? Effect.void)
  )
  return { pipeline, called }
}

/** Waits without end at its first call only: the worker is stopped there, as a crash would end it. */
const once = () => {
  const latch = { reached: false }
  const step = () => Effect.suspend(() => latch.reached ? Effect.void : (latch.reached = true, Effect.never))
  return { latch, step }
}

const modes = ["effectivelyOnce", "atLeastOnce", "atMostOnce"] as const

describe("a message whose worker goes while it is handled", () => {
  it.effect.each([
    { delivery: modes[0], at: "step", calls: 2, commits: 1 },
    { delivery: modes[1], at: "step", calls: 2, commits: 1 },
    { delivery: modes[2], at: "step", calls: 1, commits: 0 },
    { delivery: modes[2], at: "commit", calls: 1, commits: 0 }
  ])(
    "in its $at, $delivery, is called $calls times and committed $commits times",
    ({ at, calls, commits, delivery }) =>
      Effect.gen(function*() {
        const { latch, step } = once()
        const { called, pipeline } = ledger(delivery, { [at]: step })
        yield* publish(Orders, [order("a", 1)])
        const worker = yield* start(pipeline)
        yield* until("it is there", () => latch.reached)
        yield* stop(worker)
        yield* drain(pipeline)
        assert.lengthOf(called.values, calls)
        assert.lengthOf(yield* receipts(), commits)
        assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect("at most once, is reported though none of its steps had begun when it was interrupted", () => {
    let reached = false
    const latch = Deferred.makeUnsafe<void>()
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const { called, pipeline } = ledger("atMostOnce")
      yield* publish(Orders, [order("a", 1)])
      const worker = yield* start(pipeline)
      yield* until("it is being taken", () => reached)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* runReadyFibers
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(stopping)
      yield* drain(pipeline)
      assert.strictEqual(called.size, 0)
      assert.lengthOf(logged.filter((line) => line.includes("was interrupted in its steps")), 1)
    }).pipe(Effect.provide([
      // It is interrupted while the transaction that takes it is under way.
      ports({
        subscription: (inner) => ({
          removeInTransaction: (deliveries) =>
            Effect.suspend(
              () => (reached = true, Effect.andThen(Deferred.await(latch), inner.removeInTransaction(deliveries)))
            )
        })
      }),
      Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
    ]))
  })
})

/** The answer to the first commit of the consumer gets lost, though it has happened. */
const unanswered = (nth: number) => {
  let commits = 0
  return ports({
    store: (inner) => ({
      transact: ((body: Effect.Effect<unknown, unknown, Store.Transaction>) =>
        Effect.flatMap(Store.WorkerTransaction, (committer) =>
          Effect.flatMap(inner.transact(body), (value) =>
            committer !== undefined && ++commits === nth
              ? Effect.fail(new Errors.UnknownOutcome({ detail: "no answer" }))
              : Effect.succeed(value)))) as Store.Store["Service"]["transact"]
    })
  })
}

describe("a COMMIT whose answer is lost", () => {
  it.effect.each([
    { delivery: modes[0], nth: 1 },
    { delivery: modes[1], nth: 1 },
    { delivery: modes[2], nth: 2 }
  ])("has happened once: $delivery", ({ delivery, nth }) =>
    Effect.gen(function*() {
      const { called, pipeline } = ledger(delivery)
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      assert.lengthOf(called.values, 1)
      assert.deepStrictEqual(yield* receipts(), ["a1"])
    }).pipe(Effect.provide(unanswered(nth))))
})

describe("a message that is published twice under one id", () => {
  it.effect.each([
    { delivery: modes[0], times: 1 },
    { delivery: modes[1], times: 2 },
    { delivery: modes[2], times: 1 }
  ])("is committed $times times: $delivery", ({ delivery, times }) =>
    Effect.gen(function*() {
      const { pipeline } = ledger(delivery)
      yield* publish(Orders, [order("a", 1), order("a", 1)])
      yield* drain(pipeline)
      assert.lengthOf(yield* receipts(), times)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("at least once", () => {
  it.effect("asks no inbox, and needs no deduplication window for ids", () =>
    Effect.gen(function*() {
      const { pipeline } = ledger("atLeastOnce")
      yield* publish(Orders, [order("a", 1), order("b", 1)])
      yield* drain(pipeline)
      assert.lengthOf(yield* receipts(), 2)
    }).pipe(Effect.provide(ports({
      store: (inner) => ({
        deduplicationWindow: inner.deduplicationWindow,
        inbox: {
          ...inner.inbox,
          claim: (consumer, claims) =>
            consumer === "ledger" ? Effect.die(new Error("the inbox was asked")) : inner.inbox.claim(consumer, claims)
        }
      })
    }))))

  it.effect("retries and dead-letters what fails, and a redrive resolves the dead letter in its commit", () =>
    Effect.gen(function*() {
      let broken = true
      const { pipeline } = ledger("atLeastOnce", {
        commit: () => Effect.suspend(() => broken ? Effect.fail(new Declined({ reason: "no" })) : Effect.void)
      })
      const whole = pipeline.pipe(
        Pipeline.retry(Retry.exponential("100 millis", { attempts: 2 })),
        Pipeline.deadLetter({ order: "park" })
      )
      yield* publish(Orders, orders("a", 2))
      yield* drain(whole)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter, { state: "open", parked: true, reason: "exhausted" })
      assert.lengthOf(deadLetter!.attempts, 2)
      broken = false
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      yield* drain(whole)
      assert.deepStrictEqual(yield* receipts(), ["a1", "a2"])
      assert.deepStrictEqual((yield* deadLetters("ledger")).map((one) => one.state), ["resolved"])
    }).pipe(Effect.provide(Memory.layer)))
})

const failedOnes = Telemetry.counted("ledger", "failed")

describe("at most once", () => {
  it.effect("settles and claims a message before its steps run", () =>
    Effect.gen(function*() {
      const { latch, step } = once()
      const { pipeline } = ledger("atMostOnce", { step })
      yield* publish(Orders, [order("a", 1)])
      const worker = yield* start(pipeline, { lanes: 1 })
      yield* until("it runs", () => latch.reached)
      const store = yield* Store.Store
      const claimed = yield* store.transact(store.inbox.claim("ledger", [{ id: "a1", fingerprint: "" }]))
      assert.deepStrictEqual(claimed, ["conflict"], "its id is in the inbox already, with its own content")
      yield* stop(worker)
      const transport = yield* Transport.Transport
      const left: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const other = yield* transport.open({
          consumer: "ledger",
          topics: ["orders"],
          worker: "other",
          lanes: 1,
          lease: "30 seconds" as never,
          idlePoll: 0 as never
        })
        const room = { messages: 10, bytes: 1e6, perKey: 10 }
        yield* other.take(room, (found) => void left.push(...found.map((one) => one.message.id)))
      }))
      assert.deepStrictEqual(left, [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("stops waiting for a store that does not respond", () =>
    Effect.gen(function*() {
      const before = yield* failedOnes
      const { pipeline } = ledger("atMostOnce", {})
      yield* publish(Orders, orders("a", 1))
      yield* drain(pipeline.pipe(Pipeline.commitTimeout("5 seconds")))
      assert.strictEqual((yield* failedOnes) - before, 1)
    }).pipe(Effect.provide(ports({ subscription: () => ({ fence: () => Effect.never }) }))))

  it.effect.each([{ at: "step" }, { at: "commit" }])("reports what fails in its $at, and runs it no more", ({ at }) => {
    const logged: Array<string> = []
    const fail = (one: Order) => one.n === 1 ? Effect.fail(new Declined({ reason: "secret" })) : Effect.void
    return Effect.gen(function*() {
      const before = yield* failedOnes
      const { called, pipeline } = ledger("atMostOnce", { [at]: fail })
      yield* publish(Orders, orders("a", 3))
      yield* drain(pipeline)
      assert.deepStrictEqual(called.values.map((one) => one.id), ["a1", "a2", "a3"])
      assert.deepStrictEqual((yield* receipts()).toSorted(), ["a2", "a3"], "its emits are undone with its commit step")
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      assert.strictEqual((yield* failedOnes) - before, 1)
      const [line, ...more] = logged.filter((text) => text.includes("at most once"))
      assert.include(line, `Declined@${at === "step" ? "steps" : "commit"}`)
      assert.notInclude(line, "secret")
      assert.lengthOf(more, 0)
    }).pipe(
      Effect.provide([Memory.layer, Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])])
    )
  })

  it.effect("keeps the order of each key", () =>
    Effect.gen(function*() {
      const { called, pipeline } = ledger("atMostOnce", {
        step: (one) => one.n % 2 === 0 ? Effect.yieldNow : Effect.void
      })
      yield* publish(Orders, ["a", "b", "c"].flatMap((account) => orders(account, 6)))
      yield* drain(pipeline)
      for (const account of ["a", "b", "c"]) {
        assert.deepStrictEqual(called.values.filter((one) => one.account === account), orders(account, 6))
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("runs a transaction again that committed nothing", () => {
    let transientFailures = 3
    return Effect.gen(function*() {
      const { called, pipeline } = ledger("atMostOnce")
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      assert.lengthOf(called.values, 1)
      assert.deepStrictEqual(yield* receipts(), ["a1"])
    }).pipe(Effect.provide(ports({
      subscription: (inner) => ({
        fence: (deliveries) =>
          transientFailures-- > 0
            ? Effect.fail(new Errors.TransientFailure({ kind: "conflict", code: "40001", detail: "again" }) as never)
            : inner.fence(deliveries)
      })
    })))
  })

  it.effect("commits nothing under a lease that was lost while its steps ran", () =>
    Effect.gen(function*() {
      const { called, pipeline } = ledger("atMostOnce")
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      assert.lengthOf(called.values, 1)
      assert.deepStrictEqual(yield* receipts(), [])
    }).pipe(Effect.provide(ports({ subscription: () => ({ fence: () => Effect.succeed([]) }) }))))

  it.effect("still dead-letters what does not decode, since that is known before it is taken", () =>
    Effect.gen(function*() {
      const { called, pipeline } = ledger("atMostOnce")
      const Broken = Topic.make("orders", { schema: Schema.Struct({ id: Schema.String }), id: (one) => one.id })
      yield* publish(Broken, [{ id: "a1" }])
      yield* drain(pipeline)
      assert.lengthOf(called.values, 0)
      assert.deepStrictEqual((yield* deadLetters("ledger")).map((deadLetter) => deadLetter.reason), ["undecodable"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("waits for a store that cannot take it, with nothing done", () => {
    let left = 12
    return Effect.gen(function*() {
      const { called, pipeline } = ledger("atMostOnce")
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline, { holdAfter: "1 second" })
      yield* TestClock.adjust("10 seconds")
      yield* drain(pipeline)
      assert.lengthOf(called.values, 1)
      assert.deepStrictEqual(yield* receipts(), ["a1"])
    }).pipe(Effect.provide(ports({
      store: (inner) => ({
        inbox: {
          ...inner.inbox,
          claim: (consumer, claims) =>
            consumer === "ledger" && left-- > 0
              ? Effect.fail(new Errors.TransientFailure({ kind: "conflict", code: "40001", detail: "again" }) as never)
              : inner.inbox.claim(consumer, claims)
        }
      })
    })))
  })
})

describe("a pipeline that emits to a topic with a name that cannot be", () => {
  it.effect("does not start", () =>
    Effect.gen(function*() {
      const Bad = Topic.make("no good", { schema: Schema.String })
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.emit(Bad, (one) => one.id))
      const error = yield* Effect.flip(Worker.run(pipeline))
      assert.deepInclude(error, { _tag: "InvalidName", kind: "topic", got: "no good" })
    }).pipe(Effect.provide(Memory.layer)))
})
