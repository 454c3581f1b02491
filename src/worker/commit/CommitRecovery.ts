/**
 * Decides what follows a failed transaction of a group. The functions are pure, and the committer executes what `next`
 * returns.
 *
 * | what failed | the group as a whole | each in a savepoint | a member alone |
 * | --- | --- | --- | --- |
 * | a commit step of a member | fail that member, savepoints for the others | alone | fail it |
 * | a commit step of a batch, or the group took too long | savepoints | alone | fail it |
 * | the transaction was left aborted | savepoints | alone | fail it |
 * | COMMIT was refused | alone | alone | fail it |
 * | a defect | alone | alone | fail it |
 * | a conflict | wait, then halves | repeat 10 times, then alone | repeat, fail it at the 10th |
 * | the store refused a request of the runtime | alone | alone | repeat, fail it at the 3rd |
 * | its session ended | repeat, alone after 5 tries if the store works | alone | repeat, fail after 5 if it commits |
 * | the store is unavailable | repeat, alone after 5 tries if the store works | alone | the same, if others commit |
 *
 * A store that did not respond counts as unavailable. The store "commits" if it committed other messages or a proof
 * since the first of these failures. For a whole group, a confirmed renewal of the leases is proof enough that the
 * store "works".
 *
 * Before a repeat there is a pause. A group of one member is tried alone after a conflict. It counts as a member alone
 * if the store refused its request. It also counts as a member alone after the failures in the first five rows, unless
 * its statements were sent together.
 *
 * An unavailable store and a message that ends its own database session look the same. If other messages were
 * committed since the first failure, the message is the cause, and its attempt fails. If sessions end and nothing else
 * is committed, the committer runs a transaction without a message (the proof). Its success shows the same. Otherwise,
 * while errors say that the store is unavailable, the message is tried again. A try whose body never began (no
 * database connection was free, say) proves nothing about its messages. Such a try only makes the next pause longer.
 */
import type { StoreFailure, TransportError } from "../../Errors.ts"
import type * as Store from "../../Store.ts"
import type { StepFailed } from "./GroupCommit.ts"

/**
 * The whole group took longer than one step may take. The next try has a timeout on each step, and so shows which step
 * is slow.
 */
export class GroupTooSlow {
  readonly _tag = "GroupTooSlow"
}

/** The errors with which a group's transaction can fail. */
export type GroupFailure = StepFailed | GroupTooSlow | Store.TransactionFailure | StoreFailure | TransportError

/** One failed transaction. */
export interface Failure {
  /** Undefined if the cause was a defect. */
  readonly error: GroupFailure | undefined
  /** Whether the transaction's body began. Without a free database connection it does not begin. */
  readonly began: boolean
  /** Monotonic milliseconds. */
  readonly at: number
}

/** The failed tries of the same members so far. */
export interface FailedTries {
  readonly tries: number
  /** The number of tries whose body began. */
  readonly begun: number
  /** When the first try whose body began had failed (monotonic milliseconds). */
  readonly since: number | undefined
}

export const none: FailedTries = { tries: 0, begun: 0, since: undefined }

/**
 * How the members were tried: all in one transaction, each in its own savepoint of one transaction, or one member in
 * its own transaction.
 */
export type Form = "whole" | "savepoints" | "alone"

/** The state that `next` decides from, beside the failure. */
export interface State {
  readonly form: Form
  readonly members: number
  /**
   * Whether the statements of all steps were sent together. Then no step has a timeout of its own, and the failure does
   * not show reliably which member failed.
   */
  readonly together: boolean
  /** Whether the engine has savepoints. */
  readonly savepoints: boolean
  /** The failed tries before the transaction that has just failed. */
  readonly failedTries: FailedTries
  /** When any other message of this worker was committed last (monotonic milliseconds). */
  readonly committedAt: number
  /**
   * When a transaction without a message was last committed (monotonic milliseconds). It shows that the store commits.
   */
  readonly provedAt: number
  /** When the newest confirmed renewal of the leases was sent (monotonic milliseconds). */
  readonly renewedAt: number
}

export interface Pause {
  /** How many pauses were made before. */
  readonly tries: number
  /** Milliseconds. */
  readonly first: number
  readonly cap: number
}

/** How the members are tried next. */
export type Try =
  /** All members are tried in one transaction. */
  | { readonly _tag: "Whole"; readonly failedTries: FailedTries }
  /** Each half of the members is tried in a transaction, one after the other. */
  | { readonly _tag: "Halve"; readonly failedTries: FailedTries }
  /** All members are tried in one transaction, each in a savepoint of its own. */
  | { readonly _tag: "Savepoints"; readonly failedTries: FailedTries }
  /** Each member is tried in a transaction of its own. */
  | { readonly _tag: "Alone"; readonly failedTries: FailedTries }

export type Move =
  | Try
  | { readonly _tag: "WaitThen"; readonly pause: Pause; readonly then: Try }
  /**
   * The attempt of one member has failed: the member whose step failed, or the one that is alone. `then` is for the
   * others.
   */
  | { readonly _tag: "FailMember"; readonly then: Try }

