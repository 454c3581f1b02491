/**
 * The server loses its recent memory, and a worker lives on: nothing of one life of the server is committed in the
 * next.
 *
 * Here the life ends by its row, as a crash ends it, and what the server "lost" is deleted by hand. Real crashes and
 * failovers are in `test/faults`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Fiber, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Hold, Pipeline, Retry, Store, Topic, Worker } from "millrace"
import { inject } from "vitest"
import * as PgClient from "../../src/postgres/session/PgClient.ts"
import { proxy } from "../harness/proxy.ts"
import { eventually, freshSchema, idsOf, open, postgres, publish, receive, register, roomy, settle } from "./kit.ts"

const url = inject("databaseUrl")

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  id: ({ id }) => id,
  key: ({ key }) => key
})
const note = (id: string, key: string) => ({ id, key })

/** Runs on a schema of its own, and gives its tables' names and a way to end the server's life. */
const onSchema = <A, E>(
  body: (of: {
    readonly table: (name: string) => string
    readonly endLife: Effect.Effect<void, unknown, SqlClient.SqlClient>
  }) => Effect.Effect<A, E, any>
) => {
  const schema = freshSchema()
  const table = (name: string) => `"${schema}"."${name}"`
  const endLife = Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => Effect.asVoid(sql.unsafe(`delete from ${table("server_life")}`))
  )
  return Effect.scoped(body({ table, endLife })).pipe(
    Effect.provide(postgres(url, {}, schema)),
    Effect.timeout("30 seconds")
  ) as Effect.Effect<A>
}

