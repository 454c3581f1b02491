/** Measures how long the event loop of this process was blocked, for `Health.ts`. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { monitorEventLoopDelay } from "node:perf_hooks"

/**
 * The length of a window in which the delay of the event loop is measured. A delay is remembered for at least one
 * window.
 */
const windowMillis = 10_000

/** Returns the longest delay of this window and the previous one, in milliseconds. */
export const loopDelay = Effect.gen(function*() {
  const resolution = 10
  const histogram = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )
  let before = 0
  const clock = yield* Clock.Clock
  let began = clock.monotonicTimeNanosUnsafe()
  return () => {
    const now = histogram.max / 1e6
    const longest = Math.max(before, now)
    const time = clock.monotonicTimeNanosUnsafe()
    if (Number(time - began) / 1e6 > windowMillis) {
      before = now
      began = time
      histogram.reset()
    }
    // The measured delay includes the histogram's own interval.
    return Math.max(0, longest - resolution)
  }
})
