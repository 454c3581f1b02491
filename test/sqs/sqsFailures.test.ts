// Failures that SQS itself sends, through the AWS client: entries that it lists as failed, and refused requests.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Redacted } from "effect"
import { Health, Pipeline, Transport, Worker } from "millrace"
import * as SqsClient from "../../src/sqs/SqsClient.ts"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import { order, Orders } from "../worker/support.ts"
import { credentials, endpoint, on, plain, region } from "./sqsEndpoint.ts"
import { type Answer, type Asked, front } from "./sqsFront.ts"
import { send } from "./sqsKit.ts"

/** A queue behind a front, and what the front has received. */
const fronted = Effect.fnUntraced(function*(answer: (asked: Asked) => Answer | undefined, fifo = false) {
  const behind = yield* endpoint
  const client = yield* plain(behind)
  const queueUrl = yield* client.createQueue(fifo)
  const asked: Array<Asked> = []
  const { address, close } = yield* front(behind, (one) => {
    asked.push(one)
    return answer(one)
  })
  const sizes = (operation: string) =>
    asked.filter((one) => one.operation === operation).map(({ body }) => body.Entries?.length)
  const bodies = Effect.map(client.receive(queueUrl), (got) => got.map(({ Body }) => Body!).toSorted())
  return { address, close, queueUrl, sizes, bodies, layer: on(address, queueUrl) }
})

/** The client behind the transport, on a front. */
const clientOn = ({ address, queueUrl }: { readonly address: string; readonly queueUrl: string }) =>
  SqsClient.make(
    { queueUrl, endpoint: address, region, credentials: { sessionToken: undefined, ...credentials } },
    1000
  )

const outgoing = (body: string) => ({ body, attributes: {}, groupId: undefined, deduplicationId: undefined })

/** Publishes these payloads, and returns the outcome of each message that was not stored. */
const failures = Effect.fnUntraced(function*(payloads: ReadonlyArray<string>) {
  const messages = yield* Effect.forEach(
    payloads,
    (payload, i) => makeMessage({ topic: "orders", id: `m${i}`, payload })
  )
  const error = yield* Effect.flip(Effect.flatMap(Transport.Transport, ({ publish }) => publish(messages)))
  assert(error._tag === "PublishFailed", error.message)
  return error.failed.map(({ id, outcome }) => `${id} ${outcome}`)
})

/** The answer to a batch in which one entry has failed. */
const failing =
  (entry: string, Code: string, SenderFault: boolean) => ({ body, operation }: Asked): Answer | undefined =>
    operation.endsWith("Batch")
      ? {
        status: 200,
        json: {
          Successful: [],
          Failed: body.Entries!.filter(({ Id }) => Id === entry).map(({ Id }) => ({ Id, Code, SenderFault }))
        }
      }
      : undefined

describe("an entry that SQS lists as failed", () => {
  const passing = [
    "RequestThrottled",
    "ThrottlingException",
    "KmsThrottled",
    "KMS.ThrottlingException",
    "KMS.DisabledException",
    "OverLimit",
    "AccessDenied",
    "InternalError",
    "ServiceUnavailable"
  ]
  const final = ["InvalidMessageContents", "InvalidParameterValue", "ReceiptHandleIsInvalid"]
  for (const code of passing) {
    it.live(`is not refused permanently although SQS calls it the sender's fault: ${code}`, () =>
      Effect.gen(function*() {
        const queue = yield* fronted(failing("1", code, true))
        const failed = yield* Effect.provide(failures(["1", "2", "3"]), queue.layer)
        assert.deepStrictEqual(failed, ["m1 notStored"])
        const api = yield* clientOn(queue)
        const hidden = yield* api.hide([{ handle: "a", seconds: 1 }, { handle: "b", seconds: 1 }])
        assert.deepStrictEqual(hidden, [undefined, { outcome: "notDone", detail: code }])
        assert.deepStrictEqual((yield* api.remove(["a", "b"]))[1], { outcome: "notDone", detail: code })
      }).pipe(Effect.scoped))
  }

  for (const code of final) {
    it.live(`is refused permanently if it is the sender's fault: ${code}`, () =>
      Effect.gen(function*() {
        const queue = yield* fronted(failing("0", code, true))
        assert.deepStrictEqual(yield* Effect.provide(failures(["1", "2"]), queue.layer), ["m0 refused"])
        const api = yield* clientOn(queue)
        assert.deepStrictEqual(yield* api.hide([{ handle: "a", seconds: 1 }]), [{ outcome: "refused", detail: code }])
        const later = yield* fronted(failing("0", code, false))
        assert.deepStrictEqual(yield* Effect.provide(failures(["1", "2"]), later.layer), ["m0 notStored"])
      }).pipe(Effect.scoped))
  }
})

