// Messages on SQS as CloudEvents: read by a plain consumer, and sent by a plain producer, through the AWS client.
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Layer } from "effect"
import { type Delivery, type Message, Pipeline, Store, Transport, Worker } from "millrace"
import type { Sqs } from "millrace/sqs"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import { deadLetters, type Order, order, Orders } from "../worker/support.ts"
import { endpoint, on, plain } from "./sqsEndpoint.ts"

const kinds = [
  ["a standard queue", false, Pipeline.from(Orders, { consumer: "ledger", order: "none" })],
  ["a FIFO queue", true, Pipeline.from(Orders, { consumer: "ledger" })]
] as const

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

/** A queue of its own, a plain client, and the layer of a transport on the queue. */
const queueOf = Effect.fnUntraced(function*(fifo: boolean, wire?: Sqs.SqsOptions["wire"]) {
  const address = yield* endpoint
  const client = yield* plain(address)
  const queueUrl = yield* client.createQueue(fifo)
  const texts = (attributes: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: "String", StringValue }])
    )
  let sends = 0
  return {
    layer: on(address, queueUrl, { wire }),
    receive: Effect.map(
      client.receive(queueUrl),
      (messages) =>
        messages.map(({ Attributes, Body, MessageAttributes }) => ({
          body: Body!,
          group: Attributes?.["MessageGroupId"],
          deduplication: Attributes?.["MessageDeduplicationId"],
          attributes: Object.fromEntries(
            Object.entries(MessageAttributes ?? {}).map(([name, { StringValue }]) => [name, StringValue!])
          )
        }))
    ),
    /** Sends a message as a producer that knows nothing of Millrace. Each call is another message for SQS. */
    send: (body: string, attributes: Readonly<Record<string, string>>, group = "acc") =>
      client.send(queueUrl, body, {
        MessageAttributes: texts(attributes),
        ...(fifo ? { MessageGroupId: group, MessageDeduplicationId: String(sends++) } : {})
      })
  }
})

/** Takes so many messages of the queue. */
const taken = Effect.fnUntraced(function*(count: number) {
  const transport = yield* Transport.Transport
  const store = yield* Store.Store
  yield* store.consumers.register({ consumer: "looker", topics: [], lanes: 1, order: "continue" })
  const got: Array<Message.Message> = []
  yield* Effect.scoped(Effect.gen(function*() {
    const subscription = yield* transport.open({
      consumer: "looker",
      topics: ["orders"],
      worker: "w",
      lanes: 1,
      lease: Duration.seconds(30),
      idlePoll: Duration.seconds(1)
    })
    while (got.length < count) {
      const some: Array<Delivery.Delivery> = []
      yield* subscription.take({ messages: 10, bytes: 1e9, perKey: 10 }, (deliveries) => some.push(...deliveries))
      got.push(...some.map(({ message }) => message))
      yield* subscription.acknowledge(some)
    }
  }))
  return got.toSorted((a, b) => a.id < b.id ? -1 : 1)
})

const inTime = Effect.timeoutOrElse({
  duration: "20 seconds",
  orElse: () => Effect.die(new Error("the messages did not end in time"))
})

