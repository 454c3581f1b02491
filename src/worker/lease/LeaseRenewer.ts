/**
 * Renews the leases of one worker, and interrupts the attempts under a lease that is lost.
 *
 * All leases are renewed in one request, at a third of the lease's time. A lease's deadline is counted on the monotonic
 * clock, from before its claim or renewal was sent. Only this file moves a deadline. A lease that is not renewed before
 * its deadline is lost. Its attempts are interrupted a little earlier than the database lets another worker claim the
 * lease. A lost lease stays lost, even if the answer to a renewal comes late. A worker's wall clock does not matter,
 * since only durations are compared.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import type { HeldLease } from "../../Delivery.ts"
import { LeaseLost } from "../../Errors.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Subscription } from "../../Transport.ts"
import type { InFlight } from "../fetch/InFlight.ts"
import type { Warnings } from "../observe/Warnings.ts"
import type { Settings } from "../start/Settings.ts"

export interface LeaseRenewer {
  /**
   * Compares the watched leases with those that the subscription holds: watches new ones, and forgets those given back.
   * The fetcher runs this after each poll.
   */
  readonly observe: Effect.Effect<void>
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Returns the milliseconds until the first lease ends if it is not renewed. Returns infinity if no lease is held. */
  readonly left: () => number
  /** Returns when the newest confirmed renewal was sent (monotonic milliseconds). The store has answered since then. */
  readonly confirmedAt: () => number
}

interface Watched {
  /** Monotonic milliseconds. */
  deadline: number
  watcher: Fiber.Fiber<void> | undefined
}

