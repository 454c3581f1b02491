// Dead letters: the messages behind them, the operator actions on them, and their return.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Ref, Schema, TxRef } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetters, Memory, MessageId, Pipeline, Retry, Topic } from "millrace"
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
  until
} from "./support.ts"

/** A ledger in which the ids named in `broken` fail permanently, and what it committed. */
const ledger = Effect.fnUntraced(function*(order: "park" | "continue", broken: ReadonlyArray<string>) {
  const bad = yield* Ref.make(new Set(broken))
  const done = new Journal<Order>()
  const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.mapEffect((one) =>
      Effect.flatMap(
        Ref.get(bad),
        (ids) => ids.has(one.id) ? Effect.fail(new Declined({ reason: one.id })) : Effect.succeed(one)
      )
    ),
    Pipeline.commit(done.write),
    Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false })),
    Pipeline.deadLetter({ order })
  )
  const ids = () => done.values.map((one) => one.id)
  return { pipeline, done, ids, hint: Ref.set(bad, new Set<string>()) }
})

describe("behind a dead message with order `continue`", () => {
  it.effect("its successors pass, and a redriven one comes at the end", () =>
    Effect.gen(function*() {
      const { ids, hint, pipeline } = yield* ledger("continue", ["a2"])
      yield* publish(Orders, [...orders("a", 3), order("b", 1)])
      yield* drain(pipeline)
      assert.deepStrictEqual(ids().toSorted(), ["a1", "a3", "b1"])
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter, {
        reason: "exhausted",
        state: "open",
        parked: false,
        consumer: "ledger",
        redriven: 0
      })
      yield* hint
      yield* publish(Orders, [order("a", 4)])
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      yield* drain(pipeline)
      assert.deepStrictEqual(ids().slice(3), ["a4", "a2"])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("behind a dead message with order `park`", () => {
  it.effect("its successors wait, however long, and other keys go on", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = yield* ledger("park", ["a2"])
      yield* publish(Orders, [...orders("a", 4), ...orders("b", 2)])
      yield* start(pipeline, { lanes: 1 })
      yield* eventually("others are done", () => ids().length === 3, 3_000)
      yield* TestClock.adjust("1 hour")
      yield* publish(Orders, [order("a", 5), order("b", 3)])
      yield* runReadyFibers
      assert.deepStrictEqual(ids().toSorted(), ["a1", "b1", "b2", "b3"])
      assert.deepInclude((yield* deadLetters("ledger"))[0], { parked: true, state: "open" })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("a redriven one goes first, then they follow in order", () =>
    Effect.gen(function*() {
      const { done, ids, hint, pipeline } = yield* ledger("park", ["a2"])
      yield* publish(Orders, orders("a", 4))
      yield* start(pipeline)
      yield* eventually("a1 is done, a2 dead", () => ids().length === 1, 3_000)
      yield* TestClock.adjust("1 second")
      yield* runReadyFibers
      yield* publish(Orders, [order("a", 5)])
      yield* hint
      const [deadLetter] = yield* deadLetters("ledger")
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      yield* until("all are done", () => ids().length === 5)
      assert.deepStrictEqual(ids(), ["a1", "a2", "a3", "a4", "a5"])
      assert.deepInclude(done.entries[1]!.context, { attempt: 1, redriven: 1 })
      assert.deepStrictEqual(done.entries.map((entry) => entry.context.redriven), [0, 1, 0, 0, 0])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("they go on when it is discarded", () =>
    Effect.gen(function*() {
      const { ids, pipeline } = yield* ledger("park", ["a2"])
      yield* publish(Orders, orders("a", 4))
      yield* drain(pipeline)
      assert.deepStrictEqual(ids(), ["a1"])
      const [deadLetter] = yield* deadLetters("ledger")
      yield* DeadLetters.discard(deadLetter!.id, { by: "anna" })
      yield* drain(pipeline)
      assert.deepStrictEqual(ids(), ["a1", "a3", "a4"])
      assert.deepInclude((yield* deadLetters("ledger"))[0], { state: "discarded", changedBy: "anna" })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("two of one key die one after the other, each with its successors behind it", () =>
    Effect.gen(function*() {
      const { ids, hint, pipeline } = yield* ledger("park", ["a1", "a2"])
      yield* publish(Orders, orders("a", 3))
      yield* drain(pipeline)
      yield* DeadLetters.discard((yield* deadLetters("ledger"))[0]!.id, { by: "anna" })
      yield* drain(pipeline)
      assert.deepStrictEqual(ids(), [])
      const [, second] = yield* deadLetters("ledger")
      assert.deepInclude(second, { state: "open", parked: true })
      yield* hint
      yield* DeadLetters.redrive(second!.id, { by: "anna" })
      yield* drain(pipeline)
      assert.deepStrictEqual(ids(), ["a2", "a3"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("messages without a key wait for no other: there is nothing to park", () =>
    Effect.gen(function*() {
      const Pings = Topic.make("pings", { schema: Schema.Int })
      const done = new Journal<number>()
      yield* publish(Pings, [1, 2, 3])
      yield* drain(
        Pipeline.from(Pings, { consumer: "pinger" }).pipe(
          Pipeline.commit((n, context) => n === 2 ? Effect.die("no") : done.write(n, context)),
          Pipeline.retry(Retry.never),
          Pipeline.deadLetter({ order: "park" })
        )
      )
      assert.deepStrictEqual(new Set(done.values), new Set([1, 3]))
      assert.deepInclude((yield* deadLetters("pinger"))[0], { parked: false })
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a redriven message", () => {
  it.effect("that commits resolves its dead letter", () =>
    Effect.gen(function*() {
      const { done, hint, pipeline } = yield* ledger("continue", ["a1"])
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      yield* hint
      const [deadLetter] = yield* deadLetters("ledger")
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      assert.deepInclude(yield* DeadLetters.get(deadLetter!.id), { state: "redriving", changedBy: "anna", redriven: 1 })
      yield* drain(pipeline)
      assert.deepInclude(yield* DeadLetters.get(deadLetter!.id), { state: "resolved", redriven: 1 })
      assert.deepStrictEqual(done.entries.map((one) => [one.value.id, one.context.redriven, one.context.attempt]), [
        ["a1", 1, 1]
      ])
      // Its id stays known: published once more, it has no second effect.
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      assert.strictEqual(done.size, 1)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that fails again returns to its dead letter, which keeps all attempts of all its lives", () =>
    Effect.gen(function*() {
      const { done, hint, pipeline } = yield* ledger("park", ["a1"])
      yield* publish(Orders, orders("a", 2))
      yield* drain(pipeline)
      for (const life of [1, 2]) {
        const [deadLetter, ...others] = yield* deadLetters("ledger")
        assert.lengthOf(others, 0)
        assert.deepInclude(deadLetter, { state: "open", parked: true, redriven: life - 1 })
        assert.lengthOf(deadLetter!.attempts, life * 2)
        yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
        yield* drain(pipeline)
      }
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepStrictEqual(deadLetter!.attempts.map((one) => one.attempt), [1, 2, 1, 2, 1, 2])
      yield* hint
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      yield* drain(pipeline)
      assert.deepStrictEqual(done.values.map((one) => one.id), ["a1", "a2"])
      assert.deepInclude((yield* deadLetters("ledger"))[0], { state: "resolved", redriven: 3 })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("cannot be redriven or discarded by a second operator; the refusal names the first", () =>
    Effect.gen(function*() {
      const { pipeline } = yield* ledger("continue", ["a1"])
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      const [deadLetter] = yield* deadLetters("ledger")
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      for (const second of [DeadLetters.redrive, DeadLetters.discard]) {
        const error = yield* Effect.flip(second(deadLetter!.id, { by: "ben" }))
        assert.deepInclude(error, { _tag: "DeadLetterConflict", by: "anna", state: "redriving" })
      }
      assert.strictEqual((yield* Effect.flip(DeadLetters.get("nope")))._tag, "DeadLetterNotFound")
      assert.strictEqual((yield* Effect.flip(DeadLetters.redrive("nope", { by: "ben" })))._tag, "DeadLetterNotFound")
    }).pipe(Effect.provide(Memory.layer)))
})

it.effect("a message published again while its dead letter is open has no effect of its own", () =>
  Effect.gen(function*() {
    const { done, hint, pipeline } = yield* ledger("continue", ["a1"])
    yield* publish(Orders, [order("a", 1)])
    yield* drain(pipeline)
    yield* hint
    yield* publish(Orders, [order("a", 1)])
    yield* drain(pipeline)
    assert.strictEqual(done.size, 0)
    assert.lengthOf(yield* deadLetters("ledger"), 1)
  }).pipe(Effect.provide(Memory.layer)))

describe("outgoing messages", () => {
  const Receipts = Topic.make("receipts", {
    schema: Schema.Struct({ of: Schema.String, n: Schema.Int }),
    key: (r) => r.of
  })
  const reader = (journal: Journal<{ readonly of: string; readonly n: number }>) =>
    Pipeline.from(Receipts, { consumer: "mailer" }).pipe(Pipeline.commit(journal.write))
  const emitting = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.commit((one) => Effect.succeed(one)),
    Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n }))
  )

  it.effect("are published with the commit, and a second pipeline handles them", () =>
    Effect.gen(function*() {
      const journal = new Journal<{ readonly of: string; readonly n: number }>()
      yield* start(reader(journal))
      yield* start(emitting)
      yield* publish(Orders, orders("a", 3))
      yield* until("all have come through", () => journal.size === 3)
      assert.deepStrictEqual(journal.values, [1, 2, 3].map((n) => ({ of: "a", n })))
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("are never published by an attempt that failed, and have the same ids when it runs again", () =>
    Effect.gen(function*() {
      const ids: Array<string> = []
      const journal = new Journal<{ readonly of: string; readonly n: number }>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.emitAll(Receipts, (one) => [{ of: one.account, n: 1 }, { of: one.account, n: 2 }]),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: 3 })),
          Pipeline.commit((_, { attempt }) => attempt < 3 ? Effect.fail("later") : Effect.void),
          Pipeline.retry(Retry.exponential("100 millis", { jitter: false }))
        )
      )
      yield* drain(reader(journal))
      for (const { context } of journal.entries) ids.push(context.message.id)
      assert.deepStrictEqual(journal.values.map((one) => one.n), [1, 2, 3])
      assert.deepStrictEqual(ids, [0, 1, 2].map((n) => MessageId.ofEmit("ledger", "a1", n)))
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("of a message that is given up are not published at all", () =>
    Effect.gen(function*() {
      const journal = new Journal<{ readonly of: string; readonly n: number }>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(emitting.pipe(Pipeline.commit(() => Effect.fail("no")), Pipeline.retry(Retry.never)))
      yield* drain(reader(journal))
      assert.strictEqual(journal.size, 0)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("may have an id of their own, carry the trace on, and be none or many", () =>
    Effect.gen(function*() {
      const journal = new Journal<{ readonly of: string; readonly n: number }>()
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      yield* Topic.publishAll(Orders, orders("a", 2), { headers: { traceparent } })
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n }), { id: (one) => `receipt-${one.id}` }),
          Pipeline.emitAll(Receipts, () => [])
        )
      )
      yield* drain(reader(journal))
      assert.deepStrictEqual(journal.entries.map((one) => one.context.message.id), ["receipt-a1", "receipt-a2"])
      assert.deepStrictEqual(journal.entries[0]!.context.message.headers, { traceparent })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that do not fit their topic fail the attempt, and nothing of it is kept", () =>
    Effect.gen(function*() {
      const sum = yield* TxRef.make(0)
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commit((one) => Effect.as(TxRef.update(sum, (before) => before + one.n), one)),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: 0.5 })),
          Pipeline.retry(Retry.never)
        )
      )
      assert.strictEqual(yield* TxRef.get(sum), 0)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter!.attempts[0], { tag: "EncodeFailed", step: "commit" })
    }).pipe(Effect.provide(Memory.layer)))
})
