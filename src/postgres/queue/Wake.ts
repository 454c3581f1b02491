/**
 * Wakes workers when a message was published, without a NOTIFY in every commit.
 *
 * NOTIFY takes a lock on the whole database server at commit. With 32 clients, it reduced 15,465 publishing
 * transactions a second to 4,341. So a worker that finds no message announces in `consumers` that it waits, polls once
 * more, and waits. A publisher passes the queue to one background fiber after the commit. In one statement this fiber
 * notifies those queues where a worker waits, and clears the announcements. Workers of the same process are woken
 * directly. If a notification is lost, the worker finds the message at its next idle poll, since polling never stops.
 *
 * The connection that listens must confirm every few seconds, in a bounded time, that it still listens. If it does not,
 * it is replaced. Without this check, a dead connection that a proxy keeps open would look like one without
 * notifications. The connection is closed before the listener on it is stopped. Stopping the listener first would send
 * UNLISTEN, and wait for a response that never comes.
 *
 * @since 0.1.0
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as Sql from "../sql/consumers.ts"
import type { Names } from "../sql/names.ts"

export interface Wake {
  /** Wakes the workers of a queue that has new messages. Call it after the commit; it is synchronous and cheap. */
  readonly published: (queue: number) => void
  /**
   * Wakes the callers of this process that wait for a lease which was given back. The SQL statement that gives the
   * lease back notifies the other processes.
   */
  readonly released: (lease: string) => void
  /** Returns a waiter for this target. Make it before the last poll, so that everything published after wakes it. */
  readonly waiter: (what: WakeTarget) => Waiter
  /**
   * Announces in the database, for so many milliseconds, that a worker waits for this queue. Does nothing where LISTEN
   * is impossible (PGlite, a pooler).
   */
  readonly announce: (queue: number, millis: number) => Effect.Effect<void, SqlError>
  /**
   * Sends a note to all processes that listen, in the background. The note is lost if the database does not respond.
   * Does nothing where LISTEN is impossible (PGlite, a pooler).
   */
  readonly send: (note: string) => void
  /** Sets the handler of notes. The handler gets the notes of all processes, also those of this one. */
  readonly onNote: (hearer: NoteHandler) => void
  /** Begins to listen in the background, unless this process listens already. */
  readonly listen: Effect.Effect<void>
  /**
   * Returns the milliseconds since the listening connection last worked, or 0 while it works. It is also 0 before
   * `listen`, and where LISTEN is impossible.
   */
  readonly notListeningMillis: () => number
}

/** Receives notes. `listening` is called each time that listening begins, since earlier notes were lost. */
export interface NoteHandler {
  receive(note: string): void
  listening(): void
}

/** The target of a waiter: the number of a queue, or the name of a lease. */
export type WakeTarget = number | `lease:${string}`

export interface Waiter {
  readonly woken: Effect.Effect<void>
  readonly done: () => void
}

/**
 * How often, in milliseconds, the connection must prove that it listens, and how long its response may take. The proofs
 * are 12 short statements a minute.
 */
const askEvery = 5_000
const responseTimeout = 4_000

