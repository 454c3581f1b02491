/**
 * One delivery, from the turn of its key to its end: decode, steps, commit, settle.
 *
 * An attempt is decode, steps, commit; a retry runs all of it again. What failed is written down with the message before anybody
 * else sees it again. Interruption is always safe: nothing was committed, the delivery goes back to the transport with its lease.
 */
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Tracer from "effect/Tracer"
import type { Delivered, Delivery, Failure } from "../Delivery.ts"
import { WorkerCrashed } from "../Errors.ts"
import type * as Pipeline from "../Pipeline.ts"
import * as Telemetry from "../Telemetry.ts"
import type * as AtMostOnce from "./AtMostOnce.ts"
import type { Committer } from "./Committer.ts"
import * as Ending from "./Ending.ts"
import * as FailureRecord from "./FailureRecord.ts"
import type { Outcome, Ready } from "./GroupCommit.ts"
import * as Runs from "./Runs.ts"
import type { Settings } from "./Settings.ts"
import * as Settling from "./Settling.ts"
import type { Spans } from "./Spans.ts"
import * as Steps from "./Steps.ts"
import { verdictOn } from "./Verdict.ts"

/** What an attempt needs of its worker. */
export interface Options extends Ending.Options {
  readonly settings: Settings
  readonly committer: Committer
  /** Where the pipeline is `atMostOnce`: what runs a message once it is taken. */
  readonly atMostOnce: AtMostOnce.AtMostOnce | undefined
  /** Whether the transport forgets a message within the commit, or is told after it. */
  readonly acknowledge: "within" | "after"
  readonly spans: Spans
  /** Completed when the worker stops: who sleeps in place writes its attempts down and goes. */
  readonly draining: Deferred.Deferred<void>
}

export interface Attempt {
  /** Works one delivery off: attempts, waits in place, and settles it. Never fails; what it cannot settle goes back. */
  readonly run: (delivery: Delivery) => Effect.Effect<void>
}

/** What a handler sees of its delivery, after these failures. */
const deliveredOf = (delivery: Delivery, recorded: ReadonlyArray<Failure>): Delivered => ({
  message: delivery.message,
  attempt: recorded.length + 1,
  redriven: delivery.redrive?.count ?? 0
})

/** For a member that is only taken: its steps come later. */
const nothingLeft: Steps.Stepped = { value: undefined, index: Number.MAX_SAFE_INTEGER }

/** How the steps of one attempt failed. */
interface Failed {
  readonly error: unknown
  readonly step: string
}

const failed = (exit: Outcome | Failed) =>
  "_tag" in exit ? undefined : { error: exit.error, where: `the attempt failed in ${exit.step}` }

