/**
 * Records since when reads, commits or the publishes of a relay have failed. From this `Health.ts` shows which workers
 * run but make no progress.
 */
import { StoreFailure, TransientFailure, TransportError, UnknownOutcome } from "../../Errors.ts"
import type { Failing } from "../../Health.ts"

/** Since when (monotonic milliseconds) every try has failed, and the text of the last error. */
export interface FailingSince {
  readonly since: number
  readonly detail: string
}

/** Adds a failed try. Returns the record with its error's text. */
export const more = (failing: FailingSince | undefined, now: number, detail: string): FailingSince => ({
  since: failing?.since ?? now,
  detail
})

/** Returns whether the error comes from store or transport, and not from a step. */
export const isOfStore = (error: unknown): error is TransientFailure | UnknownOutcome | StoreFailure | TransportError =>
  error instanceof TransientFailure || error instanceof UnknownOutcome || error instanceof StoreFailure
  || error instanceof TransportError

/** Returns a function that lists which of the operations fail now, and for how long. */
export const report = (
  now: () => number,
  asked: Readonly<Partial<Record<Failing["what"], () => FailingSince | undefined>>>
) =>
(): ReadonlyArray<Failing> =>
  (["read", "commit", "publish"] as const).flatMap((what) => {
    const failing = asked[what]?.()
    return failing === undefined ? [] : [{ what, millis: now() - failing.since, detail: failing.detail }]
  })
