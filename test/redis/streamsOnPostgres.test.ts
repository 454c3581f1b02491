/** Messages of a stream commit in Postgres: processes are killed and frozen, and acknowledgements are lost. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import * as Redis from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { Pipeline, Retry, Worker } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import { acknowledge } from "../../src/redis/streamScripts.ts"
import * as Child from "../harness/child.ts"
import { limit } from "../harness/patience.ts"
import { takenOver } from "../harness/takenOver.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { Declined, type Order, Orders, orders } from "../worker/support.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import type { Setup } from "./stream-program.ts"
import { freshStream, quiet, send, sizes, transportOn, until } from "./streamKit.ts"

const runs = await redisRuns("the tests of Redis Streams with Postgres")
const program = fileURLToPath(new URL("stream-program.ts", import.meta.url))
const idsOf = (given: ReadonlyArray<{ readonly id: string }>) => given.map(({ id }) => id).toSorted()

const both = ({ redis, schema, stream }: Setup) =>
  transportOn(redis, { stream }).pipe(
    Layer.provideMerge(postgres(inject("databaseUrl"), { retention: false }, schema)),
    Layer.provideMerge(quiet)
  )

interface Row {
  readonly id: string
  readonly worker: string
}

/** Runs a test with a stream, a schema and a ledger of its own. */
const withLedger = <A, E>(
  test: (setup: Setup, ledger: Effect.Effect<ReadonlyArray<Row>>) => Effect.Effect<
    A,
    E,
    Layer.Success<ReturnType<typeof both>>
  >
) =>
  Effect.gen(function*() {
    const setup: Setup = {
      database: inject("databaseUrl"),
      schema: freshSchema(),
      redis: (yield* anyServer) ?? "",
      stream: freshStream(),
      name: "",
      leaseMillis: limit(2000),
      waitMillis: 0,
      fails: false
    }
    return yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = sql(`${setup.schema}.stream_ledger`)
      yield* sql`create table ${table} (id text not null, worker text not null)`
      return yield* test(setup, Effect.orDie(sql<Row>`select id, worker from ${table}`))
    }).pipe(Effect.provide(both(setup)))
  }).pipe(Effect.scoped)

const started = Effect.fnUntraced(function*(setup: Setup, name: string, waitMillis = 0, fails = false) {
  return yield* Child.start({ name, program, setup: { ...setup, name, waitMillis, fails } })
})

const emptied = (stream: string) =>
  until("the stream is empty", Effect.map(sizes(stream), ({ length, pending }) => length + pending === 0))

/** The transport of a process whose acknowledgements never reach Redis. */
const deaf = ({ redis, stream }: Setup) =>
  RedisStreams.layer({ stream, create: true, block: "100 millis" }).pipe(
    Layer.provide(Layer.effect(
      Redis.Redis,
      Effect.map(Redis.Redis, (redis) =>
        Redis.Redis.of({
          ...redis,
          eval: (script) => (script as unknown) === acknowledge ? () => Effect.never : redis.eval(script)
        }))
    )),
    Layer.provide(RedisConnection.layerLazy(redis))
  )

