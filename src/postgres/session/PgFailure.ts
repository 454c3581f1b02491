/**
 * Classifies a failed transaction: the user's failure, a transient failure, an aborted transaction, a refused COMMIT,
 * an unknown outcome. All functions here are pure.
 *
 * The last SQLSTATE on the transaction's connection decides, not the error that the body failed with. Users wrap SQL
 * errors in errors of their own, and a dying connection arrives as a defect. There is one exception: if a savepoint
 * has undone the failed statement, the body's error decides. For example, a step catches a conflict outside of its
 * savepoint, and then fails with an error of its own.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as SqlError from "effect/sql/SqlError"
import {
  CommitRejected,
  StoreFailure,
  TransactionAborted,
  TransientFailure,
  TransportError,
  UnknownOutcome
} from "../../Errors.ts"
import type { TransactionFailure } from "../../Store.ts"

/**
 * The meaning of an SQLSTATE. After `conflict` and `unavailable` a retry can help. `aborted` says that an earlier
 * statement failed, and `other` that this statement is at fault.
 */
export type Kind = "conflict" | "unavailable" | "aborted" | "other"

const kinds: Readonly<Record<string, Kind>> = {
  "40001": "conflict", // serialization failure
  "40P01": "conflict", // deadlock
  "55P03": "conflict", // lock timeout, nowait
  "25P02": "aborted", // in failed transaction
  "25P03": "unavailable", // idle in transaction timeout, which Millrace sets on its sessions (`Pools.ts`)
  "25P04": "unavailable", // transaction timeout, which Millrace sets on committers' sessions
  "25006": "unavailable" // the server is read-only, since a failover is under way
}

const classes: Readonly<Record<string, Kind>> = {
  "08": "unavailable", // connection
  "53": "unavailable", // disk full, out of memory, too many connections
  "58": "unavailable" // system error outside of Postgres
}

/**
 * Returns the meaning of an SQLSTATE. All codes 57P.. are `unavailable`, since the server ends or has ended the
 * session. 57014, a cancelled query, is `other`: it comes from a user's own timeout.
 */
export const kindOf = (code: string): Kind =>
  kinds[code] ?? classes[code.slice(0, 2)] ?? (code.startsWith("57P") ? "unavailable" : "other")

/** Returns whether COMMIT may have happened although it failed with this code: the connection or its server ended. */
const hidesOutcome = (code: string): boolean =>
  code === "" || code === "40003" || code.startsWith("08") || code.startsWith("57P")

/**
 * Returns the SQLSTATE of a driver's error, or "" if the server did not send one (the connection died, or a parameter
 * could not be encoded).
 *
 * A standby refuses to read an unlogged table with the code for "not supported". The cause is that a standby is
 * read-only, so this function returns 25006 instead.
 */
export const codeOf = (error: SqlError.SqlError): string => {
  const cause: unknown = error.reason.cause
  if (typeof cause !== "object" || cause === null || !("code" in cause) || typeof cause.code !== "string") return ""
  if (cause.code === "0A000" && "routine" in cause && cause.routine === "get_relation_info") return "25006"
  return /^[0-9A-Z]{5}$/.test(cause.code) ? cause.code : ""
}

/**
 * Returns whether this code means that the session cannot be used any more. Its server was demoted (25006), ends (57P),
 * or has lost the protocol's state (08).
 *
 * A proxy may keep a connection to the old primary open through a failover. All statements on it then fail with such a
 * code, and only a new connection reaches the new primary. A transaction that a user has made read-only also fails with
 * 25006. Its connection is then replaced without need, which does no harm.
 */
export const isUnusable = (code: string): boolean => code === "25006" || code.startsWith("08") || code.startsWith("57P")

/** Returns whether the connection is gone: the driver reports a connection error without an SQLSTATE. */
export const isLost = (error: SqlError.SqlError): boolean =>
  error.reason._tag === "ConnectionError" && codeOf(error) === ""

/**
 * Returns whether the server has undone the failed statement, and may accept another one of the same kind. Returns
 * false if it is not available, or if the statement may be committed although no answer came.
 */
export const isRefused = (error: SqlError.SqlError): boolean => {
  const code = codeOf(error)
  return code === "" ? !isLost(error) : kindOf(code) !== "unavailable" && !hidesOutcome(code)
}

/**
 * Returns whether an error means that a session's prepared statements are gone or stale. The causes are `deallocate
 * all`, a pooler that gave the transaction another server connection, and a table that was altered. The driver prepares
 * a statement again, but not within a transaction. An error about a statement that a user has prepared does not count.
 */
