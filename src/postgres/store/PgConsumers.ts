/**
 * Registers consumers, and finds the numbers of their queues.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { SqlError } from "effect/sql/SqlError"
import { ConsumerConflict, StoreFailure } from "../../Errors.ts"
import type { ConsumerStore, QueueStatus, Registration } from "../../Store.ts"
import type { Wake } from "../queue/Wake.ts"
import * as Isolation from "../session/Isolation.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as Sql from "../sql/consumers.ts"
import type { Names } from "../sql/names.ts"
import * as StatusSql from "../sql/status.ts"

/**
 * Finds the numbers of consumers' queues by name. A consumer that was removed and registered again has another
 * number. When the server loses its memory, a number may come to mean another consumer.
 *
 * A worker registers, and so learns the number, each time it opens a subscription. Under an old number it finds no
 * lane (`fence`). `Inbox.once` checks the name together with the number (`claimOnce`).
 */
export interface Queues {
  readonly byName: (consumer: string) => Effect.Effect<number, StoreFailure>
  /** Does the same, and registers an unknown name. Never waits for the open transaction of another caller. */
  readonly named: (consumer: string) => Effect.Effect<number, StoreFailure>
  /** Remembers a queue that a registration found. */
  readonly learn: (consumer: string, queue: number) => void
  /** Forgets the queue of a removed consumer. */
  readonly forget: (consumer: string) => void
}

export const makeQueues = (db: PgDatabase, names: Names): Queues => {
  const text = Sql.make(names)
  const known = new Map<string, number>()
  const failed = PgFailure.storeFailure("find the consumer")
  const look = (consumer: string) =>
    Effect.flatMap(
      Effect.mapError(db.query(text.find, [consumer]), failed),
      ([row]) => {
        if (row === undefined) return Effect.fail(notRegistered(consumer))
        const queue = Number(row["id"])
        // The ambient transaction may have made the row, and may roll back.
        return Effect.as(db.sql.afterCommit(Effect.sync(() => void known.set(consumer, queue))), queue)
      }
    )
  /**
   * Registers a name on a connection of its own, and commits before any row refers to it. So no other caller waits
   * for this caller's transaction.
   */
  const name = (consumer: string) => {
    const made = Effect.andThen(Effect.mapError(db.query(text.name, [consumer]), failed), look(consumer))
    if (db.settings.single) return made
    return Effect.mapError(
      db.onMachinery(db.transaction(made)),
      (error) => error._tag === "SqlError" ? failed(error) : error
    )
  }
  const byName = (consumer: string) => {
    const queue = known.get(consumer)
    return queue === undefined ? look(consumer) : Effect.succeed(queue)
  }
  const named = (consumer: string) =>
    Effect.flatMap(
      Effect.mapError(db.query(text.find, [consumer]), failed),
      ([row]) => row === undefined ? name(consumer) : look(consumer)
    )
  return {
    byName,
    named: (consumer) => known.has(consumer) ? byName(consumer) : named(consumer),
    learn: (consumer, queue) => known.set(consumer, queue),
    forget: (consumer) => known.delete(consumer)
  }
}

const notRegistered = (consumer: string): StoreFailure =>
  new StoreFailure({
    operation: "find the consumer",
    kind: "refused",
    code: "",
    detail: `consumer "${consumer}" is not registered`,
    hint: "Start a worker for it once; it registers itself."
  })

interface Registered {
  readonly id: number
  readonly lanes: number
  readonly order: string
  readonly topics: ReadonlySet<unknown>
  readonly pipeline: unknown
}

const conflict = (asked: Registration, found: Registered): ConsumerConflict | undefined => {
  const differ = (setting: string, registered: unknown, wanted: unknown) =>
    new ConsumerConflict({
      consumer: asked.consumer,
      setting,
      registered: String(registered),
      asked: String(wanted)
    })
  if (found.lanes === 0) return undefined
  if (found.lanes !== asked.lanes) return differ("lanes", found.lanes, asked.lanes)
  return found.order === asked.order ? undefined : differ("order", found.order, asked.order)
}

