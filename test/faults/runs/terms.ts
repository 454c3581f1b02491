/** SIGTERM under load: exit code 0, everything is finished or given back at once, and no attempt is counted for it. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import { busy, quick, side, whilst } from "./common.ts"

export const terms: Run = {
  name: "SIGTERM under load",
  // Long leases: what is not given back stays where it is, and the run does not come to rest in time.
  options: { ...quick, lease: "2 minutes" },
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(100)
      const wrong: Array<string> = []
      yield* Load.keepBusy(world, { ...busy, millis: 40, mix: { wait: 0.9 } })
      const life = Effect.scoped(Effect.gen(function*() {
        const worker = yield* world.worker({ attempts: 1 })
        yield* worker.ready
        yield* Effect.sleep(world.dice.whole(0, 500))
        world.fault("SIGTERM", worker.name)
        yield* worker.signal("SIGTERM")
        const { code, signal } = yield* worker.ended
        if (code !== 0) wrong.push(`${worker.name} ended with ${signal ?? code} on SIGTERM\n${worker.output()}`)
      }))
      yield* side(3, () => whilst(() => world.happened("SIGTERM") < wanted, life))
      if (wrong.length > 0) return yield* Effect.die(new Error(wrong.join("\n")))
      yield* world.worker({ attempts: 1 })
      return [{ fault: "SIGTERM under load, exit code 0", wanted, happened: world.happened("SIGTERM") }]
    }),
  // Messages that are given back were not started.
  expects: { redelivered: 0 },
  after: (world) =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const s = sql(world.schema)
      const [row] = yield* sql<{ readonly late: number; readonly again: number }>`
        select (select count(*) from ${s}.takeovers)::int as late,
          (select count(*) from ${s}.ledger where attempt <> 1)::int as again`
      return [
        ...(row!.late > 0 ? [`${row!.late} lanes of workers that stopped gracefully had to run out`] : []),
        ...(row!.again > 0 ? [`${row!.again} messages were committed with a counted attempt`] : [])
      ]
    })
}
