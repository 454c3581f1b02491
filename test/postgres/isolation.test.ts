/**
 * A database whose default is another isolation level. The library's transactions are READ COMMITTED, and users'
 * transactions keep their level. A call inside of a user's transaction is right, or refused by a typed error with a
 * hint.
 */
import { assert, it, layer } from "@effect/vitest"
import { Duration, Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Inbox, Lease, Pipeline, Store, Topic, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { Postgres } from "millrace/postgres"
import type { Log } from "../../src/internal/store/LogStore.ts"
import { apart, at, databaseAt, levels, postgresAt } from "./isolationLevels.ts"
import { eventually, freshSchema, message, postgres, receive, register } from "./kit.ts"
import { note, Notes, notes, older, sweeping } from "./retentionKit.ts"

const by = { by: "ann" }
const Copies = Topic.make("copies", { schema: Schema.String, id: (copy) => copy.slice(0, 9) })

const levelNow = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    Effect.map(sql<{ level: string }>`select current_setting('transaction_isolation') as level`, ([row]) => row!.level)
)

/** Every transaction that changes one of the schema's tables writes down its level. */
const watched = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`create table "${schema}".levels (changed text, level text)`)
  yield* sql.unsafe(`create function "${schema}".level() returns trigger language plpgsql as $$ begin
    insert into "${schema}".levels values (tg_table_name, current_setting('transaction_isolation'));
    return null;
  end $$`)
  const tables = yield* sql<{ name: string }>`select tablename as name from pg_tables
    where schemaname = ${schema} and tablename not in ('levels', 'migrations', 'settings', 'server_life') order by 1`
  for (const { name } of tables) {
    yield* sql.unsafe(
      `create trigger level after insert or update or delete on "${schema}"."${name}" for each row execute function "${schema}".level()`
    )
  }
  return {
    tables: tables.map(({ name }) => name),
    changed: sql<{ changed: string; level: string }>`select distinct changed, level from ${
      sql(`${schema}.levels`)
    } order by 1, 2`
  }
})

/** A redrive run whose only message fails again. */
const redriveRun = (schema: string, consumer: string) =>
  Effect.gen(function*() {
    const operations = yield* Operations.Operations
    const { id } = yield* operations.startRedrive({ consumer }, by)
    yield* Layer.build(Worker.layer(notes, { idlePoll: "50 millis" }))
    yield* eventually(Effect.map(operations.redriveRun(id), ({ state }) => state === "finished"), "20 seconds")
  }).pipe(Effect.scoped, Effect.provide(Operations.layer({ schema })))

/** Reads a log of one message, and records how far it was read. */
const readLog = Effect.gen(function*() {
  const { consumers, logs } = yield* Store.Store
  const spec = { consumer: "log reader", topics: ["log"], lanes: 1 }
  yield* consumers.register({ ...spec, order: "park" })
  const entry = { position: "1", message: yield* message("logged", "k", "log") }
  const log: Log = {
    engine: "test",
    name: "log",
    shards: 1,
    begin: () => Effect.succeed("0"),
    read: (_, after) => Effect.succeed(after === "0" ? [entry] : []),
    arrival: () => Effect.never
  }
  const times = { lease: Duration.seconds(30), idlePoll: Duration.millis(100) }
  yield* receive(yield* logs!.open({ ...spec, ...times, worker: "reader" }, log), 1)
}).pipe(Effect.scoped)

