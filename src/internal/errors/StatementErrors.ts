/**
 * Errors of statements that a user's code sends through the library's `SqlClient`.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * User code sent a statement that begins, ends or splits a transaction. The statement did not reach the database. The
 * driver's `SqlError` has this error as its cause. If an attempt fails with it, the message becomes a dead letter at
 * once, since the next attempt would send the same statement.
 *
 * @since 0.1.0
 */
export class StatementRefused
  extends Schema.TaggedError<StatementRefused>("millrace/StatementRefused")("StatementRefused", {
    /** The command: `ROLLBACK`, `PREPARE TRANSACTION`. */
    command: Schema.String,
    /** Whether the statement was sent within a transaction. */
    inTransaction: Schema.Boolean
  })
{
  readonly retryable = false
  override get message() {
    return this.inTransaction
      ? `${this.command} was refused: its transaction holds other work too, which must commit with it or not at all. `
        + `Nothing of this transaction is committed. Let the effect fail to undo what it did, and wrap a part in sql.withTransaction `
        + `to undo only that part.`
      : `${this.command} was refused: a statement outside of sql.withTransaction takes any free connection, and the next one takes another. `
        + `Nothing was sent. Use sql.withTransaction, or take a connection of your own with sql.reserve.`
  }
}
