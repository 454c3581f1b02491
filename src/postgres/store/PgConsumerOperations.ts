/**
 * Operator actions on consumers. Each action is one transaction, which also writes the audit entry.
 *
 * While a consumer is removed or unsubscribed, no message can be published, as while a consumer registers. So the
 * action counts every message that was published before, and a later message finds no subscription.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Action } from "../../Audit.ts"
import { type DeadLetterOrder, unsubscribed } from "../../DeadLetter.ts"
import {
  ConsumerBusy,
  ConsumerNotFound,
  NotSubscribed,
  PauseConflict,
  type StoreFailure,
  WorkerNotFound
} from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import * as Page from "../../internal/Page.ts"
import type { Consumer, ConsumerStore, HeldKey, OperatorAction } from "../../Store.ts"
import type { Wake } from "../queue/Wake.ts"
import * as Isolation from "../session/Isolation.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as AuditSql from "../sql/audit.ts"
import * as Sql from "../sql/consumerOperations.ts"
import * as ConsumersSql from "../sql/consumers.ts"
import * as LanesSql from "../sql/lanes.ts"
import type { Names } from "../sql/names.ts"
import * as RemovalSql from "../sql/removal.ts"
import * as LifeSql from "../sql/serverLife.ts"
import { textOf } from "./DeadLetterRow.ts"
import { type Queues, retryConflicts } from "./PgConsumers.ts"

/** Returns who paused the row's consumer or key, and when. Returns undefined if it is not paused. */
const pausedOf = (row: Rows[number] | undefined): { readonly by: string; readonly at: number } | undefined => {
  const by = textOf(row?.["paused_by"])
  return by === undefined ? undefined : { by, at: Math.floor(Number(row?.["paused_at"])) }
}

const consumerOf = (row: Rows[number]): Consumer => {
  const paused = pausedOf(row)
  return {
    paused: paused === undefined ? undefined : {
      ...paused,
      note: String(row["paused_note"]),
      until: row["paused_until"] === null ? undefined : Math.floor(Number(row["paused_until"]))
    },
    consumer: String(row["consumer"]),
    topics: row["topics"] as ReadonlyArray<string>,
    lanes: Number(row["lanes"]),
    order: row["dead_letter_order"] as DeadLetterOrder,
    registeredAt: Math.floor(Number(row["registered_at"])),
    workers: Number(row["workers"]),
    waiting: Page.countOf(Number(row["waiting"])),
    heldKeys: Page.countOf(Number(row["held"])),
    deadLetters: Page.countOf(Number(row["dead_letters"]))
  }
}

const heldKeyOf = (row: Rows[number]): HeldKey => ({
  key: String(row["key"]),
  retryAt: row["retry_at"] === null ? undefined : Math.floor(Number(row["retry_at"])),
  parked: row["parked"] === true,
  paused: pausedOf(row)
})

/** The services and statements that the transactions of this module use. */
interface Parts {
  readonly db: PgDatabase
  readonly queues: Queues
  readonly wake: Wake
  readonly text: ReturnType<typeof Sql.make>
  readonly removal: ReturnType<typeof RemovalSql.make>
  readonly evict: string
  readonly audit: string
  readonly locking: ReadonlyArray<string>
  readonly begin: string
}

/**
 * Runs an operator action in one transaction, and maps a failure of the database to `StoreFailure`. The action must see
 * everything that is committed. So it is refused within a user's transaction that does not see later commits.
 */
const run = <A, E extends { readonly _tag: string }>(
  parts: Parts,
  operation: string,
  effect: Effect.Effect<A, E | SqlError>
): Effect.Effect<A, Exclude<E, SqlError> | StoreFailure> =>
  Effect.andThen(
    Isolation.refuseOlder(parts.db, operation),
    Effect.mapError(
      retryConflicts(parts.db.transaction(effect)),
      (error) =>
        error._tag === "SqlError" ? PgFailure.storeFailure(operation)(error as SqlError) : error as Exclude<E, SqlError>
    )
  )

const found = (parts: Parts, statement: string, consumer: string) =>
  Effect.flatMap(
    parts.db.within(statement, [consumer]),
    ([row]): Effect.Effect<Rows[number], ConsumerNotFound> =>
      row === undefined ? Effect.fail(new ConsumerNotFound({ consumer })) : Effect.succeed(row)
  )

