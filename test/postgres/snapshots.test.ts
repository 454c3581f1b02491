/** Publishing in transactions whose snapshot is older than a change of the subscriptions: no message is lost. */
import { assert, layer } from "@effect/vitest"
import { Cause, Deferred, Effect, Exit, Fiber, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, Errors, Store, Topic } from "millrace"
import { inject } from "vitest"
import * as ConsumersSql from "../../src/postgres/sql/consumers.ts"
import * as DelayedSql from "../../src/postgres/sql/delayed.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { freshSchema, idsOf, open, postgres, receive, register } from "./kit.ts"

const schema = freshSchema()
const names = Result.getOrThrow(Names.make(schema))
let consumers = 0

const Numbers = (topic: string) =>
  Topic.make(topic, { schema: Schema.Struct({ n: Schema.Int }), key: () => "k", id: ({ n }) => `${n}` })

/** Both ways of publishing. */
const ways: Readonly<
  Record<string, (topic: string) => Effect.Effect<void, unknown, SqlClient.SqlClient | Store.Store>>
> = {
  "Topic.publish": (topic: string) => Effect.asVoid(Topic.publish(Numbers(topic), { n: 1 })),
  "the SQL function": (topic: string) =>
    Effect.flatMap(SqlClient.SqlClient, (sql) =>
      Effect.asVoid(sql.unsafe(
        `select "${schema}".publish(topic => $1, key => 'k', payload => '{"n":1}'::jsonb, id => '1')`,
        [topic]
      )))
}

/** A transaction that has its snapshot, then the change on another connection, then what the transaction does. */
const straddling = <E, R, E2, R2>(
  level: string,
  change: Effect.Effect<unknown, E, R>,
  inside: Effect.Effect<void, E2, R2>
) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const [ready, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const transaction = yield* Effect.forkScoped(sql.withTransaction(Effect.gen(function*() {
      yield* sql.unsafe(`set transaction isolation level ${level}`)
      yield* sql`select 1`
      yield* Deferred.succeed(ready, undefined)
      yield* Deferred.await(go)
      yield* inside
    })))
    yield* Deferred.await(ready)
    yield* change
    yield* Deferred.succeed(go, undefined)
    return yield* Effect.exit(Fiber.join(transaction))
  }).pipe(Effect.scoped, Effect.timeout("8 seconds"))

/** Asserts that it failed as one that its caller runs again, and says what to do. */
const refused = (exit: Exit.Exit<void, unknown>) => {
  assert.isTrue(Exit.isFailure(exit))
  if (Exit.isFailure(exit)) {
    const text = Cause.pretty(exit.cause)
    assert.match(text, /snapshot is older than a change of who reads what/)
    const error = Cause.squash(exit.cause)
    const code = error instanceof Errors.StoreFailure ? error.code : codeOf(error)
    assert.strictEqual(code, "40001")
  }
}
const codeOf = (error: unknown) =>
  (error as { readonly reason: { readonly cause: { readonly code: string } } }).reason.cause.code

