/**
 * One process of a worker under test, from its start to its death. It runs the production worker with the user's own
 * pipeline, which is observed and struck from outside.
 *
 * The worker's code knows nothing of the test kit. Instead, the steps, topics and the retry schedule of the pipeline
 * are wrapped, and so are the two ports. Their calls are written on the {@link Tape}, and every boundary is a **point**
 * at which the process can be made to die.
 *
 * A dead worker has no effects any more. Its open transactions roll back, and its calls of the ports end in an
 * interruption. Its messages stay leased until the lease expires, as after a SIGKILL. One thing differs from a SIGKILL:
 * finalizers that the user's steps have registered run.
 *
 * @since 0.1.0
 */
import type { NonEmptyReadonlyArray } from "effect/Array"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Pull from "effect/Pull"
import * as Schedule from "effect/Schedule"
import type { DeliveryContext } from "../Delivery.ts"
import { effectOf } from "../internal/HandlerResult.ts"
import type * as Pipeline from "../Pipeline.ts"
import * as Retry from "../Retry.ts"
import { tagOf } from "../worker/attempt/FailureRecord.ts"
import * as RetryDecision from "../worker/attempt/RetryDecision.ts"
import { atStep, type Injection, strike } from "./Injection.ts"
import type { Tape } from "./Tape.ts"

/** The state that all processes of one test share. */
export interface Stage {
  readonly tape: Tape
  readonly consumer: string
  readonly steps: ReadonlyArray<Pipeline.Step>
  readonly injections: Array<Injection>
  /** Every point that was passed, in order. */
  readonly points: Array<string>
  /**
   * The id of the message that emitted a message, by the emitted id. Only ids that the pipeline's option `id` made are
   * here.
   */
  readonly emitters: Map<string, string>
  /** The number of the point at which the process dies, from 1. Undefined if it does not die by itself. */
  readonly crashAt: number | undefined
}

/** The function `pass` of the process in which the current code runs. Undefined outside of a test kit. */
const Current = Context.Reference<((point: string) => Effect.Effect<void>) | undefined>(
  "millrace/testing/WorkerLife/Current",
  { defaultValue: () => undefined }
)

/** The message whose step runs now. */
export const Handled = Context.Reference<string | undefined>("millrace/testing/WorkerLife/Handled", {
  defaultValue: () => undefined
})

/**
 * Marks a call of a system outside of the transaction, for the fakes of a test. Under a test kit the process can die
 * directly before and after the call, in the middle of a step. Outside of a test kit this only runs the call.
 *
 * ```ts
 * import { Effect, Ref } from "effect"
 * import { TestPipeline } from "millrace/testing"
 *
 * const fakeBank = (charged: Ref.Ref<ReadonlyArray<string>>) => ({
 *   charge: (id: string) => TestPipeline.around("charge", Ref.update(charged, (ids) => [...ids, id]))
 * })
 * ```
 *
 * @since 0.1.0
 */
export const around = <A, E, R>(name: string, call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(Current, (pass) =>
    pass === undefined
      ? call
      : pass(`before ${name}`).pipe(Effect.andThen(call), Effect.tap(() => pass(`after ${name}`))))

/** A process, from its start to its death. */
export class WorkerLife {
  readonly stage: Stage
  readonly death = Deferred.makeUnsafe<void>()
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  private over = false

  constructor(stage: Stage) {
    this.stage = stage
  }

  get dead(): boolean {
    return this.over
  }

  /** Records a point at which the process may die. If the test has chosen this point, the process dies. */
  readonly pass = (point: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (this.over) return Effect.interrupt
      const { crashAt, points, tape } = this.stage
      tape.activity++
      points.push(point)
      return points.length === crashAt ? this.crash(point) : Effect.void
    })

  /** Ends the process. The fiber that runs this is interrupted, and the rest of the worker a moment later. */
  readonly crash = (point: string): Effect.Effect<never> =>
    Effect.suspend(() => {
      this.end(point)
      return Effect.interrupt
    })

  end(point: string): void {
    if (this.over) return
    this.over = true
    this.stage.tape.crashed(point)
    this.fiber?.interruptUnsafe()
    Deferred.doneUnsafe(this.death, Effect.void)
  }

  /** Runs a call if the process is alive. In a dead process the fiber is interrupted instead. */
  alive<A, E, R>(call: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => this.over ? Effect.interrupt : call)
  }

  /** Runs a wait, which is interrupted when the process dies. */
  whileAlive<A, E, R>(wait: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    const died = Effect.andThen(Deferred.await(this.death), Effect.interrupt)
    return this.alive(Effect.raceFirst(wait, died))
  }
}

type AnyPipeline = Pipeline.Pipeline<unknown, unknown, unknown>

/**
 * Returns the pipeline with steps, topics and schedule that record on the tape what happens. They call the user's
 * functions unchanged.
 */
