/**
 * Operators who work on one queue at the same time, while it runs, on a real server. One of them wins, nothing is
 * lost, nothing gets out of order, nothing is half done.
 */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, Latch, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, Consumers, DeadLetters, Pipeline, Store, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { eventually, freshSchema, idsOf, message, open, postgres, receive, register, settle } from "./kit.ts"

const schema = freshSchema()
let consumers = 0

/** A consumer with dead letters of one key each, or of the keys given. */
const withDeadLetters = Effect.fnUntraced(function*(count: number, keyOf: (i: number) => string = (i) => `k${i}`) {
  const store = yield* Store.Store
  const consumer = `c${++consumers}`
  yield* register({ consumer, topics: [consumer] })
  const sub = yield* open(`${consumer}-w`, { consumer, topics: [consumer] })
  yield* store.outbox.write(
    yield* Effect.forEach(Array.from({ length: count }, (_, i) => i), (i) => message(`${i}`, keyOf(i), consumer))
  )
  const got = yield* receive(sub, count)
  const ids = yield* store.transact(Effect.andThen(
    sub.removeInTransaction(got),
    store.deadLetters.add(
      consumer,
      got.map((delivery) => ({
        delivery,
        reason: "exhausted" as const,
        attempts: [],
        fingerprint: "f",
        parked: false
      }))
    )
  ))
  yield* sub.acknowledge(got)
  return { store, consumer, sub, deadLetters: ids.map((deadLetterId) => deadLetterId!) }
})

/** Parks dead letters, with the holds of their keys. */
const park = Effect.fnUntraced(function*(deadLetters: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const [table, ids] = [sql(`${schema}.dead_letters`), deadLetters.map(Number)]
  yield* sql`update ${table} set parked = true where id = any(${ids}::bigint[])`
  yield* sql`insert into ${sql(`${schema}.holds`)} (queue_id, key, lane, until, from_seq)
    select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from ${table} where id = any(${ids}::bigint[])`
})

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  key: (note) => note.key,
  id: (note) => note.id
})

