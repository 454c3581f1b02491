/** The store's transactions: what joins them, what rolls back, and what their failures mean. */
import { assert, it, layer } from "@effect/vitest"
import { Context, Duration, Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Inbox, Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { proxy } from "../harness/proxy.ts"
import { eventually, freshSchema, message, postgres, publish } from "./kit.ts"

const url = inject("databaseUrl")
const schema = freshSchema()

/** Messages of a topic without a consumer: what was published and committed. */
const stored = (prefix: string, within = schema) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) =>
    Effect.map(
      sql<{ id: string }>`select id from ${sql(`${within}.unrouted`)} where id like ${`${prefix}%`} order by seq`,
      (rows) => rows.map((row) => row.id)
    ))

const transact = <A, E, R>(body: Effect.Effect<A, E, R>) => Effect.flatMap(Store.Store, (store) => store.transact(body))

layer(postgres(url, { maxConnections: 2, acquireTimeout: "300 millis" }, schema), { excludeTestServices: true })(
  "a transaction",
  (it) => {
    it.effect("publishes with the ambient transaction's commit, and not at all with its rollback", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql.withTransaction(publish(["in-1"], ["in-2"]))
        yield* Effect.ignore(sql.withTransaction(Effect.andThen(publish(["in-3"]), Effect.fail("no"))))
        assert.deepStrictEqual(yield* stored("in-"), ["in-1", "in-2"])
      }))

    it.effect(
      "publishes 100,000 messages within seconds, in the given order, all or none",
      () =>
        Effect.gen(function*() {
          const store = yield* Store.Store
          const sql = yield* SqlClient.SqlClient
          const messages = yield* Effect.forEach(
            Array.from({ length: 100_000 }, (_, i) => i),
            (i) => message(`many-${i}`)
          )
          const [time] = yield* Effect.timed(store.outbox.write(messages))
          assert.isBelow(Duration.toSeconds(time), 15)
          const ids = yield* stored("many-")
          assert.deepStrictEqual(ids, messages.map((m) => m.id))
          const broken = [...messages.slice(0, 2_500), { ...messages[0]!, id: "nul\0" }]
          const error = yield* Effect.flip(store.outbox.write(broken))
          assert.strictEqual(error.kind, "refused")
          assert.strictEqual((yield* stored("many-")).length, 100_000)
          yield* sql`delete from ${sql(`${schema}.unrouted`)}`
        })
    )

    it.effect("names a caught SQL error, which aborted it, with the remedy", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const error = yield* Effect.flip(transact(Effect.andThen(publish(["ab-1"]), Effect.ignore(sql`select 1 / 0`))))
        assert.strictEqual(error._tag, "TransactionAborted")
        assert.include(error.message, "division by zero")
        assert.include(error.message, "sql.withTransaction")
        assert.deepStrictEqual(yield* stored("ab-"), [])
      }))

    it.effect("continues after a savepoint whose body failed, or swallowed an SQL error", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const store = yield* Store.Store
        const tags = yield* transact(Effect.gen(function*() {
          const own = yield* Effect.flip(
            store.savepoint(Effect.andThen(publish(["sp-1"]), Effect.fail("own" as const)))
          )
          const swallowed = yield* Effect.flip(store.savepoint(
            Effect.andThen(publish(["sp-2"]), Effect.ignore(sql`select 1 / 0`))
          ))
          yield* store.savepoint(publish(["sp-3"]))
          return [own, typeof swallowed === "string" ? swallowed : swallowed._tag]
        }))
        assert.deepStrictEqual(tags, ["own", "TransactionAborted"])
        assert.deepStrictEqual(yield* stored("sp-"), ["sp-3"])
      }))

    it.effect("distinguishes the step's own failure from a conflict, even if the step wraps the error", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const raise = (code: string) =>
          Effect.mapError(
            sql`do ${sql.literal(`$$ begin raise exception 'x' using errcode = '${code}'; end $$`)}`,
            () => "mine" as const
          )
        const outcomeOf = (code: string) =>
          Effect.map(
            Effect.flip(transact(raise(code))),
            (e) => e === "mine" ? e : e._tag === "TransientFailure" ? e.kind : e._tag
          )
        assert.deepStrictEqual(yield* Effect.forEach(["23505", "40001", "55P03", "53100", "57014"], outcomeOf), [
          "mine",
          "conflict",
          "conflict",
          "unavailable",
          "mine"
        ])
      }))

    it.effect("is the step's own failure after a conflict that a savepoint has undone: it is not run again", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const conflict = sql`do ${sql.literal("$$ begin raise exception 'x' using errcode = '55P03'; end $$")}`
        const busy = { _tag: "Busy" } as const
        const tried = Effect.catch(sql.withTransaction(conflict), () => Effect.fail(busy))
        assert.deepStrictEqual(yield* Effect.flip(transact(tried)), busy)
        const passedOn = yield* Effect.flip(transact(sql.withTransaction(conflict)))
        assert.strictEqual(passedOn._tag, "TransientFailure")
        // A member in a savepoint of its own, which hides its conflict in an error of its own.
        const member = Effect.flatMap(Store.Store, (store) => store.savepoint(Effect.mapError(conflict, () => busy)))
        assert.strictEqual((yield* Effect.flip(transact(member)))._tag, "TransientFailure")
        let ran = 0
        const counted = Effect.suspend(() => Effect.andThen(Effect.sync(() => ran++), tried))
        const once = Inbox.once({ consumer: "tried", id: "1" }, counted, { result: Schema.Void })
        assert.deepStrictEqual([(yield* Effect.flip(once))._tag, ran], ["Busy", 1])
      }))

    it.effect("reports a deferred constraint as a refused COMMIT", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const table = sql(`${schema}.later`)
        yield* sql`create table ${table} (a int unique deferrable initially deferred)`
        const error = yield* Effect.flip(transact(sql`insert into ${table} values (1), (1)`))
        assert.strictEqual(error._tag === "CommitRejected" ? error.code : error._tag, "23505")
      }))

    it.effect("is a transient failure when its backend is terminated, though the driver tells it as a defect", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const error = yield* Effect.flip(transact(sql`select pg_terminate_backend(pg_backend_pid())`))
        assert.deepInclude(error, { _tag: "TransientFailure", kind: "unavailable" })
        assert.strictEqual((yield* transact(sql`select 1`)).length, 1)
      }))

    it.effect("gives its connection up when a statement was interrupted, and leaves no lock behind", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const table = sql(`${schema}.locked`)
        yield* sql`create table ${table} (a int)`
        const slow = transact(Effect.andThen(sql`lock table ${table}`, sql`select pg_sleep(20)`))
        yield* Effect.ignore(Effect.timeout(slow, "200 millis"))
        yield* eventually(Effect.as(Effect.timeout(sql`insert into ${table} values (1)`, "2 seconds"), true))
      }))

    it.effect("fails with the setting's name when no connection becomes free", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const hold = sql.withTransaction(Effect.andThen(sql`select 1`, Effect.never))
        const error = yield* Effect.flip(Effect.raceFirst(
          Effect.all([hold, hold], { concurrency: 2 }),
          Effect.andThen(Effect.sleep("200 millis"), publish(["full-1"]))
        ))
        assert.include(error.message, "maxConnections")
        const commit = transact(Effect.succeed("commits go on")).pipe(
          Effect.provideService(Store.WorkerTransaction, "pipelined")
        )
        const both = Effect.raceFirst(
          Effect.all([hold, hold], { concurrency: 2 }),
          Effect.andThen(Effect.sleep("200 millis"), commit)
        )
        assert.strictEqual(yield* both, "commits go on")
      }))

    it.effect("joins a context without a client and one with its own, and no other", () =>
      Effect.gen(function*() {
        const store = yield* Store.Store
        const own = yield* Effect.context<SqlClient.SqlClient>()
        const foreign = yield* Effect.scoped(Effect.provide(
          Effect.context<SqlClient.SqlClient>(),
          Postgres.layer({ url: Redacted.make(url), schema })
        ))
        assert.isTrue(store.joinsTransactions(Context.empty()))
        assert.isTrue(store.joinsTransactions(own as Context.Context<never>))
        assert.isFalse(store.joinsTransactions(foreign as Context.Context<never>))
      }))
  }
)

