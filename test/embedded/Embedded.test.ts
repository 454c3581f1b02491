/** PGlite in this process, through the same driver and statements. */
import { assert, it, layer } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { SqlClient } from "effect/sql"
import { Hold, Store, type Transport } from "millrace"
import { Embedded } from "millrace/embedded"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { limit } from "../harness/patience.ts"
import { idsOf, message, open, publish, receive, register, settle } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

let consumers = 0

const consumer = Effect.gen(function*() {
  const store = yield* Store.Store
  const name = `c${++consumers}`
  yield* register({ consumer: name, topics: [name] })
  return {
    name,
    open: (worker: string, change: Partial<Transport.SubscriptionSpec> = {}) =>
      open(worker, { consumer: name, topics: [name], ...change }),
    publish: (...ids: ReadonlyArray<readonly [string, string]>) =>
      Effect.flatMap(Effect.forEach(ids, ([id, key]) => message(id, key, name)), store.outbox.write)
  }
})

layer(pglite(), { excludeTestServices: true })("PGlite", (it) => {
  it.effect("hands out in order, commits effects with the settlement, and rolls both back", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store.Store
      const c = yield* consumer
      yield* c.publish(["a", "k"], ["b", "k"], ["c", "l"])
      const sub = yield* c.open("w")
      const got = yield* receive(sub, 3)
      yield* sql`create table effects (id text)`
      const group = (end: Effect.Effect<void, "no">) =>
        store.transact(Effect.gen(function*() {
          const ours = yield* sub.removeInTransaction(got)
          const claims = ours.map((d) => ({ id: d.message.id, fingerprint: "f" }))
          const answers = yield* store.inbox.claim(c.name, claims)
          for (const d of ours) yield* sql`insert into effects values (${d.message.id})`
          yield* end
          return answers
        }))
      assert.strictEqual(yield* Effect.flip(group(Effect.fail("no"))), "no")
      assert.deepStrictEqual(yield* sql`select * from effects`, [])
      assert.deepStrictEqual(yield* group(Effect.void), ["fresh", "fresh", "fresh"])
      assert.strictEqual((yield* sql`select * from effects`).length, 3)
      assert.deepStrictEqual(idsOf(got).filter((id) => id !== "c"), ["a", "b"])
    }))

  it.effect("wakes a waiting worker at once, in the process", () =>
    Effect.gen(function*() {
      const c = yield* consumer
      const sub = yield* c.open("w", { idlePoll: Duration.seconds(5) })
      const taking = yield* Effect.forkChild(receive(sub, 1))
      yield* Effect.sleep(200)
      yield* c.publish(["a", "k"])
      const [time] = yield* Effect.timed(Fiber.join(taking))
      assert.isBelow(Duration.toMillis(time), 2_000)
    }))

  it.effect("holds a key while others go on, and reads it again in order", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const c = yield* consumer
      yield* c.publish(["a", "k"], ["b", "k"], ["x", "other"])
      const sub = yield* c.open("w")
      const got = yield* receive(sub, 3)
      const a = got.find((d) => d.message.id === "a")!
      yield* sub.whileNotReading(a, store.transact(sub.hold(a, [], Hold.delayed(Duration.millis(100)))))
      assert.deepStrictEqual(idsOf(yield* settle(sub, got.filter((d) => d.message.id === "x"))), ["x"])
      assert.deepStrictEqual(idsOf(yield* receive(sub, 2)), ["a", "b"])
    }))

  it.effect("is usable after an interrupted statement, an SQL error and a failed transaction", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const store = yield* Store.Store
      yield* Effect.ignore(Effect.timeout(sql`select pg_sleep(0.3)`, "20 millis"))
      const inside = store.transact(Effect.andThen(sql`create temp table gone (a int)`, Effect.never))
      yield* Effect.ignore(Effect.timeout(inside, "100 millis"))
      assert.strictEqual((yield* Effect.flip(sql`select 1 / 0`))._tag, "SqlError")
      assert.strictEqual(
        (yield* Effect.flip(store.transact(Effect.ignore(sql`select 1 / 0`))))._tag,
        "TransactionAborted"
      )
      assert.deepStrictEqual(yield* store.transact(sql`select 1 as one`), [{ one: 1 }])
      assert.deepStrictEqual(yield* sql`select to_regclass('pg_temp.gone') as gone`, [{ gone: null }])
    }))

  it.effect("shares its one session among committers, publishers and several workers", () =>
    Effect.gen(function*() {
      const c = yield* consumer
      const subs = [yield* c.open("w1"), yield* c.open("w2")]
      const publishing = Effect.forEach(
        Array.from({ length: 100 }, (_, i) => i),
        (i) => c.publish([`m${i}`, `k${i % 10}`]),
        { concurrency: 4, discard: true }
      )
      const seen = new Set<string>()
      const working = Effect.forEach(subs, (sub) =>
        Effect.whileLoop({
          while: () => seen.size < 100,
          body: () =>
            Effect.flatMap(
              Effect.orElseSucceed(Effect.timeout(receive(sub, 1), "300 millis"), () => []),
              (got) => Effect.map(settle(sub, got), (ours) => ours.forEach((d) => seen.add(d.message.id)))
            ),
          step: () => {}
        }), { concurrency: "unbounded", discard: true })
      yield* Effect.timeout(Effect.all([publishing, working], { concurrency: 2 }), "15 seconds")
      assert.strictEqual(seen.size, 100)
    }))
})

it.live("keeps a directory's messages for the next process", () =>
  Effect.gen(function*() {
    const dataDir = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-pglite-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    yield* Effect.provide(Effect.andThen(register(), publish(["a", "k"], ["b", "k"])), pglite({ dataDir }))
    const again = Effect.gen(function*() {
      yield* register()
      return idsOf(yield* receive(yield* open("w"), 2))
    })
    assert.deepStrictEqual(yield* Effect.provide(Effect.scoped(again), Embedded.layer({ dataDir })), ["a", "b"])
  }), limit(30_000))
