/**
 * Asks the transport for what there is room for, and starts fibers for it.
 *
 * A slot is a fiber that works off one delivery after the other, of whatever key is next; at most `concurrency` of them exist, and
 * only while there is something to do. A temporary failure of the transport is repeated with backoff; a permanent one, or the
 * consumer's removal, ends the worker, which says why.
 */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import type * as Scope from "effect/Scope"
import type { Delivery } from "../../Delivery.ts"
import type { ConsumerRemoved, SubscriptionLost, TransportError } from "../../Errors.ts"
import * as Backoff from "../../internal/Backoff.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Subscription } from "../../Transport.ts"
import type { Attempt } from "../attempt/Attempt.ts"
import type { LeaseRenewer } from "../lease/LeaseRenewer.ts"
import * as FailingSince from "../observe/FailingSince.ts"
import type { Spans } from "../observe/Spans.ts"
import type { Entry, InFlight } from "./InFlight.ts"

export interface Options {
  readonly consumer: string
  readonly subscription: Subscription
  readonly inFlight: InFlight
  readonly attempt: Attempt
  readonly renewer: LeaseRenewer
  readonly spans: Spans
  /** Where slots live: they outlive the fetching, until the drain is over. */
  readonly scope: Scope.Scope
}

export interface Fetcher {
  /** Fetches until interrupted. With `untilEmpty` it ends when nothing can be taken and nothing runs. */
  readonly run: (untilEmpty: boolean) => Effect.Effect<void, TransportError | ConsumerRemoved | SubscriptionLost>
  /** Starts fibers for what can run now. */
  readonly start: Effect.Effect<void>
  /** Since when each read has failed; undefined after one that went well. */
  readonly failing: () => FailingSince.FailingSince | undefined
  /** Runs one entry in a fiber of its own, so that it can be interrupted alone, and frees its place. */
  readonly runEntry: (entry: Entry) => Effect.Effect<void>
}

export const make = (options: Options): Fetcher => {
  const { attempt, inFlight, renewer, subscription } = options
  const labels = Telemetry.labels({ consumer: options.consumer })
  const gauge = Metric.withAttributes(Telemetry.inFlight, labels)
  const consumed = Metric.withAttributes(Telemetry.consumed, labels)

  const runEntry = (entry: Entry): Effect.Effect<void> =>
    Effect.uninterruptible(Effect.suspend(() => {
      const turn = attempt.turn(entry.delivery)
      const go = (running: Effect.Effect<void>): Effect.Effect<void> =>
        Effect.forkChild(Effect.interruptible(running), { startImmediately: false }).pipe(
          Effect.flatMap((fiber) => {
            entry.fiber = fiber
            return Fiber.await(fiber)
          }),
          // However it ended, the place is not free while it is this worker's to decide about the message.
          Effect.flatMap((exit) =>
            exit._tag === "Success" || inFlight.mayEnd(entry)
              ? Effect.sync(() => inFlight.end(entry))
              : go(turn.resume(exit.cause))
          )
        )
      return go(turn.run)
    }))

  const slot: Effect.Effect<void> = Effect.suspend(() => {
    let entry = inFlight.next()
    return Effect.whileLoop({
      while: () => entry !== undefined,
      body: () => runEntry(entry!),
      step: () => {
        entry = inFlight.next()
      }
    })
  }).pipe(
    Effect.ensuring(Effect.sync(() => inFlight.endSlot())),
    // A key became ready while this slot was ending: nobody else would look.
    Effect.andThen(Effect.suspend(() => start))
  )

  const start: Effect.Effect<void> = Effect.suspend(() => {
    const slots = inFlight.openSlots()
    if (slots === 0) return Effect.void
    let started = 0
    return Effect.whileLoop({
      while: () => started < slots,
      body: () => Effect.forkIn(slot, options.scope),
      step: () => {
        started++
      }
    })
  })

  const take = Effect.suspend(() => {
    const before = inFlight.size
    let got: ReadonlyArray<Delivery> = []
    const taking = subscription.take(inFlight.room(), (deliveries) => {
      inFlight.accept(deliveries)
      got = got.length === 0 ? deliveries : [...got, ...deliveries]
    })
    return options.spans.receive(() => got, taking).pipe(
      Effect.andThen(renewer.observe),
      Effect.andThen(start),
      Effect.andThen(Effect.suspend(() => Metric.update(gauge, inFlight.size))),
      Effect.andThen(Effect.suspend(() => got.length === 0 ? Effect.void : Metric.update(consumed, got.length))),
      Effect.map(() => inFlight.size > before)
    )
  })

  let failing: FailingSince.FailingSince | undefined
  const noted = Effect.tap(take, () =>
    Effect.sync(() => {
      failing = undefined
    }))

  const withBackoff = (tries: number): Effect.Effect<boolean, TransportError | ConsumerRemoved | SubscriptionLost> =>
    Effect.catch(noted, (error) => {
      failing = FailingSince.more(failing, renewer.now(), error.message)
      if (error._tag !== "TransportError" || error.kind === "permanent") return Effect.fail(error)
      return Effect.logWarning(error.message).pipe(
        Effect.annotateLogs({ consumer: options.consumer }),
        Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
        Effect.andThen(Effect.suspend(() => withBackoff(tries + 1)))
      )
    })

  /** Nothing is in hand, or nothing of it is started: a drain of a paused consumer does not wait for a person. */
  const nothingRuns = () => inFlight.size === 0 || (inFlight.consumerPaused() && inFlight.runningEntries.size === 0)

  const run = (untilEmpty: boolean): Effect.Effect<void, TransportError | ConsumerRemoved | SubscriptionLost> =>
    Effect.suspend(() => {
      let empty = false
      // A look that ran beside work may have left out what there was no room for.
      let ran = false
      // A drain whose last look found nothing looks again when something has ended, not at once.
      let wait = false
      return Effect.whileLoop({
        while: () => !(untilEmpty && empty),
        body: () => {
          if ((wait && !nothingRuns()) || !inFlight.wantsMore) {
            inFlight.changed.closeUnsafe()
            return Effect.as(inFlight.changed.await, true)
          }
          ran = !nothingRuns()
          return withBackoff(0)
        },
        step: (found) => {
          empty = !found && !ran && nothingRuns()
          wait = untilEmpty && !found && !empty
        }
      })
    })

  return { run, start, runEntry, failing: () => failing }
}
