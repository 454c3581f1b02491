/** Shared by the fault runs: short leases, and a load of everything that can happen to a message. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { Worker } from "millrace"
import { limit } from "../../harness/patience.ts"
import { readerOf } from "../pieces.ts"
import type { Load } from "../traffic.ts"
import type { World } from "../world.ts"

/**
 * The lease of most runs: 1 second on a quiet machine. On a busy one, leases of 1 second end before they are renewed,
 * and then lanes change their owner without end.
 */
export const leaseMillis = Math.min(5_000, limit(1_000))

/** Leases that end soon, so that takeovers take no time. */
export const quick: Worker.WorkerOptions = {
  lease: leaseMillis,
  grace: "5 seconds",
  idlePoll: "200 millis",
  holdAfter: "100 millis",
  lanes: 16,
  concurrency: 24,
  committers: 2
}

/** Keys that many messages share, so that order can be broken; every kind of failure, a little poison. */
export const busy: Load = {
  keys: 60,
  outstanding: 300,
  millis: 20,
  mix: { wait: 0.4, flaky: 0.04, flakyCommit: 0.03, held: 0.04, rejected: 0.01, exhausted: 0.005 }
}

/** Runs the effect until the condition no longer holds. */
export const whilst = <E, R>(holds: () => boolean, body: Effect.Effect<unknown, E, R>): Effect.Effect<void, E, R> =>
  Effect.whileLoop({ while: holds, body: () => body, step: () => {} })

/** Runs so many of them side by side. */
export const side = <E, R>(by: number, body: (n: number) => Effect.Effect<unknown, E, R>): Effect.Effect<void, E, R> =>
  Effect.forEach(Array.from({ length: by }, (_, n) => n), body, { concurrency: "unbounded", discard: true })

/** Waits for a condition, for a time that grows on a slow machine. Returns whether the condition came true. */
export const until = <E, R>(condition: Effect.Effect<boolean, E, R>, millis: number): Effect.Effect<boolean, E, R> =>
  Effect.gen(function*() {
    const started = performance.now()
    while (!(yield* condition)) {
      if (performance.now() - started > limit(millis)) return false
      yield* Effect.sleep("30 millis")
    }
    return true
  })

/** The messages that wait for the consumer, and for the reader of its receipts. */
export const waiting = Effect.fnUntraced(function*(world: World, consumer: string) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(world.schema)
  const [row] = yield* sql<{ readonly n: number }>`select count(*)::int as n from ${s}.messages m
    join ${s}.consumers c on c.id = m.queue_id where c.name in (${consumer}, ${readerOf(consumer)})`
  return row!.n
})
