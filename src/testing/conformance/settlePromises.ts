/**
 * Promises of settling and transactions. A message is settled once, within the commit, and together with everything
 * else in the transaction.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import {
  assertIds,
  bench,
  claimOf,
  failure,
  fresh,
  ids,
  makeMessage,
  type Options,
  requires,
  type Tests
} from "./kit.ts"

const three = [{ id: "a", key: "k" }, { id: "b", key: "k" }, { id: "c", key: "k" }]

/** Registers the promises about settling each delivery once. */
const settling = (it: Tests, options: Options) => {
  requires(it, options, "rows", "several").effect("settles a delivery once", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, receive, settle } = yield* bench(options)
      const subscription = yield* open()
      yield* publish(three)
      const got = yield* receive(subscription, 3)
      assert.deepStrictEqual(ids(yield* settle(subscription, got.slice(0, 2))), ["a", "b"])
      assert.deepStrictEqual(ids(yield* settle(subscription, got)), ["c"])
      assert.deepStrictEqual(ids(yield* settle(subscription, got)), [])
      yield* subscription.release(subscription.held())
      yield* nothing(subscription)
    }))

  requires(it, options, "rows", "several").effect(
    "settles a delivery once within one transaction",
    () =>
      Effect.gen(function*() {
        const { open, publish, receive, store } = yield* bench(options)
        const subscription = yield* open()
        yield* publish(three)
        const got = yield* receive(subscription, 3)
        const [first, again] = yield* store.transact(Effect.all([
          subscription.removeInTransaction(got),
          subscription.removeInTransaction(got)
        ]))
        assert.deepStrictEqual(ids(first), ["a", "b", "c"])
        assert.deepStrictEqual(ids(again), [])
      })
  )

  requires(it, options, "several").effect(
    "leaves messages in their place when the transaction rolls back",
    () =>
      Effect.gen(function*() {
        const { can, open, publish, receive, settle, store } = yield* bench(options)
        const subscription = yield* open()
        yield* publish(three)
        const got = yield* receive(subscription, 3)
        yield* Effect.flip(
          store.transact(Effect.andThen(subscription.removeInTransaction(got), Effect.fail("no" as const)))
        )
        yield* subscription.release(subscription.held())
        const again = yield* receive(subscription, 3)
        assertIds(can, again, ["a", "b", "c"])
        assert.deepStrictEqual(again.map((delivery) => delivery.crashCount), [0, 0, 0])
        assertIds(can, yield* settle(subscription, again), ["a", "b", "c"])
      })
  )

  requires(it, options, "several").effect(
    "leaves messages in their place when the transaction is interrupted",
    () =>
      Effect.gen(function*() {
        const { can, open, publish, receive, settle, store } = yield* bench(options)
        const subscription = yield* open()
        yield* publish(three)
        const got = yield* receive(subscription, 3)
        const settled = yield* Deferred.make<void>()
        const transaction = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
          yield* subscription.removeInTransaction(got)
          yield* Deferred.succeed(settled, undefined)
          return yield* Effect.never
        })))
        yield* Deferred.await(settled)
        yield* Fiber.interrupt(transaction)
        assertIds(can, yield* settle(subscription, got), ["a", "b", "c"])
      })
  )
}

/** Registers the promises about the check of a fencing token in a transaction that does not settle. */
const fencing = (it: Tests, options: Options) => {
  requires(it, options, "token").effect(
    "checks the fencing token of what was settled before: ours passes, a stale one does not",
    () =>
      Effect.gen(function*() {
        const { expire, open, publish, receive, settle, store } = yield* bench(options)
        const owner = yield* open()
        yield* publish(three)
        const got = yield* receive(owner, 3)
        yield* settle(owner, got.slice(0, 1))
        assert.deepStrictEqual(ids(yield* store.transact(owner.fence(got))), ["a", "b", "c"])
        yield* expire
        const successor = yield* open()
        const left = yield* receive(successor, 2)
        assert.deepStrictEqual(ids(yield* store.transact(owner.fence(got))), [])
        assert.deepStrictEqual(ids(yield* store.transact(successor.fence(left))), ["b", "c"])
      })
  )

  requires(it, options, "lanes", "routing").effect(
    "gives no lane away while something settled of it is not acknowledged",
    () =>
      Effect.gen(function*() {
        const { nothing, open, publish, receive, store, takeOnce } = yield* bench(options, { lanes: 2 })
        const keys = Array.from({ length: 12 }, (_, i) => `k${i}`)
        // The lease is long, so that lanes move because one worker has too many, and not because a lease expires on a
        // slow engine.
        const lease = Duration.seconds(10)
        const first = yield* open({ lease })
        yield* publish(keys.map((key) => ({ id: `${key} 1`, key })))
        const got = yield* receive(first, keys.length)
        // With a second worker the first one has too many lanes, so one lane is to go to the second.
        const second = yield* open({ lease })
        yield* nothing(second)
        yield* takeOnce(first)
        assert.lengthOf(yield* store.transact(first.removeInTransaction(got)), keys.length)
        yield* takeOnce(first)
        yield* publish(keys.map((key) => ({ id: `${key} 2`, key })))
        yield* nothing(second)
        assert.lengthOf(yield* store.transact(first.fence(got)), keys.length)
        yield* first.acknowledge(got)
        const taken = []
        for (let polls = 0; polls < 100 && taken.length === 0; polls++) {
          yield* takeOnce(first)
          taken.push(...yield* takeOnce(second))
        }
        assert.isNotEmpty(taken)
      })
  )
}

