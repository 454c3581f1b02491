/**
 * Runs the turn of a delivery: one attempt or more, and then the delivery is settled.
 *
 * An attempt consists of decode, steps and commit, and a retry runs all three again. A failure is recorded with the
 * message before another worker can see the message again. An interrupted attempt has committed nothing, or its commit
 * is completed first. An unfinished delivery goes back to the transport with its lease.
 *
 * A user's function can end the fiber it runs in past every handler of that fiber. So a turn keeps its state outside of
 * the fiber, and another fiber can resume it. The cause that ended the first fiber is then the failure of its attempt.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import type { Delivery, DeliveryContext, Failure } from "../../Delivery.ts"
import { WorkerCrashed } from "../../Errors.ts"
import * as Backoff from "../../internal/Backoff.ts"
import { contained } from "../../internal/HandlerResult.ts"
import * as Tracing from "../../internal/Tracing.ts"
import type * as Pipeline from "../../Pipeline.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Committer } from "../commit/Committer.ts"
import type { MemberOutcome, Ready } from "../commit/GroupCommit.ts"
import { crashStatus } from "../lease/CrashStatus.ts"
import type { Spans } from "../observe/Spans.ts"
import type { Settings } from "../start/Settings.ts"
import type * as AtMostOnce from "./AtMostOnce.ts"
import * as Disposition from "./Disposition.ts"
import * as FailureRecord from "./FailureRecord.ts"
import * as KeyBatch from "./KeyBatch.ts"
import * as RetryDecision from "./RetryDecision.ts"
import * as Steps from "./Steps.ts"

/** The parts of the worker that an attempt uses. */
export interface Options extends Disposition.Options {
  readonly settings: Settings
  readonly committer: Committer
  /** Runs the steps of a message after it was taken. Undefined if the pipeline is not `atMostOnce`. */
  readonly atMostOnce: AtMostOnce.AtMostOnce | undefined
  readonly spans: Spans
  /**
   * This Deferred completes when the worker stops. Then a turn that waits for its next attempt records its failures and
   * ends.
   */
  readonly stopping: Deferred.Deferred<void>
}

export interface Attempt {
  readonly turn: (delivery: Delivery) => Turn
  /** Continues a delivery whose attempt ran in a batch, began at this monotonic time, and failed in its commit. */
  readonly afterFailure: (
    delivery: Delivery,
    began: bigint,
    failed: Extract<MemberOutcome, { readonly _tag: "Failed" }>
  ) => Turn
}

/** The turn of one delivery. */
export interface Turn {
  /**
   * Processes the delivery: runs attempts, waits between them, and settles the delivery. Never fails: after a defect of
   * the runtime the message is held for 5 seconds and delivered again.
   */
  readonly run: Effect.Effect<void>
  /** Continues the turn in another fiber, after the fiber before ended by itself with this cause. */
  readonly resume: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
}

/** The state of a turn. */
interface Course {
  recorded: ReadonlyArray<Failure>
  /** The phase of the attempt. Undefined between two attempts. */
  step: "decode" | "steps" | "commit" | undefined
  /** The step before the transaction that runs, or that has failed. */
  readonly progress: Steps.Progress
  began: bigint
  span: Tracer.Span | undefined
  /** How many fibers ended by themselves since the last attempt. */
  ends: number
}

/** Returns the context that handlers get, for the attempt after these failures. */
const contextOf = (delivery: Delivery, recorded: ReadonlyArray<Failure>): DeliveryContext =>
  Disposition.contextOf(delivery, recorded.length + 1)

/** The result of the steps for a member that is only taken. Its steps run later, so the commit has nothing to run. */
const nothingLeft: Steps.Stepped = { value: undefined, index: Number.MAX_SAFE_INTEGER, filtered: false }

/** How the steps of one attempt failed. */
interface Failed {
  readonly error: unknown
  readonly step: string
  /** The index of the pipeline's step that failed. Undefined if no step failed. */
  readonly index?: number | undefined
}

/** Returns how an attempt failed in its commit. */
const failedInCommit = (
  { error, index }: { readonly error: unknown; readonly index?: number | undefined }
): Failed => ({
  error,
  step: "commit",
  index
})

