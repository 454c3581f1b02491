/** A log of Redis Streams whose entries are trimmed or deleted, or whose stream is another one. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Redis } from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { Pipeline } from "millrace"
import { limit } from "../harness/patience.ts"
import { type Order, order, orders } from "../worker/support.ts"
import { during, idsIn, idsOf, ledger, opened, processed, streams, takenFrom, withLedger } from "./logKit.ts"
import { redisRuns } from "./redisServer.ts"
import { send, until } from "./streamKit.ts"

const runs = await redisRuns("the tests of losses in a log of Redis Streams")
const wait = limit(60_000)
const idsFor = (account: string, count: number) => orders(account, count).map(({ id }) => id)

describe.runIf(runs)("a log of Redis Streams with entries that are gone", () => {
  const later = send([6, 7, 8].map((n) => order("a", n)))
  for (
    const [how, remove] of [
      [
        "trimmed",
        (redis: Redis["Service"], stream: string) => Effect.andThen(redis.send("XTRIM", stream, "MAXLEN", "0"), later)
      ],
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
          yield* later
        })],
      ["deleted with their stream", (redis: Redis["Service"], stream: string) => redis.send("DEL", stream)],
      [
        "in a stream that was created again",
        (redis: Redis["Service"], stream: string) =>
          Effect.andThen(
            redis.send("DEL", stream),
            Effect.forEach([1, 2, 3], (n) => redis.send("XADD", stream, `1-${n}`, "data", "{}"))
          )
      ],
      [
        "in a stream that was created again and is as long",
        (redis: Redis["Service"], stream: string) => Effect.andThen(redis.send("DEL", stream), later)
      ]
    ] as const
  ) {
    it.live(`stops permanently if unread entries are ${how}`, () =>
      withLedger((log) =>
        Effect.gen(function*() {
          const redis = yield* Redis
          yield* processed(log, orders("a", 3))
          yield* send([order("a", 4), order("a", 5)])
          const [stream] = yield* streams(log.where)
          yield* remove(redis, stream!)
          // The reads are short, so they do not reach the end of the stream.
          const error = yield* Effect.scoped(Effect.gen(function*() {
            const { got, next } = takenFrom(yield* opened("second", limit(30_000)))
            const failed = yield* Effect.flip(Effect.repeat(next(2), { times: 10 }))
            assert.deepStrictEqual(idsIn(got), [])
            return failed
          }))
          assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
          assert.include(String((error as Error).message), "delete the positions")
          // The operator continues with what is left. The processed messages do not happen again.
          const sql = yield* SqlClient.SqlClient
          yield* sql`delete from ${sql(`${log.where.schema}.logs`)}`
          yield* send([order("a", 9)])
          yield* during(
            ledger.pipe(Pipeline.commit((one: Order) => log.write(one))),
            until("the last one is there", Effect.map(log.rows, (rows) => rows.some(({ id }) => id === "a9")))
          )
          const ids = idsOf(yield* log.rows, "a")
          assert.strictEqual(new Set(ids).size, ids.length)
        }), 1), wait)
  }

  it.live(
    "stops permanently if an unread entry is deleted before one that was deleted at its start",
    () =>
      withLedger(({ where }) =>
        Effect.gen(function*() {
          const redis = yield* Redis
          yield* send(orders("a", 4))
          const [stream] = yield* streams(where)
          const entries = yield* redis.send<ReadonlyArray<readonly [string]>>("XRANGE", stream!, "-", "+")
          yield* redis.send("XDEL", stream!, entries[3]![0])
          const { got, next } = takenFrom(yield* opened("first", limit(30_000)))
          yield* until("it has the first one", Effect.map(next(1), () => got.length === 1))
          yield* redis.send("XDEL", stream!, entries[1]![0])
          const error = yield* Effect.flip(next(9))
          assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
          assert.deepStrictEqual(idsIn(got), ["a1"])
        }).pipe(Effect.scoped), 1),
    wait
  )

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
})
