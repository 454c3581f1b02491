/**
 * The port for everything that commits together: inbox, outbox, dead letters, consumers, leases, audit, and the
 * transaction around them.
 *
 * There is one service for each database, since parts of two databases cannot commit together. `Memory.layer` and
 * `Postgres.layer` provide it. The port contains no SQL, because adapters use their own client.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { StoreFailure } from "./Errors.ts"
import type { AuditStore } from "./internal/store/AuditStore.ts"
import type { ConsumerStore } from "./internal/store/ConsumerStore.ts"
import type { CommitData } from "./internal/store/DataGroup.ts"
import type { DeadLetterStore } from "./internal/store/DeadLetterStore.ts"
import type { InboxStore } from "./internal/store/InboxStore.ts"
import type { LeaseStore } from "./internal/store/LeaseStore.ts"
import type { LogStore } from "./internal/store/LogStore.ts"
import type { OutboxStore } from "./internal/store/OutboxStore.ts"
import type { OverflowStore } from "./internal/store/OverflowStore.ts"
import type { Transaction, TransactionFailure } from "./internal/store/StoreTransaction.ts"
import type { UnsettledStore } from "./internal/store/UnsettledStore.ts"

export type { AuditStore } from "./internal/store/AuditStore.ts"
export * from "./internal/store/ConsumerStore.ts"
export * from "./internal/store/DataGroup.ts"
export * from "./internal/store/DeadLetterStore.ts"
export * from "./internal/store/InboxStore.ts"
export * from "./internal/store/LeaseStore.ts"
export * from "./internal/store/LogStore.ts"
export * from "./internal/store/OutboxStore.ts"
export * from "./internal/store/OutsideInbox.ts"
export * from "./internal/store/OverflowStore.ts"
export * from "./internal/store/StoreTransaction.ts"
export * from "./internal/store/UnsettledStore.ts"

/**
 * The store service.
 *
 * @since 0.1.0
 */
export class Store extends Context.Service<Store, {
  /** `postgres` or `memory`. */
  readonly engine: string
  /** The most messages of one commit transaction. This is 1 where no savepoint can roll back a single member. */
  readonly maxGroup: number
  /**
   * The most transactions at the same time. Where all share one database session this is 1, so that one committer forms
   * larger groups.
   */
  readonly maxTransactions: number
  /**
   * How long a committed id is remembered at least. A worker refuses to start if a message can be redelivered after
   * that.
   */
  readonly deduplicationWindow: Duration.Duration
  /**
   * Returns whether effects in this context join this store's transactions. Returns false if the context has an
   * `SqlClient` of another database or another pool.
   */
  readonly joinsTransactions: (context: Context.Context<never>) => boolean
  /**
   * Runs the body in one transaction, or in a savepoint of the ambient one.
   *
   * Commits if the body succeeds, and rolls back if it fails or is interrupted. COMMIT has a timeout. If its answer
   * does not come, the call fails with `UnknownOutcome`. The last SQLSTATE on the connection decides the kind of a
   * failure, and not the error that the body failed with.
   */
  readonly transact: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>>
  /**
   * Runs the body in a savepoint. If the body fails, its changes are undone and the transaction continues.
   *
   * A body that left the transaction aborted fails with `TransactionAborted`, and the transaction is usable again.
   */
  readonly savepoint: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TransactionFailure, R | Transaction>
  /**
   * Commits a group whose statements are all known before they are sent. Undefined on an engine without it (memory):
   * the worker then uses `transact`.
   */
  readonly commitData?: CommitData | undefined
  /** Returns whether the current effect runs within a transaction of the store, which `transact` would join. */
  readonly inTransaction: Effect.Effect<boolean>
  /**
   * Checks that the store is reachable and permits a publishing process, or a process with workers, everything it
   * needs. Joins no transaction and changes nothing.
   */
  readonly checkAccess: (role: "publisher" | "worker") => Effect.Effect<void, StoreFailure>
  /**
   * Returns for how many milliseconds this process may have missed notifications about other processes' publishes and
   * commits. The process then finds these by polling. Returns 0 while it receives notifications or needs none.
   * Synchronous.
   */
  readonly notListeningMillis: () => number
  /**
   * Returns the number of statements that were sent in the open transaction so far. Returns undefined on an engine
   * without statements (memory).
   */
  readonly statements: Effect.Effect<number | undefined, never, Transaction>
  readonly inbox: InboxStore
  readonly outbox: OutboxStore
  readonly deadLetters: DeadLetterStore
  readonly consumers: ConsumerStore
  readonly leases: LeaseStore
  readonly audit: AuditStore
  readonly unsettled: UnsettledStore
  /** Reads logs. Undefined on an engine without it (memory): a transport on a log then refuses to open. */
  readonly logs?: LogStore | undefined
  /**
   * Takes failing messages of a broker over. Undefined on an engine without it (memory): a failing message then waits
   * at its broker, which hides it for a limited time.
   */
  readonly overflow?: OverflowStore | undefined
}>()("millrace/Store") {}
