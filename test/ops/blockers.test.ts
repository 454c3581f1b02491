/** The session that blocks a commit, and the owner of the oldest snapshot, on a server with several sessions. */
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Context, Deferred, Effect, Fiber, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "../postgres/kit.ts"
import { freshDatabase } from "../setup/database.ts"
import { order, Orders } from "../worker/support.ts"

class Address extends Context.Service<Address, string>()("test/ops/Address") {}

const schema = freshSchema()
// A database of its own: the sessions of other tests have snapshots, too.
const engine = Layer.unwrap(Effect.map(freshDatabase(inject("databaseUrl")), (url) =>
  Operations.layer({ schema }).pipe(
    Layer.provideMerge(postgres(url, {}, schema)),
    Layer.merge(Layer.succeed(Address, url))
  )))

const books = Pipeline.from(Orders, { consumer: "books" }).pipe(
  Pipeline.commit(() =>
    Effect.flatMap(SqlClient.SqlClient, (sql) => sql`update accounts set orders = orders + 1 where id = 1`)
  )
)

layer(engine, { excludeTestServices: true, timeout: 60_000 })("blockers", (it) => {
  it.effect("are named with process, statement and time, and explain the lag of the queue", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const operations = yield* Operations.Operations
      const theirs = PgClient.layer({ url: Redacted.make(yield* Address), maxConnections: 1, applicationName: "psql" })
      yield* sql`create table accounts (id int primary key, orders int not null)`
      yield* sql`insert into accounts values (1, 0)`
      yield* Worker.drain(books)
      yield* Topic.publish(Orders, order("a", 1))
      const locked = yield* Deferred.make<void>()
      const free = yield* Deferred.make<void>()
      const other = yield* Effect.forkChild(
        Effect.provide(
          Effect.flatMap(SqlClient.SqlClient, (their) =>
            their.withTransaction(
              their`select pg_backend_pid() as pid, id from accounts for update`.pipe(
                Effect.andThen(Deferred.succeed(locked, undefined)),
                Effect.andThen(Deferred.await(free))
              )
            )),
          theirs
        )
      )
      yield* Deferred.await(locked)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* Layer.build(Worker.layer(books))
        yield* eventually(Effect.map(operations.blockers, (all) => all.some(({ waitsMillis }) => waitsMillis > 1_000)))
        const [blocker, ...others] = yield* operations.blockers
        assert.deepStrictEqual(others, [])
        assert.strictEqual(blocker!.by.application, "psql")
        assert.strictEqual(blocker!.by.state, "idle in transaction")
        assert.deepStrictEqual([blocker!.by.query._tag, blocker!.waits.application], ["Visible", "millrace"])
        assert.match(JSON.stringify(blocker!.by.query), /from accounts for update/)
        const { lag } = yield* operations.consumer("books")
        assert.strictEqual(lag.cause._tag, "CommitWaits")
        assert.include(lag.sentence, `of process ${blocker!.by.pid}`)
        const snapshot = yield* operations.oldestSnapshot
        assert(snapshot._tag === "Visible" && snapshot.value !== undefined)
        assert.include(["psql", "millrace"], snapshot.value.session?.application)
        yield* Deferred.succeed(free, undefined)
        yield* Fiber.join(other)
        yield* eventually(
          Effect.map(sql<{ orders: number }>`select orders from accounts`, ([row]) => row!.orders === 1)
        )
        assert.deepStrictEqual(yield* operations.blockers, [])
      }))
    }))
})
