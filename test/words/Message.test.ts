// The envelope's limits: what is refused, with the field's name, and what is kept as it is.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import * as Message from "../../src/Message.ts"

type Fields = Parameters<typeof Message.make>[0]
const fields: Fields = { id: "id-1", topic: "payments", key: "account-1", payload: "{}" }

const refused = (changes: Partial<Fields>) => Effect.flip(Message.make({ ...fields, ...changes }))
const kept = (changes: Partial<Fields>) => Message.make({ ...fields, ...changes })
const headers = (count: number, value = "") =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`h${String(i).padStart(3, "0")}`, value]))

describe("a message", () => {
  it.effect("without a key is its own key, so that it waits for no other", () =>
    Effect.gen(function*() {
      const keyless = yield* Message.make({ id: "a", topic: "t", payload: "1" })
      assert.deepStrictEqual([keyless.key, keyless.keyed], ["a", false])
      const keyed = yield* Message.make({ id: "a", topic: "t", key: "a", payload: "1" })
      assert.deepStrictEqual([keyed.key, keyed.keyed], ["a", true])
      assert.deepStrictEqual([keyed.version, keyed.publishedAt, keyed.headers], [1, 0, {}])
    }))

  it.effect.each([
    { field: "id", unit: "a", most: 512 },
    { field: "id", unit: "é", most: 256 },
    { field: "id", unit: "😀", most: 128 },
    { field: "key", unit: "a", most: 512 },
    { field: "key", unit: "€", most: 170 },
    { field: "payload", unit: "a", most: 1_048_576 },
    { field: "payload", unit: "é", most: 524_288 },
    { field: "payload", unit: "😀", most: 262_144 }
  ])("keeps a $field of $most times '$unit', and refuses one more", ({ field, most, unit }) =>
    Effect.gen(function*() {
      const full = yield* kept({ [field]: unit.repeat(most) })
      assert.strictEqual(full[field as "id"], unit.repeat(most))
      yield* kept({ [field]: unit })
      const error = yield* refused({ [field]: unit.repeat(most + 1) })
      assert.strictEqual(error.field, field)
      assert.include(error.message, "bytes")
    }))

  it.effect.each(["id", "key"])("is refused with an empty %s", (field) =>
    Effect.gen(function*() {
      const error = yield* refused({ [field]: "" })
      assert.strictEqual(error.field, field)
      assert.include(error.problem, "empty")
    }))

  it.effect("keeps 64 headers and refuses 65", () =>
    Effect.gen(function*() {
      assert.lengthOf(Object.keys((yield* kept({ headers: headers(64) })).headers), 64)
      assert.strictEqual((yield* refused({ headers: headers(65) })).field, "headers")
    }))

  it.effect("keeps 16 KiB of header names and values together, counted in UTF-8, and refuses one byte more", () =>
    Effect.gen(function*() {
      yield* kept({ headers: { a: "x".repeat(16_383) } })
      assert.strictEqual((yield* refused({ headers: { a: "x".repeat(16_384) } })).field, "headers")
      yield* kept({ headers: { "é": "é".repeat(8_191) } })
      assert.strictEqual((yield* refused({ headers: { "é": "é".repeat(8_192) } })).field, "headers")
      yield* kept({ headers: headers(64, "x".repeat(252)) })
      assert.strictEqual((yield* refused({ headers: headers(64, "x".repeat(253)) })).field, "headers")
    }))

  it.effect.each([
    { what: "a NUL", text: "a\0b" },
    { what: "half of a surrogate pair", text: "a\ud83d" },
    { what: "the other half alone", text: "\ude00b" }
  ])("is refused with $what in any of its texts", ({ text }) =>
    Effect.gen(function*() {
      for (const field of ["id", "key", "payload"]) {
        const error = yield* refused({ [field]: text })
        assert.strictEqual(error.field, field)
        assert.notInclude(error.message, "undefined")
      }
      assert.strictEqual((yield* refused({ headers: { ok: text } })).field, "headers.ok")
      assert.strictEqual((yield* refused({ headers: { [text]: "ok" } })).field, `headers.${text}`)
    }))

  it.effect("is refused with a header that is no text, as code without types can send it", () =>
    Effect.gen(function*() {
      for (const value of [1, null, undefined, {}, ["a"]]) {
        const error = yield* refused({ headers: { retries: value as never } })
        assert.strictEqual(error.field, "headers.retries")
      }
    }))

  it.effect("that is refused says which one, cut to 64 characters, and never shows its payload", () =>
    Effect.gen(function*() {
      const error = yield* refused({ id: "i".repeat(600), payload: "canary-secret" })
      assert.strictEqual(error.id, "i".repeat(64))
      assert.notInclude(error.message, "canary-secret")
      assert.notInclude((yield* refused({ payload: "canary-secret\0" })).message, "canary-secret")
    }))
})

const texts = Arbitrary.schema(Schema.String)
const odd = Arbitrary.map(texts, (text) => text.replaceAll("a", "\0").replaceAll("b", "\ud83d").replaceAll("c", "😀"))

it.effect.prop(
  "a text is kept exactly if Postgres could keep it: not empty, no NUL, well-formed, within its bytes",
  { text: odd, times: Schema.Literals([1, 40, 130, 300]) },
  ({ text, times }) =>
    Effect.gen(function*() {
      const id = text.repeat(times)
      const storable = id !== "" && !/\0/.test(id) && new TextDecoder().decode(new TextEncoder().encode(id)) === id
      const exit = yield* Effect.exit(kept({ id }))
      // The decoder drops a byte order mark, which is storable.
      if (!id.startsWith("\ufeff")) {
        assert.strictEqual(exit._tag === "Success", storable && new TextEncoder().encode(id).length <= 512)
      }
    }),
  { arbitrary: { runs: 500 } }
)

describe("the trace of a message", () => {
  const traced = (traceparent: string) =>
    Effect.map(kept({ headers: { traceparent } }), (message) => Message.traceContext(message))

  it.effect("is that of the span which published it", () =>
    Effect.gen(function*() {
      const trace = yield* traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
      assert.deepStrictEqual(
        trace,
        Option.some({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled: true })
      )
      const unsampled = yield* traced("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")
      assert.isFalse(Option.getOrThrow(unsampled).sampled)
    }))

  it.effect("is absent where the header is absent or is none", () =>
    Effect.gen(function*() {
      assert.isTrue(Option.isNone(Message.traceContext(yield* kept({}))))
      for (const bad of ["", "00", "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-XYZ-1-01"]) {
        assert.isTrue(Option.isNone(yield* traced(bad)), bad)
      }
    }))
})