/** Registers the promises that settling, inbox, dead letters and outgoing messages commit together. */
const together = (it: Tests, options: Options) => {
  requires(it, options, "routing").effect(
    "settles, claims and publishes in one commit, or does none of it",
    () =>
      Effect.gen(function*() {
        const { consumer, nothing, open, publish, receive, store } = yield* bench(options)
        const subscription = yield* open()
        yield* publish([three[0]!])
        const [delivery] = yield* receive(subscription, 1)
        const work = Effect.gen(function*() {
          const settled = yield* subscription.removeInTransaction([delivery!])
          const claimed = yield* store.inbox.claim(consumer, settled.map(claimOf))
          yield* publish([{ id: "emitted" }])
          return [ids(settled), claimed]
        })
        yield* Effect.flip(store.transact(Effect.andThen(work, Effect.fail("no" as const))))
        yield* nothing(subscription)
        assert.deepStrictEqual(yield* store.transact(work), [["a"], ["fresh"]])
        assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["emitted"])
        assert.deepStrictEqual(yield* store.transact(store.inbox.claim(consumer, [claimOf(delivery!)])), ["duplicate"])
      })
  )

  requires(it, options, "rows", "several").effect(
    "settles and dead-letters in one commit, or does neither",
    () =>
      Effect.gen(function*() {
        const { consumer, nothing, open, publish, receive, settle, store } = yield* bench(options, {
          order: "continue"
        })
        const subscription = yield* open()
        yield* publish(three)
        const got = yield* receive(subscription, 3)
        const entry = {
          delivery: got[0]!,
          reason: "exhausted" as const,
          attempts: [failure(1)],
          fingerprint: "f",
          parked: false
        }
        const work = Effect.andThen(
          subscription.removeInTransaction([got[0]!]),
          store.deadLetters.add(consumer, [entry])
        )
        yield* Effect.flip(store.transact(Effect.andThen(work, Effect.fail("no" as const))))
        assert.deepStrictEqual(yield* store.deadLetters.list({ consumer }), [])
        yield* store.transact(work)
        assert.strictEqual((yield* store.deadLetters.list({ consumer })).length, 1)
        assert.deepStrictEqual(ids(yield* settle(subscription, got)), ["b", "c"])
        yield* nothing(subscription)
      })
  )
}

/** Registers the promises about nested transactions and savepoints. */
const nesting = (it: Tests, options: Options) => {
  requires(it, options, "routing").effect("joins the transaction around it", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, store } = yield* bench(options)
      const inner = store.transact(publish([{}]))
      yield* Effect.flip(store.transact(Effect.andThen(inner, Effect.fail("no" as const))))
      yield* nothing(yield* open())
    }))

  requires(it, options, "routing").effect(
    "undoes a nested transaction that failed, and nothing else",
    () =>
      Effect.gen(function*() {
        const { nothing, open, publish, receive, store } = yield* bench(options)
        yield* store.transact(Effect.gen(function*() {
          yield* publish([{ id: "a", key: "k" }])
          const inner = store.transact(Effect.andThen(publish([{ id: "b", key: "k" }]), Effect.fail("no" as const)))
          assert.strictEqual(yield* Effect.flip(inner), "no")
          yield* publish([{ id: "c", key: "k" }])
        }))
        const subscription = yield* open()
        assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["a", "c"])
        yield* nothing(subscription)
      })
  )

  requires(it, options, "rows", "routing").effect(
    "undoes the work of a savepoint that fails, and continues",
    () =>
      Effect.gen(function*() {
        const { consumer, nothing, open, publish, receive, settle, store } = yield* bench(options)
        const subscription = yield* open()
        yield* publish(three)
        const got = yield* receive(subscription, 3)
        const claims = [{ id: fresh("id"), fingerprint: "f" }]
        const answers = yield* store.transact(Effect.gen(function*() {
          const failing = Effect.gen(function*() {
            yield* subscription.removeInTransaction([got[0]!])
            yield* store.inbox.claim(consumer, claims)
            yield* publish([{}])
            return yield* Effect.fail("no" as const)
          })
          assert.strictEqual(yield* Effect.flip(store.savepoint(failing)), "no")
          yield* store.savepoint(subscription.removeInTransaction([got[1]!]))
          return yield* store.inbox.claim(consumer, claims)
        }))
        assert.deepStrictEqual(answers, ["fresh"])
        assert.deepStrictEqual(ids(yield* settle(subscription, got)), ["a", "c"])
        yield* nothing(subscription)
      })
  )

  it.effect("passes the failure of its body on as it is", () =>
    Effect.gen(function*() {
      const { store, topic } = yield* bench(options)
      const oversized = makeMessage({ topic, id: "x".repeat(1000) })
      const error = yield* Effect.flip(store.transact(oversized))
      assert.strictEqual(error._tag, "InvalidMessage")
    }))
}

/** Registers the promises about settling and transactions. */
export const settlePromises = (it: Tests, options: Options): void => {
  settling(it, options)
  fencing(it, options)
  together(it, options)
  nesting(it, options)
}
