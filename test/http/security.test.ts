/**
 * The guards of the HTTP API, for every operation of the OpenAPI document. A new endpoint is tested without a change
 * here.
 */
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { OpenApi } from "effect/http-api"
import { Api, Problems } from "millrace/http"
import { pglite } from "../setup/pglite.ts"
import { ask, type Asked, secrets, server } from "./httpKit.ts"

interface Operation {
  readonly method: string
  /** With a value for each parameter of the path. */
  readonly path: string
  readonly role: string | undefined
  readonly query: ReadonlyArray<string>
  readonly numeric: ReadonlyArray<string>
  readonly hasBody: boolean
}

const document = OpenApi.fromApi(Api.api)
const operations: ReadonlyArray<Operation> = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]: [string, any]) => ({
    method: method.toUpperCase(),
    path: path.replace(/\{id\}/g, "7").replace(/\{\w+\}/g, "x"),
    role: operation["x-millrace-role"],
    query: (operation.parameters ?? []).filter((one: any) => one.in === "query").map((one: any) => one.name),
    numeric: (operation.parameters ?? [])
      .filter((one: any) =>
        one.in === "query" && /"\^?\[\+-\]\?|"10"|"(number|integer)"/.test(JSON.stringify(one.schema))
      )
      .map((one: any) => one.name),
    hasBody: operation.requestBody !== undefined
  }))
)
const unsafe = operations.filter(({ method }) => method !== "GET")
const rank = ["viewer", "operator", "admin"]
const nameOf = ({ method, path }: Operation) => `${method} ${path}`

/** A live stream does not end, so a test that is let through does not open one. */
const streams = (one: Operation) => one.path.endsWith("/events")

const send = (one: Operation, asked: Asked = {}) =>
  ask(one.path, { method: one.method, ...(one.hasBody ? { body: {} } : {}), ...asked })

/** Signs in as a browser does, and returns the cookie. */
const cookieOf = Effect.fnUntraced(function*(token: string) {
  const { headers, status } = yield* ask("/api/v1/session", {
    method: "POST",
    body: { token },
    headers: { "sec-fetch-site": "same-origin" }
  })
  assert.strictEqual(status, 200)
  const [cookie = "", ...attributes] = (headers["set-cookie"] ?? "").split("; ")
  return { cookie, attributes }
})

