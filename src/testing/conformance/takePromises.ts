/**
 * Promises of taking. A transport never hands over more than the demand, and an interruption loses no message. A
 * publish wakes a waiting worker at once, and workers share the lanes fairly.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Delivery } from "../../Delivery.ts"
import { bench, ids, idsOf, type Options, requires, roomy, type Tests } from "./kit.ts"

const many = (count: number, draft: { readonly key?: string; readonly payload?: string } = {}) =>
  Array.from({ length: count }, (_, i) => ({ id: `${draft.key ?? "m"}-${i}`, ...draft }))

const bytesOf = (deliveries: ReadonlyArray<Delivery>): number =>
  deliveries.reduce((sum, { message }) => sum + Buffer.byteLength(message.payload), 0)

/** Registers the promises about the demand: messages, bytes, and messages of one key. */
const demands = (it: Tests, options: Options) => {
  it.effect("never hands over more messages than there is room for", () =>
    Effect.gen(function*() {
      const { open, publish, takeOnce } = yield* bench(options)
      yield* publish(many(20))
      const subscription = yield* open()
      const got: Array<Delivery> = []
      for (let polls = 0; got.length < 20 && polls < 40; polls++) {
        const batch = yield* takeOnce(subscription, { ...roomy, messages: 3 })
        assert.isAtMost(batch.length, 3)
        got.push(...batch)
      }
      assert.sameMembers(ids(got), many(20).map(({ id }) => id))
    }))

  it.effect("never hands over more bytes than there is room for", () =>
    Effect.gen(function*() {
      const { open, publish, takeOnce } = yield* bench(options)
      const payload = JSON.stringify("é".repeat(49))
      yield* publish(many(12, { payload }))
      const subscription = yield* open()
      const got: Array<Delivery> = []
      for (let polls = 0; got.length < 12 && polls < 40; polls++) {
        const batch = yield* takeOnce(subscription, { ...roomy, bytes: 250 })
        assert.isAtMost(bytesOf(batch), 250)
        got.push(...batch)
      }
      assert.strictEqual(got.length, 12)
    }))

  requires(it, options, "several").effect(
    "hands over one message that is larger than the room, alone",
    () =>
      Effect.gen(function*() {
        const { open, publish, takeOnce } = yield* bench(options, { lanes: 1 })
        yield* publish([{ id: "large", key: "k", payload: JSON.stringify("x".repeat(5000)) }, {
          id: "small",
          key: "k"
        }])
        const subscription = yield* open()
        const got: Array<Delivery> = []
        for (let polls = 0; got.length === 0 && polls < 5; polls++) {
          got.push(...yield* takeOnce(subscription, { ...roomy, bytes: 100 }))
        }
        assert.deepStrictEqual(ids(got), ["large"])
      })
  )

  requires(it, options, "order", "several").effect(
    "passes over a key with enough in memory, and catches it up in order",
    () =>
      Effect.gen(function*() {
        const { nothing, open, publish, receive, settle } = yield* bench(options)
        const capped = { ...roomy, perKey: 2 }
        const subscription = yield* open()
        yield* publish([...many(5, { key: "hot" }), ...many(2, { key: "cold" })])
        const first = yield* receive(subscription, 4, capped)
        assert.deepStrictEqual(idsOf(first, "hot"), ["hot-0", "hot-1"])
        assert.deepStrictEqual(idsOf(first, "cold"), ["cold-0", "cold-1"])
        yield* nothing(subscription, capped)
        yield* settle(subscription, first.filter(({ message }) => message.id === "hot-0"))
        assert.deepStrictEqual(ids(yield* receive(subscription, 1, capped)), ["hot-2"])
        yield* nothing(subscription, capped)
        yield* publish(many(1, { key: "new" }))
        assert.deepStrictEqual(ids(yield* receive(subscription, 1, capped)), ["new-0"])
        assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["hot-3", "hot-4"])
      })
  )
}

