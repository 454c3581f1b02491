/**
 * Renews leases at SQS, ten messages in a request, and reads the failures that each answer lists.
 *
 * A lease is confirmed if SQS has hidden each of its messages for the time of one more lease. If SQS refuses the handle
 * of one message, another worker may have it, so the lease is lost at once. SQS hides no message for longer than 12
 * hours after its receipt, so a lease ends before that.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { HeldLease } from "../Delivery.ts"
import type { TransportError } from "../Errors.ts"
import type { Entry, Held } from "./Held.ts"
import { ceilingSeconds, inBatches, type Results, type SqsApi } from "./SqsApi.ts"

/** SQS counts visibility in whole seconds. The message stays hidden a little longer than the lease lasts. */
export const secondsOf = (lease: Duration.Duration): number => Math.max(1, Math.ceil(Duration.toSeconds(lease)))

/** Returns for how many seconds SQS can still hide a message that was received at this time. */
export const hideable = ({ receivedAt }: Pick<Entry, "receivedAt">, now: bigint): number =>
  ceilingSeconds - Math.ceil(Number(now - receivedAt) / 1e9) - 1

export const renew = (
  api: SqsApi,
  held: Held,
  lease: Duration.Duration
) =>
  Effect.fnUntraced(
    function*(leases: ReadonlyArray<HeldLease>): Effect.fn.Return<ReadonlySet<HeldLease>, TransportError> {
      const seconds = secondsOf(lease)
      const now = yield* Clock.monotonicTimeNanos
      const current = new Set(held.leases())
      const asked = leases.filter((one) => current.has(one))
      for (const one of asked) {
        if (held.entriesOf(one).some((entry) => entry.state !== "done" && hideable(entry, now) < seconds)) {
          held.lose(one, "SQS hides a message for 12 hours at most")
        }
      }
      const entries = asked.flatMap((one) => held.entriesOf(one)).filter(({ state }) => state !== "done")
      const handles = entries.map((entry) => ({ entry, handle: entry.handle, seconds }))
      let answered = 0
      let unanswered: TransportError | undefined
      // If one request fails, the other requests still confirm their leases.
      const results = yield* inBatches(handles, (some): Effect.Effect<Results> =>
        Effect.match(api.hide(some), {
          onSuccess: (results) => {
            answered++
            return results
          },
          onFailure: (error) => {
            unanswered = error
            return some.map(() => ({ outcome: "unknown", detail: error.detail }) as const)
          }
        }))
      if (answered === 0 && unanswered !== undefined) return yield* Effect.fail(unanswered)
      const open = new Set<HeldLease>()
      results.forEach((result, i) => {
        const { entry, handle } = handles[i]!
        if (result === undefined || entry.state === "done") return
        open.add(entry.lease)
        // If SQS delivered the message again meanwhile, its entry has a newer handle. Then SQS has refused only the
        // older handle, and the next renewal uses the newer one.
        if (result.outcome === "refused" && entry.handle === handle) {
          held.lose(entry.lease, `SQS refused to hide a message for longer (${result.detail})`)
        }
      })
      const kept = new Set(held.leases())
      return new Set(asked.filter((one) => kept.has(one) && !open.has(one)))
    }
  )
