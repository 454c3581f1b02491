/**
 * Runs one call of `Inbox.once` on an inbox outside of the store. The call claims the id, runs the effect while it
 * renews its in-progress marker, and stores the result.
 *
 * The marker and the effect are not one transaction. If the process dies between the effect and the done marker, the
 * marker expires and the next call runs the effect again. While the process lives, the effect runs once. If the marker
 * cannot be renewed in time, the effect is interrupted before another call can claim the id.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import {
  ClaimLost,
  IdempotencyConflict,
  InProgress,
  type ResultRefused,
  type ResultUnavailable,
  type StoreFailure
} from "../Errors.ts"
import type { OutsideClaim, OutsideInbox } from "../Store.ts"
import * as Backoff from "./Backoff.ts"
import type { OnceWait } from "./OnceWait.ts"

/** Encodes and decodes results (see `OnceCodec.ts`). */
interface Codec<A, R1, R2> {
  readonly encode: (value: A) => Effect.Effect<string, ResultRefused, R1>
  readonly decode: (text: string | undefined) => Effect.Effect<A, ResultUnavailable, R2>
}

type Refused = StoreFailure | IdempotencyConflict | InProgress | ResultUnavailable | ResultRefused | ClaimLost

/** One call: its inbox, its name for the id, and its monotonic clock in milliseconds. */
interface Call {
  readonly inbox: OutsideInbox
  readonly consumer: string
  readonly claim: OutsideClaim
  readonly now: () => number
}

/** Claims the id, and runs the effect if the id is fresh. Otherwise returns the stored result, or fails. */
export const run = Effect.fnUntraced(function*<A, E, R, R1, R2>(
  inbox: OutsideInbox,
  consumer: string,
  claim: OutsideClaim,
  effect: Effect.Effect<A, E, R>,
  codec: Codec<A, R1, R2>,
  waiting: OnceWait
): Effect.fn.Return<A, E | Refused, R | R1 | R2> {
  const clock = yield* Clock.Clock
  const call: Call = { inbox, consumer, claim, now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6 }
  const { id } = claim
  return yield* Effect.uninterruptibleMask((restore) =>
    // A claim that failed or was interrupted may have set the marker.
    Effect.onExit(restore(decide(call, waiting)), (exit) => exit._tag === "Failure" ? giveBack(call) : Effect.void)
      .pipe(
        Effect.flatMap((decided): Effect.Effect<A, E | Refused, R | R1 | R2> => {
          switch (decided._tag) {
            case "Fresh":
              return whileClaimed(call, decided.sent, effect, codec.encode, restore)
            case "Committed":
              return restore(codec.decode(decided.result))
            case "Conflict":
              return Effect.fail(new IdempotencyConflict({ consumer, id }))
            case "Busy":
              return Effect.fail(new InProgress({ consumer, id, waitedMillis: waiting.waitedMillis }))
          }
        })
      )
  )
})

/**
 * Claims the id again and again, until the answer decides the call or the call may wait no longer. `sent` is the time
 * just before the request that claimed the id.
 */
const decide = Effect.fnUntraced(function*({ claim, consumer, inbox, now }: Call, waiting: OnceWait) {
  while (true) {
    const sent = now()
    const claimed = yield* Effect.result(inbox.claim(consumer, claim))
    if (Result.isFailure(claimed)) {
      if (!waiting.mayRetry(claimed.failure)) return yield* claimed.failure
    } else if (claimed.success._tag === "Fresh") {
      // An answer that came late has used up the marker's time, so the marker is claimed again.
      if (now() - sent < inbox.markerMillis / 2) return { _tag: "Fresh", sent } as const
    } else {
      // The inbox has answered, so from here on the call waits for the other caller only.
      waiting.transactionBegins()
      if (claimed.success._tag !== "Busy" || waiting.isOver) return claimed.success
    }
    yield* waiting.pause
  }
})

/** Deletes the marker. If that fails, the marker expires by itself. */
const giveBack = ({ claim, consumer, inbox }: Call): Effect.Effect<void> =>
  Effect.catch(
    inbox.release(consumer, claim),
    (error) => Effect.logDebug(`${error.message} The in-progress marker expires by itself.`)
  )

