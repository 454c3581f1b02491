/**
 * Each delivery mode keeps its promise when a real process dies between an effect and its acknowledgement. SIGKILL
 * strikes before the transaction and inside of it, on real Postgres. The line `start <id>` on stdout is the effect
 * outside of the transaction, and the ledger is the one inside.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type { Worker } from "millrace"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import type { Setup } from "./worker-program.ts"
import * as Workers from "./workers.ts"

const url = inject("databaseUrl")
const options: Worker.WorkerOptions = { lease: "2 seconds", grace: "5 seconds", lanes: 4, concurrency: 8 }

const cases = [
  { delivery: "effectivelyOnce", action: "wait", again: true, commits: 1 },
  { delivery: "effectivelyOnce", action: "waitInCommit", again: true, commits: 1 },
  { delivery: "atLeastOnce", action: "wait", again: true, commits: 1 },
  { delivery: "atLeastOnce", action: "waitInCommit", again: true, commits: 1 },
  { delivery: "atMostOnce", action: "wait", again: false, commits: 0 },
  { delivery: "atMostOnce", action: "waitInCommit", again: false, commits: 0 }
] as const

describe("a message whose process is killed", { timeout: limit(120_000), concurrent: true }, () => {
  it.live.each(cases)("in its `$action`: $delivery", ({ action, again, commits, delivery }) => {
    const schema = Workers.fresh("modes")
    const consumer = Workers.fresh("consumer")
    return Effect.gen(function*() {
      yield* Workers.prepare(schema, consumer, options)
      const setup = (name: string): Setup => ({ url, schema, consumer, name, options, delivery })
      const first = yield* Workers.start(setup("first"))
      yield* first.said("ready")
      yield* Workers.publish(consumer, [Workers.piece("k", 0, { action, millis: 1500 }), Workers.piece("k", 1)])
      yield* first.said("start k:0")
      if (action === "waitInCommit") yield* first.said("inside k:0")
      yield* first.signal("SIGKILL")
      yield* first.ended
      assert.deepStrictEqual(yield* Workers.ledger(schema), [], "nothing of it was committed")
      const second = yield* Workers.start(setup("second"))
      // Its successor comes after it, or instead of it.
      yield* Workers.ledgerHas(schema, commits + 1)
      const rows = yield* Workers.ledger(schema)
      assert.deepStrictEqual(rows.map((row) => row.id), commits === 1 ? ["k:0", "k:1"] : ["k:1"])
      assert.strictEqual(second.output().includes("start k:0"), again)
    }).pipe(Effect.scoped, Effect.provide(Workers.layer(url, schema)))
  })
})
