/**
 * `Inbox.once` and `Inbox.await` on a real server: other processes, dying backends, lost answers, the user's own SQL.
 */
import { assert, it, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Inbox, Pipeline, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { freshSchema, postgres, register } from "./kit.ts"

const url = inject("databaseUrl")
const schema = freshSchema()
const result = Schema.Struct({ n: Schema.Int })
const key = (id: string) => ({ consumer: "api", id })

/** A table of the user's. */
const orders = (within = schema) => {
  const table = `${within}.orders`
  const sql = SqlClient.SqlClient
  return {
    create: Effect.flatMap(sql, (sql) => sql`create table if not exists ${sql(table)} (id text, n int)`),
    insert: (id: string, n: number) =>
      Effect.flatMap(sql, (sql) => Effect.as(sql`insert into ${sql(table)} (id, n) values (${id}, ${n})`, { n })),
    of: (id: string) =>
      Effect.flatMap(sql, (sql) =>
        Effect.map(
          sql<{ n: number }>`select n from ${sql(table)} where id = ${id} order by n`,
          (rows) => rows.map((row) => row.n)
        ))
  }
}

/** As another process: with a client and pools of its own. */
const elsewhere = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, Postgres.layer({ url: Redacted.make(url), schema, migrate: "check" }))

const raise = (code: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql`do ${sql.literal(`$$ begin raise exception 'x' using errcode = '${code}'; end $$`)}`
  )

const backend = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => Effect.map(sql<{ pid: number }>`select pg_backend_pid() as pid`, ([row]) => row!.pid)
)