describe.concurrent("what was handed out before the server lost its memory", () => {
  it.live("is neither settled nor held, renewed or recorded after it, and the next look says why", () =>
    onSchema(({ endLife, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const store = yield* Store.Store
        yield* register({ lanes: 1 })
        yield* publish(["a", "k"], ["b", "other"])
        const subscription = yield* open("worker", { lanes: 1 })
        const [a, b] = yield* receive(subscription, 2)
        const leases = subscription.held()
        yield* endLife
        assert.deepStrictEqual(yield* settle(subscription, [a!, b!]), [])
        assert.deepStrictEqual(yield* store.transact(subscription.fence([a!])), [])
        const hold = store.transact(subscription.hold(a!, [], Hold.parked))
        assert.strictEqual((yield* Effect.flip(subscription.whileNotReading(a!, hold)))._tag, "LeaseLost")
        assert.deepStrictEqual(yield* sql.unsafe(`select id from ${table("messages")} order by seq`), [{ id: "a" }, {
          id: "b"
        }])
        assert.strictEqual((yield* subscription.renew(leases)).size, 0)
        assert.deepStrictEqual(subscription.held(), [])
        assert.isTrue(Deferred.isDoneUnsafe(a!.lease.lost))
        const lost = yield* Effect.flip(subscription.take(roomy, () => assert.fail("handed out")))
        assert.strictEqual(lost._tag, "SubscriptionLost")
        // Opened again by the same run of a worker, it reads all of it at once, and nothing is counted.
        const next = yield* open("worker", { lanes: 1 })
        const again = yield* receive(next, 2)
        assert.deepStrictEqual(again.map(({ message, crashCount: received }) => [message.id, received]), [["a", 0], [
          "b",
          0
        ]])
      })
    ))

  it.live("is not looked for at its places: other messages that stand there now are handled, all of them", () =>
    onSchema(({ endLife, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const handled: Array<string> = []
        const begun = yield* Deferred.make<void>()
        let interrupted = 0
        const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
          Pipeline.mapEffect((value, { attempt }) =>
            value.id.startsWith("old")
              ? Effect.onInterrupt(
                Effect.andThen(Deferred.succeed(begun, undefined), Effect.never),
                () => Effect.sync(() => void interrupted++)
              )
              : Effect.sync(() => void handled.push(`${value.id} ${attempt}`))
          )
        )
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { lanes: 1 }))
        yield* eventually(Effect.map(Consumers.list, (all) => all.length === 1))
        const [before] = yield* sql.unsafe<{ readonly last_value: bigint }>(
          `select last_value from ${table("message_seq")}`
        )
        yield* Topic.publishAll(Notes, [note("old1", "a"), note("old2", "b"), note("old3", "c")])
        yield* Deferred.await(begun)
        // A crash that lost what was not flushed: the messages and their numbers. Others get the numbers before the
        // worker looks.
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql.unsafe(`delete from ${table("messages")}`)
          yield* sql.unsafe(`select setval('${table("message_seq")}', ${before!.last_value}, false)`)
          yield* endLife
          yield* Topic.publishAll(Notes, [note("new1", "a"), note("new2", "b"), note("new3", "c")])
        }))
        yield* eventually(Effect.sync(() => handled.length === 3))
        assert.deepStrictEqual(handled.toSorted(), ["new1 1", "new2 1", "new3 1"])
        assert.strictEqual(interrupted, 3)
        yield* eventually(Effect.map(sql.unsafe(`select 1 from ${table("messages")}`), (rows) => rows.length === 0))
        assert.deepStrictEqual(yield* DeadLetters.list(), [])
        yield* Fiber.interrupt(worker)
      })
    ))

  it.live("moves no mark of the next life: what was committed below it is read, in order", () =>
    onSchema(({ endLife, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const handled: Array<string> = []
        const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
          Pipeline.tap(({ id }) => Effect.sync(() => void handled.push(id)))
        )
        // Woken by the publish, it polls before its next heartbeat is due.
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { lanes: 1, idlePoll: "20 seconds" }))
        yield* eventually(Effect.map(Consumers.list, (all) => all.length === 1))
        yield* Topic.publishAll(Notes, Array.from({ length: 20 }, (_, i) => note(`warm${i}`, "k")))
        yield* eventually(Effect.sync(() => handled.length === 20))
        // Numbers and transaction ids begin again from where they were long ago.
        yield* sql.withTransaction(Effect.gen(function*() {
          yield* sql.unsafe(`select setval('${table("message_seq")}', 1, false)`)
          yield* endLife
          yield* Topic.publishAll(Notes, Array.from({ length: 10 }, (_, i) => note(`new${i}`, "k")))
          yield* sql.unsafe(`update ${table("messages")} set xid = '3'`)
        }))
        yield* eventually(Effect.sync(() => handled.length === 30))
        assert.deepStrictEqual(handled.slice(20), Array.from({ length: 10 }, (_, i) => `new${i}`))
        yield* Fiber.interrupt(worker)
      })
    ))

  it.live("is of a queue whose number may be another consumer's by now: the worker registers again, and reads its own", () =>
    onSchema(({ endLife, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const handled: Array<string> = []
        const pipeline = Pipeline.from(Notes, { consumer: "ours" }).pipe(
          Pipeline.tap(({ id }) => Effect.sync(() => void handled.push(id)))
        )
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { lanes: 1, idlePoll: "100 millis" }))
        yield* eventually(Effect.map(Consumers.list, (all) => all.some((one) => one.workers === 1)))
        yield* sql.withTransaction(Effect.gen(function*() {
          const [row] = yield* sql.unsafe<{ readonly id: number }>(`select id from ${table("consumers")}`)
          for (const name of ["subscriptions", "workers", "lanes"]) yield* sql.unsafe(`delete from ${table(name)}`)
          yield* sql.unsafe(`delete from ${table("consumers")}`)
          yield* sql.unsafe(`insert into ${table("consumers")} (id, name, lanes, dead_letter_order)
            overriding system value values (${row!.id}, 'theirs', 1, 'continue')`)
          yield* sql.unsafe(`insert into ${table("lanes")} (queue_id, lane) values (${row!.id}, 0)`)
          yield* sql.unsafe(`insert into ${table("subscriptions")} (topic, queue_id) values ('theirs', ${row!.id})`)
          yield* sql.unsafe(`insert into ${table("messages")} (queue_id, lane, id, topic, key, keyed, payload)
            values (${row!.id}, 0, 'theirs', 'theirs', 'k', true, '{"id":"theirs","key":"k"}')`)
          yield* endLife
        }))
        yield* eventually(
          Effect.map(Consumers.list, (all) => all.length === 2 && all.every((one) => one.waiting.count <= 1))
        )
        yield* Topic.publish(Notes, note("ours", "k"))
        yield* eventually(Effect.sync(() => handled.length > 0))
        assert.deepStrictEqual(handled, ["ours"])
        assert.strictEqual((yield* Consumers.get("theirs")).waiting.count, 1)
        yield* Fiber.interrupt(worker)
      })
    ))

  it.live("has no claim in the next life, and what a dead owner recorded before says nothing about the messages of it", () =>
    onSchema(({ endLife, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* register({ lanes: 1 })
        yield* publish(["a", "k"])
        const [early, dead] = [yield* open("early", { lanes: 1 }), yield* open("dead", { lanes: 1 })]
        yield* receive(dead, 1)
        yield* endLife
        yield* sql.unsafe(`update ${table("lanes")} set lease_until = '-infinity', alone = 1`)
        assert.strictEqual(
          (yield* Effect.flip(early.take(roomy, () => assert.fail("claimed"))))._tag,
          "SubscriptionLost"
        )
        assert.deepStrictEqual(yield* sql.unsafe(`select owner from ${table("lanes")}`), [{ owner: "dead" }])
        const next = yield* open("next", { lanes: 1 })
        assert.deepStrictEqual((yield* receive(next, 1)).map(({ crashCount: received }) => received), [0])
      })
    ))

  it.live("is in no set of dead letters: a set that was frozen before is refused, by what to do", () =>
    onSchema(({ endLife }) =>
      Effect.gen(function*() {
        const set = yield* DeadLetters.freeze({})
        yield* endLife
        const refused = yield* Effect.flip(DeadLetters.redriveAll(set, { by: "ann" }))
        assert.strictEqual(refused._tag, "StoreFailure")
        assert.include(refused.message, "Freeze the set again")
        assert.strictEqual((yield* DeadLetters.redriveAll(yield* DeadLetters.freeze({}), { by: "ann" })).done, 0)
      })
    ))

  it.live("names no dead letter of the next life", () =>
    onSchema(({ endLife, table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
          Pipeline.tap(() => Effect.fail("no" as const)),
          Pipeline.retry(Retry.never)
        )
        const kill = (id: string) =>
          Effect.gen(function*() {
            yield* Topic.publish(Notes, note(id, id))
            yield* Worker.drain(pipeline)
            return (yield* DeadLetters.list({ id }))[0]!.id
          })
        yield* Worker.drain(pipeline)
        yield* kill("kept")
        const lost = yield* Effect.forEach(["lost-1", "lost-2", "lost-3", "lost-4"], kill)
        yield* sql.unsafe(`delete from ${table("dead_letters")} where message_id like 'lost-%'`)
        yield* sql.unsafe(`select setval('${table("dead_letter_seq")}', 1)`)
        yield* endLife
        assert.isAbove(Number(yield* kill("new")), Number(lost.at(-1)))
      })
    ))

  it.live("is of another copy of the database: a row that came with a dump names no life here", () =>
    onSchema(({ table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* register({ lanes: 1 })
        const subscription = yield* open("worker", { lanes: 1 })
        yield* subscription.take(roomy, () => {})
        yield* sql.unsafe(`update ${table("server_life")} set cluster = '1/2'`)
        assert.strictEqual((yield* Effect.flip(subscription.take(roomy, () => {})))._tag, "SubscriptionLost")
        yield* publish(["a", "k"])
        yield* sql.unsafe(`update ${table("lanes")} set lease_until = '-infinity'`)
        assert.deepStrictEqual(idsOf(yield* receive(yield* open("next", { lanes: 1 }), 1)), ["a"])
      })
    ))

  it.live("and a place that has another message within one life: the commit is refused, and nothing is lost", () =>
    onSchema(({ table }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* register({ lanes: 1 })
        yield* publish(["a", "k"])
        const subscription = yield* open("worker", { lanes: 1 })
        const [a] = yield* receive(subscription, 1)
        yield* sql.unsafe(`update ${table("messages")} set id = 'other'`)
        const refused = yield* Effect.exit(settle(subscription, [a!]))
        assert.include(refused._tag === "Failure" ? Cause.pretty(refused.cause) : "", "another message")
        assert.deepStrictEqual(yield* sql.unsafe(`select id from ${table("messages")}`), [{ id: "other" }])
        assert.strictEqual((yield* Effect.flip(subscription.take(roomy, () => {})))._tag, "SubscriptionLost")
      })
    ))
})