const statusOf = (row: Rows[number] | undefined): QueueStatus => ({
  waiting: Number(row?.["waiting"]),
  lagMillis: Number(row?.["lag"]),
  delayedKeys: Number(row?.["delayed"]),
  parkedKeys: Number(row?.["parked"]),
  parkedMillis: Number(row?.["parked_for"]),
  deadLetters: Number(row?.["dead_letters"]),
  paused: row?.["paused"] === true,
  freeLanes: Number(row?.["free"]),
  oldestMillis: Number(row?.["eldest"]),
  pipeline: String(row?.["pipeline"])
})

/** How long to retry while publishers' open transactions hold the lock. */
const patience = Duration.seconds(30)

/** Retries conflicts. The lock timeouts are short, because publishers queue behind a waiting registration. */
export const retryConflicts = <A, E extends { readonly _tag: string }>(
  effect: Effect.Effect<A, E | SqlError>
): Effect.Effect<A, E | SqlError> =>
  Effect.retry(effect, {
    while: (error) => error._tag === "SqlError" && PgFailure.kindOf(PgFailure.codeOf(error as SqlError)) === "conflict",
    schedule: Schedule.max([
      Schedule.jittered(Schedule.min([Schedule.exponential("20 millis"), Schedule.spaced("500 millis")])),
      Schedule.during(patience)
    ])
  })

export const makeConsumers = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake
): Pick<ConsumerStore, "register" | "status"> => {
  const text = Sql.make(names)
  const look = StatusSql.make(names)

  const find = Effect.fnUntraced(function*(consumer: string): Effect.fn.Return<Registered | undefined, SqlError> {
    const [row] = yield* db.query(text.find, [consumer])
    if (row === undefined) return undefined
    const topics = yield* db.query(text.topics, [row["id"]])
    return {
      id: Number(row["id"]),
      lanes: Number(row["lanes"]),
      order: String(row["dead_letter_order"]),
      topics: new Set(topics.map((topic) => topic["topic"])),
      pipeline: row["pipeline"]
    }
  })

  const missing = (asked: Registration, found: Registered) => asked.topics.filter((topic) => !found.topics.has(topic))

  /** Registers with the subscriptions locked: no publish is under way, and everything that was published is visible. */
  const add = Effect.fnUntraced(function*(asked: Registration): Effect.fn.Return<void, SqlError | ConsumerConflict> {
    yield* db.within(text.lockTimeout, [])
    yield* db.within(text.lock, [])
    yield* db.within(text.recordChange, [])
    yield* db.within(text.insert, [asked.consumer, asked.lanes, asked.order])
    const found = (yield* find(asked.consumer))!
    const bad = conflict(asked, found)
    if (bad !== undefined) return yield* bad
    const topics = missing(asked, found)
    yield* db.within(text.insertLanes, [found.id, asked.lanes])
    yield* db.within(text.subscribe, [found.id, topics])
    yield* db.within(text.moveUnrouted, [found.id, topics, asked.lanes])
    yield* db.sql.afterCommit(Effect.sync(() => {
      queues.learn(asked.consumer, found.id)
      wake.published(found.id)
    }))
  })

  return {
    status: (consumer) =>
      Effect.flatMap(queues.byName(consumer), (queue) =>
        db.machinery(look, [queue]).pipe(
          Effect.map(([row]) => statusOf(row)),
          Effect.mapError(PgFailure.storeFailure("look at the queue"))
        )),
    register: Effect.fnUntraced(
      function*(asked) {
        yield* Isolation.refuseOlder(db, "register the consumer")
        const found = yield* find(asked.consumer)
        const bad = found === undefined ? undefined : conflict(asked, found)
        if (bad !== undefined) return yield* bad
        if (found !== undefined && found.lanes > 0 && missing(asked, found).length === 0) {
          queues.learn(asked.consumer, found.id)
        } else {
          yield* retryConflicts(db.transaction(add(asked)))
        }
        // Usually the pipeline is the one of the last start, and nothing is written.
        if (asked.pipeline !== undefined && asked.pipeline !== found?.pipeline) {
          yield* db.transaction(db.within(text.describe, [asked.consumer, asked.pipeline]))
        }
      },
      Effect.mapError((error) =>
        error._tag === "SqlError" ? PgFailure.storeFailure("register the consumer")(error) : error
      )
    )
  }
}
