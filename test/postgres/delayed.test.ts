/** Messages that are published later, on Postgres: several processes, open transactions, and deaths in the middle. */
import { assert, it, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Layer, Redacted, Result, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Store, Topic, type Transport } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import * as DelayedSql from "../../src/postgres/sql/delayed.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { eventually, freshSchema, idsOf, message, open, postgres, receive, register, roomy, settle } from "./kit.ts"

const url = inject("databaseUrl")
const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))

/** Another process: pools, store and transport of its own on the same schema. */
const process = Layer.build(Postgres.layer({ url: Redacted.make(url), schema }))

let consumers = 0
const reader = Effect.gen(function*() {
  const name = `d${++consumers}`
  yield* register({ consumer: name, topics: [name], lanes: 4 })
  const Texts = Topic.make(name, { schema: Schema.String, key: (text) => text.split(" ")[0]!, id: (text) => text })
  return {
    name,
    Texts,
    open: (worker: string, change: Partial<Transport.SubscriptionSpec> = {}) =>
      open(`${name}-${worker}`, { consumer: name, topics: [name], ...change }),
    write: (id: string, key: string, delay: number, label?: string) =>
      Effect.flatMap(
        Effect.all([Store.Store, message(id, key, name)]),
        ([store, one]) => store.outbox.write([one], { at: undefined, delay, name: label })
      )
  }
})

const rowsOf = (table: string, topic: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<{ id: string }>`select id from ${sql(`${schema}.${table}`)} where topic = ${topic} order by seq`
  )

/** The move of due messages, in a transaction that stays open until it is released. */
const heldMove = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const [moved, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
  const fiber = yield* Effect.forkChild(Effect.exit(sql.withTransaction(Effect.gen(function*() {
    yield* sql.unsafe(DelayedSql.make(names).move, [names.channel, 500])
    yield* Deferred.succeed(moved, undefined)
    yield* Deferred.await(go)
  }))))
  yield* Deferred.await(moved)
  return {
    commit: Effect.andThen(Deferred.succeed(go, undefined), Fiber.join(fiber)),
    rollback: Fiber.interrupt(fiber)
  }
})

/** Whether a transaction waits for a row that another one has locked. */
const blocked = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    Effect.map(
      sql<{ pid: number }>`select pid from pg_stat_activity
        where wait_event_type = 'Lock' and query like ${`%${schema}"."delayed%`} and pid <> pg_backend_pid()`,
      (rows) => rows.map((row) => row.pid)
    )
)

