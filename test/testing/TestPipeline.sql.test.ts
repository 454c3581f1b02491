// The kit for users on engines with SQL: the same words, in real time.
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber, Latch, Layer, Logger, Redacted, Ref, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Pipeline, Retry, Topic, Transport } from "millrace"
import { Postgres } from "millrace/postgres"
import { TestPipeline } from "millrace/testing"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { pglite } from "../setup/pglite.ts"
import { recycled } from "../setup/schemas.ts"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})
const payment = (id: string) => ({ id, account: id.slice(0, 1), cents: 5 })

const retry = Pipeline.retry(Retry.exponential("20 millis", { attempts: 3 }))

it.effect("a pipeline with commitSql is tested as it is, on PGlite", () =>
  TestPipeline.run(
    Pipeline.from(Payments, { consumer: "ledger" }).pipe(
      Pipeline.commitSql((p, sql) => sql`insert into postings values (${p.id}, ${p.cents})`),
      retry
    ),
    (test) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`create table postings (id text, cents int)`
        yield* test.inject({ id: "a1", step: "commit" }, TestPipeline.die("bad luck"))
        yield* test.inject({ id: "b1" }, TestPipeline.lostAnswer)
        yield* test.publishAll(Payments, ["a1", "a2", "b1"].map(payment))
        yield* test.drain()
        assert.deepStrictEqual(test.committed.toSorted(), ["a1", "a2", "b1"])
        assert.match(test.life("a1"), /attempt 1 failed Defect at \d+ ms, retry at \d+ ms, committed at \d+ ms$/)
        assert.match(test.life("b1"), /its transaction met UnknownOutcome/)
        assert.deepStrictEqual(yield* sql`select id from postings order by id`, [{ id: "a1" }, { id: "a2" }, {
          id: "b1"
        }])
      })
  ).pipe(Effect.provide(pglite())))

it.effect("a drain waits for an operator's decisions about dead letters, on PGlite", () =>
  TestPipeline.run(
    Pipeline.from(Payments, { consumer: "ledger" }).pipe(
      Pipeline.tap((p) => p.cents === 0 ? Effect.fail({ retryable: false } as const) : Effect.void),
      Pipeline.deadLetter({ order: "park" })
    ),
    (test) =>
      Effect.gen(function*() {
        const by = "anna"
        const dead = (id: string) =>
          Effect.gen(function*() {
            yield* test.publish(Payments, { ...payment(`${id}1`), cents: 0 })
            yield* test.publish(Payments, payment(`${id}2`))
            yield* test.drain()
            return (yield* DeadLetters.list({ key: id }))[0]!.id
          })
        const committed = (id: string) => test.committed.filter((one) => one.startsWith(id))
        const fixed = (id: string) => JSON.stringify(payment(`${id}1`))

        const edited = yield* dead("e")
        yield* DeadLetters.redriveEdited(edited, { topic: Payments, payload: fixed("e"), by })
        yield* test.drain()
        assert.deepStrictEqual(committed("e"), ["e1", "e2"], test.story)
        assert.strictEqual((yield* DeadLetters.get(edited)).state, "resolved")

        const again = yield* dead("r")
        yield* DeadLetters.redrive(again, { by })
        yield* test.drain()
        assert.deepStrictEqual((yield* DeadLetters.get(again)).attempts.length, 2, test.story)
        yield* DeadLetters.redriveAll({ key: "r" }, { by })
        yield* test.drain()
        assert.deepStrictEqual((yield* DeadLetters.get(again)).attempts.length, 3, test.story)
        yield* DeadLetters.discard(again, { by })
        yield* test.drain()
        assert.deepStrictEqual(committed("r"), ["r2"], test.story)
        assert.deepStrictEqual(test.dead, [])

        const released = yield* dead("s")
        yield* DeadLetters.release(released, { by })
        yield* test.drain()
        assert.deepStrictEqual(committed("s"), ["s2"], test.story)
        assert.deepStrictEqual(test.dead.map((deadLetter) => deadLetter.id), ["s1"])
      })
  ).pipe(Effect.provide(pglite())))