export const make = (options: Options): Attempt => {
  const { atMostOnce, committer, counters, draining, pipeline, settings, spans } = options
  const { consumer } = pipeline
  const { bury, forget, hold, settled } = Ending.make(options)
  // What logs before the commit names its message. Where no operator there has effects, it would be a tenth of the rate (`npm run bench`).
  const mayLog = !Steps.arePure(pipeline.operators)
  const topics = new Map(pipeline.topics.map((topic) => [topic.name, topic]))
  const run = (delivery: Delivery): Effect.Effect<void> =>
    Effect.catchCause(Effect.suspend(() => work(delivery)), (cause) => putBack(delivery, cause))

  /** A defect of ours must not leave its message in nobody's hands: it goes back and comes again, uncounted. */
  const putBack = (delivery: Delivery, cause: Cause.Cause<never>): Effect.Effect<void> =>
    Effect.logError("An attempt ended in a defect of the runtime; its message is held for a moment", cause).pipe(
      Effect.annotateLogs(Telemetry.logFields(consumer, delivery, delivery.attempts.length + 1)),
      Effect.andThen(hold(delivery, delivery.attempts, Duration.seconds(5)))
    )

  const work = (delivery: Delivery): Effect.Effect<void> => {
    if (Deferred.isDoneUnsafe(delivery.lease.lost)) return Effect.void
    if (verdictOn(delivery, settings) === "crashed") return crashed(delivery)
    const topic = topics.get(delivery.message.topic)
    if (topic === undefined) return hold(delivery, delivery.attempts, Duration.millis(settings.unknownTopicHoldMillis))
    return atMostOnce === undefined
      ? attempts(delivery, topic, delivery.attempts)
      : takeThenRun(delivery, topic, atMostOnce)
  }

  /** Decodes, takes the message for good, and only then runs its steps: nothing of this is an attempt that comes again. */
  const takeThenRun = Effect.fnUntraced(
    function*(delivery: Delivery, topic: Pipeline.AnyTopic, { run }: AtMostOnce.AtMostOnce) {
      const delivered = deliveredOf(delivery, delivery.attempts)
      const decoded = yield* Effect.exit(decode(topic, delivery))
      if (decoded._tag === "Failure") {
        const failed = { error: FailureRecord.errorOf(decoded.cause), step: "decode" }
        const failures = FailureRecord.append(delivery.attempts, yield* record(delivered.attempt, failed))
        return yield* bury(delivery, failures, "undecodable")
      }
      yield* committer.commitThen(
        [{ delivery, delivered, stepped: nothingLeft, span: undefined }],
        ([taken], restore) => {
          // It is still there, and nothing of it was done.
          if (taken._tag === "Failed") return restore(hold(delivery, delivery.attempts, Duration.seconds(1)))
          if (taken._tag !== "Committed") return settled(delivery, taken)
          const ran = spans.attempt(
            delivery,
            delivered,
            (span) => run({ delivery, delivered, span, steps: steps(decoded.value, delivered) }, restore),
            (failure) => failure && { error: failure.error, where: "it is handled at most once, and failed" }
          ).pipe(
            Effect.annotateLogs(Telemetry.logFields(consumer, delivery, delivered.attempt)),
            Effect.flatMap((failure) =>
              failure === undefined ? counters.committed(delivery) : counters.outcome(delivery, "failed")
            )
          )
          // A broker would hand it out again; elsewhere it is gone, and as long as it is known here its lane is not given away.
          return options.acknowledge === "after"
            ? Effect.andThen(forget(delivery), ran)
            : Effect.ensuring(ran, forget(delivery))
        }
      )
    }
  )

  /** One attempt after the other while their delays are short. */
  const attempts = Effect.fnUntraced(
    function*(delivery: Delivery, topic: Pipeline.AnyTopic, before: ReadonlyArray<Failure>) {
      const clock = yield* Clock.Clock
      let recorded = before
      while (true) {
        const delivered = deliveredOf(delivery, recorded)
        const began = clock.monotonicTimeNanosUnsafe()
        const exit = yield* spans.attempt(delivery, delivered, (span) => once(delivery, topic, delivered, span), failed)
        yield* counters.attempt(delivery, began)
        if ("_tag" in exit) return yield* settled(delivery, exit)
        const failures = FailureRecord.append(recorded, yield* record(delivered.attempt, exit))
        const now = failures.at(-1)!.at
        if (exit.step === "decode") return yield* bury(delivery, failures, "undecodable")
        const decision = yield* Settling.decide({
          settings: pipeline.settings,
          holdAfterMillis: settings.holdAfterMillis,
          recorded,
          error: exit.error,
          now
        })
        if (decision._tag === "Bury") return yield* bury(delivery, failures, decision.reason)
        yield* counters.outcome(delivery, "retried", FailureRecord.tagOf(exit.error))
        if (decision._tag === "Hold") return yield* hold(delivery, failures, decision.delay)
        const left = yield* waitHere(decision.delay, draining)
        if (left !== undefined) return yield* hold(delivery, failures, left)
        recorded = failures
      }
    }
  )

  /** Decode, steps, commit. Answers what the commit made of it, or how it failed. */
  const once = (
    delivery: Delivery,
    topic: Pipeline.AnyTopic,
    delivered: Delivered,
    span: Tracer.Span | undefined
  ): Effect.Effect<Outcome | Failed> =>
    Effect.suspend(() => {
      let step = "decode"
      const attempt = decode(topic, delivery).pipe(
        Effect.flatMap((value) => {
          step = "steps"
          return steps(value, delivered)
        }),
        Effect.flatMap((stepped): Effect.Effect<Outcome | Failed> => {
          step = "commit"
          return Effect.map(
            runs.commit({ delivery, delivered, stepped, span }),
            (outcome) => outcome._tag === "Failed" ? { error: outcome.error, step } : outcome
          )
        }),
        // An interruption of this fiber goes past here unseen; one that is seen is the step's own (it joined a fiber that
        // somebody interrupted, say), and so its failure.
        Effect.catchCause((cause) => Effect.succeed<Failed>({ error: FailureRecord.errorOf(cause), step }))
      )
      return mayLog
        ? Effect.annotateLogs(attempt, Telemetry.logFields(consumer, delivery, delivered.attempt))
        : attempt
    })

  const decode = (topic: Pipeline.AnyTopic, delivery: Delivery) => Steps.decode(pipeline, topic, delivery.message)
  const steps = (value: unknown, delivered: Delivered) => Steps.bounded(pipeline, value, delivered)

  const encode = FailureRecord.encoder(pipeline.settings.errors)
  const record = Effect.fnUntraced(function*(attempt: number, failed: Failed) {
    const at = yield* Clock.currentTimeMillis
    const encoded = yield* encode(failed.error)
    const { codeVersion, name } = settings
    return FailureRecord.make({ attempt, at, ...failed, worker: name, codeVersion, encoded })
  })

  const prepare = (delivery: Delivery): Effect.Effect<Omit<Ready, "span">, unknown> => {
    const topic = topics.get(delivery.message.topic)
    if (topic === undefined) return Effect.fail("unknown topic")
    const delivered = deliveredOf(delivery, [])
    return decode(topic, delivery).pipe(
      Effect.flatMap((value) => steps(value, delivered)),
      Effect.map((stepped) => ({ delivery, delivered, stepped }))
    )
  }
  const runs = Runs.make({ ...options, prepare, settled })

  const crashed = (delivery: Delivery): Effect.Effect<void> =>
    Effect.flatMap(
      record(delivery.attempts.length + 1, {
        error: new WorkerCrashed({ received: delivery.received }),
        step: "process"
      }),
      (failure) => bury(delivery, FailureRecord.append(delivery.attempts, failure), "crashed")
    )

  return { run }
}

/** Sleeps under the renewed lease. Answers what is left of the delay if the worker is to stop before it is over. */
const waitHere = (
  delay: Duration.Duration,
  draining: Deferred.Deferred<void>
): Effect.Effect<Duration.Duration | undefined> =>
  Effect.gen(function*() {
    const started = yield* Clock.monotonicTimeNanos
    const stop = yield* Effect.raceFirst(
      Effect.as(Effect.sleep(delay), false),
      Effect.as(Deferred.await(draining), true)
    )
    if (!stop) return undefined
    const slept = Number((yield* Clock.monotonicTimeNanos) - started) / 1e6
    return Duration.millis(Math.max(1, Duration.toMillis(delay) - slept))
  })
