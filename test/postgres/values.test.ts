/**
 * Hostile values on their way through a real database. Each is stored exactly, or refused at publish with a typed
 * error. None of them crashes a worker or stops a queue.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Exit, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { SqlClient } from "effect/sql"
import { DeadLetters, Errors, Message, Pipeline, Store, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { freshSchema, postgres } from "./kit.ts"

const schema = freshSchema()

const Values = Topic.make("values", {
  schema: Schema.Struct({ key: Schema.String, id: Schema.String, value: Schema.Unknown }),
  key: (one) => one.key,
  id: (one) => one.id
})
type Value = (typeof Values)["schema"]["Type"]

/** Publishes, and processes the waiting messages. Returns what the handler saw, by id. */
const through = (consumer: string, given: ReadonlyArray<Value>) =>
  Effect.gen(function*() {
    const seen = new Map<string, Value>()
    const reading = Pipeline.from(Values, { consumer }).pipe(
      Pipeline.map((value) => {
        seen.set(value.id, value)
        return value
      }),
      Pipeline.commitSql((value, sql) =>
        sql`select ${value.id}::text, ${value.key}::text, ${JSON.stringify(value)}::text`
      )
    )
    yield* Worker.drain(reading)
    const exits = yield* Effect.forEach(given, (value) => Effect.exit(Topic.publish(Values, value)))
    yield* Worker.drain(reading)
    return { seen, exits }
  })

const nested = (depth: number): unknown => {
  let value: unknown = "bottom"
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const hostile: Readonly<Record<string, unknown>> = {
  "NUL": "a\0b",
  "a lone surrogate": "\ud83d",
  "a lone low surrogate": "\udc00x",
  "__proto__": JSON.parse(`{"__proto__": {"polluted": true}, "constructor": 1}`),
  "1e400": Number("1e400"),
  "-0": -0,
  "beyond 2^53": 9007199254740993n.toString(),
  "2^53 + 1 as a number": 9007199254740992,
  "depth 1,000": nested(1000),
  "depth 10,000": nested(10_000),
  "right-to-left and control characters": "\u202eabc\u200f\u0007\u001b[31m",
  "quotes": `'; drop table messages; -- " \\ $1 %s {0}`,
  "nothing": null
}

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true, timeout: 60_000 })(
  "a hostile value",
  (it) => {
    it.effect("is stored exactly, or refused at publish with a typed error; the queue continues", () =>
      Effect.gen(function*() {
        const given = Object.entries(hostile).map(([id, value]) => ({ key: "k", id, value }))
        const { exits, seen } = yield* through("hostile", [...given, { key: "k", id: "last", value: 0 }])
        for (const [i, one] of given.entries()) {
          const exit = exits[i]!
          if (Exit.isSuccess(exit)) {
            // As JSON has it: that is what a message is.
            assert.strictEqual(JSON.stringify(seen.get(one.id)?.value), JSON.stringify(one.value), one.id)
          } else {
            const error = yield* Effect.flip(exit)
            assert.include(["EncodeFailed", "InvalidMessage"], error._tag, one.id)
            assert.isFalse(seen.has(one.id))
          }
        }
        assert.isTrue(seen.has("last"))
        assert.isUndefined(({} as { polluted?: unknown }).polluted)
        assert.deepStrictEqual(yield* DeadLetters.list({ consumer: "hostile" }), [])
      }))

    const hostileText = Arbitrary.map(
      Arbitrary.schema(Schema.String),
      (text) =>
        text.replaceAll("a", "\0").replaceAll("b", "\ud83d").replaceAll("c", "😀").replaceAll("d", "'").replaceAll(
          "e",
          "\\"
        )
    )
    const texts = Arbitrary.array(hostileText, { minLength: 1, maxLength: 20 })
    it.effect.prop(
      "as key or id comes back as it was, or is refused by name",
      { keys: texts, ids: texts },
      ({ ids, keys }) =>
        Effect.gen(function*() {
          const distinct = [...new Set(ids)].map((id, i) => ({ key: keys[i % keys.length]!, id, value: id }))
          const { exits, seen } = yield* through(`texts-${crypto.randomUUID()}`, distinct)
          for (const [i, one] of distinct.entries()) {
            const exit = exits[i]!
            if (Exit.isSuccess(exit)) assert.deepStrictEqual(seen.get(one.id), one)
            else assert.strictEqual((yield* Effect.flip(exit))._tag, "InvalidMessage")
          }
        }),
      { arbitrary: { runs: 30 } }
    )

    it.effect("key of 512 bytes is stored, an empty one and one of 513 bytes are refused", () =>
      Effect.gen(function*() {
        const max = Message.limits.idBytes
        const keys = ["é".repeat(max / 2), "", "x".repeat(max + 1)]
        const { exits, seen } = yield* through("keys", keys.map((key, i) => ({ key, id: `key${i}`, value: key })))
        assert.deepStrictEqual(exits.map((exit) => exit._tag), ["Success", "Failure", "Failure"])
        assert.strictEqual(seen.get("key0")?.value, keys[0])
      }))

    it.effect.prop(
      "as the name of a topic or a consumer is data, never SQL",
      [Arbitrary.schema(Schema.String)],
      ([text]) =>
        Effect.gen(function*() {
          const sql = yield* SqlClient.SqlClient
          for (const name of [text, `x'; drop table "${schema}".messages; --`, `"${text}`]) {
            const exit = yield* Effect.exit(Worker.drain(Pipeline.from(Values, { consumer: name })))
            if (Exit.isFailure(exit)) assert.instanceOf(yield* Effect.flip(exit), Errors.InvalidName)
          }
          yield* sql`select 1 from ${sql(`${schema}.messages`)} limit 1`
        }),
      { arbitrary: { runs: 30 } }
    )

    it.effect("written past the library, as payload or headers, becomes a dead letter alone", () =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const store = yield* Store.Store
        const consumer = "by-hand"
        const { seen } = yield* through(consumer, [{ key: "k", id: "first", value: 0 }])
        yield* store.outbox.write(
          yield* Effect.forEach(
            ["1e400", "[", "{\"key\":1}", "\"\\u0000\"", "9".repeat(400), "[".repeat(10_000)],
            (payload, i) => Message.make({ topic: "values", id: `raw${i}`, key: `k${i}`, payload })
          )
        )
        yield* sql`update ${sql(`${schema}.messages`)} set headers = 'no json' where id = 'raw0'`
        const after = yield* through(consumer, [{ key: "k0", id: "after", value: 0 }])
        assert.isTrue(seen.has("first") && after.seen.has("after"))
        const deadLetters = yield* DeadLetters.list({ consumer })
        assert.isAtLeast(deadLetters.length, 5)
        assert.isTrue(deadLetters.every((deadLetter) => deadLetter.reason === "undecodable"))
      }))
  }
)