export const watch = (life: WorkerLife, pipeline: AnyPipeline): AnyPipeline => ({
  ...pipeline,
  topics: pipeline.topics.map((topic) => watchTopic(life, topic)),
  steps: pipeline.steps.map((step, index) => watchStep(life, step, index)),
  settings: { ...pipeline.settings, retry: watchSchedule(life, pipeline.settings.retry) }
})

/** Returns the topic with a decoder that first records the attempt on the tape. An attempt begins with decoding. */
const watchTopic = (life: WorkerLife, topic: Pipeline.AnyTopic): Pipeline.AnyTopic => ({
  ...topic,
  decode: (message) =>
    Effect.suspend(() => {
      if (!life.dead) life.stage.tape.started(message)
      return topic.decode(message)
    })
})

/**
 * Returns the retry schedule, wrapped so that it records failures. A worker that waits for a retry in memory tells no
 * port about the failure, so the test kit sees it only here. After each failure the worker replays the schedule over
 * all failures, oldest first. So only the last step of a replay is recorded.
 */
const watchSchedule = (
  life: WorkerLife,
  schedule: Retry.Policy<never>
): Retry.Policy<never> =>
  Schedule.fromStep(
    Effect.flatMap(RetryDecision.Deciding, (message) =>
      Effect.map(Schedule.toStep(schedule), (step) => {
        let failures = 0
        return (now: number, error: never): Pull.Pull<[unknown, Duration.Duration], never, unknown> => {
          failures++
          const next = step(now, error)
          if (message === undefined || life.dead || failures < life.stage.tape.attemptOf(message)) return next
          const { tape } = life.stage
          tape.tried(message, failures)
          tape.failed(message, { attempt: failures, at: now, tag: tagOf(error), message: messageOf(error) })
          return Effect.tap(
            next,
            ([, delay]) =>
              Effect.sync(() => tape.retry(message.id, Duration.toMillis(Retry.retryAfter(error) ?? delay)))
          )
        }
      }))
  )

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

const functionOf = ({ _tag }: Pipeline.Step): string => `Pipeline.${_tag.charAt(0).toLowerCase()}${_tag.slice(1)}`

/** Returns a step with a point before and after its effect. An injected failure strikes between these points. */
const watchStep = (life: WorkerLife, step: Pipeline.Step, index: number): Pipeline.Step => {
  const { injections, steps } = life.stage
  const before = (context: DeliveryContext): Effect.Effect<void, unknown> =>
    life.pass(placeOf("before", step, index, context)).pipe(
      Effect.andThen(Effect.suspend(() => {
        const what = atStep(injections, steps, index, context)
        return strike(what, life.crash(placeOf("in", step, index, context)))
      }))
    )
  switch (step._tag) {
    case "MapEffect":
    case "Tap":
    case "Commit":
      return {
        ...step,
        f: (value: never, context: DeliveryContext) =>
          before(context).pipe(
            Effect.andThen(Effect.suspend(() => effectOf(step.f(value, context), functionOf(step)))),
            Effect.tap(() => life.pass(placeOf("after", step, index, context))),
            Effect.provideService(Current, (point) => life.pass(`${nameOf(context)}: ${point}`)),
            Effect.provideService(Handled, context.message.id)
          )
      }
    case "CommitBatch":
      return {
        ...step,
        data: undefined,
        f: (values: NonEmptyReadonlyArray<never>, contexts: NonEmptyReadonlyArray<DeliveryContext>) =>
          Effect.forEach(contexts, before, { discard: true }).pipe(
            Effect.andThen(Effect.suspend(() => effectOf(step.f(values, contexts), functionOf(step)))),
            Effect.tap(() =>
              Effect.forEach(contexts, (one) => life.pass(placeOf("after", step, index, one)), { discard: true })
            ),
            Effect.provideService(Current, (point) => life.pass(`${nameOf(contexts[0])}: ${point}`)),
            Effect.provideService(Handled, contexts[0].message.id)
          )
      }
    case "CommitSql":
      return {
        ...step,
        data: undefined,
        f: (value: never, context: DeliveryContext) =>
          Effect.andThen(Effect.orDie(before(context)), step.f(value, context))
      }
    case "Emit": {
      const idOf = step.id
      return idOf === undefined ? step : {
        ...step,
        id: (out, value, context) => {
          const id = idOf(out, value, context)
          life.stage.emitters.set(id, context.message.id)
          return id
        }
      }
    }
    default:
      return step
  }
}

const nameOf = ({ attempt, message }: DeliveryContext): string => `${message.id}, attempt ${attempt}`

const placeOf = (when: string, step: Pipeline.Step, index: number, context: DeliveryContext): string =>
  `${nameOf(context)}: ${when} step ${index + 1} (${step._tag})`
