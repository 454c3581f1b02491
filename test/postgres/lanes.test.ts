/**
 * The record of an owner in the rows of its lanes, and what the next owner makes of it. Time passes by SQL: no test
 * here waits for a lease.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Hold, Store } from "millrace"
import { inject } from "vitest"
import { eventually, freshSchema, idsOf, message, open, postgres, receive, register, roomy } from "./kit.ts"

const schema = freshSchema()
let consumers = 0

/** A consumer with workers, and hands on the rows of its lanes. */
const consumer = (lanes: number) =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    const sql = yield* SqlClient.SqlClient
    const name = `c${++consumers}`
    const table = sql(`${schema}.lanes`)
    yield* register({ consumer: name, topics: [name], lanes })
    const queue = sql`(select id from ${sql(`${schema}.consumers`)} where name = ${name})`
    return {
      open: (worker: string) => open(`${name}-${worker}`, { consumer: name, topics: [name], lanes }),
      publish: (...ids: ReadonlyArray<readonly [id: string, key: string]>) =>
        Effect.flatMap(Effect.forEach(ids, ([id, key]) => message(id, key, name)), store.outbox.write),
      /** The time of all leases of this worker is over. */
      expire: (worker: string) =>
        sql`update ${table} set lease_until = '-infinity' where owner = ${`${name}-${worker}`}`,
      /** Another worker holds all lanes but the one that the message stands in. */
      occupyOthers: (id: string) =>
        sql`update ${table} set owner = 'other', lease_until = 'infinity' where queue_id = ${queue}
          and lane <> (select lane from ${sql(`${schema}.messages`)} where topic = ${name} and id = ${id})`,
      freeOthers:
        sql`update ${table} set owner = null, lease_until = '-infinity' where queue_id = ${queue} and owner = 'other'`,
      /** Another worker lives, and owns nothing yet. */
      another: sql`insert into ${
        sql(`${schema}.workers`)
      } (queue_id, worker, alive_until) values (${queue}, 'other', 'infinity')`,
      rows: sql`select owner, alone from ${table} where queue_id = ${queue}`
    }
  })

const receivedOf = (deliveries: Parameters<typeof idsOf>[0]) =>
  Object.fromEntries(deliveries.map(({ message, crashCount: received }) => [message.id, received]))

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })("a lane", (it) => {
  it.effect("of an owner that died before it had read anything counts no message once more", () =>
    Effect.gen(function*() {
      const c = yield* consumer(1)
      yield* c.publish(["a", "a"])
      yield* receive(yield* c.open("first"), 1)
      yield* c.expire("first")
      const second = yield* c.open("second")
      yield* second.take({ ...roomy, messages: 0 }, () => {})
      assert.lengthOf(second.held(), 1)
      yield* c.expire("second")
      assert.deepStrictEqual(receivedOf(yield* receive(yield* c.open("third"), 1)), { a: 1 })
    }))

  it.effect("remembers the last message that its owner has read, also when an earlier one was found late", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const c = yield* consumer(1)
      const [begun, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const publishing = yield* Effect.forkChild(store.transact(
        Effect.andThen(c.publish(["late", "a"]), Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go)))
      ))
      yield* Deferred.await(begun)
      yield* c.publish(["first", "b"])
      const dead = yield* c.open("dead")
      assert.deepStrictEqual(idsOf(yield* receive(dead, 1)), ["first"])
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(publishing)
      assert.deepStrictEqual(idsOf(yield* receive(dead, 1)), ["late"])
      yield* c.expire("dead")
      assert.deepStrictEqual(receivedOf(yield* receive(yield* c.open("successor"), 2)), { late: 1, first: 1 })
    }))

  it.effect("that is given back says of no message that it runs alone", () =>
    Effect.gen(function*() {
      const c = yield* consumer(1)
      yield* c.publish(["a", "a"])
      const given = { owner: null, alone: null }
      const sub = yield* c.open("one")
      yield* sub.isolate((yield* receive(sub, 1))[0])
      yield* sub.release(sub.held())
      assert.deepStrictEqual(yield* c.rows, [given])
      // The same for a worker that goes.
      const scope = yield* Scope.make()
      const leaving = yield* Scope.provide(c.open("two"), scope)
      yield* leaving.isolate((yield* receive(leaving, 1))[0])
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* c.rows, [given])
    }))

  it.effect("with an expired lease, claimed again by the same worker, interrupts its deliveries before it hands them out again", () =>
    Effect.gen(function*() {
      const c = yield* consumer(2)
      yield* c.publish(["a", "a"])
      yield* c.occupyOthers("a")
      const sub = yield* c.open("w")
      const [stale] = yield* receive(sub, 1)
      yield* c.expire("w")
      yield* c.freeOthers
      const lost: Array<boolean> = []
      while (lost.length === 0) {
        yield* sub.take(roomy, (again) => {
          for (const { message } of again) if (message.id === "a") lost.push(Deferred.isDoneUnsafe(stale!.lease.lost))
        })
      }
      assert.deepStrictEqual(lost, [true])
      assert.strictEqual((yield* sub.renew([stale!.lease])).size, 0)
    }))

  it.effect("with messages is claimed before those without, as each worker takes no more than its share", () =>
    Effect.gen(function*() {
      const c = yield* consumer(8)
      yield* c.publish(["a", "a"], ["b", "b"])
      yield* c.another
      const sub = yield* c.open("w")
      assert.sameMembers(idsOf(yield* receive(sub, 2)), ["a", "b"])
      assert.lengthOf(sub.held(), 4)
    }))

  it.effect(
    "is claimed by no other worker while its owner ends a hold in it: the key would be read by neither",
    () =>
      Effect.gen(function*() {
        const store = yield* Store.Store
        const sql = yield* SqlClient.SqlClient
        const c = yield* consumer(1)
        yield* c.publish(["a", "guarded"])
        const owner = yield* c.open("owner")
        const [a] = yield* receive(owner, 1)
        // The end of the hold stands in its statement, until we let it go.
        const stand = sql(`${schema}.stand`)
        yield* sql`create function ${stand}() returns trigger language plpgsql
        as 'begin perform pg_advisory_xact_lock(4713); return old; end'`
        yield* sql`create trigger stand before delete on ${sql(`${schema}.holds`)} for each row
        when (old.key = 'guarded') execute function ${stand}()`
        yield* owner.whileNotReading(a!, store.transact(owner.hold(a!, [], Hold.delayed(Duration.millis(1)))))
        const successor = yield* c.open("successor")
        const stands = sql`select from pg_locks where locktype = 'advisory' and objid = 4713 and not granted`
        const [locked, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const locking = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
          yield* sql`select pg_advisory_xact_lock(4713)`
          yield* Deferred.succeed(locked, undefined)
          yield* Deferred.await(go)
        })))
        yield* Deferred.await(locked)
        const reading = yield* Effect.forkChild(receive(owner, 1))
        yield* eventually(Effect.map(stands, (rows) => rows.length === 1))
        yield* c.expire("owner")
        yield* successor.take(roomy, () => {})
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(locking)
        yield* Fiber.await(reading)
        yield* c.expire("owner")
        assert.deepStrictEqual(idsOf(yield* receive(successor, 1)), ["a"])
      })
  )
})
