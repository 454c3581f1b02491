/**
 * Transactions over the memory store. Writes are staged while the body runs, and applied together at its end.
 *
 * The body runs in `Effect.tx`, so that a test's fakes that are kept in `TxRef` commit and roll back with the
 * transaction. The end of a transaction is one stretch in which the fiber does not yield:
 *
 * - It compares the TxRefs with the values that the body read.
 * - It checks every fencing token.
 * - It applies the writes.
 * - `Effect.tx` commits the TxRefs.
 *
 * If a TxRef has changed, `Effect.tx` runs the body again, and the writes that were staged are dropped. If a token or a
 * row has changed, the transaction fails with a `TransientFailure` and its caller runs it again.
 *
 * A savepoint undoes staged writes, but not a changed TxRef. So a transaction has only one message (`maxGroup`).
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { PreventSchedulerYield } from "effect/References"
import { StoreFailure, TransientFailure } from "../Errors.ts"
import { Transaction, type TransactionFailure } from "../Store.ts"
import type { Waiting } from "./MemoryDelayed.ts"
import type { Row } from "./MemoryLane.ts"
import type { InboxRow, MemoryState, StoredDeadLetter } from "./MemoryStore.ts"

/**
 * A staged change. `apply` makes the change at the end, and the other fields let later reads of the same transaction
 * see it.
 */
export interface Write {
  /**
   * Returns why the write cannot be applied any more, or undefined if it can. It is called in the same synchronous
   * stretch as `apply`.
   */
  readonly stale?: (() => string | undefined) | undefined
  readonly apply: (now: number) => void
  /** The changed inbox records, by {@link inboxKey}. */
  readonly outcomes?: ReadonlyMap<string, InboxRow> | undefined
  readonly removed?: ReadonlySet<Row> | undefined
  readonly deadLetters?: ReadonlyMap<string, StoredDeadLetter> | undefined
  /** The waiting messages by `nameKey`. The value is undefined if no message waits under the name any more. */
  readonly waiting?: ReadonlyMap<string, Waiting | undefined> | undefined
}

/** Returns the lock key of an inbox record. NUL separates the parts, since ids and consumer names contain none. */
export const inboxKey = (consumer: string, id: string): string => `${consumer}\0${id}`

/** The locks of each store: the transaction that has locked a key. */
const deciding = new WeakMap<MemoryState, Map<string, MemoryTransaction>>()

export class MemoryTransaction {
  readonly engine = "memory"
  readonly state: MemoryState
  private writes: Array<Write> = []
  private readonly ended = Deferred.makeUnsafe<void>()
  private open = true
  private waitsFor: MemoryTransaction | undefined
  /** Whether this transaction must fail, because it and another one waited for each other. */
  private deadlocked = false

  constructor(state: MemoryState) {
    this.state = state
  }

  isOpenOn(state: MemoryState): boolean {
    return this.open && this.state === state
  }

  stage(write: Write): void {
    this.writes.push(write)
  }

  mark(): number {
    return this.writes.length
  }

  truncate(mark: number): void {
    this.writes.length = Math.min(mark, this.writes.length)
  }

  outcome(consumer: string, id: string): InboxRow | undefined {
    const key = inboxKey(consumer, id)
    return this.writes.findLast((write) => write.outcomes?.has(key))?.outcomes?.get(key)
      ?? this.state.outcome(consumer, id)
  }

  removed(row: Row): boolean {
    return this.writes.some((write) => write.removed?.has(row))
  }

  deadLetter(id: string): StoredDeadLetter | undefined {
    return this.writes.findLast((write) => write.deadLetters?.has(id))?.deadLetters?.get(id) ??
      this.state.deadLetters.get(id)
  }