layer(postgres(url, {}, schema), { excludeTestServices: true })("a message that is published later", (it) => {
  it.effect("keeps its order when many processes find it due at the same moment", () =>
    Effect.gen(function*() {
      const { Texts, name, open } = yield* reader
      const texts = Array.from({ length: 4_000 }, (_, i) => `k ${i}`)
      const sql = yield* SqlClient.SqlClient
      const [clock] = yield* sql<{ ms: number }>`select (extract(epoch from clock_timestamp()) * 1000)::float8 as ms`
      yield* Topic.publishAll(Texts, texts, { at: clock!.ms + 2_500 })
      const takers = yield* Effect.forEach(Array.from({ length: 5 }, (_, i) => i), (i) =>
        Effect.gen(function*() {
          const context = yield* process
          const subscription = yield* Effect.provide(open(`many-${i}`), context)
          // No room for anything of it: they only look.
          return yield* Effect.forkChild(
            Effect.forever(subscription.take({ messages: 1, bytes: 1, perKey: 1 }, () => {}))
          )
        }))
      yield* eventually(Effect.map(rowsOf("messages", name), (rows) => rows.length === texts.length))
      yield* Fiber.interruptAll(takers)
      assert.deepStrictEqual((yield* rowsOf("messages", name)).map((row) => row.id), texts)
      assert.lengthOf(yield* rowsOf("delayed", name), 0)
    }).pipe(Effect.scoped))

  it.effect("is not moved behind the one that replaces it at once", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { name, open, write } = yield* reader
      const [messages, stand] = [sql(`${schema}.messages`), sql(`${schema}.stand`)]
      yield* write("old", "k", 20, "n")
      const due = sql`select from ${sql(`${schema}.delayed`)} where topic = ${name} and due_at <= clock_timestamp()`
      yield* eventually(Effect.map(due, (rows) => rows.length === 1))
      // The new one's number is drawn, and it stands there until we let it go.
      yield* sql`create function ${stand}() returns trigger language plpgsql
        as 'begin perform pg_advisory_xact_lock(4712); return new; end'`
      yield* sql`create trigger stand before insert on ${messages} for each row
        when (new.id = 'new' and new.topic = ${sql.literal(`'${name}'`)}) execute function ${stand}()`
      const waits = sql`select from pg_locks where locktype = 'advisory' and objid = 4712 and not granted`
      const subscription = yield* open("worker")
      const publishing = yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`select pg_advisory_xact_lock(4712)`
        const publishing = yield* Effect.forkChild(Effect.provide(write("new", "k", 0, "n"), yield* process))
        yield* eventually(Effect.map(waits, (rows) => rows.length === 1))
        // The old one is due, and moved if nothing keeps it.
        yield* sql.unsafe(DelayedSql.make(names).move, [names.channel, 500])
        return publishing
      }))
      yield* Fiber.join(publishing)
      yield* sql`drop trigger stand on ${messages}`
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["new"])
      assert.lengthOf(yield* rowsOf("messages", name), 1)
    }).pipe(Effect.scoped))

  it.effect("is either cancelled or delivered, and never twice, in either order", () =>
    Effect.gen(function*() {
      const { Texts, open } = yield* reader
      const got: Array<Delivery.Delivery> = []
      const workers = yield* Effect.forEach(["a", "b", "c"], (worker) =>
        Effect.gen(function*() {
          const context = yield* process
          return yield* Effect.forkChild(Effect.provide(
            Effect.gen(function*() {
              const subscription = yield* open(worker, { idlePoll: Duration.millis(20) })
              return yield* Effect.forever(Effect.gen(function*() {
                const taken: Array<Delivery.Delivery> = []
                yield* subscription.take(roomy, (more) => taken.push(...more))
                if (taken.length > 0) got.push(...yield* settle(subscription, taken))
              }))
            }),
            context
          ))
        }))
      const expected = new Map<
        string,
        { readonly surely: Set<string>; readonly never: Set<string>; readonly all: Array<string> }
      >()
      yield* Effect.forEach(
        Array.from({ length: 12 }, (_, i) => `k${i}`),
        (key) =>
          Effect.gen(function*() {
            const story = { surely: new Set<string>(), never: new Set<string>(), all: [] as Array<string> }
            expected.set(key, story)
            let last: string | undefined
            for (let n = 0; n < 40; n++) {
              const text = `${key} ${String(n).padStart(3, "0")}`
              // Around the time that a move takes, so that each of them is first now and then.
              yield* Topic.publish(Texts, text, { delay: (n * 7) % 23, name: "n" })
              story.all.push(text)
              last = text
              if (n % 3 === 0) yield* Effect.sleep((n * 5) % 31)
              if (n % 2 === 0) continue
              const cancelled = yield* Topic.cancel(Texts, { key, name: "n" })
              ;(cancelled ? story.never : story.surely).add(last)
              last = undefined
            }
            if (last !== undefined) story.surely.add(last)
          }),
        { concurrency: "unbounded" }
      )
      yield* eventually(Effect.sync(() => {
        const ids = new Set(idsOf(got))
        return [...expected.values()].every(({ surely }) => [...surely].every((id) => ids.has(id)))
      }))
      yield* Effect.sleep(200)
      yield* Fiber.interruptAll(workers)
      let cancelled = 0
      for (const [key, { all, never, surely }] of expected) {
        const ids = idsOf(got.filter((delivery) => delivery.message.key === key))
        assert.deepStrictEqual(ids, [...new Set(ids)].toSorted(), "once, in the order of publishing")
        assert.deepStrictEqual(ids.filter((id) => never.has(id) || !all.includes(id)), [])
        cancelled += never.size
        assert.isAbove(surely.size + never.size, 0)
      }
      // Both ends of the race were seen.
      assert.isAbove(cancelled, 10)
      assert.isAbove(got.length, 10)
    }).pipe(Effect.scoped))

  it.effect("returns from a cancellation in the middle of a move when that has ended: false if it committed, true if not", () =>
    Effect.gen(function*() {
      const { Texts, open, write } = yield* reader
      const cancel = Topic.cancel(Texts, { key: "k", name: "n" })
      yield* write("a", "k", 50, "n")
      yield* Effect.sleep(100)
      const first = yield* heldMove
      const one = yield* Effect.forkChild(cancel)
      yield* eventually(Effect.map(blocked, (pids) => pids.length > 0))
      yield* first.rollback
      assert.isTrue(yield* Fiber.join(one))
      yield* write("b", "k", 50, "n")
      yield* Effect.sleep(100)
      const second = yield* heldMove
      const two = yield* Effect.forkChild(cancel)
      yield* eventually(Effect.map(blocked, (pids) => pids.length > 0))
      yield* second.commit
      assert.isFalse(yield* Fiber.join(two))
      assert.deepStrictEqual(idsOf(yield* receive(yield* open("w"), 1)), ["b"])
    }))

  it.effect("is published beside its replacement when that comes in the middle of its move", () =>
    Effect.gen(function*() {
      const { name, open, write } = yield* reader
      yield* write("a", "k", 50, "n")
      yield* Effect.sleep(100)
      const move = yield* heldMove
      const replacing = yield* Effect.forkChild(write("b", "k", 400, "n"))
      yield* eventually(Effect.map(blocked, (pids) => pids.length > 0))
      yield* move.commit
      yield* Fiber.join(replacing)
      assert.deepStrictEqual((yield* rowsOf("delayed", name)).map((row) => row.id), ["b"])
      assert.deepStrictEqual(idsOf(yield* receive(yield* open("w"), 2)), ["a", "b"])
    }))

  it.effect("is lost by no session that dies in the middle of a move", () =>
    Effect.gen(function*() {
      const { name, open, write } = yield* reader
      const sql = yield* SqlClient.SqlClient
      yield* write("a", "k", 50, "n")
      yield* Effect.sleep(100)
      const subscription = yield* open("w")
      const scope = yield* Scope.make()
      const locked = yield* Deferred.make<void>()
      const locking = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* sql`lock table ${sql(`${schema}.subscriptions`)} in access exclusive mode`
        yield* Deferred.succeed(locked, undefined)
        return yield* Effect.never
      })))
      yield* Deferred.await(locked)
      const got: Array<Delivery.Delivery> = []
      const taking = yield* Effect.forkIn(
        Effect.exit(subscription.take(roomy, (more) => got.push(...more))),
        scope
      )
      yield* eventually(Effect.map(blocked, (pids) => pids.length > 0))
      for (const pid of yield* blocked) yield* sql`select pg_terminate_backend(${pid})`
      assert.isTrue(Exit.isFailure(yield* Fiber.join(taking)))
      yield* Fiber.interrupt(locking)
      assert.lengthOf(yield* rowsOf("messages", name), 0)
      got.push(...yield* receive(subscription, 1))
      assert.deepStrictEqual(idsOf(got), ["a"])
      assert.lengthOf(yield* rowsOf("delayed", name), 0)
      assert.deepStrictEqual(idsOf(yield* settle(subscription, got)), ["a"])
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("does not wait for a key with very many messages behind a locked row", () =>
    Effect.gen(function*() {
      const { Texts, name, open, write } = yield* reader
      const sql = yield* SqlClient.SqlClient
      yield* write("first", "k", 300, "n")
      yield* Topic.publishAll(Texts, Array.from({ length: 1_200 }, (_, i) => `k ${i}`), { delay: 310 })
      yield* write("other", "l", 320)
      const [locked, go] = [yield* Deferred.make<boolean>(), yield* Deferred.make<void>()]
      const cancelling = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* Deferred.succeed(locked, yield* Topic.cancel(Texts, { key: "k", name: "n" }))
        yield* Deferred.await(go)
      })))
      assert.isTrue(yield* Deferred.await(locked))
      yield* Effect.sleep(400)
      const subscription = yield* open("w")
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["other"])
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(cancelling)
      assert.lengthOf(yield* receive(subscription, 1_200, { messages: 2_000, bytes: 16_000_000, perKey: 2_000 }), 1_200)
      assert.lengthOf(yield* rowsOf("delayed", name), 0)
    }))

  it.effect("outlives the process that published it, and the one that moved it", () =>
    Effect.gen(function*() {
      const { name, open, write } = yield* reader
      yield* Effect.scoped(Effect.flatMap(process, (context) => Effect.provide(write("a", "k", 300), context)))
      yield* Effect.scoped(Effect.gen(function*() {
        const context = yield* process
        yield* Effect.sleep(400)
        // It has moved and read the message, and goes without settling it.
        assert.deepStrictEqual(
          idsOf(yield* Effect.provide(Effect.flatMap(open("x"), (sub) => receive(sub, 1)), context)),
          ["a"]
        )
      }))
      assert.lengthOf(yield* rowsOf("delayed", name), 0)
      assert.deepStrictEqual(idsOf(yield* receive(yield* open("y"), 1)), ["a"])
    }))

  it.effect("comes about on time to a worker that is never idle", () =>
    Effect.gen(function*() {
      const { name, open, write } = yield* reader
      const store = yield* Store.Store
      const subscription = yield* open("w")
      // Published by another process, which does not notify this one.
      yield* Effect.scoped(Effect.flatMap(process, (context) => Effect.provide(write("due", "k", 500), context)))
      const seen: Array<string> = []
      const busy = Effect.gen(function*() {
        for (let n = 0; !seen.includes("due"); n++) {
          yield* store.outbox.write([yield* message(`plain-${n}`, `k${n}`, name)])
          const got = yield* receive(subscription, 1)
          seen.push(...idsOf(got))
          yield* settle(subscription, got)
        }
      })
      const [time] = yield* Effect.timed(busy)
      assert.isBelow(Duration.toMillis(time), 2_500)
      assert.isAbove(seen.length, 5)
    }))

  it.effect("wakes a worker of another process that sleeps longer", () =>
    Effect.gen(function*() {
      const { name, open, write } = yield* reader
      const subscription = yield* open("w", { idlePoll: Duration.seconds(20) })
      const taking = yield* Effect.forkChild(receive(subscription, 1))
      const sql = yield* SqlClient.SqlClient
      yield* eventually(Effect.map(
        sql`select from ${sql(`${schema}.consumers`)} where name = ${name} and waiting_until > clock_timestamp()`,
        (rows) => rows.length > 0
      ))
      yield* Effect.scoped(Effect.flatMap(process, (context) =>
        Effect.gen(function*() {
          yield* Effect.provide(write("a", "k", 500), context)
          const [time] = yield* Effect.timed(Fiber.join(taking))
          assert.isBelow(Duration.toMillis(time), 4_000)
        })))
    }))
})

it.live("takes every time that has passed for now, and refuses what is none with an error of the caller's own", () =>
  Effect.gen(function*() {
    const Texts = Topic.make("t", { schema: Schema.String, key: () => "k", id: String })
    yield* register()
    yield* Topic.publish(Texts, "1", { delay: Duration.negativeInfinity })
    yield* Topic.publish(Texts, "2", { at: Number.NEGATIVE_INFINITY })
    yield* Topic.publish(Texts, "3", { at: -1e300 })
    const error = yield* Effect.flip(Topic.publish(Texts, "x", { delay: Duration.infinity }))
    assert.strictEqual(error._tag, "InvalidMessage")
    assert.include(error.message, "its delay is longer than 100 years")
    yield* Topic.publish(Texts, "far", { delay: "36525 days" })
    yield* Topic.publish(Texts, "farther", { at: new Date("9999-12-30") })
    const subscription = yield* open("w")
    assert.deepStrictEqual(idsOf(yield* receive(subscription, 3)), ["1", "2", "3"])
  }).pipe(Effect.scoped, Effect.provide(postgres(url))))
