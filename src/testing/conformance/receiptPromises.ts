/**
 * Promises of receipts. A redrive puts a parked message back to its old place. The receipt of a delivery from before
 * the redrive neither settles nor changes the redriven message.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Delivery } from "../../Delivery.ts"
import * as Hold from "../../Hold.ts"
import { deadLetterKit } from "./deadLetterKit.ts"
import { failure, ids, type Options, type Tests } from "./kit.ts"

const two = [{ id: "a", key: "k" }, { id: "b", key: "k" }]

/** Returns the first delivery of a message that has died since, was redriven, and is at its old place again. */
const revived = Effect.fnUntraced(function*(options: Options) {
  const kit = yield* deadLetterKit(options, "park")
  yield* kit.publish(two)
  const [first] = yield* kit.receive(kit.subscription, 2)
  const deadLetterId = (yield* kit.writeDeadLetter(first!))!
  yield* kit.deadLetters.redrive(deadLetterId, { by: "ann" })
  return { ...kit, first: first!, deadLetterId }
})

/** Registers the promises about receipts. */
export const receiptPromises = (it: Tests, options: Options): void => {
  it.effect("settles nothing that a redrive has put at the place of an earlier delivery: it is handed out, in order", () =>
    Effect.gen(function*() {
      const { commit, first, deadLetterId, deadLetters, receive, settle, subscription } = yield* revived(options)
      assert.deepStrictEqual(ids(yield* settle(subscription, [first])), [])
      const [again, next] = yield* receive(subscription, 2)
      assert.deepStrictEqual([again!.message.id, again!.redrive?.count, next!.message.id], ["a", 1, "b"])
      assert.deepStrictEqual(ids(yield* settle(subscription, [first])), [])
      yield* commit(again!)
      assert.strictEqual((yield* deadLetters.get(deadLetterId)).state, "resolved")
    }))

  it.effect("tells a second redrive from the first", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, first, deadLetters, receive, settle, subscription } = yield* revived(options)
      const [second] = yield* receive(subscription, 2)
      yield* deadLetters.redrive((yield* writeDeadLetter(second!))!, { by: "ann" })
      assert.deepStrictEqual(ids(yield* settle(subscription, [first])), [])
      assert.deepStrictEqual(ids(yield* settle(subscription, [second!])), [])
      const [third] = yield* receive(subscription, 2)
      assert.deepStrictEqual(ids(yield* settle(subscription, [third!])), ["a"])
    }))

  it.effect("settles ordinary and redriven messages together, each by its own receipt", () =>
    Effect.gen(function*() {
      const { first, receive, settle, subscription } = yield* revived(options)
      const got = yield* receive(subscription, 2)
      const both: ReadonlyArray<Delivery> = [first, ...got]
      assert.deepStrictEqual((yield* settle(subscription, both)).map(({ redrive }) => redrive?.count), [1, undefined])
    }))

  it.effect("records no attempt of an earlier delivery with what a redrive has put at its place", () =>
    Effect.gen(function*() {
      const { first, receive, store, subscription } = yield* revived(options)
      const hold = subscription.hold(first, [failure(1)], Hold.delayed(Duration.millis(1)))
      yield* subscription.whileNotReading(first, store.transact(hold))
      const [again] = yield* receive(subscription, 2)
      assert.deepStrictEqual([again!.redrive?.count, again!.attempts], [1, []])
    }))
}
