/**
 * Postgres is shut down at once and started again while everything is under way; all resumes by itself, nothing is
 * counted.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { strike } from "../comeback.ts"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, quick, until, whilst } from "./common.ts"

const rows = (world: World) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [row] = yield* sql<{ readonly n: number }>`select max(n)::float8 as n from ${sql(world.schema)}.ledger`
    return row!.n
  }).pipe(Effect.catchCause(() => Effect.succeed(0)))

export const restarts: Run = {
  name: "restarts of Postgres",
  ownServer: [],
  options: { ...quick, lease: "3 seconds", maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(20)
      yield* Load.keepBusy(world, busy)
      const workers = yield* Effect.forEach([1, 2, 3], () => world.worker())
      yield* Effect.forEach(workers, (worker) => worker.ready)
      const once = Effect.gen(function*() {
        // Work continues before the next restart.
        const before = yield* rows(world)
        if (!(yield* until(Effect.map(rows(world), (n) => n > before + 100), 60_000))) {
          return yield* Effect.die(new Error(`no work for a minute after ${world.happened("restart")} restarts`))
        }
        yield* Effect.sleep(world.dice.whole(0, 500))
        yield* strike(world, "restart")
        world.fault("restart")
      })
      yield* whilst(() => world.happened("restart") < wanted, once)
      return [{ fault: "immediate restarts of Postgres", wanted, happened: world.happened("restart") }]
    }),
  expects: { redelivered: 0 }
}
