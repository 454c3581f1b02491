/**
 * The port for what commits together: inbox, outbox, dead letters, consumers, and the transaction around them.
 *
 * One tag per database, since an inbox from here with dead letters from there would break atomicity. `Memory.layer` and
 * `Postgres.layer` provide it. There is no SQL in it: adapters close over their own client.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Entry, Query as AuditQuery } from "./Audit.ts"
import type { Count, DeadLetter, DeadLetterOrder, Filter, Frozen, Group, Query, Reason } from "./DeadLetter.ts"
import type { Delivery, Failure } from "./Delivery.ts"
import type {
  CommitRejected,
  ConsumerBusy,
  ConsumerConflict,
  ConsumerNotFound,
  DeadLetterConflict,
  DeadLetterNotFound,
  Hiccup,
  NotSubscribed,
  PauseConflict,
  StoreFailure,
  TransactionAborted,
  UnknownOutcome
} from "./Errors.ts"
import type { Message } from "./Message.ts"

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
export type TransactionFailure = Hiccup | TransactionAborted | CommitRejected | UnknownOutcome

/**
 * Set where a committer runs the transaction, so that an adapter gives it a connection that no handler of the user can take
 * away. Undefined for everybody else.
 *
 * `together`: nothing is decided between the statements and none is undone alone, so that they may be on the wire together.
 * `in turn`: a statement is sent when the one before is answered, and can be cancelled by itself.
 *
 * @since 0.1.0
 */
export const Committer: Context.Reference<"together" | "in turn" | undefined> = Context.Reference<
  "together" | "in turn" | undefined
>("millrace/Store/Committer", { defaultValue: () => undefined })

/**
 * What the inbox is asked about one message.
 *
 * @since 0.1.0
 */
export interface Claim {
  readonly id: string
  /** `MessageId.ofPayload`: a known id with another one is a conflict, not a duplicate. */
  readonly fingerprint: string
  /** The dead letter that this delivery redrives: the id is then dead in the inbox, and this claim revives it. */
  readonly letter?: string | undefined
}

/**
 * What the inbox answers: run it; it was committed (or buried) before; that id was committed with other content.
 *
 * @since 0.1.0
 */
export type Claimed = "fresh" | "duplicate" | "conflict"

/**
 * A message on its way to the dead letters.
 *
 * @since 0.1.0
 */
export interface Burial {
  readonly delivery: Delivery
  readonly reason: Reason
  /** Since its publish or its last redrive, oldest first; a letter that comes back appends them to those it has. */
  readonly attempts: ReadonlyArray<Failure>
  readonly fingerprint: string
  /** Its key waits for a person. */
  readonly parked: boolean
  /** The id belongs to a committed message with other content: the letter stands beside the inbox, not in it. */
  readonly conflict?: boolean | undefined
}

/**
 * What a consumer is. Everything but the topics is fixed by the first registration.
 *
 * @since 0.1.0
 */
export interface Registration {
  readonly consumer: string
  readonly topics: ReadonlyArray<string>
  readonly lanes: number
  readonly order: DeadLetterOrder
}

/**
 * Who does something, and why; both are kept in the audit.
 *
 * @since 0.1.0
 */
export interface Act {
  readonly by: string
  readonly note?: string | undefined
}

/**
 * A consumer as people see it. Counting ends at 10,000.
 *
 * @since 0.1.0
 */
export interface Consumer extends Registration {
  /** Milliseconds since the epoch, on the store's clock. */
  readonly registeredAt: number
  /** Who paused it, and when; undefined while it is not paused. */
  readonly paused: { readonly by: string; readonly at: number; readonly note: string } | undefined
  /** Workers that live. */
  readonly workers: number
  /** Messages that are not settled, held ones included. */
  readonly waiting: Count
  /** Keys that pause: for a retry, behind a parked letter, or by a person. */
  readonly heldKeys: Count
  /** Letters that are open or being redriven. */
  readonly letters: Count
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
   */
  readonly write: (messages: ReadonlyArray<Message>) => Effect.Effect<void, StoreFailure>
}

/**
 * The part of the store that keeps what failed for good.
 *
 * @since 0.1.0
 */
