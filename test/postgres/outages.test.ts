/**
 * Outages and other failures, against a real server: every SQLSTATE of the policy table, deadlocks, a failover to
 * read-only. Also a dropped LISTEN connection, handlers that take the whole pool, and cancel requests that come late.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const Tasks = Topic.make("tasks", {
  schema: Schema.Struct({ id: Schema.String, n: Schema.Int }),
  key: (task) => task.id,
  id: (task) => task.id
})
const tasks = (count: number) => Array.from({ length: count }, (_, n) => ({ id: `t${n}`, n }))

const quickly = Retry.exponential("20 millis", { attempts: 5, jitter: false })

/** Where commits of these tests are seen: which attempt of a message committed. */
const ledgerIn = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table ${sql(`${schema}.ledger`)} (id text, attempt int)`
})
const committed = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql<{ id: string; attempt: number }>`select id, attempt from ${sql(`${schema}.ledger`)}`
  return new Map(rows.map(({ attempt, id }) => [id, attempt]))
})

/** Runs the pipelines' workers until the condition holds. */
const whileRunning = <E, R, E2, R2>(worker: Effect.Effect<never, E, R>, test: Effect.Effect<void, E2, R2>) =>
  Effect.raceFirst(worker, test)

describe("every SQLSTATE of the policy table", () => {
  const conflicts = ["40001", "40P01", "55P03"]
  const outages = ["57P01", "57P02", "57P03", "57P05", "25P03", "25P04", "25006", "53100", "53200", "53300", "08000"]
    .concat("08003", "08006", "58030")
  const own = ["57014", "23502", "23503", "23505", "23514", "22001", "22P02", "42P01", "P0001"]
  const schema = freshSchema()

  it.live(
    "is a repeated transaction, a wait, or the message's own failure, as the table says",
    () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* ledgerIn(schema)
        const codes = [...conflicts, ...outages, ...own]
        // A rollback does not take back a sequence's value, so the first three runs of a step fail, or the first one.
        for (const code of codes) yield* sql`create sequence ${sql(`${schema}.runs_${code.toLowerCase()}`)}`
        yield* sql.unsafe(
          `create function "${schema}".fail_times(code text, times int) returns void language plpgsql as $$
        begin
          if nextval(format('%I.%I', '${schema}', 'runs_' || lower(code))) <= times then
            raise exception 'as asked' using errcode = code;
          end if;
        end $$`
        )
        const failing = Pipeline.from(Tasks, { consumer: "failing" }).pipe(
          Pipeline.commit((task, { attempt }) =>
            Effect.gen(function*() {
              const times = own.includes(task.id) ? 1 : 3
              yield* sql`select ${sql.literal(`"${schema}".fail_times`)}(${task.id}, ${times})`
              yield* sql`insert into ${sql(`${schema}.ledger`)} (id, attempt) values (${task.id}, ${attempt})`
            })
          ),
          Pipeline.retry(quickly),
          Pipeline.group(1)
        )
        yield* Worker.drain(failing)
        yield* Topic.publishAll(Tasks, codes.map((id, n) => ({ id, n })))
        yield* whileRunning(
          Worker.run(failing),
          eventually(Effect.map(committed(schema), (rows) => rows.size === codes.length))
        )
        const rows = yield* committed(schema)
        for (const code of [...conflicts, ...outages]) assert.strictEqual(rows.get(code), 1, `${code} is not counted`)
        for (const code of own) assert.strictEqual(rows.get(code), 2, `${code} is a failed attempt`)
      }).pipe(Effect.provide(postgres(url, {}, schema)))
  )
})

it.live("deadlocks: repeated, bounded, no attempt counted, with retention and a redrive running", () => {
  const schema = freshSchema()
  let deadlocks = 0
  const attempts = new Set<number>()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* ledgerIn(schema)
    const shared = sql(`${schema}.shared`)
    yield* sql`create table ${shared} (id int primary key, n int)`
    yield* sql`insert into ${shared} values (0, 0), (1, 0)`
    const bump = (id: number) => sql`update ${shared} set n = n + 1 where id = ${id}`
    const crossing = Pipeline.from(Tasks, { consumer: "crossing" }).pipe(
      Pipeline.commit((task, { attempt, redriven }) =>
        Effect.gen(function*() {
          attempts.add(attempt)
          if (task.n === 0 && redriven < 5) return yield* Effect.fail("to be redriven")
          yield* sql`select set_config('deadlock_timeout', '10ms', true)`
          yield* bump(task.n % 2)
          yield* sql`select pg_sleep(0.003)`
          yield* bump((task.n + 1) % 2)
          yield* sql`insert into ${sql(`${schema}.ledger`)} (id, attempt) values (${task.id}, ${attempt})`
        }).pipe(Effect.tapError((error) =>
          Effect.sync(() => {
            const cause = typeof error === "string" ? undefined : error.reason.cause
            if (cause instanceof Error && "code" in cause && cause.code === "40P01") deadlocks++
          })
        ))
      ),
      Pipeline.retry(Retry.exponential("1 millis", { attempts: 1 })),
      Pipeline.group(4)
    )
    yield* Worker.drain(crossing)
    yield* Topic.publishAll(Tasks, tasks(120))
    const redriving = Effect.gen(function*() {
      const open = yield* DeadLetters.list({ consumer: "crossing", state: "open" })
      yield* Effect.forEach(open, (deadLetter) => DeadLetters.redrive(deadLetter.id, { by: "test" }))
      return (yield* committed(schema)).size === 120
    })
    const workers = Effect.all(Array.from({ length: 8 }, () => Worker.run(crossing, { committers: 2 })), {
      concurrency: "unbounded"
    })
    yield* whileRunning(Effect.andThen(workers, Effect.never), Effect.timeout(until(redriving), "30 seconds"))
    const sums = yield* sql<{ n: number }>`select n from ${shared}`
    assert.deepStrictEqual(sums.map((row) => row.n), [120, 120])
    assert.deepStrictEqual([...attempts], [1])
    assert.isAbove(deadlocks, 0)
  }).pipe(Effect.provide(postgres(url, { retention: { every: "100 millis" } }, schema)))
})

const until = <E, R>(holds: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), holds), { until: (yes) => yes })

it.live(
  "a failover to read-only: the publisher gets an error, the worker waits and continues, nothing is lost or counted",
  () =>
    Effect.gen(function*() {
      const admin = yield* SqlClient.SqlClient
      const name = freshSchema()
      yield* Effect.acquireRelease(
        admin`create database ${admin(name)}`,
        () => Effect.orDie(admin`drop database ${admin(name)} with (force)`)
      )
      const there = new URL(url)
      there.pathname = `/${name}`
      const schema = freshSchema()
      const become = (readOnly: boolean) =>
        Effect.andThen(
          admin`alter database ${admin(name)} set default_transaction_read_only = ${admin.literal(String(readOnly))}`,
          admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${name}`
        )
      const program = Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* ledgerIn(schema)
        const booked = Pipeline.from(Tasks, { consumer: "booked" }).pipe(
          Pipeline.commitSql((task, sql, { attempt }) =>
            sql`insert into ${sql(`${schema}.ledger`)} (id, attempt) values (${task.id}, ${attempt})`
          )
        )
        yield* Worker.drain(booked)
        const worker = yield* Effect.forkChild(Worker.run(booked, { idlePoll: "100 millis" }))
        const sent = new Set<string>()
        const publish = (task: { id: string; n: number }) =>
          Effect.tap(Topic.publish(Tasks, task), () => Effect.sync(() => sent.add(task.id)))
        yield* Effect.forEach(tasks(50), publish)
        yield* become(true)
        // A publisher now gets an error with the reason, and nothing is published.
        const refused = Effect.flip(publish({ id: "refused", n: -1 }))
        yield* eventually(Effect.map(refused, (error) => error.message.includes("read-only")))
        yield* become(false)
        yield* Effect.retry(publish({ id: "after", n: 99 }), { times: 20 })
        yield* eventually(Effect.map(committed(schema), (rows) => [...sent].every((id) => rows.has(id))))
        const rows = yield* sql<{ id: string; attempt: number }>`select id, attempt from ${sql(`${schema}.ledger`)}`
        assert.lengthOf(rows, sent.size)
        assert.isTrue(rows.every((row) => row.attempt === 1))
        yield* Fiber.interrupt(worker)
      })
      yield* Effect.provide(program, Postgres.layer({ url: Redacted.make(there.toString()), schema }))
    }).pipe(Effect.scoped, Effect.provide(postgres(url)))
)