describe("a request that SQS refuses because of one entry", () => {
  for (const code of ["InvalidParameterValue", "MissingParameter", "BatchRequestTooLong", "InvalidMessageContents"]) {
    it.live(`is sent again entry by entry, so only that one is refused: ${code}`, () =>
      Effect.gen(function*() {
        const bad = ({ body, operation }: Asked): Answer | undefined =>
          operation === "SendMessageBatch" && body.Entries!.some(({ MessageBody }) => MessageBody === "\"bad\"")
            ? { status: 400, code }
            : undefined
        const queue = yield* fronted(bad)
        const failed = yield* Effect.provide(failures(["1", "\"bad\"", "3"]), queue.layer)
        assert.deepStrictEqual(failed, ["m1 refused"])
        assert.deepStrictEqual(queue.sizes("SendMessageBatch"), [3, 1, 1, 1])
        assert.deepStrictEqual(yield* queue.bodies, ["1", "3"])
      }).pipe(Effect.scoped))
  }

  it.live("keeps what was stored apart from what was not, if a later entry gets no answer", () =>
    Effect.gen(function*() {
      const queue = yield* fronted(({ body, operation }) =>
        operation !== "SendMessageBatch"
          ? undefined
          : body.Entries!.length > 1
          ? { status: 400, code: "InvalidParameterValue" }
          : body.Entries![0]!.MessageBody === "2"
          ? { status: 400, code: "RequestThrottled" }
          : undefined
      )
      assert.deepStrictEqual(yield* Effect.provide(failures(["1", "2", "3"]), queue.layer), ["m1 unknown"])
      assert.deepStrictEqual(yield* queue.bodies, ["1", "3"])
    }).pipe(Effect.scoped))

  it.live("loses only the lease whose handle SQS refuses", () =>
    Effect.gen(function*() {
      const queue = yield* fronted(({ body, operation }) =>
        operation.endsWith("VisibilityBatch")
          ? body.Entries!.some(({ ReceiptHandle }) => ReceiptHandle === "b")
            ? { status: 400, code: "InvalidParameterValue" }
            : { status: 200, json: { Successful: [], Failed: [] } }
          : undefined
      )
      const api = yield* clientOn(queue)
      const hidden = yield* api.hide(["a", "b", "c"].map((handle) => ({ handle, seconds: 1 })))
      assert.deepStrictEqual(hidden.map((result) => result?.outcome), [undefined, "refused", undefined])
    }).pipe(Effect.scoped))
})

describe("a publish without a clear answer", () => {
  it.live("is unknown if an earlier try may have stored it, although the last one was refused", () =>
    Effect.gen(function*() {
      let tries = 0
      const queue = yield* fronted(({ operation }) =>
        operation !== "SendMessageBatch" || ++tries > 1 ? { status: 403, code: "AccessDenied" } : "hangUp"
      )
      const api = yield* clientOn(queue)
      const [result] = yield* api.send([outgoing("1")])
      assert.strictEqual(tries, 2)
      assert.deepStrictEqual(result, { outcome: "unknown", detail: "AccessDenied (HTTP 403)" })
      assert.deepStrictEqual(yield* queue.bodies, ["1"])
    }).pipe(Effect.scoped))

  it.live("is known not to be stored if its only try was refused", () =>
    Effect.gen(function*() {
      const queue = yield* fronted(({ operation }) =>
        operation === "SendMessageBatch" ? { status: 403, code: "AccessDenied" } : undefined
      )
      assert.deepStrictEqual(yield* Effect.provide(failures(["1", "2"]), queue.layer), ["m0 notStored", "m1 notStored"])
      assert.deepStrictEqual(queue.sizes("SendMessageBatch"), [2])
    }).pipe(Effect.scoped))
})

describe("refused credentials", () => {
  const secret = Redacted.value(credentials.secretAccessKey)

  /** Waits in real time. */
  const until = (what: string, condition: () => boolean) =>
    Effect.repeat(Effect.sleep("20 millis"), { until: condition }).pipe(
      Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(new Error(`not so: ${what}`)) })
    )

  for (const code of ["AccessDenied", "ExpiredToken"]) {
    it.live(`at the start and in the middle of work are tried again, shown by health, and name no secret: ${code}`, () =>
      Effect.gen(function*() {
        const refused = { now: true }
        // SQS quotes the request in such a text.
        const message = `User arn:aws:iam::123456789012:user/ada with ${secret} is not authorized`
        const queue = yield* fronted(() => refused.now ? { status: 403, code, message } : undefined, true)
        const said: Array<unknown> = []
        const logger = Logger.make(({ message }) => said.push(message))
        const consumer = `refused-${code}`
        const seen: Array<string> = []
        yield* Effect.gen(function*() {
          const error = yield* Effect.flip(Effect.flatMap(Transport.Transport, ({ capabilities }) => capabilities))
          assert.deepInclude(error, { _tag: "TransportError", kind: "temporary", detail: `${code} (HTTP 403)` })
          const workers = yield* Health.Workers
          const shown = () =>
            JSON.stringify([...workers].filter((one) => one.consumer === consumer).map((one) => one.failing() ?? ""))
          const pipeline = Pipeline.from(Orders, { consumer }).pipe(
            Pipeline.tap((one) => Effect.sync(() => seen.push(one.id)))
          )
          const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: "1 second" }))
          yield* until("health names the refusal at the start", () => shown().includes(code))
          refused.now = false
          yield* send([order("a", 1)])
          yield* until("it starts", () => seen.length === 1)
          refused.now = true
          yield* until("health names the refusal in the middle of work", () => shown().includes(code))
          const before = queue.sizes("ReceiveMessage").length
          yield* Effect.sleep("3 seconds")
          assert.isBelow(queue.sizes("ReceiveMessage").length - before, 20, "it does not spin")
          assert.isUndefined(worker.pollUnsafe())
          said.push(shown(), error.message)
          refused.now = false
          yield* send([order("a", 2)])
          yield* until("it continues", () => seen.length === 2)
          yield* until("health is fine", () => !shown().includes(code))
          yield* Fiber.interrupt(worker)
        }).pipe(Effect.provide(Layer.provideMerge(queue.layer, Logger.layer([logger]))))
        const text = JSON.stringify(said)
        assert.include(text, code)
        for (const word of [secret, "arn:aws", "123456789012"]) assert.notInclude(text, word)
      }).pipe(Effect.scoped))
  }
})
