/** A log of Redis Streams whose workers are killed or frozen, and whose entries are removed by others. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { Redis } from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { DeadLetters, Memory, Pipeline, Worker } from "millrace"
import { fileURLToPath } from "node:url"
import * as Child from "../harness/child.ts"
import { limit } from "../harness/patience.ts"
import { type Order, order, orders } from "../worker/support.ts"
import type { Setup } from "./log-program.ts"
import { during, idsOf, type Ledger, ledger, logOf, streams, withLedger } from "./logKit.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { freshStream, quiet, send, until } from "./streamKit.ts"

const runs = await redisRuns("the tests of crashes on a log of Redis Streams")
const wait = limit(60_000)
const program = fileURLToPath(new URL("log-program.ts", import.meta.url))
const idsFor = (account: string, count: number) => orders(account, count).map(({ id }) => id)

const started = ({ where }: Ledger, name: string, change: Partial<Setup> = {}) =>
  Child.start({
    name,
    program,
    setup: { ...where, name, leaseMillis: limit(1500), waitMillis: 0, fatal: "", ...change } satisfies Setup
  })

/** Runs a worker on the log until it fails, and returns its error. */
const failure = ({ write }: Ledger) =>
  Worker.run(ledger.pipe(Pipeline.commit((one: Order) => write(one))), { idlePoll: "50 millis" }).pipe(
    Effect.flip,
    Effect.timeout(limit(20_000))
  )

/** Processes these orders, and stops. */
const processed = ({ has, write }: Ledger, some: ReadonlyArray<Order>) =>
  Effect.andThen(send(some), during(ledger.pipe(Pipeline.commit((one: Order) => write(one))), has(some.length)))

