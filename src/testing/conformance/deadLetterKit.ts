/**
 * The functions that the suites about dead letters share: a consumer with a subscription, a dead-lettering as a worker
 * does it, and a commit.
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

/**
 * Opens a consumer with a subscription. Returns both, with functions that dead-letter and commit messages as a worker
 * does.
 */
export const deadLetterKit = Effect.fnUntraced(function*(options: Options, order: DeadLetterOrder) {
  const base = yield* bench(options, { order })
  const { consumer, store } = base
  const subscription = yield* base.open()
  const parked = order === "park"

  const writeDeadLetter = (delivery: Delivery, attempts = [failure(1)], from: Subscription = subscription) => {
    const entry = {
      delivery,
      reason: "exhausted" as const,
      attempts,
      fingerprint: `${attempts.at(-1)?.tag}@commit`,
      parked
    }
    const transaction = store.transact(Effect.gen(function*() {
      yield* from.removeInTransaction([delivery])
      const [deadLetterId] = yield* store.deadLetters.add(consumer, [entry])
      if (parked && deadLetterId !== undefined) yield* from.hold(delivery, attempts, Hold.parked)
      return deadLetterId
    }))
    return parked
      ? from.whileNotReading(delivery, transaction)
      : Effect.tap(transaction, () => from.acknowledge([delivery]))
  }

  /** Publishes messages, takes them, and dead-letters the first. */
  const deadLettered = (drafts: ReadonlyArray<Draft>) =>
    Effect.gen(function*() {
      yield* base.publish(drafts)
      const got = yield* base.receive(subscription, drafts.length)
      const deadLetterId = yield* writeDeadLetter(got.find(({ message }) => message.id === drafts[0]!.id)!)
      assert.isDefined(deadLetterId)
      return { deadLetterId: deadLetterId!, rest: got.filter(({ message }) => message.id !== drafts[0]!.id) }
    })

  /** Commits a delivery as a worker does: removes the message and claims its id. */
  const commit = (delivery: Delivery) =>
    Effect.tap(
      store.transact(Effect.andThen(
        subscription.removeInTransaction([delivery]),
        store.inbox.claim(consumer, [claimOf(delivery)])
      )),
      () => subscription.acknowledge([delivery])
    )

  return { ...base, deadLetters: store.deadLetters, subscription, writeDeadLetter, deadLettered, commit }
})
