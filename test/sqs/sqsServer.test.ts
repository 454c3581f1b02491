// A worker on a server that speaks SQS, through the AWS client and in real time.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Duration, Effect, Fiber, Layer, Logger, Redacted } from "effect"
import { Memory, Pipeline, Store, Transport, Worker } from "millrace"
import { Sqs } from "millrace/sqs"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import { type Order, order, Orders, orders } from "../worker/support.ts"
import { credentials, endpoint, plain, region } from "./sqsEndpoint.ts"
import { send } from "./sqsKit.ts"

const kinds = [
  ["a standard queue", false, Pipeline.from(Orders, { consumer: "ledger", order: "none" })],
  ["a FIFO queue", true, Pipeline.from(Orders, { consumer: "ledger" })]
] as const

const on = (address: string, queueUrl: string, options: Partial<Sqs.SqsOptions> = {}) =>
  Sqs.layer({ queueUrl, endpoint: address, region, credentials, longPoll: "1 second", ...options }).pipe(
    Layer.provideMerge(Memory.layer)
  )

const until = (what: string, condition: () => boolean) =>
  Effect.gen(function*() {
    while (!condition()) yield* Effect.sleep("20 millis")
  }).pipe(Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(new Error(`not so: ${what}`)) }))

describe.each(kinds)("on %s of a server", (_, fifo, base) => {
  it.live("a worker processes what was published, and deletes it", () =>
    Effect.gen(function*() {
      const address = yield* endpoint
      const client = yield* plain(address)
      const queueUrl = yield* client.createQueue(fifo)
      yield* Effect.gen(function*() {
        const seen: Array<string> = []
        yield* send(orders("a", 5).concat(orders("b", 5)))
        const pipeline = base.pipe(Pipeline.tap((one) => Effect.sync(() => seen.push(one.id))))
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: "1 second" }))
        yield* until("all are processed", () => seen.length >= 10)
        yield* Fiber.interrupt(worker)
        assert.deepStrictEqual(seen.toSorted(), orders("a", 5).concat(orders("b", 5)).map(({ id }) => id))
        if (fifo) assert.deepStrictEqual(seen.filter((id) => id.startsWith("a")), orders("a", 5).map(({ id }) => id))
      }).pipe(Effect.provide(on(address, queueUrl)))
      assert.deepStrictEqual(yield* client.receive(queueUrl), [])
    }).pipe(Effect.scoped))

  it.live("work of three visibility timeouts is not handed out again", () =>
    Effect.gen(function*() {
      const address = yield* endpoint
      const client = yield* plain(address)
      const queueUrl = yield* client.createQueue(fifo)
      yield* Effect.gen(function*() {
        let runs = 0
        const ended = Deferred.makeUnsafe<void>()
        const pipeline = base.pipe(
          Pipeline.tap(() => Effect.suspend(() => Effect.sleep(++runs === 1 ? "3500 millis" : 0))),
          Pipeline.commit(() => Deferred.succeed(ended, undefined))
        )
        yield* send([order("a", 1)])
        const run = Worker.run(pipeline, { lease: "1 second", grace: "1 second", idlePoll: "200 millis" })
        const workers = yield* Effect.forEach([1, 2], () => Effect.forkChild(run))
        yield* Deferred.await(ended)
        yield* Effect.sleep("1500 millis")
        yield* Effect.forEach(workers, Fiber.interrupt, { concurrency: 2 })
        assert.strictEqual(runs, 1)
      }).pipe(Effect.provide(on(address, queueUrl)))
      assert.deepStrictEqual(yield* client.receive(queueUrl), [])
    }).pipe(Effect.scoped))

  it.live("a message of a foreign sender gets id, key and payload by the mapping", () =>
    Effect.gen(function*() {
      const address = yield* endpoint
      const client = yield* plain(address)
      const queueUrl = yield* client.createQueue(fifo)
      const group = fifo ? { MessageGroupId: "acc", MessageDeduplicationId: "1" } : {}
      yield* client.send(queueUrl, JSON.stringify({ detail: order("acc", 7) }), {
        ...group,
        MessageAttributes: { source: { DataType: "String", StringValue: "shop" } }
      })
      const foreign: Sqs.SqsOptions["foreign"] = ({ body }) => {
        const { detail } = JSON.parse(body) as { detail: Order }
        return { id: detail.id, key: detail.account, payload: JSON.stringify(detail) }
      }
      yield* Effect.gen(function*() {
        const got = Deferred.makeUnsafe<readonly [Order, string, string, string | undefined]>()
        const pipeline = base.pipe(Pipeline.tap((one, { message }) =>
          Deferred.succeed(got, [one, message.id, message.key, message.headers["source"]] as const)
        ))
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: "1 second" }))
        assert.deepStrictEqual(yield* Deferred.await(got), [order("acc", 7), "acc7", "acc", "shop"])
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.provide(on(address, queueUrl, { foreign })))
    }).pipe(Effect.scoped))

  it.live("a plain client reads what was published, and refused messages are named", () =>
    Effect.gen(function*() {
      const address = yield* endpoint
      const client = yield* plain(address)
      const queueUrl = yield* client.createQueue(fifo)
      const headers = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`h${i}`, `é${i}`]))
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      yield* Effect.gen(function*() {
        const transport = yield* Transport.Transport
        const topic = "orders"
        const fine = yield* makeMessage({
          topic,
          id: "fine \u0001\uFFFF",
          key: "k ".repeat(100),
          payload: JSON.stringify("\u0000 \uFFFF ü"),
          headers: { ...headers, h0: "\u0002", ...(fifo ? {} : { h1: traceparent }) }
        })
        const large = yield* makeMessage({ topic, id: "large", payload: JSON.stringify("x".repeat(1_048_570)) })
        const raw = yield* makeMessage({ topic, id: "raw", payload: "\u0001" })
        const error = yield* Effect.flip(transport.publish([large, fine, raw]))
        assert(error._tag === "PublishFailed")
        assert.deepStrictEqual(error.failed.map(({ id, outcome }) => [id, outcome]), [["large", "refused"], [
          "raw",
          "refused"
        ]])
        // The same id with the same content is published once in five minutes on a FIFO queue.
        if (fifo) yield* transport.publish([fine])
        const subscribed: Array<unknown> = []
        yield* Effect.scoped(Effect.gen(function*() {
          const subscription = yield* open(transport)
          while (subscribed.length === 0) {
            yield* subscription.take({ messages: 10, bytes: 1e9, perKey: 10 }, (got) => {
              for (const { message: { publishedAt: _, ...message } } of got) subscribed.push(message)
            })
          }
        }))
        const { publishedAt: _, ...sent } = fine
        assert.deepStrictEqual(subscribed, [{
          ...sent,
          payload: JSON.stringify("\u0000 \uFFFF ü").replace("\uFFFF", "\\uffff")
        }])
      }).pipe(Effect.provide(on(address, queueUrl)))
      const [message, ...others] = yield* client.receive(queueUrl)
      assert.deepStrictEqual(others, [])
      assert.strictEqual(JSON.parse(message!.Body!), "\u0000 \uFFFF ü")
      const envelope = JSON.parse(message!.MessageAttributes!["millrace-envelope"]!.StringValue!)
      assert.deepInclude(envelope, { topic: "orders", id: "fine \u0001\uFFFF", version: 1 })
    }).pipe(Effect.scoped))
})

