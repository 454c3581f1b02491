/**
 * COMMIT was sent and no answer came: connections reset before and after the server had answered, answers that are
 * late, and black holes. The inbox settles what happened; there is no second effect, and the slot is free again soon.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Child } from "../../harness/child.ts"
import { type CommitFault, type Proxy, proxy } from "../../harness/proxy.ts"
import type { Run } from "../fault-run.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { busy, quick, side, until, whilst } from "./common.ts"

const commitTimeoutMillis = 1000

const next = (world: World): CommitFault => {
  const dice = world.dice.next()
  if (dice < 0.3) return { kind: "reset" }
  if (dice < 0.6) return { kind: "late reset" }
  if (dice < 0.75) return { kind: "black hole" }
  // Below the timeout the answer is late. Above it, the answer comes when the client waits no more.
  return { kind: "delay", millis: world.dice.whole(200, 1400) }
}

const nameOf = (fault: CommitFault) => `COMMIT unanswered: ${fault.kind}`
const kinds = ["reset", "late reset", "black hole", "delay"] as const
const happened = (world: World) => kinds.reduce((sum, kind) => sum + world.happened(`COMMIT unanswered: ${kind}`), 0)

/** Only the pieces' commits publish something; so none of the receipts' reader is struck. */
const mark = /insert into \S*messages/

/** How many pieces the worker has committed. */
const rows = Effect.fnUntraced(function*(world: World, worker: string) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from ${sql(world.schema)}.ledger
    where worker = ${worker} and consumer = ${world.consumer}`
  return row!.n
})

/** Strikes one COMMIT, and waits until the worker's only committer commits again. Returns how long that took. */
const strike = (world: World, between: Proxy, worker: Child) =>
  Effect.gen(function*() {
    between.commits.push(next(world))
    if (!(yield* until(Effect.sync(() => between.commits.length === 0), 20_000))) return 0
    const started = performance.now()
    const before = yield* rows(world, worker.name)
    if (!(yield* until(Effect.map(rows(world, worker.name), (n) => n > before), 30_000))) {
      return yield* Effect.die(new Error(`${worker.name} commits nothing for 30 s\n${worker.output()}`))
    }
    return performance.now() - started
  })

export const commits: Run = {
  name: "COMMIT unanswered",
  // One committer each, so that a slot that is not freed shows.
  options: { ...quick, lease: "3 seconds", committers: 1, lanes: 32, maxCrashes: 1000 },
  operator: true,
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(200)
      let longest = 0
      // At a steady rate, and not up to a mark: messages behind a struck COMMIT must not keep work from the others. The
      // messages that wait in the end take 5 s. On a machine so busy that a worker does a sixth, they still take half
      // of the bound.
      yield* Load.keepBusy(world, { ...busy, keys: 300, outstanding: 1500, pace: 200 })
      yield* side(Math.min(8, Math.ceil(wanted / 8)), () =>
        Effect.gen(function*() {
          const between = yield* proxy(world.url, mark)
          const worker = yield* world.worker({ url: between.url, commitTimeoutMillis })
          between.struck = (fault) => world.fault(nameOf(fault), worker.name)
          yield* worker.ready
          const once = Effect.map(
            strike(world, between, worker),
            (millis) => void (longest = Math.max(longest, millis))
          )
          yield* whilst(() => happened(world) < wanted, once)
          between.commits.length = 0
        }))
      const seconds = (longest / 1000).toFixed(1)
      return [
        {
          fault: `COMMIT unanswered, the slot free again after ${seconds} s at most`,
          wanted,
          happened: happened(world)
        },
        ...kinds.map((kind) => {
          const fault = `COMMIT unanswered: ${kind}`
          return { fault, wanted: Math.ceil(wanted / 20), happened: world.happened(fault) }
        })
      ]
    }),
  expects: { redelivered: 0 }
}
