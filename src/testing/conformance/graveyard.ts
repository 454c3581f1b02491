/**
 * What the suites about dead letters share: a consumer with a subscription, burying as a worker does it, and committing.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { DeadLetterOrder } from "../../DeadLetter.ts"
import type { Delivery } from "../../Delivery.ts"
import * as Hold from "../../Hold.ts"
import type { Subscription } from "../../Transport.ts"
import { bench, claimOf, type Draft, failure, type Options } from "./kit.ts"

/** A consumer with a subscription, and burying as a worker does it. */
export const graveyard = Effect.fnUntraced(function*(options: Options, order: DeadLetterOrder) {
  const base = yield* bench(options, { order })
  const { consumer, store } = base
  const subscription = yield* base.open()
  const parked = order === "park"

  const bury = (delivery: Delivery, attempts = [failure(1)], from: Subscription = subscription) => {
    const burial = {
      delivery,
      reason: "exhausted" as const,
      attempts,
      fingerprint: `${attempts.at(-1)?.tag}@commit`,
      parked
    }
    const transaction = store.transact(Effect.gen(function*() {
      yield* from.settleWithin([delivery])
      const [letter] = yield* store.deadLetters.bury(consumer, [burial])
      if (parked && letter !== undefined) yield* from.hold(delivery, attempts, Hold.parked)
      return letter
    }))
    return parked
      ? from.undisturbed(delivery, transaction)
      : Effect.tap(transaction, () => from.settleAfter([delivery]))
  }

  /** Publishes messages, takes them, and buries the first. */
  const buried = (drafts: ReadonlyArray<Draft>) =>
    Effect.gen(function*() {
      yield* base.publish(drafts)
      const got = yield* base.receive(subscription, drafts.length)
      const letter = yield* bury(got.find(({ message }) => message.id === drafts[0]!.id)!)
      assert.isDefined(letter)
      return { letter: letter!, rest: got.filter(({ message }) => message.id !== drafts[0]!.id) }
    })

  /** Commits a delivery as a worker does: settled and claimed. */
  const commit = (delivery: Delivery) =>
    Effect.tap(
      store.transact(Effect.andThen(
        subscription.settleWithin([delivery]),
        store.inbox.claim(consumer, [claimOf(delivery)])
      )),
      () => subscription.settleAfter([delivery])
    )

  return { ...base, letters: store.deadLetters, subscription, bury, buried, commit }
})