  /** Resolves the dead letters that are being redriven, since their messages are committed by this transaction. */
  resolve(deadLetters: ReadonlyArray<StoredDeadLetter>, now: number): void {
    const resolved = deadLetters.filter(({ record }) => record.state === "redriving").map((deadLetter) =>
      [deadLetter.record.id, {
        ...deadLetter,
        record: { ...deadLetter.record, state: "resolved" as const, changedAt: now }
      }] as const
    )
    if (resolved.length === 0) return
    this.stage({
      deadLetters: new Map(resolved),
      apply: () => {
        for (const [id, deadLetter] of resolved) this.state.deadLetters.set(id, deadLetter)
      }
    })
  }

  waiting(name: string): Waiting | undefined {
    const write = this.writes.findLast((write) => write.waiting?.has(name))
    return write === undefined ? this.state.delayed.find(name) : write.waiting?.get(name)
  }

  /** Locks these keys until this transaction ends. Waits while another transaction has locked one of them. */
  lock(keys: ReadonlyArray<string>): Effect.Effect<void, StoreFailure> {
    const locks = locksOf(this.state)
    return Effect.suspend(() => {
      // All transactions lock in the same order, so that two groups with the same ids cannot deadlock.
      for (const key of keys.toSorted()) {
        const holder = locks.get(key) ?? this
        if (holder !== this) return this.wait(holder, keys)
        locks.set(key, this)
      }
      return Effect.void
    })
  }

  /** Locks a key if no other transaction has locked it. Returns whether this transaction has the lock. */
  tryLock(key: string): boolean {
    const locks = locksOf(this.state)
    if ((locks.get(key) ?? this) !== this) return false
    locks.set(key, this)
    return true
  }

  private wait(holder: MemoryTransaction, keys: ReadonlyArray<string>): Effect.Effect<void, StoreFailure> {
    for (let next: MemoryTransaction | undefined = holder; next !== undefined; next = next.waitsFor) {
      if (next !== this) continue
      this.deadlocked = true
      return Effect.fail(refused("claim", "this transaction and another one waited for each other"))
    }
    this.waitsFor = holder
    return Deferred.await(holder.ended).pipe(
      Effect.ensuring(Effect.sync(() => this.waitsFor = undefined)),
      Effect.andThen(this.lock(keys))
    )
  }

  /** Drops the staged writes, since `Effect.tx` may run the body again. */
  restart(): void {
    this.writes = []
  }

  /**
   * Checks all writes again and applies them, in one synchronous stretch (see the header). Returns the conflict if a
   * write is stale.
   */
  apply(now: number): TransientFailure | undefined {
    if (this.deadlocked) return conflict("two transactions waited for each other's message ids")
    for (const write of this.writes) {
      const stale = write.stale?.()
      if (stale !== undefined) return conflict(stale)
    }
    for (const write of this.writes) write.apply(now)
    this.writes = []
    return undefined
  }

  end(): void {
    this.open = false
    this.writes = []
    const locks = locksOf(this.state)
    for (const [key, holder] of locks) if (holder === this) locks.delete(key)
    Deferred.doneUnsafe(this.ended, Effect.void)
    this.state.flush()
  }

  failedBy<E>(cause: E): E | TransientFailure {
    return this.deadlocked ? conflict("two transactions waited for each other's message ids") : cause
  }
}

const locksOf = (state: MemoryState): Map<string, MemoryTransaction> => {
  let locks = deciding.get(state)
  if (locks === undefined) deciding.set(state, locks = new Map())
  return locks
}

/** Returns whether an open transaction has locked the key. */
export const isLocked = (state: MemoryState, key: string): boolean => locksOf(state).has(key)

const conflict = (detail: string): TransientFailure => new TransientFailure({ kind: "conflict", code: "", detail })

const refused = (operation: string, detail: string): StoreFailure =>
  new StoreFailure({ operation, kind: "refused", code: "", detail, hint: "" })

/** Returns the ambient transaction of this store, or undefined if none is open. */
export const ambient = (state: MemoryState, context: Context.Context<never>): MemoryTransaction | undefined => {
  const transaction: unknown = Context.getOrUndefined(context, Transaction)
  return transaction instanceof MemoryTransaction && transaction.isOpenOn(state) ? transaction : undefined
}

