/**
 * Promises of publishing. Messages keep their order and content, and reach every consumer. A publish stores all
 * messages or none, and joins the transaction around it.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { limits } from "../../Message.ts"
import {
  bench,
  fresh,
  ids,
  idsOf,
  makeMessage,
  needsTwoTransactions,
  type Options,
  requires,
  type Tests
} from "./kit.ts"

const numbered = (count: number, keys: number, from = 0) =>
  Array.from({ length: count }, (_, i) => ({ id: `${i + from}`.padStart(4, "0"), key: `key-${(i + from) % keys}` }))

/** Registers the promises about the order of publishes, for each key. */
const order = (it: Tests, options: Options) => {
  it.effect("keeps the order of a key within one call", () =>
    Effect.gen(function*() {
      const { drain, open, publish } = yield* bench(options)
      yield* publish(numbered(60, 5))
      const got = yield* drain(yield* open(), 60)
      for (let key = 0; key < 5; key++) {
        const published = numbered(60, 5).filter((draft) => draft.key === `key-${key}`).map((draft) => draft.id)
        assert.deepStrictEqual(idsOf(got, `key-${key}`), published)
      }
    }))

  it.effect("keeps the order of a key across calls", () =>
    Effect.gen(function*() {
      const { drain, open, publish } = yield* bench(options)
      const subscription = yield* open()
      const got = []
      for (let call = 0; call < 6; call++) {
        yield* publish(numbered(4, 2, call * 4))
        if (call % 2 === 1) got.push(...yield* drain(subscription, 8))
      }
      assert.deepStrictEqual(idsOf(got, "key-0"), numbered(24, 2).filter((_, i) => i % 2 === 0).map(({ id }) => id))
      assert.deepStrictEqual(idsOf(got, "key-1"), numbered(24, 2).filter((_, i) => i % 2 === 1).map(({ id }) => id))
    }))

  it.effect("hands positions out in the order of a key", () =>
    Effect.gen(function*() {
      const { drain, open, publish } = yield* bench(options)
      yield* publish(numbered(20, 1))
      const positions = (yield* drain(yield* open(), 20)).map((delivery) => delivery.position)
      assert.deepStrictEqual(positions, positions.toSorted((a, b) => Number(a - b)))
      assert.strictEqual(new Set(positions).size, 20)
    }))
}

/** Registers the promises about the consumers that get a published message. */
const routing = (it: Tests, options: Options) => {
  it.effect("gives every consumer of a topic every message", () =>
    Effect.gen(function*() {
      const { lanes, open, publish, receive, settle, store, topic } = yield* bench(options)
      const other = fresh("consumer")
      yield* store.consumers.register({ consumer: other, topics: [topic], lanes, order: "park" })
      yield* publish(numbered(10, 2))
      const [first, second] = [yield* open(), yield* open({ consumer: other })]
      const got = yield* receive(first, 10)
      yield* settle(first, got)
      assert.sameMembers(ids(yield* receive(second, 10)), ids(got))
    }))

  it.effect("keeps what no consumer reads for the first one that does, in order", () =>
    Effect.gen(function*() {
      const { lanes, open, receive, store } = yield* bench(options)
      const [topic, consumer] = [fresh("topic"), fresh("consumer")]
      for (const draft of numbered(12, 2)) yield* store.outbox.write([yield* makeMessage({ topic, ...draft })])
      yield* store.consumers.register({ consumer, topics: [topic], lanes, order: "park" })
      yield* store.outbox.write([yield* makeMessage({ topic, id: "later", key: "key-0" })])
      const subscription = yield* open({ consumer })
      const got = yield* receive(subscription, 13)
      assert.deepStrictEqual(idsOf(got, "key-0"), ["0000", "0002", "0004", "0006", "0008", "0010", "later"])
      assert.deepStrictEqual(idsOf(got, "key-1"), ["0001", "0003", "0005", "0007", "0009", "0011"])
    }))

  it.effect("gives a later consumer what is published after its registration, no more", () =>
    Effect.gen(function*() {
      const { lanes, open, publish, receive, store, topic } = yield* bench(options)
      yield* publish([{ id: "before" }])
      const later = fresh("consumer")
      yield* store.consumers.register({ consumer: later, topics: [topic], lanes, order: "park" })
      yield* publish([{ id: "after" }])
      assert.deepStrictEqual(ids(yield* receive(yield* open({ consumer: later }), 1)), ["after"])
    }))
}