export const isStaleStatement = (error: SqlError.SqlError): boolean =>
  isUnknownName(error) || (codeOf(error) === "0A000" && routineOf(error) === "RevalidateCachedQuery")

const isUnknownName = (error: SqlError.SqlError): boolean =>
  codeOf(error) === "26000" && /"effect_[0-9a-f]{16}_\d+"/.test(messageOf(error))

/** Returns the server's function that raised the error. The error's text would not do, since it may be translated. */
const routineOf = (error: SqlError.SqlError): unknown => {
  const cause: unknown = error.reason.cause
  return typeof cause === "object" && cause !== null && "routine" in cause ? cause.routine : undefined
}

/**
 * Returns whether an error shows a pooler that the layer was not configured for (`pooler: true`). Such a pooler refuses
 * session settings, or loses prepared statements.
 */
const isPooler = (error: SqlError.SqlError): boolean =>
  isUnknownName(error) || messageOf(error).startsWith("unsupported startup parameter")

const messageOf = (error: SqlError.SqlError): string => {
  const cause: unknown = error.reason.cause
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message
}

const poolerHint = "Behind a transaction pooler, set pooler: true (MILLRACE_POOLER=true)."

/**
 * Returns the error's text from the server or the driver, which has no parameter values. Adds a hint about a pooler.
 */
export const detailOf = (error: SqlError.SqlError): string =>
  isPooler(error) ? `${messageOf(error)}. ${poolerHint}` : messageOf(error)

/** Returns the first SQL error in a cause. Defects are searched too, since the driver hides some failures in them. */
export const sqlErrorIn = (cause: Cause.Cause<unknown>): SqlError.SqlError | undefined => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason) && SqlError.isSqlError(reason.error)) return reason.error
    if (Cause.isDieReason(reason) && SqlError.isSqlError(reason.defect)) return reason.defect
  }
  return undefined
}

/**
 * Returns whether a failure is an SQL error, or was caused by one. It also searches a `Cause` within an error, since
 * the worker wraps the whole cause of a step.
 */
const comesFromSql = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => {
    let error: unknown = Cause.isFailReason(reason)
      ? reason.error
      : Cause.isDieReason(reason)
      ? reason.defect
      : undefined
    for (let depth = 0; depth < 10 && typeof error === "object" && error !== null; depth++) {
      if (SqlError.isSqlError(error)) return true
      if (Cause.isCause(error)) return comesFromSql(error)
      error = "cause" in error ? error.cause : undefined
    }
    return false
  })

/** The state of a failed transaction and its connection. */
export interface Seen {
  /** Whether the body began: there was a connection, and BEGIN succeeded. */
  readonly began: boolean
  /** Whether the body succeeded, so that the failure is one of COMMIT. */
  readonly finished: boolean
  /** The SQLSTATE of the failure that decides. It is "" if the last statement succeeded. */
  readonly code: string
  /**
   * Whether the session cannot continue: its connection is gone, a response did not come in time, or names are gone.
   */
  readonly lost: boolean
  /** Whether a statement was interrupted, so that a cancel request may be on its way. */
  readonly interrupted: boolean
  /** Whether the response to COMMIT was ROLLBACK, because the transaction had been aborted before. */
  readonly rolledBack: boolean
  /** Whether the last failed statement was undone by a rollback to a savepoint. */
  readonly repaired: boolean
  /** The text of the failure that decides, for operators. */
  readonly detail: string
}

/** Classifies the failure of a transaction. Returns undefined if the failure is the body's own, or an interruption. */
export const classify = (cause: Cause.Cause<unknown>, seen: Seen): TransactionFailure | undefined => {
  if (Cause.hasInterruptsOnly(cause)) return undefined
  if (!seen.began) return beforeBody(cause)
  const kind = kindOf(seen.code)
  if (seen.finished) return afterBody(seen, kind)
  if (seen.repaired && !comesFromSql(cause)) return undefined
  if (kind === "conflict" || kind === "unavailable") {
    return new TransientFailure({ kind, code: seen.code, detail: seen.detail })
  }
  if (seen.lost) return new TransientFailure({ kind: "unavailable", code: seen.code, detail: seen.detail })
  if (kind === "aborted") return new TransactionAborted({ detail: seen.detail })
  // 57014 after an interruption: the interrupted statement's cancel request has ended a later statement.
  return seen.interrupted && seen.code === "57014"
    ? new TransientFailure({ kind: "conflict", code: seen.code, detail: "a late cancel request ended a statement" })
    : undefined
}

