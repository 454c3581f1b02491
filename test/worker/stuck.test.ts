// Transactions that do not get through for long: whose fault it is, who waits for whom, and what a stop makes of it.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Pipeline, Retry } from "millrace"
import {
  deadLetters,
  drain,
  emitting,
  eventually,
  groups,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  publish,
  Receipts,
  receipts,
  runReadyFibers,
  start,
  until
} from "./support.ts"

const away = new Errors.TransientFailure({ kind: "unavailable", code: "57P01", detail: "terminated" })
const full = new Errors.TransientFailure({ kind: "unavailable", code: "53100", detail: "disk full" })
const unanswered = new Errors.UnknownOutcome({ detail: "no answer" })
const accounts = Array.from({ length: 20 }, (_, i) => `k${i}-`)

describe("a committer whose transactions cannot even begin", () => {
  it.effect("counts no attempt, although others commit meanwhile", () => {
    // One committer, identified by its fiber, gets no connection for a while.
    const starved: { fiber: number | undefined; left: number; others: number } = {
      fiber: undefined,
      left: 20,
      others: 0
    }
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, accounts.map((account) => order(account, 1)))
      yield* start(pipeline, { committers: 2, lanes: 4 })
      for (let n = 2; starved.left > 0; n++) {
        yield* publish(Orders, accounts.map((account) => order(account, n)))
        yield* TestClock.adjust("1 second")
        yield* runReadyFibers
        assert.isBelow(n, 100)
      }
      yield* eventually("all are done", () => starved.others > 20)
      yield* TestClock.adjust("5 seconds")
      yield* runReadyFibers
      assert.deepStrictEqual(new Set(stepped.attempts), new Set([1]))
      assert.lengthOf(yield* receipts(), stepped.size)
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.withFiber((fiber) => {
        starved.fiber ??= fiber.id
        if (fiber.id === starved.fiber && starved.left-- > 0) return Effect.fail(away)
        starved.others++
        return transact(body)
      })
    )))
  })
})

describe("a worker that stops while its transactions do not get through, though its leases are renewed", () => {
  it.effect.each([
    { what: "a database that is away", error: away },
    { what: "a COMMIT that is not answered", error: unanswered }
  ])("gives its messages back after its grace, uncounted: $what", ({ error }) => {
    let gotThrough = false
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [...orders("a", 2), order("b", 1)])
      const worker = yield* start(pipeline, { committers: 1, lease: "1 hour", grace: "1 second" })
      yield* until("two are ready", () => stepped.size === 2)
      yield* TestClock.adjust("30 seconds")
      yield* runReadyFibers
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* until("it has stopped", () => stopping.pollUnsafe() !== undefined)
      gotThrough = true
      const done = new Journal<Order>()
      yield* drain(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write)))
      assert.deepStrictEqual(done.values.map((one) => one.id).toSorted(), ["a1", "a2", "b1"])
      assert.deepStrictEqual(new Set(done.attempts), new Set([1]))
      assert.deepStrictEqual(yield* receipts(), [])
    }).pipe(
      // So that a test that fails ends, too.
      Effect.ensuring(Effect.andThen(Effect.sync(() => gotThrough = true), TestClock.adjust("10 seconds"))),
      Effect.provide(
        groups((body, transact) =>
          Effect.suspend(() => transact(gotThrough ? body : Effect.andThen(body, Effect.fail(error))))
        )
      )
    )
  })

  it.effect("waits for the transaction that is under way, and for no other", () => {
    const latch = Deferred.makeUnsafe<void>()
    let begun = 0
    return Effect.gen(function*() {
      const { pipeline } = emitting()
      yield* publish(Orders, [order("a", 1)])
      const worker = yield* start(pipeline, { committers: 1, lease: "1 hour" })
      yield* until("its transaction is under way", () => begun === 1)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* runReadyFibers
      assert.isUndefined(stopping.pollUnsafe())
      yield* Deferred.succeed(latch, undefined)
      yield* until("it has stopped", () => stopping.pollUnsafe() !== undefined)
      assert.strictEqual(begun, 1)
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.suspend(() => {
        begun++
        return transact(body.pipe(Effect.andThen(Deferred.await(latch)), Effect.andThen(Effect.fail(away))))
      })
    )))
  })
})

describe("a message whose transactions never get through on a quiet queue", () => {
  const refused = new Errors.StoreFailure({
    operation: "write outgoing messages",
    kind: "refused",
    code: "42501",
    detail: "permission denied",
    hint: ""
  })
  it.effect.each([
    { what: "its own session ends", error: away },
    {
      what: "the connection closes",
      error: new Errors.TransientFailure({ kind: "unavailable", code: "", detail: "closed" })
    },
    { what: "the store refuses", error: refused }
  ])("has failed after a bounded number of tries, and its key continues: $what", ({ error }) => {
    let calls = 0
    let poisoned = false
    return Effect.gen(function*() {
      const { pipeline } = emitting((one) => Effect.sync(() => one.id === "a1" && (calls++, poisoned = true)))
      yield* publish(Orders, orders("a", 2))
      yield* drain(pipeline, { committers: 1, lease: "1 hour" })
      const [deadLetter, ...others] = yield* deadLetters("ledger")
      assert.deepStrictEqual([deadLetter!.message.id, deadLetter!.attempts.length, others.length], ["a1", 2, 0])
      assert.include(["TransientFailure", "StoreFailure"], deadLetter!.attempts[0]!.tag)
      assert.deepStrictEqual(yield* receipts(), ["a2"])
      assert.isAtMost(calls, 14)
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.suspend(() => {
        poisoned = false
        return transact(Effect.flatMap(body, (value) => poisoned ? Effect.fail(error) : Effect.succeed(value)))
      })
    )))
  })

  it.effect("is no member's failure while nothing at all gets through, however long that lasts", () => {
    let tries = 0
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [order("a", 1)])
      yield* start(pipeline, { committers: 1, lease: "1 hour" })
      yield* eventually("it was tried often", () => tries > 60, 200_000)
      assert.deepStrictEqual(stepped.attempts, [1])
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(
      Effect.provide(
        groups((body, transact) => Effect.suspend(() => (tries++, transact(Effect.andThen(body, Effect.fail(away))))))
      )
    )
  })
})

describe("a message whose transactions never get through, before the only committer", () => {
  it.effect("is found by those that come later: they commit, it has failed, and its key keeps its order", () => {
    const seen: Array<string> = []
    let poisoned = false
    return Effect.gen(function*() {
      // Pure before the commit phase, so that what waits behind it goes into its transaction.
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.emit(Receipts, (one) => ({ of: one.id })),
        Pipeline.commit((one, { attempt }) =>
          Effect.sync(() => {
            seen.push(`${one.id}:${attempt}`)
            poisoned ||= one.id === "a1"
          })
        ),
        Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false }))
      )
      yield* publish(Orders, orders("a", 2))
      yield* start(pipeline, { committers: 1 })
      yield* eventually("it is tried alone", () => seen.length > 20 && seen.at(-1) === "a1:1" && seen.at(-2) === "a1:1")
      yield* publish(Orders, [order("b", 1)])
      yield* eventually("its attempt has failed", () => seen.includes("a1:2"), 20_000)
      assert.deepStrictEqual(yield* receipts(), ["b1"])
      yield* eventually("it has waited for long", () => seen.length > 50)
      assert.deepStrictEqual(yield* receipts(), [])
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.suspend(() => {
        poisoned = false
        return transact(Effect.flatMap(body, (value) => poisoned ? Effect.fail(full) : Effect.succeed(value)))
      })
    )))
  })
})
