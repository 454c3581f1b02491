/**
 * Promises of delayed messages. A delayed message does not come before its due time, and then takes its place in the
 * key's order. At most one message waits under a name of a topic and key. Publishing, replacing and cancelling join the
 * ambient transaction.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { ResolvedDelay } from "../../Delay.ts"
import type { Delivery } from "../../Delivery.ts"
import { bench, fresh, ids, idsOf, makeMessage, needsTwoTransactions, type Options, type Tests } from "./kit.ts"

const later = (delay: number, name?: string): ResolvedDelay => ({ at: undefined, delay, name })
/**
 * Returns a delay in milliseconds. It is short enough to wait for. It is long enough that no message is due while a
 * test prepares or checks that no message comes.
 */
const soonOf = (options: Options): number =>
  options.live === true ? 3000 : 6 * Duration.toMillis(Duration.fromInputUnsafe(options.idlePoll))

/** Registers the promises about when a delayed message comes, and its place in the order. */
const order = (it: Tests, options: Options) => {
  const soon = soonOf(options)
  const pass = (millis: number) => options.elapse(Duration.millis(millis))

  it.effect("keeps a message back until it is due, and never longer", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, receive } = yield* bench(options)
      const subscription = yield* open()
      // The message is due in an hour, so that it is not due on the slowest engine while the test checks that no
      // message comes.
      yield* publish([{ id: "far" }], later(3_600_000))
      yield* nothing(subscription)
      yield* publish([{ id: "a" }], later(soon))
      yield* pass(soon)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a"])
      yield* nothing(subscription)
    }))

  it.effect("puts a message behind what was published until it was due, and ahead of what came after", () =>
    Effect.gen(function*() {
      const { open, publish, receive } = yield* bench(options)
      const subscription = yield* open()
      yield* publish([{ id: "delayed", key: "k" }], later(soon))
      yield* publish([{ id: "before", key: "k" }])
      const got = yield* receive(subscription, 1)
      yield* pass(soon)
      got.push(...yield* receive(subscription, 1))
      yield* publish([{ id: "after", key: "k" }])
      got.push(...yield* receive(subscription, 1))
      assert.deepStrictEqual(ids(got), ["before", "delayed", "after"])
      const positions = got.map((delivery) => delivery.position)
      assert.deepStrictEqual(positions, positions.toSorted((a, b) => Number(a - b)))
    }))

  it.effect("gives a key's delayed messages places in the order of their times, those of one time as published", () =>
    Effect.gen(function*() {
      const { open, publish, receive } = yield* bench(options)
      // Due times, and not delays, so that a slow publish changes no order.
      const now = yield* Clock.currentTimeMillis
      const dueAt = (millis: number): ResolvedDelay => ({ at: now + millis, delay: 0, name: undefined })
      const due = ["third", "fourth", "fifth"].map((id) => ({ id, key: "k" }))
      yield* publish(due, dueAt(soon))
      yield* publish([{ id: "second", key: "k" }], dueAt(soon / 2))
      yield* publish([{ id: "first", key: "k" }], dueAt(soon / 3))
      yield* publish([{ id: "sixth", key: "k" }], dueAt(soon * 1.5))
      const subscription = yield* open()
      yield* pass(soon * 1.5)
      assert.deepStrictEqual(ids(yield* receive(subscription, 6)), [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth"
      ])
    }))

  it.effect("publishes at once what is due already, in the order of the calls", () =>
    Effect.gen(function*() {
      const { open, publish, receive } = yield* bench(options)
      yield* publish([{ id: "1", key: "k" }])
      yield* publish([{ id: "2", key: "k" }], later(0))
      yield* publish([{ id: "3", key: "k" }], later(-1000))
      yield* publish([{ id: "4", key: "k" }], { at: -1e12, delay: 0, name: undefined })
      yield* publish([{ id: "5", key: "k" }])
      assert.deepStrictEqual(ids(yield* receive(yield* open(), 5)), ["1", "2", "3", "4", "5"])
    }))

  it.effect("says when it was due as the time of its publishing", () =>
    Effect.gen(function*() {
      const { open, publish, receive } = yield* bench(options)
      yield* publish([{ id: "now", key: "k" }])
      yield* publish([{ id: "later", key: "k" }], later(soon))
      const subscription = yield* open()
      yield* pass(soon * 2)
      const [now, due] = yield* receive(subscription, 2)
      const after = due!.message.publishedAt - now!.message.publishedAt
      assert.isTrue(after >= soon - 1 && after < soon * 1.9, `${after} ms`)
    }))

  it.effect("wakes a waiting worker at its time, also when it fell asleep before the publish", () =>
    Effect.gen(function*() {
      const { lease, open, publish } = yield* bench(options)
      const subscription = yield* open({ idlePoll: Duration.times(lease, 20) })
      const got: Array<Delivery> = []
      const taking = yield* Effect.forkChild(
        Effect.whileLoop({
          while: () => got.length === 0,
          body: () => subscription.take({ messages: 10, bytes: 1000, perKey: 10 }, (more) => got.push(...more)),
          step: () => {}
        }),
        { startImmediately: true }
      )
      yield* pass(soon)
      yield* publish([{ id: "a" }], later(soon))
      // The worker polls at the due time, or somewhat later where the machine is busy. Without the due time it would
      // poll after twenty leases.
      yield* pass(soon)
      for (let i = 0; i < 10 && got.length === 0; i++) yield* pass(soon / 2)
      assert.deepStrictEqual(ids(got), ["a"])
      yield* Fiber.join(taking)
    }))
}

