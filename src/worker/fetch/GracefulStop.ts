/**
 * The graceful stop of a worker. No message is fetched any more, and no attempt starts. Running attempts may finish
 * within the grace period. A turn that waits for its retry records its failures and ends. Attempts that still run after
 * the grace period are interrupted. Their messages and the waiting ones are given back, and no attempt is counted for
 * them.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Counters } from "../observe/Counters.ts"
import type { Settings } from "../start/Settings.ts"
import type { Entry, InFlight } from "./InFlight.ts"

interface Options {
  readonly consumer: string
  readonly settings: Settings
  readonly inFlight: InFlight
  readonly counters: Counters
  readonly stopping: Deferred.Deferred<void>
}

export const gracefulStop = (options: Options): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { inFlight: { flow }, settings, stopping } = options
    yield* released(options, flow.beginStop())
    yield* Deferred.succeed(stopping, undefined)
    yield* Effect.timeoutOrElse(flow.idle, {
      duration: settings.graceMillis,
      orElse: () => Effect.andThen(interruptRest(options), flow.idle)
    })
    flow.stop()
  })

const released = ({ counters }: Options, entries: Iterable<Entry>): Effect.Effect<void> =>
  Effect.forEach(entries, (entry) => counters.outcome(entry.delivery, "released"), { discard: true })

const interruptRest = (options: Options): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { flow } = options.inFlight
    const running = [...flow.running.keys()]
    const which = running.length === 1
      ? "1 attempt did not finish within the grace period; it is"
      : `${running.length} attempts did not finish within the grace period; they are`
    return Effect.logWarning(`${which} given back, uncounted.`).pipe(
      Effect.annotateLogs({ consumer: options.consumer }),
      Effect.andThen(released(options, running)),
      Effect.andThen(flow.withdraw(running))
    )
  })
