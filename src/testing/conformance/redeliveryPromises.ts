/**
 * Promises about messages that an engine hands out again. It does so after a crash, an expired lease or a hold, and a
 * message has one effect, however often it comes. Each promise needs one message of a key at a time only.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import type { Delivery } from "../../Delivery.ts"
import * as Hold from "../../Hold.ts"
import type { Subscription } from "../../Transport.ts"
import { bench, claimOf, failure, ids, makeMessage, type Options, requires, type Tests } from "./kit.ts"

/**
 * Makes a bench with a commit like a worker's. The commit returns the ids whose effect ran, and acknowledges nothing.
 */
const committing = Effect.fnUntraced(function*(options: Options) {
  const kit = yield* bench(options)
  const { consumer, store } = kit
  const commit = (subscription: Subscription, deliveries: ReadonlyArray<Delivery>) =>
    store.transact(Effect.gen(function*() {
      const ours = yield* subscription.removeInTransaction(deliveries)
      const claims = yield* store.inbox.claim(consumer, ours.map(claimOf))
      return ids(ours.filter((_, i) => claims[i] === "fresh"))
    }))
  return { ...kit, commit }
})

/** Registers the promises about messages that come again. */
const again = (it: Tests, options: Options) => {
  it.effect("has one effect for a message that is published twice under one id", () =>
    Effect.gen(function*() {
      const { commit, open, send, takeOnce, topic } = yield* committing(options)
      const message = yield* makeMessage({ topic, id: "twice", key: "k" })
      yield* send([message])
      yield* send([message])
      const subscription = yield* open()
      const effects: Array<string> = []
      // The engine may have dropped the second one, so the number of deliveries is not known.
      for (let polls = 0; polls < 8; polls++) {
        const got = yield* takeOnce(subscription)
        for (const one of got) effects.push(...yield* commit(subscription, [one]))
        yield* subscription.acknowledge(got)
      }
      assert.deepStrictEqual(effects, ["twice"])
    }))

  requires(it, options, "after").effect(
    "hands a message out again whose owner died between COMMIT and its acknowledgement, without a second effect",
    () =>
      Effect.gen(function*() {
        const { commit, expire, open, publish, receive } = yield* committing(options)
        yield* publish([{ id: "a", key: "k" }])
        const first = yield* open()
        assert.deepStrictEqual(yield* commit(first, yield* receive(first, 1)), ["a"])
        yield* expire
        const second = yield* open()
        const got = yield* receive(second, 1)
        assert.deepStrictEqual([ids(got), yield* commit(second, got)], [["a"], []])
      })
  )

  requires(it, options, "inbox").effect(
    "lets one of a stale owner and its successor commit",
    () =>
      Effect.gen(function*() {
        const { commit, expire, open, publish, receive } = yield* committing(options)
        yield* publish([{ id: "a", key: "1" }, { id: "b", key: "2" }])
        const stale = yield* open()
        const old = yield* receive(stale, 2)
        yield* expire
        const successor = yield* open()
        const got = yield* receive(successor, 2)
        const effects = [
          ...yield* commit(successor, got.filter(({ message }) => message.id === "a")),
          ...yield* commit(stale, old),
          ...yield* commit(successor, got)
        ]
        assert.deepStrictEqual(effects.toSorted(), ["a", "b"])
      })
  )

  it.effect("counts a crash for what a dead owner had, and none for what was given back", () =>
    Effect.gen(function*() {
      const { expire, open, publish, receive } = yield* bench(options)
      yield* publish([{ id: "a", key: "k" }])
      yield* receive(yield* open(), 1)
      yield* expire
      const scope = yield* Scope.make()
      const [second] = yield* receive(yield* Scope.provide(open(), scope), 1)
      yield* Scope.close(scope, Exit.void)
      const [third] = yield* receive(yield* open(), 1)
      assert.deepStrictEqual([second!.crashCount, third!.crashCount], [1, 1])
    }))
}