/** Registers the promises about the message that waits under a name. */
const names = (it: Tests, options: Options) => {
  const soon = soonOf(options)
  const pass = (millis: number) => options.elapse(Duration.millis(millis))

  it.effect("replaces what waits under a name, its content and its time", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, receive } = yield* bench(options)
      const subscription = yield* open()
      yield* publish([{ id: "a", key: "k", payload: "1" }], later(soon / 2, "n"))
      yield* publish([{ id: "b", key: "k", payload: "2" }], later(soon * 1.5, "n"))
      yield* publish([{ id: "between", key: "k" }], later(soon))
      yield* pass(soon * 1.5)
      const got = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids(got), ["between", "b"])
      assert.strictEqual(got[1]!.message.payload, "2")
      yield* nothing(subscription)
    }))

  it.effect("publishes now, and lets nothing wait, when the new message under a name is due at once", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, receive } = yield* bench(options)
      yield* publish([{ id: "a", key: "k" }], later(soon, "n"))
      yield* publish([{ id: "b", key: "k" }], later(0, "n"))
      const subscription = yield* open()
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["b"])
      yield* pass(soon)
      yield* nothing(subscription)
    }))

  it.effect("keeps one name apart by key and by topic", () =>
    Effect.gen(function*() {
      const { consumer, lanes, open, publish, receive, store } = yield* bench(options)
      const topic = fresh("topic")
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* publish([{ id: "a", key: "k" }], later(soon, "n"))
      yield* publish([{ id: "b", key: "l" }], later(soon, "n"))
      yield* publish([{ id: "c", key: "k", topic }], later(soon, "n"))
      yield* publish([{ id: "d", key: "k" }], later(soon, "m"))
      yield* pass(soon)
      assert.sameMembers(ids(yield* receive(yield* open(), 4)), ["a", "b", "c", "d"])
    }))

  it.effect("cancels what waits, once, and says whether there was anything", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, store, topic } = yield* bench(options)
      const cancel = store.outbox.cancel(topic, "k", "n")
      assert.isFalse(yield* cancel)
      yield* publish([{ id: "a", key: "k" }], later(soon, "n"))
      assert.isFalse(yield* store.outbox.cancel(topic, "k", "other"))
      assert.isFalse(yield* store.outbox.cancel(topic, "other", "n"))
      assert.isTrue(yield* cancel)
      assert.isFalse(yield* cancel)
      yield* pass(soon)
      yield* nothing(yield* open())
    }))

  it.effect("cancels nothing that is published already, and lets its name be used again", () =>
    Effect.gen(function*() {
      const { open, publish, receive, store, topic } = yield* bench(options)
      const subscription = yield* open()
      yield* publish([{ id: "a", key: "k" }], later(soon, "n"))
      yield* pass(soon)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a"])
      assert.isFalse(yield* store.outbox.cancel(topic, "k", "n"))
      yield* publish([{ id: "b", key: "k" }], later(soon, "n"))
      yield* pass(soon)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["b"])
    }))

  it.effect("refuses a time that is none, one that is too far, and a name for several messages", () =>
    Effect.gen(function*() {
      const { nothing, open, publish } = yield* bench(options)
      const bad: ReadonlyArray<ResolvedDelay> = [
        later(NaN),
        later(Infinity),
        { at: NaN, delay: 0, name: undefined },
        { at: 1e15, delay: 0, name: undefined },
        later(0, ""),
        later(0, "n\0"),
        later(0, "n".repeat(513))
      ]
      for (const each of bad) {
        const error = yield* Effect.flip(publish([{ key: "k" }], each))
        assert.strictEqual(error._tag === "StoreFailure" ? error.kind : error._tag, "refused")
      }
      const several = yield* Effect.flip(publish([{ key: "k" }, { key: "k" }], later(0, "n")))
      assert.strictEqual(several._tag, "StoreFailure")
      yield* nothing(yield* open())
    }))
}