describe.each(kinds)("a message on %s", (_, fifo, base) => {
  it.live("is a CloudEvent for a plain consumer: id, type, key, trace context, and plain JSON as its body", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(fifo)
      const sent = yield* makeMessage({
        topic: "orders",
        id: "ü 1",
        key: "ada",
        payload: "{\"cents\":5}",
        headers: { tenant: "t1", "X-Reason": "é", traceparent, tracestate: "vendor=1" }
      })
      yield* Effect.flatMap(Transport.Transport, ({ publish }) => publish([sent, sent])).pipe(
        Effect.provide(queue.layer)
      )
      const got = yield* queue.receive
      // A FIFO queue drops the second publish of one message.
      assert.lengthOf(got, fifo ? 1 : 2)
      const { attributes, body, deduplication, group } = got[0]!
      assert.strictEqual(body, "{\"cents\":5}")
      const { ce_millraceheaders: packed, ...others } = attributes
      assert.deepStrictEqual(others, {
        ce_specversion: "1.0",
        ce_id: "ü 1",
        ce_source: "/millrace/orders",
        ce_type: "orders",
        ce_partitionkey: "ada",
        traceparent,
        tracestate: "vendor=1",
        ce_tenant: "t1",
        "content-type": "application/json"
      })
      assert.strictEqual(packed, "{\"X-Reason\":\"\\u00e9\"}")
      if (fifo) {
        assert.strictEqual(group, "ada")
        assert.match(deduplication!, /^sha256-[0-9a-f]{64}$/)
      }
    }).pipe(Effect.scoped))

  it.live("of a plain CloudEvents producer has one effect, although the producer sends it twice", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(fifo)
      const event = (id: string) => ({
        ce_specversion: "1.0",
        ce_id: id,
        ce_source: "https://example.com/shop",
        ce_type: "orders",
        ce_partitionkey: "acc",
        ce_traceparent: traceparent,
        "Content-Type": "application/json"
      })
      for (const n of [7, 7, 8]) yield* queue.send(JSON.stringify(order("acc", n)), event(`e${n}`))
      yield* Effect.gen(function*() {
        const effects: Array<string> = []
        const worker = yield* Effect.forkChild(Worker.run(
          base.pipe(
            Pipeline.commit((one, { message: { headers, id, key, topic } }) =>
              Effect.sync(() =>
                effects.push([id, topic, key, headers["source"], headers["traceparent"], one.n].join(" "))
              )
            )
          ),
          { grace: "1 second" }
        ))
        yield* inTime(Effect.repeat(Effect.sleep("100 millis"), { until: () => effects.length >= 2 }))
        yield* Effect.sleep("1 second")
        yield* Fiber.interrupt(worker)
        const trace = `https://example.com/shop ${traceparent}`
        assert.deepStrictEqual(effects.toSorted(), [`e7 orders acc ${trace} 7`, `e8 orders acc ${trace} 8`])
      }).pipe(Effect.provide(queue.layer))
      assert.deepStrictEqual(yield* queue.receive, [])
    }).pipe(Effect.scoped))

  it.live("of any other producer gets id, key and payload by the mapping, and its attributes are headers", () =>
    Effect.gen(function*() {
      const detailOf = (body: string | Uint8Array) => (JSON.parse(String(body)) as { readonly detail: Order }).detail
      const queue = yield* queueOf(fifo, {
        foreign: {
          id: ({ body }) => detailOf(body).id,
          key: ({ attributes, body }) => attributes["owner"] ?? detailOf(body).account,
          payload: ({ body }) => JSON.stringify(detailOf(body))
        }
      })
      yield* queue.send(JSON.stringify({ detail: order("a", 1) }), { source: "shop" })
      yield* queue.send(JSON.stringify({ detail: order("a", 2) }), { owner: "bob" }, "other")
      const [first, second] = yield* Effect.provide(taken(2), queue.layer)
      assert.deepInclude(first, { id: "a1", key: "a", keyed: true, headers: { source: "shop" } })
      assert.strictEqual(first!.payload, JSON.stringify(order("a", 1)))
      assert.deepInclude(second, { id: "a2", key: "bob", topic: "orders" })
    }).pipe(Effect.scoped))

  it.live("that names no key belongs to its message group, and only its own publisher can leave the key out", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(fifo)
      const event = { ce_specversion: "1.0", ce_id: "x1", ce_source: "/shop", ce_type: "orders" }
      yield* queue.send("{}", event, "g1")
      yield* queue.send("{}", {}, "g2")
      const ours = yield* makeMessage({ topic: "orders", id: "z1" })
      const got = yield* Effect.provide(
        Effect.gen(function*() {
          yield* Effect.flatMap(Transport.Transport, ({ publish }) => publish([ours]))
          return yield* taken(3)
        }),
        queue.layer
      )
      const [foreign, event1, own] = got
      assert.match(foreign!.id, /^[0-9a-f-]{36}$/)
      assert.deepStrictEqual(
        [foreign!, event1!, own!].map(({ key, keyed }) => [key, keyed]),
        fifo ? [["g2", true], ["g1", true], ["z1", false]] : [[foreign!.id, false], ["x1", false], ["z1", false]]
      )
    }).pipe(Effect.scoped))

  it.live("that cannot be read becomes a dead letter, which says why and shows the body", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(fifo, {
        foreign: {
          id: ({ body }) => (JSON.parse(String(body)) as Order).id
        }
      })
      yield* queue.send("no JSON", {}, "g1")
      yield* queue.send("{}", { ce_specversion: "1.0", ce_id: "o1" }, "g2")
      yield* Effect.gen(function*() {
        const worker = yield* Effect.forkChild(Worker.run(base, { grace: 0 }))
        const dead = yield* deadLetters("ledger").pipe(
          Effect.delay("50 millis"),
          Effect.repeat({ until: (found) => found.length === 2 }),
          inTime
        )
        yield* Fiber.interrupt(worker)
        assert.deepStrictEqual(dead.map(({ reason }) => reason), ["undecodable", "undecodable"])
        const [threw, unnamed] = dead.map(({ message }) => message)
          .toSorted((a, b) => a.payload < b.payload ? -1 : 1)
        assert.match(threw!.payload, /its id could not be mapped: the mapping threw: no JSON$/)
        assert.match(unnamed!.payload, /its type is missing, and CloudEvents requires it: \{\}$/)
        for (const { id } of [threw!, unnamed!]) assert.match(id, /^[0-9a-f-]{36}$/)
        if (fifo) assert.deepStrictEqual([threw!.key, unnamed!.key], ["g1", "g2"])
      }).pipe(Effect.provide(queue.layer))
    }).pipe(Effect.scoped))

  it.live("comes back as it was with 64 headers, values that SQS refuses, and 1 MiB; one byte more is refused", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(fifo)
      const headers = {
        ...Object.fromEntries(Array.from({ length: 61 }, (_, i) => [`h${i}`, `é${i}`])),
        h0: "\u0002",
        empty: "",
        "Ünusual name": "\uFFFF"
      }
      const make = (id: string, bytes: number) =>
        makeMessage({
          topic: "orders",
          id,
          key: "k ".repeat(100),
          payload: JSON.stringify("x".repeat(bytes - 2)),
          headers: { ...headers, traceparent }
        })
      const small = yield* make("m1", 2)
      yield* Effect.gen(function*() {
        const { publish } = yield* Transport.Transport
        yield* publish([small])
      }).pipe(Effect.provide(queue.layer))
      const [{ attributes, body } = { attributes: {}, body: "" }] = yield* queue.receive
      assert.isAtMost(Object.keys(attributes).length, 10)
      const used = Object.entries({ ...attributes, body }).reduce(
        (sum, [name, value]) => sum + (name === "body" ? 0 : Buffer.byteLength(name) + 6) + Buffer.byteLength(value),
        0
      )
      const room = 1_048_576 - used + 2
      const sent = [yield* make("m1", room), yield* make("m2", room + 1)]
      yield* Effect.gen(function*() {
        const { publish } = yield* Transport.Transport
        const error = yield* Effect.flip(publish(sent))
        assert(error._tag === "PublishFailed")
        assert.deepStrictEqual(error.failed, [{
          id: "m2",
          outcome: "refused",
          detail: "it has 1048577 bytes with its attributes, and SQS takes 1048576 at most"
        }])
        const [got] = yield* taken(1)
        assert.deepStrictEqual({ ...got!, publishedAt: 0 }, { ...sent[0]!, publishedAt: 0 })
      }).pipe(Effect.provide(queue.layer))
    }).pipe(Effect.scoped))

  it.live("that SQS cannot carry is refused by its id, and the others are stored", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(fifo)
      const topic = "orders"
      const messages = yield* Effect.all([
        makeMessage({ topic, id: "a\u0001b" }),
        makeMessage({ topic, id: "raw", payload: "\u0001" }),
        makeMessage({ topic, id: "empty", payload: "" }),
        makeMessage({ topic, id: "fine", payload: JSON.stringify("\u0000 \uFFFF ü") })
      ])
      yield* Effect.gen(function*() {
        const { publish } = yield* Transport.Transport
        const error = yield* Effect.flip(publish(messages))
        assert(error._tag === "PublishFailed")
        assert.deepStrictEqual(error.failed.map(({ detail, id, outcome }) => [id, outcome, detail]), [
          ["a\u0001b", "refused", "its id has a control character, which attributes cannot carry"],
          ["raw", "refused", "its payload has a character that SQS refuses; publish JSON text, which escapes it"],
          ["empty", "refused", "its payload is empty, and SQS takes no empty body"]
        ])
      }).pipe(Effect.provide(queue.layer))
      const [fine, ...others] = yield* queue.receive
      assert.deepStrictEqual(others, [])
      assert.strictEqual(JSON.parse(fine!.body), "\u0000 \uFFFF ü")
    }).pipe(Effect.scoped))
})

