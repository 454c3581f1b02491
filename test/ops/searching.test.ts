/** Searches of dead letters by version, text and payload on both engines: what they find, and how far they look. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { DeadLetterSearch, type FailureQuery, Operations } from "millrace/ops"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"
import { writeDead, writeMany } from "./deadRows.ts"

const schema = freshSchema()
const engines = [
  ["postgres", postgres(inject("databaseUrl"), { retention: false }, schema), 20_000],
  ["pglite", pglite({ schema, retention: false }), 2_000]
] as const

const search = Effect.fnUntraced(function*(consumer: string, asked: DeadLetterSearch.DeadLetterSearch) {
  const { searchDeadLetters } = yield* Operations.Operations
  const found = yield* searchDeadLetters({ consumer, ...asked })
  return { ...found, ids: found.deadLetters.map(({ message }) => message.id.slice(consumer.length + 1)) }
})

const value = (text: string) => Result.getOrThrow(DeadLetterSearch.payloadValue(text))

for (const [engine, services, most] of engines) {
  layer(Operations.layer({ schema }).pipe(Layer.provideMerge(services)), {
    excludeTestServices: true,
    timeout: 60_000
  })(
    `a search of dead letters on ${engine}`,
    (it) => {
      it.effect("finds a text in payload, key, id and attempts, in any case and with any character", () =>
        Effect.gen(function*() {
          yield* writeDead(schema, "texts", [
            { id: "payload", payload: `{"bank":"Sparkasse 100%"}` },
            { id: "error", message: "the bank said \"no\"\nand C:\\temp" },
            { id: "other", payload: `{"bank":"1000"}` }
          ])
          assert.deepStrictEqual((yield* search("texts", { text: "SPARKASSE" })).ids, ["payload"])
          assert.deepStrictEqual((yield* search("texts", { text: "100%" })).ids, ["payload"])
          assert.deepStrictEqual((yield* search("texts", { text: "said \"no\"" })).ids, ["error"])
          assert.deepStrictEqual((yield* search("texts", { text: "C:\\TEMP" })).ids, ["error"])
          assert.deepStrictEqual((yield* search("texts", { text: "key of o" })).ids, ["other"])
          assert.deepStrictEqual((yield* search("texts", { text: "texts-pay" })).ids, ["payload"])
          assert.deepStrictEqual((yield* search("texts", { text: "1_00" })).ids, [])
          yield* writeDead(schema, "texts", [{ id: "umlaut", payload: `{"bank":"Köln"}` }])
          assert.deepStrictEqual((yield* search("texts", { text: "bank\":\"Köln" })).ids, ["umlaut"])
        }))

      it.effect("finds the version that a message died on, in the states that are asked for", () =>
        Effect.gen(function*() {
          yield* writeDead(schema, "versions", [{ id: "a" }, { id: "b", version: "1.4.3" }, {
            id: "c",
            state: "discarded"
          }])
          assert.deepStrictEqual((yield* search("versions", { version: "1.4.2" })).ids, ["c", "a"])
          assert.deepStrictEqual((yield* search("versions", { version: "1.4.2", state: "open" })).ids, ["a"])
          assert.isUndefined((yield* search("versions", { version: "1.4.3" })).looked)
        }))

      it.effect("finds a value in a payload, with every digit, beside payloads that are no JSON", () =>
        Effect.gen(function*() {
          yield* writeDead(schema, "payloads", [
            { id: "number", payload: `{"n":12345678901234567890,"bank":{"code":51}}` },
            { id: "near", payload: `{"n":12345678901234567891,"bank":{"code":"52"}}` },
            { id: "list", payload: `{"lines":[{"sku":"a:7"},{"sku":null}]}` },
            { id: "broken", payload: `{"n":1234567890123456789` },
            { id: "nul", payload: `{"n":"\\u0000"}` }
          ])
          const find = (text: string) => Effect.map(search("payloads", { payload: value(text) }), ({ ids }) => ids)
          assert.deepStrictEqual(yield* find("n:12345678901234567890"), ["number"])
          assert.deepStrictEqual(yield* find("bank.code:52"), ["near"])
          assert.deepStrictEqual(yield* find("lines.0.sku:a:7"), ["list"])
          assert.deepStrictEqual(yield* find("lines.1.sku:null"), ["list"])
          assert.deepStrictEqual(yield* find("bank:null"), [])
          const both = yield* search("payloads", { payload: value("bank.code:51"), text: "678901234567890" })
          assert.deepStrictEqual([both.ids, both.looked, both.next], [["number"], 5, undefined])
        }))

      it.effect("says how far it looked, and looks further without a gap", () =>
        Effect.gen(function*() {
          yield* writeDead(schema, "further", [{ id: "oldest", payload: `{"find":"me"}` }])
          yield* writeMany(schema, "further", most)
          const first = yield* search("further", { text: "\"find\":\"me\"" })
          assert.deepStrictEqual([first.ids, first.looked], [[], most])
          const further = yield* search("further", { text: "\"find\":\"me\"", before: first.next })
          assert.deepStrictEqual([further.ids, further.looked, further.next], [["oldest"], 1, undefined])
          const two = yield* search("further", { text: "further-", limit: 2 })
          assert.deepStrictEqual([two.ids, two.looked], [[`${most}`, `${most - 1}`], 2])
          const next = yield* search("further", { text: "further-", limit: 1, before: two.next })
          assert.deepStrictEqual(next.ids, [`${most - 2}`])
          const { failures } = yield* Operations.Operations
          const counts = (query: FailureQuery) =>
            Effect.map(failures({ consumer: "further", ...query }), (all) => all.map(({ deadLetters }) => deadLetters))
          // The oldest one is not among those that are looked at, and it would belong to the group.
          assert.deepStrictEqual(yield* counts({ text: "further-" }), [{ value: most, kind: "atLeast" }])
          assert.deepStrictEqual(yield* counts({ id: "further-oldest" }), [{ value: 1, kind: "exact" }])
        }))

      it.effect("ends at a number of bytes when payloads are large, and looks further from there", () =>
        Effect.gen(function*() {
          const large = `"${"x".repeat(1_000_000)}"`
          yield* writeDead(schema, "bytes", [{ id: "small" }, { id: "older", payload: large }])
          yield* writeDead(schema, "bytes", Array.from({ length: 34 }, (_, n) => ({ id: `${n}`, payload: large })))
          const first = yield* search("bytes", { text: "bytes-older" })
          assert.deepStrictEqual([first.ids, first.looked], [[], 34])
          const further = yield* search("bytes", { text: "bytes-older", before: first.next })
          assert.deepStrictEqual([further.ids, further.looked, further.next], [["older"], 2, undefined])
        }))

      it.effect("counts to 10,000, or all in the time that it gets, and says which", () =>
        Effect.gen(function*() {
          const { count } = yield* Operations.Operations
          yield* writeMany(schema, "counted", 10_001)
          yield* writeDead(schema, "counted", [{ id: "a", version: "1.4.3" }, { id: "b", state: "resolved" }])
          const listed = (filter: object) => ({
            of: "deadLetters" as const,
            filter: { consumer: "counted", ...filter }
          })
          assert.deepStrictEqual(yield* count(listed({})), { value: 10_000, kind: "atLeast" })
          assert.deepStrictEqual(yield* count(listed({ version: "1.4.3" })), { value: 1, kind: "exact" })
          assert.deepStrictEqual(yield* count(listed({ state: "resolved" })), { value: 1, kind: "exact" })
          const [all, cut] = [
            yield* count(listed({}), { exactWithin: "10 seconds" }),
            yield* count(listed({}), { exactWithin: 1 })
          ]
          // PGlite has one session, so an exact count would keep it from all others.
          assert.deepStrictEqual(
            all,
            engine === "postgres" ? { value: 10_003, kind: "exact" } : { value: 10_000, kind: "atLeast" }
          )
          assert.deepStrictEqual(cut, { value: 10_000, kind: "atLeast" })
        }))
    }
  )
}

describe("a value in a payload", () => {
  it("is read up to the first colon, and refused without a path", () => {
    assert.deepStrictEqual(value("lines.0.sku:a:7"), { path: ["lines", "0", "sku"], value: "a:7" })
    for (const bad of ["", ":51", "code", "a..b:1", `${"a.".repeat(64)}a:1`]) {
      assert.isTrue(Result.isFailure(DeadLetterSearch.payloadValue(bad)), bad)
    }
  })
})
