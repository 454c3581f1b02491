/**
 * Handles Ctrl-C.
 *
 * The first one interrupts the program, and every worker stops gracefully: it finishes running attempts and releases
 * the rest. The second one ends the process at once. Nothing is lost either way, but a run that stopped gracefully
 * continues sooner.
 */
import { Effect } from "effect"
import type { Screen } from "./screen.ts"

/** Announces the graceful stop, which `NodeRuntime.runMain` starts, and ends the process at the second signal. */
export const endingAtOnce = (screen: Screen) => <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      let signals = 0
      const listener = () => {
        signals++
        screen.clear()
        if (signals > 1) process.exit(130)
        screen.line("  Finishing running attempts; Ctrl-C again ends at once.")
      }
      process.on("SIGINT", listener)
      return listener
    }),
    () => effect,
    (listener) => Effect.sync(() => process.off("SIGINT", listener))
  )
