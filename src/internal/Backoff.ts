/**
 * The pause between two tries of the runtime's own reads and writes. A user's steps are repeated by a `Schedule`
 * instead (see `Retry.ts`).
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/**
 * Sleeps twice as long after each try, from `first` to at most `cap` milliseconds. Half of the time is random, so
 * that conflicting callers do not meet again ("equal jitter" of
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `tries` counts from 0.
 */
export const pause = (
  tries: number,
  { cap, first }: { readonly first: number; readonly cap: number }
): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => Effect.sleep(Math.min(cap, first * 2 ** tries) * (0.5 + random / 2)))
