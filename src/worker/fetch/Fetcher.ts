/**
 * Asks the transport for what the flow has places for.
 *
 * A temporary failure of the transport is repeated with backoff. A permanent one, or the consumer's removal, ends the
 * worker with that failure.
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { Delivery } from "../../Delivery.ts"
import * as Backoff from "../../internal/Backoff.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Subscription } from "../../Transport.ts"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import * as FailingSince from "../observe/FailingSince.ts"
import type { Spans } from "../observe/Spans.ts"
import type { FetchError, InFlight } from "./InFlight.ts"

export interface Options {
  readonly consumer: string
  readonly subscription: Subscription
  readonly inFlight: InFlight
  readonly renewer: LeaseRenewer
  readonly spans: Spans
}

export interface Fetcher {
  /** Fetches until interrupted. With `untilEmpty` it ends when nothing can be taken and nothing runs. */
  readonly run: (untilEmpty: boolean) => Effect.Effect<void, FetchError>
  /** Since when each read has failed; undefined after one that succeeded. */
  readonly failing: () => FailingSince.FailingSince | undefined
}

/**
 * The result of a poll: messages, nothing, or nothing while work ran beside it. The last one proves little, since the
 * poll may have left out messages for which there was no place.
 */
type Found = "messages" | "nothing" | "nothingBesideWork"

/** The next step of the fetching. Only a fetching with `untilEmpty` waits for the end of running work, or is done. */
type Next = "poll" | "awaitEnd" | "done"

export const make = (options: Options): Fetcher => {
  const { inFlight, renewer, subscription } = options
  const { capacity, flow } = inFlight
  const labels = Telemetry.labels({ consumer: options.consumer })
  const gauge = Metric.withAttributes(Telemetry.inFlight, labels)
  const consumed = Metric.withAttributes(Telemetry.consumed, labels)

  /** Polls once. Returns whether it found messages. */
  const take = Effect.suspend(() => {
    let got: ReadonlyArray<Delivery> = []
    const taking = subscription.take(flow.demand(), (deliveries) => {
      inFlight.accept(deliveries)
      got = got.length === 0 ? deliveries : [...got, ...deliveries]
    })
    return options.spans.receive(() => got, taking).pipe(
      Effect.andThen(renewer.observe),
      // The answer may have been that the pause is over.
      Effect.andThen(Effect.sync(() => flow.wake())),
      Effect.andThen(Effect.suspend(() => Metric.update(gauge, flow.size))),
      Effect.andThen(Effect.suspend(() => got.length === 0 ? Effect.void : Metric.update(consumed, got.length))),
      Effect.map(() => got.length > 0)
    )
  })

  let failing: FailingSince.FailingSince | undefined
  const noted = Effect.tap(take, () =>
    Effect.sync(() => {
      failing = undefined
    }))

  const withBackoff = (tries: number): Effect.Effect<boolean, FetchError> =>
    Effect.catch(noted, (error) => {
      failing = FailingSince.more(failing, renewer.now(), error.message)
      if (error._tag !== "TransportError" || error.kind === "permanent") return Effect.fail(error)
      return Effect.logWarning(error.message).pipe(
        Effect.annotateLogs({ consumer: options.consumer }),
        Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
        Effect.andThen(Effect.suspend(() => withBackoff(tries + 1)))
      )
    })

  const poll: Effect.Effect<Found, FetchError> = Effect.suspend(() => {
    const besideWork = !inFlight.nothingRuns
    return Effect.map(withBackoff(0), (found) => found ? "messages" : besideWork ? "nothingBesideWork" : "nothing")
  })

  const run = (untilEmpty: boolean): Effect.Effect<void, FetchError> =>
    Effect.suspend(() => {
      let next: Next = "poll"
      return Effect.whileLoop({
        while: () => next !== "done",
        body: (): Effect.Effect<Found | "waited", FetchError> => {
          if ((next !== "awaitEnd" || inFlight.nothingRuns) && flow.wantsMore) return poll
          capacity.changed.closeUnsafe()
          return Effect.as(capacity.changed.await, "waited")
        },
        step: (found: Found | "waited") => {
          if (found === "messages" || found === "waited") next = "poll"
          else if (untilEmpty) next = found === "nothing" && inFlight.nothingRuns ? "done" : "awaitEnd"
        }
      })
    })

  return { run, failing: () => failing }
}
