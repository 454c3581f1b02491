/** A reader of one lane on Postgres, for the scenarios of `QueueReader.test.ts`. */
import { Deferred, Duration, Effect, Fiber, Redacted, Result } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type { Delivery } from "millrace"
import { inject } from "vitest"
import * as Migrations from "../../src/postgres/migrations/index.ts"
import { QueueReader } from "../../src/postgres/queue/QueueReader.ts"
import { type ReaderPort, readerPort } from "../../src/postgres/queue/ReaderPort.ts"
import type { OwnedLane } from "../../src/postgres/queue/Row.ts"
import * as ServerLife from "../../src/postgres/queue/ServerLife.ts"
import * as PgClient from "../../src/postgres/session/PgClient.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { freshSchema } from "./kit.ts"

export type Port = ReaderPort<SqlError.SqlError>

const database = () => ({
  url: Redacted.make(inject("databaseUrl")),
  ssl: undefined,
  stream: undefined,
  maxConnections: 10,
  acquireTimeout: Duration.seconds(5),
  commitTimeout: Duration.seconds(5),
  single: false,
  pooler: false
})

/** A transaction that stays open beside everything else: writes within it, one after the other. */
const openTransaction = Effect.fnUntraced(function*(sql: SqlClient.SqlClient) {
  type Write = Effect.Effect<unknown, SqlError.SqlError>
  const queue: Array<{ readonly write: Write; readonly done: Deferred.Deferred<void> }> = []
  let wake = Deferred.makeUnsafe<void>()
  let committing = false
  const loop = Effect.gen(function*() {
    while (!committing || queue.length > 0) {
      const next = queue.shift()
      if (next === undefined) {
        yield* Deferred.await(wake)
        wake = Deferred.makeUnsafe()
        continue
      }
      yield* next.write
      yield* Deferred.succeed(next.done, undefined)
    }
  })
  const fiber = yield* Effect.forkScoped(sql.withTransaction(loop))
  return {
    within: (write: Write) =>
      Effect.suspend(() => {
        const done = Deferred.makeUnsafe<void>()
        queue.push({ write, done })
        Deferred.doneUnsafe(wake, Effect.void)
        return Deferred.await(done)
      }),
    commit: Effect.suspend(() => {
      committing = true
      Deferred.doneUnsafe(wake, Effect.void)
      return Fiber.join(fiber)
    })
  }
})

/** Locks the rows of a table in another transaction, until the result is run. */
const lockAll = (sql: SqlClient.SqlClient, table: string) =>
  Effect.gen(function*() {
    const [locked, unlock] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const lock = Effect.andThen(
      sql`select from ${sql(table)} for update`,
      Effect.andThen(Deferred.succeed(locked, undefined), Deferred.await(unlock))
    )
    const fiber = yield* Effect.forkScoped(sql.withTransaction(lock))
    yield* Deferred.await(locked)
    return Effect.andThen(Deferred.succeed(unlock, undefined), Fiber.join(fiber))
  })

const reports = { lost: () => {}, paused: () => {}, sameLife: () => Effect.void }

/** Operator actions, by SQL. */
const operatorsSql = (sql: SqlClient.SqlClient, messages: string, holds: string) => ({
  /** It has died, and a redrive has put it back. */
  redrive: ({ position }: Delivery.Delivery) =>
    sql`update ${sql(messages)} set xid = pg_current_xact_id(), redriven = redriven + 1 where seq = ${position}`,
  park: (key: string) =>
    sql`insert into ${sql(holds)} (queue_id, key, lane, until, from_seq) values (1, ${key}, 0, 'infinity', 0)`,
  release: sql`update ${sql(holds)} set until = statement_timestamp()`
})

