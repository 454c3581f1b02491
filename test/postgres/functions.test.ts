/** Publishing from SQL: the functions in the schema, and the trigger of `src/postgres/README.md`, end to end. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { SqlClient, type SqlError } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { readFileSync } from "node:fs"
import { inject } from "vitest"
import { keyHash } from "../../src/internal/KeyHash.ts"
import { pglite } from "../setup/pglite.ts"
import { asleep, eventually, freshSchema, idsOf, open, postgres, receive, register } from "./kit.ts"

const schema = freshSchema()
const called = (name: string) => Effect.map(SqlClient.SqlClient, (sql) => sql(`${schema}.${name}`))

/** Publishes by the function, with named arguments. Returns the id. */
const call = (args: Readonly<Record<string, unknown>>, casts: Readonly<Record<string, string>> = {}) =>
  Effect.flatMap(SqlClient.SqlClient, (sql) => {
    const names = Object.keys(args)
    const list = names.map((name, i) => `${name} => $${i + 1}::${casts[name] ?? types[name] ?? "text"}`).join(", ")
    return Effect.map(
      sql.unsafe<{ id: string }>(`select "${schema}".publish(${list}) as id`, names.map((name) => args[name])),
      (rows) => rows[0]!.id
    )
  })
const types: Readonly<Record<string, string>> = {
  payload: "jsonb",
  headers: "jsonb",
  delay: "interval",
  at: "timestamptz",
  version: "int"
}

const cause = (error: SqlError.SqlError) =>
  error.reason.cause as {
    readonly code: string
    readonly column?: string
    readonly hint?: string
    readonly message: string
  }

/** A character of any width in UTF-8 and UTF-16, all that Postgres can store. */
const character = Arbitrary.map(
  Arbitrary.all({
    below: Arbitrary.schema(Schema.Literals([0x80, 0x800, 0xd800, 0x110000])),
    n: Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 0x10ffff })))
  }),
  ({ below, n }) => {
    const point = Math.max(1, n % below)
    return point >= 0xd800 && point < 0xe000 ? "\ue000" : String.fromCodePoint(point)
  }
)
const arbitraryKeys = Arbitrary.array(
  Arbitrary.map(Arbitrary.array(character, { maxLength: 24 }), (characters) => characters.join("")),
  { minLength: 60, maxLength: 120 }
)

