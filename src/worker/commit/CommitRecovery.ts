/**
 * Decides what follows a failed transaction of a group. Pure: the committer executes what `next` returns.
 *
 * | what failed | the group as a whole | each in a savepoint | a member alone |
 * | --- | --- | --- | --- |
 * | a commit step of a member | fail that member, savepoints for the others | alone | fail it |
 * | a commit step of a batch, or the group took too long | savepoints | alone | fail it |
 * | the transaction was left aborted | savepoints | alone | fail it |
 * | COMMIT was refused | alone | alone | fail it |
 * | a defect | alone | alone | fail it |
 * | a conflict | wait, then halves | repeat 10 times, then alone | repeat 10 times, then fail it |
 * | the store refused a request of the runtime | alone | alone | repeat 3 times, then fail it |
 * | its session ended | repeat, alone after 5 tries and a proof | alone | repeat, fail it after 5 and a proof |
 * | the store is unavailable, or did not respond | repeat, alone if others commit | alone | repeat, fail if others do |
 *
 * A repeat waits first. A group of one member is tried alone where the table says savepoints or halves, and where the
 * store refused it, it counts as alone.
 *
 * An unavailable store and a message that ends its own connection look the same. A commit of others since the trouble
 * began proves that it is the message. Where nothing else is committed and sessions end, a transaction without a
 * message is the proof. An error that names the store unavailable is waited out. A try whose body never began (no
 * connection was free, say) proves nothing about its messages: it only makes the next pause longer.
 */
import type { StoreFailure, TransportError } from "../../Errors.ts"
import type * as Store from "../../Store.ts"
import type { StepFailed } from "./GroupCommit.ts"

/** The whole group took longer than one step may: find out which step, with a timeout on each. */
export class GroupTooSlow {
  readonly _tag = "GroupTooSlow"
}

/** The errors of a group's transaction. */
export type GroupFailure = StepFailed | GroupTooSlow | Store.TransactionFailure | StoreFailure | TransportError

/** One failed transaction. */
export interface Failure {
  /** Undefined: a defect. */
  readonly error: GroupFailure | undefined
  /** Whether the transaction's body began: without a connection it does not. */
  readonly began: boolean
  /** Monotonic milliseconds. */
  readonly at: number
}

/** The failed tries of the same members so far. */
export interface FailedTries {
  readonly tries: number
  /** Those whose body began. */
  readonly begun: number
  /** When the first of these had failed (monotonic milliseconds). */
  readonly since: number | undefined
}

export const none: FailedTries = { tries: 0, begun: 0, since: undefined }

/** How the members were tried: all in one transaction, each in a savepoint of one, or one member in its own. */
export type Form = "whole" | "savepoints" | "alone"

/** The state that the decision needs, beside the failure. */
export interface State {
  readonly form: Form
  readonly members: number
  /**
   * Whether the statements of all steps were sent together: then the steps have no timeouts, and a failed one hides
   * behind others.
   */
  readonly together: boolean
  /** Whether the engine has savepoints. */
  readonly savepoints: boolean
  /** Before the transaction that has just failed. */
  readonly trouble: FailedTries
  /** When any other message of this worker was committed last (monotonic milliseconds). */
  readonly committedAt: number
  /**
   * When a transaction without a message was committed last, to see whether the store commits at all (monotonic
   * milliseconds).
   */
  readonly provedAt: number
  /** When the newest confirmed renewal of the leases had been sent (monotonic milliseconds). */
  readonly renewedAt: number
}

export interface Pause {
  /** How many pauses there were before. */
  readonly tries: number
  /** Milliseconds. */
  readonly first: number
  readonly cap: number
}

/** How the members are tried next. */
export type Try =
  /** All in one transaction. */
  | { readonly _tag: "Whole"; readonly trouble: FailedTries }
  /** Two transactions, one after the other. */
  | { readonly _tag: "Halve"; readonly trouble: FailedTries }
  /** One transaction, in which each has a savepoint of its own. */
  | { readonly _tag: "Savepoints"; readonly trouble: FailedTries }
  /** Each in a transaction of its own. */
  | { readonly _tag: "Alone"; readonly trouble: FailedTries }

export type Move =
  | Try
  | { readonly _tag: "WaitThen"; readonly pause: Pause; readonly then: Try }
  /**
   * The attempt of one member has failed: the member whose step failed, or the one that is alone. `then` is for the
   * others.
   */
  | { readonly _tag: "FailMember"; readonly then: Try }

/** Conflicts are repeated this often. */
const conflictTries = 10

/** Outages are waited for; after so many tries it may be the message. */
const outageTries = 5

/** A refusal of the store mostly persists: the cause is a role or a session state that a commit step left behind. */
const refusedTries = 3

type Meaning = "step" | "own" | "rejected" | "conflict" | "refused" | "ended" | "away"

