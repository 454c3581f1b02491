/**
 * Wakes workers when something was published, without making every commit notify.
 *
 * NOTIFY takes a lock on the whole instance at commit (15,465 -> 4,341 publishing transactions a second at 32 clients). So a
 * worker that finds nothing says so in `consumers`, looks once more, and waits; a publisher, after its commit, hands the queue to
 * one background fiber, which notifies in one statement those queues where somebody waits, and clears the mark. Workers of the
 * same process are woken directly. A lost notification costs the idle poll, nothing else: polling never stops.
 *
 * The connection that listens proves itself: it is asked now and then whether it hears, in a bounded time, and replaced when it does not.
 * Otherwise one that a proxy keeps open and passes nothing on looks as one to which nothing is said. Its connection is closed first and
 * what listens on it second: UNLISTEN would wait for an answer that never comes.
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
  /** After the commit of whatever put messages into the queue. Synchronous and cheap: it only makes a note. */
  readonly published: (queue: number) => void
  /** A lease was given back: who waits for it in this process looks again. Others are told by the statement itself. */
  readonly released: (lease: string) => void
  /** Something to await, made before one looks for the last time: nothing published after that look is missed. */
  readonly waiter: (what: What) => Waiter
  /** Says in the database that somebody waits for this queue. Does nothing where nobody listens. */
  readonly announce: (queue: number, millis: number) => Effect.Effect<void, SqlError>
  /** Says something to all processes that listen, in the background; lost if the database is away. Nothing where nobody can listen. */
  readonly tell: (note: string) => void
  /** Whoever is to hear what processes tell, this one included. */
  readonly hears: (hearer: Hearer) => void
  /** Begins to listen, once; idempotent. */
  readonly listen: Effect.Effect<void>
  /** Milliseconds since which this process may have missed what others tell; 0 while it hears, or need not. */
  readonly notListeningMillis: () => number
}

/** Hears what is told, and when listening begins: what was told before, or in between, is lost. */
export interface Hearer {
  heard(note: string): void
  listening(): void
}

/** A queue, or a lease by its name. */
export type What = number | `lease:${string}`

export interface Waiter {
  readonly woken: Effect.Effect<void>
  readonly done: () => void
}

/** How often the connection is asked whether it hears, and how long its answers may take. A few statements a minute. */
const askEvery = 5_000
const patience = 4_000

export const make = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names
): Effect.fn.Return<Wake, never, Scope.Scope> {
  const text = Sql.make(names)
  const scope = yield* Scope.Scope
  const waiting = new Map<What, Set<Deferred.Deferred<void>>>()
  const pending = new Set<number>()
  const notes = new Set<string>()
  let hearer: Hearer | undefined
  const some = Latch.makeUnsafe(false)
  const { listener } = db

  const wakeHere = (what: What) => {
    for (const deferred of waiting.get(what) ?? []) Deferred.doneUnsafe(deferred, Effect.void)
  }
  const wakeAll = () => {
    for (const what of waiting.keys()) wakeHere(what)
    hearer?.listening()
  }

  /** What has been published while the last statement was under way goes into the next. */
  const notify = Effect.suspend(() => {
    some.closeUnsafe()
    const queues = [...pending]
    pending.clear()
    const told = [...notes]
    notes.clear()
    return Effect.andThen(
      queues.length === 0 ? Effect.void : Effect.ignore(db.machinery(text.wake, [queues, names.channel])),
      told.length === 0 ? Effect.void : db.machinery(text.tell, [told, names.channel])
    )
  })
  if (listener !== undefined) {
    // A failure only costs the idle poll.
    yield* Effect.forkIn(Effect.forever(Effect.andThen(some.await, Effect.ignore(notify))), scope)
  }

  const clock = yield* Clock.Clock
  /** When it was last known to hear (monotonic); undefined until it is to listen. */
  let heardAt: bigint | undefined
  /** Deafness is told once, until it hears again. */
  let told = false
  const prove = (connection: PgConnection.PgConnection) =>
    Effect.flatMap(answered(connection.query(text.hears)), ({ rows }) => {
      if (rows[0]?.["hears"] !== true) return Effect.fail("its server is read-only, or it listens no more" as const)
      heardAt = clock.monotonicTimeNanosUnsafe()
      told = false
      return Effect.void
    })
  const hear = (notifications: Queue.Dequeue<PgConnection.Notification, SqlError>) =>
    Effect.forever(
      Effect.map(
        Queue.take(notifications),
        ({ payload }) => isNote(payload) ? hearer?.heard(payload) : wakeHere(whatOf(payload))
      )
    )
  const listenOnce = (connect: Effect.Effect<PgConnection.PgConnection, SqlError, Scope.Scope>) =>
    Effect.suspend(() => {
      const line = Scope.makeUnsafe()
      const ears = Scope.makeUnsafe()
      return Effect.gen(function*() {
        const connection = yield* Scope.provide(Effect.flatMap(connect, (connection) => connection.pin), line)
        const notifications = yield* answered(Scope.provide(connection.listen(names.channel), ears))
        yield* prove(connection)
        // Messages that were published while this process did not listen.
        yield* Effect.sync(wakeAll)
        return yield* Effect.raceFirst(
          hear(notifications),
          Effect.forever(Effect.andThen(Effect.sleep(askEvery), Effect.suspend(() => prove(connection))))
        )
      }).pipe(Effect.ensuring(Effect.andThen(Scope.close(line, Exit.void), Scope.close(ears, Exit.void))))
    })
  const tellOnce = (cause: Cause.Cause<unknown>) =>
    Effect.suspend(() => {
      if (told) return Effect.void
      told = true
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
    tell: (note) => {
      if (listener === undefined) return
      notes.add(note)
      some.openUnsafe()
    },
    hears: (one) => {
      hearer = one
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
      if (listener === undefined || heardAt !== undefined) return Effect.void
      heardAt = clock.monotonicTimeNanosUnsafe()
      return Effect.asVoid(Effect.forkIn(
        // Whatever ends it, a defect and a queue that was closed included.
        Effect.forever(Effect.andThen(Effect.catchCause(listenOnce(listener), tellOnce), Effect.sleep("500 millis"))),
        scope
      ))
    }),
    notListeningMillis: () => {
      if (heardAt === undefined) return 0
      const millis = Number(clock.monotonicTimeNanosUnsafe() - heardAt) / 1e6
      // One that was asked answers at once.
      return millis < askEvery + 1_000 ? 0 : millis
    }
  }
})

/**
 * An answer in time, or none. It is not interrupted: the driver would wait for seconds for what its cancel request does, on a connection
 * that is closed next.
 */
const answered = <A>(asked: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError | string> =>
  Effect.flatMap(
    Effect.forkDetach(Effect.exit(asked), { startImmediately: true }),
    (fiber) =>
      Effect.timeoutOrElse(Effect.flatten(Fiber.join(fiber)), {
        duration: patience,
        orElse: () => Effect.fail(`it did not answer within ${patience} ms`)
      })
  )

const isNote = (payload: string): boolean => /^(?:await|settled|hears):/.test(payload)
const whatOf = (payload: string): What => payload.startsWith("lease:") ? payload as What : Number(payload)
