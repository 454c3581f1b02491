/** A redrive run whose worker process is killed in the middle: real processes, real Postgres. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { Audit, DeadLetters, Pipeline, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { eventually } from "../postgres/kit.ts"
import { type Setup, topicOf } from "./worker-program.ts"
import * as Workers from "./workers.ts"

const url = inject("databaseUrl")
const options: Worker.WorkerOptions = { lease: "2 seconds", grace: "5 seconds", lanes: 16, concurrency: 32 }

it.live("a redrive run continues on another process when its worker is killed, and redrives each message once", () => {
  const schema = Workers.fresh("redrive")
  const consumer = Workers.fresh("consumer")
  const services = Operations.layer({ schema }).pipe(Layer.provideMerge(Workers.layer(url, schema)))
  return Effect.gen(function*() {
    const ops = yield* Operations.Operations
    yield* Workers.prepare(schema, consumer, options)
    const pieces = Array.from({ length: 200 }, (_, i) => Workers.piece(`k${i}`, 0, { action: "wait", millis: 2 }))
    yield* Workers.publish(consumer, pieces)
    const failing = Pipeline.from(topicOf(consumer), { consumer }).pipe(
      Pipeline.tap(() => Effect.fail({ retryable: false }))
    )
    // A worker that loses its lanes on a busy machine has nothing to take, and its drain would end.
    yield* Worker.drain(failing, { ...options, lease: "1 minute" })
    assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open", limit: 1000 }), 200)
    const start = (name: string) => {
      const setup: Setup = { url, schema, consumer, name, options }
      return Workers.start(setup)
    }
    const first = yield* start("first")
    yield* first.said("ready")
    const { id } = yield* ops.startRedrive({ consumer }, { by: "anna", rate: 60 })
    const run = ops.redriveRun(id)
    yield* eventually(Effect.map(run, ({ redriven }) => redriven > 40), limit(30_000))
    yield* first.signal("SIGKILL")
    assert.strictEqual((yield* run).state, "running")
    const second = yield* start("second")
    yield* second.said("ready")
    yield* eventually(Effect.map(run, ({ state }) => state === "finished"), limit(60_000))
    const { committed, duplicate, failedAgain, redriven, untouched } = yield* run
    assert.deepStrictEqual([redriven, committed, duplicate, failedAgain, untouched.value], [200, 200, 0, 0, 0])
    const rows = yield* Workers.ledger(schema)
    assert.deepStrictEqual(rows.map((row) => row.id).toSorted(), pieces.map((piece) => piece.id).toSorted())
    assert.isTrue(rows.some((row) => row.worker === "first") && rows.some((row) => row.worker === "second"))
    assert.lengthOf(yield* Audit.list({ redriveRunId: id, action: "redriven", limit: 1000 }), 200)
  }).pipe(Effect.scoped, Effect.provide(services))
}, limit(120_000))