/** Registers the promises about several subscriptions, and about order without prefetched messages. */
const sharing = (it: Tests, options: Options) => {
  it.effect("hands each message to one of two subscriptions", () =>
    Effect.gen(function*() {
      const { open, publish, settle, takeOnce } = yield* bench(options)
      const both = [yield* open(), yield* open()]
      const drafts = Array.from({ length: 30 }, (_, i) => ({ id: `m${i}`, key: `k${i}` }))
      yield* publish(drafts)
      const got: Array<Delivery> = []
      for (let turn = 0; turn < 100 && got.length < drafts.length; turn++) {
        const subscription = both[turn % 2]!
        const some = yield* takeOnce(subscription)
        got.push(...some)
        yield* settle(subscription, some)
        yield* subscription.renew(subscription.held())
      }
      assert.deepStrictEqual(ids(got).toSorted(), drafts.map(({ id }) => id).toSorted())
    }))

  requires(it, options, "order").effect(
    "keeps the order of a key across subscriptions, one message after another",
    () =>
      Effect.gen(function*() {
        const { open, publish, receive, settle } = yield* bench(options)
        const drafts = Array.from({ length: 6 }, (_, i) => ({ id: `m${i}`, key: "k" }))
        yield* publish(drafts)
        const got: Array<string> = []
        for (let i = 0; i < drafts.length; i++) {
          const scope = yield* Scope.make()
          const subscription = yield* Scope.provide(open(), scope)
          const one = yield* receive(subscription, 1, { messages: 1, bytes: 1e6, perKey: 1 })
          got.push(...ids(yield* settle(subscription, one)))
          yield* Scope.close(scope, Exit.void)
        }
        assert.deepStrictEqual(got, drafts.map(({ id }) => id))
      })
  )
}

/** Registers the promises about a message that fails: it waits, and keeps its attempts. */
const failing = (it: Tests, options: Options) => {
  it.effect("keeps a failing message back for longer than a lease, with its attempts, and no other key", () =>
    Effect.gen(function*() {
      const { can, lease, open, publish, receive, settle, store, takeOnce } = yield* bench(options)
      yield* publish([{ id: "bad", key: "1" }, { id: "good", key: "2" }])
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(open(), scope)
      const got = yield* receive(first, 2)
      const bad = got.find(({ message }) => message.id === "bad")!
      const attempts = [failure(1), failure(2, "TimedOut")]
      yield* first.whileNotReading(
        bad,
        store.transact(first.hold(bad, attempts, Hold.delayed(Duration.times(lease, 2.2))))
      )
      assert.deepStrictEqual(ids(yield* settle(first, got.filter((one) => one !== bad))), ["good"])
      yield* Scope.close(scope, Exit.void)
      const second = yield* open()
      yield* options.elapse(Duration.times(lease, 1.1))
      assert.deepStrictEqual(ids(yield* takeOnce(second)), [])
      yield* options.elapse(Duration.times(lease, 1.2))
      const [again] = yield* receive(second, 1)
      assert.deepStrictEqual([again!.message.id, again!.attempts, again!.crashCount], ["bad", attempts, 0])
      assert.deepStrictEqual(ids(yield* settle(second, [again!])), ["bad"], can.engine)
    }))
}

/** Registers the promises about publishes that an engine stores in part. */
const partly = (it: Tests, options: Options) => {
  requires(it, options, "size").effect(
    "names each message that it refuses for its size, and stores the others",
    () =>
      Effect.gen(function*() {
        const { can, open, receive, send, topic } = yield* bench(options)
        const most = Option.getOrElse(can.maxBytes, () => 0)
        const messages = [
          yield* makeMessage({ topic, id: "first", key: "1" }),
          { ...yield* makeMessage({ topic, id: "large", key: "2" }), payload: JSON.stringify("x".repeat(most)) },
          yield* makeMessage({ topic, id: "last", key: "3" })
        ]
        const error = yield* Effect.flip(send(messages))
        assert.strictEqual(error._tag, "PublishFailed")
        const failed = error._tag === "PublishFailed" ? error.failed : []
        assert.deepStrictEqual(failed.map(({ id, outcome }) => [id, outcome]), [["large", "refused"]])
        assert.sameMembers(ids(yield* receive(yield* open(), 2)), ["first", "last"])
      })
  )
}

/** Registers the promises about messages that come again. */
export const redeliveryPromises = (it: Tests, options: Options): void => {
  again(it, options)
  sharing(it, options)
  failing(it, options)
  partly(it, options)
}
