/**
 * Reads the status of the worker's queue every `statsEvery`, for the gauges of `Telemetry.ts` and for `Health.ts`.
 *
 * Every worker reads the status itself, by one bounded statement. So no process shows figures that only another process
 * keeps up to date. The figures describe the whole queue: to combine those of several processes, take the maximum. The
 * worker also adds the status, and its own counts, to the consumer's series.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import * as Health from "../../Health.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type * as Store from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import * as PipelineNames from "../start/PipelineNames.ts"
import type { Settings } from "../start/Settings.ts"
import type { Counters } from "./Counters.ts"

export const make = Effect.fnUntraced(function*(options: {
  readonly consumer: string
  readonly settings: Settings
  readonly store: Store.Store["Service"]
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly renewer: LeaseRenewer
  readonly counters: Counters
  readonly stopping: Deferred.Deferred<void>
  readonly failing: Health.WorkerState["failing"]
  /** Whether the status is read. `Worker.drain` does not read it, since it ends soon. */
  readonly readsStatus: boolean
}): Effect.fn.Return<void, never, Scope.Scope> {
  const { consumer, renewer, settings, stopping, store } = options
  const workers = yield* Health.Workers
  const clock = yield* Clock.Clock
  let seen: { readonly status: Store.QueueStatus; readonly at: bigint } | undefined
  /**
   * How many readings in a row found waiting messages in free lanes while this worker held no lane. One such reading
   * may fall between two claims, so it proves nothing.
   */
  let stranded = 0
  const age = (at: bigint) => Number(clock.monotonicTimeNanosUnsafe() - at) / 1e6

  const state: Health.WorkerState = {
    consumer,
    leaseMillis: settings.leaseMillis,
    left: renewer.left,
    failing: options.failing,
    stranded: () => stranded > 1,
    stopping: () => Deferred.isDoneUnsafe(stopping),
    queue: () => seen === undefined ? undefined : { status: seen.status, ageMillis: age(seen.at) }
  }
  yield* Effect.acquireRelease(
    Effect.sync(() => workers.add(state)),
    () => Effect.sync(() => workers.delete(state))
  )
  if (!options.readsStatus || !Number.isFinite(settings.statsEveryMillis)) return

  const watch = PipelineNames.watch(store, options.pipeline)
  const record = recorder(options, clock)
  const gauges = makeGauges(consumer, Duration.toMillis(store.deduplicationWindow))
  const readStatus = Effect.suspend(() => {
    const at = clock.monotonicTimeNanosUnsafe()
    return store.consumers.status(consumer).pipe(
      Effect.flatMap((status) => {
        seen = { status, at }
        const waits = status.waiting > 0 && status.freeLanes > 0 && !status.paused
        stranded = waits && !Number.isFinite(renewer.left()) ? stranded + 1 : 0
        return Effect.andThen(Effect.andThen(gauges.of(status), watch(status)), record(status))
      }),
      Effect.catch((error) => Effect.logDebug(`How the queue stands is not known. ${error.message}`)),
      Effect.andThen(Effect.suspend(() => seen === undefined ? Effect.void : gauges.age(age(seen.at))))
    )
  })
  const first = Effect.sleep(settings.statsEveryMillis / 10)
  yield* Effect.forkScoped(
    Effect.andThen(first, Effect.forever(Effect.andThen(readStatus, Effect.sleep(settings.statsEveryMillis))))
  )
})

/** The shortest time between two records of a series, in milliseconds. A point has 10 seconds. */
const recordEvery = 9_000

/** Returns a function that adds a status, and what the worker counted since, to the consumer's series. */
const recorder = (
  { consumer, counters, store }: {
    readonly consumer: string
    readonly counters: Counters
    readonly store: Store.Store["Service"]
  },
  clock: Clock.Clock
) => {
  let recorded = -Infinity
  return (status: Store.QueueStatus): Effect.Effect<void> =>
    Effect.suspend(() => {
      const now = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      if (now - recorded < recordEvery) return Effect.void
      recorded = now
      const counts = counters.take()
      return store.consumers.record(consumer, status, counts).pipe(
        Effect.onError(() => Effect.sync(() => counters.putBack(counts))),
        Effect.catch((error) =>
          Effect.logDebug(`The series has no new counts; the next record adds them. ${error.message}`)
        )
      )
    })
}

const makeGauges = (consumer: string, windowMillis: number) => {
  const labels = Telemetry.labels({ consumer })
  const gauge = (metric: Metric.Gauge<number>, more?: Record<string, string>) => {
    const labelled = Metric.withAttributes(metric, { ...labels, ...more })
    return (value: number) => Metric.update(labelled, value)
  }
  const waiting = gauge(Telemetry.waiting)
  const lag = gauge(Telemetry.lag)
  const delayed = gauge(Telemetry.heldKeys, { "millrace.hold": "delayed" })
  const parked = gauge(Telemetry.heldKeys, { "millrace.hold": "parked" })
  const parkedAge = gauge(Telemetry.parkedAge)
  const deadLetters = gauge(Telemetry.deadLetters)
  const paused = gauge(Telemetry.paused)
  const redriveStopped = gauge(Telemetry.redriveStopped)
  const slack = gauge(Telemetry.windowSlack)
  const age = gauge(Telemetry.statsAge)
  return {
    of: (status: Store.QueueStatus): Effect.Effect<void> =>
      Effect.all([
        waiting(status.waiting),
        lag(status.lagMillis / 1000),
        delayed(status.delayedKeys),
        parked(status.parkedKeys),
        parkedAge(status.parkedMillis / 1000),
        deadLetters(status.deadLetters),
        paused(status.paused ? 1 : 0),
        redriveStopped(status.redriveStopped ? 1 : 0),
        // If ids are remembered indefinitely, the deduplication window has no end. So the metric of its remaining time
        // is absent.
        Number.isFinite(windowMillis) ? slack((windowMillis - status.oldestMillis) / 1000) : Effect.void
      ], { discard: true }),
    age: (millis: number): Effect.Effect<void> => age(millis / 1000)
  }
}
