/**
 * Decides when a failed message is tried again: one `Schedule` whose input is the typed error.
 *
 * The state of the schedule is not stored. The schedule is replayed over the recorded failures of the message, so that
 * delays keep growing across restarts and workers. A field of the error can decide, too. `retryable: false`
 * dead-letters the message at once, and `retryAfter` (a duration) replaces the delay.
 *
 * A schedule that reads the error declares its input with `Schedule.setInputType`: the pipeline's errors and
 * `Retry.RuntimeFailure`. The policies in this module read `unknown` and fit every pipeline. To end the attempts by the
 * typed error, `Pipeline.retry(.., { while })` is enough.
 *
 * ```ts
 * import { Effect, Schedule, Schema } from "effect"
 * import { Pipeline, Retry, Topic } from "millrace"
 *
 * class Declined extends Schema.TaggedError<Declined>()("Declined", { code: Schema.Int }) {}
 * const Payments = Topic.make("payments", { schema: Schema.Int, id: "content" })
 * const posting = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.tap((code) => Effect.fail(new Declined({ code })))
 * )
 * const whileBusy = Retry.exponential("1 second").pipe(
 *   Schedule.setInputType<Pipeline.Error<typeof posting> | Retry.RuntimeFailure>(),
 *   Schedule.while(({ input }) => Effect.succeed(input._tag !== "Declined" || input.code >= 500))
 * )
 * const ledger = posting.pipe(Pipeline.retry(whileBusy))
 * ```
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { Failure } from "./Delivery.ts"
import type {
  CommitRejected,
  Defect,
  EncodeFailed,
  InvalidMessage,
  InvalidSetting,
  StepTimeout,
  TransactionAborted,
  TransientFailure
} from "./Errors.ts"
import * as GivenDuration from "./internal/GivenDuration.ts"
import * as Tracing from "./internal/Tracing.ts"

/**
 * The failures that the runtime adds to a pipeline's own errors. A retry policy gets these failures, too. The last two
 * come from an emit whose value, id or key cannot be published.
 *
 * @since 0.1.0
 */
export type RuntimeFailure =
  | Defect
  | StepTimeout
  | TransactionAborted
  | CommitRejected
  | TransientFailure
  | EncodeFailed
  | InvalidMessage

/**
 * A retry policy: any schedule that can read the pipeline's errors. When the schedule ends, the message becomes a dead
 * letter.
 *
 * @since 0.1.0
 */
export type Policy<E> = Schedule.Schedule<unknown, E>

/**
 * Makes an exponential backoff: the first delay is `base`, and each next delay is `factor` times longer, up to `cap`.
 * Each delay is randomised by 20 %. The schedule ends after `attempts` attempts, the first one counted.
 *
 * ```ts
 * import { Retry } from "millrace"
 *
 * const patient = Retry.exponential("500 millis", { cap: "5 minutes", attempts: 20 })
 * ```
 *
 * @since 0.1.0
 */
export const exponential = (base: Duration.Input, options?: {
  /** Default 2. */
  readonly factor?: number | undefined
  /** The longest delay before it is randomised. Default 1 minute. */
  readonly cap?: Duration.Input | undefined
  /** Attempts in all, at least 1. Default 30. */
  readonly attempts?: number | undefined
  /** Whether each delay is multiplied by a random number from 0.8 to 1.2. Default true. */
  readonly jitter?: boolean | undefined
}): Policy<unknown> => {
  const { attempts = 30, cap = "1 minute", factor = 2 } = options ?? {}
  const bad = problem({ attempts, base, cap, factor })
  if (bad !== undefined) return refused(bad)
  const capped = Schedule.min([Schedule.exponential(base, factor), Schedule.spaced(cap)])
  const spread = options?.jitter === false ? capped : Schedule.jittered(capped)
  return Schedule.max([spread, Schedule.recurs(Math.max(0, attempts - 1))])
}

/**
 * The settings of {@link exponential} that `Pipeline.retry` takes as an object.
 *
 * @since 0.1.0
 */
export interface RetryOptions {
  /** Attempts in all, the first one counted; at least 1. Default 30. */
  readonly attempts?: number | undefined
  /** The first delay. Default 100 milliseconds. */
  readonly base?: Duration.Input | undefined
  /** The longest delay before it is randomised. Default 1 minute. */
  readonly cap?: Duration.Input | undefined
  /** How much longer each delay is than the one before it. Default 2. */
  readonly factor?: number | undefined
  /** Whether each delay is multiplied by a random number from 0.8 to 1.2. Default true. */
  readonly jitter?: boolean | undefined
}

/**
 * Returns the policy of a pipeline: a schedule as it is, and exponential backoff for an object of settings.
 *
 * A worker refuses an object with other or invalid settings (`InvalidSetting`).
 *
 * @since 0.1.0
 */
