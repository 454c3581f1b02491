/** Processes on a FIFO queue of a server that speaks SQS are killed and frozen. Their messages commit in Postgres. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Sqs } from "millrace/sqs"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import * as Child from "../harness/child.ts"
import { limit } from "../harness/patience.ts"
import { takenOver } from "../harness/takenOver.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { until } from "../redis/streamKit.ts"
import { order, orders } from "../worker/support.ts"
import type { Setup } from "./queue-program.ts"
import { credentials, endpoint, plain, region } from "./sqsEndpoint.ts"
import { send } from "./sqsKit.ts"

const program = fileURLToPath(new URL("queue-program.ts", import.meta.url))
/** SQS has leases of whole seconds. */
const leaseMillis = Math.ceil(limit(2000) / 1000) * 1000

interface Row {
  readonly id: string
  readonly worker: string
}

interface Ledger {
  readonly started: (name: string, waitMillis?: number) => ReturnType<typeof Child.start>
  readonly rows: Effect.Effect<ReadonlyArray<Row>>
  readonly has: (count: number) => Effect.Effect<void>
}

/** Runs a test with a queue, a schema and a ledger of its own. */
const withLedger = <A, E>(
  test: (ledger: Ledger) => Effect.Effect<A, E, Layer.Success<ReturnType<typeof on>> | Scope.Scope>
) =>
  Effect.gen(function*() {
    const [address, schema] = [yield* endpoint, freshSchema()]
    const queueUrl = yield* Effect.flatMap(plain(address), (client) => client.createQueue(true))
    return yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const table = sql(`${schema}.queue_ledger`)
      yield* sql`create table ${table} (n bigint generated always as identity, id text not null, worker text not null)`
      const rows = Effect.orDie(sql<Row>`select id, worker from ${table} order by n`)
      return yield* test({
        rows,
        has: (count) => until(`${count} rows are there`, Effect.map(rows, ({ length }) => length >= count)),
        started: (name, waitMillis = 0) => {
          const where = { database: inject("databaseUrl"), schema, endpoint: address, queueUrl }
          return Child.start({ name, program, setup: { ...where, name, leaseMillis, waitMillis } satisfies Setup })
        }
      })
    }).pipe(Effect.provide(on(address, queueUrl, schema)))
  }).pipe(Effect.scoped)

const on = (address: string, queueUrl: string, schema: string) =>
  Sqs.layer({ queueUrl, endpoint: address, region, credentials }).pipe(
    Layer.provideMerge(postgres(inject("databaseUrl"), { retention: false }, schema)),
    Layer.provideMerge(Logger.layer([]))
  )

describe.concurrent("a message of a FIFO queue", () => {
  it.live(
    "of a killed process is handled by the next one within one lease and a poll, and not before",
    () =>
      withLedger(({ has, rows, started }) =>
        Effect.gen(function*() {
          yield* send(orders("a", 2))
          const first = yield* started("first", 600_000)
          yield* first.said("begins a1")
          const second = yield* started("second")
          yield* takenOver(first, second, "a1", leaseMillis)
          yield* has(2)
          yield* Child.stop(second)
          assert.deepStrictEqual(yield* rows, [{ id: "a1", worker: "second" }, { id: "a2", worker: "second" }])
        })
      ),
    limit(60_000)
  )

  it.live(
    "of a process that was frozen beyond its lease is committed by its next owner only",
    () =>
      withLedger(({ has, rows, started }) =>
        Effect.gen(function*() {
          yield* send([order("a", 1), order("b", 1)])
          const frozen = yield* started("frozen", 1000)
          yield* Effect.all([frozen.said("begins a1"), frozen.said("begins b1")])
          yield* frozen.signal("SIGSTOP")
          const second = yield* started("second")
          yield* has(2)
          yield* frozen.signal("SIGCONT")
          // The frozen process continues and gets the next message, so everything that it had is over.
          yield* Child.stop(second)
          yield* send([order("c", 1)])
          yield* frozen.said("begins c1")
          yield* has(3)
          yield* Child.stop(frozen)
          assert.deepStrictEqual((yield* rows).toSorted((a, b) => a.id < b.id ? -1 : 1), [
            { id: "a1", worker: "second" },
            { id: "b1", worker: "second" },
            { id: "c1", worker: "frozen" }
          ])
        })
      ),
    limit(60_000)
  )
})
