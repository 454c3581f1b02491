/**
 * Wakes workers when something was published, without making every commit notify.
 *
 * NOTIFY takes a lock on the whole instance at commit (15,465 -> 4,341 publishing transactions a second at 32 clients). So a
 * worker that finds nothing says so in `consumers`, looks once more, and waits; a publisher, after its commit, hands the queue to
 * one background fiber, which notifies in one statement those queues where somebody waits, and clears the mark. Workers of the
 * same process are woken directly. A lost notification costs the idle poll, nothing else: polling never stops.
 *
 * @since 0.1.0
 */
import type * as PgConnection from "@effect/sql-pg/PgConnection"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { PgDatabase } from "./PgClient.ts"
import * as Sql from "./sql/consumers.ts"
import type { Names } from "./sql/names.ts"

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

  let listening = false
  const listenOnce = (connection: Effect.Effect<PgConnection.PgConnection, SqlError, Scope.Scope>) =>
    Effect.scoped(Effect.gen(function*() {
      const notifications = yield* Effect.flatMap(connection, (c) => c.listen(names.channel))
      // What was published while nobody listened.
      yield* Effect.sync(wakeAll)
      return yield* Effect.forever(
        Effect.map(
          Queue.take(notifications),
          ({ payload }) => isNote(payload) ? hearer?.heard(payload) : wakeHere(whatOf(payload))
        )
      )
    }))

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
      if (listener === undefined || listening) return Effect.void
      listening = true
      return Effect.asVoid(Effect.forkIn(
        Effect.forever(Effect.andThen(Effect.ignore(listenOnce(listener)), Effect.sleep("500 millis"))),
        scope
      ))
    })
  }
})

const isNote = (payload: string): boolean => payload.startsWith("await:") || payload.startsWith("settled:")
const whatOf = (payload: string): What => payload.startsWith("lease:") ? payload as What : Number(payload)
