/**
 * The requests that the adapter sends to SQS, each with at most ten messages. `SqsClient.ts` sends them with the AWS
 * client. Tests put a model of SQS in its place.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { TransportError } from "../Errors.ts"

/** The most messages of one request. */
export const batchSize = 10

/** How long a message can stay hidden after it was received, in seconds: 12 hours. */
export const ceilingSeconds = 43_200

/** A message as SQS hands it out. */
export interface Received {
  /** The id that SQS gave the message. */
  readonly messageId: string
  /** The receipt handle of this delivery. */
  readonly handle: string
  readonly body: string
  /** The text attributes. */
  readonly attributes: Readonly<Record<string, string>>
  /** The message group. Undefined on a standard queue. */
  readonly groupId: string | undefined
  /** The position within the queue. Undefined on a standard queue. */
  readonly sequence: bigint | undefined
  /** How often SQS has handed the message out, as far as it knows. */
  readonly receiveCount: number
  /** Milliseconds since the epoch, on the clock of SQS. */
  readonly sentAt: number
}

/** A message that is sent. */
export interface Outgoing {
  readonly body: string
  readonly attributes: Readonly<Record<string, string>>
  readonly groupId: string | undefined
  readonly deduplicationId: string | undefined
}

/**
 * The failure of one entry of a batch.
 *
 * - `refused`: SQS refuses this entry at every attempt. For a receipt handle, the message is not in flight any more.
 * - `notDone`: SQS did not do it, and the same request may succeed later.
 * - `unknown`: SQS did not answer.
 */
export interface EntryFailure {
  readonly outcome: "refused" | "notDone" | "unknown"
  readonly detail: string
}

/** The results of a batch, one for each entry, in order. Undefined means that SQS did it. */
export type Results = ReadonlyArray<EntryFailure | undefined>

/** The settings of a queue that the adapter depends on. */
export interface QueueSettings {
  /** The number of deliveries after which the redrive policy of the queue moves a message away. */
  readonly maxReceiveCount: number | undefined
  readonly retentionSeconds: number
  readonly maximumBytes: number
}

export interface SqsApi {
  readonly fifo: boolean
  readonly settings: Effect.Effect<QueueSettings, TransportError>
  /**
   * Waits up to `waitSeconds` for messages, and hides those that it returns for `hideSeconds`. The request must not be
   * interrupted, because SQS would hide messages that no worker has received.
   */
  readonly receive: (options: {
    readonly most: number
    readonly waitSeconds: number
    readonly hideSeconds: number
  }) => Effect.Effect<ReadonlyArray<Received>, TransportError>
  /** Hides messages for so many seconds from now on. 0 makes them visible. */
  readonly hide: (
    entries: ReadonlyArray<{ readonly handle: string; readonly seconds: number }>
  ) => Effect.Effect<Results, TransportError>
  readonly remove: (handles: ReadonlyArray<string>) => Effect.Effect<Results, TransportError>
  readonly send: (messages: ReadonlyArray<Outgoing>) => Effect.Effect<Results, TransportError>
}

export const engineOf = ({ fifo }: Pick<SqsApi, "fifo">): string => fifo ? "sqs-fifo" : "sqs"

/** The most requests at the same time for one list of entries. */
const together = 8

/** Splits entries into requests of ten. Returns one result for each entry. */
export const inBatches = <A, B>(
  entries: ReadonlyArray<A>,
  request: (some: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, TransportError>
): Effect.Effect<ReadonlyArray<B>, TransportError> => {
  const batches: Array<ReadonlyArray<A>> = []
  for (let i = 0; i < entries.length; i += batchSize) batches.push(entries.slice(i, i + batchSize))
  return Effect.map(Effect.forEach(batches, request, { concurrency: together }), (results) => results.flat())
}

/**
 * Returns a request whose temporary failure is the result of each of its entries, so that other requests still count.
 */
export const eachOutcome =
  <A>(request: (some: ReadonlyArray<A>) => Effect.Effect<Results, TransportError>) =>
  (some: ReadonlyArray<A>): Effect.Effect<Results, TransportError> =>
    Effect.catchIf(
      request(some),
      (error) => error.kind === "temporary",
      (error) => Effect.succeed(some.map((): EntryFailure => ({ outcome: "unknown", detail: error.detail })))
    )
