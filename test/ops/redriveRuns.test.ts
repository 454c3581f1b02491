/** Redrive runs on Postgres and on PGlite: staged, at a rate, stopping themselves, and with a frozen set. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, Consumers, DeadLetters, type Errors, Store, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"
import { broken, by, counts, ids, operations, quick, reaches, runOf, settled } from "./redriveKit.ts"

const schema = freshSchema()
const engines: ReadonlyArray<readonly [string, Layer.Layer<any, any>]> = [
  ["postgres", postgres(inject("databaseUrl"), {}, schema)],
  ["pglite", pglite({ schema })]
]

for (const [engine, services] of engines) {
  const ports = services as ReturnType<typeof pglite>
  layer(Operations.layer({ schema }).pipe(Layer.provideMerge(ports)), { excludeTestServices: true, timeout: 60_000 })(
    `redrive runs on ${engine}`,
    (it) => {
      it.effect("redrive one message, then 10, then the rest, and know what became of each", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, handled, pipeline } = yield* broken("staged", 30)
          const preview = yield* ops.previewRedrive({ consumer })
          assert.deepInclude(preview, {
            deadLetters: { value: 30, kind: "exact" },
            keys: 30,
            parkedKeys: 0,
            diedOn: ["1.4.2"],
            runningNow: [],
            rate: 1
          })
          assert.deepStrictEqual(preview.warnings.map(({ about }) => about), ["orderGone", "noWorker"])
          const started = yield* ops.startRedrive(preview, { ...by, rate: 200, note: "INC-812" })
          assert.deepInclude(started, { state: "running", redriven: 0, startedBy: "anna", note: "INC-812", stage: 1 })
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const run = yield* reaches(started.id, "finished")
            assert.deepStrictEqual(counts(run), {
              redriven: 30,
              committed: 30,
              duplicate: 0,
              failedAgain: 0,
              untouched: 0
            })
          }))
          assert.lengthOf(new Set(handled), 30)
          const audit = yield* Audit.list({ redriveRunId: started.id, limit: 1000 })
          assert.lengthOf(audit.filter(({ action }) => action === "redriven"), 30)
          assert.deepStrictEqual(
            audit.filter(({ deadLetterId }) => deadLetterId === "").map(({ action, by }) => [by, action]),
            [["millrace", "finished"], ["anna", "started"]]
          )
        }))

      it.effect("stop themselves while the downstream is broken, and leave the rest untouched", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const store = yield* Store.Store
          const { consumer, downstream, pipeline } = yield* broken("stopping", 40)
          const oldest = (yield* DeadLetters.list({ consumer, limit: 100 })).slice(-3)
          const works = new Set(oldest.map(({ message }) => message.id))
          downstream.fails = (id) => !works.has(id)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500 })
            yield* reaches(id, "stopped")
            const run = yield* settled(id)
            assert.deepInclude(counts(run), { redriven: 11, committed: 3, failedAgain: 8, untouched: 29 })
            assert.strictEqual(run.stopped?.by, "inARow")
            const stopped = Effect.map(store.consumers.status(consumer), ({ redriveStopped }) => redriveStopped)
            assert.isTrue(yield* stopped)
            const sql = yield* SqlClient.SqlClient
            const [seen] = yield* sql`select state, redriven, committed, failed, waiting, stopped_for
              from ${sql(`${schema}.v_redrive_runs`)} where consumer = ${consumer}`
            const stop = run.stopped!.fingerprint
            assert.deepInclude(seen, {
              state: "stopped",
              redriven: 11,
              committed: 3,
              failed: 8,
              waiting: 0,
              stopped_for: stop
            })
            assert.match(run.stopped!.sentence, /^The last 3 messages failed again with Declined@/)
            assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open", limit: 100 }), 37)
            // The set is frozen: what failed again in the run is not redriven again by it.
            downstream.fails = () => false
            yield* ops.continueRedrive(id, { ...by, rate: 1_000 })
            const finished = yield* reaches(id, "finished")
            assert.deepInclude(counts(finished), { redriven: 40, committed: 32, failedAgain: 8, untouched: 0 })
            assert.isFalse(yield* stopped)
            assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open", limit: 100 }), 8)
          }))
        }))

      it.effect("stop after their first message if it fails again, and touch no other one", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, downstream, pipeline } = yield* broken("canary", 20)
          downstream.fails = () => true
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500 })
            const run = yield* reaches(id, "stopped")
            assert.deepInclude(counts(run), { redriven: 1, failedAgain: 1, untouched: 19 })
            assert.strictEqual(run.stopped?.by, "stage")
            const audit = yield* Audit.list({ redriveRunId: id, action: "redriven" })
            assert.lengthOf(audit, 1)
          }))
        }))

      it.effect("wait for the operator after the first stage, if they are to ask", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, handled, pipeline } = yield* broken("asking", 15)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500, askAfterFirst: true })
            const run = yield* reaches(id, "waiting")
            assert.deepInclude(counts(run), { redriven: 1, committed: 1, untouched: 14 })
            assert.lengthOf(handled, 1)
            yield* ops.continueRedrive(id, { by: "ben" })
            assert.deepInclude(counts(yield* reaches(id, "finished")), { redriven: 15, committed: 15 })
          }))
        }))

      it.effect("touch no dead letter that was opened after the preview", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, downstream, handled, pipeline, publish } = yield* broken("frozen", 12)
          const preview = yield* ops.previewRedrive({ consumer })
          downstream.fails = () => true
          yield* publish(ids(5, 100))
          yield* Worker.drain(pipeline, quick)
          downstream.fails = () => false
          assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open" }), 17)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const { id } = yield* ops.startRedrive(preview, { ...by, rate: 500 })
            const run = yield* reaches(id, "finished")
            assert.deepInclude(counts(run), { redriven: 12, committed: 12, untouched: 0 })
          }))
          assert.sameMembers(handled, ids(12).map((n) => `frozen-${n}`))
          assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open" }), 5)
        }))

      it.effect("say that a message was committed before, and do not call it a failure", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, pipeline } = yield* broken("twice", 3)
          const sql = yield* SqlClient.SqlClient
          // Another delivery of the same message was committed while its dead letter was open.
          yield* sql`update ${sql(`${schema}.inbox`)} set outcome = 'done', dead_letter_id = null where id = 'twice-1'`
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500 })
            const run = yield* reaches(id, "finished")
            assert.deepInclude(counts(run), { redriven: 3, committed: 2, duplicate: 1, failedAgain: 0 })
          }))
        }))

      it.effect("keep their rate, pause and go on, and end when they are cancelled", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, pipeline } = yield* broken("steered", 60)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const started = yield* ops.startRedrive({ consumer }, { ...by, rate: 20, stages: [] })
            yield* eventually(Effect.map(runOf(started.id), ({ redriven }) => redriven >= 20))
            const entries = yield* Audit.list({ redriveRunId: started.id, action: "redriven", limit: 100 })
            const times = entries.map(({ at }) => at).toSorted((a, b) => a - b)
            assert.isAbove(times[19]! - times[0]!, 700)
            const paused = yield* ops.pauseRedrive(started.id, by)
            assert.strictEqual(paused.state, "paused")
            const still = yield* settled(started.id)
            assert.strictEqual(still.redriven, paused.redriven)
            yield* Effect.sleep("400 millis")
            assert.strictEqual((yield* runOf(started.id)).redriven, paused.redriven)
            yield* ops.continueRedrive(started.id, { ...by, rate: 2 })
            assert.strictEqual((yield* ops.changeRedriveRate(started.id, { ...by, rate: 3 })).rate, 3)
            const cancelled = yield* ops.cancelRedrive(started.id, { by: "ben", note: "wrong group" })
            assert.deepInclude(cancelled, { state: "cancelled", changedBy: "ben" })
            const end = yield* settled(started.id)
            assert.strictEqual(end.committed, end.redriven)
            assert.strictEqual(end.untouched.value, 60 - end.redriven)
            assert.isAbove(end.untouched.value, 10)
          }))
          const actions = yield* Audit.list({ about: "redriveRuns", consumer })
          assert.deepStrictEqual(actions.map(({ action }) => action).toReversed(), [
            "started",
            "paused",
            "continued",
            "rateChanged",
            "cancelled"
          ])
        }))

      it.effect("are refused by name: a second run, no dead letter, an unknown one, a stale look, a rate of 0", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer } = yield* broken("refused", 2)
          const first = yield* ops.startRedrive({ consumer }, by)
          const second = yield* Effect.flip(ops.startRedrive({ consumer }, { by: "ben" }))
          assert.strictEqual(second._tag, "RedriveRunning")
          if (second._tag === "RedriveRunning") {
            assert.deepInclude(second, { redriveRunId: first.id, by: "anna", state: "running" })
          }
          assert.deepStrictEqual(
            (yield* ops.previewRedrive({ consumer })).warnings.map(({ about }) => about).filter((about) =>
              about === "runOpen"
            ),
            ["runOpen"]
          )
          const stale = yield* Effect.flip(ops.pauseRedrive(first.id, { by: "ben", revision: first.revision - 1 }))
          assert.strictEqual(stale._tag, "RedriveRunConflict")
          yield* ops.cancelRedrive(first.id, by)
          const over = yield* Effect.flip(ops.continueRedrive(first.id, { by: "ben" }))
          assert.match(over.message, /cannot be continued: it is cancelled since .*, by anna,/)
          const tags = Effect.forEach(
            [
              ops.startRedrive({ consumer, tag: "Other" }, by),
              ops.startRedrive({ consumer: "unknown" }, by),
              ops.startRedrive({ consumer }, { by: " " }),
              ops.startRedrive({ consumer }, { ...by, rate: 0 }),
              ops.startRedrive({ consumer }, { ...by, stages: [0] }),
              ops.startRedrive({ consumer }, { ...by, stopRule: { inARow: 21 } }),
              ops.redriveRun("7"),
              ops.cancelRedrive("0000000000009999", by)
            ],
            (one) =>
              Effect.map(Effect.flip(one as Effect.Effect<unknown, { readonly _tag: string }>), ({ _tag }) => _tag)
          )
          assert.deepStrictEqual(yield* tags, [
            "NothingToRedrive",
            "ConsumerNotFound",
            "InvalidOperatorAction",
            "InvalidSetting",
            "InvalidSetting",
            "InvalidSetting",
            "RedriveRunNotFound",
            "RedriveRunNotFound"
          ])
          assert.lengthOf(yield* ops.redriveRuns({ consumer }), 1)
          assert.lengthOf(yield* ops.redriveRuns({ consumer, open: true }), 0)
        }))

      it.effect("put nothing back while the consumer is paused, and are removed with it", () =>
        Effect.gen(function*() {
          const ops = yield* operations
          const { consumer, pipeline } = yield* broken("resting", 5)
          yield* Consumers.pause(consumer, by)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* Layer.build(Worker.layer(pipeline, quick))
            const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500 })
            yield* Effect.sleep("500 millis")
            assert.strictEqual((yield* runOf(id)).redriven, 0)
            yield* Consumers.resume(consumer, by)
            yield* eventually(Effect.map(runOf(id), ({ redriven }) => redriven > 0))
          }))
          yield* Consumers.remove(consumer, { ...by, force: { messages: true, workers: true } })
          const sql = yield* SqlClient.SqlClient
          const left = yield* sql`select from ${sql(`${schema}.redrive_outcomes`)} o
            where not exists (select from ${sql(`${schema}.redrive_runs`)} r where r.id = o.run_id)`
          assert.lengthOf(left, 0)
          const gone = yield* Effect.flip(ops.redriveRuns({ consumer }))
          assert.strictEqual((gone as Errors.ConsumerNotFound)._tag, "ConsumerNotFound")
        }))
    }
  )
}
