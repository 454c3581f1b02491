/**
 * The requests that the adapter sends to SQS, each with at most ten messages. `SqsClient.ts` sends them with the AWS
 * client. Tests put a model of SQS in its place.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { TransportError } from "../Errors.ts"
import type * as BrokerQueue from "../internal/broker/BrokerQueue.ts"

/** The most messages of one request. */
export const batchSize = 10

/** How long a message can stay hidden after it was received, in seconds: 12 hours. */
export const ceilingSeconds = 43_200

/** A message as SQS hands it out. */
export interface Received extends BrokerQueue.Received {
  readonly body: string
  /** The text attributes. */
  readonly attributes: Readonly<Record<string, string>>
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
  ) => Effect.Effect<BrokerQueue.Results, TransportError>
  readonly remove: (handles: ReadonlyArray<string>) => Effect.Effect<BrokerQueue.Results, TransportError>
  /** Fails only if the error is permanent. A request that got no answer is the outcome of each of its messages. */
  readonly send: (messages: ReadonlyArray<Outgoing>) => Effect.Effect<BrokerQueue.Results, TransportError>
}

export const engineOf = ({ fifo }: Pick<SqsApi, "fifo">): string => fifo ? "sqs-fifo" : "sqs"
