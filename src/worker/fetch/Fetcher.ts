/**
 * Fetches messages: asks the transport for as many as the flow has places for.
 *
 * After a temporary failure of the transport the poll is repeated with backoff. A permanent failure, or the removal of
 * the consumer, ends the worker. After `SubscriptionLost` the worker opens another subscription (`Worker.ts`).
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
  /**
   * Fetches until interrupted. With `untilEmpty` this effect ends when no message can be taken and none is in progress.
   */
  readonly run: (untilEmpty: boolean) => Effect.Effect<void, FetchError>
  /** Returns since when every poll has failed. Returns undefined after a poll that succeeded. */
  readonly failing: () => FailingSince.FailingSince | undefined
}

/**
 * The result of a poll. `nothingBesideWork` means that the poll found nothing while attempts ran. That does not prove
 * an empty queue, since the poll may have left out messages for which the flow had no place.
 */
type Found = "messages" | "nothing" | "nothingBesideWork"

/**
 * The next step of the fetcher. Only with `untilEmpty` does it wait for running attempts to end (`awaitEnd`), or stop
 * (`done`).
 */
type Next = "poll" | "awaitEnd" | "done"

export const make = (options: Options): Fetcher => {
  const { inFlight, renewer, subscription } = options
  const { capacity, flow } = inFlight
  const labels = Telemetry.labels({ consumer: options.consumer })
  const gauge = Metric.withAttributes(Telemetry.inFlight, labels)
  const consumed = Metric.withAttributes(
    Telemetry.consumed,
    Telemetry.labels({ consumer: options.consumer, operation: "receive" })
  )

  /** Polls once. Returns whether it found messages. */
  const take = Effect.suspend(() => {
    let got: ReadonlyArray<Delivery> = []
    const taking = subscription.take(flow.demand(), (deliveries) => {
      inFlight.accept(deliveries)
      got = got.length === 0 ? deliveries : [...got, ...deliveries]
    })
    return options.spans.receive(() => got, taking).pipe(
      Effect.andThen(renewer.observe),
      // The poll may have learned that the operator's pause is over, so the flow checks again what may start.
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
