/**
 * Promises of the records of a broker's messages: attempts, due times, and what is known of crashes.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Delivery, HeldLease } from "../../Delivery.ts"
import type { DeliveryCount } from "../../Store.ts"
import { bench, failure, fresh, makeMessage, type Options, type Tests } from "./kit.ts"

const counted = (id: string, change: Partial<DeliveryCount> = {}): DeliveryCount => ({
  id,
  crashCount: 0,
  explained: 1,
  alone: false,
  ...change
})

/** Returns the delivery of a transport whose receipts identify no place in the store. */
const foreign = Effect.fnUntraced(function*(topic: string, id: string) {
  const lease: HeldLease = { name: "message-1", token: 1n, claimedAt: 0n, lost: Deferred.makeUnsafe() }
  const message = yield* makeMessage({ topic, id, key: "k" })
  return {
    message,
    lease,
    position: 1n,
    crashCount: 0,
    crashedAlone: false,
    attempts: [],
    receipt: "handle"
  } satisfies Delivery
})

export const unsettledPromises = (it: Tests, options: Options): void => {
  it.effect("keeps attempts and due time of a held message with its transaction", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const { unsettled } = store
      const hold = unsettled.hold(consumer, counted("a"), [failure(1), failure(2)], Duration.minutes(5))
      yield* Effect.exit(store.transact(Effect.andThen(hold, Effect.fail("rolled back"))))
      assert.deepStrictEqual(yield* unsettled.read(consumer, ["a"]), [])
      yield* store.transact(hold)
      const [held, ...others] = yield* unsettled.read(consumer, ["b", "a"])
      const waitMillis = held?.waitMillis ?? 0
      assert.deepStrictEqual([held, others], [
        { ...counted("a"), attempts: [failure(1), failure(2)], waitMillis },
        []
      ])
      assert.isTrue(waitMillis > 290_000 && waitMillis <= 300_000, `due in ${waitMillis} ms`)
      yield* store.transact(
        unsettled.hold(consumer, counted("a", { explained: 2 }), [failure(3)], Duration.millis(200))
      )
      yield* options.elapse(Duration.millis(200))
      const [due] = yield* unsettled.read(consumer, ["a"])
      assert.deepInclude(due, { waitMillis: 0, explained: 2, attempts: [failure(3)] })
    }))

  it.effect("counts deliveries, and leaves attempts and due time as they are", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      const { unsettled } = store
      yield* unsettled.count(consumer, [counted("a", { alone: true }), counted("b", { crashCount: 2, explained: 7 })])
      yield* store.transact(unsettled.hold(consumer, counted("a"), [failure(1)], Duration.minutes(5)))
      yield* unsettled.count(consumer, [counted("a", { crashCount: 1, explained: 3, alone: true })])
      yield* unsettled.count(consumer, [])
      const found = new Map((yield* unsettled.read(consumer, ["a", "b"])).map((record) => [record.id, record]))
      assert.deepInclude(found.get("a"), { crashCount: 1, explained: 3, alone: true, attempts: [failure(1)] })
      assert.isAbove(found.get("a")!.waitMillis, 290_000)
      assert.deepStrictEqual(found.get("b"), {
        ...counted("b", { crashCount: 2, explained: 7 }),
        attempts: [],
        waitMillis: 0
      })
    }))

  it.effect("explains the delivery of a message that ran alone, and no later one", () =>
    Effect.gen(function*() {
      const { consumer, store: { unsettled } } = yield* bench(options)
      const alone = { crashCount: 2, explained: 3, alone: true }
      yield* unsettled.count(consumer, ["a", "b", "c"].map((id) => counted(id, { ...alone, alone: id !== "c" })))
      yield* unsettled.endAlone(consumer, "a", 4)
      // The next owner has counted a later delivery of "b" already.
      yield* unsettled.endAlone(consumer, "b", 3)
      yield* unsettled.endAlone(consumer, "c", 4)
      yield* unsettled.endAlone(consumer, "unknown", 4)
      const records = yield* unsettled.read(consumer, ["a", "b", "c", "unknown"])
      assert.deepStrictEqual(
        records.toSorted((a, b) => a.id < b.id ? -1 : 1).map((one) => [
          one.id,
          one.crashCount,
          one.explained,
          one.alone
        ]),
        [["a", 2, 4, false], ["b", 2, 3, true], ["c", 2, 3, false]]
      )
    }))

  it.effect("forgets a record with the transaction that settles its message, and no other consumer's", () =>
    Effect.gen(function*() {
      const { consumer, lanes, store } = yield* bench(options)
      const { unsettled } = store
      const other = fresh("consumer")
      yield* store.consumers.register({ consumer: other, topics: [], lanes, order: "park" })
      for (const name of [consumer, other]) yield* unsettled.count(name, [counted("a"), counted("b")])
      const settle = unsettled.settle(consumer, ["a"])
      yield* Effect.exit(store.transact(Effect.andThen(settle, Effect.fail("rolled back"))))
      assert.lengthOf(yield* unsettled.read(consumer, ["a", "b"]), 2)
      assert.isTrue(yield* store.transact(settle))
      assert.deepStrictEqual((yield* unsettled.read(consumer, ["a", "b"])).map(({ id }) => id), ["b"])
      assert.lengthOf(yield* unsettled.read(other, ["a", "b"]), 2)
    }))

  it.effect("settles nothing for a consumer that was removed", () =>
    Effect.gen(function*() {
      const { consumer, store } = yield* bench(options)
      yield* store.consumers.remove(consumer, { by: "ann", force: { workers: true } })
      assert.isFalse(yield* store.transact(store.unsettled.settle(consumer, ["a"])))
    }))

  it.effect("keeps the dead letter of a message that has no place in the store, and redrives it into the queue", () =>
    Effect.gen(function*() {
      const { consumer, open, receive, store, topic } = yield* bench(options, { order: "continue" })
      const delivery = yield* foreign(topic, fresh("id"))
      const [deadLetterId] = yield* store.transact(store.deadLetters.add(consumer, [{
        delivery,
        reason: "exhausted",
        attempts: [failure(1)],
        fingerprint: "Declined@commit",
        parked: false
      }]))
      yield* store.deadLetters.redrive(deadLetterId!, { by: "ann" })
      const subscription = yield* open()
      const [got] = yield* receive(subscription, 1)
      assert.deepInclude(got!.message, { id: delivery.message.id, key: "k", payload: delivery.message.payload })
      assert.deepStrictEqual(got!.redrive, { deadLetterId: deadLetterId!, count: 1 })
    }))
}
