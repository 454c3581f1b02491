/**
 * The graceful stop, on one screen: fetch nothing more, start nothing more, let what runs finish within the grace period, write
 * down what sleeps between two attempts, interrupt the rest, give everything back. No attempt is counted for it.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type { Counters } from "../observe/Counters.ts"
import type { Settings } from "../start/Settings.ts"
import type { Entry, InFlight } from "./InFlight.ts"

interface Options {
  readonly consumer: string
  readonly settings: Settings
  readonly inFlight: InFlight
  readonly counters: Counters
  readonly draining: Deferred.Deferred<void>
}

export const drain = (options: Options): Effect.Effect<void> =>
  Effect.gen(function*() {
    const { draining, inFlight, settings } = options
    const waiting = inFlight.stop()
    yield* released(options, waiting)
    yield* Deferred.succeed(draining, undefined)
    yield* Effect.timeoutOrElse(inFlight.idle, {
      duration: settings.graceMillis,
      orElse: () => Effect.andThen(interruptRest(options), inFlight.idle)
    })
  })

const released = ({ counters }: Options, entries: ReadonlyArray<Entry>): Effect.Effect<void> =>
  Effect.forEach(entries, (entry) => counters.outcome(entry.delivery, "released"), { discard: true })

const interruptRest = (options: Options): Effect.Effect<void> =>
  Effect.suspend(() => {
    const running = [...options.inFlight.runningEntries]
    const which = running.length === 1
      ? "1 attempt did not finish within the grace period; it is"
      : `${running.length} attempts did not finish within the grace period; they are`
    return Effect.logWarning(`${which} given back, uncounted.`).pipe(
      Effect.annotateLogs({ consumer: options.consumer }),
      Effect.andThen(released(options, running)),
      Effect.andThen(Fiber.interruptAll(running.flatMap((entry) => entry.fiber === undefined ? [] : [entry.fiber])))
    )
  })
