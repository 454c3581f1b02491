/**
 * A transaction that does not get through: is it the store, which is waited for, or one of its messages, whose attempt has failed? Pure.
 *
 * Both look the same: a message may kill its own connection. Only commits of others since its trouble began prove that it is the message; a
 * store that renews leases but does not commit is waited for. A try whose body never began (no connection was to be had, say) proves
 * nothing about its messages, whoever commits meanwhile: it only makes the next pause longer.
 */
import { Hiccup, StoreFailure, TransportError, UnknownOutcome } from "../Errors.ts"
import type * as Store from "../Store.ts"
import type { StepFailed } from "./GroupCommit.ts"

/** The whole group took longer than one step may: find out which step, with a timeout on each. */
export class GroupTooSlow {
  readonly _tag = "GroupTooSlow"
}

/** What a group's transaction fails with. */
export type GroupFailure = StepFailed | GroupTooSlow | Store.TransactionFailure | StoreFailure | TransportError

/** Whether the store said it, and not a step. */
export const isOfStore = (error: unknown): error is Hiccup | UnknownOutcome | StoreFailure | TransportError =>
  error instanceof Hiccup || error instanceof UnknownOutcome || error instanceof StoreFailure
  || error instanceof TransportError

export interface Trouble {
  /** Tries in all. */
  readonly tries: number
  /** Those whose body began. */
  readonly begun: number
  /** When the first of these had failed (monotonic milliseconds). */
  readonly since: number | undefined
}

export const none: Trouble = { tries: 0, begun: 0, since: undefined }

/** Conflicts are repeated this often, then the member's attempt has failed. */
export const conflictTries = 10

/** Outages are waited for; after so many tries one looks whether it is an outage at all. */
const outageTries = 5

/** One more try has failed. */
export const more = (trouble: Trouble, began: boolean, now: number): Trouble => ({
  tries: trouble.tries + 1,
  begun: trouble.begun + (began ? 1 : 0),
  since: trouble.since ?? (began ? now : undefined)
})

/** Whether it was tried so often that it may be the message. */
export const lasts = (trouble: Trouble): boolean => trouble.begun >= outageTries

/** Whether it lasts, and something went well since it began: `well` is when that was last. */
export const lastsSince = (trouble: Trouble, well: number): boolean =>
  lasts(trouble) && trouble.since !== undefined && well > trouble.since

/** Whether a lone member's failure is not its own, and goes away. `committed` is when any other was committed last. */
export const passes = (error: GroupFailure, trouble: Trouble, committed: number): boolean => {
  switch (error._tag) {
    case "StepFailed":
    case "GroupTooSlow":
    case "TransactionAborted":
    case "CommitRejected":
      return false
    case "Hiccup":
      return error.kind === "conflict" ? trouble.begun < conflictTries : !lastsSince(trouble, committed)
    case "UnknownOutcome":
    case "StoreFailure":
    case "TransportError":
      return !lastsSince(trouble, committed)
  }
}