describe.runIf(runs)("a worker on a log of Redis Streams", () => {
  it.live(
    "that is killed loses its lanes after its lease, and every message has one effect, in order",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          const first = yield* started(log, "first", { waitMillis: 300 })
          yield* send(["a", "b", "c", "d", "e", "f"].flatMap((account) => orders(account, 10)))
          yield* log.has(8)
          yield* first.signal("SIGKILL")
          const second = yield* started(log, "second")
          yield* log.has(60)
          yield* Child.stop(second)
          const rows = yield* log.rows
          assert.strictEqual(rows.length, 60)
          for (const account of ["a", "b", "c", "d", "e", "f"]) {
            assert.deepStrictEqual(idsOf(rows, account), idsFor(account, 10))
          }
        }))
      ),
    wait
  )

  it.live(
    "that was frozen beyond its lease commits nothing that its next owner has",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send(orders("a", 3))
          const frozen = yield* started(log, "frozen", { waitMillis: 1000 })
          yield* frozen.said("begins a1")
          yield* frozen.signal("SIGSTOP")
          const second = yield* started(log, "second")
          yield* log.has(3)
          yield* frozen.signal("SIGCONT")
          yield* Child.stop(second)
          yield* send([order("a", 4)])
          yield* frozen.said("begins a4")
          yield* log.has(4)
          yield* Child.stop(frozen)
          const rows = yield* log.rows
          assert.deepStrictEqual(rows.map(({ id, worker }) => [id, worker]), [
            ["a1", "second"],
            ["a2", "second"],
            ["a3", "second"],
            ["a4", "frozen"]
          ])
        }))
      ),
    wait
  )

  it.live(
    "that a message crashes again and again makes a dead letter of it, and of no other one",
    () =>
      withLedger((log) =>
        Effect.scoped(Effect.gen(function*() {
          yield* send([...orders("a", 3), ...orders("b", 3)])
          const open = DeadLetters.list({ consumer: "ledger" })
          const restarting = Effect.forever(Effect.scoped(
            Effect.flatMap(started(log, "worker", { fatal: "a2" }), ({ ended }) => ended)
          ))
          const supervisor = yield* Effect.forkChild(restarting)
          yield* until("a dead letter is there", Effect.map(open, ({ length }) => length > 0))
          yield* log.has(5)
          yield* Fiber.interrupt(supervisor)
          const dead = yield* open
          assert.deepStrictEqual(dead.map(({ message: { id }, reason }) => [id, reason]), [["a2", "crashed"]])
          const rows = yield* log.rows
          assert.deepStrictEqual(idsOf(rows, "a"), ["a1", "a3"])
          assert.deepStrictEqual(idsOf(rows, "b"), idsFor("b", 3))
        }))
      ),
    limit(120_000)
  )

  for (
    const [how, remove] of [
      ["trimmed", (redis: Redis["Service"], stream: string) => redis.send("XTRIM", stream, "MAXLEN", "0")],
      ["deleted one by one", (redis: Redis["Service"], stream: string) =>
        Effect.gen(function*() {
          const [last] = yield* redis.send<ReadonlyArray<readonly [string]>>(
            "XREVRANGE",
            stream,
            "+",
            "-",
            "COUNT",
            "1"
          )
          yield* redis.send("XDEL", stream, last![0])
        })],
      ["deleted with their stream", (redis: Redis["Service"], stream: string) => redis.send("DEL", stream)],
      [
        "in a stream that was created again",
        (redis: Redis["Service"], stream: string) =>
          Effect.andThen(redis.send("DEL", stream), redis.send("XADD", stream, "1-1", "data", "{}"))
      ]
    ] as const
  ) {
    it.live(`stops for good if unread entries are ${how}`, () =>
      withLedger((log) =>
        Effect.gen(function*() {
          const redis = yield* Redis
          yield* processed(log, orders("a", 3))
          yield* send([order("a", 4), order("a", 5)])
          const [stream] = yield* streams(log.where)
          yield* remove(redis, stream!)
          const error = yield* failure(log)
          assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
          assert.include(String((error as Error).message), "delete the positions")
          assert.strictEqual((yield* log.rows).length, 3)
          // The operator continues with what is left. The processed messages do not happen again.
          const sql = yield* SqlClient.SqlClient
          yield* sql`delete from ${sql(`${log.where.schema}.logs`)}`
          yield* send([order("a", 6)])
          yield* during(
            ledger.pipe(Pipeline.commit((one: Order) => log.write(one))),
            until("the last one is there", Effect.map(log.rows, (rows) => rows.some(({ id }) => id === "a6")))
          )
          const ids = idsOf(yield* log.rows, "a")
          assert.strictEqual(new Set(ids).size, ids.length)
        }), 1), wait)
  }

  it.live("continues after entries that it has read were trimmed", () =>
    withLedger((log) =>
      Effect.gen(function*() {
        const redis = yield* Redis
        yield* processed(log, orders("a", 3))
        const [stream] = yield* streams(log.where)
        yield* redis.send("XTRIM", stream!, "MAXLEN", "0")
        yield* send([order("a", 4)])
        yield* during(ledger.pipe(Pipeline.commit((one: Order) => log.write(one))), log.has(4))
        assert.deepStrictEqual(idsOf(yield* log.rows, "a"), idsFor("a", 4))
      }), 1), wait)

  it.live(
    "refuses another number of lanes, and another log of its consumer",
    () =>
      withLedger((log) =>
        Effect.gen(function*() {
          const pipeline = ledger.pipe(Pipeline.commit((one: Order) => log.write(one)))
          const lanes = yield* Effect.flip(Worker.run(pipeline, { lanes: 64 }))
          assert.deepInclude(lanes, { _tag: "Unsupported", asked: "64 lanes" })
          yield* processed(log, orders("a", 1))
          const other = logOf({ ...log.where, stream: `${log.where.stream}-other` })
          const named = yield* Effect.exit(Effect.provide(failure(log), other))
          assert.isTrue(Exit.isSuccess(named) && String(named.value).includes("has the positions of log"))
        })
      ),
    wait
  )

  it.live("refuses a store that has no place for positions", () =>
    Effect.gen(function*() {
      const where = { redis: (yield* anyServer) ?? "", stream: freshStream(), database: "", schema: "" }
      const layers = Layer.provideMerge(quiet, Layer.provideMerge(logOf(where), Memory.layer))
      const refused = yield* Effect.flip(
        Effect.provide(Worker.run(ledger.pipe(Pipeline.tap(() => Effect.void))), layers)
      )
      assert.deepInclude(refused, { _tag: "Unsupported", engine: "redis-log" })
    }).pipe(Effect.scoped))
})