/** Registers the promises about delayed publishes in the ambient transaction. */
const atomicity = (it: Tests, options: Options) => {
  const soon = soonOf(options)
  const pass = (millis: number) => options.elapse(Duration.millis(millis))

  it.effect("publishes nothing later when the transaction around it rolls back", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, store } = yield* bench(options)
      yield* Effect.flip(
        store.transact(Effect.andThen(
          Effect.andThen(publish([{ id: "a" }], later(soon)), publish([{ id: "b" }], later(soon, "n"))),
          Effect.fail("no" as const)
        ))
      )
      yield* pass(soon)
      yield* nothing(yield* open())
    }))

  it.effect("forgets a cancellation and a replacement when the transaction around them rolls back", () =>
    Effect.gen(function*() {
      const { open, publish, receive, store, topic } = yield* bench(options)
      yield* publish([{ id: "a", key: "k" }], later(soon, "n"))
      yield* publish([{ id: "b", key: "l" }], later(soon, "n"))
      const body = Effect.gen(function*() {
        assert.isTrue(yield* store.outbox.cancel(topic, "k", "n"))
        assert.isFalse(yield* store.outbox.cancel(topic, "k", "n"))
        yield* publish([{ id: "c", key: "l" }], later(0, "n"))
        assert.isFalse(yield* store.outbox.cancel(topic, "l", "n"))
        yield* publish([{ id: "d", key: "l" }], later(soon, "n"))
        assert.isTrue(yield* store.outbox.cancel(topic, "l", "n"))
        return yield* Effect.fail("no" as const)
      })
      assert.strictEqual(yield* Effect.flip(store.transact(body)), "no")
      yield* pass(soon)
      assert.sameMembers(ids(yield* receive(yield* open(), 2)), ["a", "b"])
    }))

  it.effect("does not publish what an open transaction cancels, nor what is due after it of its key", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const { nothing, open, publish, receive, store, topic } = yield* bench(options)
      yield* publish([{ id: "a", key: "k" }], later(soon, "n"))
      yield* publish([{ id: "b", key: "k" }], later(soon * 1.1))
      yield* publish([{ id: "c", key: "l" }], later(soon * 1.2))
      const [cancelled, go] = [yield* Deferred.make<boolean>(), yield* Deferred.make<void>()]
      const transaction = yield* Effect.forkChild(Effect.flip(store.transact(Effect.gen(function*() {
        yield* Deferred.succeed(cancelled, yield* store.outbox.cancel(topic, "k", "n"))
        yield* Deferred.await(go)
        return yield* Effect.fail("no" as const)
      }))))
      assert.isTrue(yield* Deferred.await(cancelled))
      const subscription = yield* open()
      yield* pass(soon * 1.2)
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["c"])
      yield* nothing(subscription)
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(transaction)
      assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["a", "b"])
    }))
}

/** Registers the promises about the consumers that get a delayed message. */
const routing = (it: Tests, options: Options) => {
  const soon = soonOf(options)
  const pass = (millis: number) => options.elapse(Duration.millis(millis))

  it.effect("gives a message to the consumers that read its topic when it is due", () =>
    Effect.gen(function*() {
      const { lanes, open, publish, receive, store, topic } = yield* bench(options)
      const [between, after] = [fresh("consumer"), fresh("consumer")]
      yield* publish([{ id: "a" }], later(soon))
      yield* store.consumers.register({ consumer: between, topics: [topic], lanes, order: "park" })
      yield* pass(soon)
      assert.deepStrictEqual(ids(yield* receive(yield* open(), 1)), ["a"])
      yield* store.consumers.register({ consumer: after, topics: [topic], lanes, order: "park" })
      yield* publish([{ id: "b" }])
      assert.sameMembers(ids(yield* receive(yield* open({ consumer: between }), 2)), ["a", "b"])
      assert.deepStrictEqual(ids(yield* receive(yield* open({ consumer: after }), 1)), ["b"])
    }))

  it.effect("keeps a delayed message that no consumer reads for the first one that does, due or not", () =>
    Effect.gen(function*() {
      const { lanes, nothing, open, receive, store } = yield* bench(options)
      const [topic, consumer] = [fresh("topic"), fresh("consumer")]
      const write = (id: string, delay: number) =>
        Effect.flatMap(
          makeMessage({ topic, id, key: "k" }),
          (message) => store.outbox.write([message], later(delay))
        )
      yield* write("first", soon / 2)
      yield* write("second", soon * 3)
      // Any worker moves due messages into the queue, also one of another consumer. But no consumer reads this topic
      // yet, so the first message must wait for one.
      const other = yield* open()
      yield* pass(soon / 2)
      yield* nothing(other)
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      const subscription = yield* open({ consumer })
      const got = yield* receive(subscription, 1)
      yield* pass(soon * 3)
      got.push(...yield* receive(subscription, 1))
      assert.deepStrictEqual(idsOf(got, "k"), ["first", "second"])
    }))
}

/** Registers the promises about delayed messages. */
export const delayedPromises = (it: Tests, options: Options): void => {
  order(it, options)
  names(it, options)
  atomicity(it, options)
  routing(it, options)
}
