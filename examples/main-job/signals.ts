/**
 * Ctrl-C. The first one interrupts the program, and every worker drains: it finishes what it has begun and gives the rest
 * back. Whoever is in a hurry presses it again. Nothing is lost either way; a drained run just goes on sooner.
 */
import { Effect } from "effect"
import type { Screen } from "./screen.ts"

/** `NodeRuntime.runMain` does the interrupting; this says so, and ends the process at the second signal. */
export const endingAtOnce = (screen: Screen) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      let signals = 0
      const listener = () => {
        signals++
        screen.clear()
        if (signals > 1) process.exit(130)
        screen.line("  Finishing what is in hand; Ctrl-C again ends at once.")
      }
      process.on("SIGINT", listener)
      return listener
    }),
    () => effect,
    (listener) => Effect.sync(() => process.off("SIGINT", listener))
  )
