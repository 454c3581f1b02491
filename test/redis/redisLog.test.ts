/** Redis Streams as a log: order per key, retries, parked keys and workers that share the shards. */
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { Redis } from "effect/persistence/Redis"
import { SqlClient } from "effect/sql"
import { DeadLetters, Pipeline, Retry, Worker } from "millrace"
import { limit } from "../harness/patience.ts"
import { Declined, type Order, order, orders } from "../worker/support.ts"
import { during, idsOf, type Ledger, ledger, streams, withLedger } from "./logKit.ts"
import { redisRuns } from "./redisServer.ts"
import { send, until } from "./streamKit.ts"

const runs = await redisRuns("the tests of Redis Streams as a log")
const wait = limit(60_000)
const accounts = Array.from({ length: 12 }, (_, i) => `account-${i}-`)
const idsFor = (account: string, count: number) => orders(account, count).map(({ id }) => id)

const writing = (write: Ledger["write"]) => ledger.pipe(Pipeline.commit((one: Order) => write(one)))

/** Counts what is left of a log in the store. */
const left = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ messages: number; open: number }>`select
      (select count(*)::int from ${sql(`${schema}.messages`)}) as messages,
      (select count(*)::int from ${sql(`${schema}.logs`)} where settled <> handed) as open`
    return row!
  })

