// How often a function that fails is called: a user's function may cost money, and a repeat of it says nothing new.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Errors, Memory, Pipeline, Retry } from "millrace"
import { deadLetters, drain, groups, type Order, order, Orders, publish, Receipts, receipts } from "./support.ts"

const retry = Pipeline.retry(Retry.exponential("100 millis", { attempts: 3, jitter: false }))
const options = { committers: 1, lanes: 4 }

/** A consumer whose commit function runs `step`, and a count of its calls by message. */
const counting = (step: (one: Order) => Effect.Effect<unknown, unknown>) => {
  const calls = new Map<string, number>()
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(() => Effect.void),
    Pipeline.commit((one) => {
      calls.set(one.id, (calls.get(one.id) ?? 0) + 1)
      return Effect.as(step(one), one)
    }),
    Pipeline.emit(Receipts, (one) => ({ of: one.id })),
    retry
  )
  return { calls, pipeline }
}

const failures = [
  { what: "fails", step: () => Effect.fail("no"), tag: "string" },
  { what: "ends in a defect", step: () => Effect.die(new Error("no")), tag: "Defect" },
  { what: "takes too long", step: () => Effect.never, tag: "StepTimeout" }
]

describe("a commit function that fails", () => {
  it.effect.each(failures)(
    "runs once an attempt where its message is alone: $what",
    ({ step, tag }) =>
      Effect.gen(function*() {
        const { calls, pipeline } = counting(step)
        yield* publish(Orders, [order("a", 1)])
        yield* drain(pipeline, options)
        assert.deepStrictEqual([...calls], [["a1", 3]])
        const [deadLetter] = yield* deadLetters("ledger")
        assert.deepStrictEqual(deadLetter!.attempts.map((attempt) => attempt.tag), [tag, tag, tag])
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect.each(failures.slice(0, 2))(
    "runs once an attempt in a group, and twice at most for the others: $what",
    ({ step }) =>
      Effect.gen(function*() {
        const { calls, pipeline } = counting((one) => one.account === "k7-" ? step() : Effect.void)
        yield* publish(Orders, Array.from({ length: 20 }, (_, i) => order(`k${i}-`, 1)))
        yield* drain(pipeline, options)
        assert.strictEqual(calls.get("k7-1"), 3)
        for (const [id, count] of calls) if (id !== "k7-1") assert.isAtMost(count, 2, id)
        assert.strictEqual((yield* receipts()).length, 19)
        const [deadLetter] = yield* deadLetters("ledger")
        assert.strictEqual(deadLetter!.attempts.length, 3)
      }).pipe(Effect.provide(groups((body, transact) => transact(body))))
  )

  it.effect("runs once an attempt, though another one of its group failed before it", () =>
    Effect.gen(function*() {
      const { calls, pipeline } = counting((one) => one.account < "k3" ? Effect.void : Effect.fail("no"))
      yield* publish(Orders, Array.from({ length: 6 }, (_, i) => order(`k${i}-`, 1)))
      yield* drain(pipeline.pipe(Pipeline.retry(Retry.exponential("100 millis", { attempts: 1 }))), options)
      for (const account of ["k3-", "k4-", "k5-"]) assert.strictEqual(calls.get(`${account}1`), 1, account)
      assert.strictEqual((yield* receipts()).length, 3)
    }).pipe(Effect.provide(groups((body, transact) => transact(body)))))

  it.effect("leaves the others of its key in their order, where they went into one transaction", () =>
    Effect.gen(function*() {
      // Pure before the commit, so that all go into one group.
      const pipeline = Pipeline.from(Orders, { consumer: "ledger", delivery: "atLeastOnce" }).pipe(
        Pipeline.commit((one) => one.n === 3 ? Effect.fail("no") : Effect.succeed(one)),
        Pipeline.emit(Receipts, (one) => ({ of: one.id })),
        Pipeline.retry(Retry.exponential("100 millis", { attempts: 1 }))
      )
      yield* publish(Orders, [1, 2, 3, 4].map((n) => order("a", n)))
      yield* drain(pipeline, options)
      assert.deepStrictEqual(yield* receipts(), ["a1", "a2", "a4"])
    }).pipe(Effect.provide(groups((body, transact) => transact(body)))))

  it.effect("runs once an attempt when it leaves its transaction aborted", () =>
    Effect.gen(function*() {
      const { calls, pipeline } = counting(() => Effect.void)
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline, options)
      assert.deepStrictEqual([...calls], [["a1", 3]])
    }).pipe(Effect.provide(groups((body, transact) =>
      transact(Effect.andThen(body, Effect.fail(new Errors.TransactionAborted({ detail: "" }))))
    ))))
})
