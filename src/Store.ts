/**
 * The port for what commits together: inbox, outbox, dead letters, consumers, leases, and the transaction around them.
 *
 * One tag per database, since an inbox from here with dead letters from there would break atomicity. `Memory.layer` and
 * `Postgres.layer` provide it. There is no SQL in it: adapters close over their own client.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Entry, Query as AuditQuery } from "./Audit.ts"
import type { DeadLetter, Filter, Frozen, Group, Query, Reason } from "./DeadLetter.ts"
import type { Later } from "./Delay.ts"
import type { Delivery, Failure } from "./Delivery.ts"
import type {
  CommitRejected,
  DeadLetterConflict,
  DeadLetterNotFound,
  StoreFailure,
  TransactionAborted,
  TransientFailure,
  UnknownOutcome
} from "./Errors.ts"
import type { Consumers, OperatorAction } from "./internal/ConsumerStore.ts"
import type { Message } from "./Message.ts"

export * from "./internal/ConsumerStore.ts"

/**
 * The open transaction of the store, opaque: what must happen inside of it requires this.
 *
 * @since 0.1.0
 */
export class Transaction extends Context.Service<Transaction, { readonly engine: string }>()("millrace/Transaction") {}

/**
 * What a failed transaction means, beside the failure of its own body: decided by the adapter, in one table by SQLSTATE.
 *
 * @since 0.1.0
 */
export type TransactionFailure = TransientFailure | TransactionAborted | CommitRejected | UnknownOutcome

/**
 * Set where a worker runs the transaction, so that an adapter gives it a connection that no handler of the user can take away.
 * Undefined for everybody else.
 *
 * `together`: of a group, and nothing is decided between the statements and none is undone alone, so that they may be on the wire
 * together. `in turn`: of a group; a statement is sent when the one before is answered, and can be cancelled by itself.
 * `apart`: in turn, too, and of no group: it holds a key or dead-letters a message.
 *
 * @since 0.1.0
 */
export const WorkerTransaction: Context.Reference<"pipelined" | "sequential" | "separate" | undefined> = Context
  .Reference<
    "pipelined" | "sequential" | "separate" | undefined
  >("millrace/Store/WorkerTransaction", { defaultValue: () => undefined })

/**
 * What the inbox is asked about one message.
 *
 * @since 0.1.0
 */
export interface Claim {
  readonly id: string
  /** `MessageId.ofMessage`: a known id with another one is a conflict, not a duplicate. */
  readonly fingerprint: string
  /** The dead letter that this delivery redrives: the id is then dead in the inbox, and this claim revives it. */
  readonly deadLetterId?: string | undefined
}

/**
 * What the inbox answers: run it; it was committed (or dead-lettered) before; that id was committed with other content.
 *
 * @since 0.1.0
 */
export type Claimed = "fresh" | "duplicate" | "conflict"

/**
 * How an id was decided for a consumer: its effects are committed, or it was given up (until a redrive commits it after all).
 *
 * @since 0.1.0
 */
export type Settled = { readonly _tag: "Committed" } | { readonly _tag: "Dead"; readonly deadLetterId: string }

/**
 * What the inbox answers to a caller without a pipeline that wants to work under an id: go on; another transaction is deciding
 * about it; it was decided with other content; it is committed, with the result that was stored (if one was); it is dead.
 *
 * @since 0.1.0
 */
export type Entered =
  | { readonly _tag: "Fresh" }
  | { readonly _tag: "Busy" }
  | { readonly _tag: "Conflict" }
  | { readonly _tag: "Committed"; readonly result: string | undefined }
  | { readonly _tag: "Dead"; readonly deadLetterId: string }

/**
 * A message on its way to the dead letters.
 *
 * @since 0.1.0
 */
export interface NewDeadLetter {
  readonly delivery: Delivery
  readonly reason: Reason
  /** Since its publish or its last redrive, oldest first; a dead letter that comes back appends them to those it has. */
  readonly attempts: ReadonlyArray<Failure>
  readonly fingerprint: string
  /** Its key waits for a person. */
  readonly parked: boolean
  /** The id belongs to a committed message with other content: the dead letter stands beside the inbox, not in it. */
  readonly conflict?: boolean | undefined
}

/**
 * The part of the store that remembers ids.
 *
 * @since 0.1.0
 */