/** A worker that writes what it handles into a table, in order. */
const ledger = Effect.fnUntraced(function*(consumer: string) {
  const sql = yield* SqlClient.SqlClient
  const table = sql(`${schema}.ledger_${consumer}`)
  yield* sql`create table ${table} (n bigint generated always as identity, id text not null, key text not null)`
  const pipeline = Pipeline.from(Notes, { consumer }).pipe(
    Pipeline.commitSql((note, sql) => sql`insert into ${table} (id, key) values (${note.id}, ${note.key})`)
  )
  const rows = sql<{ id: string; key: string }>`select id, key from ${table} order by n`
  const count = Effect.map(sql<{ n: number }>`select count(*)::int as n from ${table}`, ([row]) => row!.n)
  return { pipeline, rows, count }
})

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })(
  "operators at the same time",
  (it) => {
    it.effect(
      "redrive each dead letter once when two redrive one set, and each is recorded once",
      () =>
        Effect.gen(function*() {
          const { consumer, deadLetters, sub } = yield* withDeadLetters(300)
          const both = yield* Effect.all(
            ["ann", "ben"].map((by) => DeadLetters.redriveAll({ consumer }, { by })),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(both[0]!.done + both[1]!.done, 300)
          const got = yield* receive(sub, 300)
          assert.strictEqual(new Set(idsOf(got)).size, 300)
          const audit = yield* Audit.list({ consumer, limit: 1000 })
          assert.deepStrictEqual(audit.map(({ deadLetterId }) => deadLetterId).toSorted(), deadLetters.toSorted())
        })
    )

    it.effect(
      "have one winner when one redrives what the other discards, and the loser's error names the winner",
      () =>
        Effect.gen(function*() {
          const { consumer, deadLetters, sub } = yield* withDeadLetters(40)
          const outcomes = yield* Effect.forEach(deadLetters, (deadLetterId) =>
            Effect.all([
              Effect.exit(Effect.flip(DeadLetters.redrive(deadLetterId, { by: "ann" }))),
              Effect.exit(Effect.flip(DeadLetters.discard(deadLetterId, { by: "ben" })))
            ], { concurrency: "unbounded" }), { concurrency: 4 })
          let redriven = 0
          for (const [redrive, discard] of outcomes) {
            const [lost, ...others] = [redrive, discard].flatMap((exit) => exit._tag === "Success" ? [exit.value] : [])
            assert.deepStrictEqual(others, [])
            assert.strictEqual(lost?._tag, "DeadLetterConflict")
            if (lost?._tag !== "DeadLetterConflict") return
            assert.deepStrictEqual(
              [lost.state, lost.by],
              lost.asked === "redriven" ? ["discarded", "ben"] : ["redriving", "ann"]
            )
            if (lost.asked === "discarded") redriven++
          }
          assert.lengthOf(yield* Audit.list({ consumer, limit: 1000 }), 40)
          if (redriven > 0) assert.lengthOf(yield* receive(sub, redriven), redriven)
        })
    )

    it.effect("do not wait for one another in a circle when their sets overlap in keys", () =>
      Effect.gen(function*() {
        const { consumer, deadLetters, sub } = yield* withDeadLetters(60, (i) => `k${i % 5}`)
        yield* park(deadLetters)
        yield* Effect.all([
          Effect.forEach(
            deadLetters,
            (deadLetterId) => Effect.ignore(DeadLetters.redrive(deadLetterId, { by: "ann" }))
          ),
          Effect.forEach(
            deadLetters.toReversed(),
            (deadLetterId) => Effect.ignore(DeadLetters.discard(deadLetterId, { by: "ben" }))
          ),
          DeadLetters.redriveAll({ consumer }, { by: "cem" })
        ], { concurrency: "unbounded" })
        // The last operator let the key continue, so no key stays held.
        const states = yield* Effect.forEach(deadLetters, (deadLetterId) => DeadLetters.get(deadLetterId))
        const redriven = states.filter(({ state }) => state === "redriving")
        assert.strictEqual(states.filter(({ state }) => state === "open").length, 0)
        const got = yield* receive(sub, redriven.length)
        assert.sameMembers(idsOf(got), redriven.map((deadLetter) => deadLetter.message.id))
      }))

    it.effect("do not see a set grow while dead letters die and die again", () =>
      Effect.gen(function*() {
        const { consumer, deadLetters, store, sub } = yield* withDeadLetters(30)
        const rounds = Effect.gen(function*() {
          // Everything that is redriven dies again at once, and new ones die beside it.
          while (true) {
            const got: Array<Parameters<typeof sub.removeInTransaction>[0][number]> = []
            yield* sub.take({ messages: 10, bytes: 1e6, perKey: 10 }, (deliveries) => got.push(...deliveries))
            if (got.length === 0) continue
            const entries = got.map((delivery) => ({
              delivery,
              reason: "exhausted" as const,
              attempts: [],
              fingerprint: "f",
              parked: false
            }))
            yield* store.transact(
              Effect.andThen(sub.removeInTransaction(got), store.deadLetters.add(consumer, entries))
            )
            yield* sub.acknowledge(got)
            yield* store.outbox.write([yield* message(`late-${Math.random()}`, undefined, consumer)])
          }
        })
        const dying = yield* Effect.forkChild(rounds)
        const progress: Array<number> = []
        const frozen = yield* DeadLetters.freeze({ consumer })
        const done = yield* DeadLetters.redriveAll(frozen, {
          by: "ann",
          rate: 60,
          onProgress: ({ done }) => Effect.sync(() => progress.push(done))
        }).pipe(Effect.timeout("10 seconds"))
        yield* Fiber.interrupt(dying)
        assert.strictEqual(done.done, 30)
        assert.strictEqual(progress.at(-1), 30)
        assert.isAbove(progress.length, 2)
        const audit = yield* Audit.list({ consumer, by: "ann", limit: 1000 })
        assert.deepStrictEqual(audit.map(({ deadLetterId }) => deadLetterId).toSorted(), deadLetters.toSorted())
      }))

    it.effect(
      "keep a key held when its last two parked dead letters are decided at the same moment only until both are",
      () =>
        Effect.gen(function*() {
          for (let round = 0; round < 10; round++) {
            const { deadLetters, sub } = yield* withDeadLetters(2, () => "k")
            yield* park(deadLetters)
            yield* Effect.forEach(deadLetters, (deadLetterId) => DeadLetters.redrive(deadLetterId, { by: "ann" }), {
              concurrency: "unbounded"
            })
            assert.deepStrictEqual(idsOf(yield* receive(sub, 2)), ["0", "1"])
          }
        })
    )

    it.effect(
      "pause and resume in the middle of load, and nothing is lost, repeated or out of order",
      () =>
        Effect.gen(function*() {
          const { count, pipeline, rows } = yield* ledger("paused")
          const options = { lanes: 8, idlePoll: "100 millis" } as const
          yield* Worker.drain(pipeline, options)
          const workers = yield* Effect.forEach([1, 2], () => Effect.forkChild(Worker.run(pipeline, options)))
          const keys = 20
          let rounds = 0
          let enough = false
          const publishing = yield* Effect.forkChild(Effect.whileLoop({
            while: () => !enough,
            body: () =>
              Topic.publishAll(
                Notes,
                Array.from({ length: keys }, (_, k) => ({ id: `k${k}-${rounds}`, key: `k${k}` }))
              ).pipe(Effect.andThen(Effect.sleep("30 millis"))),
            step: () => {
              rounds++
            }
          }))
          yield* eventually(Effect.map(count, (n) => n > 100))
          for (let i = 0; i < 3; i++) {
            yield* Consumers.pause("paused", { by: "ann" })
            // Messages in flight are finished. Then nothing moves, although messages wait.
            let before = -1
            let same = 0
            yield* eventually(Effect.gen(function*() {
              const now = yield* count
              same = now === before ? same + 1 : 0
              before = now
              yield* Effect.sleep("300 millis")
              return same >= 3 && (yield* Consumers.get("paused")).waiting.count > 0
            }))
            assert.strictEqual(yield* count, before)
            yield* Consumers.resume("paused", { by: "ann" })
            yield* eventually(Effect.map(count, (n) => n > before))
          }
          enough = true
          yield* Fiber.join(publishing)
          yield* eventually(Effect.map(count, (n) => n === rounds * keys))
          const seen = Map.groupBy(yield* rows, (row) => row.key)
          for (let k = 0; k < keys; k++) {
            assert.deepStrictEqual(
              seen.get(`k${k}`)?.map(({ id }) => id),
              Array.from({ length: rounds }, (_, i) => `k${k}-${i}`)
            )
          }
          for (const worker of workers) yield* Fiber.interrupt(worker)
        })
    )

    it.effect(
      "pause in an open transaction while messages are dead-lettered; another operator and a removal wait for it",
      () =>
        Effect.gen(function*() {
          const consumer = `c${++consumers}`
          const [store, sql] = [yield* Store.Store, yield* SqlClient.SqlClient]
          yield* register({ consumer, topics: [consumer] })
          const sub = yield* open(`${consumer}-w`, { consumer, topics: [consumer] })
          yield* store.outbox.write([yield* message("a", "k", consumer)])
          const got = yield* receive(sub, 1)
          const [paused, end] = [Latch.makeUnsafe(false), Latch.makeUnsafe(false)]
          const pausing = yield* Effect.forkChild(sql.withTransaction(
            Effect.andThen(Consumers.pause(consumer, { by: "ann" }), Effect.andThen(paused.open, end.await))
          ))
          yield* paused.await
          const entries = got.map((delivery) => ({
            delivery,
            reason: "exhausted" as const,
            attempts: [],
            fingerprint: "f",
            parked: true
          }))
          yield* store.transact(Effect.andThen(sub.removeInTransaction(got), store.deadLetters.add(consumer, entries)))
            .pipe(
              Effect.timeout("5 seconds")
            )
          const waiting = yield* Effect.forEach([
            Effect.flip(Consumers.pause(consumer, { by: "ben" })),
            Effect.flip(Consumers.remove(consumer, { by: "cem" }))
          ], (action) => Effect.forkChild(action))
          yield* eventually(Effect.map(
            sql`select from pg_stat_activity where wait_event_type = 'Lock' and query like ${`%"${schema}"."consumers"%`}`,
            (rows) => rows.length === 2
          ))
          yield* end.open
          yield* Fiber.join(pausing)
          const refused = yield* Effect.forEach(waiting, (fiber) => Fiber.join(fiber))
          assert.deepStrictEqual(refused.map(({ _tag }) => _tag), ["PauseConflict", "ConsumerBusy"])
          if (refused[0]?._tag === "PauseConflict") assert.strictEqual(refused[0].by, "ann")
        })
    )

    it.effect(
      "remove a consumer while others publish: each message is in its queue or waits unrouted",
      () =>
        Effect.gen(function*() {
          const store = yield* Store.Store
          const sql = yield* SqlClient.SqlClient
          const rounds = 5
          for (let round = 0; round < rounds; round++) {
            const consumer = `c${++consumers}`
            yield* register({ consumer, topics: [consumer] })
            const publishing = yield* Effect.forkChild(Effect.forEach(
              Array.from({ length: 40 }, (_, i) => i),
              (i) => Effect.flatMap(message(`${round}-${i}`, undefined, consumer), (one) => store.outbox.write([one])),
              { concurrency: 8, discard: true }
            ))
            yield* Effect.sleep("5 millis")
            yield* Consumers.remove(consumer, { by: "ann", force: { messages: true } })
            yield* Fiber.join(publishing)
            const [entry] = yield* Audit.list({ consumer })
            const removed = Number(entry!.detail.split(" ")[0])
            const [left] = yield* sql<{ messages: number; unrouted: number }>`select
          (select count(*)::int from ${sql(`${schema}.messages`)} where topic = ${consumer}) as messages,
          (select count(*)::int from ${sql(`${schema}.unrouted`)} where topic = ${consumer}) as unrouted`
            assert.strictEqual(left!.messages, 0)
            assert.strictEqual(removed + left!.unrouted, 40)
          }
        })
    )

    it.effect("remove a consumer, while publishers wait, without the millions of ids that it may remember", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const { consumer } = yield* withDeadLetters(2)
        const inbox = sql(`${schema}.inbox`)
        const [queue] = yield* sql<{ readonly id: number }>`select id from ${
          sql(`${schema}.consumers`)
        } where name = ${consumer}`
        const ids = Effect.map(sql`select from ${inbox} where queue_id = ${queue!.id}`, (rows) => rows.length)
        const before = yield* ids
        assert.isAbove(before, 0)
        yield* Consumers.remove(consumer, { by: "ann", force: { workers: true, messages: true } })
        assert.strictEqual(yield* ids, before)
      }))

    it.effect(
      "remove a consumer while a dead letter of it is redriven: no message is left behind",
      () =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          for (let round = 0; round < 5; round++) {
            const { consumer, deadLetters } = yield* withDeadLetters(20)
            const action = { by: "ann", force: { workers: true, messages: true } }
            yield* Effect.all([
              Effect.forEach(deadLetters, (deadLetterId) =>
                Effect.ignore(DeadLetters.redrive(deadLetterId, { by: "ben" })), {
                concurrency: 4
              }),
              Consumers.remove(consumer, action)
            ], { concurrency: "unbounded" })
            const [left] = yield* sql<{ n: number }>`select count(*)::int as n from ${sql(`${schema}.messages`)}
          where topic = ${consumer}`
            assert.strictEqual(left!.n, 0)
          }
        })
    )

    it.effect(
      "remove a consumer whose worker runs: it stops and says why, and its messages in flight are not committed",
      () =>
        Effect.gen(function*() {
          const { count, pipeline } = yield* ledger("removed")
          const begun = Latch.makeUnsafe(false)
          const end = Latch.makeUnsafe(false)
          const slow = pipeline.pipe(
            Pipeline.timeout("1 minute")
          )
          const waiting = Pipeline.from(Notes, { consumer: "removed" }).pipe(
            Pipeline.mapEffect((note) => Effect.as(Effect.andThen(begun.open, end.await), note)),
            Pipeline.commitSql((note, sql) =>
              sql`insert into ${sql(`${schema}.ledger_removed`)} (id, key) values (${note.id}, ${note.key})`
            )
          )
          yield* Worker.drain(slow, { idlePoll: "100 millis" })
          const worker = yield* Effect.forkChild(
            Effect.exit(Worker.run(waiting, { idlePoll: "100 millis", grace: "1 second" }))
          )
          yield* Topic.publish(Notes, { id: "r1", key: "r" })
          yield* begun.await
          assert.strictEqual((yield* Effect.flip(Consumers.remove("removed", { by: "ann" })))._tag, "ConsumerBusy")
          yield* Consumers.remove("removed", { by: "ann", force: { workers: true, messages: true } })
          yield* end.open
          const exit = yield* Effect.timeout(Fiber.join(worker), "15 seconds")
          assert.strictEqual(exit._tag, "Failure")
          if (exit._tag === "Failure") {
            const reason = exit.cause.reasons[0]
            assert.strictEqual(reason?._tag === "Fail" ? reason.error._tag : "", "ConsumerRemoved")
          }
          assert.strictEqual(yield* count, 0)
        })
    )

    it.effect("wake a worker that waits when they resume its consumer", () =>
      Effect.gen(function*() {
        const consumer = `c${++consumers}`
        const store = yield* Store.Store
        yield* register({ consumer, topics: [consumer] })
        const sub = yield* open(`${consumer}-w`, { consumer, topics: [consumer], idlePoll: Duration.seconds(6) })
        yield* Consumers.pause(consumer, { by: "ann" })
        yield* store.outbox.write([yield* message("a", undefined, consumer)])
        const taking = yield* Effect.forkChild(receive(sub, 1))
        yield* Effect.sleep("300 millis")
        yield* Consumers.resume(consumer, { by: "ann" })
        const [time, got] = yield* Effect.timed(Fiber.join(taking))
        assert.isBelow(Duration.toMillis(time), 3_000)
        assert.deepStrictEqual(idsOf(yield* settle(sub, got)), ["a"])
      }))
  }
)
