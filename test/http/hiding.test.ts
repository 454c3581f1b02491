/** Values of payloads that the server hides, and a database role that may only read. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Retry, Topic, Worker } from "millrace"
import { inject } from "vitest"
import * as Grants from "../../src/postgres/sql/grants.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"
import { api, ask, post, secrets, server } from "./httpKit.ts"

const Cards = Topic.make("cards", {
  schema: Schema.Struct({ id: Schema.String, card: Schema.Struct({ pan: Schema.String }), cents: Schema.Finite }),
  key: ({ id }) => id,
  id: ({ id }) => id
})

const Pairs = Topic.make("pairs", {
  schema: Schema.Struct({ first: Schema.String, second: Schema.String }),
  key: ({ first }) => first,
  id: () => "p-1"
})

class Refused extends Schema.TaggedError<Refused>()("Refused", { pan: Schema.String }) {
  override get message() {
    return `The card ${this.pan} was refused.`
  }
}

const pan = "4111-2222-3333"

/** The redriven message waits. Its payload is shown on request, without the hidden value. */
const storedHides = Effect.gen(function*() {
  const waits = yield* api("/messages/c-1/stored")
  assert.notInclude(waits.text, pan)
  const [{ attempts, hidden, message }] = waits.json.data.messages
  assert.deepStrictEqual([attempts, message.payload, hidden], [[], undefined, ["$.card.pan"]])
  const asked = yield* api("/messages/c-1/stored?payload=true")
  assert.notInclude(asked.text, pan)
  assert.strictEqual(
    asked.json.data.messages[0].message.payload,
    `{"id":"c-1","card":{"pan":"[hidden 1]"},"cents":2}`
  )
})

