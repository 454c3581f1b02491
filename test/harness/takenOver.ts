/** A kill of a process in the middle of its work, and the time until another process handles its message. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { Child } from "./child.ts"
import { limit } from "./patience.ts"

/**
 * Kills the first process while it works on a message. The second one must not handle the message while the first one
 * renews its lease. After the kill it handles the message within one lease and a poll, and not before the lease ends.
 *
 * The last renewal is at most a third of a lease old. The bounds leave room for one that a busy machine has delayed.
 */
export const takenOver = Effect.fnUntraced(function*(first: Child, second: Child, id: string, leaseMillis: number) {
  const begins = `begins ${id}\n`
  yield* first.said(begins)
  yield* Effect.sleep(leaseMillis * 1.5)
  assert.notInclude(second.output(), begins, "the first process still renews its lease")
  const killed = performance.now()
  yield* first.signal("SIGKILL")
  yield* second.said(begins)
  const millis = performance.now() - killed
  assert.isAtLeast(millis, leaseMillis / 3, "the lease of the killed process had not ended")
  assert.isAtMost(millis, leaseMillis + limit(1000), "a lease and a poll")
})