const note = (
  { audit, db }: Parts,
  kind: Action,
  action: OperatorAction,
  about: { readonly consumer: string; readonly topic?: string; readonly key?: string; readonly detail?: string }
) =>
  db.within(audit, [
    action.by,
    kind,
    about.consumer,
    about.topic ?? "",
    about.key ?? "",
    action.note ?? "",
    about.detail ?? ""
  ])

/** Excludes publishers until the transaction ends. Every message that was published before is then visible. */
const excludePublishers = ({ db, locking }: Parts) =>
  Effect.forEach(locking, (statement) => db.within(statement, []), { discard: true })

const count = (parts: Parts, queue: unknown, topic: string | null) =>
  Effect.map(parts.db.within(parts.removal.count, [queue, topic]), ([row]) => ({
    workers: Number(row?.["workers"]),
    waiting: Number(row?.["waiting"]),
    deadLetters: Number(row?.["dead_letters"])
  }))

const remove = (parts: Parts): ConsumerStore["remove"] => (consumer, action) => {
  const { db, removal: ending, queues, wake } = parts
  return run(
    parts,
    "remove the consumer",
    Effect.gen(function*() {
      yield* excludePublishers(parts)
      const row = yield* found(parts, ending.lock, consumer)
      yield* db.within(ending.lockLanes, [row["id"]])
      const { deadLetters, waiting, workers } = yield* count(parts, row["id"], null)
      const free = (workers === 0 || action.force?.workers === true)
        && (waiting + deadLetters === 0 || action.force?.messages === true)
      if (!free) return yield* new ConsumerBusy({ consumer, asked: "removed", workers, waiting, deadLetters })
      for (const statement of ending.remove) yield* db.within(statement, [row["id"]])
      yield* note(parts, "removed", action, { consumer, detail: `${waiting} waiting, ${deadLetters} dead letters` })
      yield* db.sql.afterCommit(Effect.sync(() => {
        queues.forget(consumer)
        // This ends the wait of the consumer's workers in this process. Each worker, in this process or another one,
        // finds the removal at its next heartbeat.
        wake.published(Number(row["id"]))
      }))
    })
  )
}

const unsubscribe = (parts: Parts): ConsumerStore["unsubscribe"] => (consumer, topic, action) => {
  const { db, removal: ending, text, wake } = parts
  return run(
    parts,
    "unsubscribe the consumer",
    Effect.gen(function*() {
      yield* excludePublishers(parts)
      const row = yield* found(parts, text.lock, consumer)
      const removed = yield* db.within(ending.unsubscribe, [row["id"], topic])
      if (removed.length === 0) return yield* new NotSubscribed({ consumer, topic })
      const { waiting, workers } = yield* count(parts, row["id"], topic)
      if (waiting > 0 && action.force?.messages !== true) {
        return yield* new ConsumerBusy({
          consumer,
          asked: `unsubscribed from ${topic}`,
          workers,
          waiting,
          deadLetters: 0
        })
      }
      const failure = unsubscribed(topic, yield* Clock.currentTimeMillis)
      // A server life must have begun before ids of dead letters are drawn: its beginning passes over ids that may be
      // in use already.
      yield* db.within(parts.begin, [])
      const [given] = yield* db.within(ending.deadLetterTopic, [row["id"], topic, JSON.stringify(failure), failure.tag])
      yield* note(parts, "unsubscribed", action, { consumer, topic, detail: `${String(given?.["waiting"])} waiting` })
      yield* db.sql.afterCommit(Effect.sync(() => wake.published(Number(row["id"]))))
    })
  )
}

const ofConsumer = (parts: Parts, asked: "paused" | "resumed"): ConsumerStore["pause"] => (consumer, action) => {
  const { db, text, wake } = parts
  return run(
    parts,
    asked === "paused" ? "pause the consumer" : "resume the consumer",
    Effect.gen(function*() {
      const row = yield* found(parts, text.lock, consumer)
      const isPaused = pausedOf(row) !== undefined && !(asked === "paused" && row["pause_over"] === true)
      if (isPaused !== (asked === "resumed")) return yield* conflict(consumer, "", asked, row)
      yield* db.within(text.pause, [row["id"], asked, action.by, action.note ?? "", action.millis ?? null])
      yield* db.sql.afterCommit(Effect.sync(() => wake.published(Number(row["id"]))))
    })
  )
}

