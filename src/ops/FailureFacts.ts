/**
 * The facts about failures: groups of dead letters with one cause, the versions that they died on, and the outcome of
 * redrives.
 *
 * @since 0.1.0
 */
import type { Reason } from "../DeadLetter.ts"
import type { DeadLetterSearch } from "./DeadLetterSearch.ts"
import type { Count } from "./Fact.ts"

/**
 * The open dead letters of one consumer with the same cause. Times are milliseconds since the epoch on the store's
 * clock.
 *
 * @since 0.1.0
 */
export interface FailureFacts {
  readonly consumer: string
  /** Error tag, step and first frame outside of libraries. */
  readonly fingerprint: string
  /** Tag of the newest dead letter's error. */
  readonly tag: string
  readonly reason: Reason
  readonly deadLetters: Count
  readonly firstAt: number
  readonly lastAt: number
  /**
   * When its newest 1,000 dead letters died: their numbers in each 5 minutes of the last 3 hours, oldest first.
   */
  readonly recent: ReadonlyArray<number>
  /** The newest dead letter of the group. */
  readonly sampleId: string
  /** Versions of the code (`WorkerOptions.codeVersion`) on which the counted dead letters died. */
  readonly diedOn: ReadonlyArray<string>
  /** Versions of the live workers of this consumer. */
  readonly runningNow: ReadonlyArray<string>
  /** The newest note of an operator about the group. Undefined if there is none, or if it is older than 30 days. */
  readonly note: { readonly by: string; readonly at: number; readonly text: string } | undefined
}

/**
 * Selects failure groups. Every field is optional.
 *
 * With a field of a search, a group has only the open dead letters that match. They are looked for among the newest
 * 20,000 that match all but `text` and `payload` (2,000 on PGlite). If there are older ones, the counts are `atLeast`.
 *
 * @since 0.1.0
 */
export interface FailureQuery extends
  Pick<
    DeadLetterSearch,
    "topic" | "key" | "id" | "tag" | "reason" | "until" | "version" | "text" | "payload"
  >
{
  readonly consumer?: string | undefined
  readonly fingerprint?: string | undefined
  /** The most groups, 1 to 1,000. Default 100. The newest come first. */
  readonly limit?: number | undefined
}

/**
 * The history of a failure group. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface FailureHistory {
  /** The length of a point. */
  readonly seconds: number
  /** Dead letters in any state by the time of their last death, oldest first. A time without any has no point. */
  readonly points: ReadonlyArray<{ readonly at: number; readonly dead: number }>
  /** Whether the points have the newest 10,000 dead letters only, and there are older ones. */
  readonly more: boolean
  /** When each version of the code was first seen: at a death of the group, or at the start of a worker. */
  readonly versions: ReadonlyArray<{ readonly at: number; readonly version: string }>
  /** Redrives of its dead letters. `redriveRunId` is empty for one without a run. */
  readonly redrives: ReadonlyArray<{
    readonly at: number
    readonly by: string
    readonly note: string
    readonly redriveRunId: string
    readonly deadLetters: number
  }>
}

/**
 * Selects a part of the history of a failure group.
 *
 * @since 0.1.0
 */
export interface HistoryQuery {
  /** Milliseconds since the epoch. Default: 3 hours ago. */
  readonly since?: number | undefined
  /** The length of a point in seconds. Default 60. */
  readonly seconds?: 60 | 600 | undefined
}

/**
 * The outcome of the dead letters that one operator redrove with one note.
 *
 * @since 0.1.0
 */
export interface RedriveFacts {
  readonly consumer: string
  readonly by: string
  readonly note: string
  readonly firstAt: number
  readonly lastAt: number
  /** Dead letters that were redriven. One that was redriven twice counts once. */
  readonly deadLetters: Count
  /** Their messages were committed. */
  readonly committed: number
  /** Their messages are in the queue. */
  readonly waiting: number
  /** They failed again, and are open. */
  readonly failedAgain: number
  /** They failed again, and an operator has discarded them. */
  readonly discarded: number
  /** The retention has deleted the dead letter, or its consumer was removed. */
  readonly gone: number
}

/**
 * Selects redrives among the latest 50,000 entries of the audit. Every field is optional.
 *
 * @since 0.1.0
 */
export interface RedriveQuery {
  readonly consumer?: string | undefined
  readonly by?: string | undefined
  /** Only redrives at this time or later: milliseconds since the epoch. Default: all of these entries. */
  readonly since?: number | undefined
}