let consumers = 0
const reader = Effect.gen(function*() {
  const name = `f${++consumers}`
  yield* register({ consumer: name, topics: [name], lanes: 4 })
  return { topic: name, subscription: yield* open(`${name}-w`, { consumer: name, topics: [name] }) }
})

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })("publishing from SQL", (it) => {
  it.effect.prop(
    "computes the lane of every key as the code does",
    { keys: arbitraryKeys },
    ({ keys }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const wild = [
          "",
          "a",
          "é",
          "漢字",
          "🚀",
          "\u{10FFFF}",
          "\uFFFF",
          "\uD7FF\uE000",
          "\x7F\x80\u07FF\u0800",
          "x".repeat(512)
        ]
        const all = [...keys, ...wild]
        const rows = yield* sql.unsafe<{ h: number }>(
          `select "${schema}".key_hash(k) as h from unnest($1::text[]) with ordinality u(k, n) order by n`,
          [all]
        )
        all.forEach((key, i) => assert.strictEqual(rows[i]!.h, keyHash(key), JSON.stringify(key)))
      }),
    { arbitrary: { runs: 60 }, timeout: 60_000 }
  )

  it.effect("keeps one order of a key with what the code publishes", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      for (let i = 0; i < 12; i += 2) {
        yield* call({ topic, key: "ключ 🚀", payload: "{\"n\": 1}", id: `${i}` })
        yield* Topic.publish(Topic.make(topic, { schema: Schema.Int, key: () => "ключ 🚀", id: String }), i + 1)
      }
      const got = yield* receive(subscription, 12)
      assert.deepStrictEqual(idsOf(got), Array.from({ length: 12 }, (_, i) => `${i}`))
      assert.strictEqual(new Set(got.map((delivery) => delivery.lease.name)).size, 1)
    }))

  it.effect("carries payload, headers and version, and makes an id and a key where none is given", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      const id = yield* call({
        topic,
        key: null,
        payload: "{\"a\": [1, \"ü\"]}",
        headers: "{\"h\": \"1\"}",
        version: 3
      })
      const [delivery] = yield* receive(subscription, 1)
      const { message } = delivery!
      assert.match(id, /^[0-9a-f-]{36}$/)
      assert.deepInclude(message, { id, key: id, keyed: false, topic, version: 3, headers: { h: "1" } })
      assert.deepStrictEqual(JSON.parse(message.payload), { a: [1, "ü"] })
    }))

  it.effect("goes to every consumer of the topic, and waits for the first one where there is none", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      const other = yield* reader
      yield* register({ consumer: other.topic, topics: [topic], lanes: 4 })
      yield* call({ topic, key: "k", payload: "1", id: "both" })
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["both"])
      assert.deepStrictEqual(idsOf(yield* receive(other.subscription, 1)), ["both"])
      yield* call({ topic: "unread", key: "k", payload: "1", id: "unrouted" })
      yield* register({ consumer: topic, topics: ["unread"], lanes: 4 })
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["unrouted"])
    }))

  it.effect("waits, is replaced and is cancelled as in the code", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      const sql = yield* SqlClient.SqlClient
      const cancel = yield* called("cancel")
      const named = { topic, key: "k", payload: "1", name: "n" }
      yield* call({ ...named, id: "replaced", delay: "100 ms" })
      yield* Topic.publish(Topic.make(topic, { schema: Schema.Int, key: () => "k" }), 1, {
        delay: "1 hour",
        name: "n",
        id: "cancelled"
      })
      const [first] = yield* sql`select ${cancel}(${topic}, 'k', 'n') as was`
      const [second] = yield* sql`select ${cancel}(topic => ${topic}, key => 'k', name => 'n') as was`
      assert.deepStrictEqual([first!["was"], second!["was"]], [true, false])
      yield* call({ ...named, id: "d", delay: "300 ms" })
      yield* call({ ...named, name: null, id: "past", at: "2020-01-01", delay: null })
      yield* call({ ...named, name: null, id: "negative", delay: "-1 day" })
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 3)), ["past", "negative", "d"])
      yield* call({ ...named, id: "waits", delay: "1 day" })
      yield* call({ ...named, id: "fired" })
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["fired"])
      assert.isFalse(yield* Topic.cancel(Topic.make(topic, { schema: Schema.Int }), { key: "k", name: "n" }))
    }))

  it.effect("refuses what the code refuses, names the parameter, and publishes nothing", () =>
    Effect.gen(function*() {
      const good = { topic: "refused", key: "k", payload: "1" }
      const many = JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`h${i}`, "v"])))
      const bad: ReadonlyArray<readonly [column: string, args: Readonly<Record<string, unknown>>]> = [
        ["topic", { ...good, topic: "a b" }],
        ["topic", { ...good, topic: null }],
        ["key", { ...good, key: "" }],
        ["key", { ...good, key: "ü".repeat(257) }],
        ["id", { ...good, id: "" }],
        ["id", { ...good, id: "x".repeat(513) }],
        ["payload", { ...good, payload: null }],
        ["payload", { ...good, payload: JSON.stringify("x".repeat(1_048_576)) }],
        ["headers", { ...good, headers: "[\"a\"]" }],
        ["headers", { ...good, headers: "\"a\"" }],
        ["headers", { ...good, headers: "{\"a\": 1}" }],
        ["headers", { ...good, headers: "{\"a\": [\"b\"]}" }],
        ["headers", { ...good, headers: "{\"a\": null}" }],
        ["headers", { ...good, headers: many }],
        ["headers", { ...good, headers: JSON.stringify({ a: "x".repeat(16_384) }) }],
        ["version", { ...good, version: null }],
        ["name", { ...good, name: "" }],
        ["name", { ...good, name: "x".repeat(513) }],
        ["delay", { ...good, delay: "1 day", at: "2020-01-01" }],
        ["delay", { ...good, delay: "101 years" }],
        ["at", { ...good, at: "infinity" }]
      ]
      for (const [column, args] of bad) {
        const error = cause(yield* Effect.flip(call(args)))
        assert.deepInclude(error, { code: "MR001", column }, JSON.stringify(args).slice(0, 200))
        assert.match(error.message, new RegExp(`^The message was refused: its ${column} .*Nothing was published`))
        assert.isNotEmpty(error.hint)
      }
      const sql = yield* SqlClient.SqlClient
      assert.lengthOf(yield* sql`select from ${yield* called("unrouted")} where topic = 'refused'`, 0)
    }))

  it.effect("accepts everything at its limit", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      const headers = JSON.stringify(Object.fromEntries(
        Array.from({ length: 64 }, (_, i) => [`h${String(i).padStart(3, "0")}`, "v".repeat(252)])
      ))
      yield* call({
        topic,
        key: "ü".repeat(256),
        id: "i".repeat(512),
        payload: JSON.stringify("x".repeat(1_048_574)),
        headers,
        name: "n".repeat(512)
      })
      const [delivery] = yield* receive(subscription, 1)
      assert.lengthOf(Object.keys(delivery!.message.headers), 64)
    }))

  it.effect("needs nothing but the right to execute it, which no role has by default", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      const sql = yield* SqlClient.SqlClient
      const role = sql(`role_${schema}`)
      const as = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        sql.withTransaction(Effect.andThen(sql`set local role ${role}`, effect))
      yield* sql`create role ${role}`
      yield* Effect.gen(function*() {
        yield* sql`grant usage on schema ${sql(schema)} to ${role}`
        const message = { topic, key: "k", payload: "1" }
        assert.strictEqual(cause(yield* Effect.flip(as(call(message)))).code, "42501")
        yield* sql`grant execute on function ${yield* called("publish")} to ${role}`
        yield* as(call({ ...message, id: "a" }))
        assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["a"])
        const table = yield* called("messages")
        assert.strictEqual(cause(yield* Effect.flip(as(Effect.asVoid(sql`select from ${table}`)))).code, "42501")
      }).pipe(Effect.ensuring(Effect.ignore(Effect.andThen(sql`drop owned by ${role}`, sql`drop role ${role}`))))
    }))

  it.effect("finds no name that a caller has put before the right one", () =>
    Effect.gen(function*() {
      const { subscription, topic } = yield* reader
      const sql = yield* SqlClient.SqlClient
      const evil = sql(`evil_${schema}`)
      const published = sql.withTransaction(Effect.gen(function*() {
        yield* sql`create schema ${evil}`
        for (
          const signature of [
            "octet_length(text) returns int",
            "gen_random_uuid() returns text",
            "pg_notify(text, text) returns void"
          ]
        ) {
          yield* sql.unsafe(
            `create function "evil_${schema}".${signature} language plpgsql as $$ begin raise exception 'hijacked'; end $$`
          )
        }
        yield* sql.unsafe(`create function "evil_${schema}".bits(bigint, bigint) returns bigint language plpgsql as $$
          begin raise exception 'hijacked'; end $$`)
        yield* sql.unsafe(
          `create operator "evil_${schema}".# (leftarg = bigint, rightarg = bigint, function = "evil_${schema}".bits)`
        )
        yield* sql`create temp table subscriptions (topic text, queue_id int) on commit drop`
        yield* sql`set local search_path = ${evil}, pg_temp, pg_catalog`
        const hijacked = yield* Effect.flip(sql.withTransaction(Effect.asVoid(sql`select octet_length('a'::text)`)))
        assert.include(cause(hijacked).message, "hijacked")
        yield* call({ topic, key: "k", payload: "1", id: "safe" })
        yield* sql`drop schema ${evil} cascade`
      }))
      yield* published
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["safe"])
    }))

  it.effect("wakes a worker that waits", () =>
    Effect.gen(function*() {
      const { topic } = yield* reader
      const subscription = yield* open(`${topic}-sleeper`, {
        consumer: topic,
        topics: [topic],
        idlePoll: Duration.seconds(20)
      })
      const sql = yield* SqlClient.SqlClient
      const table = yield* called("consumers")
      const taking = yield* Effect.forkChild(receive(subscription, 1))
      const waits = Effect.map(
        sql`select from ${table} where name = ${topic} and waiting_until > clock_timestamp()`,
        (rows) => rows.length > 0
      )
      yield* eventually(waits)
      yield* asleep(schema)
      // Not by a publish of this process, which would wake its workers directly.
      const [time] = yield* Effect.timed(Effect.andThen(call({ topic, key: "k", payload: "1" }), Fiber.join(taking)))
      assert.isBelow(Duration.toMillis(time), 3_000)
    }), 120_000)
})

