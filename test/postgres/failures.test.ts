/** A message that failed, on real Postgres, when its failure cannot be written at once. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { randomBytes } from "node:crypto"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  key: (note) => note.key,
  id: (note) => note.id
})
const notes = (key: string, ...ids: ReadonlyArray<string>) => ids.map((id) => ({ id, key }))

class Declined extends Schema.TaggedError<Declined>()("Declined", { retryable: Schema.Boolean }) {}
const declined = new Declined({ retryable: false })

/** A running worker with an order that parks, and what its step saw. */
const parking = Effect.fnUntraced(function*(step: (id: string) => Effect.Effect<unknown, unknown>) {
  const seen: Array<string> = []
  const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
    Pipeline.tap(({ id }) => Effect.suspend(() => Effect.andThen(Effect.sync(() => seen.push(id)), step(id)))),
    Pipeline.deadLetter({ order: "park" })
  )
  yield* Worker.drain(pipeline)
  const run = Worker.run(pipeline, { idlePoll: "50 millis", grace: 0 })
  return { seen, run, sees: (id: string) => eventually(Effect.sync(() => seen.includes(id))) }
})

describe.concurrent("a message that fails permanently", () => {
  it.live("and was committed before leaves its key's successors in their order", () => {
    const within = freshSchema()
    return Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      let broken = false
      const { run, seen, sees } = yield* parking((id) => broken && id === "x" ? Effect.fail(declined) : Effect.void)
      yield* Effect.forkScoped(run)
      yield* Topic.publish(Notes, { id: "x", key: "k" })
      yield* sees("x")
      const settled = Effect.map(sql`select id from ${sql(`${within}.messages`)}`, (rows) => rows.length === 0)
      yield* eventually(settled)
      broken = true
      yield* Topic.publishAll(Notes, notes("k", "x", "y", "z"))
      yield* sees("z")
      yield* Topic.publish(Notes, { id: "w", key: "k" })
      yield* sees("w")
      assert.deepStrictEqual(seen, ["x", "x", "y", "z", "w"])
      assert.deepStrictEqual(yield* DeadLetters.list({}), [])
      yield* eventually(settled)
    }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, within)))
  })

  it.live("for a reason that no column can hold becomes a dead letter all the same", () =>
    Effect.gen(function*() {
      const ofMap = <S extends Schema.Constraint>(value: S) =>
        Topic.make("maps", {
          schema: Schema.Struct({ id: Schema.String, map: Schema.Record(Schema.String, value) }),
          key: () => "k",
          id: ({ id }) => id
        })
      const pipeline = Pipeline.from(ofMap(Schema.Int), { consumer: "maps" }).pipe(
        Pipeline.tap(({ id }) =>
          id === "long"
            ? Effect.fail({ _tag: `\u0000${randomBytes(6000).toString("base64")}`, retryable: false })
            : Effect.void
        )
      )
      yield* Worker.drain(pipeline)
      yield* Topic.publish(ofMap(Schema.String), { id: "bad", map: { "a\u0000b": "x" } })
      yield* Topic.publish(ofMap(Schema.Int), { id: "long", map: {} })
      yield* Topic.publish(ofMap(Schema.Int), { id: "good", map: {} })
      yield* Worker.drain(pipeline)
      const deadLetters = yield* DeadLetters.list({ consumer: "maps" })
      assert.deepStrictEqual(deadLetters.map(({ message }) => message.id).toSorted(), ["bad", "long"])
      for (const { fingerprint } of deadLetters) {
        assert.isBelow(fingerprint.length, 500)
        assert.notInclude(fingerprint, "Unrecordable", "the store had nothing to refuse")
      }
      assert.deepStrictEqual(
        (yield* DeadLetters.groups({ consumer: "maps" })).map(({ deadLetters }) => deadLetters.count),
        [
          1,
          1
        ]
      )
    }).pipe(Effect.provide(postgres(url))))

  it.live("does not wait for the connections that handlers keep, nor does another key behind it", () => {
    const schema = freshSchema()
    const latch = Deferred.makeUnsafe<void>()
    return Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      let inside = 0
      const slow = sql.withTransaction(
        Effect.andThen(Effect.andThen(sql`select 1`, Effect.sync(() => inside++)), Deferred.await(latch))
      )
      const { run, sees } = yield* parking((id) =>
        id.startsWith("slow") ? slow : id === "bad" ? Effect.fail(declined) : Effect.void
      )
      yield* Effect.forkScoped(run)
      const other = yield* Layer.build(Postgres.layer({ url: Redacted.make(url), schema }))
      const publish = (key: string, ...ids: ReadonlyArray<string>) =>
        Effect.provide(Topic.publishAll(Notes, notes(key, ...ids)), other)
      yield* publish("s1", "slow1")
      yield* publish("s2", "slow2")
      yield* publish("s3", "slow3")
      yield* eventually(Effect.sync(() => inside === 3))
      yield* publish("k", "bad")
      yield* eventually(
        Effect.map(Effect.provide(DeadLetters.list({}), other), (deadLetters) => deadLetters.length === 1)
      )
      yield* publish("o", "other")
      yield* sees("other")
      yield* Deferred.succeed(latch, undefined)
    }).pipe(Effect.scoped, Effect.provide(postgres(url, { maxConnections: 3 }, schema)))
  })

  it.live("of a key that an operator pauses in an open transaction delays no other key", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { run, sees } = yield* parking((id) => id === "bad" ? Effect.fail(declined) : Effect.void)
      yield* Effect.forkScoped(run)
      const latch = Deferred.makeUnsafe<void>()
      const paused = Deferred.makeUnsafe<void>()
      const operator = yield* Effect.forkScoped(sql.withTransaction(
        Consumers.pauseKey("c", "k", { by: "anna" }).pipe(
          Effect.andThen(Deferred.succeed(paused, undefined)),
          Effect.andThen(Deferred.await(latch))
        )
      ))
      yield* Deferred.await(paused)
      yield* Topic.publish(Notes, { id: "bad", key: "k" })
      yield* sees("bad")
      for (const n of [1, 2, 3]) {
        yield* Topic.publish(Notes, { id: `other${n}`, key: "o" })
        yield* sees(`other${n}`)
      }
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(operator)
      yield* eventually(Effect.map(DeadLetters.list({}), (deadLetters) => deadLetters.length === 1))
    }).pipe(Effect.scoped, Effect.provide(postgres(url))))
})