const terminate = (pid: number) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select pg_terminate_backend(${pid})`)

layer(postgres(url, { maxConnections: 3, acquireTimeout: "500 millis" }, schema), { excludeTestServices: true })(
  "once",
  (it) => {
    it.effect("commits what the effect wrote with the result, once, for callers of two processes", () =>
      Effect.gen(function*() {
        yield* orders().create
        const begun = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        const place = (n: number) =>
          Inbox.once(
            key("two"),
            Effect.tap(orders().insert("two", n), () =>
              Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(go))),
            { result }
          )
        const first = yield* Effect.forkChild(place(1))
        yield* Deferred.await(begun)
        const second = yield* Effect.forkChild(elsewhere(place(2)))
        const refused = yield* elsewhere(
          Effect.flip(Inbox.once(key("two"), Effect.die("it ran"), { result, whileBusy: "refuse" }))
        )
        assert.strictEqual(refused._tag, "InProgress")
        assert.isUndefined(second.pollUnsafe())
        yield* Deferred.succeed(go, undefined)
        assert.deepStrictEqual([yield* Fiber.join(first), yield* Fiber.join(second)], [{ n: 1 }, { n: 1 }])
        assert.deepStrictEqual(yield* orders().of("two"), [1])
      }))

    it.effect("has one effect and one result when twenty callers of two processes come at once", () =>
      Effect.gen(function*() {
        yield* orders().create
        let n = 0
        const place = Inbox.once(key("many"), Effect.suspend(() => orders().insert("many", ++n)), { result })
        const ten = Effect.all(Array.from({ length: 10 }, () => place), { concurrency: 3 })
        const results = (yield* Effect.all([ten, elsewhere(ten)], { concurrency: 2 })).flat()
        assert.lengthOf(yield* orders().of("many"), 1)
        assert.strictEqual(new Set(results.map((found) => found.n)).size, 1)
      }))

    it.effect("forgets what was done on a backend that died: one effect and one result for its caller and for the next one", () =>
      Effect.gen(function*() {
        yield* orders().create
        const died = yield* Deferred.make<number>()
        let runs = 0
        const dying = Inbox.once(
          key("dies"),
          Effect.gen(function*() {
            runs++
            const found = yield* orders().insert("dies", 1)
            yield* Deferred.succeed(died, yield* backend)
            while (true) {
              yield* backend
              if (runs > 1) return found
            }
          }),
          { result }
        )
        const first = yield* Effect.forkChild(dying)
        const pid = yield* Deferred.await(died)
        const second = yield* Effect.forkChild(elsewhere(
          Inbox.once(key("dies"), orders().insert("dies", 2), { result })
        ))
        yield* terminate(pid)
        // Either may be the next to run.
        const found = yield* Fiber.join(second)
        assert.deepStrictEqual(yield* Fiber.join(first), found)
        assert.deepStrictEqual(yield* orders().of("dies"), [found.n])
      }))

    it.effect("runs the effect again after a conflict, however the effect wraps it, and commits one run", () =>
      Effect.gen(function*() {
        yield* orders().create
        let runs = 0
        const place = Effect.suspend(() =>
          Effect.tap(
            orders().insert("conflict", ++runs),
            () => runs < 3 ? Effect.mapError(raise("40001"), () => "mine" as const) : Effect.void
          )
        )
        assert.deepStrictEqual(yield* Inbox.once(key("conflict"), place, { result }), { n: 3 })
        assert.deepStrictEqual(yield* orders().of("conflict"), [3])
        const own = Effect.mapError(raise("23505"), () => "mine" as const)
        assert.strictEqual(yield* Effect.flip(Inbox.once(key("own"), Effect.as(own, { n: 1 }), { result })), "mine")
      }))

    it.effect("names an SQL error that the effect swallowed, and remembers nothing", () =>
      Effect.gen(function*() {
        const swallowing = Effect.as(Effect.ignore(raise("22012")), { n: 1 })
        const error = yield* Effect.flip(Inbox.once(key("swallowed"), swallowing, { result }))
        assert.strictEqual(error._tag, "TransactionAborted")
        assert.deepStrictEqual(yield* Inbox.once(key("swallowed"), Effect.succeed({ n: 2 }), { result }), { n: 2 })
      }))

    it.effect("joins the user's transaction: its rollback forgets result and effect, its commit keeps both", () =>
      Effect.gen(function*() {
        yield* orders().create
        const sql = yield* SqlClient.SqlClient
        const place = (n: number) =>
          Inbox.once({ consumer: "within", id: "a" }, orders().insert("within", n), { result })
        yield* Effect.flip(sql.withTransaction(Effect.andThen(place(1), Effect.fail("no"))))
        assert.deepStrictEqual(yield* orders().of("within"), [])
        assert.deepStrictEqual(yield* sql.withTransaction(place(2)), { n: 2 })
        assert.deepStrictEqual(yield* place(3), { n: 2 })
        // A failure within it undoes its own part only.
        const failing = Inbox.once(key("part"), Effect.andThen(orders().insert("within", 4), Effect.fail("no")), {
          result
        })
        yield* sql.withTransaction(Effect.andThen(orders().insert("within", 5), Effect.ignore(failing)))
        assert.deepStrictEqual(yield* orders().of("within"), [2, 5])
      }))

    it.effect("knows a new consumer's name at once, even if the transaction that brought it rolls back", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const ask = (id: string) => Inbox.once({ consumer: "new", id }, Effect.succeed({ n: 1 }), { result })
        const begun = yield* Deferred.make<void>()
        const open = sql.withTransaction(
          Effect.andThen(ask("a"), Effect.andThen(Deferred.succeed(begun, undefined), Effect.never))
        )
        const first = yield* Effect.forkChild(open)
        yield* Deferred.await(begun)
        assert.deepStrictEqual(yield* Effect.timeout(elsewhere(ask("b")), "5 seconds"), { n: 1 })
        yield* Fiber.interrupt(first)
        yield* ask("a")
        assert.deepStrictEqual(yield* elsewhere(Inbox.await({ consumer: "new", id: "a" })), { _tag: "Committed" })
      }))

    it.effect("keeps no connection while it waits for another caller", () =>
      Effect.gen(function*() {
        const begun = yield* Deferred.make<void>()
        const go = yield* Deferred.make<void>()
        const slow = Effect.andThen(Deferred.succeed(begun, undefined), Effect.as(Deferred.await(go), { n: 1 }))
        const first = yield* Effect.forkChild(Inbox.once(key("slow"), slow, { result }))
        yield* Deferred.await(begun)
        const others = yield* Effect.forkChild(Effect.all(
          Array.from({ length: 8 }, () => Inbox.once(key("slow"), Effect.die("it ran"), { result })),
          { concurrency: "unbounded" }
        ))
        // Longer than a caller waits for a connection. If they were held, one of these would fail.
        for (let i = 0; i < 30; i++) yield* Effect.andThen(orders().create, Effect.sleep("30 millis"))
        assert.isUndefined(others.pollUnsafe())
        yield* Deferred.succeed(go, undefined)
        assert.deepStrictEqual(yield* Fiber.join(others), Array.from({ length: 8 }, () => ({ n: 1 })))
        yield* Fiber.join(first)
      }))

    it.effect("refuses a SqlClient that is not the store's, since its effects would commit outside", () =>
      Effect.gen(function*() {
        const store = yield* Store.Store
        const foreign = Effect.provideService(
          Effect.flip(Inbox.once(key("foreign"), Effect.die("it ran"), { result })),
          Store.Store,
          store
        )
        assert.strictEqual((yield* elsewhere(foreign))._tag, "ForeignSqlClient")
      }))
  }
)

for (const lost of ["dropResponses", "swallow"] as const) {
  const happened = lost === "dropResponses"
  it.live(`settles an unanswered COMMIT by the inbox, when it ${happened ? "had" : "had not"} happened`, () =>
    Effect.gen(function*() {
      const between = yield* proxy(url)
      const within = freshSchema()
      const program = Effect.gen(function*() {
        yield* orders(within).create
        let runs = 0
        const place = Effect.suspend(() => {
          if (++runs === 1) between[lost] = once
          return orders(within).insert("x", runs)
        })
        const once = (chunk: Buffer) => {
          const struck = chunk.includes("COMMIT")
          if (struck) between[lost] = undefined
          return struck
        }
        const found = yield* Inbox.once(key("x"), place, { result, whileBusy: "refuse" })
        assert.deepStrictEqual(yield* orders(within).of("x"), [found.n])
        assert.deepStrictEqual([found.n, runs], happened ? [1, 1] : [2, 2])
      })
      // Behind a pooler no statement has a name, so the text of COMMIT goes over the wire each time.
      const at = postgres(between.url, { commitTimeout: "500 millis", pooler: true, maxConnections: 3 }, within)
      yield* Effect.provide(program, at)
    }))
}

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, bad: Schema.Boolean }),
  id: (note) => note.id
})
const notes = Pipeline.from(Notes, { consumer: "notes" }).pipe(
  Pipeline.tap((note) => note.bad ? Effect.fail({ _tag: "Bad", retryable: false }) : Effect.void)
)

layer(postgres(url, {}, schema), { excludeTestServices: true })("await", (it) => {
  it.effect(
    "waits for a worker's commit and for its dead letter, in this process and in another one",
    () =>
      Effect.gen(function*() {
        const patient = (id: string) => Inbox.await({ consumer: "notes", id }, { timeout: "8 seconds" })
        // Before the consumer has a name in the database.
        const far = yield* Effect.forkChild(elsewhere(Effect.all([patient("good"), patient("bad")])))
        const near = yield* Effect.forkChild(Effect.all([patient("good"), patient("bad")]), { startImmediately: true })
        yield* Topic.publishAll(Notes, [{ id: "good", bad: false }, { id: "bad", bad: true }])
        yield* Worker.drain(notes)
        const [deadLetter] = yield* DeadLetters.list({ consumer: "notes" })
        const expected: [Store.InboxRecord, Store.InboxRecord] = [{ _tag: "Committed" }, {
          _tag: "Dead",
          deadLetterId: deadLetter!.id
        }]
        assert.deepStrictEqual(yield* Fiber.join(near), expected)
        assert.deepStrictEqual(yield* Fiber.join(far), expected)
      })
  )

  it.effect("is woken by a commit of this process well before it would look again", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      yield* store.consumers.register({ consumer: "woken", topics: [], lanes: 4, order: "park" })
      const waits = yield* Effect.forkChild(Inbox.await({ consumer: "woken", id: "m" }))
      // By now it looks once a second.
      yield* Effect.sleep("1500 millis")
      yield* store.transact(store.inbox.claim("woken", [{ id: "m", fingerprint: "f" }]))
      const [took] = yield* Effect.timed(Fiber.join(waits))
      assert.isBelow(Duration.toMillis(took), 300)
    }))
})

it.live("runs once under a name that another process has removed and registered again", () =>
  Effect.gen(function*() {
    const within = freshSchema()
    const process = Layer.build(Postgres.layer({ url: Redacted.make(url), schema: within }))
    const [one, two] = [yield* process, yield* process]
    let ran = 0
    const call = (id: string) => Inbox.once(key(id), Effect.sync(() => ({ n: ++ran })), { result })
    yield* Effect.provide(register({ consumer: "api" }), two)
    yield* Effect.provide(call("1"), one)
    yield* Effect.provide(call("1"), two)
    assert.strictEqual(ran, 1)
    yield* Effect.provide(Consumers.remove("api", { by: "anna", force: { messages: true } }), two)
    const second = yield* Effect.provide(call("2"), two)
    assert.deepStrictEqual(yield* Effect.provide(call("2"), one), second)
    assert.strictEqual(ran, 2)
    yield* Effect.provide(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`drop schema ${sql(within)} cascade`), one)
  }).pipe(Effect.scoped))
