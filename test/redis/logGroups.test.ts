/** A group of entries of a log that is committed as data: all of it in one write, or none of it. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Hold, Pipeline, Store, type Transport, Worker } from "millrace"
import { failure } from "../../src/testing/conformance/kit.ts"
import { limit } from "../harness/patience.ts"
import { dataCommits } from "../postgres/dataKit.ts"
import { type Order, order, orders } from "../worker/support.ts"
import { idsIn, idsOf, type Ledger, ledger, opened, type Services, takenFrom, withLedger } from "./logKit.ts"
import { redisRuns } from "./redisServer.ts"
import { send } from "./streamKit.ts"

const runs = await redisRuns("the tests of groups of a log")
const wait = limit(60_000)
const commitData = dataCommits("ledger")

/** Two accounts in different shards of a log of two shards. */
const left = "left"
const right = "right"

interface Four extends Ledger {
  readonly subscription: Transport.Subscription
  /** Two entries of each account. */
  readonly got: ReadonlyArray<Delivery.Delivery>
  /** A statement that writes an id into the ledger. */
  readonly insert: { readonly sql: string; readonly params: ReadonlyArray<unknown> }
  /** The ids in the ledger. */
  readonly kept: Effect.Effect<ReadonlyArray<string>>
}

/** Runs a test with a subscription that has four entries of two shards. */
const withFour = <A, E>(test: (four: Four) => Effect.Effect<A, E, Services>) =>
  withLedger((ledger) =>
    Effect.scoped(Effect.gen(function*() {
      yield* send([...orders(left, 2), ...orders(right, 2)])
      const subscription = yield* opened("w", limit(20_000), 2)
      const { got, next } = takenFrom(subscription)
      while (got.length < 4) yield* next(9)
      assert.strictEqual(new Set(got.map(({ lease }) => lease.name)).size, 2)
      const insert = {
        sql: `insert into ${ledger.where.schema}.log_ledger (id, account, worker) values ($1, '', '')`,
        params: ["kept"]
      }
      const kept = Effect.map(ledger.rows, (rows) => rows.map(({ id }) => id))
      return yield* test({ ...ledger, subscription, got, insert, kept })
    })), 2)

const laneOf = ({ lease }: Delivery.Delivery) => Number(lease.name.slice("lane-".length))

describe.runIf(runs)("a group of a log as data", () => {
  it.live(
    "claims its ids, and its statements commit",
    () =>
      withFour(({ got, insert, kept, subscription }) =>
        Effect.gen(function*() {
          assert.isTrue(yield* commitData(subscription, got, [insert]))
          const { inbox } = yield* Store.Store
          const found = yield* inbox.lookup("ledger", `${right}2`)
          assert.deepStrictEqual([yield* kept, found], [["kept"], { _tag: "Committed" }])
        })
      ),
    wait
  )

  it.live(
    "does nothing if an id is known",
    () =>
      withFour(({ got, insert, kept, subscription }) =>
        Effect.gen(function*() {
          const store = yield* Store.Store
          const id = `${right}2`
          yield* store.transact(store.inbox.claim("ledger", [{ id, fingerprint: `print of ${id}` }]))
          assert.isFalse(yield* commitData(subscription, got, [insert]))
          assert.deepStrictEqual([yield* kept, yield* store.inbox.lookup("ledger", `${left}1`)], [[], undefined])
        })
      ),
    wait
  )

  it.live(
    "does nothing if another worker has claimed one of its lanes",
    () =>
      withFour(({ got, insert, kept, subscription, where: { schema } }) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          yield* sql`update ${sql(`${schema}.lanes`)} set token = token + 1 where lane = ${laneOf(got[0]!)}`
          assert.isFalse(yield* commitData(subscription, got, [insert]))
          assert.deepStrictEqual(yield* kept, [])
        })
      ),
    wait
  )

  it.live(
    "does nothing under another life of the server",
    () =>
      withFour(({ got, insert, kept, subscription, where: { schema } }) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          yield* sql`update ${sql(`${schema}.server_life`)} set id = 'another life'`
          assert.isFalse(yield* commitData(subscription, got, [insert]))
          assert.deepStrictEqual(yield* kept, [])
        })
      ),
    wait
  )

  it.live(
    "is described only while each lease is held",
    () =>
      withFour(({ got, subscription }) =>
        Effect.gen(function*() {
          assert.isDefined(subscription.removal!(got))
          Deferred.doneUnsafe(got[0]!.lease.lost, Exit.succeed({} as never))
          assert.isUndefined(subscription.removal!(got))
          assert.isDefined(subscription.removal!(got.filter((one) => laneOf(one) !== laneOf(got[0]!))))
        })
      ),
    wait
  )

  it.live(
    "keeps its lanes from another worker until COMMIT",
    () =>
      withFour(({ got, insert, subscription, where: { schema } }) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          // A claim locks lanes like this.
          const lock = sql<{ lane: number }>`select lane from ${sql(`${schema}.lanes`)} for update skip locked`
          let free: ReadonlyArray<number> | undefined
          const look = Effect.orDie(Effect.map(lock, (rows) => void (free = rows.map(({ lane }) => lane))))
          assert.isTrue(yield* commitData(subscription, got, [insert], look))
          assert.deepStrictEqual(free, [])
        })
      ),
    wait
  )

  it.live(
    "also removes messages that have moved into the lanes, and all of them or none",
    () =>
      withFour(({ got, insert, kept, subscription, where: { schema } }) =>
        Effect.gen(function*() {
          const store = yield* Store.Store
          const sql = yield* SqlClient.SqlClient
          const first = got.find(({ message }) => message.id === `${left}1`)!
          const hold = subscription.hold(first, [failure(1)], Hold.delayed(Duration.zero))
          yield* subscription.whileNotReading(first, store.transact(hold))
          const { got: moved, next } = takenFrom(subscription)
          while (moved.length < 2) yield* next(9)
          assert.deepStrictEqual(idsIn(moved), [`${left}1`, `${left}2`])
          const group = [...got.filter(({ message }) => message.key === right), ...moved]
          const messages = sql(`${schema}.messages`)
          yield* sql`update ${messages} set id = 'other' where id = ${`${left}2`}`
          assert.isFalse(yield* commitData(subscription, group, [insert]))
          yield* sql`update ${messages} set id = ${`${left}2`} where id = 'other'`
          assert.isTrue(yield* commitData(subscription, group, [insert]))
          assert.deepStrictEqual([yield* kept, yield* sql`select id from ${messages}`], [["kept"], []])
        })
      ),
    wait
  )

  it.live(
    "of a worker is settled, and a message that comes twice has one effect",
    () =>
      withLedger(({ rows, where: { schema } }) =>
        Effect.gen(function*() {
          const pipeline = ledger.pipe(
            Pipeline.commitSql(({ account, id }: Order, sql) =>
              sql`insert into ${sql(`${schema}.log_ledger`)} ${sql.insert({ id, account, worker: "" })}`
            )
          )
          yield* send([...orders(left, 3), ...orders(right, 3), order(left, 2), order(left, 4)])
          yield* Worker.drain(pipeline, { lanes: 2 })
          const sql = yield* SqlClient.SqlClient
          const written = yield* rows
          assert.deepStrictEqual(idsOf(written, left), orders(left, 4).map(({ id }) => id))
          assert.deepStrictEqual(idsOf(written, right), orders(right, 3).map(({ id }) => id))
          assert.deepStrictEqual(yield* sql`select lane from ${sql(`${schema}.logs`)} where settled <> handed`, [])
        }), 2),
    wait
  )
})