// Not beside the others: a suspect has the whole process to itself.
it.live("a message that fails permanently and is interrupted while its dead-lettering is on the wire keeps its key parked", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const failing = Deferred.makeUnsafe<void>()
    const { run, seen } = yield* parking((id) =>
      id === "m1" ? Effect.andThen(Deferred.await(failing), Effect.fail(declined)) : Effect.void
    )
    // The dead-lettering's COMMIT takes longer than a suspect waits for the others.
    yield* sql.unsafe(`create function "${within}".slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(7); return null; end $$`)
    yield* sql.unsafe(
      `create constraint trigger slow after insert on "${within}".dead_letters deferrable initially deferred
      for each row execute function "${within}".slow()`
    )
    yield* Topic.publishAll(Notes, [...notes("k", "m1", "m2"), ...notes("s", "suspect")])
    yield* sql.unsafe(`update "${within}".messages set crash_count = 2 where id = 'suspect'`)
    yield* Effect.forkScoped(run)
    yield* eventually(Effect.sync(() => seen.includes("m1")))
    yield* Deferred.succeed(failing, undefined)
    yield* Effect.timeout(
      Effect.gen(function*() {
        while (!seen.includes("suspect")) yield* Effect.sleep("50 millis")
      }),
      "20 seconds"
    )
    const [deadLetterId] = yield* DeadLetters.list({})
    assert.deepInclude(deadLetterId, { state: "open", parked: true })
    yield* Topic.publish(Notes, { id: "o1", key: "o" })
    yield* eventually(Effect.sync(() => seen.includes("o1")))
    assert.deepStrictEqual(seen, ["m1", "suspect", "o1"])
  }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, within)))
})

it.live("a store that refuses to keep what an attempt failed with gets a record without it", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(Pipeline.tap(() => Effect.fail(declined)))
    yield* Worker.drain(pipeline)
    yield* sql`alter table ${sql(`${within}.dead_letters`)} add check (attempts not like '%Declined%')`
    yield* Topic.publish(Notes, { id: "x", key: "k" })
    yield* Worker.drain(pipeline)
    const [deadLetter] = yield* DeadLetters.list({})
    assert.deepInclude(deadLetter!.attempts[0], { tag: "Unrecordable", attempt: 1, step: "steps" })
  }).pipe(Effect.provide(postgres(url, {}, within)))
})

it.live("a dead letter that is redriven on and on stays one that can be read: its early lives are dropped when they are too large", () => {
  const within = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(Pipeline.tap(() => Effect.fail(declined)))
    yield* Worker.drain(pipeline)
    yield* Topic.publish(Notes, { id: "x", key: "k" })
    yield* Worker.drain(pipeline)
    const again = Effect.gen(function*() {
      const [deadLetter] = yield* DeadLetters.list({})
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      yield* Worker.drain(pipeline)
      return (yield* DeadLetters.get(deadLetter!.id)).attempts.length
    })
    assert.strictEqual(yield* again, 2)
    yield* sql`update ${sql(`${within}.dead_letters`)} set attempts = '["' || repeat('x', 5000000) || '"]'`
    assert.strictEqual(yield* again, 1)
  }).pipe(Effect.provide(postgres(url, {}, within)))
})

it.live("SQL errors of different causes are different failures, and each says what the database said", () =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql`create table if not exists millrace_said (id text constraint said_once primary key, n int constraint said_positive check (n > 0))`
    const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
      Pipeline.commit(({ id }) =>
        id === "missing"
          ? sql`insert into millrace_nowhere values (1)`
          : sql`insert into millrace_said values (${id.slice(0, 4)}, ${id === "negative" ? -1 : 1})`
      ),
      Pipeline.retry(Retry.never)
    )
    yield* Worker.drain(pipeline)
    yield* Topic.publishAll(Notes, notes("k", "once", "negative", "missing", "once again"))
    yield* Worker.drain(pipeline)
    yield* sql`drop table millrace_said`
    const failures = (yield* DeadLetters.list()).map((
      { attempts: [failure], message }
    ) => [message.id, failure!.message])
    assert.sameDeepMembers(failures, [
      ["negative", "new row for relation \"millrace_said\" violates check constraint \"said_positive\""],
      ["missing", "relation \"millrace_nowhere\" does not exist"],
      ["once again", "duplicate key value violates unique constraint \"said_once\""]
    ])
    const groups = (yield* DeadLetters.groups()).map(({ fingerprint }) => fingerprint)
    assert.strictEqual(groups.length, 3)
    assert.isTrue(groups.some((group) => group.includes("23505 said_once")), String(groups))
  }).pipe(Effect.provide(postgres(url, {}, freshSchema()))))