const meaningOf = (error: GroupFailure | undefined): Meaning => {
  switch (error?._tag) {
    case "StepFailed":
      return error.of === undefined ? "own" : "step"
    case "GroupTooSlow":
    case "TransactionAborted":
      return "own"
    case "CommitRejected":
    case undefined:
      return "rejected"
    case "TransientFailure":
      return error.kind === "conflict" ? "conflict" : endsSession(error.code) ? "ended" : "away"
    case "StoreFailure":
      return error.kind === "refused" ? "refused" : "away"
    case "TransportError":
      return error.kind === "permanent" ? "refused" : "away"
    case "UnknownOutcome":
      return "away"
  }
}

/**
 * No SQLSTATE at all: the connection closed. The others: it was lost, the server ended it, or ended what took too long
 * in it.
 */
const endsSession = (code: string): boolean =>
  code === "" || code.startsWith("08") || code.startsWith("57P") || code === "25P03" || code === "25P04"

const isOwn = (meaning: Meaning): boolean => meaning === "step" || meaning === "own" || meaning === "rejected"

/** Whether smaller groups would have less of this. */
export const isCrowded = ({ error }: Failure): boolean =>
  error?._tag === "GroupTooSlow" || meaningOf(error) === "conflict"

/** Whether it is the store that is waited for. */
export const isOutage = ({ error }: Failure): boolean => !isOwn(meaningOf(error)) && meaningOf(error) !== "conflict"

/** Whether a transaction without a message would tell whether it is the store or the message. */
export const needsProof = (state: State, failure: Failure): boolean => {
  const trouble = more(state.trouble, failure)
  return state.form !== "savepoints" && meaningOf(failure.error) === "ended" && persists(trouble)
    && !persistsSince(trouble, Math.max(state.committedAt, state.provedAt))
}

export const next = (state: State, failure: Failure): Move => {
  const trouble = more(state.trouble, failure)
  switch (state.form) {
    case "whole":
      return afterWhole(state, failure, trouble)
    case "savepoints":
      // The store, or the member at which it stopped: one by one the others need not wait for that one.
      return meaningOf(failure.error) === "conflict" && trouble.tries <= conflictTries
        ? wait(inConflict, trouble, { _tag: "Savepoints", trouble })
        : { _tag: "Alone", trouble: none }
    case "alone":
      return afterAlone(state, failure, trouble)
  }
}

const afterWhole = (state: State, failure: Failure, trouble: FailedTries): Move => {
  const meaning = meaningOf(failure.error)
  const apart: Try = { _tag: state.savepoints ? "Savepoints" : "Alone", trouble: none }
  if (isOwn(meaning) && state.members === 1 && !state.together) return afterAlone(state, failure, trouble)
  switch (meaning) {
    case "step":
      return { _tag: "FailMember", then: apart }
    case "own":
      return apart
    case "rejected":
      return { _tag: "Alone", trouble: none }
    case "conflict":
      return wait(inConflict, trouble, { _tag: state.members === 1 ? "Alone" : "Halve", trouble })
    case "refused":
      return state.members === 1 ? afterAlone(state, failure, trouble) : { _tag: "Alone", trouble: none }
    case "ended":
    case "away":
      // Several tries have failed, and the store responds to others.
      return wait(inOutage, trouble, {
        _tag: persistsSince(trouble, Math.max(state.committedAt, state.provedAt, state.renewedAt)) ? "Alone" : "Whole",
        trouble
      })
  }
}

const afterAlone = (state: State, { error }: Failure, trouble: FailedTries): Move => {
  const again = wait(inOutage, trouble, { _tag: "Alone", trouble })
  const failed: Move = { _tag: "FailMember", then: { _tag: "Alone", trouble: none } }
  switch (meaningOf(error)) {
    case "step":
    case "own":
    case "rejected":
      return failed
    case "conflict":
      return trouble.begun < conflictTries ? again : failed
    case "refused":
      return trouble.begun < refusedTries ? again : failed
    case "ended":
      return persistsSince(trouble, Math.max(state.committedAt, state.provedAt)) ? failed : again
    case "away":
      return persistsSince(trouble, state.committedAt) ? failed : again
  }
}

/** One more try has failed. */
const more = (trouble: FailedTries, { at, began }: Failure): FailedTries => ({
  tries: trouble.tries + 1,
  begun: trouble.begun + (began ? 1 : 0),
  since: trouble.since ?? (began ? at : undefined)
})

/** Milliseconds between tries. */
const inConflict = { first: 5, cap: 500 }
const inOutage = { first: 5, cap: 2000 }

const wait = (times: typeof inConflict, { tries }: FailedTries, then: Try): Move => ({
  _tag: "WaitThen",
  pause: { tries: tries - 1, ...times },
  then
})

/** Whether it was tried so often that it may be the message. */
export const persists = (trouble: FailedTries): boolean => trouble.begun >= outageTries

/** Whether it lasts, and something went well since it began: `well` is when that was last. */
const persistsSince = (trouble: FailedTries, well: number): boolean =>
  persists(trouble) && trouble.since !== undefined && well > trouble.since
