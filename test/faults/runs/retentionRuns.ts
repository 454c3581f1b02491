/**
 * SIGKILL while the runtime forgets: a worker dies when it has sent a statement that deletes ids from the inbox. Ids
 * are kept for seconds only; nothing is published again here after that, so nothing may have a second effect.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { proxy } from "../../harness/proxy.ts"
import type { Run } from "../fault-run.ts"
import { ledgerMark } from "../pipeline.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, leaseMillis, quick, side, until, whilst } from "./common.ts"

const window = "upkeep: during retention"
const maxCrashes = 8
// Longer than so many owners that die one after the other can keep a message: less is refused.
const kept = { inbox: (maxCrashes + 2) * leaseMillis, audit: 3000, every: 300 }

const life = (world: World) =>
  Effect.scoped(Effect.gen(function*() {
    const between = yield* proxy(world.url, ledgerMark)
    const worker = yield* world.worker({ url: between.url, retention: kept })
    let left = world.dice.whole(10, 25)
    between.sent = (statement) => {
      if (!/delete from \S*inbox/.test(statement) || --left !== 0) return
      world.fault("SIGKILL", worker.name, window)
      worker.process.kill("SIGKILL")
    }
    const { code, signal } = yield* worker.ended
    if (signal !== "SIGKILL") {
      return yield* Effect.die(new Error(`${worker.name} ended with ${code}\n${worker.output()}`))
    }
  }))

/** The remembered ids, and the commits. */
const counts = Effect.fnUntraced(function*({ schema }: World) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(schema)
  const [row] = yield* sql<{ readonly inbox: number; readonly ledger: number }>`
    select (select count(*) from ${s}.inbox)::int as inbox, (select count(*) from ${s}.ledger)::int as ledger`
  return row!
})

export const retention: Run = {
  name: "SIGKILL during retention",
  options: { ...quick, maxCrashes },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(5)
      yield* Load.keepBusy(world, busy)
      yield* world.worker({ retention: kept })
      yield* side(2, () => whilst(() => world.happened("SIGKILL") < wanted, life(world)))
      yield* until(Effect.map(counts(world), ({ inbox, ledger }) => inbox < ledger), 60_000)
      return [{ fault: `SIGKILL ${window}`, wanted, happened: world.happened("SIGKILL") }]
    }),
  after: (world) =>
    Effect.map(
      counts(world),
      ({ inbox, ledger }) => inbox < ledger ? [] : [`nothing was forgotten: ${inbox} ids of ${ledger} commits`]
    )
}
