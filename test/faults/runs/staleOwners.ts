/**
 * SIGSTOP for three leases, then SIGCONT: others have taken over. The stale owner commits nothing, and takes part
 * again.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Child } from "../../harness/child.ts"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, leaseMillis, quick, side, until, whilst } from "./common.ts"

/** How often a lane was taken from a worker whose lease had expired. */
const takenFrom = Effect.fnUntraced(function*(world: World, worker: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly n: number }>`
    select count(*)::int as n from ${sql(world.schema)}.takeovers where was = ${worker} and is_now <> ${worker}`
  return row!.n
})

const owns = Effect.fnUntraced(function*(world: World, worker: string) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`select from ${sql(world.schema)}.lanes
    where split_part(owner, '#', 1) = ${worker} and lease_until > clock_timestamp() limit 1`
  return rows.length > 0
})

/** Stops a worker that owns lanes, and wakes it when they are long gone. */
const staleOwner = Effect.fnUntraced(function*(world: World, worker: Child) {
  if (!(yield* until(owns(world, worker.name), 10_000))) return
  yield* Effect.sleep(world.dice.whole(0, 300))
  const before = yield* takenFrom(world, worker.name)
  yield* worker.signal("SIGSTOP")
  yield* Effect.sleep(leaseMillis * 3)
  const taken = yield* until(Effect.map(takenFrom(world, worker.name), (n) => n > before), 10_000)
  yield* worker.signal("SIGCONT")
  if (taken) world.fault("SIGSTOP", worker.name)
})

export const staleOwners: Run = {
  name: "stale owners",
  options: { ...quick, maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(50)
      yield* Load.keepBusy(world, busy)
      // Two workers that are never stopped, so that another worker can always take over.
      yield* world.worker()
      yield* world.worker()
      yield* side(6, () =>
        Effect.gen(function*() {
          const worker = yield* world.worker()
          yield* worker.ready
          yield* whilst(() => world.happened("SIGSTOP") < wanted && worker.isRunning(), staleOwner(world, worker))
        }))
      return [{ fault: "stale owners: SIGSTOP for three leases", wanted, happened: world.happened("SIGSTOP") }]
    }),
  expects: { occurred: { "deadLetters: redriven": 1 } }
}