const evict = (parts: Parts): ConsumerStore["evict"] => (consumer, worker, action) => {
  const { db, text, wake } = parts
  return run(
    parts,
    "evict the worker",
    Effect.gen(function*() {
      const row = yield* found(parts, text.keepConsumer, consumer)
      const [ended = {}] = yield* db.within(parts.evict, [row["id"], worker])
      const lanes = Number(ended["freed"])
      const busy = Number(ended["busy"])
      if (lanes + busy + Number(ended["workers"]) === 0) return yield* new WorkerNotFound({ consumer, worker })
      yield* note(parts, "evicted", action, { consumer, detail: `worker ${worker}, ${lanes} lanes` })
      yield* db.sql.afterCommit(Effect.sync(() => wake.published(Number(row["id"]))))
      return { lanes, busy }
    })
  )
}

const conflict = (consumer: string, key: string, asked: "paused" | "resumed", row: Rows[number] | undefined) => {
  const { at, by } = pausedOf(row) ?? { by: "", at: 0 }
  return new PauseConflict({ consumer, key, asked, by, at })
}

const ofKey = (parts: Parts, asked: "paused" | "resumed"): ConsumerStore["pauseKey"] => (consumer, key, action) => {
  const { db, text, wake } = parts
  return run(
    parts,
    asked === "paused" ? "pause the key" : "resume the key",
    Effect.gen(function*() {
      const row = yield* found(parts, text.keepConsumer, consumer)
      const queue = row["id"]
      const changed = asked === "paused"
        ? yield* db.within(text.pauseKey, [queue, key, keyHash(key) % Number(row["lanes"]), action.by])
        : yield* Effect.andThen(db.within(text.lockKey, [queue, key]), db.within(text.resumeKey, [queue, key]))
      if (changed.length === 0) {
        const [held] = yield* db.within(text.pausedKey, [queue, key])
        return yield* conflict(consumer, key, asked, held)
      }
      yield* note(parts, asked, action, { consumer, key })
      yield* db.sql.afterCommit(Effect.sync(() => wake.published(Number(queue))))
    })
  )
}

const heldKeys = ({ db, text }: Parts): ConsumerStore["heldKeys"] => (consumer, { after, limit }) => {
  const look = Effect.gen(function*() {
    const [row] = yield* db.query(text.queue, [consumer])
    if (row === undefined) return yield* new ConsumerNotFound({ consumer })
    return (yield* db.query(text.heldKeys, [row["id"], after ?? null, Page.rows(limit)])).map(heldKeyOf)
  })
  return Effect.catchTag(
    look,
    "SqlError",
    (error) => Effect.fail(PgFailure.storeFailure("look at held keys")(error))
  )
}

export const makeConsumerOperations = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake
): Omit<ConsumerStore, "register" | "status" | "record" | "neglected"> => {
  const text = Sql.make(names)
  const { recordChange: changed, lock, lockTimeout } = ConsumersSql.make(names)
  const parts: Parts = {
    db,
    queues,
    wake,
    text,
    removal: RemovalSql.make(names),
    evict: LanesSql.make(names).evict,
    audit: AuditSql.make(names).insert,
    locking: [lockTimeout, lock, changed],
    begin: LifeSql.make(names).begin
  }
  const look = (consumer: string | null) =>
    Effect.mapBoth(db.query(text.list, [consumer, Page.countTo]), {
      onFailure: PgFailure.storeFailure("look at consumers"),
      onSuccess: (rows) => rows.map(consumerOf)
    })
  return {
    list: look(null),
    get: (consumer) =>
      Effect.flatMap(
        look(consumer),
        ([one]) => one === undefined ? Effect.fail(new ConsumerNotFound({ consumer })) : Effect.succeed(one)
      ),
    heldKeys: heldKeys(parts),
    remove: remove(parts),
    unsubscribe: unsubscribe(parts),
    pause: ofConsumer(parts, "paused"),
    resume: ofConsumer(parts, "resumed"),
    resumeDue: (consumer) =>
      Effect.asVoid(Effect.mapError(
        db.machinery(text.resumeDue, [consumer]),
        PgFailure.storeFailure("resume the consumer")
      )),
    evict: evict(parts),
    pauseKey: ofKey(parts, "paused"),
    resumeKey: ofKey(parts, "resumed")
  }
}