const beforeBody = (cause: Cause.Cause<unknown>): TransactionFailure | undefined => {
  const error = sqlErrorIn(cause)
  if (error === undefined) return undefined
  const code = codeOf(error)
  return new TransientFailure({
    kind: kindOf(code) === "conflict" ? "conflict" : "unavailable",
    code,
    detail: detailOf(error)
  })
}

const afterBody = (seen: Seen, kind: Kind): TransactionFailure => {
  const { code, detail } = seen
  if (seen.rolledBack) {
    return kind === "conflict" || kind === "unavailable"
      ? new TransientFailure({ kind, code, detail })
      : new TransactionAborted({ detail })
  }
  if (hidesOutcome(code)) return new UnknownOutcome({ detail })
  // 26000 means that the prepared COMMIT did not exist. So COMMIT did not run, and the outcome is known.
  if (code === "26000") return new TransientFailure({ kind: "unavailable", code, detail })
  return kind === "conflict" || kind === "unavailable"
    ? new TransientFailure({ kind, code, detail })
    : new CommitRejected({ code, detail })
}

/** The cause of an SQL error when no connection became free in time. Its message names the setting to change. */
export class AcquireTimeout extends Error {
  override readonly name = "AcquireTimeout"
}

/** The hint for a failure with 40001. Transactions at READ COMMITTED do not fail with this code. */
export const runAgain = "Run the whole transaction again, or do this in one that is READ COMMITTED."

/** The cause of an SQL error when a call uses a closed layer. The pools of such a layer would only interrupt it. */
export class LayerClosed extends Error {
  override readonly name = "LayerClosed"
  constructor() {
    super("its Postgres layer was closed")
  }
}

export const layerClosed = (): SqlError.SqlError => {
  const cause = new LayerClosed()
  return new SqlError.SqlError({
    reason: new SqlError.ConnectionError({ cause, message: cause.message, operation: "acquire" })
  })
}

/** Makes a `StoreFailure` of an SQL error outside of a worker's transaction: publish, list, redrive, register. */
export const storeFailure = (operation: string) => (error: SqlError.SqlError): StoreFailure => {
  const code = codeOf(error)
  const cause: unknown = error.reason.cause
  if (cause instanceof AcquireTimeout) {
    return new StoreFailure({ operation, kind: "timeout", code, detail: cause.message, hint: "Try again later." })
  }
  if (cause instanceof LayerClosed) {
    const hint = "Build the layer once, around everything that uses it."
    return new StoreFailure({ operation, kind: "refused", code, detail: cause.message, hint })
  }
  if (isPooler(error)) {
    return new StoreFailure({ operation, kind: "refused", code, detail: messageOf(error), hint: poolerHint })
  }
  const kind = kindOf(code)
  const passes = kind === "conflict" || kind === "unavailable" || isLost(error)
  return new StoreFailure({
    operation,
    kind: kind === "conflict" || code === "57014" ? "timeout" : passes ? "unavailable" : "refused",
    code,
    detail: detailOf(error),
    hint: code === "40001"
      ? runAgain
      : passes
      ? "Try again. A message that is published twice with one id has one effect."
      : hintOf(code)
  })
}

const hintOf = (code: string): string =>
  code === "42501"
    ? "Grant the role the rights that it needs on the schema."
    : code === "42P01" || code === "3F000"
    ? "Start once with migrate \"auto\"."
    : code.startsWith("28")
    ? "Check user and password in the url (DATABASE_URL)."
    : code === "3D000"
    ? "Create the database, or correct the url (DATABASE_URL)."
    : "A retry alone does not help. Fix the cause, then try again."

/**
 * Makes a `TransportError` of an SQL error in the transport's own requests. The error is permanent if the layer is
 * closed, or if a right, a table or a schema is missing.
 */
export const transportError = (operation: string) => (error: SqlError.SqlError): TransportError => {
  const code = codeOf(error)
  const permanent = error.reason.cause instanceof LayerClosed || code.startsWith("42") || code === "3F000"
  return new TransportError({
    engine: "postgres",
    operation,
    kind: permanent ? "permanent" : "temporary",
    detail: code === "" ? detailOf(error) : `${detailOf(error)} (SQLSTATE ${code})`
  })
}

/**
 * The failure of a decision about a set that was frozen in an earlier server life. After a crash the transaction ids in
 * the set may belong to other transactions, so the set may name other dead letters.
 */
export const staleSet = new StoreFailure({
  operation: "decide about a frozen set",
  kind: "refused",
  code: "",
  detail: "the set was frozen before the server lost its recent memory, in a crash or a failover",
  hint: "Freeze the set again, and look at it: what was decided before may have been lost with the server."
})
