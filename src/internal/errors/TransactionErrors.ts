/**
 * Errors of a transaction, beside the error of its own body. The Postgres adapter chooses among them by SQLSTATE, and
 * by how far the transaction had come.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The transaction failed for a reason that passes. It conflicted with another transaction (40001, 40P01, 55P03), or the
 * database is not available. Nothing was committed. A worker runs the transaction again and counts no attempt.
 *
 * @since 0.1.0
 */
export class TransientFailure
  extends Schema.TaggedError<TransientFailure>("millrace/TransientFailure")("TransientFailure", {
    kind: Schema.Literals(["conflict", "unavailable"]),
    code: Schema.String,
    detail: Schema.String
  })
{
  override get message() {
    const what = this.kind === "conflict" ? "conflict" : "database that is not available"
    return `The transaction met a ${what}: ${this.detail}${this.code === "" ? "" : ` (SQLSTATE ${this.code})`}. `
      + `Nothing was committed. A worker runs it again. Run a transaction of your own again as a whole.`
  }
}

/**
 * A commit step caught an SQL error, which leaves the whole transaction aborted in Postgres. Nothing was committed.
 *
 * @since 0.1.0
 */
export class TransactionAborted
  extends Schema.TaggedError<TransactionAborted>("millrace/TransactionAborted")("TransactionAborted", {
    detail: Schema.String
  })
{
  override get message() {
    return `A commit step caught an SQL error and continued, but Postgres had aborted the transaction: ${this.detail}. `
      + `Nothing was committed. Wrap the statement that may fail in sql.withTransaction (a savepoint), and catch outside of it.`
  }
}

/**
 * The database refused the transaction at COMMIT, as a deferred constraint does. Nothing was committed.
 *
 * @since 0.1.0
 */
export class CommitRejected extends Schema.TaggedError<CommitRejected>("millrace/CommitRejected")("CommitRejected", {
  code: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `COMMIT was refused: ${this.detail} (SQLSTATE ${this.code}). Nothing was committed. `
      + `A deferred constraint is checked only at COMMIT. Check its condition in the commit step.`
  }
}

/**
 * COMMIT was sent and no answer came, so it is unknown whether the transaction is committed. A pipeline finds out from
 * the inbox.
 *
 * @since 0.1.0
 */
export class UnknownOutcome extends Schema.TaggedError<UnknownOutcome>("millrace/UnknownOutcome")("UnknownOutcome", {
  detail: Schema.String
}) {
  override get message() {
    return `COMMIT was sent, but its answer did not come: ${this.detail}. It may have happened. `
      + `A pipeline finds out from its inbox. A caller of your own repeats the call with the same id.`
  }
}
