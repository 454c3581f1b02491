/**
 * Publishes messages to streams: in order within a stream, and many in a request.
 */
import * as Effect from "effect/Effect"
import type * as Redis from "effect/persistence/Redis"
import * as Result from "effect/Result"
import { PublishFailed, type TransportError } from "../Errors.ts"
import type { Message } from "../Message.ts"
import type { Transport } from "../Transport.ts"
import type { Wire } from "../wire/Wire.ts"
import { didNothing, requested } from "./RedisFailure.ts"
import { toFields } from "./StreamEntry.ts"
import * as Scripts from "./streamScripts.ts"

/** The most messages and bytes of one publish request. */
const most = { messages: 100, bytes: 1_048_576 }

type Failed = PublishFailed["failed"][number]

/** A message that waits for its request. */
interface Waiting {
  readonly message: Message
  readonly fields: ReadonlyArray<string>
}

/** Splits messages into requests. A message that is larger than the limit has a request of its own. */
const requestsOf = (waiting: ReadonlyArray<Waiting>): ReadonlyArray<ReadonlyArray<Waiting>> => {
  const requests: Array<Array<Waiting>> = []
  let bytes = Infinity
  for (const one of waiting) {
    const size = Buffer.byteLength(one.message.payload)
    const last = requests.at(-1)
    if (last === undefined || last.length >= most.messages || bytes + size > most.bytes) {
      requests.push([one])
      bytes = size
    } else {
      last.push(one)
      bytes += size
    }
  }
  return requests
}

export interface Settings {
  readonly engine: string
  readonly requestMillis: number
  readonly wire: Wire
  /** Returns the stream of a message. */
  readonly streamOf: (message: Message) => string
}

/** Returns the `publish` of a transport. A failed request ends the publish to its stream, and not to the others. */
export const make = (redis: Redis.Redis["Service"], settings: Settings): Transport["Service"]["publish"] => {
  const { engine, streamOf, wire } = settings
  const append = redis.eval(Scripts.append)
  const request = requested(engine, settings.requestMillis)

  const toStream = Effect.fnUntraced(function*(stream: string, waiting: ReadonlyArray<Waiting>) {
    const failed: Array<Failed> = []
    let broken: TransportError | undefined
    for (const some of requestsOf(waiting)) {
      const names = (outcome: Failed["outcome"], detail: string) => {
        for (const { message: { id } } of some) failed.push({ id, outcome, detail })
      }
      if (broken !== undefined) {
        names("notStored", "an earlier request failed")
        continue
      }
      const sent = yield* Effect.result(
        request("append to the stream", append(stream, some.map(({ fields }) => fields)))
      )
      if (Result.isSuccess(sent)) continue
      if (sent.failure.kind === "permanent") return yield* sent.failure
      broken = sent.failure
      names(didNothing(broken) ? "notStored" : "unknown", broken.detail)
    }
    return failed
  })

  return Effect.fnUntraced(function*(messages) {
    const failed: Array<Failed> = []
    const waiting: Array<Waiting> = []
    for (const message of messages) {
      const encoded = toFields(wire, message)
      if (Result.isSuccess(encoded)) waiting.push({ message, fields: encoded.success })
      else failed.push({ id: message.id, outcome: "refused", detail: encoded.failure.problem })
    }
    const streams = Map.groupBy(waiting, ({ message }) => streamOf(message))
    const results = yield* Effect.forEach(streams, ([stream, some]) => toStream(stream, some), { concurrency: 8 })
    failed.push(...results.flat())
    if (failed.length > 0) return yield* new PublishFailed({ engine, failed })
  })
}
