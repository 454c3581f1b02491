/** The transport on Postgres, beyond what the conformance suite asks of every transport. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { type Delivery, Hold, Message, Store } from "millrace"
import { inject } from "vitest"
import {
  asleep,
  eventually,
  freshSchema,
  idsOf,
  message,
  open,
  postgres,
  receive,
  register,
  roomy,
  settle
} from "./kit.ts"

const schema = freshSchema()
let consumers = 0

/** A consumer, a topic of its own, and a way to publish to it. */
const consumer = (lanes = 4) =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    const name = `c${++consumers}`
    yield* register({ consumer: name, topics: [name], lanes })
    return {
      name,
      open: (worker: string, change = {}) =>
        open(`${name}-${worker}`, { consumer: name, topics: [name], lanes, ...change }),
      publish: (...ids: ReadonlyArray<readonly [string, string?]>) =>
        Effect.flatMap(Effect.forEach(ids, ([id, key]) => message(id, key, name)), store.outbox.write)
    }
  })

const table = (name: string) => Effect.map(SqlClient.SqlClient, (sql) => sql(`${schema}.${name}`))

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })("the transport", (it) => {
  it.effect("counts what a dead owner may have had in memory, but nothing held, nothing unread and nothing given back", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const c = yield* consumer(1)
      yield* c.publish(["a", "a"], ["b", "b"])
      const scope = yield* Scope.make()
      const dead = yield* Scope.provide(c.open("dead", { lease: Duration.millis(300) }), scope)
      const [, b] = yield* receive(dead, 2)
      yield* dead.whileNotReading(b!, store.transact(dead.hold(b!, [], Hold.delayed(Duration.millis(1)))))
      yield* c.publish(["unread", "u"])
      const successor = yield* c.open("successor")
      const got = yield* receive(successor, 3)
      const received = new Map(got.map((d) => [d.message.id, d.crashCount]))
      assert.deepStrictEqual(Object.fromEntries(received), { a: 1, unread: 0, b: 0 })
      yield* successor.release(successor.held())
      const third = yield* c.open("third")
      assert.deepStrictEqual((yield* receive(third, 3)).map((d) => d.crashCount).toSorted((a, b) => a - b), [0, 0, 1])
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect(
    "counts of a long key what a dead owner may have had in memory, and not its whole backlog",
    () =>
      Effect.gen(function*() {
        const c = yield* consumer(1)
        yield* c.publish(...Array.from({ length: 40 }, (_, i) => [`hot${i}`, "hot"] as const), ["behind", "other"])
        const dead = yield* c.open("dead", { lease: Duration.millis(300) })
        // Of the hot key no more than 8; the other key stands behind all of it.
        assert.lengthOf(yield* receive(dead, 9, { ...roomy, perKey: 8 }), 9)
        const successor = yield* c.open("successor")
        yield* receive(successor, 9, { ...roomy, perKey: 8 })
        const sql = yield* SqlClient.SqlClient
        const rows = yield* sql<{ readonly id: string }>`select m.id from ${yield* table("messages")} m
        join ${yield* table(
          "consumers"
        )} c on c.id = m.queue_id where c.name = ${c.name} and m.crash_count = 1 order by seq`
        assert.deepStrictEqual(rows.map(({ id }) => id), [...Array.from({ length: 8 }, (_, i) => `hot${i}`), "behind"])
      })
  )

  it.effect("keeps reading its lanes when others cannot be claimed", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const [lanes, messages, serverLife] = [
        yield* table("lanes"),
        yield* table("messages"),
        yield* table("server_life")
      ]
      const c = yield* consumer(2)
      yield* c.publish(["a", "a"], ["b", "b"])
      const [b] = yield* sql<{ readonly queue: number; readonly lane: number }>`select queue_id as queue, lane
        from ${messages} where topic = ${c.name} and id = 'b'`
      const dead = (ends: string) =>
        sql`update ${lanes} set owner = 'dead', life = (select id from ${serverLife}), fetched_to = 1000000,
            lease_until = clock_timestamp() + ${ends}::interval
          where queue_id = ${b!.queue} and lane = ${b!.lane}`
      yield* dead("1 hour")
      const living = yield* c.open("living")
      assert.deepStrictEqual(idsOf(yield* receive(living, 1)), ["a"])
      // The dead owner's messages in flight cannot be counted, so its lane cannot be claimed.
      const deny = yield* table("deny")
      const denied = yield* table("denied")
      yield* sql`create sequence ${denied}`
      yield* sql`create function ${deny}() returns trigger language plpgsql
        as ${sql.literal(`'begin perform nextval(''${schema}.denied''); raise exception ''not counted''; end'`)}`
      yield* sql`create trigger deny before update of crash_count on ${messages} execute function ${deny}()`
      const reading = yield* Effect.forkChild(receive(living, 1))
      yield* dead("-1 second")
      yield* eventually(Effect.map(sql`select from ${denied} where is_called`, (rows) => rows.length === 1))
      yield* c.publish(["more", "a"])
      assert.deepStrictEqual(idsOf(yield* Fiber.join(reading)), ["more"])
      yield* sql`drop trigger deny on ${messages}`
      assert.deepStrictEqual(idsOf(yield* receive(living, 1)), ["b"])
    }))

  it.effect("gives a lane back although a renewal of it comes late", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const c = yield* consumer(1)
      yield* c.publish(["a", "k"])
      const owner = yield* c.open("owner")
      yield* receive(owner, 1)
      // The release overtakes the renewal, on another connection.
      yield* sql`update ${yield* table(
        "lanes"
      )} set owner = null, lease_until = '-infinity' where owner = ${`${c.name}-owner`}`
      assert.strictEqual((yield* owner.renew(owner.held())).size, 0)
      const successor = yield* c.open("successor")
      assert.deepStrictEqual(idsOf(yield* receive(successor, 1)), ["a"])
    }))

  it.effect("counts only the message that ran alone when its owner dies", () =>
    Effect.gen(function*() {
      const c = yield* consumer(2)
      yield* c.publish(["a", "a"], ["b", "b"], ["c", "c"], ["d", "d"])
      const scope = yield* Scope.make()
      const dead = yield* Scope.provide(c.open("dead", { lease: Duration.millis(300) }), scope)
      const all = yield* receive(dead, 4)
      yield* Scope.provide(dead.isolate(all.find((d) => d.message.id === "b")), scope)
      const successor = yield* c.open("successor")
      const got = yield* receive(successor, 4)
      assert.deepStrictEqual(
        Object.fromEntries(got.map((d) => [d.message.id, d.crashCount])),
        { a: 0, b: 1, c: 0, d: 0 }
      )
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("counts nothing of a lane either that was being claimed when the isolation began", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const c = yield* consumer(1)
      yield* c.publish(["clear", "a"])
      const scope = yield* Scope.make()
      const dead = yield* Scope.provide(c.open("dead", { lease: Duration.millis(300) }), scope)
      // A claim that stands in its last statement, until we let it go.
      yield* sql`create function ${yield* table("stand")}() returns trigger language plpgsql
        as 'begin perform pg_advisory_xact_lock(4711); return new; end'`
      yield* sql`create trigger stand before update on ${yield* table("lanes")} for each row
        when (new.owner = ${sql.literal(`'${c.name}-dead'`)}) execute function ${yield* table("stand")}()`
      const waits = sql<{ readonly n: number }>`select count(*)::int as n from pg_locks
        where locktype = 'advisory' and objid = 4711 and not granted`
      const fibers = yield* sql.withTransaction(Effect.gen(function*() {
        yield* sql`select pg_advisory_xact_lock(4711)`
        const claiming = yield* Effect.forkChild(receive(dead, 1))
        yield* eventually(Effect.map(waits, ([row]) => row!.n === 1))
        const isolating = yield* Effect.forkChild(Scope.provide(dead.isolate(undefined), scope), {
          startImmediately: true
        })
        return [claiming, isolating] as const
      }))
      yield* Fiber.joinAll(fibers)
      yield* sql`drop trigger stand on ${yield* table("lanes")}`
      const [successors] = yield* receive(yield* c.open("successor"), 1)
      assert.strictEqual(successors!.crashCount, 0)
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("refuses the commit of an owner whose lane was taken over, and tells it", () =>
    Effect.gen(function*() {
      const c = yield* consumer(1)
      yield* c.publish(["a", "k"])
      const staleOwner = yield* c.open("staleOwner", { lease: Duration.millis(200) })
      const [stale] = yield* receive(staleOwner, 1)
      const successor = yield* c.open("successor")
      const [a] = yield* receive(successor, 1)
      assert.deepStrictEqual(yield* settle(staleOwner, [stale!]), [])
      assert.strictEqual((yield* staleOwner.renew(staleOwner.held())).size, 0)
      assert.isTrue(Deferred.isDoneUnsafe(stale!.lease.lost))
      assert.deepStrictEqual(idsOf(yield* settle(successor, [a!])), ["a"])
    }))

  it.effect("holds a key from where its hold is written, also if a late row was found since it was made: it keeps its order", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const c = yield* consumer(1)
      const sub = yield* c.open("w")
      const begun = yield* Deferred.make<void>()
      const go = yield* Deferred.make<void>()
      const late = yield* Effect.forkChild(
        store.transact(
          Effect.andThen(
            c.publish(["late", "k"]),
            Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go))
          )
        )
      )
      yield* Deferred.await(begun)
      yield* c.publish(["first", "k"])
      const [first] = yield* receive(sub, 1)
      // As the worker does: made once, and repeated until it is written. Meanwhile the reader finds what was
      // published late.
      const hold = store.transact(sub.hold(first!, [], Hold.delayed(Duration.millis(50))))
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(late)
      assert.deepStrictEqual(idsOf(yield* receive(sub, 1)), ["late"])
      yield* sub.whileNotReading(first!, hold)
      assert.deepStrictEqual(idsOf(yield* receive(sub, 2)), ["late", "first"])
    }))

  it.effect("makes a claim wait for a commit that has looked at the token", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const c = yield* consumer(1)
      yield* c.publish(["a", "k"])
      const owner = yield* c.open("owner", { lease: Duration.millis(200) })
      const got = yield* receive(owner, 1)
      const successor = yield* c.open("successor")
      const taken: Array<string> = []
      yield* store.transact(Effect.gen(function*() {
        yield* owner.removeInTransaction(got)
        // Past the end of the lease: the lane is free, but for us.
        yield* Effect.sleep(300)
        for (let i = 0; i < 3; i++) yield* successor.take(roomy, (deliveries) => taken.push(...idsOf(deliveries)))
        assert.strictEqual(successor.held().length, 0)
      }))
      yield* eventually(
        Effect.andThen(
          successor.take(roomy, (d) => taken.push(...idsOf(d))),
          Effect.sync(() => successor.held().length === 1)
        )
      )
      assert.deepStrictEqual(taken, [])
    }))

  it.effect("is woken by another process's publish long before it would look by itself", () =>
    Effect.gen(function*() {
      const c = yield* consumer()
      const sub = yield* c.open("sleeper", { idlePoll: Duration.seconds(6) })
      const sql = yield* SqlClient.SqlClient
      const waiting = sql<{ yes: boolean }>`select waiting_until > clock_timestamp() as yes
        from ${yield* table("consumers")} where name = ${c.name}`
      const taking = yield* Effect.forkChild(receive(sub, 1))
      yield* eventually(Effect.map(waiting, (rows) => rows[0]!.yes))
      yield* asleep(schema)
      // As a publisher elsewhere does it: the row, and after its commit the notification.
      yield* sql`insert into ${yield* table("messages")} (queue_id, lane, id, topic, key, keyed, payload)
        select id, 0, 'x', 't', 'x', false, '{}' from ${yield* table("consumers")} where name = ${c.name}`
      yield* sql`select pg_notify(${`millrace_${schema}`}, id::text) from ${yield* table(
        "consumers"
      )} where name = ${c.name}`
      const [time] = yield* Effect.timed(Fiber.join(taking))
      assert.isBelow(Duration.toMillis(time), 2_000)
    }))

  it.effect("notifies only where a worker waits", () =>
    Effect.gen(function*() {
      const c = yield* consumer()
      const sub = yield* c.open("w", { idlePoll: Duration.seconds(5) })
      const sql = yield* SqlClient.SqlClient
      const consumersTable = yield* table("consumers")
      const waiting = Effect.map(
        sql<
          { yes: boolean }
        >`select waiting_until > clock_timestamp() as yes from ${consumersTable} where name = ${c.name}`,
        (rows) => rows[0]!.yes
      )
      const taking = yield* Effect.forkChild(receive(sub, 1))
      yield* eventually(waiting)
      yield* c.publish(["one"])
      yield* Fiber.join(taking)
      // The publisher has cleared the announcement, so a burst after it notifies no worker.
      yield* eventually(Effect.map(waiting, (yes) => !yes))
    }))

  it.effect(
    "hands an oversized row over without its payload, dead-letters it whole, and continues with the queue",
    () =>
      Effect.gen(function*() {
        const store = yield* Store.Store
        const sql = yield* SqlClient.SqlClient
        const c = yield* consumer(1)
        yield* c.publish(["before", "k"])
        yield* sql`insert into ${yield* table("messages")} (queue_id, lane, id, topic, key, keyed, payload)
        select id, 0, 'huge', 't', 'k', true, repeat('x', 17 * 1024 * 1024) from ${yield* table("consumers")}
        where name = ${c.name}`
        yield* c.publish(["after", "k"])
        const sub = yield* c.open("w")
        const got = yield* receive(sub, 3)
        assert.deepStrictEqual(idsOf(got), ["before", "huge", "after"])
        assert.strictEqual(got[1]!.message.payload, "")
        const entry = {
          delivery: got[1]!,
          reason: "undecodable",
          attempts: [],
          fingerprint: "f",
          parked: false
        } as const
        const settled = yield* store.transact(Effect.gen(function*() {
          const ours = yield* sub.removeInTransaction(got)
          yield* store.deadLetters.add(c.name, [entry])
          return idsOf(ours)
        }))
        assert.deepStrictEqual(settled, ["before", "huge", "after"])
        const [left] = yield* sql<{ n: number }>`select count(*)::int as n from ${yield* table(
          "messages"
        )} where id = 'huge'`
        const [kept] = yield* sql<{ n: number }>`select length(payload)::int as n from ${yield* table("dead_letters")}
        where message_id = 'huge'`
        assert.deepStrictEqual([left!.n, kept!.n], [0, 17 * 1024 * 1024])
      })
  )

  it.effect("takes an oversized row back into its own dead letter as often as it is redriven, and continues with the queue", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const sql = yield* SqlClient.SqlClient
      const c = yield* consumer(1)
      yield* sql`insert into ${yield* table("messages")} (queue_id, lane, id, topic, key, keyed, payload)
        select id, 0, 'large', 't', 'k', true, repeat('x', 2 * 1024 * 1024) from ${yield* table("consumers")}
        where name = ${c.name}`
      yield* c.publish(["after", "k"])
      const sub = yield* c.open("w")
      const deadLetter = (delivery: Delivery.Delivery) =>
        sub.whileNotReading(
          delivery,
          store.transact(Effect.gen(function*() {
            yield* sub.removeInTransaction([delivery])
            const entry = { delivery, reason: "undecodable", attempts: [], fingerprint: "f", parked: true } as const
            const [deadLetterId] = yield* store.deadLetters.add(c.name, [entry])
            yield* sub.hold(delivery, [], Hold.parked)
            return deadLetterId!
          }))
        )
      const waiting = sql`select m.id from ${yield* table("messages")} m join ${yield* table("consumers")} c
        on c.id = m.queue_id where c.name = ${c.name}`
      const deadLetterId = yield* deadLetter((yield* receive(sub, 2))[0]!)
      for (let redrives = 1; redrives <= 3; redrives++) {
        yield* store.deadLetters.redrive(deadLetterId, { by: "ann" })
        const got = yield* receive(sub, 2)
        assert.deepStrictEqual(idsOf(got), ["large", "after"])
        assert.deepStrictEqual(got[0]!.redrive, { deadLetterId, count: redrives })
        assert.strictEqual(yield* deadLetter(got[0]!), deadLetterId)
        assert.deepStrictEqual(yield* waiting, [{ id: "after" }])
      }
      yield* store.deadLetters.redrive(deadLetterId, { by: "ann" }, { payload: "{}", version: 1 })
      const got = yield* receive(sub, 2)
      assert.strictEqual(got[0]!.message.payload, "{}")
      assert.deepStrictEqual(idsOf(yield* settle(sub, got)), ["large", "after"])
    }))

  it.effect("reads one hot key in order past its cap, without stopping others", () =>
    Effect.gen(function*() {
      const c = yield* consumer(1)
      yield* c.publish(...Array.from({ length: 200 }, (_, i) => [`h${i}`, "hot"] as const), ["cold", "cold"])
      const sub = yield* c.open("w")
      const first = yield* receive(sub, 11, { ...roomy, perKey: 10 })
      assert.include(idsOf(first), "cold")
      const order = idsOf(first).filter((id) => id !== "cold")
      yield* settle(sub, first)
      while (order.length < 200) {
        const more = yield* receive(sub, 1, { ...roomy, perKey: 10 })
        yield* settle(sub, more)
        order.push(...idsOf(more))
      }
      assert.deepStrictEqual(order, Array.from({ length: 200 }, (_, i) => `h${i}`))
    }))

  it.effect("drops its state when its connection dies, and hands nothing out twice", () =>
    Effect.gen(function*() {
      const c = yield* consumer(2)
      const sql = yield* SqlClient.SqlClient
      yield* c.publish(["a", "a"], ["b", "b"])
      const sub = yield* c.open("w")
      const first = yield* receive(sub, 2)
      yield* sql`select count(*) from (select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'millrace' and pid <> pg_backend_pid() and query like ${`%${schema}%part, lane%`}) t`
      yield* c.publish(["c", "a"], ["d", "b"])
      const then = yield* Effect.retry(receive(sub, 2), { times: 5 })
      assert.sameMembers(idsOf(then), ["c", "d"])
      assert.strictEqual((yield* settle(sub, [...first, ...then])).length, 4)
    }))

  it.effect("loses nothing when consumers register while others publish", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const topic = `race-${schema}`
      const put = (p: number, n: number) =>
        Effect.flatMap(message(`${p}-${n}`, `k${p}`, topic), (m) => store.outbox.write([m]))
      const publishing = Effect.forEach(
        [0, 1, 2, 3],
        (p) => Effect.forEach(Array.from({ length: 60 }, (_, n) => n), (n) => put(p, n), { discard: true }),
        { concurrency: "unbounded", discard: true }
      )
      const name = `late-${schema}`
      yield* Effect.all([
        publishing,
        Effect.andThen(Effect.sleep(30), register({ consumer: name, topics: [topic], lanes: 1 }))
      ], { concurrency: 2 })
      const sub = yield* open("w", { consumer: name, topics: [topic], lanes: 1 })
      const got = yield* receive(sub, 240)
      for (const p of [0, 1, 2, 3]) {
        const ids = idsOf(got).filter((id) => id.startsWith(`${p}-`))
        assert.deepStrictEqual(ids, Array.from({ length: 60 }, (_, n) => `${p}-${n}`))
      }
    }))

  it.effect("refuses NUL and oversized text at publish, and stores nothing", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const good = yield* message("good")
      const bad: ReadonlyArray<Message.Message> = [
        { ...good, id: "a\0" },
        { ...good, key: "k\0" },
        { ...good, payload: "\ud800" },
        { ...good, payload: "x".repeat(Message.limits.payloadBytes + 1) }
      ]
      for (const one of bad) {
        const error = yield* Effect.flip(store.outbox.write([good, one]))
        assert.strictEqual(error.kind, "refused")
      }
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(yield* sql`select from ${yield* table("unrouted")} where id = 'good'`, [])
    }))
})