layer(server({ hosts: ["FD00::5", "fd00::6"] }).pipe(Layer.provideMerge(pglite())), {
  excludeTestServices: true,
  timeout: 300_000
})(
  "the guards of the HTTP API",
  (it) => {
    it.effect("let each operation pass for its role and those above it only", () =>
      Effect.gen(function*() {
        assert.isAbove(operations.length, 45)
        for (const one of operations.filter(({ path }) => path !== "/api/v1/session")) {
          assert.include(rank, one.role, nameOf(one))
          // Nothing that changes something is for viewers.
          if (one.method !== "GET") assert.notStrictEqual(one.role, "viewer", nameOf(one))
          for (const role of ["viewer", "operator", "admin"] as const) {
            const allowed = rank.indexOf(role) >= rank.indexOf(one.role!)
            if (allowed && streams(one)) continue
            const { json, status } = yield* send(one, { token: secrets[role] })
            if (allowed) assert.notInclude([401, 403, 421], status, `${nameOf(one)} as ${role}`)
            else {assert.deepStrictEqual(
                [status, json.type, json.needs],
                [403, "/problems/forbidden", one.role],
                nameOf(one)
              )}
            // The limit of changes a second is tested below.
            if (one.method !== "GET") yield* Effect.sleep("60 millis")
          }
        }
      }))

    it.effect("refuse every operation without a token or session, and with a wrong one", () =>
      Effect.gen(function*() {
        for (const one of operations.filter(({ role }) => role !== undefined)) {
          const { json, status } = yield* send(one)
          assert.deepStrictEqual([status, json.type], [401, "/problems/unauthorized"], nameOf(one))
          const forged = yield* send(one, { headers: { cookie: `millrace=${"x".repeat(43)}` } })
          assert.strictEqual(forged.status, 401, nameOf(one))
        }
        for (const path of ["/openapi.json", "/metrics"]) {
          assert.strictEqual((yield* ask(path)).status, 401, path)
          assert.strictEqual((yield* ask(path, { token: secrets.viewer })).status, 200, path)
        }
      }))

    it.effect("refuse with a cookie every change that a page of another site may have sent", () =>
      Effect.gen(function*() {
        const { attributes, cookie } = yield* cookieOf(secrets.admin)
        assert.match(cookie, /^millrace=[\w-]{43}$/)
        assert.includeMembers(attributes, ["HttpOnly", "SameSite=Strict"])
        const forged: ReadonlyArray<Readonly<Record<string, string>>> = [
          { "sec-fetch-site": "cross-site" },
          { "sec-fetch-site": "same-site" },
          { "sec-fetch-site": "none" },
          { "sec-fetch-site": "cross-site", origin: "http://127.0.0.1" },
          { origin: "http://evil.example" },
          { origin: "null" },
          {}
        ]
        for (const one of unsafe.filter(({ path }) => path !== "/api/v1/session")) {
          for (const headers of forged) {
            const { json, status } = yield* send(one, { headers: { ...headers, cookie } })
            assert.deepStrictEqual(
              [status, json.type],
              [403, "/problems/cross-site"],
              `${nameOf(one)} ${JSON.stringify(headers)}`
            )
          }
        }
        const sent = (headers: Readonly<Record<string, string>>) =>
          ask("/api/v1/dead-letters/decide", {
            method: "POST",
            body: { action: "discard", ids: ["7"] },
            headers: { ...headers, cookie }
          })
        assert.strictEqual((yield* sent({ "sec-fetch-site": "same-origin" })).status, 200)
        // A browser on plain http sends only the Origin.
        assert.strictEqual((yield* sent({ host: "localhost:1", origin: "http://localhost:1" })).status, 401)
        assert.strictEqual((yield* sent({ host: "127.0.0.1:1", origin: "http://127.0.0.1:1" })).status, 200)
        assert.strictEqual((yield* sent({ host: "127.0.0.1:1", origin: "http://127.0.0.1:2" })).status, 403)
        assert.strictEqual((yield* ask("/api/v1/session", { method: "DELETE", headers: { cookie } })).status, 403)
        const closed = yield* ask("/api/v1/session", {
          method: "DELETE",
          headers: { cookie, "sec-fetch-site": "same-origin" }
        })
        assert.strictEqual(closed.status, 204)
        assert.strictEqual((yield* sent({ "sec-fetch-site": "same-origin" })).status, 401)
      }))

    it.effect("refuse every path under a name that is not allowed", () =>
      Effect.gen(function*() {
        const others = [
          "/",
          "/assets/x.js",
          "/openapi.json",
          "/health/live",
          "/health/ready",
          "/metrics",
          "/problems/forbidden",
          "/nope"
        ]
        const all = [
          ...operations,
          ...others.map((path): Operation => ({
            method: "GET",
            path,
            role: undefined,
            query: [],
            numeric: [],
            hasBody: false
          }))
        ]
        for (const one of all) {
          for (
            const host of ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "evil.example:4055"]
          ) {
            const { headers, json, status } = yield* send(one, { token: secrets.admin, headers: { host } })
            assert.deepStrictEqual([status, json.type], [421, "/problems/host-not-allowed"], `${nameOf(one)} ${host}`)
            assert.strictEqual(headers["x-content-type-options"], "nosniff")
          }
        }
        for (const host of ["localhost", "LOCALHOST:4055", "[::1]:4055", "127.0.0.1", "[fd00::5]:4055", "[fd00::6]"]) {
          assert.strictEqual((yield* ask("/health/live", { headers: { host } })).status, 200, host)
        }
      }))

    it.effect("answer 400 to every numeric parameter out of its range", () =>
      Effect.gen(function*() {
        let tried = 0
        for (const one of operations) {
          for (const name of one.numeric) {
            for (const value of ["0", "-1", "1e9", "NaN", "1.5", "", "9".repeat(400)]) {
              const { status } = yield* ask(`${one.path}?${name}=${value}`, { token: secrets.admin })
              assert.strictEqual(status, 400, `${nameOf(one)} ${name}=${value}`)
              tried++
            }
          }
        }
        assert.isAbove(tried, 40)
        const named = new Set(operations.flatMap(({ numeric }) => numeric))
        assert.deepStrictEqual([...named].toSorted(), ["limit", "seconds"])
      }))

    it.effect("send the headers for browsers with every answer", () =>
      Effect.gen(function*() {
        for (
          const path of ["/", "/nope", "/api/v1/consumers", "/openapi.json", "/health/live", "/problems/forbidden"]
        ) {
          const { headers } = yield* ask(path, { token: secrets.viewer })
          assert.strictEqual(
            headers["content-security-policy"],
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
              + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
            path
          )
          assert.strictEqual(headers["referrer-policy"], "no-referrer")
          assert.strictEqual(headers["cross-origin-opener-policy"], "same-origin")
          assert.strictEqual(headers["cross-origin-resource-policy"], "same-origin")
          assert.include(["no-store", "no-cache"], headers["cache-control"])
        }
      }))

    it.effect("refuse a body that is too large, also one that does not say its size", () =>
      Effect.gen(function*() {
        const body = JSON.stringify({ action: "discard", ids: ["7"], note: "x".repeat(1_200_000) })
        const headers = { "content-length": "2000000" }
        const said = yield* ask("/api/v1/dead-letters/decide", {
          method: "POST",
          token: secrets.admin,
          body: "{}",
          headers
        })
        assert.deepStrictEqual([said.status, said.json.type], [413, "/problems/too-large"])
        const chunked = yield* ask("/api/v1/dead-letters/decide", {
          method: "POST",
          token: secrets.admin,
          body,
          headers: { "transfer-encoding": "chunked" }
        })
        assert.strictEqual(chunked.status, 413)
        const many = yield* ask("/api/v1/dead-letters/decide", {
          method: "POST",
          token: secrets.admin,
          body: { action: "discard", ids: Array.from({ length: 2_001 }, (_, i) => String(i)) }
        })
        assert.strictEqual(many.status, 400)
      }))

    it.effect("limit the changes of one operator in a second", () =>
      Effect.gen(function*() {
        yield* Effect.sleep("1100 millis")
        const all = yield* Effect.all(
          // Another name in each request is the same operator.
          Array.from({ length: 60 }, (_, i) =>
            ask("/api/v1/dead-letters/decide", {
              method: "POST",
              token: secrets.operator,
              headers: { "millrace-by": `name ${i}` },
              body: { action: "discard", ids: ["7"] }
            })),
          { concurrency: 60 }
        )
        const limited = all.filter(({ status }) => status === 429)
        assert.isAbove(limited.length, 0)
        assert.strictEqual(limited[0]!.json.type, "/problems/rate-limited")
        assert.match(limited[0]!.headers["retry-after"] ?? "", /^\d+$/)
      }))

    it.effect("explain every type of problem as text", () =>
      Effect.gen(function*() {
        const types = Object.values(Problems).flatMap((one) =>
          typeof one === "function"
            ? [String((one as any).ast.annotations["~sentinels"].find(({ key }: any) => key === "type").literal)]
            : []
        )
        assert.isAbove(types.length, 25)
        for (const type of types) {
          const { headers, status, text } = yield* ask(type)
          assert.strictEqual(status, 200, type)
          assert.match(headers["content-type"] ?? "", /^text\/plain/)
          assert.include(text, type.split("/").at(-1)!)
        }
      }))
  }
)

