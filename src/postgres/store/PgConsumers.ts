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
import * as SeriesSql from "../sql/series.ts"
import * as StatusSql from "../sql/status.ts"

/**
 * Finds the number of a consumer's queue by the consumer's name, and remembers it. A remembered number may be wrong. A
 * consumer that was removed and registered again has another number. When the server loses recent memory, the number
 * may come to mean another consumer.
 *
 * Wrong numbers do no harm. A worker registers each time it opens a subscription, and so learns the number again. Under
 * an old number it owns no lane (`fence`), so it commits nothing. For messages of a broker, which have no lane, each
 * settlement compares the number with the name (`unsettled.settle`). `Inbox.once` checks that name and number still
 * belong together (`claimOnce`).
 */
export interface Queues {
  /** Returns the number of a registered consumer's queue. Fails for an unknown name. */
  readonly byName: (consumer: string) => Effect.Effect<number, StoreFailure>
  /**
   * Returns the number of a consumer's queue, and registers an unknown name, without lanes. Never waits for the open
   * transaction of another caller.
   */
  readonly named: (consumer: string) => Effect.Effect<number, StoreFailure>
  /** Remembers the number of a queue, which a registration has found. */
  readonly learn: (consumer: string, queue: number) => void
  /** Forgets the number of a removed consumer's queue. */
  readonly forget: (consumer: string) => void
  /** Forgets the remembered number if the database has another one, or none, under this name. */
  readonly check: (consumer: string, found: number | undefined) => void
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
        // The ambient transaction may have inserted the row and may roll back, so the number is remembered after
        // commit.
        return Effect.as(db.sql.afterCommit(Effect.sync(() => void known.set(consumer, queue))), queue)
      }
    )
  /**
   * Registers a name, and returns the number of its queue. This happens in a transaction of its own, which commits
   * before the caller's transaction does. So no other caller of the name waits for the caller's transaction. PGlite has
   * one session, so there the name is registered in the caller's transaction.
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
    forget: (consumer) => known.delete(consumer),
    check: (consumer, found) => {
      if (known.get(consumer) !== found) known.delete(consumer)
    }
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
  unsettled: Number(row?.["unsettled"]),
  lagMillis: Number(row?.["lag"]),
  delayedKeys: Number(row?.["delayed"]),
  parkedKeys: Number(row?.["parked"]),
  parkedMillis: Number(row?.["parked_for"]),
  deadLetters: Number(row?.["dead_letters"]),
  paused: row?.["paused"] === true,
  redriveStopped: row?.["redrive_stopped"] === true,
  freeLanes: Number(row?.["free"]),
  oldestMillis: Number(row?.["eldest"]),
  pipeline: String(row?.["pipeline"])
})

/** How long a registration is retried while open transactions of publishers lock the subscriptions. */
const patience = Duration.seconds(30)

/**
 * Runs an effect again after a conflict or a lock timeout, for up to 30 seconds. Lock timeouts are short and frequent
 * here, because new publishers must wait behind a registration that waits for the lock.
 */
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
): Pick<ConsumerStore, "register" | "status" | "record" | "neglected"> => {
  const text = Sql.make(names)
  const look = StatusSql.make(names)
  const record = SeriesSql.record(names)
  const neglected = Sql.neglected(names)

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

  /**
   * Registers a consumer while the subscriptions are locked. No publish is then under way, and every published message
   * is visible, so unrouted messages of the topics are moved to the queue.
   */
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
    neglected: Effect.mapBoth(Effect.suspend(() => db.machinery(neglected, [])), {
      onFailure: PgFailure.storeFailure("look for queues without a worker"),
      onSuccess: ([row]) => ({
        consumers: (row?.["consumers"] ?? []) as ReadonlyArray<string>,
        topics: (row?.["topics"] ?? []) as ReadonlyArray<string>
      })
    }),
    record: (consumer, status, settled) =>
      Effect.flatMap(queues.byName(consumer), (queue) =>
        db.machinery(record, [
          queue,
          status.unsettled,
          status.lagMillis,
          status.delayedKeys,
          status.parkedKeys,
          status.deadLetters,
          settled.committed,
          settled.duplicates,
          settled.dead,
          settled.retried
        ]).pipe(Effect.asVoid, Effect.mapError(PgFailure.storeFailure("record the series")))),
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
        // The description of the pipeline is written only if it changed. Usually it is the one of the last start.
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