/**
 * Runs the effect, and stores its result. The effect can be interrupted, and then the marker is given back. The
 * storing cannot be interrupted, because an effect without a done marker would run again.
 *
 * The renewals end with the effect. A renewal after a result was stored would find no marker, which looks like a loss.
 * Successful renewals would also keep a marker whose result the inbox never takes.
 */
const whileClaimed = Effect.fnUntraced(function*<A, E, R, R1>(
  call: Call,
  sent: number,
  effect: Effect.Effect<A, E, R>,
  encode: (value: A) => Effect.Effect<string, ResultRefused, R1>,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
): Effect.fn.Return<A, E | ResultRefused | ClaimLost, R | R1> {
  const marker: Marker = { deadline: sent + trustedMillis(call.inbox) }
  const value = yield* Effect.onExit(
    restore(Effect.raceFirst(effect, keep(call, marker))),
    (exit) => exit._tag === "Failure" ? giveBack(call) : Effect.void
  )
  const encoded = yield* Effect.result(encode(value))
  yield* finish(call, marker, Result.isSuccess(encoded) ? encoded.success : undefined)
  if (Result.isFailure(encoded)) return yield* encoded.failure
  return value
})

const claimLost = ({ claim, consumer }: Call, effect: ClaimLost["effect"], reason: string): ClaimLost =>
  new ClaimLost({ consumer, id: claim.id, effect, reason })

/** Stores the result. Repeats the request after a failure, until the marker's time is over. */
const finish = Effect.fnUntraced(function*(call: Call, marker: Marker, result: string | undefined) {
  const { claim, consumer, inbox, now } = call
  for (let tries = 0;; tries++) {
    const stored = yield* Effect.result(inbox.finish(consumer, claim, result))
    if (Result.isSuccess(stored)) {
      if (stored.success) return
      return yield* claimLost(call, "happened", "another call has claimed the id")
    }
    if (now() >= marker.deadline || stored.failure.kind === "refused") {
      return yield* claimLost(call, "happened", stored.failure.message)
    }
    yield* Backoff.pause(tries, { first: 50, cap: 1000 })
  }
})

/** The in-progress marker of a call. It surely lasts until the deadline, which each renewal moves. */
interface Marker {
  deadline: number
}

/**
 * Returns how long a marker is trusted. It counts as lost a twentieth of its time before the inbox lets another call
 * in.
 */
const trustedMillis = ({ markerMillis }: OutsideInbox): number => markerMillis * 0.95

/** Renews the marker until it is lost, and then fails. Its time is measured from before the last request. */
const keep = (call: Call, marker: Marker): Effect.Effect<never, ClaimLost> => {
  const { claim, consumer, inbox, now } = call
  const third = inbox.markerMillis / 3
  let pause = third
  const renew = Effect.suspend(() => {
    const sent = now()
    return Effect.timeout(inbox.renew(consumer, claim), third).pipe(
      Effect.tap((kept) =>
        Effect.sync(() => {
          if (kept) marker.deadline = sent + trustedMillis(inbox)
          pause = third
        })
      ),
      Effect.catch((error) => {
        pause = third / 4
        return Effect.as(
          Effect.logWarning(
            `The in-progress marker of an id of "${consumer}" could not be renewed; it is tried again. ${error.message}`
          ),
          true
        )
      })
    )
  })
  const renewals = Effect.suspend(() => Effect.delay(renew, pause)).pipe(
    Effect.repeat({ while: (kept) => kept }),
    Effect.as("another call has claimed the id, or the marker had expired")
  )
  // The check of the clock runs beside the renewals, so that a renewal without an answer does not delay it.
  const expiry = Effect.suspend(() => Effect.sleep(Math.max(1, marker.deadline - now()))).pipe(
    Effect.repeat({ until: () => now() >= marker.deadline }),
    Effect.as("its in-progress marker could not be renewed in time")
  )
  return Effect.flatMap(
    Effect.raceFirst(renewals, expiry),
    (reason) => Effect.fail(claimLost(call, "interrupted", reason))
  )
}
