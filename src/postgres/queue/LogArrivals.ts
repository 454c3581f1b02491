/**
 * Waits for new entries of a log, in a fiber of its own. A request that waits at the server is not given up with the
 * call that needs it, since its connection could not be used again.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { LogReader } from "./LogReader.ts"

export interface LogArrivals {
  /** Waits until a shard may have new entries, for a limited time. */
  readonly next: Effect.Effect<void>
}

export const make = Effect.fnUntraced(function*(
  reader: LogReader
): Effect.fn.Return<LogArrivals, never, Scope.Scope> {
  const wanted = Latch.makeUnsafe(false)
  const arrived = Latch.makeUnsafe(false)
  const wait = Effect.suspend(() => {
    const after = reader.awaited()
    // The next poll fails with the same error, and reports it. Without a lane there is nothing to wait for.
    return after.size === 0 ? Effect.sleep("100 millis") : Effect.catch(
      reader.log.arrival(after),
      () => Effect.sleep("1 second")
    )
  })
  const round = Effect.andThen(
    wanted.await,
    Effect.andThen(
      wait,
      Effect.sync(() => {
        wanted.closeUnsafe()
        arrived.openUnsafe()
      })
    )
  )
  yield* Effect.forkScoped(Effect.forever(round))
  return {
    next: Effect.suspend(() => {
      arrived.closeUnsafe()
      wanted.openUnsafe()
      return arrived.await
    })
  }
})