/** Nearly all that the library does, users' own publishes in transactions of their own aside. */
const everything = Effect.fnUntraced(function*(schema: string, url: string) {
  const sql = yield* SqlClient.SqlClient
  const consumer = "notes"
  yield* Worker.drain(notes)
  // More than one insert, in a transaction of the library.
  yield* Topic.publishAll(Copies, Array.from({ length: 8 }, (_, i) => `unheard-${i}`.padEnd(700_000)))
  yield* at("read committed", Topic.publishAll(Notes, [note("bad", "k", true), note("good", "k")]))
  yield* at("read committed", Topic.publish(Notes, note("later", "later"), { delay: "1 milli" }))
  yield* eventually(Effect.andThen(
    Worker.drain(notes),
    Effect.map(sql`select from ${sql(`${schema}.inbox`)} where id = 'later'`, (rows) => rows.length > 0)
  ))
  const { consumers, unsettled } = yield* Store.Store
  const settled = { committed: 1, duplicates: 0, dead: 0, retried: 0 }
  yield* consumers.record(consumer, yield* consumers.status(consumer), settled)
  yield* unsettled.count(consumer, [{ id: "at a broker", crashCount: 0, explained: 1, alone: false }])
  yield* unsettled.endAlone(consumer, "at a broker", 1)
  yield* readLog
  yield* redriveRun(schema, consumer)
  const [deadLetter] = yield* DeadLetters.list({ consumer })
  yield* DeadLetters.discard(deadLetter!.id, by)
  yield* DeadLetters.restore(deadLetter!.id, by)
  yield* DeadLetters.release(deadLetter!.id, by)
  yield* DeadLetters.redriveAll({ consumer }, by)
  yield* Consumers.pauseKey(consumer, "k", by)
  yield* Consumers.resumeKey(consumer, "k", by)
  yield* Consumers.pause(consumer, by)
  yield* Consumers.resume(consumer, by)
  yield* Inbox.once({ consumer: "api", id: "1" }, Effect.void, { result: Schema.Void })
  yield* Lease.use("leader", (lease) => Lease.fenced(lease, sql`select 1`))
  // As a database that was restored from another cluster.
  yield* at("read committed", sql`update ${sql(`${schema}.messages`)} set xid = '900000000000000'`)
  yield* Effect.provide(Effect.void, Postgres.layer({ url: Redacted.make(url), schema, migrate: "check" }))
  yield* Worker.drain(notes)
  yield* at("read committed", older(schema, "inbox", "at", 8))
  yield* at("read committed", older(schema, "unrouted", "published_at", 8))
  yield* Effect.flatten(sweeping(schema, url))
  yield* Consumers.unsubscribe(consumer, "notes", { ...by, force: { messages: true } })
  yield* Consumers.remove(consumer, { ...by, force: { workers: true, messages: true } })
})

for (const pooler of [false, true]) {
  it.live(
    `a transaction of the library is READ COMMITTED where the default is SERIALIZABLE${
      pooler ? ", behind a pooler, too" : ""
    }`,
    () => {
      const schema = freshSchema()
      return Effect.gen(function*() {
        const url = yield* databaseAt("serializable")
        yield* Effect.gen(function*() {
          assert.strictEqual(yield* levelNow, "serializable")
          const { changed, tables } = yield* watched(schema)
          yield* everything(schema, url)
          assert.deepStrictEqual(yield* changed, tables.map((changed) => ({ changed, level: "read committed" })))
        }).pipe(Effect.provide(postgres(url, { pooler, retention: false }, schema)))
      }).pipe(Effect.scoped)
    }
  )
}

layer(postgresAt("serializable", freshSchema()), { excludeTestServices: true })("a user's transaction", (it) => {
  it.effect("has the database's default, or the level that it names", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      assert.strictEqual(yield* sql.withTransaction(levelNow), "serializable")
      assert.strictEqual(yield* at("repeatable read", levelNow), "repeatable read")
    }))

  it.effect("has it also where it begins behind a transaction of the library, which is READ COMMITTED for its effect", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const seen: Array<string> = []
      const see = Effect.map(levelNow, (level) => void seen.push(level))
      const afterwards = Effect.orDie(sql.withTransaction(see))
      yield* Inbox.once(
        { consumer: "levels", id: "1" },
        Effect.andThen(sql.withTransaction(see), sql.afterCommit(afterwards)),
        { result: Schema.Void }
      ).pipe(Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL REPEATABLE READ"))
      assert.deepStrictEqual(seen, ["read committed", "repeatable read"])
    }))
})

const calls: Readonly<Record<string, Effect.Effect<unknown, { readonly _tag: string }, Store.Store>>> = {
  "Consumers.remove": Consumers.remove("c", by),
  "Consumers.unsubscribe": Consumers.unsubscribe("c", "t", by),
  "Consumers.pause": Consumers.pause("c", by),
  "Consumers.resume": Consumers.resume("paused", by),
  "Consumers.pauseKey": Consumers.pauseKey("c", "k", by),
  "Consumers.resumeKey": Consumers.resumeKey("c", "paused", by),
  "a registration": register({ consumer: "other" }),
  "DeadLetters.redriveAll": DeadLetters.redriveAll({ consumer: "c" }, by),
  "DeadLetters.discardAll": DeadLetters.discardAll({ consumer: "c" }, by)
}

