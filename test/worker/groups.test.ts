// Many messages in one transaction, and what happens to each of them when that transaction fails.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect } from "effect"
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
  ports,
  publish,
  Receipts,
  receipts,
  runReadyFibers,
  start,
  stop,
  until
} from "./support.ts"

const accounts = Array.from({ length: 20 }, (_, i) => `k${i}-`)
const firsts = accounts.map((account) => order(account, 1))
const options = { committers: 1, lanes: 4 }

describe("messages that are ready together", () => {
  it.effect("share transactions, and what gets ready while one runs goes into the next", () => {
    let transactions = 0
    const latch = Deferred.makeUnsafe<void>()
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [order("first", 1)])
      yield* start(pipeline, options)
      yield* until("a transaction is on the wire", () => transactions === 1)
      yield* publish(Orders, firsts)
      yield* until("all are ready", () => stepped.size === 21)
      yield* runReadyFibers
      yield* Deferred.succeed(latch, undefined)
      yield* runReadyFibers
      assert.strictEqual(transactions, 2)
      assert.lengthOf(yield* receipts(), 21)
    }).pipe(
      Effect.provide(
        groups((body, transact) =>
          Effect.suspend(() => (transactions++, Effect.andThen(Deferred.await(latch), transact(body))))
        )
      )
    )
  })

  it.effect("each have a transaction of their own where the pipeline says so", () => {
    let transactions = 0
    return Effect.gen(function*() {
      yield* publish(Orders, firsts)
      yield* drain(emitting().pipeline.pipe(Pipeline.group(1)), options)
      assert.strictEqual(transactions, 20)
      assert.lengthOf(yield* receipts(), 20)
    }).pipe(Effect.provide(groups((body, transact) => Effect.suspend(() => (transactions++, transact(body))))))
  })
})

