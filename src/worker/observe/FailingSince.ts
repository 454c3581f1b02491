/**
 * Records since when reads or commits have failed. `Health.ts` shows it of a worker that looks alive and can do
 * nothing.
 */
import { StoreFailure, TransientFailure, TransportError, UnknownOutcome } from "../../Errors.ts"
import type { Failing } from "../../Health.ts"

/** Since when (monotonic milliseconds) something has failed each time, and what was said last. */
export interface FailingSince {
  readonly since: number
  readonly detail: string
}

/** One more try has failed. */
export const more = (failing: FailingSince | undefined, now: number, detail: string): FailingSince => ({
  since: failing?.since ?? now,
  detail
})

/** Whether the store said it, and not a step. */
export const isOfStore = (error: unknown): error is TransientFailure | UnknownOutcome | StoreFailure | TransportError =>
  error instanceof TransientFailure || error instanceof UnknownOutcome || error instanceof StoreFailure
  || error instanceof TransportError

/** Reports the operations that fail now. */
export const report = (
  now: () => number,
  asked: Readonly<Record<Failing["what"], () => FailingSince | undefined>>
) =>
(): ReadonlyArray<Failing> =>
  (["read", "commit"] as const).flatMap((what) => {
    const failing = asked[what]()
    return failing === undefined ? [] : [{ what, millis: now() - failing.since, detail: failing.detail }]
  })
