// A worker on a server that speaks SQS, through the AWS client and in real time.
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Deferred, Effect, Fiber, Layer, Logger, Redacted } from "effect"
import { Memory, Pipeline, Worker } from "millrace"
import { Sqs } from "millrace/sqs"
import { order, Orders, orders } from "../worker/support.ts"
import { credentials, endpoint, on, plain } from "./sqsEndpoint.ts"
import { send } from "./sqsKit.ts"

const kinds = [
  ["a standard queue", false, Pipeline.from(Orders, { consumer: "ledger", order: "none" })],
  ["a FIFO queue", true, Pipeline.from(Orders, { consumer: "ledger" })]
] as const

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