export const make = Effect.fnUntraced(function*(options: {
  readonly consumer: string
  readonly settings: Settings
  readonly subscription: Subscription
  readonly inFlight: InFlight
  readonly warnings: Warnings
}): Effect.fn.Return<LeaseRenewer, never, Scope.Scope> {
  const { consumer, inFlight, settings, subscription, warnings } = options
  const clock = yield* Clock.Clock
  // This scope is made before the graceful stop is added to the worker's scope, so it closes after the stop. A lease
  // may be lost during the stop.
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
  const watched = new Map<HeldLease, Watched>()
  const labels = Telemetry.labels({ consumer })
  const losses = Metric.withAttributes(Telemetry.losses, labels)
  const requests = Metric.withAttributes(Telemetry.renewals, labels)
  const owned = Metric.withAttributes(Telemetry.lanesOwned, labels)
  const slack = Metric.withAttributes(Telemetry.leaseSlack, labels)
  let confirmed = -Infinity
  const now = () => millis(clock.monotonicTimeNanosUnsafe())
  // Attempts are interrupted this long before another worker can claim the lease: a twentieth of the lease, at least 50
  // ms.
  const margin = Math.max(50, settings.leaseMillis / 20)

  const news: Array<LeaseLost> = []
  /** Logs the leases that were lost at the same moment in one line. Mostly all lanes are lost together. */
  const tell = Effect.suspend(() => {
    const [first, ...others] = news.splice(0)
    const more = others.length === 0 ? "" : ` ${others.length} more were lost with it.`
    return first === undefined
      ? Effect.void
      : Effect.annotateLogs(Effect.logWarning(first.message + more), { consumer })
  })

  const watch = (lease: HeldLease): Effect.Effect<void> =>
    Effect.flatMap(
      Deferred.await(lease.lost),
      (lost) =>
        Effect.suspend(() => news.push(lost) === 1 ? Effect.andThen(Effect.yieldNow, tell) : Effect.void).pipe(
          Effect.andThen(Metric.update(losses, 1)),
          Effect.andThen(Effect.sync(() => watched.delete(lease))),
          Effect.andThen(inFlight.lose(lease))
        )
    )

  const observe = Effect.suspend(() => {
    const held = new Set(subscription.held())
    const ended = [...watched.keys()].filter((lease) => !held.has(lease) && !Deferred.isDoneUnsafe(lease.lost))
    const added = [...held].filter((lease) => !watched.has(lease) && !Deferred.isDoneUnsafe(lease.lost))
    if (ended.length === 0 && added.length === 0) return Effect.void
    return Metric.update(owned, held.size).pipe(
      Effect.andThen(Effect.forEach(ended, (lease) => {
        const watcher = watched.get(lease)?.watcher
        watched.delete(lease)
        return watcher === undefined ? Effect.void : Fiber.interrupt(watcher)
      }, { discard: true })),
      Effect.andThen(Effect.forEach(added, (lease) => {
        const entry: Watched = { deadline: millis(lease.claimedAt) + settings.leaseMillis, watcher: undefined }
        watched.set(lease, entry)
        return Effect.map(Effect.forkIn(watch(lease), scope), (fiber) => {
          entry.watcher = fiber
        })
      }, { discard: true }))
    )
  })

  const left = () => {
    let left = Infinity
    for (const [lease, { deadline }] of watched) {
      if (!Deferred.isDoneUnsafe(lease.lost)) left = Math.min(left, deadline - now())
    }
    return left
  }

  const expire = Effect.sync(() => {
    const limit = now() + margin
    for (const [lease, entry] of watched) {
      if (entry.deadline > limit) continue
      lose(lease, "it could not be renewed in time")
    }
  })

  const renew = Effect.suspend(() => {
    const leases = [...watched.keys()].filter((lease) => !Deferred.isDoneUnsafe(lease.lost))
    if (leases.length === 0) return Effect.void
    const sent = now()
    const deadline = Math.min(...leases.map((lease) => watched.get(lease)?.deadline ?? Infinity))
    return subscription.renew(leases).pipe(
      Effect.timeout(settings.leaseMillis / 3),
      Effect.ensuring(Effect.suspend(() => Metric.update(slack, Math.max(0, deadline - now()) / 1000))),
      Effect.map((kept) => {
        confirmed = sent
        for (const lease of kept) {
          const entry = watched.get(lease)
          // A lease that was lost meanwhile is not watched any more, so a late answer does not bring it back.
          if (entry !== undefined) entry.deadline = Math.max(entry.deadline, sent + settings.leaseMillis)
        }
      }),
      Effect.andThen(Metric.update(requests, 1)),
      Effect.catch((error) =>
        Effect.logWarning(`Leases could not be renewed; it is tried again. ${error.message}`).pipe(
          Effect.annotateLogs({ consumer })
        )
      )
    )
  })

  // A fiber of its own watches the deadlines, since a renewal that hangs must not delay the watch.
  const tick = settings.leaseMillis / 12
  const untilNext = () => {
    let next = tick
    for (const entry of watched.values()) next = Math.min(next, entry.deadline - margin - now())
    return Math.max(1, next)
  }
  const watchDeadlines = Effect.suspend(() => {
    const sleep = untilNext()
    const due = now() + sleep
    return Effect.sleep(sleep).pipe(
      Effect.andThen(Effect.suspend(() => warnIfBlocked(now() - due))),
      Effect.andThen(observe),
      Effect.andThen(expire)
    )
  })
  const warnIfBlocked = (late: number): Effect.Effect<void> =>
    late < settings.leaseMillis / 3 ? Effect.void : warnings.warn(
      "blockedLoop",
      `The event loop was blocked for ${
        Math.round(late)
      } ms; leases of ${settings.leaseMillis} ms cannot be renewed meanwhile. `
        + `Move long computations out of the handlers (into a worker thread), or lengthen the lease.`
    )

  // The loop renews after each third of the lease. While some lease has less than half of its time left, it renews at
  // every tick.
  const renewals = Effect.suspend(() => {
    let last = now()
    return Effect.forever(
      Effect.sleep(tick).pipe(
        Effect.andThen(Effect.suspend(() => {
          const late = [...watched.values()].some((entry) => entry.deadline - now() < settings.leaseMillis / 2)
          if (!late && now() - last < settings.leaseMillis / 3) return Effect.void
          last = now()
          return renew
        }))
      )
    )
  })
  yield* Effect.forkScoped(Effect.forever(watchDeadlines))
  yield* Effect.forkScoped(renewals)
  return { observe, now, confirmedAt: () => confirmed, left }
})

/**
 * Marks a lease as lost. If the transport has marked it already, because a request was refused, this changes nothing.
 */
const lose = (lease: HeldLease, reason: string): void => {
  Deferred.doneUnsafe(
    lease.lost,
    Exit.succeed(new LeaseLost({ lease: lease.name, token: String(lease.token), reason }))
  )
}

const millis = (nanos: bigint): number => Number(nanos / 1000n) / 1000
