/**
 * Waiting between two tries of what is repeated until it works: the runtime's own reads and writes, not people's steps (those have a
 * `Schedule`, see `Retry.ts`).
 */
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"

/**
 * Twice as long after each try, from `first` to at most `cap` milliseconds, half of it random: those that were in each other's way should not
 * meet again ("equal jitter" of https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `tries` counts from 0.
 */
export const pause = (
  tries: number,
  { cap, first }: { readonly first: number; readonly cap: number }
): Effect.Effect<void> =>
  Effect.flatMap(Random.next, (random) => Effect.sleep(Math.min(cap, first * 2 ** tries) * (0.5 + random / 2)))
