// A worker handles messages that succeed once each, in order per key, for every consumer.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Schema, TxRef } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Pipeline, Topic, Worker } from "millrace"
import {
  deadLetters,
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

const shuffled = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> =>
  values.map((value, i) => ({ value, at: (i * 7919) % values.length })).toSorted((a, b) => a.at - b.at).map((x) =>
    x.value
  )

describe("a worker", () => {
  it.effect("handles every message once, in order per key, across many keys", () =>
    Effect.gen(function*() {
      const accounts = Array.from({ length: 50 }, (_, i) => `account-${i}-`)
      const journal = new Journal<Order>()
      const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap((one) => one.n % 3 === 0 ? Effect.yieldNow : Effect.void),
        Pipeline.commit(journal.write)
      )
      const worker = yield* start(ledger, { concurrency: 16, lanes: 8 })
      for (let n = 1; n <= 10; n++) yield* publish(Orders, shuffled(accounts).map((account) => order(account, n)))
      yield* until("all are handled", () => journal.size >= 500)
      yield* runReadyFibers
      assert.strictEqual(journal.size, 500)
      for (const account of accounts) {
        const ns = journal.values.filter((one) => one.account === account).map((one) => one.n)
        assert.deepStrictEqual(ns, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
      }
      assert.isTrue(journal.attempts.every((attempt) => attempt === 1))
      assert.isTrue(journal.entries.every((entry) => entry.context.redriven === 0))
      yield* stop(worker)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("wakes as soon as something is published, without any time passing", () =>
    Effect.gen(function*() {
      const journal = new Journal<Order>()
      yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(journal.write)))
      yield* runReadyFibers
      yield* publish(Orders, [order("a", 1)])
      yield* until("it is handled", () => journal.size === 1)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("passes on what each step returned, and steps see the message they belong to", () =>
    Effect.gen(function*() {
      const journal = new Journal<string>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.map((one, context) => `${one.n} of ${context.message.key}`),
        Pipeline.mapEffect((text, context) => Effect.succeed(`${text}, attempt ${context.attempt}`)),
        Pipeline.tap(() => Effect.succeed("not this")),
        Pipeline.commit((text, context) => Effect.succeed(`${text}, ${context.message.id}`)),
        Pipeline.map((text) => `${text}.`),
        Pipeline.commit(journal.write)
      )
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      assert.deepStrictEqual(journal.values, ["1 of a, attempt 1, a1."])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("needs no commit step: what passed its steps is done", () =>
    Effect.gen(function*() {
      const journal = new Journal<Order>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.tap(journal.write))
      yield* publish(Orders, [order("a", 1), order("a", 1)])
      yield* drain(pipeline)
      yield* drain(pipeline)
      assert.isAtMost(journal.size, 2)
      const again = new Journal<Order>()
      yield* drain(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(again.write)))
      assert.strictEqual(again.size, 0)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that is to drain its queue needs no clock: it ends when nothing is left", () =>
    Effect.gen(function*() {
      const journal = new Journal<Order>()
      const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap(() => Effect.repeat(Effect.yieldNow, { times: 20 })),
        Pipeline.commit(journal.write)
      )
      yield* Worker.drain(ledger)
      yield* publish(Orders, orders("a", 20))
      yield* Worker.drain(ledger)
      assert.strictEqual(journal.size, 20)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that has drained its queue ends, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const journal = new Journal<Order>()
      const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(journal.write))
      yield* drain(ledger)
      yield* publish(Orders, orders("a", 100))
      yield* drain(ledger, { prefetch: 4, concurrency: 2 })
      assert.strictEqual(journal.size, 100)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("the same message twice", () => {
  const twice = (values: ReadonlyArray<Order>) =>
    Effect.gen(function*() {
      const sum = yield* TxRef.make(0)
      const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.commit((one) => TxRef.update(sum, (before) => before + one.n))
      )
      return { sum, ledger, values }
    })

  it.effect("has one effect when both wait together", () =>
    Effect.gen(function*() {
      const { ledger, sum } = yield* twice([])
      yield* publish(Orders, [order("a", 1), order("a", 1), order("b", 2), order("a", 1), order("b", 2)])
      yield* drain(ledger)
      assert.strictEqual(yield* TxRef.get(sum), 3)
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("has one effect when the second comes after the commit, even to another worker", () =>
    Effect.gen(function*() {
      const { ledger, sum } = yield* twice([])
      for (let i = 0; i < 3; i++) {
        yield* publish(Orders, [order("a", 1)])
        yield* drain(ledger)
      }
      assert.strictEqual(yield* TxRef.get(sum), 1)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("has one effect when it was published under two keys, which are handled at the same time", () =>
    Effect.gen(function*() {
      const Keyed = Topic.make("keyed", { schema: Schema.String, id: "content", key: (text) => text })
      const Other = Topic.make("keyed", { schema: Schema.String, id: "content", key: (text) => `other-${text}` })
      const count = yield* TxRef.make(0)
      yield* publish(Keyed, ["x"])
      yield* publish(Other, ["x"])
      yield* drain(
        Pipeline.from(Keyed, { consumer: "ledger" }).pipe(
          Pipeline.commit(() => Effect.andThen(Effect.yieldNow, TxRef.update(count, (n) => n + 1)))
        )
      )
      assert.strictEqual(yield* TxRef.get(count), 1)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("with other content has no effect and is kept as a dead letter that says why", () =>
    Effect.gen(function*() {
      const { ledger, sum } = yield* twice([])
      yield* publish(Orders, [order("a", 1), { ...order("a", 1), n: 5 }, order("a", 2)])
      yield* drain(ledger)
      assert.strictEqual(yield* TxRef.get(sum), 3)
      const [deadLetter, ...more] = yield* deadLetters("ledger")
      assert.lengthOf(more, 0)
      assert.deepInclude(deadLetter, { reason: "rejected", state: "open", parked: false })
      assert.strictEqual(deadLetter!.attempts.at(-1)!.tag, "IdempotencyConflict")
      assert.strictEqual(JSON.parse(deadLetter!.message.payload).n, 5)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a message that is filtered out", () => {
  it.effect("is settled in its turn, without the steps behind the filter", () =>
    Effect.gen(function*() {
      const latch = Deferred.makeUnsafe<void>()
      const journal = new Journal<Order>()
      const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap((one) => one.n === 1 ? Deferred.await(latch) : Effect.void),
        Pipeline.filter((one) => one.n !== 2),
        Pipeline.commit(journal.write)
      )
      yield* publish(Orders, orders("a", 3))
      const worker = yield* start(ledger)
      yield* runReadyFibers
      assert.strictEqual(journal.size, 0)
      yield* Deferred.succeed(latch, undefined)
      yield* until("the others are handled", () => journal.size === 2)
      assert.deepStrictEqual(journal.values.map((one) => one.n), [1, 3])
      yield* stop(worker)
      // It was settled: nothing of the queue is left for a worker that filters nothing.
      const again = new Journal<Order>()
      yield* drain(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(again.write)))
      assert.strictEqual(again.size, 0)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("inside the transaction leaves what was committed before the filter", () =>
    Effect.gen(function*() {
      const sum = yield* TxRef.make(0)
      const after = new Journal<Order>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commit((one) => Effect.as(TxRef.update(sum, (before) => before + one.n), one)),
          Pipeline.filter(() => false),
          Pipeline.commit(after.write)
        )
      )
      assert.deepStrictEqual([yield* TxRef.get(sum), after.size], [1, 0])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("several topics in one pipeline", () => {
  const Refunds = Topic.make("refunds", {
    schema: Schema.Struct({ account: Schema.String, cents: Schema.Int }),
    key: (r) => r.account
  })

  it.effect("keep one order per key, and each value says which topic it is of", () =>
    Effect.gen(function*() {
      const journal = new Journal<string>()
      const both = Pipeline.fromAll([Orders, Refunds], { consumer: "ledger" }).pipe(
        Pipeline.map((one) => one.topic === "orders" ? `order ${one.value.n}` : `refund ${one.value.cents}`),
        Pipeline.tap((text) => text === "order 1" ? Effect.repeat(Effect.yieldNow, { times: 50 }) : Effect.void),
        Pipeline.commit(journal.write)
      )
      yield* publish(Orders, [order("a", 1)])
      yield* publish(Refunds, [{ account: "a", cents: 10 }])
      yield* publish(Orders, [order("a", 2)])
      yield* publish(Refunds, [{ account: "a", cents: 20 }])
      // Messages that were published before the first worker started wait in one order, too.
      yield* drain(both)
      assert.deepStrictEqual(journal.values, ["order 1", "refund 10", "order 2", "refund 20"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("are distinguished where their values are equal, and where they share an id it is a conflict that is kept", () =>
    Effect.gen(function*() {
      const schema = Schema.Struct({ order: Schema.String })
      const Paid = Topic.make("paid", { schema })
      const Expired = Topic.make("expired", { schema })
      const journal = new Journal<string>()
      const both = Pipeline.fromAll([Paid, Expired], { consumer: "orders" }).pipe(
        Pipeline.map(({ topic, value }) => `${topic} ${value.order}`),
        Pipeline.commit(journal.write)
      )
      yield* publish(Paid, [{ order: "1" }, { order: "1" }])
      yield* publish(Expired, [{ order: "1" }])
      yield* drain(both)
      assert.sameMembers([...journal.values], ["paid 1", "expired 1"])
      yield* Topic.publish(Paid, { order: "2" }, { id: "order-2" })
      yield* drain(both)
      yield* Topic.publish(Expired, { order: "2" }, { id: "order-2" })
      yield* drain(both)
      assert.strictEqual(journal.values.at(-1), "paid 2")
      assert.deepStrictEqual((yield* deadLetters("orders")).map(({ message, tag }) => [message.topic, tag]), [
        ["expired", "IdempotencyConflict"]
      ])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("hold a message of a topic that this code does not know, uncounted, until code comes that does", () =>
    Effect.gen(function*() {
      const seen = new Journal<string>()
      const older = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.map((one) => `order ${one.n}`),
        Pipeline.commit(seen.write)
      )
      const newer = Pipeline.fromAll([Orders, Refunds], { consumer: "ledger" }).pipe(
        Pipeline.map((one) => `${one.topic} ${one.topic === "orders" ? one.value.n : one.value.cents}`),
        Pipeline.commit(seen.write)
      )
      yield* drain(newer)
      const worker = yield* start(older)
      yield* publish(Refunds, [{ account: "a", cents: 10 }])
      yield* publish(Orders, [order("a", 1), order("b", 1)])
      yield* until("the other key continues", () => seen.size === 1)
      // Held 30 seconds again and again: its key waits, and it never becomes a dead letter.
      yield* TestClock.adjust("5 minutes")
      yield* runReadyFibers
      assert.deepStrictEqual(seen.values, ["order 1"])
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      yield* stop(worker)
      const next = yield* start(newer)
      yield* eventually("it is handled, then its successor", () => seen.size === 3, 31_000)
      assert.deepStrictEqual(seen.values.slice(1), ["refunds 10", "orders 1"])
      assert.deepStrictEqual(seen.attempts, [1, 1, 1])
      yield* stop(next)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("several consumers of one topic", () => {
  it.effect("each get every message, fail for themselves, and do not deduplicate each other", () =>
    Effect.gen(function*() {
      const ledger = new Journal<Order>()
      const mailer = new Journal<Order>()
      const workers = [
        yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(ledger.write))),
        yield* start(
          Pipeline.from(Orders, { consumer: "mailer" }).pipe(
            Pipeline.commit((one, context) => one.n === 2 ? Effect.die("broken") : mailer.write(one, context)),
            Pipeline.retry({ attempts: 3 }, { while: () => false })
          )
        )
      ]
      yield* publish(Orders, orders("a", 3))
      yield* until("both have seen them", () => ledger.size === 3 && mailer.size === 2)
      assert.deepStrictEqual(ledger.values.map((one) => one.n), [1, 2, 3])
      assert.deepStrictEqual(mailer.values.map((one) => one.n), [1, 3])
      assert.lengthOf(yield* deadLetters("ledger"), 0)
      assert.lengthOf(yield* deadLetters("mailer"), 1)
      for (const worker of workers) yield* stop(worker)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("begin with what was published before a consumer read the topic, and the later ones after it", () =>
    Effect.gen(function*() {
      const first = new Journal<Order>()
      const second = new Journal<Order>()
      yield* publish(Orders, [order("a", 1)])
      yield* drain(Pipeline.from(Orders, { consumer: "first" }).pipe(Pipeline.commit(first.write)))
      yield* drain(Pipeline.from(Orders, { consumer: "second" }).pipe(Pipeline.commit(second.write)))
      yield* publish(Orders, [order("a", 2)])
      yield* drain(Pipeline.from(Orders, { consumer: "first" }).pipe(Pipeline.commit(first.write)))
      yield* drain(Pipeline.from(Orders, { consumer: "second" }).pipe(Pipeline.commit(second.write)))
      assert.deepStrictEqual(first.values.map((one) => one.n), [1, 2])
      assert.deepStrictEqual(second.values.map((one) => one.n), [2])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("share the work when they have one name: each message goes to one of the workers", () =>
    Effect.gen(function*() {
      const journals = [new Journal<Order>(), new Journal<Order>()]
      const workers = yield* Effect.forEach(
        journals,
        (journal) => start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(journal.write)))
      )
      yield* runReadyFibers
      const accounts = Array.from({ length: 64 }, (_, i) => `account-${i}-`)
      for (let n = 1; n <= 5; n++) yield* publish(Orders, accounts.map((account) => order(account, n)))
      yield* until("all are handled", () => journals[0]!.size + journals[1]!.size === 320)
      for (const account of accounts) {
        const who = journals.filter((journal) => journal.values.some((one) => one.account === account))
        assert.lengthOf(who, 1)
        assert.deepStrictEqual(who[0]!.values.filter((one) => one.account === account).map((one) => one.n), [
          1,
          2,
          3,
          4,
          5
        ])
      }
      assert.isAbove(journals[0]!.size, 0)
      assert.isAbove(journals[1]!.size, 0)
      for (const worker of workers) yield* stop(worker)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("messages without a key", () => {
  it.effect("do not wait for one another", () =>
    Effect.gen(function*() {
      const Pings = Topic.make("pings", { schema: Schema.Int })
      const latch = Deferred.makeUnsafe<void>()
      const journal = new Journal<number>()
      const worker = yield* start(
        Pipeline.from(Pings, { consumer: "pinger" }).pipe(
          Pipeline.tap((n) => n === 1 ? Deferred.await(latch) : Effect.void),
          Pipeline.commit(journal.write)
        )
      )
      yield* publish(Pings, [1, 2, 3, 4])
      yield* until("the others pass", () => journal.size === 3)
      yield* Deferred.succeed(latch, undefined)
      yield* until("and the slow one", () => journal.size === 4)
      yield* stop(worker)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("effects kept in transactional references", () => {
  it.effect("are taken back with the transaction when a later step fails", () =>
    Effect.gen(function*() {
      const sum = yield* TxRef.make(0)
      let tries = 0
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.commit((one) => Effect.as(TxRef.update(sum, (before) => before + one.n), one)),
          Pipeline.commit(() => Effect.suspend(() => ++tries < 3 ? Effect.fail("not yet") : Effect.void))
        )
      )
      assert.deepStrictEqual([tries, yield* TxRef.get(sum)], [3, 1])
    }).pipe(Effect.provide(Memory.layer)))
})

it.effect("a worker built as a layer works while the layer lives", () =>
  Effect.gen(function*() {
    const journal = new Journal<Order>()
    const ledger = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(journal.write))
    yield* Effect.provide(
      Effect.gen(function*() {
        yield* publish(Orders, [order("a", 1)])
        yield* until("it is handled", () => journal.size === 1)
      }),
      Worker.layer(ledger)
    )
    yield* publish(Orders, [order("a", 2)])
    yield* runReadyFibers
    assert.strictEqual(journal.size, 1)
  }).pipe(Effect.provide(Memory.layer)))
