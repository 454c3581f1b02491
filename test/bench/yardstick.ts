/**
 * The yardstick: what our tables and statements allow without the runtime.
 *
 * Each connection has half of the lanes, and does one thing after another. It polls. Then it removes, claims and
 * inserts the rows of a group in one write with BEGIN and COMMIT. The statements are those of the runtime. There are no
 * leases to renew, fibers, attempts, spans or metrics, and no poll beside a commit.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Redacted, Result } from "effect"
import { shares } from "../../src/postgres/queue/Poll.ts"
import * as ServerLife from "../../src/postgres/queue/ServerLife.ts"
import * as Batch from "../../src/postgres/session/Batch.ts"
import { machineryParameters } from "../../src/postgres/session/Pools.ts"
import { claimAll } from "../../src/postgres/sql/inbox.ts"
import * as LanesSql from "../../src/postgres/sql/lanes.ts"
import * as MessagesSql from "../../src/postgres/sql/messages.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import * as ServerSql from "../../src/postgres/sql/server.ts"
import { measured, published } from "./millrace.ts"

export const connections = 2

interface Row {
  readonly lane: number
  readonly seq: bigint
  readonly id: string
  readonly payload: string
}

/** Processes all messages of a new topic, and returns the rate. With `ledger`, each message inserts a row. */
export const yardstick = Effect.fnUntraced(function*(
  { group, keys, ledger, messages, schema, url }: {
    readonly url: string
    readonly schema: string
    readonly messages: number
    readonly keys: number
    readonly group: number
    readonly ledger: boolean
  }
) {
  const { run } = yield* published(messages, keys)
  const names = Result.getOrThrow(Names.make(schema))
  const lanesSql = LanesSql.make(names)
  const { poll, settleAll } = MessagesSql.make(names)
  const connected = yield* Effect.forEach(
    Array.from({ length: connections }),
    () => PgConnection.make({ url: Redacted.make(url), startupParameters: machineryParameters })
  )
  const first = connected[0]!
  const query = (text: string, params: ReadonlyArray<unknown> = []) =>
    Effect.map(first.query(text, params), ({ rows }) => rows)
  const life = yield* ServerLife.current(query, names)
  const [registered] = yield* query(`select id from ${names.consumers} where name = $1`, [run])
  const queue = Number(registered!["id"])
  yield* query("begin")
  const free = yield* query(lanesSql.lockFree, [queue, 1024, "yardstick", life])
  const lanes = free.map((row) => Number(row["lane"]))
  const claimed = yield* query(lanesSql.claim, [queue, lanes, "yardstick", 600_000, null, life])
  yield* query("commit")
  const tokens = new Map(claimed.map((row) => [Number(row["lane"]), row["token"] as bigint]))
  let done = 0

  const statements = (rows: ReadonlyArray<Row>): ReadonlyArray<Batch.Sent> => {
    const mine = [...new Set(rows.map((row) => row.lane))]
    const ids = rows.map((row) => row.id)
    const place = [queue, mine, mine.map((lane) => tokens.get(lane)!), life, rows.map((row) => row.seq), ids]
    const payments = rows.map((row) => JSON.parse(row.payload) as { readonly key: string; readonly amount: number })
    return [
      { sql: ServerSql.begin, params: [] },
      { sql: settleAll, params: place },
      { sql: claimAll(names), params: [queue, ids, ids, ids.length] },
      ...(ledger
        ? [{
          sql:
            "insert into millrace_ledger (message_id, key, amount) select * from unnest($1::text[], $2::text[], $3::int[])",
          params: [ids, payments.map(({ key }) => key), payments.map(({ amount }) => amount)]
        }]
        : []),
      { sql: "COMMIT", params: [] }
    ]
  }
  const one = Effect.fnUntraced(function*(connection: PgConnection.PgConnection, own: ReadonlyArray<number>) {
    const readings = own.map((lane) => ({ lane, mark: 0n, hot: false }))
    while (true) {
      const most = shares(readings, group)
      const marks = readings.map(({ mark }) => mark)
      // No transaction has so high an id, so the poll looks for no late rows.
      const params = [
        queue,
        own,
        marks,
        most,
        [],
        "18446744073709551615",
        [],
        [],
        [],
        [],
        group,
        2n ** 30n
      ]
      const { rows: [, ...found] } = yield* connection.query(poll, params)
      if (found.length === 0) return
      const rows = found as unknown as ReadonlyArray<Row>
      readings.forEach((reading, i) => {
        const read = rows.filter(({ lane }) => lane === reading.lane)
        reading.hot = read.length === most[i]
        reading.mark = read.at(-1)?.seq ?? reading.mark
      })
      const answers = yield* Batch.run(connection, statements(rows), true)
      if (answers.at(-1)!.tag !== "COMMIT") return yield* Effect.die("a group of the yardstick was not committed")
      done += rows.length
    }
  })
  const share = (i: number) => lanes.filter((lane) => lane % connections === i)
  const cost = yield* measured(
    messages,
    Effect.forEach(connected, (connection, i) => one(connection, share(i)), { concurrency: "unbounded" })
  )
  if (done !== messages) return yield* Effect.die(`the yardstick has committed ${done} messages of ${messages}`)
  return cost
}, Effect.scoped)