/** Registers the promises about publishing all messages or none, also in the ambient transaction. */
const atomicity = (it: Tests, options: Options) => {
  it.effect("stores all messages of a call or none of them", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, store, topic } = yield* bench(options)
      const bad = { ...(yield* makeMessage({ topic })), payload: "{\"a\":\"\0\"}" }
      const error = yield* Effect.flip(store.outbox.write([yield* makeMessage({ topic }), bad]))
      assert.strictEqual(error._tag, "StoreFailure")
      assert.strictEqual(error.kind, "refused")
      yield* nothing(yield* open())
      yield* publish([])
    }))

  it.effect("shows nothing of a publish before the transaction around it commits", (context) =>
    Effect.gen(function*() {
      yield* needsTwoTransactions(context, options)
      const { nothing, open, publish, receive, store } = yield* bench(options)
      const subscription = yield* open()
      const [written, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const transaction = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        yield* publish([{ id: "a", key: "k" }, { id: "b", key: "k" }])
        yield* Deferred.succeed(written, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(written)
      yield* nothing(subscription)
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(transaction)
      assert.deepStrictEqual(ids(yield* receive(subscription, 2)), ["a", "b"])
    }))

  it.effect("publishes nothing when the transaction around it rolls back", () =>
    Effect.gen(function*() {
      const { nothing, open, publish, store } = yield* bench(options)
      const error = yield* Effect.flip(store.transact(Effect.andThen(publish([{}, {}]), Effect.fail("no" as const))))
      assert.strictEqual(error, "no")
      yield* nothing(yield* open())
    }))

  it.effect("publishes through the transport as through the outbox", () =>
    Effect.gen(function*() {
      const { nothing, open, receive, store, topic, transport } = yield* bench(options)
      const subscription = yield* open()
      const message = yield* makeMessage({ topic, id: "relayed" })
      yield* Effect.flip(store.transact(Effect.andThen(transport.publish([message]), Effect.fail("no" as const))))
      yield* nothing(subscription)
      yield* transport.publish([message])
      assert.deepStrictEqual(ids(yield* receive(subscription, 1)), ["relayed"])
    }))
}

/** Registers the promises about the content of messages and its limits. */
const content = (it: Tests, options: Options) => {
  it.effect("hands over what was published, byte for byte, or refuses it by its id", () =>
    Effect.gen(function*() {
      const { can, open, receive, send, topic } = yield* bench(options)
      const headers = Object.fromEntries(Array.from({ length: limits.headers }, (_, i) => [`h${i}`, `välue "${i}" 🚀`]))
      const messages = [
        yield* makeMessage({ topic, id: "'; drop table messages; -- \\ \" 🚀 \u202e", key: "ключ\n\t", headers }),
        yield* makeMessage({ topic, id: "i".repeat(limits.idBytes), payload: "{ \"b\" : 1.0,\"a\":\"\\u0000\" }" }),
        yield* makeMessage({ topic, payload: `"${"x".repeat(limits.payloadBytes - 2)}"` })
      ]
      const refused: Array<string> = []
      for (const message of messages) {
        yield* Effect.catchTag(send([message]), "PublishFailed", ({ failed }) =>
          Effect.sync(() => {
            assert.deepStrictEqual(failed.map(({ id, outcome }) => [id, outcome]), [[message.id, "refused"]])
            refused.push(message.id)
          }))
      }
      // The limits of `Message` apply, unless the engine has some of its own: for control characters, or for the size.
      assert.isAtMost(refused.length, can.queue === "store" ? 0 : Option.isNone(can.maxBytes) ? 1 : 2)
      assert.notInclude(refused, messages[1]!.id)
      const stored = messages.filter(({ id }) => !refused.includes(id))
      const got = new Map((yield* receive(yield* open(), stored.length)).map(({ message }) => [message.id, message]))
      for (const message of stored) {
        const found = got.get(message.id)
        assert.isDefined(found)
        assert.deepStrictEqual({ ...found, publishedAt: 0 }, message)
      }
    }))

  it.effect("starts a delivery without attempts, deaths or a redrive", () =>
    Effect.gen(function*() {
      const { open, publish, receive } = yield* bench(options)
      yield* publish([{}])
      const [delivery] = yield* receive(yield* open(), 1)
      assert.strictEqual(delivery!.crashCount, 0)
      assert.deepStrictEqual(delivery!.attempts, [])
      assert.isUndefined(delivery!.redrive)
    }))
}

/** Registers the promises about publishing. */
export const publishPromises = (it: Tests, options: Options): void => {
  order(requires(it, options, "order"), options)
  routing(requires(it, options, "routing"), options)
  atomicity(requires(it, options, "routing"), options)
  content(it, options)
}
