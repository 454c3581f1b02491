/**
 * Runs one call of `Inbox.once` on an inbox outside of the store. The call claims the id, runs the effect while it
 * renews its in-progress marker, and stores the result.
 *
 * The marker and the effect are not one transaction. If the process dies between the effect and the done marker, the
 * marker expires and the next call runs the effect again. While the process lives, the effect runs once. If the marker
 * cannot be renewed in time, the effect is interrupted before another call can claim the id.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
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
              return Effect.scoped(whileClaimed(call, decided.sent, effect, codec.encode, restore))
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

/** Claims the id until it is decided, or the call must wait no longer. `sent` was read before the request. */
const decide = Effect.fnUntraced(function*({ claim, consumer, inbox, now }: Call, waiting: OnceWait) {
  while (true) {
    const sent = now()
    const claimed = yield* Effect.result(inbox.claim(consumer, claim))
    if (Result.isFailure(claimed)) {
      if (!waiting.mayRetry(claimed.failure)) return yield* claimed.failure
    } else if (claimed.success._tag === "Fresh") {
      // An answer that came late has used up the marker's time, so the marker is claimed again.
      if (now() - sent < inbox.markerMillis / 2) return { _tag: "Fresh", sent } as const
    } else if (claimed.success._tag !== "Busy" || (waiting.transactionBegins(), waiting.isOver)) {
      return claimed.success
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
 */
const whileClaimed = Effect.fnUntraced(function*<A, E, R, R1>(
  call: Call,
  sent: number,
  effect: Effect.Effect<A, E, R>,
  encode: (value: A) => Effect.Effect<string, ResultRefused, R1>,
  restore: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
): Effect.fn.Return<A, E | ResultRefused | ClaimLost, R | R1 | Scope.Scope> {
  const marker = yield* keep(call, sent)
  const lost = Effect.flatMap(Deferred.await(marker), (reason) => Effect.fail(claimLost(call, "interrupted", reason)))
  const value = yield* Effect.onExit(
    restore(Effect.raceFirst(effect, lost)),
    (exit) => exit._tag === "Failure" ? giveBack(call) : Effect.void
  )
  const encoded = yield* Effect.result(encode(value))
  yield* finish(call, marker, Result.isSuccess(encoded) ? encoded.success : undefined)
  if (Result.isFailure(encoded)) return yield* encoded.failure
  return value
})

const claimLost = ({ claim, consumer }: Call, effect: ClaimLost["effect"], reason: string): ClaimLost =>
  new ClaimLost({ consumer, id: claim.id, effect, reason })

/** Stores the result. Repeats the request after a failure, until the marker is lost. */
const finish = Effect.fnUntraced(function*(call: Call, marker: Deferred.Deferred<string>, result: string | undefined) {
  const { claim, consumer, inbox } = call
  for (let tries = 0;; tries++) {
    const stored = yield* Effect.result(inbox.finish(consumer, claim, result))
    if (Result.isSuccess(stored)) {
      if (stored.success) return
      return yield* claimLost(call, "happened", "another call has claimed the id")
    }
    if (Deferred.isDoneUnsafe(marker) || stored.failure.kind === "refused") {
      return yield* claimLost(call, "happened", stored.failure.message)
    }
    yield* Effect.raceFirst(Backoff.pause(tries, { first: 50, cap: 1000 }), Deferred.await(marker))
  }
})

/**
 * Renews the marker while the scope is open. The returned Deferred completes with the reason when the marker is lost.
 * That is a twentieth of its time before the inbox lets another call in, as measured from before the last request.
 */
const keep = Effect.fnUntraced(function*({ claim, consumer, inbox, now }: Call, sent: number) {
  const { markerMillis } = inbox
  const lost = yield* Deferred.make<string>()
  const trusted = markerMillis * 0.95
  let deadline = sent + trusted
  let pause = markerMillis / 3
  const renew = Effect.suspend(() => {
    const sent = now()
    return Effect.timeout(inbox.renew(consumer, claim), markerMillis / 3).pipe(
      Effect.flatMap((kept) => {
        if (!kept) return Deferred.succeed(lost, "another call has claimed the id, or the marker had expired")
        deadline = sent + trusted
        pause = markerMillis / 3
        return Effect.void
      }),
      Effect.catch((error) => {
        pause = markerMillis / 12
        return Effect.logWarning(
          `The in-progress marker of an id of "${consumer}" could not be renewed; it is tried again. ${error.message}`
        )
      })
    )
  })
  const open = () => !Deferred.isDoneUnsafe(lost)
  yield* Effect.forkScoped(Effect.interruptible(
    Effect.whileLoop({ while: open, body: () => Effect.andThen(Effect.sleep(pause), renew), step: () => {} })
  ))
  // The check of the clock runs beside the renewals, so that a renewal without an answer does not delay it.
  yield* Effect.forkScoped(
    Effect.interruptible(Effect.whileLoop({
      while: () => open() && now() < deadline,
      body: () => Effect.sleep(Math.max(1, deadline - now())),
      step: () => {}
    })).pipe(Effect.andThen(Deferred.succeed(lost, "its in-progress marker could not be renewed in time")))
  )
  return lost
})
