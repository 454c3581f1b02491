/** Lists of the HTTP API: pages, counts, searches, and bounds of the time and of the connections that they take. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { inject } from "vitest"
import { writeDead, writeMany } from "../ops/deadRows.ts"
import { freshSchema, postgres, publish } from "../postgres/kit.ts"
import { api, server } from "./httpKit.ts"

const schema = freshSchema()
const cursor = (of: string, at: ReadonlyArray<string>) => Buffer.from(JSON.stringify({ at, of })).toString("base64url")

/** The hash of the filter in a cursor that the server made. */
const hashIn = (made: string): string => JSON.parse(Buffer.from(made, "base64url").toString()).of

layer(
  // One connection for handlers, which a test takes for itself.
  server({}, schema).pipe(
    Layer.provideMerge(postgres(inject("databaseUrl"), { maxConnections: 1, retention: false }, schema))
  ),
  { excludeTestServices: true, timeout: 120_000 }
)("a list of the HTTP API", (it) => {
  it.effect("says how many match, counts all of them on request, and leads to its next page by a header", () =>
    Effect.gen(function*() {
      yield* writeMany(schema, "many", 10_001)
      const list = (query: string) => api(`/dead-letters?consumer=many&${query}`)
      const bounded = yield* list("limit=200&state=any")
      assert.deepStrictEqual(bounded.json.count, { value: 10_000, kind: "atLeast" })
      const exact = yield* list("limit=200&state=any&exact=true")
      assert.deepStrictEqual(exact.json.count, { value: 10_001, kind: "exact" })
      const link = /^<(\?[^>]+)>; rel="next"$/.exec(bounded.headers["link"] ?? "")?.[1] ?? ""
      const next = yield* api(`/dead-letters${link}`)
      assert.deepStrictEqual([next.status, next.json.data.length], [200, 200])
      assert.isBelow(Number(next.json.data[0].id), Number(bounded.json.data.at(-1).id))
      // The count of another page is asked for with the same cursor.
      assert.strictEqual((yield* api(`/dead-letters${link}&exact=true`)).json.count.kind, "exact")
      assert.isUndefined((yield* list("message=many-1")).headers["link"])
      assert.deepStrictEqual((yield* api("/keys?consumer=many")).json.count, { value: 0, kind: "exact" })
      yield* publish(["m-1", "k"], ["m-2", "k"], ["m-3", "other"])
      const waiting = (path: string) =>
        Effect.map(api(`/consumers/many/messages${path}`), ({ json }) => json.count.value)
      assert.deepStrictEqual([yield* waiting(""), yield* waiting("?key=k"), yield* waiting("?key=k&exact=true")], [
        3,
        2,
        2
      ])
      assert.deepStrictEqual((yield* api("/audit?consumer=many")).json.count, { value: 0, kind: "exact" })
    }))

  it.effect("finds texts, values and versions, says how far it looked, and looks further", () =>
    Effect.gen(function*() {
      yield* writeDead(schema, "found", [
        { id: "old", payload: `{"bank":{"code":"51"}}` },
        { id: "new", message: "the bank is down", version: "1.4.3" }
      ])
      const find = Effect.fnUntraced(function*(query: string) {
        const { json, status } = yield* api(`/dead-letters?consumer=found&${query}`)
        assert.strictEqual(status, 200)
        return [json.data.map(({ message }: any) => message.id), json.looked, json.count] as const
      })
      assert.deepStrictEqual(yield* find("text=BANK%20is"), [["found-new"], 2, undefined])
      assert.deepStrictEqual(yield* find("payload=bank.code:51"), [["found-old"], 2, undefined])
      assert.deepStrictEqual(yield* find("version=1.4.2"), [["found-old"], undefined, { value: 1, kind: "exact" }])
      yield* writeMany(schema, "far", 20_000)
      yield* writeDead(schema, "far", [{ id: "x" }])
      const first = (yield* api("/dead-letters?consumer=far&text=far-1%22")).json
      assert.deepStrictEqual([first.data, first.looked], [[], 20_000])
      const further = (yield* api(`/dead-letters?consumer=far&text=far-1%22&cursor=${first.next}`)).json
      assert.deepStrictEqual([further.looked, further.next], [1, undefined])
      const bad = yield* api("/dead-letters?payload=nothing")
      assert.deepStrictEqual([bad.status, bad.json.type], [400, "/problems/invalid-request"])
      const exported = yield* api("/dead-letters/export?consumer=found&text=bank")
      assert.strictEqual(exported.text.trim().split("\n").length, 2)
    }))

  it.effect("refuses a forged cursor and a text that no database takes, with 400", () =>
    Effect.gen(function*() {
      yield* publish(["forged-1", "a"], ["forged-2", "b"])
      const made = (yield* api("/consumers/many/messages?limit=1")).json.next
      const huge = "9".repeat(19)
      for (
        const [path, own, ats] of [
          ["/consumers/many/messages?limit=1", made, [["0", huge], ["9".repeat(10), "1"], ["0", "-1"], ["0", "1e3"], [
            "0"
          ]]],
          ["/dead-letters?consumer=many&limit=1", (yield* api("/dead-letters?consumer=many&limit=1")).json.next, [
            [huge],
            ["9".repeat(17)],
            ["x"],
            []
          ]],
          ["/audit", cursor("", []), [["9".repeat(18)], ["1"]]],
          ["/keys", cursor("", []), [["many", "a\0b"], ["many\0", "a"], ["many"]]]
        ] as const
      ) {
        for (const at of ats) {
          const { json, status } = yield* api(
            `${path}${path.includes("?") ? "&" : "?"}cursor=${cursor(hashIn(own), at)}`
          )
          assert.deepStrictEqual([status, json.type], [400, "/problems/cursor-mismatch"], `${path} ${at.join()}`)
        }
      }
      for (
        const path of [
          "/dead-letters?consumer=a%00",
          "/dead-letters?error=%00",
          "/dead-letters?failure=%00",
          "/dead-letters?text=%00",
          "/dead-letters?payload=a:%00",
          "/messages/a%00b",
          "/keys?consumer=%00",
          "/audit?by=%00",
          "/consumers/%00",
          "/consumers/many/keys/%00"
        ]
      ) {
        assert.strictEqual((yield* api(path)).status, 400, path)
      }
    }))

  it.effect("answers while handlers have all their connections, and within 2 seconds while the database does not", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const locked = yield* Deferred.make<void>()
      const free = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(sql.withTransaction(Effect.gen(function*() {
        yield* sql`lock table ${sql(`${schema}.dead_letters`)} in access exclusive mode`
        yield* Deferred.succeed(locked, undefined)
        yield* Deferred.await(free)
      })))
      yield* Deferred.await(locked)
      assert.strictEqual((yield* api("/audit")).status, 200)
      // The default of facts is 5 seconds.
      const [took, refused] = yield* Effect.timed(api("/dead-letters?consumer=many"))
      assert.isBelow(Duration.toMillis(took), 4_500)
      assert.deepStrictEqual([refused.status, refused.json.type], [503, "/problems/query-timeout"])
      yield* Deferred.succeed(free, undefined)
      yield* Fiber.join(holder)
      assert.strictEqual((yield* api("/dead-letters?consumer=many&limit=1")).status, 200)
    }))
})
