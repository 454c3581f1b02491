/**
 * The part of the store's port that keeps the audit. `Audit.ts` exports its types.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { StoreFailure } from "../../Errors.ts"

/**
 * The kinds of operator action.
 *
 * - On a dead letter: `redriven`, `edited` (redriven with another payload), `discarded`, `restored`, `released`,
 *   `imported`.
 * - On a consumer: `removed`, `unsubscribed`. On its queue: `purged`.
 * - On a worker of a consumer: `evicted`.
 * - On a consumer or one of its keys: `paused`, `resumed`. On a key: `advanced`, with the id of the message as detail.
 * - On a failure group: `noted`, with its fingerprint as detail.
 * - On a waiting message: `deadLettered`.
 * - On the tables: `repaired`, with the statement as detail.
 * - On a redrive run: `started`, `continued`, `paused`, `cancelled`, `rateChanged`. The run itself, whose name is
 *   `millrace`, writes `awaited` (it waits for an operator), `stopped` and `finished`.
 *
 * @since 0.1.0
 */
export const actions = [
  "redriven",
  "edited",
  "discarded",
  "restored",
  "released",
  "removed",
  "unsubscribed",
  "paused",
  "resumed",
  "advanced",
  "deadLettered",
  "started",
  "continued",
  "cancelled",
  "rateChanged",
  "awaited",
  "stopped",
  "finished",
  "evicted",
  "purged",
  "imported",
  "noted",
  "repaired"
] as const

/**
 * A kind of operator action: one of {@link actions}.
 *
 * @since 0.1.0
 */
export type Action = typeof actions[number]

/**
 * One operator action. Fields that do not apply are empty.
 *
 * @since 0.1.0
 */
export interface Entry {
  /** Ids ascend, and also sort so as texts. */
  readonly id: string
  /** Milliseconds since the epoch, on the store's clock. */
  readonly at: number
  /** The operator. */
  readonly by: string
  /** The kind of the action. */
  readonly action: Action
  /** The consumer of the action. Empty if the action has none. */
  readonly consumer: string
  /** The dead letter that the operator decided about, or empty. */
  readonly deadLetterId: string
  /** The redrive run that the action is about, or that redrove the dead letter. */
  readonly redriveRunId: string
  /** The topic of the message, or the topic that was unsubscribed. */
  readonly topic: string
  /** The key of the message, or the key that was paused, resumed or stepped. */
  readonly key: string
  /** The operator's note. */
  readonly note: string
  /** The effect of the action, as text: `12 waiting, 3 dead letters`. */
  readonly detail: string
}

/**
 * Selects audit entries. Every field is optional, and an entry must match all given fields.
 *
 * @since 0.1.0
 */
export interface Query {
  /** Only actions on dead letters, only those on consumers and keys, or only those on redrive runs. */
  readonly about?: "deadLetters" | "consumers" | "redriveRuns" | undefined
  /** Only actions on this consumer and its dead letters. */
  readonly consumer?: string | undefined
  /** Only actions on this dead letter. */
  readonly deadLetterId?: string | undefined
  /** Only actions on this redrive run, and the redrives that it made. */
  readonly redriveRunId?: string | undefined
  /** The operator. */
  readonly by?: string | undefined
  /** Only actions of this kind. */
  readonly action?: Action | undefined
  /** Only entries older than this id: the last id of the previous page. */
  readonly before?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/**
 * The part of the store that keeps the audit.
 *
 * @since 0.1.0
 */
export interface AuditStore {
  /** Returns matching entries, newest first. */
  readonly list: (query: Query) => Effect.Effect<ReadonlyArray<Entry>, StoreFailure>
}
