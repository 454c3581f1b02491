/** Commands on a server of the HTTP API: what cannot be reached or done ends with its exit code, and nothing twice. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { FetchHttpClient } from "effect/http"
import { Audit, DeadLetters, type Store, Topic } from "millrace"
import { HttpOperations } from "millrace/http"
import { createServer, request as send } from "node:http"
import { inject } from "vitest"
import { port, secrets, server } from "../http/httpKit.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { ledger, millrace } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")

const addressOf = Effect.map(port, (at) => `http://127.0.0.1:${at}`)

/** Runs a command on the server as this role. */
const cli = Effect.fnUntraced(function*(
  args: ReadonlyArray<string>,
  { as = "operator", at, env = {} }: {
    readonly as?: keyof typeof secrets
    readonly at?: string
    readonly env?: Readonly<Record<string, string>>
  } = {}
) {
  return yield* millrace([...args, "--url", at ?? (yield* addressOf)], {
    env: { MILLRACE_TOKEN: secrets[as], ...env }
  })
})

const failed = Effect.fnUntraced(function*(name: string) {
  const made = ledger(name)
  yield* made.drain()
  yield* made.publish("bad1", "good1")
  yield* made.drain()
  const [deadLetter] = yield* DeadLetters.list({ consumer: name })
  return { ...made, id: String(Number(deadLetter!.id)) }
})

/** The first request with this method, and the fault of the proxy at it. */
interface Meddling {
  readonly losesFirst?: string
  readonly busyFirst?: string
  readonly beforeFirst?: string
  readonly does?: Effect.Effect<void, never, Store.Store>
}