it.live("a lost NOTIFY, a dropped LISTEN connection: polling finds the message, and the process listens again", () => {
  const schema = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* ledgerIn(schema)
    const listeners = Effect.map(
      sql<{ pid: number }>`select pid from pg_stat_activity where query like ${`%pg_listening_channels()%${schema}%`}`,
      (rows) => rows.map((row) => row.pid)
    )
    const booked = Pipeline.from(Tasks, { consumer: "booked" }).pipe(
      Pipeline.commitSql((task, sql, { attempt }) =>
        sql`insert into ${sql(`${schema}.ledger`)} (id, attempt) values (${task.id}, ${attempt})`
      )
    )
    yield* Worker.drain(booked)
    const worker = yield* Effect.forkChild(Worker.run(booked, { idlePoll: "500 millis" }))
    yield* eventually(Effect.map(listeners, (pids) => pids.length === 1))
    const [first] = yield* listeners
    yield* sql`select pg_terminate_backend(${first})`
    yield* Topic.publish(Tasks, { id: "found", n: 1 })
    yield* eventually(Effect.map(committed(schema), (rows) => rows.has("found")))
    yield* eventually(Effect.map(listeners, (pids) => pids.length === 1 && pids[0] !== first))
    yield* Fiber.interrupt(worker)
  }).pipe(Effect.provide(postgres(url, {}, schema)))
})