it.effect(
  "publishes in transactions of the scenario's own, on PGlite: all of it when they commit, nothing when they fail",
  () =>
    TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(
        Pipeline.tap((p) => p.cents === 0 ? Effect.fail({ retryable: false } as const) : Effect.void)
      ),
      (test) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          const refused = <A, E, R>(within: Effect.Effect<A, E, R>) =>
            Effect.flip(sql.withTransaction(Effect.andThen(within, Effect.fail("no"))))
          yield* sql.withTransaction(Effect.andThen(
            Topic.publish(Payments, payment("a1")),
            test.publishAll(Payments, [{ ...payment("d1"), cents: 0 }, payment("a2")])
          ))
          yield* test.drain()
          assert.deepStrictEqual(test.committed.toSorted(), ["a1", "a2"], test.story)
          yield* refused(test.publish(Payments, payment("b1")))
          yield* refused(test.publish(Payments, payment("b2"), { delay: "1 hour" }))
          const [deadLetter] = yield* DeadLetters.list({ state: "open" })
          yield* refused(DeadLetters.discard(deadLetter!.id, { by: "anna" }))
          yield* test.drain()
          assert.deepStrictEqual(test.committed.toSorted(), ["a1", "a2"], test.story)
          assert.deepStrictEqual(test.dead.map(({ id }) => id), ["d1"], test.story)
          assert.deepStrictEqual(yield* test.delayed(Payments), [])
          yield* sql.withTransaction(DeadLetters.redrive(deadLetter!.id, { by: "anna" }))
          yield* test.drain()
          assert.strictEqual((yield* DeadLetters.get(deadLetter!.id)).attempts.length, 2, test.story)
          assert.notInclude(test.story, "b1")
        })
    ).pipe(Effect.provide(pglite()))
)