describe("when one member of a group fails", () => {
  it.effect("the others commit, and only its attempt is counted", () =>
    Effect.gen(function*() {
      const { pipeline, stepped } = emitting((one) => one.account === "k7-" ? Effect.fail("no") : Effect.void)
      yield* publish(Orders, [...firsts, order("k7-", 2)])
      yield* drain(pipeline, options)
      const found = yield* receipts()
      assert.lengthOf(found, 19)
      assert.isFalse(found.includes("k7-1"))
      const dead = yield* deadLetters("ledger")
      assert.deepStrictEqual(dead.map((deadLetter) => [deadLetter.message.id, deadLetter.attempts.length]), [[
        "k7-1",
        2
      ], [
        "k7-2",
        2
      ]])
      const others = stepped.entries.filter((entry) => entry.value.account !== "k7-")
      assert.deepStrictEqual(new Set(others.map((entry) => entry.context.attempt)), new Set([1]))
    }).pipe(Effect.provide(groups((body, transact) => transact(body)))))

  it.effect("by taking too long, the others commit just the same", () =>
    Effect.gen(function*() {
      const { pipeline } = emitting((one) => one.account === "k7-" ? Effect.never : Effect.void)
      yield* publish(Orders, firsts)
      yield* drain(pipeline.pipe(Pipeline.commitTimeout("1 second")), options)
      assert.lengthOf(yield* receipts(), 19)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter!.attempts[0], { tag: "StepTimeout", step: "commit" })
    }).pipe(Effect.provide(groups((body, transact) => transact(body)))))

  const slow = { failures: 0, longest: 0 }
  it.effect("by being slow all together, they commit in short transactions, and the next groups are smaller", () =>
    Effect.gen(function*() {
      const { pipeline } = emitting(() => Effect.sleep("60 millis"))
      yield* publish(Orders, Array.from({ length: 53 }, (_, i) => order(`s${i}-`, 1)))
      yield* drain(pipeline.pipe(Pipeline.commitTimeout("1 second"), Pipeline.group(20)), options)
      assert.lengthOf(yield* receipts(), 53)
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      assert.isAtMost(slow.longest, 1_100)
      assert.strictEqual(slow.failures, 1)
    }).pipe(
      Effect.provide(
        groups((body, transact) =>
          Effect.timed(Effect.exit(transact(body))).pipe(Effect.flatMap(([took, exit]) => {
            slow.longest = Math.max(slow.longest, Duration.toMillis(took))
            if (exit._tag === "Failure") {
              slow.failures++
            }
            return exit
          }))
        )
      )
    ))

  it.effect.each([{ maxGroup: 1 }, { maxGroup: 250 }])(
    "by a claim that is not answered, alone and in a savepoint, the others commit, and it is tried again: $maxGroup",
    ({ maxGroup }) => {
      let unanswered = 0
      const { pipeline, stepped } = emitting()
      return Effect.gen(function*() {
        yield* publish(Orders, firsts)
        const [took] = yield* Effect.timed(drain(pipeline.pipe(Pipeline.commitTimeout("1 second")), options))
        assert.strictEqual(unanswered, 4)
        // A second for the whole group, then two for each time that the message is alone, or in a savepoint.
        assert.isBelow(Duration.toMillis(took), 12_000)
        assert.lengthOf(yield* receipts(), 20)
        assert.deepStrictEqual(new Set(stepped.attempts), new Set([1]))
      }).pipe(Effect.provide(ports({
        store: ({ inbox }) => ({
          maxGroup,
          inbox: {
            ...inbox,
            claim: (consumer, claims) =>
              Effect.suspend(() =>
                unanswered < 4 && claims.some((claim) => claim.id === "k7-1")
                  ? (unanswered++, Effect.never)
                  : inbox.claim(consumer, claims)
              )
          }
        })
      })))
    }
  )

  it.effect("at COMMIT, as a deferred constraint does, it is found and the others commit", () => {
    let violated = false
    const rejected = new Errors.CommitRejected({ code: "23503", detail: "k7" })
    return Effect.gen(function*() {
      const { pipeline } = emitting((one) => Effect.sync(() => violated ||= one.account === "k7-"))
      yield* publish(Orders, firsts)
      yield* drain(pipeline, options)
      const found = yield* receipts()
      assert.lengthOf(found, 19)
      assert.isFalse(found.includes("k7-1"))
      const [deadLetter, ...others] = yield* deadLetters("ledger")
      assert.deepStrictEqual([deadLetter!.message.id, deadLetter!.attempts[0]?.tag, others.length], [
        "k7-1",
        "CommitRejected",
        0
      ])
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.suspend(() => {
        violated = false
        return transact(Effect.flatMap(body, (value) => violated ? Effect.fail(rejected) : Effect.succeed(value)))
      })
    )))
  })
})

/** The first `times` transactions of the committers fail in their end, without having committed anything. */
const failing = (times: number, error: unknown) => {
  const left = { times }
  return groups((body, transact) =>
    Effect.suspend(() => transact(left.times-- > 0 ? Effect.andThen(body, Effect.fail(error)) : body))
  )
}
const conflict = new Errors.TransientFailure({ kind: "conflict", code: "40001", detail: "serialization failure" })
const away = new Errors.TransientFailure({ kind: "unavailable", code: "57P01", detail: "terminated" })
const aborted = new Errors.TransactionAborted({ detail: "duplicate key" })
const unknown = new Errors.UnknownOutcome({ detail: "no answer" })