export interface Inbox {
  /**
   * One answer per claim, in order. Atomic with the transaction; repeating it in the same transaction answers
   * "duplicate". Ids in one call are distinct. Waits for another transaction that claims the same id, however it ends.
   */
  readonly claim: (
    consumer: string,
    claims: ReadonlyArray<Claim>
  ) => Effect.Effect<ReadonlyArray<Claimed>, StoreFailure, Transaction>
  /**
   * Claims one id for a caller without a pipeline; the consumer need not be registered. Atomic with the transaction. Answers `Busy`
   * while another caller's transaction is open, which holds until that one ended, however it ends; with `wait` an engine that
   * keeps nothing scarce meanwhile may wait for it instead. A pipeline's transaction that claims the id is waited for.
   * Interruption claims nothing.
   */
  readonly enter: (
    consumer: string,
    claim: Pick<Claim, "id" | "fingerprint">,
    wait: boolean
  ) => Effect.Effect<Entered, StoreFailure, Transaction>
  /** Keeps the result of an id that was entered fresh, in the same transaction, as long as the id itself. */
  readonly remember: (consumer: string, id: string, result: string) => Effect.Effect<void, StoreFailure, Transaction>
  /** How an id was decided; undefined if it was not, or is not known (any more). */
  readonly settled: (consumer: string, id: string) => Effect.Effect<Settled | undefined, StoreFailure>
  /**
   * Something to await, made before one looks: it ends when this process decides about the id after that look. With `elsewhere`, other
   * processes are asked to tell what they decide; it may be missed, so whoever waits looks again from time to time.
   */
  readonly watch: (
    consumer: string,
    id: string,
    elsewhere: boolean
  ) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
}

/**
 * The part of the store that takes outgoing messages.
 *
 * @since 0.1.0
 */
export interface Outbox {
  /**
   * Stores the messages for every consumer of their topics, all or none, in the given order. Joins the ambient
   * transaction if there is one (it is then visible and woken for after that commit), else commits by itself.
   * A message of a topic without a consumer waits as unrouted. Interruption before the commit stores nothing.
   *
   * With `later` they are kept apart until they are due, and then published, by whichever worker looks first: moved in one
   * transaction, in the order of their times. What waits under the name is replaced, in the same transaction; also if the
   * new message is due at once. Who replaces what is being moved waits for that, and then publishes a second message.
   */
  readonly write: (messages: ReadonlyArray<Message>, later?: Later) => Effect.Effect<void, StoreFailure>
  /**
   * Deletes what waits under that name, and says whether there was anything: false where it is published already. Joins the
   * ambient transaction, and until its end nobody publishes what it deletes. Idempotent.
   */
  readonly cancel: (topic: string, key: string, name: string) => Effect.Effect<boolean, StoreFailure>
}

/**
 * The part of the store that keeps what failed for good.
 *
 * @since 0.1.0
 */
