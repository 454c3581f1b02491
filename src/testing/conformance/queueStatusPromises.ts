/**
 * Promises of the status of a queue: what waits and for how long, which keys are held, and what is dead.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Hold from "../../Hold.ts"
import { deadLetterKit } from "./deadLetterKit.ts"
import { bench, failure, type Options, type Tests } from "./kit.ts"

export const queueStatusPromises = (it: Tests, options: Options): void => {
  it.effect("says how a queue stands: what waits and for how long, which keys are held, what is dead", () =>
    Effect.gen(function*() {
      const { writeDeadLetter, consumer, publish, receive, store, subscription } = yield* deadLetterKit(options, "park")
      const status = store.consumers.status(consumer)
      const none = {
        waiting: 0,
        unsettled: 0,
        lagMillis: 0,
        delayedKeys: 0,
        parkedKeys: 0,
        parkedMillis: 0,
        deadLetters: 0
      }
      const empty = { ...none, paused: false, redriveStopped: false, freeLanes: 0, oldestMillis: 0, pipeline: "" }
      assert.deepStrictEqual(yield* status, empty)
      yield* publish([
        { id: "parked", key: "p" },
        { id: "behind", key: "p" },
        { id: "delayed", key: "d" },
        { id: "waits", key: "w" }
      ])
      const got = yield* receive(subscription, 4)
      const of = (id: string) => got.find(({ message }) => message.id === id)!
      yield* options.elapse(Duration.millis(200))
      const inFlight = yield* status
      assert.isTrue(inFlight.waiting === 4 && inFlight.oldestMillis >= 200, "a message in flight is not settled")
      yield* writeDeadLetter(of("parked"))
      const hold = subscription.hold(of("delayed"), [failure(1)], Hold.delayed(Duration.hours(1)))
      yield* subscription.whileNotReading(of("delayed"), store.transact(hold))
      yield* options.elapse(Duration.millis(200))
      const { freeLanes: _, lagMillis, oldestMillis, parkedMillis, paused, pipeline: __, redriveStopped, ...counts } =
        yield* status
      // Messages of held keys do not count as waiting: neither the one behind the parked dead letter, nor the one whose
      // retry is not due.
      assert.deepStrictEqual(counts, { waiting: 1, unsettled: 3, delayedKeys: 1, parkedKeys: 1, deadLetters: 1 })
      assert.isTrue(lagMillis >= 200 && lagMillis < 60_000 && parkedMillis >= 200 && parkedMillis < 60_000)
      assert.isTrue(!paused && !redriveStopped && oldestMillis >= 200 && oldestMillis < 60_000)
      // The age of the oldest message counts messages of parked keys, too. At first the oldest is the message behind
      // the parked dead letter, and later the younger dead letter.
      const settle = (...ids: ReadonlyArray<string>) =>
        Effect.flatMap(store.transact(subscription.removeInTransaction(ids.map(of))), subscription.acknowledge)
      yield* settle("waits", "delayed")
      const blocked = yield* status
      assert.isTrue(blocked.lagMillis === 0 && blocked.oldestMillis >= 400)
      yield* settle("behind")
      const deadLetter = yield* status
      assert.isTrue(deadLetter.oldestMillis >= 200 && deadLetter.oldestMillis <= deadLetter.parkedMillis + 1000)
      yield* store.consumers.pause(consumer, { by: "ann" })
      assert.isTrue((yield* status).paused)
      yield* publish([{ id: "later", key: "w" }])
      yield* subscription.renew(subscription.held())
      assert.strictEqual((yield* status).freeLanes, 0)
      yield* subscription.release(subscription.held())
      assert.isAbove((yield* status).freeLanes, 0)
    }))

  it.effect("has no status of a queue that is not registered", () =>
    Effect.gen(function*() {
      const { store } = yield* bench(options)
      yield* Effect.andThen(store.checkAccess("publisher"), store.checkAccess("worker"))
      assert.strictEqual((yield* Effect.flip(store.consumers.status("unknown"))).kind, "refused")
    }))
}

/** Registers the promises about the status of a queue. */
