/**
 * The facts about the database under the queues: who blocks a commit, who keeps old rows alive, and how much room is
 * used. A fact that the role cannot see is marked as not visible, and never shown as empty.
 *
 * @since 0.1.0
 */
import type { Count, Visible } from "./Fact.ts"

/**
 * A session of the database.
 *
 * @since 0.1.0
 */
export interface Session {
  readonly pid: number
  readonly user: string
  readonly application: string
  /** Address of the client; empty for a local one. */
  readonly client: string
  /** `active`, `idle in transaction`, ... Empty if it is not visible. */
  readonly state: string
  /** The present or last statement, at most 500 characters. Statements may contain data. */
  readonly query: Visible<string>
  /** How long its transaction and its present state last, in milliseconds. Undefined if that is not visible. */
  readonly transactionMillis: number | undefined
  readonly stateMillis: number | undefined
}

/**
 * A session of Millrace that waits for a lock, and the session that has it.
 *
 * @since 0.1.0
 */
export interface Blocker {
  /** The waiting session. It has locked a table of Millrace, so it is a worker's, or one that publishes. */
  readonly waits: Session
  /** How long it waits, in milliseconds. */
  readonly waitsMillis: number
  /** The lock that it waits for: `transactionid`, `tuple`, `relation accounts`. */
  readonly lock: string
  readonly by: Session
}

/**
 * The owner of the oldest snapshot. Rows that were deleted since cannot be vacuumed, so queues become slow.
 *
 * @since 0.1.0
 */
export interface SnapshotOwner {
  readonly kind: "session" | "replication slot" | "prepared transaction"
  /** The process id, the name of the slot, or the id of the prepared transaction. */
  readonly name: string
  /** The session, if it is one. */
  readonly session: Session | undefined
  /** Transactions that began since. */
  readonly transactionsAgo: number
  /** How long it exists, in milliseconds. Undefined if the database does not say it. */
  readonly millis: number | undefined
}

/**
 * The room that the database uses. Postgres does not tell how much room is left on its disk.
 *
 * @since 0.1.0
 */
export interface StorageFacts {
  readonly databaseBytes: Visible<number>
  /** The largest tables first. */
  readonly tables: ReadonlyArray<{
    readonly table: string
    /** With its indexes. */
    readonly bytes: number
    readonly rows: Count
    readonly deadRows: Count
    /** When the table was vacuumed last, by an operator or by autovacuum. */
    readonly vacuumedAt: number | undefined
  }>
  /** Bytes of write-ahead log on the disk. */
  readonly walBytes: Visible<number>
  /** Replication slots that keep write-ahead log, the largest first. */
  readonly slots: ReadonlyArray<{ readonly slot: string; readonly active: boolean; readonly keptBytes: number }>
}