// Each run has a schema, which holds the user's table, too.
const schema = Ref.makeUnsafe("")
const url = inject("databaseUrl")
const database = recycled(url, (name) => {
  const built = Postgres.layer({ url: Redacted.make(url), schema: name })
  const tables = Layer.effectDiscard(Effect.gen(function*() {
    yield* Ref.set(schema, name)
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table ${sql(name)}.postings (id text, cents int)`
  }))
  return Layer.provideMerge(tables, built)
})
const postings = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  return yield* sql<{ id: string }>`select id from ${sql(yield* Ref.get(schema))}.postings order by id`
})
const post = (id: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`insert into ${sql(yield* Ref.get(schema))}.postings values (${id}, 5)`
  })
const crashing = {
  scenario: (test: TestPipeline.Test<never>) => test.publish(Payments, payment("a1")),
  state: postings,
  layer: database,
  lease: limit(500),
  idlePoll: "50 millis"
} as const

it.effect("a crash at every point says nothing of what it does on purpose", () => {
  const lines: Array<string> = []
  return Effect.gen(function*() {
    yield* TestPipeline.crashEverywhere(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.commitSql((p, sql) => sql`select ${p.id}`)),
      {
        ...crashing,
        logs: true,
        state: Effect.void
      }
    )
    assert.deepStrictEqual(lines, [])
  }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => {
    // A living worker logs its start, its end and a takeover, and a publisher names a topic that no consumer reads yet.
    if (!/^Worker \S+ (?:started|stopped|took over)|^No consumer reads topic/.test(String(message))) {
      lines.push(String(message))
    }
  })])))
}, limit(120_000))

it.effect("a commit step on Postgres survives a crash at every point", () =>
  Effect.gen(function*() {
    const { points, state } = yield* TestPipeline.crashEverywhere(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.commit((p) => Effect.orDie(post(p.id))), retry),
      crashing
    )
    assert.deepStrictEqual(state, [{ id: "a1" }])
    assert.isAbove(points.length, 5)
  }))

it.effect("shows nothing of a commit step that was undone to its savepoint", () => {
  // Two messages wait for each other, so that they share a group on a slow machine, too.
  const both = Latch.makeUnsafe(false)
  let arrived = 0
  const meet = Effect.suspend(() => {
    if (++arrived === 2) both.openUnsafe()
    return both.await
  })
  return TestPipeline.run(
    Pipeline.from(Payments, { consumer: "ledger" }).pipe(
      Pipeline.tap(() => meet),
      Pipeline.commit((p, { attempt }) =>
        Effect.andThen(
          p.id === "a1" ? Topic.publish(Payments, payment("b1")) : Effect.void,
          // The first failure of a group ends the whole transaction. The second one meets its own savepoint.
          attempt === 1 && p.id !== "b1" ? Effect.die("not now") : Effect.orDie(post(p.id))
        )
      ),
      retry
    ),
    (test) =>
      Effect.gen(function*() {
        yield* test.publishAll(Payments, [payment("x1"), payment("a1")])
        yield* test.drain()
        assert.match(
          test.story,
          /^a1: published at \d+ ms, attempt 1 failed Defect at \d+ ms, retry at \d+ ms, emitted to payments, committed at \d+ ms$/m
        )
        assert.match(test.story, /^b1: published at \d+ ms, committed at \d+ ms$/m)
        assert.deepStrictEqual((yield* postings).map(({ id }) => id).toSorted(), ["a1", "b1", "x1"])
      })
  ).pipe(Effect.provide(database))
})

it.effect(
  "tells what a commit step publishes and cancels in a transaction of its own, unless it undoes that one",
  () => {
    const Notes = Topic.make("notes", { schema: Schema.String, key: () => "n", id: "random" })
    const later = (name: string) => Topic.publish(Notes, name, { delay: "1 hour", name })
    const publishes = Effect.fnUntraced(function*(what: string) {
      yield* Topic.publish(Notes, what)
      yield* Topic.publish(Payments, payment(`${what}1`))
      yield* later(`${what} later`)
      yield* Topic.cancel(Notes, { key: "n", name: `cancelled by ${what}` })
    })
    return TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(
        Pipeline.commit((p) =>
          p.id !== "a1" ? Effect.void : SqlClient.SqlClient.pipe(
            Effect.flatMap((sql) =>
              Effect.andThen(
                sql.withTransaction(publishes("kept")),
                Effect.ignore(sql.withTransaction(Effect.andThen(publishes("undone"), Effect.fail("no"))))
              )
            ),
            Effect.orDie
          )
        ),
        retry
      ),
      (test) =>
        Effect.gen(function*() {
          yield* later("cancelled by kept")
          yield* later("cancelled by undone")
          yield* test.publish(Payments, payment("a1"))
          yield* test.drain()
          assert.deepStrictEqual(yield* test.emitted(Notes), ["kept"])
          assert.deepStrictEqual(test.committed, ["a1", "kept1"])
          assert.deepStrictEqual((yield* test.delayed(Notes)).map(({ value }) => value), [
            "cancelled by undone",
            "kept later"
          ])
        })
    ).pipe(Effect.provide(database))
  }
)

it.effect("a drain waits for what the pipeline around it emits, but not for what is parked, paused or later", () => {
  const Receipts = Topic.make("receipts", { schema: Schema.String, key: (id) => id.slice(0, 1), id: (id) => id })
  const emitting = Pipeline.from(Payments, { consumer: "emitting" }).pipe(
    Pipeline.commit((p) => Effect.as(Topic.publish(Receipts, `${p.id} later`, { delay: "1 hour" }), p.id)),
    Pipeline.emit(Receipts, (id) => id, { id: (receipt) => receipt })
  )
  const reading = Pipeline.from(Receipts, { consumer: "reading" }).pipe(
    Pipeline.tap((id) => id === "bad" ? Effect.fail({ retryable: false } as const) : Effect.void),
    Pipeline.deadLetter({ order: "park" })
  )
  return Effect.gen(function*() {
    const readable = yield* Latch.make()
    const inner = yield* Transport.Transport
    const open: typeof inner.open = (spec) =>
      Effect.map(inner.open(spec), (subscription) => ({
        ...subscription,
        take: (room, accept) =>
          spec.consumer === "reading"
            ? Effect.andThen(readable.await, subscription.take(room, accept))
            : subscription.take(room, accept)
      }))
    yield* TestPipeline.run(emitting, (payments) =>
      TestPipeline.run(reading, (receipts) =>
        Effect.gen(function*() {
          const emit = (...ids: ReadonlyArray<string>) =>
            Effect.andThen(payments.publishAll(Payments, ids.map(payment)), payments.drain())
          yield* emit("bad", "b2")
          const drained = yield* Effect.forkChild(receipts.drain(), { startImmediately: true })
          yield* emit("a1")
          assert.isUndefined(drained.pollUnsafe())
          const { message } = yield* Effect.flip(receipts.drain("1 second"))
          assert.match(message, /^3 messages still wait after 1000 ms: in the store, not read by the test's worker\./)
          yield* readable.open
          yield* Fiber.join(drained)
          assert.deepStrictEqual(receipts.committed, ["a1"], receipts.story)
          assert.deepStrictEqual(receipts.dead.map(({ id }) => id), ["bad"])
          yield* Consumers.pause("reading", { by: "anna" })
          yield* emit("a2")
          yield* receipts.drain("1 second")
        }))).pipe(Effect.provideService(Transport.Transport, { ...inner, open }))
  }).pipe(Effect.provide(database))
})

it.live("a drain ends when its time is up, and the test directly after it, also while a step runs", () =>
  Effect.gen(function*() {
    const [time, error] = yield* Effect.timed(Effect.flip(TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.tap(() => Effect.never)),
      (test) => Effect.andThen(test.publish(Payments, payment("a1")), test.drain("200 millis"))
    )))
    assert.strictEqual(error._tag, "NotDrained")
    assert.isBelow(Duration.toMillis(time), 8_000)
  }).pipe(Effect.provide(database)))

it.effect("catches: a statement that commits before the transaction does", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(TestPipeline.crashEverywhere(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.tap((p) => Effect.orDie(post(p.id))), retry),
      crashing
    ))
    assert(error._tag === "CrashDiverged")
    assert.strictEqual(error.point, "a1, attempt 1: after step 1 (Tap)")
  }))