layer(
  server({ hide: ["$.card.pan", "$.first", "$.second"], payloads: "onRequest", topics: [Cards, Pairs] }).pipe(
    Layer.provideMerge(pglite())
  ),
  { excludeTestServices: true, timeout: 120_000 }
)("a hidden value is", (it) => {
  it.effect("in no answer, and stays when the payload is edited", () =>
    Effect.gen(function*() {
      let fails = true
      const pipeline = Pipeline.from(Cards, { consumer: "cards" }).pipe(
        Pipeline.tap(({ card }) => fails ? Effect.fail(new Refused({ pan: card.pan })) : Effect.void),
        Pipeline.retry(Retry.never),
        Pipeline.deadLetter({ order: "park" })
      )
      const drain = Worker.drain(pipeline)
      yield* drain
      yield* Topic.publish(Cards, { id: "c-1", card: { pan }, cents: 1 })
      yield* drain
      const { json } = yield* api("/dead-letters")
      const { etag, id } = json.data[0]
      for (
        const path of [
          "/overview",
          "/dead-letters",
          `/dead-letters/${id}`,
          `/dead-letters/${id}/payload`,
          "/dead-letters/export",
          "/keys",
          "/consumers/cards/keys/c-1",
          "/messages/c-1",
          "/failures",
          "/audit",
          "/database"
        ]
      ) {
        const { status, text } = yield* api(path)
        assert.strictEqual(status, 200, path)
        assert.notInclude(text, pan, path)
      }
      const one = (yield* api(`/dead-letters/${id}`)).json.data
      assert.strictEqual(one.attempts.at(-1).message, "The card [hidden] was refused.")
      assert.deepStrictEqual([one.message.payload, one.hidden], [undefined, ["$.card.pan"]])
      const shown = (yield* api(`/dead-letters/${id}/payload`)).text
      assert.strictEqual(shown, `{"id":"c-1","card":{"pan":"[hidden 1]"},"cents":1}`)

      const edit = shown.replace(`"cents":1`, `"cents":2`)
      const checked = (yield* post(`/dead-letters/${id}/validate`, { payload: edit })).json.data
      assert.deepStrictEqual([checked.checked, checked.issues, checked.keyChanged], ["schema", [], false])
      assert.include(checked.diff, "+  \"cents\": 2")
      const wrong =
        (yield* post(`/dead-letters/${id}/validate`, { payload: edit.replace(`"cents":2`, `"cents":"2"`) })).json.data
      assert.match(wrong.issues[0].path, /cents/)
      const moved = (yield* post(`/dead-letters/${id}/validate`, { payload: edit.replace("c-1", "c-2") })).json.data
      assert.isTrue(moved.keyChanged)
      const refused = yield* post(`/dead-letters/${id}/redrive`, { payload: edit.replace("c-1", "c-2") }, {
        "if-match": etag
      })
      assert.deepStrictEqual([refused.status, refused.json.type], [422, "/problems/key-changed"])
      const invalid = yield* post(`/dead-letters/${id}/redrive`, { payload: "{}" }, { "if-match": etag })
      assert.deepStrictEqual([invalid.status, invalid.json.type], [422, "/problems/payload-invalid"])
      assert.notInclude(invalid.text, pan)
      assert.strictEqual(
        (yield* post(`/dead-letters/${id}/redrive`, { payload: edit }, { "if-match": etag })).status,
        200
      )
      yield* storedHides
      const sql = yield* SqlClient.SqlClient
      const [stored] = yield* sql<{ payload: string }>`select payload from millrace.messages where id = 'c-1'`
      assert.strictEqual(stored!.payload, `{"id":"c-1","card":{"pan":"${pan}"},"cents":2}`)
      fails = false
      yield* drain
      assert.strictEqual((yield* api(`/dead-letters/${id}`)).json.data.state, "resolved")
    }))

  it.effect("not found by a search, which would tell it digit by digit", () =>
    Effect.gen(function*() {
      for (const search of ["text=4111", "payload=card.pan:4111", "version=1&payload=cents:1"]) {
        for (const list of ["/dead-letters", "/dead-letters/export", "/failures"]) {
          assert.strictEqual((yield* api(`${list}?${search}`)).status, 400, search)
        }
      }
    }))

  it.effect("not quoted by the refusal of an edit that moves it into the key", () =>
    Effect.gen(function*() {
      const drain = Worker.drain(
        Pipeline.from(Pairs, { consumer: "pairs" }).pipe(
          Pipeline.tap(() => Effect.fail(new Refused({ pan }))),
          Pipeline.retry(Retry.never),
          Pipeline.deadLetter({ order: "continue" })
        )
      )
      yield* drain
      yield* Topic.publish(Pairs, { first: "shown-key", second: pan })
      yield* drain
      const { etag, id } = (yield* api("/dead-letters?consumer=pairs")).json.data[0]
      const edit = { payload: `{"first":"[hidden 2]","second":"x"}` }
      const checked = yield* post(`/dead-letters/${id}/validate`, edit)
      assert.isTrue(checked.json.data.keyChanged)
      const refused = yield* post(`/dead-letters/${id}/redrive`, edit, { "if-match": etag })
      assert.strictEqual(refused.json.type, "/problems/key-changed")
      for (const { text } of [checked, refused]) assert.notInclude(text, pan)
    }))
})

const schema = freshSchema()
const url = inject("databaseUrl")
const role = `viewer_${schema}`

layer(
  server({}, schema).pipe(Layer.provideMerge(postgres(url, {}, schema))),
  { excludeTestServices: true, timeout: 120_000 }
)("a server with a viewer's database role", (it) => {
  it.effect("shows facts, and turns the refusal of a change into 403", () =>
    Effect.gen(function*() {
      yield* Worker.drain(Pipeline.from(Cards, { consumer: "viewed" }))
      const sql = yield* SqlClient.SqlClient
      const names = yield* Effect.fromResult(Names.make(schema))
      for (const statement of [Grants.create(role), ...Grants.make(names, "viewer", role)]) yield* sql.unsafe(statement)
      // A login of its own would need the password of the test's server, so the role is the default of new sessions.
      const limited = new URL(url)
      limited.searchParams.set("options", `-c role=${role}`)
      yield* Effect.gen(function*() {
        assert.strictEqual((yield* api("/consumers/viewed")).status, 200)
        for (const headers of [{}, { "idempotency-key": "viewer-1" }]) {
          const refused = yield* post("/consumers/viewed/pause", {}, headers)
          assert.deepStrictEqual([refused.status, refused.json.type], [403, "/problems/forbidden"])
        }
        assert.strictEqual((yield* ask("/api/v1/consumers", { token: secrets.viewer })).status, 200)
      }).pipe(
        Effect.provide(
          server({}, schema).pipe(
            Layer.provideMerge(postgres(limited.toString(), { migrate: "check", retention: false }, schema))
          )
        )
      )
    }))
})
