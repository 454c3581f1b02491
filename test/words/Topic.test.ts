// A topic encodes values, and decodes payloads of other writers.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Message, Pipeline, Store, Topic, Worker } from "millrace"
import { drain, Journal } from "../worker/support.ts"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({
    id: Schema.String,
    account: Schema.String,
    cents: Schema.Int,
    at: Schema.optionalKey(Schema.Date)
  }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})
const payment = (id: string, cents = 1) => ({ id, account: "a", cents })

/** Everything of a topic that has been published so far. */
const published = Effect.fnUntraced(function*<S extends Schema.Constraint>(topic: Topic.Topic<string, S>) {
  const seen = new Journal<S["Type"]>()
  const reader = Pipeline.from(topic, { consumer: "reader" }).pipe(Pipeline.tap(seen.write))
  yield* drain(reader as Pipeline.Pipeline<S["Type"]>, { concurrency: 1 })
  return seen.entries.map((entry) => entry.context.message)
})

describe("a value that is published", () => {
  it.effect("carries the key and the id that its topic derives, and is stored as JSON", () =>
    Effect.gen(function*() {
      const id = yield* Topic.publish(Payments, { ...payment("p1"), at: new Date(0) })
      const [message] = yield* published(Payments)
      assert.strictEqual(id, "p1")
      assert.deepInclude(message, { id: "p1", key: "a", keyed: true, topic: "payments", version: 1 })
      assert.deepStrictEqual(JSON.parse(message!.payload), { ...payment("p1"), at: "1970-01-01T00:00:00.000Z" })
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("has an id made of its content by default, independent of the order of its fields", () =>
    Effect.gen(function*() {
      const Readings = Topic.make("readings", { schema: Schema.Record(Schema.String, Schema.Number) })
      const one = yield* Readings.encode({ a: 1, b: 2 })
      const two = yield* Readings.encode({ b: 2, a: 1.0 })
      const three = yield* Readings.encode({ a: 1, b: 3 })
      assert.strictEqual(one.id, two.id)
      assert.notStrictEqual(one.id, three.id)
      assert.isFalse(one.keyed)
    }))

  it.effect("has an id of its own each time where the topic says random", () =>
    Effect.gen(function*() {
      const Pings = Topic.make("pings", { schema: Schema.String, id: "random" })
      const ids = yield* Effect.forEach(["x", "x", "x"], (value) => Effect.map(Pings.encode(value), (m) => m.id))
      assert.strictEqual(new Set(ids).size, 3)
    }))

  it.effect("takes the id that the caller gives", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* Payments.encode(payment("p1"), { id: "request-7" })).id, "request-7")
    }))

  it.effect("carries the current span, unless the caller says which", () =>
    Effect.gen(function*() {
      const traced = Effect.gen(function*() {
        const span = yield* Effect.currentSpan
        const message = yield* Payments.encode(payment("p1"), { headers: { tenant: "x" } })
        assert.deepStrictEqual(message.headers, { tenant: "x", traceparent: `00-${span.traceId}-${span.spanId}-01` })
        const given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
        const other = yield* Payments.encode(payment("p1"), { headers: { traceparent: given } })
        assert.deepStrictEqual(other.headers, { traceparent: given })
      })
      yield* Effect.withSpan(traced, "request")
      assert.deepStrictEqual((yield* Payments.encode(payment("p1"))).headers, {})
    }))

  it.effect("that does not fit the schema is refused, without being shown", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Topic.publish(Payments, { ...payment("p1"), cents: 1.5 }))
      assert.strictEqual(error._tag, "EncodeFailed")
      assert.include(error.message, "cents")
      assert.include(error.message, "Nothing was published")
      assert.deepStrictEqual(yield* published(Payments), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is refused when its key or id function throws, and the error says which of them", () =>
    Effect.gen(function*() {
      const fail = () => {
        throw new Error("no account")
      }
      for (const field of ["key", "id", "headers"]) {
        const Broken = Topic.make("broken", { schema: Schema.String, [field]: fail })
        const error = yield* Effect.flip(Topic.publish(Broken, "x"))
        assert.strictEqual(error._tag, "EncodeFailed")
        assert.include(error.message, `${field} function failed: Error: no account`)
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is refused when its key or id function returns no text, as untyped data makes it", () =>
    Effect.gen(function*() {
      const Loose = { schema: Schema.Struct({ id: Schema.optionalKey(Schema.String) }) }
      for (const field of ["key", "id"]) {
        const topic = Topic.make("loose", {
          ...Loose,
          [field]: (value: { readonly id?: string }) => value.id as string
        })
        const error = yield* Effect.flip(Topic.publish(topic, {}))
        assert.strictEqual(error._tag, "EncodeFailed")
        assert.include(error.message, `${field} function returned nothing, not a string`)
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is refused when its key, id or headers function is async, and the rejection ends no process", () =>
    Effect.gen(function*() {
      for (const field of ["key", "id", "headers"]) {
        for (const f of [async () => "k", () => Promise.reject(new Error("late"))]) {
          const error = yield* Effect.flip(
            Topic.publish(Topic.make("async", { schema: Schema.String, id: "random", [field]: f }), "x")
          )
          assert.strictEqual(error._tag, "EncodeFailed")
          assert.include(error.message, `its ${field} function is async: it returned a promise`)
        }
      }
      // An unhandled rejection would fail this file.
      yield* TestClock.withLive(Effect.sleep(1))
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("carries the headers that its topic derives; those of the publish win", () =>
    Effect.gen(function*() {
      const Tenants = Topic.make("tenants", { schema: Schema.String, headers: (tenant) => ({ tenant, kind: "topic" }) })
      const message = yield* Tenants.encode("x", { headers: { kind: "publish" } })
      assert.deepStrictEqual(message.headers, { tenant: "x", kind: "publish" })
    }))

  it.effect("is refused with a key or id that no store could keep", () =>
    Effect.gen(function*() {
      const Raw = Topic.make("raw", { schema: Schema.String, key: (text) => text, id: "random" })
      for (const bad of ["", "a\0", "\ud800", "k".repeat(513)]) {
        const error = yield* Effect.flip(Topic.publish(Raw, bad))
        assert.deepInclude(error, { _tag: "InvalidMessage", field: "key", topic: "raw" })
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("may hold NUL and lone surrogates: JSON escapes them, and they come back as they were", () =>
    Effect.gen(function*() {
      const Raw = Topic.make("raw", { schema: Schema.String, id: "random" })
      for (const text of ["a\0b", "\ud800", "\u2028", "</script>"]) {
        const message = yield* Raw.encode(text)
        assert.isTrue(message.payload.isWellFormed() && !message.payload.includes("\0"))
        assert.strictEqual(yield* Raw.decode(message), text)
      }
    }))

  it.effect("with numbers beyond JSON comes back as it was", () =>
    Effect.gen(function*() {
      const Numbers = Topic.make("numbers", { schema: Schema.Array(Schema.Union([Schema.Number, Schema.BigInt])) })
      const values = [Infinity, -Infinity, 2 ** 53, 1e-7, 12345678901234567890n]
      assert.deepStrictEqual(yield* Numbers.decode(yield* Numbers.encode(values)), values)
    }))
})

describe("a topic", () => {
  it.effect.each(["", " ", "a b", "-a", ".a", "a\0", "é", "a;drop table messages", "a".repeat(201), "a\n"])(
    "with the unusable name %j refuses its first use",
    (name) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(Topic.publish(Topic.make(name, { schema: Schema.String }), "x"))
        assert.deepInclude(error, { _tag: "InvalidName", kind: "topic", got: name })
        assert.match(error.message, /^A topic name has letters, .*Nothing was done/)
        const other = yield* Effect.flip(
          Worker.drain(Pipeline.from(Topic.make(name, { schema: Schema.String }), { consumer: "c" }))
        )
        assert.strictEqual(other._tag, "InvalidName")
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect.each(["a", "0", "orders.v1/eu_west-2", "a".repeat(200)])(
    "may be called %s",
    (name) =>
      Effect.gen(function*() {
        const topic = Topic.make(name, { schema: Schema.String })
        yield* Topic.publish(topic, "x")
        assert.lengthOf(yield* published(topic), 1)
      }).pipe(Effect.provide(Memory.layer))
  )
})

describe("many values published together", () => {
  it.effect("keep their order, and their ids are answered in it", () =>
    Effect.gen(function*() {
      const values = Array.from({ length: 2_000 }, (_, i) => payment(`p${i}`, i))
      const ids = yield* Topic.publishAll(Payments, values)
      assert.deepStrictEqual(ids, values.map((value) => value.id))
      assert.deepStrictEqual((yield* published(Payments)).map((message) => message.id), ids)
      assert.deepStrictEqual(yield* Topic.publishAll(Payments, []), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("are published all or not at all: one bad value refuses the others too", () =>
    Effect.gen(function*() {
      const bad = [payment("p1"), { ...payment("p2"), cents: 0.5 }, payment("p3")]
      assert.strictEqual((yield* Effect.flip(Topic.publishAll(Payments, bad)))._tag, "EncodeFailed")
      const long = [payment("p1"), payment("p".repeat(513)), payment("p3")]
      assert.strictEqual((yield* Effect.flip(Topic.publishAll(Payments, long)))._tag, "InvalidMessage")
      assert.deepStrictEqual(yield* published(Payments), [])
    }).pipe(Effect.provide(Memory.layer)))
})

describe("publishing inside a transaction of the store", () => {
  it.effect("shows nothing before the commit, and nothing ever if it fails", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const failed = yield* Effect.exit(store.transact(Effect.gen(function*() {
        yield* Topic.publish(Payments, payment("p1"))
        return yield* Effect.fail("no")
      })))
      assert.strictEqual(failed._tag, "Failure")
      yield* store.transact(Topic.publish(Payments, payment("p2")))
      assert.deepStrictEqual((yield* published(Payments)).map((message) => message.id), ["p2"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("commits by itself where there is no transaction", () =>
    Effect.gen(function*() {
      yield* Effect.exit(Effect.andThen(Topic.publish(Payments, payment("p1")), Effect.fail("later")))
      assert.lengthOf(yield* published(Payments), 1)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a payload of another writer", () => {
  const decode = Effect.fnUntraced(function*(payload: string, version = 1) {
    const message = yield* Effect.orDie(Message.make({ id: "m1", topic: "payments", key: "a", payload, version }))
    return yield* Payments.decode(message)
  })

  it.effect.each([
    { what: "no JSON", payload: "{\"id\":" },
    { what: "an empty text", payload: "" },
    { what: "another shape", payload: "{\"id\":1,\"account\":\"a\",\"cents\":1}" },
    { what: "a missing field", payload: "{\"id\":\"p\",\"account\":\"a\"}" },
    { what: "null", payload: "null" },
    { what: "a number beyond all numbers", payload: "{\"id\":\"p\",\"account\":\"a\",\"cents\":1e400}" },
    { what: "a whole number that no double holds", payload: "{\"id\":\"p\",\"account\":\"a\",\"cents\":1e30}" },
    { what: "a date that is none", payload: "{\"id\":\"p\",\"account\":\"a\",\"cents\":1,\"at\":\"soon\"}" },
    { what: "arrays nested 100,000 deep", payload: "[".repeat(100_000) + "]".repeat(100_000) },
    { what: "objects nested 10,000 deep", payload: "{\"a\":".repeat(10_000) + "1" + "}".repeat(10_000) }
  ])("is refused with a typed error when it is $what", ({ payload }) =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(decode(payload))
      assert.deepInclude(error, { _tag: "DecodeFailed", topic: "payments", id: "m1", version: 1 })
      assert.isAtLeast(error.issue.length, 5)
      assert.isAtMost(error.issue.length, 500)
      assert.notInclude(error.message, "undefined")
    }))

  it.effect("is refused when a newer version wrote it, and read when an older one did", () =>
    Effect.gen(function*() {
      const good = JSON.stringify(payment("p"))
      const error = yield* Effect.flip(decode(good, 2))
      assert.include(error.message, "version 2")
      assert.include(error.issue, "up to 1")
      const Second = Topic.make("payments", { schema: Payments.schema, version: 2 })
      const old = yield* Message.make({ id: "m", topic: "payments", payload: good, version: 1 })
      assert.deepStrictEqual(yield* Second.decode(old), payment("p"))
      assert.strictEqual((yield* Second.encode(payment("p"))).version, 2)
    }))

  it.effect("cannot plant a prototype", () =>
    Effect.gen(function*() {
      const value = yield* decode("{\"id\":\"p\",\"account\":\"a\",\"cents\":1,\"__proto__\":{\"admin\":true}}")
      assert.isUndefined((value as { admin?: boolean }).admin)
      assert.strictEqual(Object.getPrototypeOf(value), Object.prototype)
      const Open = Topic.make("open", { schema: Schema.Record(Schema.String, Schema.Json), id: "random" })
      const planted = yield* Message.make({ id: "m", topic: "open", payload: "{\"__proto__\":{\"admin\":true}}" })
      const record = yield* Effect.exit(Open.decode(planted))
      if (record._tag === "Success") assert.isUndefined((record.value as { admin?: boolean }).admin)
    }))
})

describe("values that JSON can hardly hold", () => {
  const Anything = Topic.make("anything", { schema: Schema.Unknown })
  let deep: unknown = 1
  for (let i = 0; i < 10_000; i++) deep = [deep]
  const circular: Record<string, unknown> = {}
  circular["self"] = circular

  it.effect.each([
    { what: "nested 10,000 deep", value: deep },
    { what: "circular", value: circular },
    { what: "a bigint", value: 1n },
    { what: "a function", value: () => 1 },
    { what: "a symbol", value: Symbol("s") },
    { what: "undefined", value: undefined }
  ])("are stored or refused with a typed error, never a crash: $what", ({ value }) =>
    Effect.gen(function*() {
      const result = yield* Effect.result(Anything.encode(value))
      if (result._tag === "Failure") assert.include(["EncodeFailed", "InvalidMessage"], result.failure._tag)
      else JSON.parse(result.success.payload)
    }))

  it.effect("never share an id made of content unless they are stored as the same", () =>
    Effect.gen(function*() {
      const one = yield* Effect.result(Anything.encode(new Date(0)))
      const two = yield* Effect.result(Anything.encode(new Date(1)))
      if (one._tag === "Failure" || two._tag === "Failure") return
      assert.notStrictEqual(one.success.id, two.success.id)
    }))
})