export interface DeadLetterStore {
  /**
   * Writes the letters and marks their ids as dead in the inbox, in the transaction that also settles the deliveries. A
   * redriven message goes back to its own letter. Answers the letter's id, or undefined where the inbox knows the
   * id as committed (then nothing was buried). Does not put the hold of a parked letter: that is the transport's.
   */
  readonly bury: (
    consumer: string,
    burials: ReadonlyArray<Burial>
  ) => Effect.Effect<ReadonlyArray<string | undefined>, StoreFailure, Transaction>
  readonly list: (query: Query) => Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure>
  readonly get: (letter: string) => Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound>
  /** Letters by cause, those that died last first, at most `limit` (100). Without a state: of open letters. */
  readonly groups: (
    filter: Filter & { readonly limit?: number | undefined }
  ) => Effect.Effect<ReadonlyArray<Group>, StoreFailure>
  /**
   * Puts an open letter's message back into its queue, audited, in one transaction: a parked one at its old place in the
   * key's order (its successors follow it), another one at the end. It begins with no recorded attempts, so that it is
   * retried anew; its letter keeps them all. With `edit` the letter has another payload from then on, and keeps the first one.
   */
  readonly redrive: (
    letter: string,
    act: Act,
    edit?: { readonly payload: string; readonly version: number }
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** Gives an open letter up, audited; the successors of a parked one go on. */
  readonly discard: (
    letter: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /**
   * Opens a discarded letter again, audited, as it was: a parked one parks its key, from what has not been handed out yet. Its id is
   * known as dead again, unless it was committed since.
   */
  readonly restore: (
    letter: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** The successors of an open parked letter go on, audited; the letter stays open, parked no more. */
  readonly release: (
    letter: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /** The open letters that match now, as a set that stays as it is. Reads only. */
  readonly freeze: (filter: Filter) => Effect.Effect<Frozen, StoreFailure>
  /**
   * Redrives or discards the next letters of a set in one transaction, as the functions above do, oldest first: at most `most`, those
   * after `after`. A letter that is not open any more is passed over. Answers the letters that it acted on, in order, and whether
   * there may be more.
   */
  readonly decideSome: (
    decision: "redriven" | "discarded",
    frozen: Frozen,
    options: { readonly act: Act; readonly after: string; readonly most: number }
  ) => Effect.Effect<{ readonly letters: ReadonlyArray<string>; readonly more: boolean }, StoreFailure>
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
 * The part of the store that knows who reads what.
 *
 * @since 0.1.0
 */
export interface Consumers {
  /**
   * Makes the consumer known, adds subscriptions it lacks, and takes over what waits unrouted for its topics, in one
   * transaction. Idempotent. Topics that it subscribed to before and that are not named stay subscribed.
   */
  readonly register: (registration: Registration) => Effect.Effect<void, StoreFailure | ConsumerConflict>
  /** All of them, by name. */
  readonly list: Effect.Effect<ReadonlyArray<Consumer>, StoreFailure>
  readonly get: (consumer: string) => Effect.Effect<Consumer, StoreFailure | ConsumerNotFound>
  /**
   * Removes the consumer with its queue, holds, inbox and letters, audited, in one transaction that excludes publishing, commits and
   * people. Refused while workers live (`evenIfWorking`), or messages wait or letters are open (`evenIfWaiting`). A worker that
   * runs nevertheless commits nothing more, and its `take` fails with `ConsumerRemoved`.
   */
  readonly remove: (
    consumer: string,
    act: Act & { readonly evenIfWorking?: boolean | undefined; readonly evenIfWaiting?: boolean | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | ConsumerBusy>
  /**
   * Ends one subscription, audited, in one transaction that excludes publishing. What waits of the topic would never be handled:
   * refused, or, with `evenIfWaiting`, dead letters `rejected` with the tag `Unsubscribed`.
   */
  readonly unsubscribe: (
    consumer: string,
    topic: string,
    act: Act & { readonly evenIfWaiting?: boolean | undefined }
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | NotSubscribed | ConsumerBusy>
  /** From the next `take` on nothing is handed out to the consumer's workers, until it is resumed. Audited. */
  readonly pause: (
    consumer: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** Workers go on where they were, and those that wait are woken. Audited. */
  readonly resume: (
    consumer: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** A hold by a person: it lasts beside retries and parked letters, until a person ends it. Audited. */
  readonly pauseKey: (
    consumer: string,
    key: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
  /** The key goes on in order, unless a retry or a parked letter holds it still. Audited. */
  readonly resumeKey: (
    consumer: string,
    key: string,
    act: Act
  ) => Effect.Effect<void, StoreFailure | ConsumerNotFound | PauseConflict>
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
  readonly dedupHorizon: Duration.Duration
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
  /** Statements sent in the open transaction so far; undefined where there are none (memory). */
  readonly statements: Effect.Effect<number | undefined, never, Transaction>
  readonly inbox: Inbox
  readonly outbox: Outbox
  readonly deadLetters: DeadLetterStore
  readonly consumers: Consumers
  readonly audit: AuditStore
}>()("millrace/Store") {}
