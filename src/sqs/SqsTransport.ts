/**
 * The transport on a queue of SQS: its capabilities, and how it publishes. `BrokerSubscription.ts` receives.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { PublishFailed } from "../Errors.ts"
import { capabilitiesWith } from "../internal/broker/BrokerSource.ts"
import * as BrokerSubscription from "../internal/broker/BrokerSubscription.ts"
import type { Message } from "../Message.ts"
import type { Store } from "../Store.ts"
import type { Capabilities, Transport } from "../Transport.ts"
import type { Wire } from "../wire/Wire.ts"
import { batchSize, ceilingSeconds, engineOf, type Outgoing, type SqsApi } from "./SqsApi.ts"
import { bytesOf, fromSqs, mostBytes, toSqs } from "./SqsMessage.ts"
import * as SqsQueue from "./SqsQueue.ts"

/** The capabilities of a standard queue, before its own settings are known. */
export const standard: Capabilities = {
  engine: "sqs",
  queue: "engine",
  order: "none",
  fence: "inbox",
  acknowledge: "after",
  lease: { unit: "message", ceiling: Option.some(Duration.seconds(ceilingSeconds)) },
  hold: "inPlace",
  discardsAfter: Option.none(),
  deduplicates: Option.none(),
  maxBytes: Option.some(1_048_576),
  retention: Option.some(Duration.days(4))
}

/** The capabilities of a FIFO queue, before its own settings are known. */
export const fifo: Capabilities = {
  ...standard,
  engine: "sqs-fifo",
  order: "group",
  lease: { ...standard.lease, unit: "group" },
  deduplicates: Option.some(Duration.minutes(5))
}

type Failed = PublishFailed["failed"][number]

/** A message that waits for its request. */
interface Waiting {
  readonly message: Message
  readonly outgoing: Outgoing
}

/**
 * Takes the messages of the next request out of `waiting`. On a FIFO queue a request has at most one message of a
 * group. So SQS never stores a later message of a group when an earlier one fails.
 */
const nextRequest = (waiting: Array<Waiting>): ReadonlyArray<Waiting> => {
  const some: Array<Waiting> = []
  const groups = new Set<string>()
  let bytes = 0
  for (let i = 0; i < waiting.length && some.length < batchSize;) {
    const one = waiting[i]!
    const { attributes, body, groupId } = one.outgoing
    const size = bytesOf(body, attributes)
    if (some.length > 0 && bytes + size > mostBytes) break
    if (groupId !== undefined && groups.has(groupId)) {
      i++
      continue
    }
    if (groupId !== undefined) groups.add(groupId)
    bytes += size
    some.push(one)
    waiting.splice(i, 1)
  }
  return some
}

const publish = (api: SqsApi, wire: Wire): Transport["Service"]["publish"] =>
  Effect.fnUntraced(function*(messages) {
    const failed: Array<Failed> = []
    const broken = new Set<string>()
    const waiting: Array<Waiting> = []
    for (const message of messages) {
      const outgoing = toSqs(wire, message, api.fifo)
      if (typeof outgoing !== "string") waiting.push({ message, outgoing })
      else failed.push({ id: message.id, outcome: "refused", detail: outgoing })
    }
    while (waiting.length > 0) {
      const asked = nextRequest(waiting)
      const some = asked.filter(({ outgoing: { groupId } }) => groupId === undefined || !broken.has(groupId))
      const behind = asked.filter((one) => !some.includes(one))
      for (const { message } of behind) {
        failed.push({ id: message.id, outcome: "notStored", detail: "an earlier message of its key was not stored" })
      }
      if (some.length === 0) continue
      const results = yield* api.send(some.map(({ outgoing }) => outgoing))
      results.forEach((result, i) => {
        if (result === undefined) return
        const { message, outgoing } = some[i]!
        failed.push({
          id: message.id,
          outcome: result.outcome === "notDone" ? "notStored" : result.outcome,
          detail: result.detail
        })
        if (outgoing.groupId !== undefined) broken.add(outgoing.groupId)
      })
    }
    if (failed.length > 0) return yield* new PublishFailed({ engine: engineOf(api), failed })
  })

export interface Settings {
  readonly longPollSeconds: number
  readonly wire: Wire
}

export const make = (api: SqsApi, store: Store["Service"], settings: Settings): Transport["Service"] => {
  const base = api.fifo ? fifo : standard
  return {
    capabilities: Effect.map(api.settings, ({ maximumBytes, maxReceiveCount, retentionSeconds }) => ({
      ...capabilitiesWith(base, store),
      discardsAfter: Option.fromUndefinedOr(maxReceiveCount),
      maxBytes: Option.some(maximumBytes),
      retention: Option.some(Duration.seconds(retentionSeconds))
    })),
    publish: publish(api, settings.wire),
    open: Effect.fnUntraced(function*(spec) {
      // Reading the settings fails if the queue does not exist. So a wrong url is found before anything is received.
      const { maxReceiveCount } = yield* api.settings
      return yield* BrokerSubscription.open({
        queue: SqsQueue.make(api),
        store,
        spec,
        longPollMillis: settings.longPollSeconds * 1000,
        discardsAfter: maxReceiveCount,
        messageOf: (received, topic) => fromSqs(settings.wire, received, topic)
      })
    })
  }
}