const open = (transport: Transport.Transport["Service"]) =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    yield* store.consumers.register({ consumer: "looker", topics: [], lanes: 1, order: "continue" })
    return yield* transport.open({
      consumer: "looker",
      topics: ["orders"],
      worker: "w",
      lanes: 1,
      lease: Duration.seconds(30),
      idlePoll: Duration.seconds(1)
    })
  })

describe("a worker on a server", () => {
  it.live("with a permanent error when its queue is deleted ends, and the error says so", () =>
    Effect.gen(function*() {
      const address = yield* endpoint
      const client = yield* plain(address)
      const queueUrl = yield* client.createQueue(true)
      yield* Effect.gen(function*() {
        const worker = yield* Effect.forkChild(Worker.run(Pipeline.from(Orders, { consumer: "ledger" }), { grace: 0 }))
        yield* Effect.sleep("500 millis")
        yield* client.deleteQueue(queueUrl)
        const error = yield* Effect.flip(Fiber.join(worker))
        assert.deepInclude(error, { _tag: "TransportError", kind: "permanent", engine: "sqs-fifo" })
        assert.include(error.message, "was deleted")
      }).pipe(Effect.provide(on(address, queueUrl)))
    }).pipe(Effect.scoped))

  it.live("that is down waits for it, and no error shows a secret", () =>
    Effect.gen(function*() {
      const said: Array<unknown> = []
      const logger = Logger.make(({ message }) => said.push(message))
      const queueUrl = "http://127.0.0.1:1/000000000000/payments.fifo"
      yield* Effect.gen(function*() {
        const worker = yield* Effect.forkChild(Worker.run(Pipeline.from(Orders, { consumer: "ledger" }), { grace: 0 }))
        yield* until("it was tried again", () => said.length >= 2)
        assert.isUndefined(worker.pollUnsafe())
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.provide(Layer.provideMerge(on("http://127.0.0.1:1", queueUrl), Logger.layer([logger]))))
      assert.include(JSON.stringify(said), "ECONNREFUSED")
      assert.notInclude(JSON.stringify(said), Redacted.value(credentials.secretAccessKey))
    }).pipe(Effect.scoped))

  it.live("reads its settings from the environment, and an error names the variable", () =>
    Effect.gen(function*() {
      const built = (env: Readonly<Record<string, string>>) =>
        Effect.flip(
          Effect.provide(
            Effect.void,
            Sqs.layerConfig.pipe(
              Layer.provide(Memory.layer),
              Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env)))
            )
          )
        )
      assert.deepInclude(yield* built({}), { _tag: "InvalidConfig", variable: "SQS_QUEUE_URL", got: "nothing" })
      assert.deepInclude(yield* built({ SQS_QUEUE_URL: "payments" }), {
        variable: "SQS_QUEUE_URL",
        got: "\"payments\""
      })
      const queue = { SQS_QUEUE_URL: "http://127.0.0.1:1/0/q" }
      assert.deepInclude(yield* built({ ...queue, SQS_ENDPOINT: "local" }), { variable: "SQS_ENDPOINT" })
      assert.deepInclude(yield* built({ ...queue, AWS_ACCESS_KEY_ID: "id" }), { variable: "AWS_SECRET_ACCESS_KEY" })
      const long = Sqs.layer({ queueUrl: queue.SQS_QUEUE_URL, longPoll: "21 seconds" })
      assert.deepInclude(yield* Effect.flip(Effect.provide(Effect.void, long.pipe(Layer.provide(Memory.layer)))), {
        _tag: "InvalidSetting",
        setting: "longPoll"
      })
    }))
})
