/** Searches of dead letters by version, text and payload on both engines: what they find, and how far they look. */
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { SqlClient } from "effect/sql"
import { type DeadLetter } from "millrace"
import { DeadLetterSearch, Operations } from "millrace/ops"
import { inject } from "vitest"
import { freshSchema, postgres, register } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

const schema = freshSchema()
const engines = [
  ["postgres", postgres(inject("databaseUrl"), { retention: false }, schema), 20_000],
  ["pglite", pglite({ schema, retention: false }), 2_000]
] as const

const attempts = (message: string) =>
  JSON.stringify([{ attempt: 1, at: 1, tag: "Declined", error: { code: "51" }, message, stack: "", step: "steps" }])

interface Row {
  readonly id: string
  readonly payload?: string
  readonly message?: string
  readonly version?: string
  readonly state?: DeadLetter.State
}

/** Writes dead letters of a consumer of its own, oldest first. */
const write = Effect.fnUntraced(function*(consumer: string, rows: ReadonlyArray<Row>) {
  const sql = yield* SqlClient.SqlClient
  yield* register({ consumer, lanes: 4 })
  for (const { id, message = "declined", payload = "{}", state = "open", version = "1.4.2" } of rows) {
    yield* sql`insert into ${
      sql(`${schema}.dead_letters`)
    } (queue_id, lane, seq, message_id, topic, key, keyed, payload,
        headers, version, published_at, reason, parked, attempts, tag, fingerprint, code_version, state)
      select id, 0, 0, ${`${consumer}-${id}`}, 't', ${`key of ${id}`}, true, ${payload}, '{}', 1, now(), 'exhausted', false,
        ${attempts(message)}, 'Declined', 'Declined@steps', ${version}, ${state}
      from ${sql(`${schema}.consumers`)} where name = ${consumer}`
  }
})

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
          yield* write("texts", [
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
        }))

      it.effect("finds the version that a message died on, in the states that are asked for", () =>
        Effect.gen(function*() {
          yield* write("versions", [{ id: "a" }, { id: "b", version: "1.4.3" }, { id: "c", state: "discarded" }])
          assert.deepStrictEqual((yield* search("versions", { version: "1.4.2" })).ids, ["c", "a"])
          assert.deepStrictEqual((yield* search("versions", { version: "1.4.2", state: "open" })).ids, ["a"])
          assert.isUndefined((yield* search("versions", { version: "1.4.3" })).looked)
        }))

      it.effect("finds a value in a payload, with every digit, beside payloads that are no JSON", () =>
        Effect.gen(function*() {
          yield* write("payloads", [
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
          yield* write("further", [{ id: "oldest", payload: `{"find":"me"}` }])
          const sql = yield* SqlClient.SqlClient
          yield* sql`insert into ${
            sql(`${schema}.dead_letters`)
          } (queue_id, lane, seq, message_id, topic, key, keyed, payload,
              headers, version, published_at, reason, parked, attempts, tag, fingerprint)
            select queue_id, 0, 0, 'further-' || n, 't', 'k', true, '{}', '{}', 1, now(), 'exhausted', false, '[]', 'T', 'f'
            from generate_series(1, ${most}::int) n, ${
            sql(`${schema}.dead_letters`)
          } d where d.message_id = 'further-oldest'`
          const first = yield* search("further", { text: "\"find\":\"me\"" })
          assert.deepStrictEqual([first.ids, first.looked], [[], most])
          const further = yield* search("further", { text: "\"find\":\"me\"", before: first.next })
          assert.deepStrictEqual([further.ids, further.looked, further.next], [["oldest"], 1, undefined])
          const two = yield* search("further", { text: "further-", limit: 2 })
          assert.deepStrictEqual([two.ids, two.looked], [[`${most}`, `${most - 1}`], 2])
          const next = yield* search("further", { text: "further-", limit: 1, before: two.next })
          assert.deepStrictEqual(next.ids, [`${most - 2}`])
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
