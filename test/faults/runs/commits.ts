/**
 * COMMIT was sent and no answer came: connections reset before and after the server had answered, answers that are late, and black
 * holes. The inbox settles what happened; there is no second effect, and the slot is free again soon.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as Load from "../load.ts"
import { ledgerMark } from "../pipeline.ts"
import { type CommitFault, proxy } from "../proxy.ts"
import type { Run } from "../run.ts"
import type { World } from "../world.ts"
import { busy, quick, side, until, whilst } from "./common.ts"

const commitTimeoutMillis = 1000

const next = (world: World): CommitFault => {
  const dice = world.dice.next()
  if (dice < 0.3) return { kind: "reset" }
  if (dice < 0.5) return { kind: "late reset" }
  if (dice < 0.7) return { kind: "black hole" }
  // Below the timeout the answer is late, above it, it comes when nobody waits for it any more.
  return { kind: "delay", millis: world.dice.whole(200, 2 * commitTimeoutMillis) }
}

const nameOf = (fault: CommitFault) => `COMMIT unanswered: ${fault.kind}`
const kinds = ["reset", "late reset", "black hole", "delay"] as const
const happened = (world: World) => kinds.reduce((sum, kind) => sum + world.happened(`COMMIT unanswered: ${kind}`), 0)

/** When the worker committed last, by the number of its rows. */
const rows = Effect.fnUntraced(function*(world: World, worker: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly n: number }>`
    select count(*)::int as n from ${sql(world.schema)}.ledger where worker = ${worker}`
  return row!.n
})

export const commits: Run = {
  name: "COMMIT unanswered",
  options: { ...quick, lease: "3 seconds", committers: 4, maxDeliveries: 1000 },
  person: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(200)
      const slow: Array<string> = []
      yield* Load.keepBusy(world, busy)
      yield* side(4, () =>
        Effect.gen(function*() {
          const between = yield* proxy(world.url, ledgerMark)
          const worker = yield* world.worker({ url: between.url, commitTimeoutMillis })
          between.struck = (fault) => world.fault(nameOf(fault), worker.name)
          yield* worker.ready
          const strike = Effect.gen(function*() {
            between.commits.push(next(world))
            yield* until(Effect.sync(() => between.commits.length === 0), 15_000)
            yield* Effect.sleep(world.dice.whole(0, 150))
          })
          yield* whilst(() => happened(world) < wanted, strike)
          between.commits.length = 0
          // All four lines of this worker are free again.
          const before = yield* rows(world, worker.name)
          const goesOn = yield* until(Effect.map(rows(world, worker.name), (n) => n > before), 20_000)
          if (!goesOn) slow.push(`${worker.name} commits nothing 20 s after the last fault\n${worker.output()}`)
        }))
      if (slow.length > 0) return yield* Effect.die(new Error(slow.join("\n")))
      return kinds.map((kind, i) => {
        const fault = `COMMIT unanswered: ${kind}`
        return i === 0
          ? { fault: "COMMIT unanswered, all kinds", wanted, happened: happened(world) }
          : { fault, wanted: 1, happened: world.happened(fault) }
      })
    }),
  expects: { redelivered: 0, faults: { "COMMIT unanswered: reset": 1, "COMMIT unanswered: black hole": 1 } }
}