it.live(
  "a message that was dead-lettered and redriven, while its worker did not know that its COMMIT had happened, is handled in order",
  () =>
    Effect.gen(function*() {
      const [between, schema] = [yield* proxy(url), freshSchema()]
      const handled: Array<string> = []
      let broken = true
      const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
        Pipeline.tap(({ id }) =>
          id === "m1" && broken ? Effect.fail({ retryable: false }) : Effect.sync(() => void handled.push(id))
        ),
        Pipeline.commitTimeout("2 seconds"),
        Pipeline.deadLetter({ order: "park" })
      )
      yield* Effect.gen(function*() {
        yield* Worker.drain(pipeline)
        yield* Topic.publishAll(Notes, [note("m1", "k"), note("m2", "k")])
        let [died, dropped] = [false, false]
        between.dropResponses = (chunk) => {
          died ||= chunk.includes("\"dead_letters\" (id, queue_id")
          if (!died || dropped || !chunk.includes("COMMIT")) return false
          return dropped = true
        }
        const through = postgres(between.url, { commitTimeout: "3 seconds" }, schema)
        const worker = yield* Effect.forkChild(Effect.provide(Worker.run(pipeline, { grace: 0 }), through))
        yield* eventually(Effect.map(DeadLetters.list(), (deadLetters) => deadLetters.length === 1))
        assert.isTrue(dropped)
        broken = false
        const [deadLetter] = yield* DeadLetters.list()
        yield* DeadLetters.redrive(deadLetter!.id, { by: "ann" })
        yield* eventually(Effect.sync(() => handled.length === 2))
        assert.deepStrictEqual(handled, ["m1", "m2"])
        yield* eventually(Effect.map(DeadLetters.list(), ([one]) => one?.state === "resolved"))
        const sql = yield* SqlClient.SqlClient
        yield* eventually(Effect.map(sql.unsafe(`select id from "${schema}".messages`), (rows) => rows.length === 0))
        assert.deepStrictEqual(handled, ["m1", "m2"])
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.provide(postgres(url, {}, schema)))
    }).pipe(Effect.scoped, Effect.timeout("50 seconds"))
)

it.live("a commit of the machinery is flushed on the machinery's connections, under every default of the role", () =>
  Effect.gen(function*() {
    const db = yield* PgClient.make({
      url: Redacted.make(`${url}?options=${encodeURIComponent("-c synchronous_commit=off")}`),
      ssl: undefined,
      stream: undefined,
      maxConnections: 2,
      acquireTimeout: Duration.seconds(10),
      commitTimeout: Duration.seconds(10),
      single: false,
      pooler: false
    })
    const asked = "select current_setting('synchronous_commit') as on"
    assert.deepStrictEqual(yield* db.machinery(asked, []), [{ on: "on" }])
  }).pipe(Effect.scoped, Effect.provide(Reactivity.layer)))
