/**
 * The transaction of the store: the service that an effect inside of it requires, and the failures of the transaction.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { CommitRejected, TransactionAborted, TransientFailure, UnknownOutcome } from "../../Errors.ts"

/**
 * The open transaction of the store. An effect that must run inside a transaction requires this service.
 *
 * @since 0.1.0
 */
export class Transaction extends Context.Service<Transaction, { readonly engine: string }>()("millrace/Transaction") {}

/**
 * The failures of a transaction, beside the failure of its own body. The Postgres adapter chooses among them by
 * SQLSTATE.
 *
 * @since 0.1.0
 */
export type TransactionFailure = TransientFailure | TransactionAborted | CommitRejected | UnknownOutcome

/**
 * Marks a transaction that a worker runs, and says how its statements are sent. Undefined for every other transaction.
 *
 * An adapter reserves database connections for such transactions, so handlers cannot use up all of them.
 *
 * - `pipelined`: a group commit whose statements do not depend on one another and are never undone alone. They may be
 *   on the wire at the same time.
 * - `sequential`: a group commit that sends a statement when the one before has an answer, so that each can be
 *   cancelled.
 * - `separate`: sequential, and not a group commit. Such a transaction holds a key or dead-letters a message.
 *
 * @since 0.1.0
 */
export const WorkerTransaction: Context.Reference<"pipelined" | "sequential" | "separate" | undefined> = Context
  .Reference<
    "pipelined" | "sequential" | "separate" | undefined
  >("millrace/Store/WorkerTransaction", { defaultValue: () => undefined })

/**
 * Marks a transaction that only reads, for an operator who looks. An adapter has connections of its own for such
 * transactions. So looking neither waits for handlers, nor takes connections from them.
 *
 * @since 0.1.0
 */
export const ReadTransaction: Context.Reference<boolean> = Context.Reference<boolean>(
  "millrace/Store/ReadTransaction",
  { defaultValue: () => false }
)
