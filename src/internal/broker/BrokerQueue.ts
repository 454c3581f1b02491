/**
 * The queue of a broker as a subscription sees it: it receives, keeps, gives back and deletes messages. `src/sqs` and
 * `src/redis` implement it, and `BrokerSubscription.ts` runs on it.
 *
 * A broker leases a message for a time, counts its deliveries, and hands it out again when the lease has ended. Each
 * delivery has a handle. The broker refuses the handle of a delivery that another one has replaced.
 */
import * as Effect from "effect/Effect"
import type { TransportError } from "../../Errors.ts"

/** A message as a broker hands it out, in one form for all brokers. */
export interface Received {
  /** The id that the broker gave the message. */
  readonly messageId: string
  /** Names this delivery of the message. */
  readonly handle: string
  /** The group whose messages the broker leases as one. Undefined where each message has a lease of its own. */
  readonly groupId: string | undefined
  /** The position within the queue. Undefined where the broker has none. */
  readonly sequence: bigint | undefined
  /** How often the broker has handed the message out, as far as it knows. */
  readonly receiveCount: number
}

/**
 * The failure of one entry of a batch.
 *
 * - `refused`: the broker refuses this entry at every attempt. For a handle, the delivery is over.
 * - `notDone`: the broker did not do it, and the same request may succeed later.
 * - `unknown`: the broker did not answer.
 */
export interface EntryFailure {
  readonly outcome: "refused" | "notDone" | "unknown"
  readonly detail: string
}

/** The results of a batch, one for each entry, in order. Undefined means that the broker did it. */
export type Results = ReadonlyArray<EntryFailure | undefined>

/** A message that the broker hides from now on, and the time until it may be handed out again. */
export interface Hidden {
  readonly handle: string
  /** In so many milliseconds, or earlier if the broker cannot hide it for so long. 0 means at once. */
  readonly millis: number
}

export interface BrokerQueue<R extends Received = Received> {
  /** The name of the engine, for errors. */
  readonly engine: string
  /** Whether the messages of a group are handed out in order. */
  readonly ordered: boolean
  /** The most entries of one request. */
  readonly batchSize: number
  /** The unit in which a poll can wait, in milliseconds. A shorter wait is none. */
  readonly waitUnitMillis: number
  /** How long a delete waits for others to share its request, in milliseconds. */
  readonly lingerMillis: number
  /** For how long after its receipt a message can stay hidden, in milliseconds. */
  readonly ceilingMillis: number
  /** Says why a message cannot stay hidden for longer, for errors. */
  readonly ceilingReason: string
  /**
   * Waits up to `waitMillis` for messages, and leases those that it returns for `leaseMillis`. The request must not be
   * interrupted, because the broker would hide messages that no worker has received.
   */
  readonly receive: (options: {
    readonly most: number
    readonly waitMillis: number
    readonly leaseMillis: number
  }) => Effect.Effect<ReadonlyArray<R>, TransportError>
  /** Renews the leases of these deliveries, each for so many milliseconds. */
  readonly renew: (entries: ReadonlyArray<Hidden>) => Effect.Effect<Results, TransportError>
  /** Gives messages back, each to be handed out again later. */
  readonly hide: (entries: ReadonlyArray<Hidden>) => Effect.Effect<Results, TransportError>
  /** Deletes messages whose commit has happened. */
  readonly remove: (handles: ReadonlyArray<string>) => Effect.Effect<Results, TransportError>
}

/** The most requests at the same time for one list of entries. */
const together = 8

/** Splits entries into requests of `batchSize`. Returns one result for each entry. */
export const inBatches = <A, B>(
  { batchSize }: Pick<BrokerQueue, "batchSize">,
  entries: ReadonlyArray<A>,
  request: (some: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, TransportError>
): Effect.Effect<ReadonlyArray<B>, TransportError> => {
  const batches: Array<ReadonlyArray<A>> = []
  for (let i = 0; i < entries.length; i += batchSize) batches.push(entries.slice(i, i + batchSize))
  return Effect.map(Effect.forEach(batches, request, { concurrency: together }), (results) => results.flat())
}

/** Returns a request whose failure is the result of each of its entries, so that other requests still count. */
export const eachOutcome =
  <A>(request: (some: ReadonlyArray<A>) => Effect.Effect<Results, TransportError>) =>
  (some: ReadonlyArray<A>): Effect.Effect<Results, TransportError> =>
    Effect.catchIf(
      request(some),
      (error) => error.kind === "temporary",
      (error) => Effect.succeed(some.map((): EntryFailure => ({ outcome: "unknown", detail: error.detail })))
    )