layer(postgresAt("read committed", freshSchema()), { excludeTestServices: true })(
  "in a user's transaction",
  (it) => {
    for (const level of levels) {
      for (const [name, call] of Object.entries(calls)) {
        const right = level === "read committed"
        it.effect(`at ${level} ${name} ${right ? "is done" : "is refused, and says what to do"}`, () =>
          Effect.gen(function*() {
            yield* register()
            yield* register({ consumer: "paused" })
            yield* Effect.ignore(Consumers.pause("paused", by))
            yield* Effect.ignore(Consumers.pauseKey("c", "paused", by))
            // Undone in the end, so that each level finds the same.
            const failed = yield* Effect.flip(at(level, Effect.andThen(call, Effect.fail({ _tag: "done" } as const))))
            assert.strictEqual(failed._tag, right ? "done" : "StoreFailure")
            if (right) return
            const { kind, message } = failed as unknown as { readonly kind: string; readonly message: string }
            assert.strictEqual(kind, "refused")
            assert.match(message, new RegExp(`transaction around it is ${level.toUpperCase()}`))
            assert.match(message, /Do it outside of that transaction, or in one that is READ COMMITTED\./)
          }))
      }
      if (level === "read committed") continue

      it.effect(`at ${level} Inbox.once under a name that is new is run again with its transaction`, () =>
        Effect.gen(function*() {
          const once = Inbox.once({ consumer: `new-${level.slice(0, 3)}`, id: "1" }, Effect.succeed(7), {
            result: Schema.Number
          })
          const refused = yield* Effect.flip(at(level, once))
          assert.strictEqual(refused._tag, "StoreFailure")
          assert.match((refused as { readonly message: string }).message, /40001.*Run the whole transaction again/)
          assert.strictEqual(yield* at(level, once), 7)
        }))

      it.effect(`at ${level} Inbox.once of an id that was committed since is run again with its transaction`, () =>
        Effect.gen(function*() {
          const key = { consumer: "since", id: `1-${level}` }
          const once = (n: number) => Inbox.once(key, Effect.succeed(n), { result: Schema.Number })
          yield* Inbox.once({ consumer: "since", id: "0" }, Effect.void, { result: Schema.Void })
          const refused = yield* Effect.flip(at(level, Effect.andThen(apart(once(1)), once(2))))
          assert.include(["TransientFailure", "StoreFailure"], refused._tag)
          assert.strictEqual((refused as unknown as { readonly code: string }).code, "40001")
          assert.strictEqual(yield* at(level, once(3)), 1)
        }))

      it.effect(`at ${level} a lease that was acquired since is not taken for lost`, () =>
        Effect.gen(function*() {
          const work = Lease.use(`leader-${level.slice(0, 3)}`, (lease) =>
            Effect.gen(function*() {
              const refused = yield* Effect.flip(Lease.fenced(lease, Effect.void))
              assert.match(refused.message, /40001.*Run the whole transaction again/)
              return lease.token
            }))
          yield* at(level, work)
          yield* Lease.use(`leader-${level.slice(0, 3)}`, (lease) => at(level, Lease.fenced(lease, Effect.void)))
        }))

      it.effect(`at ${level} a cancellation is right as of its snapshot, or run again with its transaction`, () =>
        Effect.gen(function*() {
          const name = `name-${level.slice(0, 3)}`
          const later = Topic.publish(Notes, note(name, "k"), { delay: "1 hour", name })
          const cancel = Topic.cancel(Notes, { key: "k", name })
          assert.isFalse(yield* at(level, Effect.andThen(apart(later), cancel)))
          const refused = yield* Effect.flip(at(level, Effect.andThen(apart(later), cancel)))
          assert.strictEqual(refused._tag, "StoreFailure")
          assert.match((refused as { readonly message: string }).message, /40001.*Run the whole transaction again/)
          assert.isTrue(yield* at(level, cancel))
          assert.isFalse(yield* cancel)
        }))

      it.effect(`at ${level} a decision about a dead letter that changed since says that its transaction is to be run again`, () =>
        Effect.gen(function*() {
          const consumer = `stale-${level.slice(0, 3)}`
          const pipeline = Pipeline.from(Notes, { consumer }).pipe(
            Pipeline.tap(() => Effect.fail({ _tag: "Bad", retryable: false })),
            Pipeline.deadLetter({ order: "park" })
          )
          yield* Worker.drain(pipeline)
          yield* Topic.publish(Notes, note(consumer, "k"))
          yield* Worker.drain(pipeline)
          const [deadLetter] = yield* DeadLetters.list({ consumer, state: "open" })
          const others = Effect.andThen(
            DeadLetters.discard(deadLetter!.id, by),
            DeadLetters.restore(deadLetter!.id, by)
          )
          const refused = yield* Effect.flip(
            at(level, Effect.andThen(apart(others), DeadLetters.redrive(deadLetter!.id, by)))
          )
          assert.strictEqual(refused._tag, "StoreFailure")
          assert.match((refused as { readonly message: string }).message, /40001.*Run the whole transaction again/)
          yield* at(level, DeadLetters.redrive(deadLetter!.id, by))
        }))
    }
  }
)
