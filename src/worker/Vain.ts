/**
 * What is tried in vain, and since when: for `Health.ts`, which says it of a worker that looks alive and can do nothing.
 */
import { Hiccup, StoreFailure, TransportError, UnknownOutcome } from "../Errors.ts"
import type { Failing } from "../Health.ts"

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

/** Whether the store said it, and not a step. */
export const isOfStore = (error: unknown): error is Hiccup | UnknownOutcome | StoreFailure | TransportError =>
  error instanceof Hiccup || error instanceof UnknownOutcome || error instanceof StoreFailure
  || error instanceof TransportError

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
