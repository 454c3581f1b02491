/**
 * Decides what happens after a failed attempt. The decision is pure except for the replay of the schedule.
 *
 * | the attempt ended with | what happens |
 * | --- | --- |
 * | an error that says `retryable: false`, or that the pipeline's `while` refuses | dead letter `rejected` |
 * | any other error, the schedule has ended, or its 10,000th attempt | dead letter `exhausted` |
 * | any other error, next delay up to `holdAfter` | wait here, under the renewed lease |
 * | any other error, next delay longer | hold the key, persist the attempt |
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Reason } from "../../DeadLetter.ts"
import type { Failure } from "../../Delivery.ts"
import { contained, ignoreRejection } from "../../internal/HandlerResult.ts"
import { tagOf } from "../../internal/Tracing.ts"
import type { Message } from "../../Message.ts"
import type * as Pipeline from "../../Pipeline.ts"
import * as Retry from "../../Retry.ts"
import * as FailureRecord from "./FailureRecord.ts"

export type RetryDecision =
  | { readonly _tag: "Wait"; readonly delay: Duration.Duration }
  | { readonly _tag: "Hold"; readonly delay: Duration.Duration }
  | { readonly _tag: "DeadLetter"; readonly reason: Reason }

/**
 * The message whose failed attempt is decided about. A retry schedule is not given its message, so the test kit, which
 * wraps schedules, reads the message here.
 */
export const Deciding: Context.Reference<Message | undefined> = Context.Reference<Message | undefined>(
  "millrace/worker/RetryDecision/Deciding",
  { defaultValue: () => undefined }
)

export const decide = Effect.fnUntraced(function*(options: {
  readonly settings: Pipeline.Settings
  readonly holdAfterMillis: number
  /** The failures before this one. */
  readonly recorded: ReadonlyArray<Failure>
  readonly error: unknown
  readonly now: number
}): Effect.fn.Return<RetryDecision> {
  const { error, settings } = options
  if (Retry.isFinal(error)) return { _tag: "DeadLetter", reason: "rejected" }
  if (refuses(settings, error)) return { _tag: "DeadLetter", reason: "rejected" }
  if (options.recorded.length + 1 >= Retry.mostAttempts) return { _tag: "DeadLetter", reason: "exhausted" }
  const recorded = yield* FailureRecord.typed(settings.errors, options.recorded)
  const scheduled = yield* Effect.catchCause(
    contained(Retry.replay(settings.retry, recorded, error, options.now)),
    // Logs only the tag of the defect. Its text may quote the error that the schedule was given, and that error may
    // quote the payload.
    (cause) =>
      Effect.as(
        Effect.logError(
          `A retry schedule ended in a defect (${defectOf(cause)}); it is taken as ended. Fix the schedule.`
        ),
        undefined
      )
  )
  if (scheduled === undefined) return { _tag: "DeadLetter", reason: "exhausted" }
  const delay = Duration.min(Retry.retryAfter(error) ?? scheduled, longest)
  return Duration.toMillis(delay) <= options.holdAfterMillis ? { _tag: "Wait", delay } : { _tag: "Hold", delay }
})

/**
 * The longest delay that is kept: a longer one would not fit into a date of the store. A delay that was computed in a
 * wrong unit (nanoseconds, say) is cut to this.
 */
const longest = Duration.days(36_525)

const defectOf = (cause: Cause.Cause<unknown>): string => tagOf(Cause.squash(cause))

/**
 * Returns whether the pipeline's `while` refuses another attempt. If `while` throws, the schedule alone decides, so the
 * message is not dead-lettered by the mistake.
 */
const refuses = (settings: Pipeline.Settings, error: unknown): boolean => {
  if (settings.retryWhile === undefined) return false
  try {
    const repeat: unknown = settings.retryWhile(error as never)
    ignoreRejection(repeat)
    return !repeat
  } catch {
    return false
  }
}
