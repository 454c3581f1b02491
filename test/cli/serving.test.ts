/** `millrace dashboard`: closed by default, and served until it is interrupted. */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { createServer } from "node:http"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { millrace } from "./commandLine.ts"

const schema = freshSchema()
const url = inject("databaseUrl")
const token = "a-token-of-the-test-0123"

/** A port that is free at this moment. */
const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

const status = (port: number, path: string, headers: Readonly<Record<string, string>> = {}): Effect.Effect<number> =>
  Effect.promise(() =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers }).then((response) => response.status, () => 0)
  )

layer(postgres(url, {}, schema), { excludeTestServices: true, timeout: 120_000 })("millrace dashboard", (it) => {
  const run = (
    args: ReadonlyArray<string>,
    env: Readonly<Record<string, string>> = {},
    until?: Effect.Effect<unknown>
  ) =>
    millrace(["dashboard", "--schema", schema, ...args], {
      env: { DATABASE_URL: url, ...env },
      ...(until === undefined ? {} : { interruptedAfter: until })
    })

  it.effect("refuses an address that other machines reach, unless a token protects it", () =>
    Effect.gen(function*() {
      for (const host of ["0.0.0.0", "::", "192.0.2.1", "127.0.0.1.evil.example"]) {
        const { code, stderr, stdout } = yield* run(["--host", host])
        assert.deepStrictEqual([code, stdout], [2, ""], host)
        assert.match(stderr, /no token protects it\. Nothing was started\.\nWrite a token into a file/)
      }
      const short = yield* run(["--host", "0.0.0.0", "--port", "0"], { MILLRACE_TOKEN: "short" })
      assert.deepStrictEqual([short.code, short.stderr.includes("16 characters")], [2, true])
    }))

  it.effect("prints an address that signs in, and serves until it is interrupted", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const seen: Array<number> = []
      const used = Effect.gen(function*() {
        while ((yield* status(port, "/health/live")) !== 200) yield* Effect.sleep("50 millis")
        seen.push(yield* status(port, "/api/v1/consumers"))
        seen.push(yield* status(port, "/api/v1/consumers", { authorization: `Bearer ${token}` }))
        seen.push(yield* status(port, "/"))
      })
      const { stdout } = yield* run(["--port", String(port), "--json"], { MILLRACE_TOKEN: token }, used)
      assert.deepStrictEqual(seen, [401, 200, 200])
      const { data } = JSON.parse(stdout)
      assert.strictEqual(data.url, `http://127.0.0.1:${port}/`)
      assert.match(data.signIn, /#code=[\w-]{22}$/)
      assert.strictEqual(yield* status(port, "/health/live"), 0)
    }))

  it.effect("prints no code for an address that other machines reach, since logs keep what it prints", () =>
    Effect.gen(function*() {
      const port = yield* freePort
      const served = Effect.gen(function*() {
        while ((yield* status(port, "/health/live")) !== 200) yield* Effect.sleep("50 millis")
      })
      const args = ["--host", "0.0.0.0", "--port", String(port), "--json"]
      const { stdout } = yield* run(args, { MILLRACE_TOKEN: token }, served)
      assert.deepStrictEqual(JSON.parse(stdout).data, { url: `http://127.0.0.1:${port}/` })
    }))
})
