/** The answers of the HTTP API: facts, actions, conditions and cursors, on a real server and real commits. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Consumers, DeadLetters, Pipeline, Retry, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { documentOf, ledger, millrace } from "../cli/commandLine.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { ask, secrets, server } from "./httpKit.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const cli = (...args: ReadonlyArray<string>) => millrace([...args, "--schema", schema], { env: { DATABASE_URL: url } })

/** Two dead letters without order, or one that parks its key, with messages behind it. */
const planted = Effect.fnUntraced(function*(name: string, order?: "park" | "continue") {
  const made = ledger(name, order)
  yield* made.drain()
  yield* made.publish("bad1", "bad2", "good1", "slow1", "slow2")
  yield* made.drain()
  return made
})

const Numbers = Topic.make("api-numbers", {
  schema: Schema.Struct({ n: Schema.Unknown, card: Schema.String }),
  key: () => "a/b c%?#@",
  id: "random"
})

layer(
  server({ path: "/ops", hosts: ["ops.example"] }, schema).pipe(Layer.provideMerge(postgres(url, {}, schema))),
  { excludeTestServices: true, timeout: 240_000 }
)("the HTTP API answers", (it) => {
  const at = "/ops/api/v1"
  const get = (path: string, headers = {}) => ask(`${at}${path}`, { token: secrets.operator, headers })
  const act = (path: string, body: unknown = {}, headers = {}) =>
    ask(`${at}${path}`, { method: "POST", token: secrets.operator, body, headers })
  const letterOf = Effect.fnUntraced(function*(consumer: string) {
    const { json } = yield* get(`/dead-letters?consumer=${consumer}`)
    return json.data[0] as { readonly id: string; readonly etag: string }
  })

  it.effect("the same documents as the command line, and the same types of failures", () =>
    Effect.gen(function*() {
      yield* planted("walk")
      const same = Effect.fnUntraced(function*(path: string, ...args: ReadonlyArray<string>) {
        const [one, other] = [(yield* get(path)).json, documentOf(yield* cli(...args, "--json"))]
        // Ages move between the two readings.
        const still = (value: unknown): unknown =>
          JSON.parse(
            JSON.stringify(value).replace(/"(millis|lagMillis)":\d+/g, "\"$1\":0").replace(/(for|waited) \d+\w+/g, "")
          )
        assert.strictEqual(one.schema, other.schema)
        assert.deepStrictEqual(still(one.data), still(other.data), path)
      })
      yield* same("/consumers/walk", "status", "walk")
      yield* same("/keys?consumer=walk", "stuck", "--consumer", "walk")
      yield* same("/failures?consumer=walk", "dead", "groups", "--consumer", "walk")
      yield* same("/workers?consumer=walk", "workers", "list", "--consumer", "walk")
      yield* same("/consumers/walk/lanes", "lanes", "walk")
      yield* same("/redrives?consumer=walk", "redrives", "--consumer", "walk")
      // The dead letter is discarded by one, restored by the other, and both see one audit.
      const { etag, id } = yield* letterOf("walk")
      assert.strictEqual(
        (yield* act(`/dead-letters/${id}/discard`, { note: "by the API" }, { "if-match": etag })).status,
        200
      )
      assert.strictEqual((yield* cli("dead", "restore", id, "--note", "by the command line")).code, 0)
      yield* same("/audit?consumer=walk", "audit", "--consumer", "walk")
      const audit = (yield* get("/audit?consumer=walk")).json.data
      assert.deepStrictEqual(audit.map((one: any) => [one.by, one.action]), [["anna", "restored"], [
        "otto",
        "discarded"
      ]])
      const problem = Effect.fnUntraced(function*(path: string, ...args: ReadonlyArray<string>) {
        const { json } = yield* get(path)
        assert.strictEqual(json.type, JSON.parse((yield* cli(...args, "--json")).stderr).type, path)
      })
      yield* problem("/consumers/nope", "status", "nope")
      yield* problem("/dead-letters/99999", "dead", "show", "99999")
      yield* problem("/redrive-runs/99999", "runs", "show", "99999")
    }))

  it.effect("412 to the second of two operators that decide about one dead letter, and names the first", () =>
    Effect.gen(function*() {
      yield* planted("conflict", "continue")
      const { etag, id } = yield* letterOf("conflict")
      assert.strictEqual((yield* act(`/dead-letters/${id}/discard`)).status, 428)
      const both = yield* Effect.all(
        (["operator", "admin"] as const).map((role) =>
          ask(`${at}/dead-letters/${id}/redrive`, {
            method: "POST",
            token: secrets[role],
            body: {},
            headers: { "if-match": etag }
          })
        ),
        { concurrency: 2 }
      )
      const statuses = both.map(({ status }) => status).toSorted((a, b) => a - b)
      assert.strictEqual(statuses[0], 200)
      assert.include([409, 412], statuses[1])
      const refused = both.find(({ status }) => status !== 200)!.json
      assert.include(["otto", "ada"], refused.by)
      const stale = yield* act(`/dead-letters/${id}/discard`, {}, { "if-match": etag })
      assert.deepStrictEqual([stale.status, stale.json.type], [412, "/problems/stale-version"])
      // Without a change of what was seen, the state decides.
      const now = (yield* get(`/dead-letters/${id}`)).headers["etag"]!
      const conflict = yield* act(`/dead-letters/${id}/discard`, {}, { "if-match": now })
      assert.deepStrictEqual([conflict.status, conflict.json.type, conflict.json.state], [
        409,
        "/problems/dead-letter-conflict",
        "redriving"
      ])
    }))

  it.effect("the first answer to a repeated request, and has one effect", () =>
    Effect.gen(function*() {
      yield* planted("again", "continue")
      const { etag, id } = yield* letterOf("again")
      const headers = { "if-match": etag, "idempotency-key": "again-1" }
      const all = yield* Effect.all(
        Array.from({ length: 5 }, () => act(`/dead-letters/${id}/redrive`, { note: "once" }, headers)),
        { concurrency: 5 }
      )
      assert.include(all.map(({ status }) => status), 200)
      for (const { json, status } of all) if (status !== 200) assert.strictEqual(json.type, "/problems/still-running")
      const replayed = yield* act(`/dead-letters/${id}/redrive`, { note: "once" }, headers)
      assert.deepStrictEqual([replayed.status, replayed.headers["idempotency-replayed"]], [200, "true"])
      assert.strictEqual(replayed.text, all.find(({ status }) => status === 200)!.text)
      const entries = yield* DeadLetters.audit({ deadLetterId: id })
      assert.deepStrictEqual(entries.map(({ action, by, note }) => [action, by, note]), [["redriven", "otto", "once"]])
      const other = yield* act(`/dead-letters/${id}/redrive`, { note: "twice" }, headers)
      assert.deepStrictEqual([other.status, other.json.type], [422, "/problems/idempotency-key-reused"])
      const path = yield* act(`/dead-letters/${id}/discard`, { note: "once" }, headers)
      assert.strictEqual(path.status, 422)
      // The key of one operator says nothing about the requests of another one.
      const ada = yield* ask(`${at}/dead-letters/${id}/discard`, {
        method: "POST",
        token: secrets.admin,
        body: {},
        headers
      })
      assert.strictEqual(ada.status, 412)
      // A refused action leaves no record, so its key can be used again.
      const refused = { "idempotency-key": "again-2" }
      assert.strictEqual((yield* act("/consumers/again/resume", {}, refused)).status, 409)
      yield* Consumers.pause("again", { by: "anna" })
      assert.strictEqual((yield* act("/consumers/again/resume", {}, refused)).status, 200)
      const names = (yield* Consumers.list).map(({ consumer }) => consumer)
      assert.notInclude(names, "millrace-http")
    }))

  it.effect("pages that neither skip nor repeat, and refuses a cursor of another list", () =>
    Effect.gen(function*() {
      const made = ledger("pages", "continue")
      yield* made.drain()
      yield* made.publish(...Array.from({ length: 7 }, (_, i) => `bad${"abcdefg"[i]}1`))
      yield* made.drain()
      const seen: Array<string> = []
      let cursor = ""
      for (let i = 0; i < 10; i++) {
        const { json } = yield* get(`/dead-letters?consumer=pages&limit=3${cursor}`)
        seen.push(...json.data.map(({ id }: any) => id))
        if (json.next === undefined) break
        cursor = `&cursor=${json.next}`
        // A dead letter that arrives meanwhile is on no page behind.
        yield* made.publish(`bad${i}x1`)
        yield* made.drain()
      }
      assert.deepStrictEqual([seen.length, new Set(seen).size], [7, 7])
      const first = (yield* get("/dead-letters?consumer=pages&limit=3")).json
      for (
        const path of [
          `/dead-letters?consumer=walk&cursor=${first.next}`,
          `/dead-letters?cursor=${first.next}`,
          `/audit?cursor=${first.next}`,
          "/keys?cursor=x",
          "/dead-letters?cursor=%00"
        ]
      ) {
        const { json, status } = yield* get(path)
        assert.deepStrictEqual([status, json.type], [400, "/problems/cursor-mismatch"], path)
      }
      const held = (yield* get("/keys?limit=1")).json
      if (held.next !== undefined) assert.strictEqual((yield* get(`/keys?limit=1&cursor=${held.next}`)).status, 200)
    }))

  it.effect("big numbers and hostile names as they are stored, and escapes their controls", () =>
    Effect.gen(function*() {
      const payload = `{ "n": 12345678901234567890.10, "card": "x\u202ey" }`
      const pipeline = Pipeline.from(Numbers, { consumer: "numbers" }).pipe(
        Pipeline.tap(() => Effect.fail("no <script>alert(1)</script> \u001b]52;c;x\u0007\u202e")),
        Pipeline.retry(Retry.never),
        Pipeline.deadLetter({ order: "park" })
      )
      yield* Worker.drain(pipeline)
      yield* Topic.publish(Numbers, { n: 1, card: "c" })
      yield* Topic.publish(Numbers, { n: 2, card: "c" })
      yield* Worker.drain(pipeline)
      const { etag, id } = yield* letterOf("numbers")
      const key = encodeURIComponent("a/b c%?#@")
      const shown = yield* get(`/consumers/numbers/keys/${key}`)
      assert.deepStrictEqual([shown.status, shown.json.data.key, shown.json.data.waiting.length], [200, "a/b c%?#@", 1])
      assert.notMatch(shown.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      assert.include(shown.json.data.deadLetters[0].error, "<script>")
      const edited = yield* act(`/dead-letters/${id}/redrive`, { payload }, { "if-match": etag })
      assert.strictEqual(edited.status, 200)
      const file = yield* get(`/dead-letters/${id}/payload`)
      assert.strictEqual(file.text, payload)
      assert.match(file.headers["content-disposition"] ?? "", /^attachment; filename="dead-letter-\d{16}\.txt"$/)
      assert.match(file.headers["content-type"] ?? "", /^text\/plain/)
      const exported = yield* get("/dead-letters/export?consumer=numbers&state=any")
      assert.strictEqual(JSON.parse(exported.text.split("\n")[0]!).message.payload, payload)
      assert.notMatch(exported.text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
      const long = "k".repeat(512)
      assert.strictEqual((yield* get(`/consumers/numbers/keys/${long}`)).json.type, "/problems/key-not-found")
    }))

  it.effect("the head of a key that the operator saw, and no other", () =>
    Effect.gen(function*() {
      yield* planted("heads", "park")
      const { id } = yield* letterOf("heads")
      const wrong = yield* act("/consumers/heads/keys/bad/skip", { head: "9" })
      assert.deepStrictEqual([wrong.status, wrong.json.type], [412, "/problems/stale-version"])
      const advanced = yield* act("/consumers/heads/keys/bad/advance", { head: "nope" })
      assert.strictEqual(advanced.status, 412)
      // The advance was rolled back with its audit.
      assert.deepStrictEqual((yield* Consumers.audit({ consumer: "heads" })).length, 0)
      assert.strictEqual((yield* DeadLetters.get(id)).state, "open")
      const skipped = yield* act("/consumers/heads/keys/bad/skip", { head: id, note: "skip it" })
      assert.strictEqual(skipped.status, 200)
      assert.strictEqual((yield* DeadLetters.get(id)).state, "discarded")
    }))

  it.effect("a preview that a run starts from, once", () =>
    Effect.gen(function*() {
      yield* planted("running", "continue")
      const preview = yield* act("/previews", { consumer: "running", error: "Declined" })
      assert.deepStrictEqual([preview.status, preview.json.data.deadLetters], [201, { value: 2, kind: "exact" }])
      const body = { preview: preview.json.data.preview, rate: 50, note: "fixed" }
      const started = yield* act("/redrive-runs", body)
      assert.strictEqual(started.status, 202)
      const { etag, id } = started.json.data
      assert.strictEqual(started.headers["location"], `/ops/api/v1/redrive-runs/${id}`)
      const second = yield* act("/redrive-runs", body)
      assert.deepStrictEqual([second.status, second.json.type, second.json.run], [409, "/problems/redrive-running", id])
      assert.strictEqual((yield* act(`/redrive-runs/${id}/cancel`)).status, 428)
      const stale = yield* act(`/redrive-runs/${id}/cancel`, {}, { "if-match": "\"r99\"" })
      assert.strictEqual(stale.status, 412)
      assert.strictEqual(
        (yield* act(`/redrive-runs/${id}/cancel`, {}, { "if-match": etag })).json.data.state,
        "cancelled"
      )
      const gone = yield* act("/redrive-runs", { preview: "x".repeat(43) })
      assert.deepStrictEqual([gone.status, gone.json.type], [409, "/problems/preview-expired"])
      const discarded = yield* act(`/previews/${preview.json.data.preview}/discard`, { note: "old" })
      assert.deepStrictEqual(discarded.json.data, { discarded: 2, more: false })
    }))

  it.effect("a note of a failure group, and purges a queue for an admin who saw its number", () =>
    Effect.gen(function*() {
      const made = yield* planted("purged", "park")
      const [group] = (yield* get("/failures?consumer=purged")).json.data
      const path = `${at}/failures/${encodeURIComponent(group.fingerprint)}/note`
      const body = { consumer: "purged", note: "bank is down" }
      const noted = yield* ask(path, { method: "PUT", token: secrets.operator, body })
      assert.deepStrictEqual([noted.status, noted.json.data[0].note.text], [200, "bank is down"])
      const admin = (path: string, body: unknown) => ask(`${at}${path}`, { method: "POST", token: secrets.admin, body })
      const seen = (yield* admin("/consumers/purged/purge-previews", {})).json.data
      assert.strictEqual(seen.messages, 3)
      yield* made.publish("other1")
      const purge = (asked: object) =>
        admin("/consumers/purged/purge", { preview: seen.preview, confirm: "purged", expect: 3, ...asked })
      assert.strictEqual((yield* purge({ confirm: "purge" })).status, 400)
      const changed = yield* purge({ expect: 2 })
      assert.deepStrictEqual([changed.status, changed.json.type, changed.json.found], [
        409,
        "/problems/queue-changed",
        3
      ])
      assert.deepStrictEqual((yield* purge({})).json.data, { purged: 3 })
      const actions = (yield* get("/audit?consumer=purged")).json.data.map(({ action }: any) => action)
      assert.deepStrictEqual(actions, ["purged", "noted"])
    }))

  it.effect("under its path only, with the slash that the pages need", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* ask("/api/v1/consumers", { token: secrets.viewer })).status, 404)
      const moved = yield* ask("/ops")
      assert.deepStrictEqual([moved.status, moved.headers["location"]], [308, "/ops/"])
      const page = yield* ask("/ops/", { headers: { host: "ops.example:8080" } })
      assert.match(page.headers["content-type"] ?? "", /^text\/html/)
      const known = yield* ask("/ops/", { headers: { "if-none-match": page.headers["etag"]! } })
      assert.deepStrictEqual([known.status, known.text], [304, ""])
      assert.strictEqual((yield* ask("/ops/problems/forbidden")).status, 200)
      assert.strictEqual((yield* ask("/ops/../etc/passwd")).status, 404)
    }))
})