export interface DeadLetterStore {
  /**
   * Writes the dead letters and marks their ids as dead in the inbox, in the transaction that also settles the deliveries. A
   * redriven message goes back to its own dead letter. Answers the dead letter's id, or undefined where the inbox knows the
   * id as committed (then nothing was dead-lettered). Does not put the hold of a parked dead letter: that is the transport's.
   */
  readonly add: (
    consumer: string,
    entries: ReadonlyArray<NewDeadLetter>
  ) => Effect.Effect<ReadonlyArray<string | undefined>, StoreFailure, Transaction>
  readonly list: (query: Query) => Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure>
  readonly get: (deadLetterId: string) => Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound>
  /** Dead letters by cause, those that died last first, at most `limit` (100). Without a state: of open dead letters. */
  readonly groups: (
    filter: Filter & { readonly limit?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<Group>, StoreFailure>
  /**
   * Puts an open dead letter's message back into its queue, audited, in one transaction: a parked one at its old place in the
   * key's order (its successors follow it), another one at the end. It begins with no recorded attempts, so that it is
   * retried anew; its dead letter keeps them all. With `edit` the dead letter has another payload from then on, and keeps the first one.
   */
  readonly redrive: (
    deadLetterId: string,
    action: OperatorAction,
    edit?: { readonly payload: string; readonly version: number }
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** Gives an open dead letter up, audited; the successors of a parked one go on. */
  readonly discard: (
    deadLetterId: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /**
   * Opens a discarded dead letter again, audited, as it was: a parked one parks its key, from what has not been handed out yet. Its id is
   * known as dead again, unless it was committed since.
   */
  readonly restore: (
    deadLetterId: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** The successors of an open parked dead letter go on, audited; the dead letter stays open, parked no more. */
  readonly release: (
    deadLetterId: string,
    action: OperatorAction
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** The open dead letters that match now, as a set that stays as it is. Reads only. */
  readonly freeze: (filter: Filter) => Effect.Effect<Frozen, StoreFailure>
  /**
   * Redrives or discards the next dead letters of a set in one transaction, as the functions above do, oldest first: at most `most`, those
   * after `after`. A dead letter that is not open any more is passed over. Answers the dead letters that it acted on, in order, and whether
   * there may be more.
   */
  readonly decideSome: (
    decision: "redriven" | "discarded",
    frozen: Frozen,
    options: { readonly action: OperatorAction; readonly after: string; readonly most: number }
  ) => Effect.Effect<{ readonly deadLetterIds: ReadonlyArray<string>; readonly more: boolean }, StoreFailure>
}

/**
 * The part of the store that remembers what people did.
 *
 * @since 0.1.0
 */
export interface AuditStore {
  readonly list: (query: AuditQuery) => Effect.Effect<ReadonlyArray<Entry>, StoreFailure>
}

/**
 * What a claim of a named lease answers.
 *
 * @since 0.1.0
 */
export interface LeaseClaim {
  /** The new fencing token, if the claim got the lease. */
  readonly token: bigint | undefined
  /** Otherwise: who has it, or had it last. */
  readonly owner: string
  /** Otherwise: milliseconds until its time is over unless it is renewed, on the store's clock; 0 if it is over. */
  readonly remainingMillis: number
}

/**
 * The part of the store that knows who owns what has a name. Time is the store's; `Lease.acquire` is built on it.
 *
 * @since 0.1.0
 */
export interface Leases {
  /**
   * Takes the lease for so many milliseconds and raises its token (to the milliseconds since the epoch at least, so that a store which
   * forgot a claim does not give its token again), if nobody has it, its time is over, or it is this
   * owner's; answers at once either way. Never between a {@link Leases.fence} and the end of its transaction. Joins no
   * ambient transaction. Repeating it after a missing answer is safe: the owner gets a higher token.
   */
  readonly claim: (name: string, owner: string, millis: number) => Effect.Effect<LeaseClaim, StoreFailure>
  /** Moves the end of a lease that this owner has under this token and whose time is not over; false if there is none. Idempotent. */
  readonly renew: (name: string, owner: string, token: bigint, millis: number) => Effect.Effect<boolean, StoreFailure>
  /** Gives back what this owner has, at once; who waits is told. Idempotent. */
  readonly release: (name: string, owner: string) => Effect.Effect<void, StoreFailure>
  /**
   * Whether this owner has the lease under this token. If so, no other owner can take it until the transaction has ended. A
   * process that is frozen in such a transaction loses it after `millis` (on Postgres).
   */
  readonly fence: (
    name: string,
    owner: string,
    token: bigint,
    millis: number
  ) => Effect.Effect<boolean, StoreFailure, Transaction>
  /**
   * From now on, listens for the lease to be given back: the inner effect completes when it may have been. Nothing is missed
   * that happens after the outer effect. Where nothing can tell (a pooler), it does not complete: look again by yourself.
   */
  readonly released: (name: string) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
}

/**
 * The store.
 *
 * @since 0.1.0
 */
export class Store extends Context.Service<Store, {
  /** `postgres` or `memory`. */
  readonly engine: string
  /** How many messages one transaction may carry: 1 where a single member cannot be rolled back alone. */
  readonly maxGroup: number
  /** How many transactions can be under way at once: 1 where all share one session, so that one committer makes larger groups. */
  readonly maxTransactions: number
  /** How long a committed id is remembered at least. A worker refuses to start if a redelivery can come later. */
  readonly deduplicationWindow: Duration.Duration
  /**
   * Whether effects in this context join this store's transactions. False if the context has an SqlClient of another
   * database or another pool.
   */
  readonly joins: (context: Context.Context<never>) => boolean
  /**
   * Runs the body in one transaction, or in a savepoint of the ambient one. Commits when it succeeds, rolls back when it
   * fails or is interrupted. COMMIT is bounded in time: its answer may be missing (`UnknownOutcome`), never awaited for ever.
   * The SQLSTATE last seen on the connection decides what a failure means, not the error that came out of the body.
   */
  readonly transact: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>>
  /**
   * Inside a transaction: what the body did is undone if it fails, and the transaction goes on. A body that left the
   * transaction aborted fails with `TransactionAborted`, and the transaction is usable again.
   */
  readonly savepoint: <A, E, R>(
    body: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TransactionFailure, R | Transaction>
  /** Whether this runs within a transaction of the store, which `transact` then joins. */
  readonly inTransaction: Effect.Effect<boolean>
  /**
   * Succeeds if the store lets a process that publishes, or that works, do now all that it has to do. Joins no transaction, and changes
   * nothing.
   */
  readonly ping: (who: "publisher" | "worker") => Effect.Effect<void, StoreFailure>
  /**
   * Milliseconds since which this process may have missed what other processes publish and commit, so that it finds it by looking; 0 while
   * it hears them, or need not. Synchronous.
   */
  readonly notListeningMillis: () => number
  /** Statements sent in the open transaction so far; undefined where there are none (memory). */
  readonly statements: Effect.Effect<number | undefined, never, Transaction>
  readonly inbox: Inbox
  readonly outbox: Outbox
  readonly deadLetters: DeadLetterStore
  readonly consumers: Consumers
  readonly leases: Leases
  readonly audit: AuditStore
}>()("millrace/Store") {}
