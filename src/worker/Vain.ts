/**
 * What is tried in vain, and since when: for `Health.ts`, which says it of a worker that looks alive and can do nothing.
 */
import * as Effect from "effect/Effect"
import type { Failing } from "../Health.ts"
import { isOfStore } from "./Trouble.ts"

/** Since when (monotonic milliseconds) something has failed each time, and what was said last. */
export interface Vain {
  readonly since: number
  readonly detail: string
}

/** One more try has failed. */
export const more = (vain: Vain | undefined, now: number, detail: string): Vain => ({
  since: vain?.since ?? now,
  detail
})

/** Notes what the store refuses; not what a step fails with. */
export const noted = <A, E, R>(
  line: { vain: Vain | undefined },
  now: () => number,
  commit: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.tapError(commit, (error) =>
    Effect.sync(() => {
      if (isOfStore(error)) line.vain = more(line.vain, now(), error.message)
    }))

/** What is tried in vain now. */
export const told = (
  now: () => number,
  asked: Readonly<Record<Failing["what"], () => Vain | undefined>>
) =>
(): ReadonlyArray<Failing> =>
  (["read", "commit"] as const).flatMap((what) => {
    const vain = asked[what]()
    return vain === undefined ? [] : [{ what, millis: now() - vain.since, detail: vain.detail }]
  })