const rows = (topic: string) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ n: number }>`select ((select count(*) from ${sql(`${schema}.unrouted`)} where topic = ${topic})
        + (select count(*) from ${sql(`${schema}.messages`)} where topic = ${topic}))::int as n`,
      ([row]) => row!.n
    ))

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })(
  "a publish under an old snapshot",
  (it) => {
    for (const [name, publish] of Object.entries(ways)) {
      for (const level of ["repeatable read", "serializable"]) {
        it.effect(`by ${name}, ${level}, is not lost to a consumer that came meanwhile: it is refused, and run again`, () =>
          Effect.gen(function*() {
            const topic = `s${++consumers}`
            const sql = yield* SqlClient.SqlClient
            const mine = { consumer: topic, topics: [topic] }
            refused(yield* straddling(level, register(mine), publish(topic)))
            assert.strictEqual(yield* rows(topic), 0)
            yield* sql.withTransaction(
              Effect.andThen(sql.unsafe(`set transaction isolation level ${level}`), publish(topic))
            )
            const sub = yield* open("w", mine)
            assert.deepStrictEqual(idsOf(yield* receive(sub, 1)), ["1"])
          }))
      }

      it.effect(`by ${name}, is refused when another consumer came, so that it gets what is published after it`, () =>
        Effect.gen(function*() {
          const topic = `s${++consumers}`
          yield* register({ consumer: topic, topics: [topic] })
          const change = register({ consumer: `${topic}-second`, topics: [topic] })
          refused(yield* straddling("repeatable read", change, publish(topic)))
          assert.strictEqual(yield* rows(topic), 0)
        }))

      it.effect(`by ${name}, leaves nothing in the queue of a consumer that was removed meanwhile`, () =>
        Effect.gen(function*() {
          const topic = `s${++consumers}`
          yield* register({ consumer: topic, topics: [topic] })
          refused(yield* straddling("repeatable read", Consumers.remove(topic, { by: "ann" }), publish(topic)))
          assert.strictEqual(yield* rows(topic), 0)
        }))

      it.effect(`by ${name}, goes to a consumer that came meanwhile when it reads what is committed`, () =>
        Effect.gen(function*() {
          const topic = `s${++consumers}`
          const mine = { consumer: topic, topics: [topic] }
          const exit = yield* straddling("read committed", register(mine), publish(topic))
          assert.isTrue(Exit.isSuccess(exit))
          assert.deepStrictEqual(idsOf(yield* receive(yield* open("w", mine), 1)), ["1"])
        }))
    }

    it.effect("of a message that is due later is refused, too", () =>
      Effect.gen(function*() {
        const topic = `s${++consumers}`
        const publish = Effect.asVoid(Topic.publish(Numbers(topic), { n: 1 }, { delay: "1 hour" }))
        refused(yield* straddling("repeatable read", register({ consumer: topic, topics: [topic] }), publish))
      }))

    it.effect("is moved to its consumer when it is due", () =>
      Effect.gen(function*() {
        const topic = `s${++consumers}`
        const sql = yield* SqlClient.SqlClient
        const mine = { consumer: topic, topics: [topic] }
        yield* Topic.publish(Numbers(topic), { n: 1 }, { delay: "1 hour" })
        yield* sql`update ${sql(`${schema}.delayed`)} set due_at = now() where topic = ${topic}`
        const move = Effect.asVoid(sql.unsafe(DelayedSql.make(names).move, [names.channel, 500]))
        // A database whose default is another isolation level.
        refused(yield* straddling("repeatable read", register(mine), move))
        assert.deepStrictEqual(idsOf(yield* receive(yield* open("w", mine), 1)), ["1"])
      }))

    it.effect("may be in a younger transaction, and in one that was younger than a change that was rolled back", () =>
      Effect.gen(function*() {
        const topic = `s${++consumers}`
        const sql = yield* SqlClient.SqlClient
        const mine = { consumer: topic, topics: [topic] }
        yield* register(mine)
        // As a registration that fails behind its lock.
        const failed = sql.withTransaction(
          Effect.andThen(sql.unsafe(ConsumersSql.make(names).recordChange), Effect.fail("rolled back" as const))
        )
        const publish = Topic.publish(Numbers(topic), { n: 1 })
        refused(yield* straddling("repeatable read", Effect.ignore(failed), Effect.asVoid(publish)))
        yield* sql.withTransaction(Effect.andThen(sql`set transaction isolation level repeatable read`, publish))
        assert.deepStrictEqual(idsOf(yield* receive(yield* open("w", mine), 1)), ["1"])
      }))

    it.effect("is a transient failure for the owner of a worker's transaction: the same transaction is run again", () =>
      Effect.gen(function*() {
        const topic = `s${++consumers}`
        const store = yield* Store.Store
        const [ready, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
        const sql = yield* SqlClient.SqlClient
        const body = Effect.gen(function*() {
          yield* sql`set transaction isolation level repeatable read`
          yield* sql`select 1`
          yield* Deferred.succeed(ready, undefined)
          yield* Deferred.await(go)
          yield* Topic.publish(Numbers(topic), { n: 1 })
        })
        const transaction = yield* Effect.forkScoped(store.transact(body))
        yield* Deferred.await(ready)
        yield* register({ consumer: topic, topics: [topic] })
        yield* Deferred.succeed(go, undefined)
        const failure = yield* Effect.flip(Fiber.join(transaction))
        assert.strictEqual(failure._tag, "TransientFailure")
        assert.strictEqual(failure._tag === "TransientFailure" ? failure.kind : "", "conflict")
      }).pipe(Effect.scoped))
  }
)

const restored = freshSchema()
layer(postgres(inject("databaseUrl"), {}, restored), { excludeTestServices: true })("a restored database", (it) => {
  it.effect("does not take a number of the cluster that it comes from for a change that is not seen", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* sql.unsafe(`select setval('"${restored}"."subscriptions_changed"', 9000000000000000)`)
      const publish = Topic.publish(Numbers("restored"), { n: 1 })
      yield* sql.withTransaction(Effect.andThen(sql`set transaction isolation level repeatable read`, publish))
      const mine = { consumer: "restored", topics: ["restored"] }
      yield* register(mine)
      assert.deepStrictEqual(idsOf(yield* receive(yield* open("w", mine), 1)), ["1"])
    }))
})