layer(server().pipe(Layer.provideMerge(pglite())), { excludeTestServices: true, timeout: 120_000 })(
  "sign-ins",
  (it) => {
    it.effect("of one address fail ten times a minute at most, and then no secret is compared", () =>
      Effect.gen(function*() {
        const sign = (token: string) =>
          ask("/api/v1/session", { method: "POST", body: { token }, headers: { "sec-fetch-site": "same-origin" } })
        for (let i = 0; i < 10; i++) assert.strictEqual((yield* sign("wrong")).status, 401)
        const limited = yield* sign(secrets.admin)
        assert.deepStrictEqual([limited.status, limited.json.type], [429, "/problems/rate-limited"])
        assert.strictEqual((yield* ask("/api/v1/consumers", { token: secrets.admin })).status, 429)
      }))
  }
)

layer(
  server({
    tokens: [],
    authenticate: ({ headers }) =>
      Effect.succeed(headers["x-user"] === undefined ? undefined : { name: headers["x-user"], role: "operator" })
  }).pipe(Layer.provideMerge(pglite())),
  { excludeTestServices: true, timeout: 120_000 }
)("your own authentication", (it) => {
  it.effect("names the operator, and is held to the roles and the origin", () =>
    Effect.gen(function*() {
      const headers = { "x-user": "anna" }
      assert.strictEqual((yield* ask("/api/v1/session", { headers })).json.data.name, "anna")
      assert.strictEqual((yield* ask("/api/v1/session")).status, 401)
      const decide = (more: Readonly<Record<string, string>>) =>
        ask("/api/v1/dead-letters/decide", {
          method: "POST",
          body: { action: "discard", ids: ["7"] },
          headers: { ...headers, ...more }
        })
      assert.strictEqual((yield* decide({})).status, 403)
      assert.strictEqual((yield* decide({ "sec-fetch-site": "same-origin" })).status, 200)
      const purge = yield* ask("/api/v1/consumers/x/purge-previews", {
        method: "POST",
        body: {},
        headers: { ...headers, "sec-fetch-site": "same-origin" }
      })
      assert.deepStrictEqual([purge.status, purge.json.needs], [403, "admin"])
    }))
})