describe("the form of messages on SQS", () => {
  it.live("can be another prefix and values in ASCII, by which any id and key can travel", () =>
    Effect.gen(function*() {
      const queue = yield* queueOf(true, { prefix: "ce-", values: "ascii", source: "/shop" })
      const sent = yield* makeMessage({ topic: "orders", id: "a\u0001b", key: "k\uFFFE" })
      yield* Effect.gen(function*() {
        const { publish } = yield* Transport.Transport
        yield* publish([sent])
        assert.deepStrictEqual((yield* taken(1)).map(({ id, key }) => [id, key]), [["a\u0001b", "k\uFFFE"]])
        yield* publish([{ ...sent, payload: "2" }])
      }).pipe(Effect.provide(queue.layer))
      const [{ attributes, group } = { attributes: {}, group: undefined }] = yield* queue.receive
      assert.deepInclude(attributes, { "ce-id": "a%01b", "ce-source": "/shop/orders" })
      assert.match(group!, /^sha256-/)
    }).pipe(Effect.scoped))

  it.live("with a name that SQS refuses, or a limit below ten attributes, is refused when the layer is built", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [string, Sqs.SqsOptions["wire"]]> = [
        ["prefix", { prefix: "cloudEvents:" }],
        ["prefix", { prefix: "AWS.ce" }],
        ["prefix", { prefix: "a..b" }],
        ["contentType", { contentType: "type." }],
        ["maxAttributes", { maxAttributes: 9 }],
        ["maxBytes", { maxBytes: 10 }]
      ]
      for (const [setting, wire] of wrong) {
        const error = yield* Effect.flip(
          Effect.provide(Effect.void, Layer.fresh(on("", "http://localhost/0/q", { wire })))
        )
        assert.deepInclude(error, { _tag: "InvalidSetting", setting })
      }
      yield* Effect.provide(Effect.void, on("", "http://localhost/0/q", { wire: { maxAttributes: 50, prefix: "ce." } }))
    }))
})