it.live(
  "a pool of 2, exhausted by handlers: a typed error that names the setting, leases are kept, no deadlock",
  () => {
    const schema = freshSchema()
    const lines: Array<string> = []
    const errors: Array<string> = []
    const logger = Logger.make((options) => {
      lines.push(String(options.message))
    })
    return Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* ledgerIn(schema)
      // Keeps one connection and asks for another. With as many of these as there are connections, all would wait
      // indefinitely.
      const greedy = Pipeline.from(Tasks, { consumer: "greedy" }).pipe(
        Pipeline.tap((_, { attempt }) =>
          attempt > 1 ? Effect.void : sql.reserve.pipe(
            Effect.andThen(Effect.sleep("1500 millis")),
            Effect.andThen(sql`select 1`),
            Effect.tapError((error) => Effect.sync(() => errors.push(error.message))),
            Effect.scoped
          )
        ),
        Pipeline.commit((task, { attempt }) =>
          sql`insert into ${sql(`${schema}.ledger`)} (id, attempt) values (${task.id}, ${attempt})`
        ),
        Pipeline.retry(quickly)
      )
      yield* Worker.drain(greedy)
      yield* Topic.publishAll(Tasks, tasks(4))
      const worker = yield* Effect.forkChild(Worker.run(greedy, { lease: "1 second", concurrency: 4 }))
      yield* until(Effect.map(Effect.orElseSucceed(committed(schema), () => new Map()), (rows) => rows.size === 4))
        .pipe(
          Effect.timeout("10 seconds")
        )
      assert.isNotEmpty(errors)
      assert.isTrue(errors.every((message) => message.includes("maxConnections")))
      assert.isFalse(lines.some((line) => line.includes("lease")), lines.join("\n"))
      yield* Fiber.interrupt(worker)
    }).pipe(
      Effect.provide(
        Layer.merge(
          postgres(url, { maxConnections: 2, acquireTimeout: "300 millis" }, schema),
          Logger.layer([logger])
        )
      )
    )
  }
)

it.live(
  "a cancel request that comes late hits no other statement: hundreds are interrupted, and no other one fails",
  () => {
    const schema = freshSchema()
    return Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store.Store
      let interrupted = 0
      const culprit = (n: number) =>
        Effect.gen(function*() {
          const slow = n % 2 === 0 ? sql`select pg_sleep(0.002)` : store.transact(sql`select pg_sleep(0.002)`)
          const fiber = yield* Effect.forkChild(
            Effect.exit(Effect.onInterrupt(slow, () => Effect.sync(() => interrupted++)))
          )
          yield* Effect.sleep((n % 5) / 2)
          yield* Fiber.interrupt(fiber)
        })
      const other = (n: number) => n % 2 === 0 ? sql`select ${n}::int` : store.transact(sql`select ${n}::int`)
      const each = Array.from({ length: 300 }, (_, n) => n)
      yield* Effect.all([
        Effect.forEach(each, culprit, { discard: true }),
        Effect.forEach(each, culprit, { discard: true }),
        Effect.forEach([...each, ...each, ...each, ...each], other, { discard: true })
      ], { concurrency: "unbounded" })
      assert.isAbove(interrupted, 150)
    }).pipe(Effect.provide(postgres(url, { maxConnections: 2, acquireTimeout: "5 seconds" }, schema)))
  }
)