layer(
  server({ tokens: [], code: { code: Redacted.make("once-0123456789"), actor: { name: "anna", role: "admin" } } }).pipe(
    Layer.provideMerge(pglite())
  ),
  { excludeTestServices: true, timeout: 120_000 }
)("a one-time code", (it) => {
  it.effect("signs in once, with a cookie that the browser keeps for this host only", () =>
    Effect.gen(function*() {
      const sign = (host: string) =>
        ask("/api/v1/session", {
          method: "POST",
          body: { code: "once-0123456789", name: "ben" },
          headers: { host, origin: `http://${host}` }
        })
      const first = yield* sign("localhost:4055")
      assert.deepStrictEqual([first.status, first.json.data.name], [200, "ben"])
      const cookie = first.headers["set-cookie"] ?? ""
      assert.match(cookie, /^__Host-millrace=[\w-]{43}; /)
      assert.includeMembers(cookie.split("; "), ["Secure", "HttpOnly", "SameSite=Strict", "Path=/"])
      const who = yield* ask("/api/v1/session", { headers: { host: "localhost:4055", cookie: cookie.split("; ")[0]! } })
      assert.strictEqual(who.json.data.name, "ben")
      assert.strictEqual((yield* sign("localhost:4055")).status, 401)
    }))
})

it.effect("a server without tokens, code and authentication does not start", () =>
  Effect.gen(function*() {
    const closed = yield* Effect.flip(Effect.scoped(Layer.build(
      server({ tokens: [] }).pipe(Layer.provideMerge(pglite()))
    )))
    assert.include((closed as Error).message, "closed by default")
    const short = { token: Redacted.make("short"), role: "viewer", name: "x" } as const
    const weak = yield* Effect.flip(Effect.scoped(Layer.build(
      server({ tokens: [short] }).pipe(Layer.provideMerge(pglite()))
    )))
    assert.include((weak as Error).message, "16 characters")
    assert.notInclude((weak as Error).message, "short\"")
  }))

it.effect("a server with an unsafe link to traces does not start", () =>
  Effect.gen(function*() {
    const script = yield* Effect.flip(Effect.scoped(Layer.build(
      server({ traceUrl: "javascript:{traceId}" }).pipe(Layer.provideMerge(pglite()))
    )))
    assert.match((script as Error).message, /traceUrl.*http or https/)
  }))