const commits = (chunk: Buffer) => chunk.includes("COMMIT")

it.live("fails with an unknown outcome, within its bound, when the response to COMMIT never comes; the pool stays usable", () =>
  Effect.gen(function*() {
    const between = yield* proxy(url)
    const within = freshSchema()
    const program = Effect.gen(function*() {
      // Behind a pooler no statement has a name, so the text of COMMIT goes over the wire each time.
      between.dropResponses = commits
      const [time, error] = yield* Effect.timed(Effect.flip(transact(publish(["cm-1"]))))
      between.dropResponses = undefined
      assert.strictEqual(error._tag, "UnknownOutcome")
      assert.isBelow(Duration.toMillis(time), 3_000)
      // It had happened.
      yield* eventually(Effect.map(stored("cm-", within), (ids) => ids.length === 1))
      between.swallow = commits
      const lost = yield* Effect.flip(transact(publish(["cm-2"])))
      between.swallow = undefined
      assert.strictEqual(lost._tag, "UnknownOutcome")
      yield* transact(publish(["cm-3"]))
      assert.deepStrictEqual(yield* stored("cm-", within), ["cm-1", "cm-3"])
    })
    const at = postgres(between.url, { commitTimeout: "500 millis", pooler: true, maxConnections: 3 }, within)
    yield* Effect.provide(program, at)
  }))

it.live("does not hang when ROLLBACK is never answered", () =>
  Effect.gen(function*() {
    const between = yield* proxy(url)
    const program = Effect.gen(function*() {
      const body = Effect.suspend(() => {
        between.swallow = () => true
        return Effect.fail("step" as const)
      })
      const error = yield* Effect.timeout(Effect.flip(transact(body)), "3 seconds")
      between.swallow = undefined
      assert.strictEqual(error, "step")
      yield* transact(publish(["rb-1"]))
    })
    yield* Effect.provide(program, postgres(between.url, { commitTimeout: "500 millis" }))
  }))
