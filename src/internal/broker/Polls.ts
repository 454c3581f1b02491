/**
 * Receives messages in long polls, in fibers of their own. A worker that stops waiting does not end a poll, because the
 * broker would hide messages that no worker has received. The scope waits for the polls that are under way.
 *
 * A round that finds nothing takes some time, however soon the broker answers. So no broker is asked in a loop.
 *
 * If a round of polls brings full answers, the next round has twice as many polls; otherwise it has one. A round asks
 * for as many messages as the worker has bytes for, judged by the size of the last ones.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { TransportError } from "../../Errors.ts"
import type { Demand } from "../../Transport.ts"
import { MessageSizes } from "../MessageSizes.ts"
import type { BrokerQueue, Received } from "./BrokerQueue.ts"

export interface Polls {
  /** Whether the last round failed. */
  readonly failing: () => boolean
  /** Waits for a round of polls for so many messages and bytes. Begins the round if none is under way. */
  readonly round: (wanted: Pick<Demand, "bytes" | "messages">) => Effect.Effect<void, TransportError>
}

/**
 * Takes the received messages of one poll, and returns their bytes. `claimedAt` is the time before the request, in
 * monotonic nanoseconds.
 */
export type Accept<R> = (messages: ReadonlyArray<R>, claimedAt: bigint) => number

/** The most polls at the same time. */
const mostPolls = 8

export const make = <R extends Received>(
  { batchSize, receive }: Pick<BrokerQueue<R>, "batchSize" | "receive">,
  options: {
    /** How long a poll waits at the broker for messages. */
    readonly waitMillis: number
    /** After an empty round, the next one begins this long after it began. */
    readonly restMillis: number
    readonly leaseMillis: number
    readonly accept: Accept<R>
  },
  scope: Scope.Scope
): Polls => {
  let round: Deferred.Deferred<void, TransportError> | undefined
  let polls = 1
  let failing = false
  let restUntil = -Infinity
  const sizes = new MessageSizes()

  const one = Effect.fnUntraced(function*(most: number, waitMillis: number) {
    const sent = yield* Clock.monotonicTimeNanos
    // A fiber of its own ends the request. Neither a poll beside it that fails nor the end of the scope interrupts it.
    const request = Effect.interruptible(receive({ most, waitMillis, leaseMillis: options.leaseMillis }))
    const messages = yield* Effect.flatMap(Effect.forkDetach(request, { startImmediately: true }), Fiber.join)
    sizes.note(messages.length, options.accept(messages, sent))
    return messages.length
  })

  const all = Effect.fnUntraced(
    function*(wanted: Parameters<Polls["round"]>[0]): Effect.fn.Return<void, TransportError> {
      const began = yield* nowMillis
      const messages = Math.min(wanted.messages, sizes.fitInto(wanted.bytes))
      const count = Math.min(polls, Math.ceil(messages / batchSize))
      const most = Math.min(batchSize, messages)
      // Only the first poll waits for messages: the others would wait beside it when there are few.
      const received = yield* Effect.forEach(
        Array.from({ length: count }),
        (_, i) => one(most, i === 0 ? options.waitMillis : 0),
        { concurrency: "unbounded" }
      )
      const found = received.reduce((sum, n) => sum + n, 0)
      polls = found >= (count * most) / 2 ? Math.min(mostPolls, polls * 2) : 1
      restUntil = found > 0 ? -Infinity : began + options.restMillis
    }
  )

  /** Begins a round in a fiber of its own. */
  const begin = (wanted: Parameters<Polls["round"]>[0]) =>
    Effect.suspend(() => {
      const begun = Deferred.makeUnsafe<void, TransportError>()
      round = begun
      const running = Effect.onExit(Effect.uninterruptible(all(wanted)), (exit) =>
        Effect.sync(() => {
          round = undefined
          failing = exit._tag === "Failure"
          Deferred.doneUnsafe(begun, exit)
        }))
      return Effect.andThen(Effect.forkIn(Effect.ignore(running), scope), Deferred.await(begun))
    })

  return {
    failing: () => failing,
    round: (wanted) =>
      Effect.flatMap(nowMillis, (now) => {
        if (round !== undefined) return Deferred.await(round)
        const rest = restUntil - now
        return rest > 0 ? Effect.andThen(Effect.sleep(Math.ceil(rest)), begin(wanted)) : begin(wanted)
      })
  }
}

const nowMillis = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)
