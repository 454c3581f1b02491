/**
 * Classifies a failed transaction: the user's failure, a transient failure, an aborted transaction, a refused COMMIT,
 * an unknown outcome. Pure; one table by SQLSTATE.
 *
 * The last SQLSTATE on the transaction's connection decides, not the error that the body failed with. Users wrap SQL
 * errors in errors of their own, and a dying connection arrives as a defect. There is one exception: if a savepoint
 * has undone the failed statement, the body's error decides. A step may catch a conflict, and then fail with an error
 * of its own.
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

/** Whether an SQLSTATE means that a retry helps. `other` is the statement's own fault. */
export type Kind = "conflict" | "unavailable" | "aborted" | "other"

const kinds: Readonly<Record<string, Kind>> = {
  "40001": "conflict", // serialization failure
  "40P01": "conflict", // deadlock
  "55P03": "conflict", // lock timeout, nowait
  "25P02": "aborted", // in failed transaction
  "25P03": "unavailable", // idle in transaction timeout: ours, on committers' sessions
  "25P04": "unavailable", // transaction timeout: likewise
  "25006": "unavailable" // read only: a failover is under way
}

const classes: Readonly<Record<string, Kind>> = {
  "08": "unavailable", // connection
  "53": "unavailable", // disk full, out of memory, too many connections
  "58": "unavailable" // system error outside of Postgres
}

/**
 * Reads the table. 57P01-57P05 mean that the server ends or ended. 57014, a cancelled query, is the user's own
 * timeout.
 */
export const kindOf = (code: string): Kind =>
  kinds[code] ?? classes[code.slice(0, 2)] ?? (code.startsWith("57P") ? "unavailable" : "other")

/** Whether the outcome of COMMIT is unknown after this code: the server went away while it responded. */
const hidesOutcome = (code: string): boolean =>
  code === "" || code === "40003" || code.startsWith("08") || code.startsWith("57P")

/**
 * The SQLSTATE of a driver's error, or "" if the server did not send one (the connection died, or a parameter could
 * not be encoded).
 *
 * A standby says "not supported" when an unlogged table is read. It is read-only, as it says to every write, so the
 * code becomes 25006.
 */
export const codeOf = (error: SqlError.SqlError): string => {
  const cause: unknown = error.reason.cause
  if (typeof cause !== "object" || cause === null || !("code" in cause) || typeof cause.code !== "string") return ""
  if (cause.code === "0A000" && "routine" in cause && cause.routine === "get_relation_info") return "25006"
  return /^[0-9A-Z]{5}$/.test(cause.code) ? cause.code : ""
}

/**
 * Whether the session cannot be used any more: its server was demoted (25006), ends (57P), or has lost the protocol's
 * state (08).
 *
 * A proxy may keep a connection open through a failover. It then fails in this way until it is closed, and a new one
 * reaches the new primary. A transaction that a user has made read-only fails with the same code. That costs one new
 * connection and nothing else.
 */
export const isUnusable = (code: string): boolean => code === "25006" || code.startsWith("08") || code.startsWith("57P")

/** Whether the connection is gone: the driver says so, without an SQLSTATE. */
export const isLost = (error: SqlError.SqlError): boolean =>
  error.reason._tag === "ConnectionError" && codeOf(error) === ""

/**
 * Whether a session's prepared statements are gone or stale. The causes: `deallocate all`, a pooler that gave the
 * transaction another server connection, a table that was altered. The driver prepares again, but not within a
 * transaction. A user's own statements have other names.
 */
export const isStaleStatement = (error: SqlError.SqlError): boolean =>
  isUnknownName(error) || (codeOf(error) === "0A000" && routineOf(error) === "RevalidateCachedQuery")

const isUnknownName = (error: SqlError.SqlError): boolean =>
  codeOf(error) === "26000" && /"effect_[0-9a-f]{16}_\d+"/.test(messageOf(error))

/** Where in the server the error was raised: its text may be in any language. */
const routineOf = (error: SqlError.SqlError): unknown => {
  const cause: unknown = error.reason.cause
  return typeof cause === "object" && cause !== null && "routine" in cause ? cause.routine : undefined
}

/**
 * Whether a pooler without the setting is between us and the server: it refuses settings of a session, or has no
 * prepared statements.
 */
const isPooler = (error: SqlError.SqlError): boolean =>
  isUnknownName(error) || messageOf(error).startsWith("unsupported startup parameter")

const messageOf = (error: SqlError.SqlError): string => {
  const cause: unknown = error.reason.cause
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message
}

const poolerHint = "Behind a transaction pooler, set pooler: true (MILLRACE_POOLER=true)."

/** The text of the server or the driver, without values of ours. */
export const detailOf = (error: SqlError.SqlError): string =>
  isPooler(error) ? `${messageOf(error)}. ${poolerHint}` : messageOf(error)

/** The first SQL error in a cause. It may be a defect, since the driver hides some of its failures in defects. */
export const sqlErrorIn = (cause: Cause.Cause<unknown>): SqlError.SqlError | undefined => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason) && SqlError.isSqlError(reason.error)) return reason.error
    if (Cause.isDieReason(reason) && SqlError.isSqlError(reason.defect)) return reason.defect
  }
  return undefined
}

/** Whether an SQL error is in a failure, itself or as its cause. The worker wraps the whole cause of a step. */
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

/** The state of the transaction's connection. */
export interface Seen {
  /** The body began: there was a connection, and BEGIN succeeded. */
  readonly began: boolean
  /** The body succeeded, so the failure is of COMMIT. */
  readonly finished: boolean
  /** SQLSTATE of the failure that decides, "" if there was none since the last statement that succeeded. */
  readonly code: string
  /** The connection died, or did not respond in time. */
  readonly lost: boolean
  /** We interrupted a statement, so a cancel request may be on its way. */
  readonly interrupted: boolean
  /** The response to COMMIT was ROLLBACK: the transaction had been aborted before. */
  readonly rolledBack: boolean
  /** The failed statement was undone to a savepoint, and nothing was sent since. */
  readonly repaired: boolean
  /** The text of the failure, for operators. */
  readonly detail: string
}

/** Classifies the failure. Returns undefined if it is the body's own, or an interruption. */
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
  // The cancel request of our interruption hit a later statement.
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
  // The prepared COMMIT did not exist, so it did not run.
  if (code === "26000") return new TransientFailure({ kind: "unavailable", code, detail })
  return kind === "conflict" || kind === "unavailable"
    ? new TransientFailure({ kind, code, detail })
    : new CommitRejected({ code, detail })
}

/** The driver's error when no connection became free in time. Its message names the setting. */
export class AcquireTimeout extends Error {
  override readonly name = "AcquireTimeout"
}

/** The hint for 40001. A transaction at READ COMMITTED does not fail with it. */
export const runAgain = "Run the whole transaction again, or do this in one that is READ COMMITTED."

/** The error of a call on a closed layer, whose pools would only interrupt the caller. */
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

/** A failure outside of a worker's transaction, for callers that publish, list, redrive or register. */
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

/** A failure of the transport's own requests. It is temporary unless the server says that it is permanent. */
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
