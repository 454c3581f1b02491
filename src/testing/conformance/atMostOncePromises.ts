/**
 * Promises of a worker whose pipeline handles each message at most once. A first transaction takes the message, and a
 * later one commits its effects, so the engine must still know the delivery then.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Pipeline from "../../Pipeline.ts"
import * as Topic from "../../Topic.ts"
import { Transport } from "../../Transport.ts"
import * as Worker from "../../worker/Worker.ts"
import { bench, fresh, ids, type Options, requires, type Tests } from "./kit.ts"

/** Registers the promises of delivery `atMostOnce`. */
export const atMostOncePromises = (it: Tests, options: Options): void => {
  it.effect("runs the steps and the commit of a message that is handled at most once, and emits once", () =>
    Effect.gen(function*() {
      const { can, consumer, lanes, publish, store, topic, transport } = yield* bench(options, { order: "continue" })
      const emitted = Topic.make(fresh("emitted"), { schema: Schema.String, id: "random" })
      const auditor = fresh("auditor")
      yield* store.consumers.register({ consumer: auditor, topics: [emitted.name], lanes: 1, order: "continue" })
      const [stepped, committed]: [Array<string>, Array<string>] = [[], []]
      const Messages = Topic.make(topic, { schema: Schema.String, id: "random" })
      const order = can.order === "none" ? { order: "none" } as const : {}
      const pipeline = Pipeline.from(Messages, { consumer, delivery: "atMostOnce", ...order }).pipe(
        // The broker has time to delete a message that was acknowledged too early.
        Pipeline.tap((text) => Effect.andThen(Effect.sync(() => stepped.push(text)), Effect.sleep("200 millis"))),
        Pipeline.emit(emitted, (text) => text),
        Pipeline.commit((text) => Effect.sync(() => void committed.push(text)))
      )
      const texts = ["a", "b", "c"]
      yield* publish(texts.map((text) => ({ id: text, key: text, payload: JSON.stringify(text) })))
      const settings = { lanes, lease: options.lease, idlePoll: options.idlePoll }
      const worker = yield* Effect.forkChild(
        Effect.provideService(Worker.run(pipeline, settings), Transport, transport),
        { startImmediately: true }
      )
      for (let waits = 0; waits < 200 && stepped.length < 3; waits++) yield* options.elapse(Duration.millis(100))
      yield* options.elapse(Duration.millis(500))
      const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
      for (let waits = 0; waits < 200 && stopping.pollUnsafe() === undefined; waits++) {
        yield* options.elapse(Duration.millis(100))
      }
      assert.deepStrictEqual([stepped.toSorted(), committed.toSorted()], [texts, texts])
      assert.strictEqual((yield* store.consumers.status(auditor)).waiting, 3)
    }))

  requires(it, options, "inbox").effect(
    "still knows a delivery that was acknowledged, in the transaction of its steps",
    () =>
      Effect.gen(function*() {
        const { open, publish, receive, settle, store } = yield* bench(options)
        yield* publish([{ id: "a", key: "k" }])
        const subscription = yield* open()
        const got = yield* receive(subscription, 1)
        yield* settle(subscription, got)
        yield* options.elapse(Duration.millis(200))
        assert.deepStrictEqual(ids(yield* store.transact(subscription.fence(got))), ["a"])
      })
  )
}