describe.runIf(runs)("a message of a stream with its effects in Postgres", () => {
  it.live(
    "of a killed process is handled by another one within one lease and a poll, and not before its lease ends",
    () =>
      withLedger((setup, ledger) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("a", 3))
          const first = yield* started(setup, "first", 600_000)
          yield* first.said("begins a3")
          const second = yield* started(setup, "second")
          yield* takenOver(first, second, "a1", setup.leaseMillis)
          yield* emptied(setup.stream)
          yield* Child.stop(second)
          assert.deepStrictEqual((yield* ledger).toSorted((a, b) => a.id < b.id ? -1 : 1), [
            { id: "a1", worker: "second" },
            { id: "a2", worker: "second" },
            { id: "a3", worker: "second" }
          ])
        }))
      ),
    limit(60_000)
  )

  it.live(
    "that has moved into the lanes of the store outlives the SIGKILL of its process, and has one effect",
    () =>
      withLedger((setup, ledger) =>
        Effect.scoped(Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const moved = Effect.map(
            sql<{ readonly id: string }>`select id from ${sql(`${setup.schema}.messages`)}`,
            (rows) => rows.map(({ id }) => id)
          )
          const first = yield* started(setup, "first", 0, true)
          yield* send(orders("a", 3))
          yield* until("all have moved", Effect.map(moved, ({ length }) => length === 3))
          // Acknowledgements may be lost with the process. Then the messages come again, and are not moved twice.
          yield* first.signal("SIGKILL")
          const second = yield* started(setup, "second")
          yield* emptied(setup.stream)
          assert.deepStrictEqual([yield* ledger, (yield* moved).toSorted()], [[], ["a1", "a2", "a3"]])
          yield* sql`update ${sql(`${setup.schema}.holds`)} set until = clock_timestamp()`
          yield* until("all are committed", Effect.map(ledger, ({ length }) => length === 3))
          yield* Child.stop(second)
          assert.deepStrictEqual([idsOf(yield* ledger), yield* moved], [["a1", "a2", "a3"], []])
        }))
      ),
    limit(60_000)
  )

  it.live(
    "of a process that was frozen beyond its lease is committed by its next owner only",
    () =>
      withLedger((setup, ledger) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("a", 2))
          const frozen = yield* started(setup, "frozen", 1000)
          yield* frozen.said("begins a2")
          yield* frozen.signal("SIGSTOP")
          const second = yield* started(setup, "second")
          yield* emptied(setup.stream)
          yield* frozen.signal("SIGCONT")
          // The frozen process continues and gets the next message, so everything that it had is over.
          yield* Child.stop(second)
          yield* send(orders("b", 1))
          yield* frozen.said("begins b1")
          yield* emptied(setup.stream)
          yield* Child.stop(frozen)
          assert.deepStrictEqual((yield* ledger).toSorted((a, b) => a.id < b.id ? -1 : 1), [
            { id: "a1", worker: "second" },
            { id: "a2", worker: "second" },
            { id: "b1", worker: "frozen" }
          ])
        }))
      ),
    limit(60_000)
  )

  it.live(
    "is acknowledged only after its commit, and stays pending while its transaction is open",
    () =>
      withLedger((setup, ledger) =>
        Effect.gen(function*() {
          yield* send(orders("a", 1))
          let commits = 0
          const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
            Pipeline.commit(() => Effect.andThen(Effect.sync(() => void commits++), Effect.never))
          )
          const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: 0, idlePoll: "50 millis" }))
          yield* until("the commit has begun", Effect.sync(() => commits > 0))
          yield* Effect.sleep("300 millis")
          assert.deepStrictEqual(yield* sizes(setup.stream), { length: 1, pending: 1 })
          yield* Fiber.interrupt(worker)
          assert.deepStrictEqual(yield* ledger, [])
        })
      ),
    limit(60_000)
  )

  it.live(
    "with an acknowledgement that is lost after COMMIT comes again, and has no second effect",
    () =>
      withLedger((setup, ledger) =>
        Effect.gen(function*() {
          const sent = orders("a", 20)
          yield* send(sent)
          const sql = yield* SqlClient.SqlClient
          const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
            Pipeline.commit((one: Order) =>
              Effect.asVoid(
                sql`insert into ${sql(`${setup.schema}.stream_ledger`)} (id, worker) values (${one.id}, '')`
              )
            )
          )
          const options: Worker.WorkerOptions = { lease: setup.leaseMillis, grace: 0, idlePoll: "50 millis" }
          const first = yield* Effect.forkChild(Effect.provide(Worker.run(pipeline, options), deaf(setup)))
          yield* until("all are committed", Effect.map(ledger, (rows) => rows.length >= sent.length))
          yield* Fiber.interrupt(first)
          assert.strictEqual((yield* sizes(setup.stream)).pending, sent.length)
          const second = yield* Effect.forkChild(Worker.run(pipeline, options))
          yield* emptied(setup.stream)
          yield* Fiber.interrupt(second)
          assert.deepStrictEqual(idsOf(yield* ledger), idsOf(sent))
        })
      ),
    limit(60_000)
  )

  it.live(
    "that fails after its id was committed is settled as a duplicate, and never comes again",
    () =>
      withLedger((setup, ledger) =>
        Effect.gen(function*() {
          yield* send(orders("a", 1))
          const sql = yield* SqlClient.SqlClient
          const seen: Array<string> = []
          const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
            Pipeline.mapEffect((one: Order) => {
              const isAgain = seen.includes(one.id)
              seen.push(one.id)
              return isAgain ? Effect.fail(new Declined({ reason: "again" })) : Effect.succeed(one)
            }),
            Pipeline.commit((one) =>
              Effect.asVoid(
                sql`insert into ${sql(`${setup.schema}.stream_ledger`)} (id, worker) values (${one.id}, '')`
              )
            ),
            Pipeline.retry(Retry.exponential("13 hours", { attempts: 5, factor: 1, jitter: false }))
          )
          const options: Worker.WorkerOptions = { lease: setup.leaseMillis, grace: 0, idlePoll: "50 millis" }
          const first = yield* Effect.forkChild(Effect.provide(Worker.run(pipeline, options), deaf(setup)))
          yield* until("it is committed", Effect.map(ledger, (rows) => rows.length === 1))
          yield* Fiber.interrupt(first)
          const second = yield* Effect.forkChild(Worker.run(pipeline, options))
          yield* emptied(setup.stream)
          yield* Fiber.interrupt(second)
          const [kept] = yield* sql<{ n: number }>`select (select count(*) from ${sql(`${setup.schema}.messages`)})::int
            + (select count(*) from ${sql(`${setup.schema}.holds`)})::int as n`
          assert.deepStrictEqual([seen, idsOf(yield* ledger), kept!.n], [["a1", "a1"], ["a1"], 0])
        })
      ),
    limit(60_000)
  )
})
