/**
 * Deletes committed messages at a broker, many in a request, beside the worker. No commit waits for it.
 *
 * A delete that fails is repeated. A message whose delete never succeeds is handed out again, and its commit is then a
 * duplicate.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import * as Backoff from "../Backoff.ts"
import type { BrokerQueue } from "./BrokerQueue.ts"
import type { Entry, Held } from "./Held.ts"

/** The most delete requests at the same time. */
const deleters = 4

/** While so many deletes wait, nothing more is received. */
const mostWaiting = 1_000

/** How often a delete that failed is repeated. After that, the broker hands the message out again. */
const mostTries = 10

export interface Acknowledger {
  readonly add: (entry: Entry) => void
  /** Whether too many deletes wait. */
  readonly isFull: () => boolean
  /** Waits until every delete is done, for so long at most. */
  readonly flush: (most: Duration.Input) => Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(
  { batchSize, lingerMillis, remove }: Pick<BrokerQueue, "batchSize" | "lingerMillis" | "remove">,
  held: Held
): Effect.fn.Return<Acknowledger, never, Scope.Scope> {
  const waiting: Array<{ readonly entry: Entry; readonly tries: number }> = []
  let running = 0
  const added = Latch.makeUnsafe(false)
  const ended = Latch.makeUnsafe(true)

  const settle = (
    some: ReadonlyArray<{ readonly entry: Entry; readonly tries: number }>,
    failed: ReadonlyArray<boolean>
  ) => {
    some.forEach(({ entry, tries }, i) => {
      if (failed[i] === true && tries < mostTries && held.has(entry)) waiting.push({ entry, tries: tries + 1 })
      else held.remove(entry)
    })
  }

  const next = Effect.suspend(() => {
    if (waiting.length === 0) {
      added.closeUnsafe()
      return added.await
    }
    return waiting.length < batchSize ? Effect.sleep(lingerMillis) : Effect.void
  })
  const batch = Effect.suspend(() => {
    const some = waiting.splice(0, batchSize)
    if (some.length === 0) return Effect.void
    running++
    return remove(some.map(({ entry }) => entry.handle)).pipe(
      Effect.matchEffect({
        onSuccess: (results) => {
          settle(some, results.map((result) => result !== undefined))
          return results.some((result) => result !== undefined) ? Backoff.pause(some[0]!.tries, pauses) : Effect.void
        },
        onFailure: () => {
          settle(some, some.map(() => true))
          return Backoff.pause(some[0]!.tries, pauses)
        }
      }),
      Effect.ensuring(Effect.sync(() => {
        running--
        if (running === 0 && waiting.length === 0) ended.openUnsafe()
      }))
    )
  })
  yield* Effect.forEach(
    Array.from({ length: deleters }),
    () => Effect.forkScoped(Effect.forever(Effect.andThen(next, batch))),
    { discard: true }
  )
  return {
    add: (entry) => {
      waiting.push({ entry, tries: 0 })
      ended.closeUnsafe()
      added.openUnsafe()
    },
    isFull: () => waiting.length > mostWaiting,
    flush: (most) => Effect.ignore(Effect.timeout(ended.await, most))
  }
})

const pauses = { first: 50, cap: 2_000 }