describe("the trigger of the README", () => {
  const text = readFileSync(new URL("../../src/postgres/README.md", import.meta.url), "utf8")
  const [setup] = /(?<=```sql\n)create table orders[^]*?(?=```)/.exec(text)!
  const Orders = Topic.make("orders", {
    schema: Schema.Struct({ id: Schema.Int, customer: Schema.Int, cents: Schema.Int, status: Schema.String }),
    key: (order) => String(order.customer)
  })
  const seen: Array<string> = []
  const billing = Pipeline.from(Orders, { consumer: "billing" }).pipe(
    Pipeline.tap((order, d) =>
      Effect.sync(() => seen.push(`${d.message.id} ${d.message.key} ${order.status} ${order.cents}`))
    )
  )
  const story = Effect.gen(function*() {
    seen.length = 0
    const sql = yield* SqlClient.SqlClient
    for (const statement of setup.split(/;\n(?=\n|$)/)) if (statement.trim() !== "") yield* sql.unsafe(statement)
    yield* Worker.drain(billing)
    const insert = (id: number, customer: number) =>
      sql`insert into orders (id, customer, cents, status) values (${id}, ${customer}, 100, 'new')`
    yield* sql.withTransaction(Effect.andThen(insert(1, 7), insert(2, 7)))
    yield* Effect.ignore(sql.withTransaction(Effect.andThen(insert(3, 7), Effect.fail("no"))))
    yield* sql`update orders set status = 'paid', revision = revision + 1 where id = 1`
    yield* Worker.drain(billing)
    assert.deepStrictEqual(seen, ["order-1-1 7 new 100", "order-2-1 7 new 100", "order-1-2 7 paid 100"])
  })
  it.live(
    "publishes what is committed, in order, and nothing of what is rolled back: Postgres",
    () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.ensuring(story, Effect.ignore(sql`drop table orders cascade`))
      }).pipe(Effect.provide(postgres(inject("databaseUrl"), {}, "millrace"))),
    120_000
  )
  it.live(
    "publishes what is committed, in order, and nothing of what is rolled back: PGlite",
    () => Effect.provide(story, pglite()),
    120_000
  )
})
