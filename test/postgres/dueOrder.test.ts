/**
 * Delayed messages of one key that are due at the same moment come in the order of their publishing. Time passes by
 * SQL.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Fiber, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Store, Topic } from "millrace"
import { inject } from "vitest"
import { freshSchema, idsOf, message, open, postgres, receive, register, roomy } from "./kit.ts"

const schema = freshSchema()
let consumers = 0

/** A consumer of a topic whose messages are published for later, and the passing of that time. */
const consumer = Effect.gen(function*() {
  const store = yield* Store.Store
  const sql = yield* SqlClient.SqlClient
  const name = `d${++consumers}`
  const noon = Date.UTC(2100, 0, 1, 12)
  yield* register({ consumer: name, topics: [name], lanes: 1 })
  return {
    Texts: Topic.make(name, { schema: Schema.String, key: (text) => text, id: (text) => text }),
    open: open(name, { consumer: name, topics: [name], lanes: 1 }),
    /** So many seconds after noon of a day to come. */
    write: (id: string, key: string, seconds: number, label?: string) =>
      Effect.flatMap(
        message(id, key, name),
        (one) => store.outbox.write([one], { at: noon + seconds * 1000, delay: 0, name: label })
      ),
    afterwards: sql`update ${sql(`${schema}.delayed`)} set due_at = due_at - interval '100 years' where topic = ${name}`
  }
})

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })(
  "messages that are due at one moment",
  (it) => {
    it.effect("keeps the order of its publishing among messages that are due before and after it", () =>
      Effect.gen(function*() {
        const c = yield* consumer
        const ids = Array.from({ length: 120 }, (_, i) => `${i % 3}-${String(i).padStart(3, "0")}`)
        for (const id of ids) yield* c.write(id, "k", Number(id[0]))
        yield* c.afterwards
        const got = yield* receive(yield* c.open, ids.length, { ...roomy, perKey: 500 })
        assert.deepStrictEqual(idsOf(got), ids.toSorted())
      }))

    it.effect("stays behind one of its key that an open transaction may cancel", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const c = yield* consumer
        yield* c.write("one", "k", 0, "n")
        yield* c.write("two", "k", 0)
        yield* c.write("other", "l", 0)
        yield* c.afterwards
        const [locked, go] = [yield* Deferred.make<boolean>(), yield* Deferred.make<void>()]
        const cancelling = yield* Effect.forkChild(Effect.exit(sql.withTransaction(Effect.gen(function*() {
          yield* Deferred.succeed(locked, yield* Topic.cancel(c.Texts, { key: "k", name: "n" }))
          yield* Deferred.await(go)
          return yield* Effect.fail("rolled back")
        }))))
        assert.isTrue(yield* Deferred.await(locked))
        const sub = yield* c.open
        assert.deepStrictEqual(idsOf(yield* receive(sub, 1)), ["other"])
        yield* Deferred.succeed(go, undefined)
        yield* Fiber.join(cancelling)
        assert.deepStrictEqual(idsOf(yield* receive(sub, 2)), ["one", "two"])
      }))
  }
)
