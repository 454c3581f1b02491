// One call for all messages of a group: what it is given, what it returns, and what happens when it fails.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Schema } from "effect"
import { Memory, MessageId, Pipeline, Retry, Topic } from "millrace"
import { deadLetters, drain, Journal, type Order, order, Orders, orders, ports, publish } from "./support.ts"

/** Memory with groups: savepoints take back what was staged. */
const grouped = ports({ store: () => ({ maxGroup: 250 }) })
const options = { committers: 1, lanes: 4 }

const Receipts = Topic.make("receipts", {
  schema: Schema.Struct({ of: Schema.String, n: Schema.Int }),
  key: (receipt) => receipt.of
})
const receipts = Effect.fnUntraced(function*() {
  const found = new Journal<{ readonly of: string; readonly n: number }>()
  yield* drain(Pipeline.from(Receipts, { consumer: "auditor" }).pipe(Pipeline.tap(found.write)))
  return found
})

const base = Pipeline.from(Orders, { consumer: "ledger" })
const accounts = Array.from({ length: 20 }, (_, i) => `k${i}-`)
const firsts = accounts.map((account) => order(account, 1))

/** The calls of a batch, in order. */
const recording = () => {
  const calls: Array<ReadonlyArray<string>> = []
  const write = (batch: ReadonlyArray<Order>) => Effect.sync(() => void calls.push(batch.map((one) => one.id)))
  return { calls, write }
}

describe("a batch", () => {
  it.effect("is called once for the group, across keys, with each value's own delivery", () =>
    Effect.gen(function*() {
      const { calls, write } = recording()
      const ids: Array<string> = []
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.filter((one) => one.account !== "k3-"),
          Pipeline.commitBatch((batch, contexts) => {
            ids.push(...contexts.map((one) => `${one.message.id}@${one.attempt}`))
            return write(batch)
          })
        ),
        options
      )
      const expected = firsts.filter((one) => one.account !== "k3-").map((one) => one.id)
      assert.deepStrictEqual(calls.map((call) => call.toSorted()), [expected.toSorted()])
      assert.deepStrictEqual(ids, calls[0]!.map((id) => `${id}@1`))
    }).pipe(Effect.provide(grouped)))

  it.effect("keeps the order of each key from call to call", () =>
    Effect.gen(function*() {
      const { calls, write } = recording()
      const published = accounts.slice(0, 5).flatMap((account) => orders(account, 8))
      yield* publish(Orders, published)
      yield* drain(base.pipe(Pipeline.commitBatch(write)), options)
      const ids = calls.flat()
      assert.lengthOf(ids, 40)
      for (const account of accounts.slice(0, 5)) {
        assert.deepStrictEqual(ids.filter((id) => id.startsWith(account)), orders(account, 8).map((one) => one.id))
      }
      assert.isAbove(Math.max(...calls.map((call) => call.length)), 1)
    }).pipe(Effect.provide(grouped)))

  it.effect("hands each message its own result, and the next step continues with that", () =>
    Effect.gen(function*() {
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.commitBatch((batch) => Effect.succeed(batch.map((one, i) => ({ of: one.id, n: i })))),
          Pipeline.map(({ n, of }) => ({ of, n: n * 2 })),
          Pipeline.filter(({ n }) => n !== 4),
          Pipeline.commitBatch((batch) =>
            Effect.succeed(batch.map((one) => ({ ...one, n: one.n + batch.length * 100 })))
          ),
          Pipeline.emit(Receipts, (one) => one)
        ),
        options
      )
      const found = yield* receipts()
      assert.deepStrictEqual(
        found.entries.map(({ context, value }) => [value.n, context.message.id]).toSorted((a, b) =>
          Number(a[0]) - Number(b[0])
        ),
        firsts.map((one, i) => [1900 + i * 2, MessageId.ofEmit("ledger", one.id, 0)]).filter((_, i) => i !== 2)
      )
      assert.deepStrictEqual(
        new Set(found.values.map((one) => one.of)),
        new Set(firsts.filter((_, i) => i !== 2).map((one) => one.id))
      )
    }).pipe(Effect.provide(grouped)))

  it.effect("that returns nothing keeps the values", () =>
    Effect.gen(function*() {
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.commitBatch(() => Effect.void),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n }))
        ),
        options
      )
      assert.deepStrictEqual((yield* receipts()).values.map((one) => one.of).toSorted(), accounts.toSorted())
    }).pipe(Effect.provide(grouped)))

  it.effect("is called with one message at a time where transactions hold one", () =>
    Effect.gen(function*() {
      const { calls, write } = recording()
      yield* publish(Orders, firsts)
      yield* drain(base.pipe(Pipeline.commitBatch(write)), options)
      assert.deepStrictEqual(calls.map((call) => call.length), firsts.map(() => 1))
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a batch that fails", () => {
  it.effect("is run again message by message: the others commit, and only the culprit's attempt is counted", () =>
    Effect.gen(function*() {
      const { calls, write } = recording()
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.commitBatch((batch) =>
            Effect.andThen(write(batch), batch.some((one) => one.account === "k7-") ? Effect.fail("no") : Effect.void)
          ),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n })),
          Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false }))
        ),
        options
      )
      assert.lengthOf(calls[0]!, 20)
      assert.isTrue(calls.slice(1).every((call) => call.length === 1))
      assert.lengthOf((yield* receipts()).values, 19)
      const dead = yield* deadLetters("ledger")
      assert.deepStrictEqual(dead.map((deadLetter) => [deadLetter.message.id, deadLetter.attempts.length]), [[
        "k7-1",
        2
      ]])
    }).pipe(Effect.provide(grouped)))

  it.effect("by waiting too long ends with its own timeout, and fails no other message", () =>
    Effect.gen(function*() {
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.commitBatch((batch) => batch.some((one) => one.account === "k7-") ? Effect.never : Effect.void),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n })),
          Pipeline.commitTimeout("1 second"),
          Pipeline.retry(Retry.never)
        ),
        options
      )
      assert.lengthOf((yield* receipts()).values, 19)
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter!.attempts[0], { tag: "StepTimeout", step: "commit" })
    }).pipe(Effect.provide(grouped)))

  it.effect("by the wrong number of results is a defect that says so, and mixes no results up", () =>
    Effect.gen(function*() {
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.commitBatch((batch) => Effect.succeed([...batch, ...batch])),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n })),
          Pipeline.retry(Retry.never)
        ),
        options
      )
      assert.lengthOf((yield* receipts()).values, 0)
      const dead = yield* deadLetters("ledger")
      assert.lengthOf(dead, 20)
      assert.strictEqual(dead[0]!.attempts[0]!.tag, "Defect")
      assert.include(dead[0]!.attempts[0]!.message, "commitBatch returned 2 results for 1 messages")
    }).pipe(Effect.provide(grouped)))

  it.effect("by results that are missing for some only is named in a warning, though each alone has its own", () => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      yield* publish(Orders, firsts)
      yield* drain(
        base.pipe(
          Pipeline.commitBatch((batch) => Effect.succeed(batch.slice(0, 1))),
          Pipeline.emit(Receipts, (one) => ({ of: one.account, n: one.n }))
        ),
        options
      )
      assert.deepStrictEqual((yield* receipts()).values.map((one) => one.of).toSorted(), accounts.toSorted())
      assert.lengthOf(logged.filter((line) => line.includes("commitBatch returned 1 results for 20 messages")), 1)
    }).pipe(Effect.provide([grouped, Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])]))
  })
})
