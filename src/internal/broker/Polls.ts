/**
 * Receives messages in long polls, in fibers of their own. A worker that stops waiting does not end a poll, because the
 * broker would hide messages that no worker has received. The scope waits for the polls that are under way.
 *
 * If a round of polls brings full answers, the next round has twice as many polls; otherwise it has one.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { TransportError } from "../../Errors.ts"
import type { BrokerQueue, Received } from "./BrokerQueue.ts"

export interface Polls {
  /** Whether the last round failed. */
  readonly failing: () => boolean
  /** Begins a round of polls for so many messages, if none is under way. Returns the end of the round. */
  readonly begin: (messages: number) => Effect.Effect<Deferred.Deferred<void, TransportError>>
}

/** The received messages of one poll. `claimedAt` is the time before the request, in monotonic nanoseconds. */
export type Accept<R> = (messages: ReadonlyArray<R>, claimedAt: bigint) => void

/** The most polls at the same time. */
const mostPolls = 8

export const make = <R extends Received>(
  { batchSize, receive }: Pick<BrokerQueue<R>, "batchSize" | "receive">,
  options: { readonly waitMillis: number; readonly leaseMillis: number; readonly accept: Accept<R> },
  scope: Scope.Scope
): Polls => {
  let round: Deferred.Deferred<void, TransportError> | undefined
  let polls = 1
  let failing = false

  const one = Effect.fnUntraced(function*(most: number, waitMillis: number) {
    const sent = yield* Clock.monotonicTimeNanos
    const messages = yield* receive({ most, waitMillis, leaseMillis: options.leaseMillis })
    options.accept(messages, sent)
    return messages.length
  })

  const all = (messages: number): Effect.Effect<void, TransportError> => {
    const count = Math.min(polls, Math.ceil(messages / batchSize))
    const most = Math.min(batchSize, messages)
    // Only the first poll waits for messages: the others would wait beside it when there are few.
    return Effect.map(
      Effect.forEach(
        Array.from({ length: count }),
        (_, i) => one(most, i === 0 ? options.waitMillis : 0),
        { concurrency: "unbounded" }
      ),
      (received) => {
        const full = received.reduce((sum, n) => sum + n, 0) >= (count * most) / 2
        polls = full ? Math.min(mostPolls, polls * 2) : 1
      }
    )
  }

  return {
    failing: () => failing,
    begin: (messages) =>
      Effect.suspend(() => {
        if (round !== undefined) return Effect.succeed(round)
        const begun = Deferred.makeUnsafe<void, TransportError>()
        round = begun
        const running = Effect.onExit(Effect.uninterruptible(all(messages)), (exit) =>
          Effect.sync(() => {
            round = undefined
            failing = exit._tag === "Failure"
            Deferred.doneUnsafe(begun, exit)
          }))
        return Effect.as(Effect.forkIn(Effect.ignore(running), scope), begun)
      })
  }
}