export const make = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names
): Effect.fn.Return<Wake, never, Scope.Scope> {
  const text = Sql.make(names)
  const scope = yield* Scope.Scope
  const waiting = new Map<WakeTarget, Set<Deferred.Deferred<void>>>()
  const pending = new Set<number>()
  const notes = new Set<string>()
  let handler: NoteHandler | undefined
  const some = Latch.makeUnsafe(false)
  const { listener } = db

  const wakeHere = (what: WakeTarget) => {
    for (const deferred of waiting.get(what) ?? []) Deferred.doneUnsafe(deferred, Effect.void)
  }
  const wakeAll = () => {
    for (const what of waiting.keys()) wakeHere(what)
    handler?.listening()
  }

  /** Notifies the pending queues and sends the pending notes. The next run takes those that arrive meanwhile. */
  const notify = Effect.suspend(() => {
    some.closeUnsafe()
    const queues = [...pending]
    pending.clear()
    const sending = [...notes]
    notes.clear()
    return Effect.andThen(
      queues.length === 0 ? Effect.void : Effect.ignore(db.machinery(text.wake, [queues, names.channel])),
      sending.length === 0 ? Effect.void : db.machinery(text.notify, [sending, names.channel])
    )
  })
  if (listener !== undefined) {
    // A failure is ignored: workers then find their messages at the next idle poll.
    yield* Effect.forkIn(Effect.forever(Effect.andThen(some.await, Effect.ignore(notify))), scope)
  }

  const clock = yield* Clock.Clock
  /** The monotonic time at which the connection last proved that it listens. Undefined before `listen` is called. */
  let provenAt: bigint | undefined
  /** Whether the loss of the connection was logged. A connection that listens resets it. */
  let warned = false
  const prove = (connection: PgConnection.PgConnection) =>
    Effect.flatMap(inTime(connection.query(text.isListening)), ({ rows }) => {
      if (rows[0]?.["listening"] !== true) {
        return Effect.fail("its server is read-only, or the session no longer listens" as const)
      }
      provenAt = clock.monotonicTimeNanosUnsafe()
      warned = false
      return Effect.void
    })
  const receiveAll = (notifications: Queue.Dequeue<PgConnection.Notification, SqlError>) =>
    Effect.forever(
      Effect.map(
        Queue.take(notifications),
        ({ payload }) => isNote(payload) ? handler?.receive(payload) : wakeHere(targetOf(payload))
      )
    )
  const listenOnce = (connect: Effect.Effect<PgConnection.PgConnection, SqlError, Scope.Scope>) =>
    Effect.suspend(() => {
      const connectionScope = Scope.makeUnsafe()
      const listenScope = Scope.makeUnsafe()
      return Effect.gen(function*() {
        const connection = yield* Scope.provide(
          Effect.flatMap(connect, (connection) => connection.pin),
          connectionScope
        )
        const notifications = yield* inTime(Scope.provide(connection.listen(names.channel), listenScope))
        yield* prove(connection)
        // All waiters are woken, because messages may have been published while this process did not listen.
        yield* Effect.sync(wakeAll)
        return yield* Effect.raceFirst(
          receiveAll(notifications),
          Effect.forever(Effect.andThen(Effect.sleep(askEvery), Effect.suspend(() => prove(connection))))
        )
      }).pipe(
        Effect.ensuring(Effect.andThen(Scope.close(connectionScope, Exit.void), Scope.close(listenScope, Exit.void)))
      )
    })
  const warnOnce = (cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      if (warned) return Effect.void
      warned = true
      const error = PgFailure.sqlErrorIn(cause)
      const detail = error === undefined ? Cause.squash(cause) : PgFailure.detailOf(error)
      return Effect.logWarning(
        `The connection that listens for wake-ups was lost: ${
          detail instanceof Error ? detail.message : String(detail)
        }. `
          + "No message was lost: workers find them by polling, and it listens again by itself. "
          + "If this repeats, look for a proxy that drops idle connections."
      )
    })

  return {
    published: (queue) => {
      wakeHere(queue)
      if (listener === undefined) return
      pending.add(queue)
      some.openUnsafe()
    },
    send: (note) => {
      if (listener === undefined) return
      notes.add(note)
      some.openUnsafe()
    },
    onNote: (one) => {
      handler = one
    },
    released: (lease) => wakeHere(`lease:${lease}`),
    waiter: (what) => {
      const deferred = Deferred.makeUnsafe<void>()
      const set = waiting.get(what) ?? new Set()
      waiting.set(what, set.add(deferred))
      return {
        woken: Deferred.await(deferred),
        done: () => {
          set.delete(deferred)
          if (set.size === 0 && waiting.get(what) === set) waiting.delete(what)
        }
      }
    },
    announce: (queue, millis) =>
      listener === undefined ? Effect.void : Effect.asVoid(db.machinery(text.wait, [queue, millis])),
    listen: Effect.suspend(() => {
      if (listener === undefined || provenAt !== undefined) return Effect.void
      provenAt = clock.monotonicTimeNanosUnsafe()
      return Effect.asVoid(Effect.forkIn(
        // After every end, also a defect or a closed queue of notifications, a new connection begins to listen.
        Effect.forever(Effect.andThen(Effect.catchCause(listenOnce(listener), warnOnce), Effect.sleep("500 millis"))),
        scope
      ))
    }),
    notListeningMillis: () => {
      if (provenAt === undefined) return 0
      const millis = Number(clock.monotonicTimeNanosUnsafe() - provenAt) / 1e6
      // One interval and a second may pass between two proofs of a connection that works.
      return millis < askEvery + 1_000 ? 0 : millis
    }
  }
})

/**
 * Returns the response of a statement, or fails after `responseTimeout`. The statement is not interrupted, since the
 * driver would then wait for a cancel request, for seconds. The caller closes the connection anyway.
 */
const inTime = <A>(asked: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError | string> =>
  Effect.flatMap(
    Effect.forkDetach(Effect.exit(asked), { startImmediately: true }),
    (fiber) =>
      Effect.timeoutOrElse(Effect.flatten(Fiber.join(fiber)), {
        duration: responseTimeout,
        orElse: () => Effect.fail(`it did not respond within ${responseTimeout} ms`)
      })
  )

const isNote = (payload: string): boolean => /^(?:await|settled|listening):/.test(payload)
const targetOf = (payload: string): WakeTarget => payload.startsWith("lease:") ? payload as WakeTarget : Number(payload)