/** One reader of one lane, and hands that publish and hold by SQL, whenever the scenario wants. */
export const stage = Effect.fnUntraced(function*(broken: (port: Port) => Port) {
  const names = Result.getOrThrow(Names.make(freshSchema()))
  const db = yield* PgClient.make(database())
  const { sql } = db
  yield* Migrations.ensure(sql, sql.withTransaction, names, "auto")
  yield* Effect.addFinalizer(() => Effect.ignore(sql`drop schema ${sql(names.raw)} cascade`))
  yield* sql`insert into ${sql(`${names.raw}.lanes`)} (queue_id, lane) values (1, 0)`
  const owned: OwnedLane = {
    lane: 0,
    lease: { name: "lane-0", token: 0n, claimedAt: 0n, lost: Deferred.makeUnsafe() },
    crashed: false,
    lost: false,
    leaving: false
  }
  const polls: Array<{ readonly rows: number; readonly lagging: number }> = []
  const port = broken(readerPort(db, names, 1, yield* ServerLife.current(db.machinery, names), reports) as Port)
  const reader = new QueueReader<SqlError.SqlError>({
    ...port,
    poll: (poll) =>
      Effect.tap(
        port.poll(poll),
        ({ rows }) =>
          Effect.sync(() =>
            polls.push({ rows: rows.length, lagging: poll.passedOver.length + poll.laggingKeys.length })
          )
      )
  })
  reader.add(owned)
  const seen: Array<Delivery.Delivery> = []
  const messages = `${names.raw}.messages`
  const put = (id: string, key = "k") =>
    sql`insert into ${sql(messages)} (queue_id, lane, id, topic, key, keyed, payload)
      values (1, 0, ${id}, 't', ${key}, true, '{}')`
  /**
   * m0, m1 and so on: every fifth with a key of its own, the others on as many keys as there are numbers below
   * `keys`.
   */
  const putMany = (from: number, to: number, keys: number) =>
    sql`insert into ${sql(messages)} (queue_id, lane, id, topic, key, keyed, payload)
      select 1, 0, 'm' || n, 't', case when n % 5 = 0 then 'own' || n else 'k' || n % ${keys}::int end, n % 5 <> 0, '{}'
      from generate_series(${from}::int, ${to - 1}::int) n order by n`
  const poll = (messages = 50) =>
    reader.poll({ messages, bytes: 1e6, perKey: 20 }, (deliveries) => seen.push(...deliveries))
  const read = Effect.gen(function*() {
    do {
      yield* poll()
    } while (reader.more)
  })
  const settle = (deliveries: ReadonlyArray<Delivery.Delivery>) =>
    Effect.andThen(
      sql`delete from ${sql(messages)} where seq = any(${deliveries.map((delivery) => delivery.position)}::bigint[])`,
      Effect.sync(() => deliveries.forEach((delivery) => reader.settled(delivery)))
    )
  /** Reads, and settles what it has read, until there is no more. */
  const work = (room?: number) =>
    Effect.gen(function*() {
      let before: number
      do {
        before = seen.length
        yield* poll(room)
        yield* settle(seen.slice(before))
      } while (seen.length > before || reader.more)
    })
  const begin = Effect.map(openTransaction(sql), ({ commit, within }) => ({
    put: (id: string, key = "k") => within(put(id, key)),
    putMany: (from: number, to: number, keys: number) => within(putMany(from, to, keys)),
    commit
  }))
  const holds = `${names.raw}.holds`
  return {
    begin,
    poll,
    polls,
    put,
    read,
    seen,
    settle,
    stats: reader.stats,
    work,
    hold: (delivery: Delivery.Delivery) =>
      reader.exclusively(Effect.andThen(
        sql`insert into ${sql(holds)} (queue_id, key, lane, until, from_seq)
          values (1, ${delivery.message.key}, 0, 'infinity', ${reader.heldFrom(delivery)})`,
        Effect.sync(() => reader.held(delivery.message))
      )),
    ...operatorsSql(sql, messages, holds),
    /** Locks every hold in another transaction, until the result is run. */
    lockHolds: lockAll(sql, holds),
    heldFrom: Effect.map(sql`select from_seq from ${sql(holds)}`, ([row]) => row?.["from_seq"]),
    /** Reads the rows of the delivery's key in flight again. */
    readAgain: (delivery: Delivery.Delivery) => reader.whileNotReading(delivery, Effect.void),
    settleAll: Effect.suspend(() => settle(seen))
  }
})

export type Stage = Effect.Success<ReturnType<typeof stage>>
