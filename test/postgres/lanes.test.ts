/** What the rows of lanes remember of an owner, and what the next owner makes of it. Time passes by SQL: no test here waits for a lease. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Store } from "millrace"
import { inject } from "vitest"
import { freshSchema, idsOf, message, open, postgres, receive, register, roomy } from "./kit.ts"

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
      rows: sql`select owner, alone from ${table} where queue_id = ${queue}`
    }
  })

const receivedOf = (deliveries: Parameters<typeof idsOf>[0]) =>
  Object.fromEntries(deliveries.map(({ message, received }) => [message.id, received]))

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
      assert.deepStrictEqual(receivedOf(yield* receive(yield* c.open("heir"), 2)), { late: 1, first: 1 })
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

  it.effect("whose time was over, claimed again by the same worker, ends what still runs of it before it hands it out again", () =>
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
})