/** Registers the promises about waiting, wake-ups and interruption. */
const waiting = (it: Tests, options: Options) => {
  requires(it, options, "several").effect(
    "loses nothing when a waiting take is interrupted",
    () =>
      Effect.gen(function*() {
        const { open, publish, receive } = yield* bench(options)
        const subscription = yield* open()
        const taking = yield* Effect.forkChild(
          subscription.take(roomy, () => assert.fail("there was nothing to take")),
          { startImmediately: true }
        )
        yield* options.elapse(Duration.times(Duration.fromInputUnsafe(options.idlePoll), 0.5))
        yield* Fiber.interrupt(taking)
        yield* publish(many(3, { key: "k" }))
        assert.deepStrictEqual(ids(yield* receive(subscription, 3)), ["k-0", "k-1", "k-2"])
      })
  )

  requires(it, options, "order", "several").effect(
    "loses nothing when a take is interrupted while messages arrive",
    () =>
      Effect.gen(function*() {
        const { open, publish, receive } = yield* bench(options)
        const subscription = yield* open()
        const got: Array<Delivery> = []
        for (let round = 0; round < 5; round++) {
          const taking = yield* Effect.forkChild(
            subscription.take(roomy, (deliveries) => {
              got.push(...deliveries)
            }),
            { startImmediately: true }
          )
          yield* publish([{ id: `k-${round}`, key: "k" }])
          yield* Fiber.interrupt(taking)
        }
        const left = 5 - got.length
        if (left > 0) got.push(...yield* receive(subscription, left))
        assert.deepStrictEqual(ids(got), ["k-0", "k-1", "k-2", "k-3", "k-4"])
      })
  )

  it.effect("wakes a waiting take when something is published, long before the idle poll", () =>
    Effect.gen(function*() {
      const { can, open, publish } = yield* bench(options)
      const subscription = yield* open({ idlePoll: Duration.hours(10) })
      const got: Array<Delivery> = []
      const take = subscription.take(roomy, (deliveries) => {
        got.push(...deliveries)
      })
      const taking = yield* Effect.forkChild(take, { startImmediately: true })
      yield* options.elapse(Duration.fromInputUnsafe(options.idlePoll))
      // A read of a broker may end without a message, and then the worker reads again.
      if (can.queue === "store") assert.isUndefined(taking.pollUnsafe())
      yield* publish([{ id: "wake" }])
      yield* Fiber.join(taking)
      while (got.length === 0) yield* take
      assert.deepStrictEqual(ids(got), ["wake"])
    }))

  requires(it, options, "several").effect(
    "hands each message over once while it is in flight",
    () =>
      Effect.gen(function*() {
        const { nothing, open, publish, receive } = yield* bench(options)
        const subscription = yield* open()
        yield* publish(many(10))
        yield* receive(subscription, 10)
        yield* nothing(subscription)
      })
  )
}

/** Registers the promises about several subscriptions of one consumer. */
const sharing = (it: Tests, options: Options) => {
  const keys = Array.from({ length: 40 }, (_, i) => `key-${i}`)

  it.effect("shares the messages among two subscriptions, each to one of them, in order per key", () =>
    Effect.gen(function*() {
      const { lease, open, publish, settle, takeOnce } = yield* bench(options, { lanes: 8 })
      const both = [yield* open(), yield* open()]
      const got: Array<Array<Delivery>> = [[], []]
      const order: Array<Delivery> = []
      let rounds = 0
      // The first worker may own all lanes at first. The shares are equal once both workers have registered.
      for (; rounds < 20 && got.some((part) => part.length < 40); rounds++) {
        yield* publish(keys.map((key) => ({ id: `${key} ${rounds}`, key })))
        for (let turn = 0; turn < 6 || order.length < (rounds + 1) * 40 && turn < 60; turn++) {
          const batch = yield* takeOnce(both[turn % 2]!)
          yield* settle(both[turn % 2]!, batch)
          got[turn % 2]!.push(...batch)
          order.push(...batch)
          yield* both[turn % 2]!.renew(both[turn % 2]!.held())
        }
        yield* options.elapse(Duration.times(lease, 0.1))
      }
      assert.isAtLeast(got[0]!.length, 40)
      assert.isAtLeast(got[1]!.length, 40)
      for (const key of keys) {
        assert.deepStrictEqual(idsOf(order, key), Array.from({ length: rounds }, (_, n) => `${key} ${n}`))
      }
    }))

  it.effect("gives a newcomer its share once the first one has finished what it had", () =>
    Effect.gen(function*() {
      const { open, publish, receive, settle, takeOnce } = yield* bench(options, { lanes: 8 })
      const first = yield* open()
      yield* publish(keys.map((key) => ({ id: `1 ${key}`, key })))
      const mine = yield* receive(first, 40)
      const second = yield* open()
      assert.deepStrictEqual(ids(yield* takeOnce(second)), [])
      yield* settle(first, mine)
      yield* takeOnce(first)
      yield* publish(keys.map((key) => ({ id: `2 ${key}`, key })))
      const theirs = yield* takeOnce(second)
      assert.isAbove(theirs.length, 0)
      const rest = yield* receive(first, 40 - theirs.length)
      assert.sameMembers(ids([...theirs, ...rest]), keys.map((key) => `2 ${key}`))
    }))
}

/** Registers the promises about taking. */
export const takePromises = (it: Tests, options: Options): void => {
  demands(it, options)
  waiting(it, options)
  sharing(requires(it, options, "lanes"), options)
}
