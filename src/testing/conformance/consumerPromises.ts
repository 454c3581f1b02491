/**
 * Promises of registration. It is idempotent, and refuses other settings than the first ones. A topic that is left out
 * stays subscribed.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { bench, fresh, ids, makeMessage, type Options, type Tests } from "./kit.ts"

/** Registers the promises about consumers. */
export const consumerPromises = (it: Tests, options: Options): void => {
  it.effect("registers a consumer again without changing anything", () =>
    Effect.gen(function*() {
      const { consumer, lanes, nothing, open, publish, receive, store, topic } = yield* bench(options)
      yield* publish([{ id: "a" }])
      const again = store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* Effect.all([again, again, again], { concurrency: "unbounded" })
      const subscription = yield* open()
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["a"])
      yield* nothing(subscription)
    }))

  it.effect("keeps what the pipeline of the last registration consists of", () =>
    Effect.gen(function*() {
      const { consumer, lanes, store, topic } = yield* bench(options)
      const registered = Effect.fnUntraced(function*(pipeline?: string) {
        yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park", pipeline })
        return (yield* store.consumers.status(consumer)).pipeline
      })
      assert.strictEqual(yield* registered(), "")
      assert.strictEqual(yield* registered("a -> Tap"), "a -> Tap")
      assert.strictEqual(yield* registered(), "a -> Tap")
      assert.strictEqual(yield* registered("a -> Commit"), "a -> Commit")
    }))

  it.effect("refuses a registration with other lanes or another order, and names both", () =>
    Effect.gen(function*() {
      const { consumer, lanes, store, topic } = yield* bench(options)
      const register = (change: { readonly lanes?: number; readonly order?: "continue" }) =>
        store.consumers.register({ consumer, topics: [topic], lanes, order: "park", ...change })
      const other = yield* Effect.flip(register({ lanes: lanes + 1 }))
      assert.strictEqual(other._tag, "ConsumerConflict")
      if (other._tag === "ConsumerConflict") {
        const { asked, consumer: named, registered, setting } = other
        assert.deepStrictEqual([named, setting, registered, asked], [consumer, "lanes", `${lanes}`, `${lanes + 1}`])
      }
      const order = yield* Effect.flip(register({ order: "continue" }))
      assert.strictEqual(order._tag, "ConsumerConflict")
      if (order._tag === "ConsumerConflict") {
        assert.include(order.setting, "order")
        assert.deepStrictEqual([order.registered, order.asked], ["park", "continue"])
      }
    }))

  it.effect("changes nothing when it refuses a registration", () =>
    Effect.gen(function*() {
      const { consumer, lanes, nothing, open, store } = yield* bench(options)
      const topic = fresh("topic")
      yield* Effect.flip(store.consumers.register({ consumer, topics: [topic], lanes: lanes + 1, order: "park" }))
      yield* store.outbox.write([yield* makeMessage({ topic })])
      yield* nothing(yield* open())
    }))

  it.effect("keeps topics subscribed that a later registration does not name", () =>
    Effect.gen(function*() {
      const { consumer, lanes, open, publish, receive, store } = yield* bench(options)
      const topic = fresh("topic")
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* publish([{ id: "old topic", key: "1" }, { topic, id: "new topic", key: "2" }])
      assert.sameMembers(ids(yield* receive(yield* open(), 2)), ["old topic", "new topic"])
    }))

  it.effect("keeps one order of a key over all topics of a consumer", () =>
    Effect.gen(function*() {
      const { consumer, lanes, open, publish, receive, store } = yield* bench(options)
      const topic = fresh("topic")
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* publish([{ id: "a", key: "k" }, { topic, id: "b", key: "k" }])
      yield* publish([{ topic, id: "c", key: "k" }])
      yield* publish([{ id: "d", key: "k" }])
      assert.deepStrictEqual(ids(yield* receive(yield* open(), 4)), ["a", "b", "c", "d"])
    }))

  it.effect("takes a topic's waiting messages over once, however many register at the same time", () =>
    Effect.gen(function*() {
      const { lanes, nothing, open, receive, store } = yield* bench(options)
      const [topic, consumer] = [fresh("topic"), fresh("consumer")]
      yield* store.outbox.write([yield* makeMessage({ topic, id: "a" }), yield* makeMessage({ topic, id: "b" })])
      const register = store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* Effect.all([register, register, register, register], { concurrency: "unbounded" })
      const subscription = yield* open({ consumer })
      assert.sameMembers(ids(yield* receive(subscription, 2)), ["a", "b"])
      yield* nothing(subscription)
    }))
}