export const policy = <E>(given: Policy<E> | RetryOptions): Policy<E> => {
  if (Schedule.isSchedule(given)) return given as Policy<E>
  const { attempts, base = "100 millis", cap, factor, jitter, ...others } = Object(given) as RetryOptions
  return typeof given !== "object" || given === null || Object.keys(others).length > 0
    ? refused(
      GivenDuration.refusal(
        "retry",
        given,
        "a Schedule, or an object of attempts, base, cap, factor and jitter, is needed"
      )
    )
    : exponential(base, { attempts, cap, factor, jitter })
}

/**
 * Returns a policy in place of an invalid one. A policy is a plain value and cannot fail, so its problem is stored
 * for the worker, which then refuses to start. If a `Schedule` combinator wraps the policy, the worker runs the
 * default policy.
 */
const refused = (bad: InvalidSetting): Policy<unknown> => {
  const instead = exponential("100 millis")
  GivenDuration.problems.set(instead, bad)
  return instead
}

const problem = (
  { attempts, base, cap, factor }: Readonly<Record<"attempts" | "base" | "cap" | "factor", unknown>>
): InvalidSetting | undefined => {
  const duration = (setting: string, given: unknown) =>
    GivenDuration.millis(given) >= 0
      ? undefined
      : GivenDuration.refusal(setting, given, "a duration is needed")
  const number = (setting: string, given: unknown) =>
    typeof given === "number" && !Number.isNaN(given)
      ? undefined
      : GivenDuration.refusal(setting, given, "a number is needed")
  const count = (setting: string, given: unknown) =>
    given === Infinity || (Number.isInteger(given) && Number(given) >= 1)
      ? undefined
      : GivenDuration.refusal(setting, given, "a whole number from 1 on, or Infinity, is needed")
  return duration("retry base", base) ?? duration("retry cap", cap) ?? number("retry factor", factor)
    ?? count("retry attempts", attempts)
}

/**
 * The policy without a retry: the first failed attempt makes a dead letter.
 *
 * @since 0.1.0
 */
export const never: Policy<unknown> = Schedule.recurs(0)

/**
 * The policy of a pipeline without `Pipeline.retry`: exponential from 100 ms, factor 2, at most 1 minute, jittered,
 * 30 attempts. All attempts together take 16 to 25 minutes, 21 on average, without the time of the attempts
 * themselves. So they outlast an outage of a quarter of an hour.
 *
 * @since 0.1.0
 */
export const standard: Policy<unknown> = exponential("100 millis")

/**
 * The most attempts of a message, for every schedule. The failures of a message are stored with it and replayed after
 * each attempt, so their number needs a limit. After this many attempts the message is a dead letter `exhausted`. A
 * redriven message starts again. For waits of weeks use delays of minutes, and not of seconds.
 *
 * @since 0.1.0
 */
export const mostAttempts = 10_000

/**
 * Replays the policy and returns the delay before the next attempt, or undefined if the schedule has ended.
 *
 * Recorded failures are replayed with the JSON of their errors, or with typed errors if `Pipeline.deadLetter` has a
 * Schema for them. The newest failure is replayed with the typed error itself. Elapsed time is the time between the
 * recorded failures.
 *
 * @since 0.1.0
 */
export const replay = Effect.fnUntraced(function*(
  policy: Policy<never>,
  recorded: ReadonlyArray<Failure>,
  error: unknown,
  now: number
): Effect.fn.Return<Duration.Duration | undefined> {
  const step = yield* Schedule.toStep(policy)
  const inputs = [...recorded.map((failure) => ({ at: failure.at, error: failure.error })), { at: now, error }]
  let delay: Duration.Duration | undefined
  for (const input of inputs) {
    const next = yield* Pull.catchDone(step(input.at, input.error as never), () => Effect.succeed(undefined))
    if (next === undefined) return undefined
    delay = next[1]
  }
  return delay
})

/**
 * Returns whether the error rules out another attempt (`retryable: false`).
 *
 * @since 0.1.0
 */
export const isFinal = (error: unknown): boolean => Tracing.read(error, "retryable") === false

/**
 * Returns the delay that the error asks for, else undefined. The field `retryAfter` is a duration such as `"30
 * seconds"`, or milliseconds.
 *
 * @since 0.1.0
 */
export const retryAfter = (error: unknown): Duration.Duration | undefined => {
  const asked = Tracing.read(error, "retryAfter")
  // A wrong number, such as `Number(header) * 1000` without a header, must not mean "at once", so it is ignored.
  if (asked === undefined || (typeof asked === "number" && !(asked >= 0))) return undefined
  try {
    if (typeof asked === "object" && !Duration.isDuration(asked)) return undefined
    const after = Duration.fromInput(asked as Duration.Input)
    return after._tag === "Some" && Duration.isFinite(after.value) && Duration.toMillis(after.value) >= 0
      ? after.value
      : undefined
  } catch {
    return undefined
  }
}