const failed = (exit: MemberOutcome | Failed) =>
  "_tag" in exit ? undefined : { error: exit.error, where: `the attempt failed in ${exit.step}` }

export const make = (options: Options): Attempt => {
  const { atMostOnce, committer, counters, outcomes, pipeline, settings, spans, stopping } = options
  const { consumer } = pipeline
  const { deadLetter, forget, hold, settled } = Disposition.make(options)
  // Pure steps write no log lines. So their attempts get no log fields of a message, which would take time.
  const mayLog = !Steps.arePure(pipeline.steps)
  const topics = new Map(pipeline.topics.map((topic) => [topic.name, topic]))

  const turnOf = (delivery: Delivery, began: bigint, first: (course: Course) => Effect.Effect<void>): Turn => {
    const course: Course = {
      recorded: delivery.attempts,
      step: undefined,
      progress: { index: 0 },
      began,
      span: undefined,
      ends: 0
    }
    return {
      run: Effect.catchCause(Effect.suspend(() => first(course)), (cause) => putBack(delivery, course, cause)),
      resume: (cause) =>
        Effect.suspend(() => {
          const { ends, step } = course
          course.step = undefined
          const resumed = (step === "decode" || step === "steps") && atMostOnce === undefined
            ? diedIn(delivery, course, step, FailureRecord.errorOf(cause))
            : putBack(delivery, course, cause)
          return course.ends++ === 0
            ? resumed
            : Effect.andThen(Backoff.pause(ends - 1, { first: 20, cap: 5000 }), resumed)
        })
    }
  }

  /**
   * Holds the message for 5 seconds after a defect of the runtime. Then the message is delivered again, and no attempt
   * is counted.
   */
  const putBack = (delivery: Delivery, { recorded }: Course, cause: Cause.Cause<unknown>): Effect.Effect<void> =>
    Effect.logError("An attempt ended in a defect of the runtime; its message is held for a moment", cause).pipe(
      Effect.annotateLogs(Telemetry.logFields(consumer, delivery, recorded.length + 1)),
      Effect.andThen(hold(delivery, recorded, Duration.seconds(5), recorded.length + 1))
    )

  /** Fails the attempt whose fiber was ended by a user's function. Runs the next attempt if one follows here. */
  const diedIn = Effect.fnUntraced(function*(delivery: Delivery, course: Course, step: string, error: unknown) {
    const { span } = course
    if (span !== undefined) yield* Tracing.end(span, FailureRecord.tagOf(error), `the attempt failed in ${step}`)
    yield* failedIn(delivery, course, { error, step, index: step === "steps" ? course.progress.index : undefined })
  })

  /** Decides about a failed attempt. Runs the next attempt if one follows here. */
  const failedIn = Effect.fnUntraced(function*(delivery: Delivery, course: Course, failed: Failed) {
    const topic = topics.get(delivery.message.topic)!
    if (yield* decided(delivery, course, failed)) yield* attempts(delivery, topic, course)
  })

  const work = (delivery: Delivery, course: Course): Effect.Effect<void> => {
    if (Deferred.isDoneUnsafe(delivery.lease.lost)) return Effect.void
    if (crashStatus(delivery, settings) === "crashed") return crashed(delivery)
    const topic = topics.get(delivery.message.topic)
    if (topic === undefined) return holdUncounted(delivery, Duration.millis(settings.unknownTopicHoldMillis))
    return atMostOnce === undefined
      ? attempts(delivery, topic, course)
      : takeThenRun(delivery, topic, atMostOnce)
  }

  const holdUncounted = (delivery: Delivery, delay: Duration.Duration): Effect.Effect<void> =>
    hold(delivery, delivery.attempts, delay, delivery.attempts.length + 1)

  /** Runs the turn of an `atMostOnce` message: decodes it, takes it out of the queue, and then runs its steps once. */
  const takeThenRun = Effect.fnUntraced(
    function*(delivery: Delivery, topic: Pipeline.AnyTopic, { run }: AtMostOnce.AtMostOnce) {
      const context = contextOf(delivery, delivery.attempts)
      const began = yield* Clock.monotonicTimeNanos
      const decoded = yield* Effect.exit(contained(decode(topic, delivery)))
      if (decoded._tag === "Failure") {
        const failed = { error: FailureRecord.errorOf(decoded.cause), step: "decode" }
        yield* counters.attempt(delivery, began, FailureRecord.tagOf(failed.error))
        const failures = FailureRecord.append(delivery.attempts, yield* record(context.attempt, failed))
        return yield* deadLetter(delivery, failures, "undecodable")
      }
      yield* committer.commitThen(
        [{ delivery, context, stepped: nothingLeft, span: undefined }],
        ([taken], restore) => {
          // The transaction that takes the message out of the queue has failed, and none of the message's steps ran. So
          // the message can be delivered again, and this attempt does not count.
          if (taken._tag === "Failed") return restore(holdUncounted(delivery, Duration.seconds(1)))
          if (taken._tag !== "Committed") {
            outcomes?.addMember(context, taken)
            return settled(delivery, taken)
          }
          const ran = spans.attempt(
            delivery,
            context,
            (span) =>
              run(
                { delivery, context, span, steps: Steps.bounded(pipeline, decoded.value, context, { index: 0 }) },
                restore
              ),
            (ran) =>
              ran._tag === "Failed" ? { error: ran.error, where: "it is handled at most once, and failed" } : undefined
          ).pipe(
            Effect.annotateLogs(Telemetry.logFields(consumer, delivery, context.attempt)),
            Effect.flatMap((ran) => {
              if (ran._tag === "Committed") {
                outcomes?.addMember(context, ran)
                return Effect.andThen(counters.attempt(delivery, began), counters.committed(delivery))
              }
              outcomes?.add({ _tag: "Failed", context, error: ran.error })
              const attempted = counters.attempt(delivery, began, FailureRecord.tagOf(ran.error))
              return Effect.andThen(attempted, counters.outcome(delivery, "failed"))
            })
          )
          // The message is acknowledged after its steps. Until then its lane or group stays with this worker, so no
          // other worker runs a later message of its key. A broker may hand this message out again: the inbox knows it.
          return Effect.ensuring(ran, forget([delivery]))
        }
      )
    }
  )

  /** Runs attempts one after another while the delays between them are short. */
  const attempts = Effect.fnUntraced(function*(delivery: Delivery, topic: Pipeline.AnyTopic, course: Course) {
    const clock = yield* Clock.Clock
    while (true) {
      const context = contextOf(delivery, course.recorded)
      course.began = clock.monotonicTimeNanosUnsafe()
      const exit = yield* spans.attempt(
        delivery,
        context,
        (span) => once(delivery, topic, context, span, course),
        failed
      )
      course.step = undefined
      if (!(yield* decided(delivery, course, exit))) return
    }
  })

  /** Settles the delivery after an attempt, or waits for the next one. Returns whether another attempt follows here. */
  const decided = Effect.fnUntraced(function*(delivery: Delivery, course: Course, exit: MemberOutcome | Failed) {
    yield* counters.attempt(delivery, course.began, "_tag" in exit ? undefined : FailureRecord.tagOf(exit.error))
    if ("_tag" in exit) {
      yield* settled(delivery, exit)
      return false
    }
    const { recorded } = course
    const failures = FailureRecord.append(recorded, yield* record(recorded.length + 1, exit))
    const now = failures.at(-1)!.at
    if (exit.step === "decode") {
      yield* deadLetter(delivery, failures, "undecodable")
      return false
    }
    const decision = yield* RetryDecision.decide({
      settings: pipeline.settings,
      holdAfterMillis: settings.holdAfterMillis,
      recorded,
      error: exit.error,
      now
    }).pipe(Effect.provideService(RetryDecision.Deciding, delivery.message))
    if (decision._tag === "DeadLetter") {
      yield* deadLetter(delivery, failures, decision.reason)
      return false
    }
    yield* counters.outcome(delivery, "retried", FailureRecord.tagOf(exit.error))
    const left = decision._tag === "Hold" ? decision.delay : yield* waitHere(decision.delay, stopping)
    if (left !== undefined) {
      yield* hold(delivery, failures, left, failures.length, exit.error)
      return false
    }
    course.recorded = failures
    course.ends = 0
    return true
  })

  /** Runs one attempt: decode, steps, commit. Returns the outcome of the commit, or the failure. */
  const once = (
    delivery: Delivery,
    topic: Pipeline.AnyTopic,
    context: DeliveryContext,
    span: Tracer.Span | undefined,
    course: Course
  ): Effect.Effect<MemberOutcome | Failed> =>
    Effect.suspend(() => {
      course.step = "decode"
      course.span = span
      const attempt = decode(topic, delivery).pipe(
        Effect.flatMap((value) => {
          course.step = "steps"
          return Steps.bounded(pipeline, value, context, course.progress)
        }),
        Effect.flatMap((stepped): Effect.Effect<MemberOutcome | Failed> => {
          course.step = "commit"
          return Effect.map(
            runs.commit({ delivery, context, stepped, span }),
            (outcome) => outcome._tag === "Failed" ? failedInCommit(outcome) : outcome
          )
        }),
        // An interruption of this fiber does not reach this handler. An interruption that reaches it comes from the
        // step, for example because the step joined an interrupted fiber. So it counts as the step's failure.
        Effect.catchCause((cause) =>
          Effect.sync((): Failed => {
            const error = FailureRecord.errorOf(cause)
            return course.step === "steps"
              ? { error, step: "steps", index: course.progress.index }
              : { error, step: course.step ?? "commit" }
          })
        )
      )
      return mayLog
        ? Effect.annotateLogs(attempt, Telemetry.logFields(consumer, delivery, context.attempt))
        : attempt
    })

  const decode = (topic: Pipeline.AnyTopic, delivery: Delivery) => Steps.decode(pipeline, topic, delivery.message)

  const record = recorder(options)

  const prepare = (delivery: Delivery): Effect.Effect<Omit<Ready, "span">, unknown> => {
    const topic = topics.get(delivery.message.topic)
    if (topic === undefined) return Effect.fail("unknown topic")
    const context = contextOf(delivery, [])
    return decode(topic, delivery).pipe(
      Effect.flatMap((value) => Steps.bounded(pipeline, value, context, { index: 0 })),
      Effect.map((stepped) => ({ delivery, context, stepped }))
    )
  }
  const runs = KeyBatch.make({ ...options, prepare, settled })

  const crashed = (delivery: Delivery): Effect.Effect<void> =>
    Effect.flatMap(
      record(delivery.attempts.length + 1, {
        error: new WorkerCrashed({ crashCount: delivery.crashCount }),
        step: "process"
      }),
      (failure) => deadLetter(delivery, FailureRecord.append(delivery.attempts, failure), "crashed")
    )

  return {
    turn: (delivery) => turnOf(delivery, 0n, (course) => work(delivery, course)),
    afterFailure: (delivery, began, failed) =>
      turnOf(delivery, began, (course) => failedIn(delivery, course, failedInCommit(failed)))
  }
}