/** A member alone fails at this many conflicts in a row. A pass through savepoints is repeated this often at most. */
const conflictTries = 10

/** After this many tries during an outage, the message itself may be the cause. */
const outageTries = 5

/**
 * A refusal of the store mostly persists, so there are few tries. Its cause is mostly a role or a session state that a
 * commit step left behind.
 */
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
 * Returns whether the SQLSTATE says that the database session ended. No SQLSTATE means that the connection closed. The
 * other codes mean that the connection was lost, or that the server ended the session or a transaction that took too
 * long.
 */
const endsSession = (code: string): boolean =>
  code === "" || code.startsWith("08") || code.startsWith("57P") || code === "25P03" || code === "25P04"

const isOwn = (meaning: Meaning): boolean => meaning === "step" || meaning === "own" || meaning === "rejected"

/** Returns whether smaller groups would make this failure less likely. */
export const isCrowded = ({ error }: Failure): boolean =>
  error?._tag === "GroupTooSlow" || meaningOf(error) === "conflict"

/** Returns whether the failure is the store's, and not the message's or a conflict. */
export const isOutage = ({ error }: Failure): boolean => !isOwn(meaningOf(error)) && meaningOf(error) !== "conflict"

/**
 * Returns whether a transaction without a message should be run, to distinguish a failing store from a failing message.
 */
export const needsProof = (state: State, failure: Failure): boolean => {
  const failedTries = more(state.failedTries, failure)
  return state.form !== "savepoints" && meaningOf(failure.error) === "ended" && persists(failedTries)
    && !persistsSince(failedTries, Math.max(state.committedAt, state.provedAt))
}

export const next = (state: State, failure: Failure): Move => {
  const failedTries = more(state.failedTries, failure)
  switch (state.form) {
    case "whole":
      return afterWhole(state, failure, failedTries)
    case "savepoints":
      // The pass failed because of the store, or because of one member. If each member is tried alone, the others need
      // not wait for that one.
      return meaningOf(failure.error) === "conflict" && failedTries.tries <= conflictTries
        ? wait(inConflict, failedTries, { _tag: "Savepoints", failedTries })
        : { _tag: "Alone", failedTries: none }
    case "alone":
      return afterAlone(state, failure, failedTries)
  }
}

const afterWhole = (state: State, failure: Failure, failedTries: FailedTries): Move => {
  const meaning = meaningOf(failure.error)
  const apart: Try = { _tag: state.savepoints ? "Savepoints" : "Alone", failedTries: none }
  if (isOwn(meaning) && state.members === 1 && !state.together) return afterAlone(state, failure, failedTries)
  switch (meaning) {
    case "step":
      return { _tag: "FailMember", then: apart }
    case "own":
      return apart
    case "rejected":
      return { _tag: "Alone", failedTries: none }
    case "conflict":
      return wait(inConflict, failedTries, { _tag: state.members === 1 ? "Alone" : "Halve", failedTries })
    case "refused":
      return state.members === 1 ? afterAlone(state, failure, failedTries) : { _tag: "Alone", failedTries: none }
    case "ended":
    case "away":
      // Several tries have failed although the store has responded since, so each member is tried alone.
      return wait(inOutage, failedTries, {
        _tag: persistsSince(failedTries, Math.max(state.committedAt, state.provedAt, state.renewedAt))
          ? "Alone"
          : "Whole",
        failedTries
      })
  }
}

const afterAlone = (state: State, { error }: Failure, failedTries: FailedTries): Move => {
  const again = wait(inOutage, failedTries, { _tag: "Alone", failedTries })
  const failed: Move = { _tag: "FailMember", then: { _tag: "Alone", failedTries: none } }
  switch (meaningOf(error)) {
    case "step":
    case "own":
    case "rejected":
      return failed
    case "conflict":
      return failedTries.begun < conflictTries ? again : failed
    case "refused":
      return failedTries.begun < refusedTries ? again : failed
    case "ended":
      return persistsSince(failedTries, Math.max(state.committedAt, state.provedAt)) ? failed : again
    case "away":
      return persistsSince(failedTries, state.committedAt) ? failed : again
  }
}

/** Adds a failed try. */
const more = (failedTries: FailedTries, { at, began }: Failure): FailedTries => ({
  tries: failedTries.tries + 1,
  begun: failedTries.begun + (began ? 1 : 0),
  since: failedTries.since ?? (began ? at : undefined)
})

/** Milliseconds between tries. */
const inConflict = { first: 5, cap: 500 }
const inOutage = { first: 5, cap: 2000 }

const wait = (times: typeof inConflict, { tries }: FailedTries, then: Try): Move => ({
  _tag: "WaitThen",
  pause: { tries: tries - 1, ...times },
  then
})

/** Returns whether the tries are so many that the message itself may be the cause. */
export const persists = (failedTries: FailedTries): boolean => failedTries.begun >= outageTries

/**
 * Returns whether the failures persist although the store worked after the first of them. `well` is the last time at
 * which the store was seen to work.
 */
const persistsSince = (failedTries: FailedTries, well: number): boolean =>
  persists(failedTries) && failedTries.since !== undefined && well > failedTries.since