/** Returns the open transaction that a method of the port requires. Fails if it has ended or is of another store. */
export const required = (
  state: MemoryState,
  operation: string
): Effect.Effect<MemoryTransaction, StoreFailure, Transaction> =>
  Effect.flatMap(
    Transaction,
    (transaction: unknown) =>
      transaction instanceof MemoryTransaction && transaction.isOpenOn(state)
        ? Effect.succeed(transaction)
        : Effect.fail(refused(operation, "its transaction is over, or belongs to another store"))
  )

/**
 * Stages a write in the ambient transaction, or applies the write at once if there is none. `make` returns the write,
 * or fails to refuse it.
 */
export const write = <E>(
  state: MemoryState,
  make: (now: number, transaction: MemoryTransaction | undefined) => Effect.Effect<Write, E>
): Effect.Effect<void, E> =>
  Effect.withFiber((fiber) =>
    Effect.clockWith((clock) => {
      const now = clock.currentTimeMillisUnsafe()
      const transaction = ambient(state, fiber.context)
      return Effect.map(make(now, transaction), (write) => {
        if (transaction !== undefined) return transaction.stage(write)
        write.apply(now)
        state.flush()
      })
    })
  )

/** Runs the body, and drops its staged writes if it fails. */
export const savepoint = <A, E, R>(
  transaction: MemoryTransaction,
  body: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const mark = transaction.mark()
    return Effect.onError(body, () => Effect.sync(() => transaction.truncate(mark)))
  })

/** Returns whether a TxRef that the body read has changed since. If so, `Effect.tx` runs the body again. */
const outdated = (context: Context.Context<never>): boolean => {
  const journal = Context.getOrUndefined(context, Effect.Transaction)?.journal ?? new Map()
  for (const [ref, { version }] of journal) if (ref.version !== version) return true
  return false
}

/**
 * Applies the staged writes as the last part of the body. From here to the commit of `Effect.tx` the fiber does not
 * yield.
 */
const seal = <A>(transaction: MemoryTransaction, value: A): Effect.Effect<A, TransientFailure> =>
  Effect.withFiber((fiber) =>
    Effect.clockWith((clock) => {
      if (outdated(fiber.context)) return Effect.succeed(value)
      const failure = transaction.apply(clock.currentTimeMillisUnsafe())
      return failure === undefined ? Effect.succeed(value) : Effect.fail(failure)
    })
  )

/** Returns the store's `transact`. Inside of an open transaction the body runs in a savepoint of that transaction. */
export const transact =
  (state: MemoryState) =>
  <A, E, R>(body: Effect.Effect<A, E, R>): Effect.Effect<A, E | TransactionFailure, Exclude<R, Transaction>> =>
    Effect.withFiber((fiber) => {
      const outer = ambient(state, fiber.context)
      if (outer !== undefined) return Effect.provideService(savepoint(outer, body), Transaction, outer)
      const transaction = new MemoryTransaction(state)
      const preventYield = fiber.getRef(PreventSchedulerYield)
      return Effect.suspend(() => {
        transaction.restart()
        return body
      }).pipe(
        Effect.provideService(PreventSchedulerYield, preventYield),
        Effect.flatMap((value) => seal(transaction, value)),
        Effect.provideService(Transaction, transaction),
        Effect.tx,
        // An outer `Effect.tx` of the caller would commit later, or never. So it is hidden, and the store's transaction
        // commits by itself.
        Effect.updateContext((context: Context.Context<Exclude<R, Transaction>>) =>
          Context.add(Context.omit(Effect.Transaction)(context), PreventSchedulerYield, true)
        ),
        Effect.mapError((error) => transaction.failedBy(error)),
        Effect.ensuring(Effect.sync(() => transaction.end()))
      )
    })