describe.runIf(runs)("a log of Redis Streams", () => {
  it.live(
    "hands every entry out once, in order per key, and leaves the entries in their streams",
    () =>
      withLedger(({ has, rows, where, write }) =>
        Effect.gen(function*() {
          const redis = yield* Redis
          for (const n of [1, 2, 3]) yield* send(accounts.flatMap((account) => orders(account, 5 * n).slice(5 * n - 5)))
          yield* during(writing(write), has(180))
          const written = yield* rows
          for (const account of accounts) assert.deepStrictEqual(idsOf(written, account), idsFor(account, 15))
          const names = yield* streams(where)
          assert.isAbove(names.length, 2)
          let entries = 0
          for (const name of names) entries += yield* redis.send<number>("XLEN", name)
          assert.strictEqual(entries, 180)
          assert.deepStrictEqual(yield* left(where.schema), { messages: 0, open: 0 })
          // A worker that starts again continues behind them.
          yield* send([order(accounts[0]!, 16)])
          yield* during(writing(write), has(181))
          assert.strictEqual((yield* rows).length, 181)
        })
      ),
    wait
  )

  it.live(
    "drains: Worker.drain ends when every shard is read to its end",
    () =>
      withLedger(({ rows, write }) =>
        Effect.gen(function*() {
          yield* send(accounts.flatMap((account) => orders(account, 40)))
          yield* Worker.drain(writing(write), { lease: "3 seconds" })
          const written = yield* rows
          assert.strictEqual(written.length, accounts.length * 40)
          for (const account of accounts) assert.deepStrictEqual(idsOf(written, account), idsFor(account, 40))
        })
      ),
    wait
  )

  it.live(
    "of a failing message holds the key and what is behind it, and the other keys go on",
    () =>
      withLedger(({ has, rows, where, write }) =>
        Effect.gen(function*() {
          let tries = 0
          const pipeline = ledger.pipe(
            Pipeline.mapEffect((one: Order) =>
              one.id === "bad2" && ++tries < 3 ? Effect.fail(new Declined({ reason: "not yet" })) : Effect.succeed(one)
            ),
            Pipeline.commit((one) => write(one)),
            Pipeline.retry(Retry.exponential("10 minutes", { attempts: 5, factor: 1 }))
          )
          const sql = yield* SqlClient.SqlClient
          const due = sql`update ${sql(`${where.schema}.holds`)} set until = clock_timestamp()`
          yield* send([...orders("bad", 4), ...orders("good", 4)])
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* has(5)
              assert.deepStrictEqual(idsOf(yield* rows, "bad"), ["bad1"])
              assert.deepStrictEqual(idsOf(yield* rows, "good"), idsFor("good", 4))
              const holds = sql`select key from ${sql(`${where.schema}.holds`)}`
              yield* until("the key is held", Effect.map(holds, ({ length }) => length === 1))
              assert.deepInclude(yield* left(where.schema), { messages: 3 })
              // Later messages stand behind the held one, too.
              yield* send([...orders("bad", 6).slice(4), order("good", 5)])
              yield* has(6)
              assert.deepStrictEqual(idsOf(yield* rows, "bad"), ["bad1"])
              yield* until("it is tried again", Effect.map(due, () => tries >= 2))
              yield* until("all are there", Effect.andThen(due, Effect.map(rows, ({ length }) => length === 11)))
            })
          )
          assert.strictEqual(tries, 3)
          assert.deepStrictEqual(idsOf(yield* rows, "bad"), idsFor("bad", 6))
          // When the key has nothing left in the store, its entries are handed out from the stream again.
          yield* send([order("bad", 7)])
          yield* during(pipeline, has(12))
          assert.deepStrictEqual(idsOf(yield* rows, "bad"), idsFor("bad", 7))
          assert.deepStrictEqual(yield* left(where.schema), { messages: 0, open: 0 })
        })
      ),
    wait
  )

  it.live(
    "parks a key, and a redrive puts its message back before all later ones",
    () =>
      withLedger(({ has, rows, where, write }) =>
        Effect.gen(function*() {
          let fixed = false
          const pipeline = ledger.pipe(
            Pipeline.mapEffect((one: Order) =>
              one.id === "bad2" && !fixed ? Effect.fail(new Declined({ reason: "no" })) : Effect.succeed(one)
            ),
            Pipeline.commit((one) => write(one)),
            Pipeline.retry(Retry.never),
            Pipeline.deadLetter({ order: "park" })
          )
          yield* send([...orders("bad", 4), ...orders("good", 2)])
          yield* during(
            pipeline,
            Effect.gen(function*() {
              yield* has(3)
              const open = DeadLetters.list({ consumer: "ledger" })
              yield* until("it is parked", Effect.map(open, ({ length }) => length === 1))
              yield* send([order("bad", 5), order("good", 3)])
              yield* has(4)
              assert.deepStrictEqual(idsOf(yield* rows, "bad"), ["bad1"])
              fixed = true
              const [dead] = yield* open
              yield* DeadLetters.redrive(dead!.id, { by: "operator", note: "fixed" })
              yield* has(8)
            })
          )
          assert.deepStrictEqual(idsOf(yield* rows, "bad"), idsFor("bad", 5))
          assert.deepStrictEqual(yield* left(where.schema), { messages: 0, open: 0 })
        })
      ),
    wait
  )

  it.live(
    "of a message that fails after its id was committed is settled as a duplicate, and holds no key",
    () =>
      withLedger(({ has, rows, where, write }) =>
        Effect.gen(function*() {
          const seen: Array<string> = []
          const pipeline = ledger.pipe(
            Pipeline.mapEffect((one: Order) => {
              const isAgain = seen.includes(one.id)
              seen.push(one.id)
              return isAgain ? Effect.fail(new Declined({ reason: "again" })) : Effect.succeed(one)
            }),
            Pipeline.commit((one) => write(one)),
            Pipeline.retry(Retry.never),
            Pipeline.deadLetter({ order: "park" })
          )
          yield* send([order("twice", 1)])
          yield* during(pipeline, has(1))
          yield* send([order("twice", 1), order("twice", 2)])
          yield* during(pipeline, has(2))
          assert.deepStrictEqual(idsOf(yield* rows, "twice"), idsFor("twice", 2))
          assert.deepStrictEqual(seen, ["twice1", "twice1", "twice2"])
          assert.deepStrictEqual(yield* DeadLetters.list({}), [])
          assert.deepStrictEqual(yield* left(where.schema), { messages: 0, open: 0 })
        })
      ),
    wait
  )

  it.live(
    "is shared by two workers by lanes, and keeps the order when a worker comes and goes",
    () =>
      withLedger(({ has, rows, where, write }) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const owners = sql`select distinct owner from ${sql(`${where.schema}.lanes`)} where owner is not null`
          const named = (name: string) =>
            ledger.pipe(Pipeline.commit((one: Order) => Effect.andThen(Effect.sleep("2 millis"), write(one, name))))
          const batch = (from: number, to: number) => accounts.flatMap((one) => orders(one, to).slice(from))
          yield* send(batch(0, 10))
          yield* during(
            named("one"),
            Effect.gen(function*() {
              yield* has(60)
              yield* during(
                named("two"),
                Effect.gen(function*() {
                  yield* until("both have lanes", Effect.map(owners, ({ length }) => length === 2))
                  yield* send(batch(10, 20))
                  yield* until(
                    "both work",
                    Effect.map(rows, (all) => new Set(all.map(({ worker }) => worker)).size === 2)
                  )
                  yield* send(batch(20, 30))
                  yield* has(accounts.length * 25)
                }),
                { name: "two" }
              )
              yield* has(accounts.length * 30)
            }),
            { name: "one" }
          )
          const written = yield* rows
          assert.strictEqual(written.length, accounts.length * 30)
          for (const account of accounts) assert.deepStrictEqual(idsOf(written, account), idsFor(account, 30))
        })
      ),
    wait
  )

  it.live(
    "of one hot key keeps its order, and does not hold up the other keys of its shard",
    () =>
      withLedger(({ has, rows, write }) =>
        Effect.gen(function*() {
          const slow = ledger.pipe(
            Pipeline.mapEffect((one: Order) =>
              one.account === "hot" ? Effect.as(Effect.sleep("20 millis"), one) : Effect.succeed(one)
            ),
            Pipeline.commit((one) => write(one))
          )
          yield* send([...orders("hot", 150), ...orders("cold", 3)])
          yield* during(
            slow,
            Effect.gen(function*() {
              yield* until("the cold key is there", Effect.map(rows, (all) => idsOf(all, "cold").length === 3))
              assert.isBelow(idsOf(yield* rows, "hot").length, 150)
              yield* has(153)
            })
          )
          assert.deepStrictEqual(idsOf(yield* rows, "hot"), idsFor("hot", 150))
        }), 1),
    wait
  )

  it.live(
    "waits for new entries with few requests, and finds them at once",
    () =>
      withLedger(({ has, write }) =>
        Effect.gen(function*() {
          const redis = yield* Redis
          const calls = Effect.map(
            redis.send<string>("INFO", "commandstats"),
            (text) => Number(/cmdstat_evalsha:calls=(\d+)/.exec(text)?.[1] ?? 0)
          )
          yield* send(orders("a", 1))
          yield* during(
            writing(write),
            Effect.gen(function*() {
              yield* has(1)
              const before = yield* calls
              yield* Effect.sleep("1500 millis")
              assert.isBelow((yield* calls) - before, 4 * 40)
              const began = Date.now()
              yield* send([order("a", 2)])
              yield* has(2)
              assert.isBelow(Date.now() - began, limit(1500))
            }),
            { idlePoll: Duration.seconds(5) }
          )
        })
      ),
    wait
  )
})