/** A proxy before the server. It notes the method and the Idempotency-Key of each request. */
const proxied = Effect.fnUntraced(function*({ beforeFirst, busyFirst, does = Effect.void, losesFirst }: Meddling) {
  const to = yield* port
  const runFork = Effect.runForkWith(yield* Effect.context<Store.Store>())
  const seen: Array<string> = []
  let met = false
  const proxy = createServer((incoming, outgoing) => {
    const { headers, method: asked = "", url: path = "" } = incoming
    seen.push(`${asked} ${String(headers["idempotency-key"] ?? "")}`)
    const first = !met && asked === (losesFirst ?? beforeFirst ?? busyFirst)
    met ||= first
    const pass = () => {
      const forwarded = send({ host: "127.0.0.1", port: to, path, method: asked, headers }, (answer) => {
        if (first && losesFirst !== undefined) {
          answer.resume().on("end", () => incoming.socket.destroy())
          return
        }
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
        answer.pipe(outgoing)
      })
      incoming.pipe(forwarded)
    }
    if (first && busyFirst !== undefined) outgoing.writeHead(429, { "retry-after": "1" }).end()
    else if (first && beforeFirst !== undefined) runFork(Effect.andThen(does, Effect.sync(pass)))
    else pass()
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      proxy.listen(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () =>
      Effect.sync(() => {
        proxy.close()
        proxy.closeAllConnections()
      })
  )
  const address = proxy.address()
  return { at: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`, seen }
})

const engine = Layer.provideMerge(server({}, schema), postgres(url, {}, schema))
layer(engine, { excludeTestServices: true, timeout: 120_000 })("a command over the HTTP API", (it) => {
  it.effect("ends with code 4 without the right, and changes nothing", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("rights")
      const none = yield* cli(["status"], { env: { MILLRACE_TOKEN: "" } })
      assert.deepStrictEqual([none.code, none.stdout], [4, ""])
      assert.match(none.stderr, /no valid token.*\(HTTP 401\).*Set MILLRACE_TOKEN/)
      const viewer = yield* cli(["dead", "discard", id, "--json"], { as: "viewer" })
      assert.strictEqual(viewer.code, 4)
      assert.deepInclude(JSON.parse(viewer.stderr), { type: "/problems/store-failure", code: "HTTP 403", exitCode: 4 })
      assert.strictEqual((yield* DeadLetters.get(id.padStart(16, "0"))).state, "open")
      assert.deepStrictEqual(yield* Audit.list({ consumer: "rights" }), [])
    }))

  it.effect("ends with code 75 if nothing answers, and with 2 if the address is none", () =>
    Effect.gen(function*() {
      const closed = yield* cli(["status"], { at: "http://127.0.0.1:9" })
      assert.deepStrictEqual([closed.code, closed.stdout], [75, ""])
      assert.include(closed.stderr, "http://127.0.0.1:9 does not answer")
      for (const at of ["ops.example.com", "ftp://ops.example.com", "http://user:secret@ops.example.com"]) {
        const { code, stderr } = yield* cli(["status"], { at })
        assert.deepStrictEqual([code, stderr.includes("secret")], [2, false], stderr)
      }
    }))

  it.effect("says so if another program answers at the address", () =>
    Effect.gen(function*() {
      const at = yield* addressOf
      const elsewhere = yield* cli(["status"], { at: `${at}/elsewhere` })
      assert.deepStrictEqual([elsewhere.code, elsewhere.stdout], [1, ""])
      assert.match(elsewhere.stderr, /HTTP 404.*Check the address of the server/)
    }))

  it.effect("refuses what needs the database itself with code 2, and flags that exclude each other", () =>
    Effect.gen(function*() {
      const commands = [["doctor"], ["migrate"], ["dashboard"], ["dead", "import", "file"], [
        "purge",
        "a",
        "--confirm",
        "a",
        "--expect",
        "1",
        "--export",
        "file"
      ]]
      for (const args of commands) {
        const { code, stderr } = yield* cli(args, { as: "admin" })
        assert.deepStrictEqual([code, stderr.includes("needs the database itself")], [2, true], args.join(" "))
      }
      const both = yield* cli(["status", "--database-url", url])
      assert.deepStrictEqual([both.code, both.stderr.includes("--database-url and --url exclude")], [2, true])
    }))

  it.effect("takes the server of MILLRACE_URL, unless a flag names a database", () =>
    Effect.gen(function*() {
      yield* failed("variable")
      const env = { MILLRACE_URL: yield* addressOf, MILLRACE_TOKEN: secrets.viewer }
      assert.match((yield* millrace(["status"], { env })).stdout, /\nvariable +/)
      const away = { ...env, MILLRACE_URL: "http://127.0.0.1:9" }
      const flag = yield* millrace(["status", "--database-url", url, "--schema", schema], { env: away })
      assert.match(flag.stdout, /\nvariable +/)
    }))

  it.effect("sends an action whose answer was lost again, and it has one effect", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("lost")
      const { at, seen } = yield* proxied({ losesFirst: "POST" })
      const done = yield* cli(["dead", "discard", id, "--by", "ben"], { at })
      assert.deepStrictEqual([done.code, done.stdout], [0, `discarded 1 dead letter: #${id}\n`], done.stderr)
      const posts = seen.filter((one) => one.startsWith("POST"))
      assert.deepStrictEqual([posts.length, new Set(posts).size], [2, 1])
      assert.match(posts[0]!, /^POST [\da-f-]{36}$/)
      const entries = yield* Audit.list({ consumer: "lost" })
      assert.deepStrictEqual(entries.map(({ action, by }) => [action, by]), [["discarded", "ben"]])
    }))

  it.effect("meets the errors of the database by the name of the problem, with the operator who was first", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("errors")
      yield* cli(["dead", "discard", id, "--by", "ben"])
      const second = yield* cli(["dead", "discard", id, "--json"])
      assert.deepInclude(JSON.parse(second.stderr), {
        type: "/problems/dead-letter-conflict",
        state: "discarded",
        by: "ben",
        exitCode: 5
      })
      const unknown = yield* cli(["status", "unknown", "--json"])
      assert.deepInclude(JSON.parse(unknown.stderr), { type: "/problems/consumer-not-found", exitCode: 3 })
    }))

  it.effect("sees the present state of what changed between its two requests", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("changed")
      const full = id.padStart(16, "0")
      // Between look and decision, another operator decides, and undoes it again.
      const other = Effect.andThen(DeadLetters.discard(full, { by: "eve" }), DeadLetters.restore(full, { by: "eve" }))
      const { at } = yield* proxied({ beforeFirst: "POST", does: Effect.ignore(other) })
      const done = yield* cli(["dead", "discard", id], { at })
      assert.deepStrictEqual([done.code, done.stdout], [0, `discarded 1 dead letter: #${id}\n`], done.stderr)
      const entries = yield* Audit.list({ consumer: "changed" })
      assert.deepStrictEqual(entries.map(({ by }) => by), ["anna", "eve", "eve"])
    }))

  it.effect("waits when the server has had too many changes, and finishes", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("many")
      const { at, seen } = yield* proxied({ busyFirst: "POST" })
      const done = yield* cli(["dead", "discard", id, "--json"], { at })
      assert.deepStrictEqual([done.code, JSON.parse(done.stdout).data.done], [0, 1], done.stderr)
      assert.lengthOf(seen.filter((one) => one.startsWith("POST")), 2)
    }))

  it.effect("names an operator whom no header can carry, and changes nothing", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("named")
      const refused = yield* cli(["dead", "discard", id, "--by", "Zoë\u4e00"])
      assert.deepStrictEqual([refused.code, refused.stdout], [1, ""])
      assert.include(refused.stderr, "which no header of HTTP can have")
      assert.deepStrictEqual(yield* Audit.list({ consumer: "named" }), [])
    }))

  it.effect("shows and exports whole payloads, also of a server that shows them only on request", () =>
    Effect.gen(function*() {
      const { id } = yield* failed("request")
      yield* Effect.gen(function*() {
        const { data } = JSON.parse((yield* cli(["dead", "show", id, "--json"], { as: "viewer" })).stdout)
        assert.deepStrictEqual(JSON.parse(data.message.payload), { id: "request-bad1", account: "bad", cents: 100 })
        assert.notProperty(data, "original")
        const { stdout } = yield* cli(["dead", "export", "--consumer", "request"], { as: "viewer" })
        assert.deepStrictEqual(JSON.parse(stdout).message.payload, data.message.payload)
      }).pipe(Effect.provide(server({ payloads: "onRequest" }, schema)))
    }))
})

layer(Layer.provideMerge(server({}), postgres(url)), { excludeTestServices: true, timeout: 120_000 })(
  "the store of the HTTP API",
  (it) => {
    it.effect("refuses a publish, and says what to use", () =>
      Effect.gen(function*() {
        const at = yield* addressOf
        const { Payments } = ledger("elsewhere")
        yield* Effect.gen(function*() {
          const published = yield* Effect.flip(Topic.publish(Payments, { id: "a", account: "a", cents: 1 }))
          assert.include(published.message, "Use the database itself")
        }).pipe(
          Effect.provide(HttpOperations.layer({ url: at }).pipe(Layer.provide(FetchHttpClient.layer)))
        )
      }))
  }
)
