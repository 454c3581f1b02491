/**
 * Renews leases at a broker, many messages in a request, and reads the failures that each answer lists.
 *
 * A lease is confirmed if the broker has leased each of its messages for another time. If it refuses the handle of one
 * message, another worker may have it, so the lease is lost at once. Near the broker's ceiling a message is leased for
 * the time that is left, and its lease ends shortly before.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { HeldLease } from "../../Delivery.ts"
import type { TransportError } from "../../Errors.ts"
import { type BrokerQueue, inBatches, type Results } from "./BrokerQueue.ts"
import type { Entry, Held } from "./Held.ts"

/** Returns for how many milliseconds the broker can still hide a message that was received at this time. */
export const hideable = (
  { ceilingMillis }: Pick<BrokerQueue, "ceilingMillis">,
  { receivedAt }: Pick<Entry, "receivedAt">,
  now: bigint
): number => ceilingMillis - Math.ceil(Number(now - receivedAt) / 1e9) * 1000

/** The renewals whose requests are on their way. */
export class OnTheWay {
  #count = 0
  readonly #none = Latch.makeUnsafe(true)

  /** Waits until none is on its way. */
  get none(): Effect.Effect<void> {
    return this.#none.await
  }

  /**
   * Sends requests in a fiber of its own. A caller that gives up does not end it, since a request that was sent may
   * still arrive.
   */
  send<A, E>(requests: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return Effect.suspend(() => {
      this.#count++
      this.#none.closeUnsafe()
      const ended = Effect.sync(() => {
        if (--this.#count === 0) this.#none.openUnsafe()
      })
      return Effect.flatMap(Effect.forkDetach(Effect.ensuring(requests, ended), { startImmediately: true }), Fiber.join)
    })
  }
}

/** The parts of a subscription that renewals use. */
interface Parts {
  readonly queue: BrokerQueue
  readonly held: Held
  readonly lease: Duration.Duration
  readonly onTheWay: OnTheWay
  /** The scope of the subscription. */
  readonly scope: Scope.Scope
}

export const renew = ({ held, lease, onTheWay, queue, scope }: Parts) => {
  const leaseMillis = Duration.toMillis(lease)
  // A worker gives a lease up so long before its end, too.
  const margin = Math.max(50, leaseMillis / 20)
  const ending = new WeakSet<HeldLease>()
  const unsettledOf = (one: HeldLease) => held.entriesOf(one).filter(({ state }) => state !== "done")

  /** Returns for how long the broker can still hide all messages of a lease, in milliseconds. */
  const left = (one: HeldLease, now: bigint): number =>
    Math.min(...unsettledOf(one).map((entry) => hideable(queue, entry, now)))

  /** Ends a lease shortly before the ceiling, unless its messages were handed out again meanwhile. */
  const endInTime = (one: HeldLease): Effect.Effect<void> =>
    Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
      const rest = left(one, now) - margin
      if (rest > leaseMillis) return Effect.sync(() => void ending.delete(one))
      if (rest > 0) return Effect.andThen(Effect.sleep(Math.ceil(rest)), Effect.suspend(() => endInTime(one)))
      return Effect.sync(() => held.lose(one, queue.ceilingReason))
    })

  return Effect.fnUntraced(
    function*(leases: ReadonlyArray<HeldLease>): Effect.fn.Return<ReadonlySet<HeldLease>, TransportError> {
      const now = yield* Clock.monotonicTimeNanos
      const current = new Set(held.leases())
      const asked = leases.filter((one) => current.has(one))
      for (const one of asked) {
        if (left(one, now) >= leaseMillis || ending.has(one)) continue
        ending.add(one)
        yield* Effect.forkIn(endInTime(one), scope)
      }
      const handles = asked.flatMap(unsettledOf).map((entry) => ({
        entry,
        handle: entry.handle,
        millis: Math.min(leaseMillis, Math.max(0, hideable(queue, entry, now)))
      }))
      let answered = 0
      let unanswered: TransportError | undefined
      // If one request fails, the other requests still confirm their leases.
      const results = yield* onTheWay.send(inBatches(queue, handles, (some): Effect.Effect<Results> =>
        Effect.match(
          queue.renew(some),
          {
            onSuccess: (results) => {
              answered++
              return results
            },
            onFailure: (error) => {
              unanswered = error
              return some.map(() => ({ outcome: "unknown", detail: error.detail }) as const)
            }
          }
        )))
      if (answered === 0 && unanswered !== undefined) return yield* Effect.fail(unanswered)
      const open = new Set<HeldLease>()
      results.forEach((result, i) => {
        const { entry, handle } = handles[i]!
        if (result === undefined || entry.state === "done") return
        open.add(entry.lease)
        // If the broker delivered the message again meanwhile, its entry has a newer handle. Then only the older handle
        // was refused, and the next renewal uses the newer one.
        if (result.outcome === "refused" && entry.handle === handle) {
          held.lose(entry.lease, `${queue.engine} refused to renew it (${result.detail})`)
        }
      })
      const kept = new Set(held.leases())
      return new Set(asked.filter((one) => kept.has(one) && !open.has(one)))
    }
  )
}
