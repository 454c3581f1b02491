/**
 * Backends of the workers are terminated at random, every second one in a transaction. No attempt is counted, and work
 * continues.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, quick, whilst } from "./common.ts"

/** Workers connect as another user, so that their sessions differ from the parent's. */
const role = (world: World) => `${world.schema}_role`

const asRole = Effect.fnUntraced(function*(world: World) {
  const sql = yield* SqlClient.SqlClient
  const name = role(world)
  yield* sql`create role ${sql(name)} login superuser password ${sql.literal(`'${name}'`)}`
  const url = new URL(world.url)
  url.username = name
  url.password = name
  return url.toString()
})

const terminate = Effect.fnUntraced(function*(world: World) {
  const sql = yield* SqlClient.SqlClient
  const inTransaction = world.dice.next() < 0.5
  const rows = yield* sql<{ readonly done: boolean; readonly busy: boolean }>`
    select pg_terminate_backend(pid) as done, state <> 'idle' as busy from (
      select pid, state from pg_stat_activity where usename = ${role(world)} and backend_type = 'client backend'
      order by (${inTransaction} and state <> 'idle') desc, random() limit 1) one`
  if (rows[0]?.done === true) world.fault(rows[0].busy ? "busy backend terminated" : "idle backend terminated")
  yield* Effect.sleep(world.dice.whole(20, 120))
})

export const backends: Run = {
  name: "backends terminated",
  options: { ...quick, lease: "3 seconds", maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(200)
      const url = yield* asRole(world)
      const happened = () => world.happened("busy backend terminated") + world.happened("idle backend terminated")
      yield* Load.keepBusy(world, busy)
      const workers = yield* Effect.forEach([1, 2, 3], () => world.worker({ url }))
      yield* Effect.forEach(workers, (worker) => worker.ready)
      yield* whilst(() => happened() < wanted, terminate(world))
      return [{ fault: "backends terminated", wanted, happened: happened() }]
    }),
  expects: { faults: { "busy backend terminated": 4 }, redelivered: 0, occurred: { "deadLetters: redriven": 1 } },
  after: (world) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql`drop role ${sql(role(world))}`
      return []
    })
}
