/** Operators, workers and a server that act on one redrive run at the same time, on a real Postgres. */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Layer, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, DeadLetters, type Errors, type Store, Worker } from "millrace"
import { Operations, type RedriveRun } from "millrace/ops"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { broken, by, counts, ids, operations, quick, reaches, runOf, settled } from "./redriveKit.ts"

const schema = freshSchema()

layer(
  Operations.layer({ schema }).pipe(Layer.provideMerge(postgres(inject("databaseUrl"), {}, schema))),
  { excludeTestServices: true, timeout: 60_000 }
)("operators and a redrive run", (it) => {
  it.effect("start it once when many start at once, and the others learn who was first", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer } = yield* broken("race", 5)
      const preview = yield* ops.previewRedrive({ consumer })
      const all = yield* Effect.forEach(
        ids(8),
        (n) => Effect.result(ops.startRedrive(preview, { by: `operator ${n}` })),
        { concurrency: "unbounded" }
      )
      const won = all.flatMap((one) => one._tag === "Success" ? [one.success] : [])
      assert.lengthOf(won, 1)
      for (const one of all) {
        if (one._tag === "Success") continue
        assert.strictEqual(one.failure._tag, "RedriveRunning")
        if (one.failure._tag !== "RedriveRunning") return
        assert.deepStrictEqual(
          [one.failure.redriveRunId, one.failure.by, one.failure.at],
          [won[0]!.id, won[0]!.startedBy, won[0]!.startedAt]
        )
      }
      assert.lengthOf(yield* Audit.list({ consumer, action: "started" }), 1)
      yield* ops.cancelRedrive(won[0]!.id, by)
    }))

  it.effect("make the second one wait for the first start, and name that run", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const sql = yield* SqlClient.SqlClient
      const { consumer } = yield* broken("waiting", 2)
      const [started, end] = [Latch.makeUnsafe(false), Latch.makeUnsafe(false)]
      const first = yield* Effect.forkChild(sql.withTransaction(
        Effect.tap(ops.startRedrive({ consumer }, by), () => Effect.andThen(started.open, end.await))
      ))
      yield* started.await
      const second = yield* Effect.forkChild(Effect.flip(ops.startRedrive({ consumer }, { by: "ben" })))
      yield* eventually(Effect.map(
        sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like ${`%${schema}%`}`,
        (rows) => rows.length === 1
      ))
      yield* end.open
      const { id } = yield* Fiber.join(first)
      assert.deepInclude(yield* Fiber.join(second), { _tag: "RedriveRunning", redriveRunId: id, by: "anna" })
    }))

  it.effect("keep a rate that is slower than the steps of a run", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const sql = yield* SqlClient.SqlClient
      const { consumer, pipeline } = yield* broken("slow", 5)
      const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 0.05, stages: [] })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        yield* eventually(Effect.map(runOf(id), ({ redriven }) => redriven === 1))
        // A step renews the lease, so two further steps are over when the end of the lease has moved twice.
        const lease = Effect.map(
          sql<{ readonly at: string }>`select lease_until::text as at from ${sql(`${schema}.redrive_runs`)}
            where id = ${id}::bigint`,
          ([row]) => row!.at
        )
        const seen = new Set<string>()
        yield* eventually(Effect.map(lease, (at) => seen.add(at).size >= 3), "20 seconds")
        assert.strictEqual((yield* runOf(id)).redriven, 1)
      }))
      yield* ops.cancelRedrive(id, by)
    }))

  it.effect("have one winner for each revision when many of them act at once", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer } = yield* broken("revisions", 3)
      const { id } = yield* ops.startRedrive({ consumer }, by)
      for (let round = 0; round < 15; round++) {
        const { revision, state } = yield* runOf(id)
        if (state === "cancelled") break
        const asked = ids(6).map((n) => {
          const action = { by: `operator ${n} in ${round}`, revision }
          return [
            state === "paused" ? ops.continueRedrive(id, action) : ops.pauseRedrive(id, action),
            ops.changeRedriveRate(id, { ...action, rate: 1 + (Number(n) + round) % 7 }),
            round === 14 ? ops.cancelRedrive(id, action) : ops.changeRedriveRate(id, { ...action, rate: 5 })
          ][(Number(n) + round) % 3]!
        })
        const done = yield* Effect.forEach(
          asked,
          (one) => Effect.result(one as Effect.Effect<RedriveRun, Operations.RedriveActionError>),
          { concurrency: "unbounded" }
        )
        const winners = done.flatMap((one) => one._tag === "Success" ? [one.success] : [])
        assert.lengthOf(winners, 1)
        for (const one of done) {
          if (one._tag === "Success") continue
          assert.strictEqual(one.failure._tag, "RedriveRunConflict")
          if (one.failure._tag !== "RedriveRunConflict") return
          assert.deepStrictEqual(
            [one.failure.revision, one.failure.by, one.failure.at],
            [revision + 1, winners[0]!.changedBy, winners[0]!.changedAt]
          )
        }
      }
      const { revision } = yield* runOf(id)
      const audit = yield* Audit.list({ about: "redriveRuns", consumer, limit: 1000 })
      assert.lengthOf(audit, revision, "each change has one entry, and no other entry exists")
    }))

  it.effect("decide about each dead letter once while a run redrives them, and nothing is lost or done twice", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, handled, pipeline } = yield* broken("mixed", 60)
      const deadLetters = yield* DeadLetters.list({ consumer, limit: 100 })
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 400 })
        const discards = yield* Effect.forEach(
          deadLetters,
          (deadLetter) => Effect.result(DeadLetters.discard(deadLetter.id, { by: "ben" })),
          { concurrency: 2 }
        )
        const run = yield* reaches(id, "finished")
        const discarded = discards.filter(({ _tag }) => _tag === "Success").length
        assert.strictEqual(run.committed + discarded, 60)
        assert.strictEqual(handled.length, run.committed)
        assert.strictEqual(new Set(handled).size, run.committed)
        for (const one of discards) {
          if (one._tag === "Failure") {
            assert.strictEqual(one.failure._tag, "DeadLetterConflict")
            if (one.failure._tag === "DeadLetterConflict" && one.failure.state === "redriving") {
              assert.strictEqual(one.failure.by, "anna")
            }
          }
        }
        const audit = yield* Audit.list({ about: "deadLetters", consumer, limit: 1000 })
        assert.deepStrictEqual(
          audit.map(({ deadLetterId }) => deadLetterId).toSorted(),
          deadLetters.map(({ id }) => id).toSorted()
        )
      }))
    }))

  it.effect("see it continue on another worker when the one that carries it out is interrupted", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, handled, pipeline } = yield* broken("handover", 80)
      const first = yield* Scope.make()
      yield* Scope.provide(Layer.build(Worker.layer(pipeline, quick)), first)
      const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 100 })
      yield* eventually(Effect.map(runOf(id), ({ redriven }) => redriven > 20))
      yield* Scope.close(first, Exit.void)
      assert.strictEqual((yield* runOf(id)).state, "running")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const run = yield* reaches(id, "finished")
        assert.deepInclude(counts(run), { redriven: 80, committed: 80, failedAgain: 0, untouched: 0 })
      }))
      assert.strictEqual(new Set(handled).size, 80)
      assert.strictEqual(handled.length, 80)
    }))

  it.effect("see it continue in the next server life with the same set", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const sql = yield* SqlClient.SqlClient
      const { consumer, downstream, handled, pipeline, publish } = yield* broken("lives", 50)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 50 })
        yield* eventually(Effect.map(runOf(id), ({ redriven }) => redriven > 12))
        yield* ops.pauseRedrive(id, by)
        yield* settled(id)
        // The life ends as a crash or a failover ends it, and other messages die in the next one.
        yield* sql`delete from ${sql(`${schema}.server_life`)}`
        downstream.fails = (name) => Number(name.split("-")[1]) >= 100
        yield* publish(ids(10, 100))
        yield* eventually(
          Effect.map(DeadLetters.list({ consumer, state: "open", limit: 100 }), (open) =>
            open.filter(({ message }) => Number(message.id.split("-")[1]) >= 100).length === 10),
          "20 seconds"
        )
        downstream.fails = () =>
          false
        yield* ops.continueRedrive(id, { ...by, rate: 500 })
        const run = yield* reaches(id, "finished")
        assert.deepInclude(counts(run), { redriven: 50, committed: 50, untouched: 0 })
      }))
      assert.strictEqual(new Set(handled).size, 50)
      assert.lengthOf(yield* DeadLetters.list({ consumer, state: "open" }), 10)
    }))

  it.effect("see it continue when its worker loses its connection in the middle of a step", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const sql = yield* SqlClient.SqlClient
      const { consumer, handled, pipeline } = yield* broken("terminated", 5)
      const [deadLetter] = yield* DeadLetters.list({ consumer })
      const [locked, end] = [Latch.makeUnsafe(false), Latch.makeUnsafe(false)]
      // An operator's open transaction makes the step wait within its own transaction.
      const holder = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(
        sql`select from ${sql(`${schema}.dead_letters`)} where id = ${deadLetter!.id}::bigint for update`,
        Effect.andThen(locked.open, end.await)
      )))
      yield* locked.await
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500, stages: [] })
        yield* eventually(Effect.map(
          sql`select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'
            and query like ${`%${schema}%for update of d%`}`,
          (rows) => rows.length === 1
        ))
        yield* end.open
        yield* Fiber.join(holder)
        assert.deepInclude(counts(yield* reaches(id, "finished")), { redriven: 5, committed: 5, untouched: 0 })
      }))
      assert.lengthOf(new Set(handled), 5)
      assert.lengthOf(handled, 5)
    }))

  it.effect("see it finish when nothing of the set is left, although all of it failed again", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, downstream, pipeline } = yield* broken("nothingLeft", 1)
      downstream.fails = () => true
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 500 })
        const run = yield* reaches(id, "finished")
        assert.deepInclude(counts(run), { redriven: 1, failedAgain: 1, untouched: 0 })
        // The next run may start at once.
        yield* ops.cancelRedrive((yield* ops.startRedrive({ consumer }, by)).id, by)
      }))
    }))

  it.effect("see it stop itself in a copy of the database, where its set means nothing", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const sql = yield* SqlClient.SqlClient
      const { consumer, pipeline } = yield* broken("copied", 5)
      const { id } = yield* ops.startRedrive({ consumer }, by)
      yield* sql`update ${sql(`${schema}.redrive_runs`)} set cluster = 'another one' where id = ${id}::bigint`
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(pipeline, quick))
        const run = yield* reaches(id, "stopped")
        assert.deepInclude(counts(run), { redriven: 0, untouched: 5 })
        assert.match(run.stopped!.sentence, /^The database is a copy .* Start a new run\.$/)
        const refused = yield* Effect.flip(ops.continueRedrive(id, by))
        assert.match(refused.message, /cannot be continued: it is stopped permanently/)
        yield* ops.cancelRedrive(id, by)
      }))
    }))

  it.effect(
    "let other messages through while their own hang, and put few of their own into the queue",
    () =>
      Effect.gen(function*() {
        const ops = yield* operations
        const { consumer, downstream, handled, pipeline, publish } = yield* broken("hanging", 100)
        downstream.before = (name) => Number(name.split("-")[1]) < 1_000 ? Effect.never : Effect.void
        yield* Effect.scoped(Effect.gen(function*() {
          yield* Layer.build(Worker.layer(pipeline, { ...quick, grace: "50 millis" }))
          const { id } = yield* ops.startRedrive({ consumer }, { ...by, rate: 4, stages: [] })
          yield* eventually(Effect.map(runOf(id), ({ redriven }) => redriven > 10))
          yield* publish(ids(300, 1_000))
          yield* eventually(Effect.sync(() => handled.length === 300), "20 seconds")
          yield* eventually(Effect.map(runOf(id), ({ waiting }) => waiting === 20), "20 seconds")
          yield* Effect.sleep("1 second")
          assert.deepInclude(counts(yield* runOf(id)), { redriven: 20, committed: 0, untouched: 80 })
          yield* ops.cancelRedrive(id, by)
        }))
      })
  )

  it.effect("decide once when several redrive, edit and discard one dead letter, and the others learn who and when", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, handled, pipeline } = yield* broken("contested", 6)
      const deadLetters = yield* DeadLetters.list({ consumer })
      let redriven = 0
      for (const { id, message } of deadLetters) {
        const actions = ids(9).map((n) => {
          const action = { by: `operator ${n}` }
          return [
            DeadLetters.redrive(id, action),
            ops.redriveEdited(id, { ...action, payload: message.payload.replace("}", ",\"more\":1}") }),
            DeadLetters.discard(id, action)
          ][Number(n) % 3]!
        })
        const done = yield* Effect.forEach(
          actions,
          (action) =>
            Effect.result(
              action as Effect.Effect<void, Errors.DeadLetterConflict | Errors.DeadLetterNotFound, Store.Store>
            ),
          { concurrency: "unbounded" }
        )
        const winners = done.flatMap(({ _tag }, n) => _tag === "Success" ? [n] : [])
        assert.lengthOf(winners, 1)
        const decided = yield* DeadLetters.get(id)
        assert.strictEqual(decided.changedBy, `operator ${winners[0]}`)
        if (winners[0]! % 3 < 2) redriven++
        for (const one of done) {
          if (one._tag === "Success") continue
          const { at, by, state } = one.failure as Errors.DeadLetterConflict
          assert.deepStrictEqual([one.failure._tag, by, at, state], [
            "DeadLetterConflict",
            decided.changedBy,
            decided.changedAt,
            decided.state
          ])
        }
      }
      yield* Worker.drain(pipeline, quick)
      assert.lengthOf(handled, redriven)
      assert.lengthOf(yield* Audit.list({ about: "deadLetters", consumer, limit: 1000 }), deadLetters.length)
    }))

  it.effect("edit a dead letter without a Schema: the diff first, then the same id, key and place", () =>
    Effect.gen(function*() {
      const ops = yield* operations
      const { consumer, handled, pipeline } = yield* broken("edited", 1, "park")
      const [deadLetter] = yield* DeadLetters.list({ consumer })
      const payload = deadLetter!.message.payload.replace("edited-0\"}", "edited-0\",\"more\":12345678901234567890}")
      const preview = yield* ops.previewEdit(deadLetter!.id, payload)
      assert.match(preview.diff, /^\+ {2}"more": 12345678901234567890$/m)
      assert.isUndefined(preview.problem)
      const bad = yield* ops.previewEdit(deadLetter!.id, "{")
      assert.match(bad.problem!, /does not decode .* the text is not JSON/)
      const refused = yield* Effect.flip(ops.redriveEdited(deadLetter!.id, { ...by, payload: "{" }))
      assert.strictEqual(refused._tag, "EditUndecodable")
      yield* ops.redriveEdited(deadLetter!.id, { ...by, payload })
      const second = yield* Effect.flip(ops.redriveEdited(deadLetter!.id, { by: "ben", payload }))
      assert.deepInclude(second, { _tag: "DeadLetterConflict", by: "anna", state: "redriving" })
      yield* Worker.drain(pipeline, quick)
      assert.deepStrictEqual(handled, ["edited-0"])
      const resolved = yield* DeadLetters.get(deadLetter!.id)
      assert.deepInclude(resolved, { state: "resolved", original: deadLetter!.message.payload })
      assert.deepInclude(resolved.message, { id: deadLetter!.message.id, key: deadLetter!.message.key, payload })
      assert.deepStrictEqual((yield* Audit.list({ deadLetterId: deadLetter!.id })).map(({ action }) => action), [
        "edited"
      ])
    }))
})