/** Returns the function that makes the record of a failed attempt. */
const recorder = ({ pipeline, settings }: Options) => {
  const encode = FailureRecord.encoder(pipeline.settings.errors)
  return Effect.fnUntraced(function*(attempt: number, failed: Failed) {
    const at = yield* Clock.currentTimeMillis
    const { error, index, step } = failed
    const encoded = yield* encode(error)
    const { codeVersion, name } = settings
    const failedStep = Steps.named(pipeline.steps, index)
    return FailureRecord.make({ attempt, at, error, step, failedStep, worker: name, codeVersion, encoded })
  })
}

/**
 * Sleeps for the delay, while the lease is renewed. Returns the rest of the delay if the worker stops before the end,
 * else undefined.
 */
const waitHere = (
  delay: Duration.Duration,
  stopping: Deferred.Deferred<void>
): Effect.Effect<Duration.Duration | undefined> =>
  Effect.gen(function*() {
    const started = yield* Clock.monotonicTimeNanos
    const stop = yield* Effect.raceFirst(
      Effect.as(Effect.sleep(delay), false),
      Effect.as(Deferred.await(stopping), true)
    )
    if (!stop) return undefined
    const slept = Number((yield* Clock.monotonicTimeNanos) - started) / 1e6
    return Duration.millis(Math.max(1, Duration.toMillis(delay) - slept))
  })
