/**
 * Wakes workers when something was published, without a NOTIFY in every commit.
 *
 * NOTIFY takes a lock on the whole instance at commit: at 32 clients, 15,465 publishing transactions a second became
 * 4,341. So a worker that finds nothing announces in `consumers` that it waits, looks once more, and waits. After its
 * commit a publisher passes the queue to one background fiber. In one statement this fiber notifies those queues
 * where a worker waits, and clears the announcements. Workers of the same process are woken directly. A lost
 * notification costs the idle poll and nothing else: polling never stops.
 *
 * The connection that listens proves itself. Every few seconds it must confirm, in a bounded time, that it listens;
 * if it does not, it is replaced. Otherwise a connection that a proxy keeps open without passing anything on looks
 * like one without notifications. The connection is closed before the listener is: UNLISTEN would wait for a response
 * that never comes.
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
  /** Notes that a queue has new messages, after their commit. Synchronous and cheap. */
  readonly published: (queue: number) => void
  /**
   * Wakes the waiters of this process that wait for a lease which was given back. The SQL statement that gives the
   * lease back notifies the other processes.
   */
  readonly released: (lease: string) => void
  /** Makes a waiter. Make it before the last look: it is woken by everything that is published after that look. */
  readonly waiter: (what: WakeTarget) => Waiter
  /** Announces in the database that a worker waits for this queue. Does nothing without a listening connection. */
  readonly announce: (queue: number, millis: number) => Effect.Effect<void, SqlError>
  /**
   * Sends a note to all processes that listen, in the background. It is lost while the database is away. Does nothing
   * without a listening connection.
   */
  readonly send: (note: string) => void
  /** Sets the handler of the notes from all processes, this one included. */
  readonly onNote: (hearer: NoteHandler) => void
  /** Begins to listen. Idempotent. */
  readonly listen: Effect.Effect<void>
  /** Milliseconds for which this process may have missed notes; 0 while it receives them, or needs none. */
  readonly notListeningMillis: () => number
}

/** Receives notes, and is called when listening begins: earlier notes are lost. */
export interface NoteHandler {
  receive(note: string): void
  listening(): void
}

/** A queue, or a lease by its name. */
export type WakeTarget = number | `lease:${string}`

export interface Waiter {
  readonly woken: Effect.Effect<void>
  readonly done: () => void
}

/**
 * How often the connection must prove that it listens, and how long its response may take. It costs a few statements
 * a minute.
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

  /** Notifies queues and sends notes. Those that arrive during one statement go into the next. */
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
    // A failure only costs the idle poll.
    yield* Effect.forkIn(Effect.forever(Effect.andThen(some.await, Effect.ignore(notify))), scope)
  }

  const clock = yield* Clock.Clock
  /** When the connection last proved that it listens (monotonic); undefined until this process is to listen. */
  let provenAt: bigint | undefined
  /** Set after the warning, until the connection listens again. */
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
        // Wakes all: messages may have been published while this process did not listen.
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
        // Every end leads to a new connection, also a defect or a closed queue.
        Effect.forever(Effect.andThen(Effect.catchCause(listenOnce(listener), warnOnce), Effect.sleep("500 millis"))),
        scope
      ))
    }),
    notListeningMillis: () => {
      if (provenAt === undefined) return 0
      const millis = Number(clock.monotonicTimeNanosUnsafe() - provenAt) / 1e6
      // A connection that must prove itself usually responds at once.
      return millis < askEvery + 1_000 ? 0 : millis
    }
  }
})

/**
 * Returns a response in time, or fails. It does not interrupt the statement: the driver would wait for its cancel
 * request, for seconds, on a connection that is closed next.
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
