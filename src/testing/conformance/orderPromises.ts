/**
 * Promises of holds: a held key pauses with all its messages and continues in order, and other keys never wait for it.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import type { Delivery, Failure } from "../../Delivery.ts"
import * as Hold from "../../Hold.ts"
import { Store } from "../../Store.ts"
import type { Subscription } from "../../Transport.ts"
import { bench, failure, ids, idsOf, type Options, requires, roomy, type Tests } from "./kit.ts"

/** Holds a delivery's key, as a worker does. */
const hold = (
  subscription: Subscription,
  delivery: Delivery,
  attempts: ReadonlyArray<Failure>,
  delay: Duration.Duration
) =>
  Effect.flatMap(Store, (store) =>
    subscription.whileNotReading(
      delivery,
      store.transact(subscription.hold(delivery, attempts, Hold.delayed(delay)))
    ))

const keyed = (key: string, ...numbers: ReadonlyArray<number>) => numbers.map((n) => ({ id: `${key}${n}`, key }))

/** Registers the promises about a held key: the hold hides its messages, and no message of another key. */
const holding = (it: Tests, options: Options) => {
  it.effect("hides a held key's later messages, those published meanwhile too, until the hold ends", () =>
    Effect.gen(function*() {
      const { lease, nothing, open, publish, receive, settle, working } = yield* bench(options)
      const subscription = yield* open()
      yield* publish([...keyed("a", 1, 2), ...keyed("b", 1)])
      const got = yield* receive(subscription, 3)
      const failing = got.find(({ message }) => message.id === "a1")!
      yield* hold(subscription, failing, [failure(1)], Duration.times(lease, 3.5))
      yield* settle(subscription, got.filter(({ message }) => message.key === "b"))
      yield* publish([...keyed("a", 3), ...keyed("b", 2)])
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["b2"])
      yield* working(subscription, lease)
      yield* nothing(subscription)
      yield* working(subscription, Duration.times(lease, 2.6))
      const after = yield* receive(subscription, 3)
      assert.deepStrictEqual(ids(after), ["a1", "a2", "a3"])
      assert.deepStrictEqual(after.map((delivery) => delivery.attempts), [[failure(1)], [], []])
      assert.deepStrictEqual(ids(yield* settle(subscription, after)), ["a1", "a2", "a3"])
    }))

  it.effect("keeps attempts for the next owner", () =>
    Effect.gen(function*() {
      const { lease, open, publish, receive } = yield* bench(options)
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(open(), scope)
      yield* publish(keyed("a", 1, 2))
      const [failing] = yield* receive(first, 2)
      const attempts = [failure(1), failure(2, "TimedOut")]
      yield* hold(first, failing!, attempts, Duration.times(lease, 0.3))
      yield* Scope.close(scope, Exit.void)
      const second = yield* open()
      yield* options.elapse(Duration.times(lease, 0.4))
      const got = yield* receive(second, 2)
      assert.deepStrictEqual(ids(got), ["a1", "a2"])
      assert.deepStrictEqual(got[0]!.attempts, attempts)
    }))

  requires(it, options, "lanes").effect(
    "changes nothing when the transaction of a hold fails",
    () =>
      Effect.gen(function*() {
        const { nothing, open, publish, receive, settle, store } = yield* bench(options)
        const subscription = yield* open()
        yield* publish(keyed("a", 1, 2))
        const got = yield* receive(subscription, 2)
        const write = store.transact(Effect.andThen(
          subscription.hold(got[0]!, [failure(1)], Hold.delayed(Duration.hours(1))),
          Effect.fail("no" as const)
        ))
        assert.strictEqual(yield* Effect.flip(subscription.whileNotReading(got[0]!, write)), "no")
        yield* nothing(subscription)
        yield* publish(keyed("a", 3))
        assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a3"])
        assert.deepStrictEqual(ids(yield* settle(subscription, got)), ["a1", "a2"])
      })
  )

  it.effect("holds a key whose messages were taken over together with its order", () =>
    Effect.gen(function*() {
      const { expire, lease, nothing, open, publish, receive, settle, working } = yield* bench(options)
      const first = yield* open()
      yield* publish(keyed("a", 1, 2, 3))
      const [a1] = yield* receive(first, 3)
      yield* settle(first, [a1!])
      yield* expire
      const second = yield* open()
      const [a2] = yield* receive(second, 2)
      yield* hold(second, a2!, [failure(1)], Duration.times(lease, 0.5))
      yield* nothing(second)
      yield* working(second, Duration.times(lease, 0.6))
      assert.deepStrictEqual(ids(yield* receive(second, 2)), ["a2", "a3"])
    }))
}

/** Registers the promises about many keys at once. */
const flow = (it: Tests, options: Options) => {
  requires(it, options, "lanes").effect(
    "lets other keys go on while some are held, and loses no order anywhere",
    () =>
      Effect.gen(function*() {
        const { lease, open, publish, receive, settle, takeOnce, working } = yield* bench(options)
        const keys = Array.from({ length: 20 }, (_, i) => `key-${i}-`)
        const subscription = yield* open()
        yield* publish([1, 2, 3].flatMap((n) => keys.flatMap((key) => keyed(key, n))))
        const first = yield* receive(subscription, 60)
        for (const key of keys.slice(0, 5)) {
          const failing = first.find(({ message }) => message.id === `${key}1`)!
          yield* hold(subscription, failing, [failure(1)], Duration.times(lease, 0.5))
        }
        const free = first.filter(({ message }) => !keys.slice(0, 5).includes(message.key))
        assert.strictEqual((yield* settle(subscription, free)).length, 45)
        yield* publish(keys.flatMap((key) => keyed(key, 4)))
        yield* working(subscription, Duration.times(lease, 0.6))
        const rest: Array<Delivery> = []
        for (let polls = 0; rest.length < 35 && polls < 40; polls++) rest.push(...yield* takeOnce(subscription, roomy))
        for (const key of keys.slice(0, 5)) {
          assert.deepStrictEqual(idsOf(rest, key), [1, 2, 3, 4].map((n) => `${key}${n}`))
        }
        for (const key of keys.slice(5)) assert.deepStrictEqual(idsOf(rest, key), [`${key}4`])
      })
  )

  it.effect("keeps the order of a key across a release in its middle", () =>
    Effect.gen(function*() {
      const { open, publish, receive, settle } = yield* bench(options)
      const first = yield* open()
      yield* publish(keyed("a", 1, 2, 3, 4))
      const got = yield* receive(first, 4)
      yield* settle(first, got.slice(0, 2))
      yield* first.release(first.held())
      yield* publish(keyed("a", 5))
      assert.deepStrictEqual(ids(yield* receive(yield* open(), 3)), ["a3", "a4", "a5"])
    }))
}

/** Registers the promises about order and holds. */
export const orderPromises = (it: Tests, options: Options): void => {
  holding(requires(it, options, "order", "several"), options)
  flow(requires(it, options, "order", "several"), options)
}