describe("a transaction that failed through no fault of its messages", () => {
  it.effect.each([
    { what: "a conflict", error: conflict, times: 5 },
    { what: "a database that is away", error: away, times: 15 },
    { what: "an unanswered COMMIT that never was", error: unknown, times: 3 }
  ])(
    "is run again with the same values, without an attempt counted: $what",
    ({ error, times }) =>
      Effect.gen(function*() {
        const { pipeline, stepped } = emitting()
        yield* publish(Orders, firsts)
        yield* drain(pipeline, options)
        assert.lengthOf(yield* receipts(), 20)
        assert.strictEqual(stepped.size, 20, "the steps before the transaction were not run again")
        assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      }).pipe(Effect.provide(failing(times, error)))
  )

  it.effect("has one effect when COMMIT had happened and only its answer was lost", () => {
    let lost = 0
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [...firsts, ...accounts.map((account) => order(account, 2))])
      yield* drain(pipeline, options)
      const found = yield* receipts()
      assert.strictEqual(found.length, 40)
      assert.strictEqual(new Set(found).size, 40)
      assert.strictEqual(stepped.size, 40)
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      assert.strictEqual(lost, 4)
    }).pipe(
      Effect.provide(
        groups((body, transact) =>
          Effect.flatMap(transact(body), (value) => lost < 4 ? (lost++, Effect.fail(unknown)) : Effect.succeed(value))
        )
      )
    )
  })

  it.effect("costs no attempt through nine conflicts of one message", () =>
    Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline, options)
      assert.deepStrictEqual(stepped.attempts, [1])
      assert.deepStrictEqual(yield* receipts(), ["a1"])
    }).pipe(Effect.provide(failing(9, conflict))))

  it.effect("is given up after ten conflicts as one failed attempt, and the next attempt commits", () =>
    Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline, options)
      assert.deepStrictEqual(stepped.attempts, [1, 2])
      assert.deepStrictEqual(yield* receipts(), ["a1"])
    }).pipe(Effect.provide(failing(11, conflict))))

  it.effect("that a step left aborted is a failed attempt of that message, with the fix in its error", () =>
    Effect.gen(function*() {
      const { pipeline } = emitting()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline, options)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter!.attempts[0], { tag: "TransactionAborted", step: "commit" })
      assert.include(deadLetter!.attempts[0]!.message, "savepoint")
    }).pipe(Effect.provide(failing(1_000, aborted))))
})

describe("a message that waits for its transaction", () => {
  it.effect("is withdrawn when its worker stops, and committed by the next one", () => {
    const latch = Deferred.makeUnsafe<void>()
    let transactions = 0
    return Effect.gen(function*() {
      const { pipeline, stepped } = emitting()
      yield* publish(Orders, [order("a", 1)])
      const worker = yield* start(pipeline, options)
      yield* until("a transaction is on the wire", () => transactions === 1)
      yield* publish(Orders, [order("b", 1)])
      yield* until("another message waits for the next", () => stepped.size === 2)
      yield* runReadyFibers
      const stopping = yield* Effect.forkChild(stop(worker), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* runReadyFibers
      yield* Deferred.succeed(latch, undefined)
      yield* eventually("it has stopped", () => stopping.pollUnsafe() !== undefined, 3_000)
      assert.deepStrictEqual(yield* receipts(), ["a1"])
      yield* drain(pipeline, options)
      assert.deepStrictEqual(yield* receipts(), ["b1"])
      assert.isTrue(stepped.attempts.every((attempt) => attempt === 1))
    }).pipe(
      Effect.provide(
        groups((body, transact) =>
          Effect.suspend(() => (transactions++, Effect.andThen(Deferred.await(latch), transact(body))))
        )
      )
    )
  })

  it.effect("keeps the order of its key, while others fail around it", () => {
    let n = 0
    const errors = [conflict, away, unknown, undefined, undefined]
    return Effect.gen(function*() {
      const done = new Journal<Order>()
      yield* publish(Orders, accounts.slice(0, 5).flatMap((account) => orders(account, 10)))
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commit((one, { attempt }) =>
            one.n % 4 === 0 && attempt === 1 ? Effect.fail("once") : Effect.succeed(one)
          ),
          Pipeline.emit(Receipts, (one) => ({ of: one.account }), { id: (one) => one.id }),
          Pipeline.retry(Retry.exponential("10 millis", { jitter: false }))
        ),
        options
      )
      yield* drain(
        Pipeline.from(Receipts, { consumer: "auditor" }).pipe(
          Pipeline.map((_, context) => {
            const [account, number] = context.message.id.split("-")
            return order(`${account}-`, Number(number))
          }),
          Pipeline.commit(done.write)
        )
      )
      assert.strictEqual(done.size, 50)
      for (const account of accounts.slice(0, 5)) {
        const ns = done.values.filter((one) => one.account === account).map((one) => one.n)
        assert.deepStrictEqual(ns, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      }
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.suspend(() => {
        const error = errors[n++ % errors.length]
        return error === undefined ? transact(body) : Effect.fail(error)
      })
    )))
  })
})
