/**
 * The Redis server of tests. It is the one that `REDIS_URL` names, or one that the program `redis-server` runs for the
 * test, or the one on the standard local port. Where there is none, the tests
 * say loudly that they did not run, and fail in CI.
 */
import { Deferred, Effect, Schedule } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createConnection, createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runsHere } from "../harness/runsHere.ts"

export const installed = spawnSync("redis-server", ["--version"]).status === 0
const given = process.env["REDIS_URL"] ?? ""

const answers = (host: string, port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const socket = createConnection(port, host)
    socket.once("connect", () => {
      socket.destroy()
      resume(Effect.succeed(true))
    })
    socket.once("error", () => resume(Effect.succeed(false)))
  })

/** A port of the loopback interface on which nothing listens. */
export const freePort: Effect.Effect<number> = Effect.callback((resume) => {
  const probe = createServer().listen(0, "127.0.0.1", () => {
    const address = probe.address()
    probe.close(() => resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0)))
  })
})

/** A server that a test started for itself. */
export interface OwnServer {
  readonly url: string
  /** Kills it at once. It loses what it had not written to disk. */
  readonly kill: Effect.Effect<void>
  /** Starts it again on its port and its data. */
  readonly start: Effect.Effect<void>
  readonly signal: (signal: "SIGSTOP" | "SIGCONT") => Effect.Effect<void>
}

const durable = ["--appendonly", "yes", "--appendfsync", "always"]

/**
 * Starts a server on a free port; it ends with the scope. Settings are as `redis-server` takes them; without any the
 * server forgets nothing.
 */
export const ownServer = Effect.fnUntraced(function*(settings: ReadonlyArray<string> = durable) {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-redis-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
  )
  const port = yield* freePort
  let child: ChildProcess | undefined
  let ended = yield* Deferred.make<void>()
  const start = Effect.gen(function*() {
    const args = ["--port", String(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "", ...settings]
    const over = ended = yield* Deferred.make<void>()
    child = spawn("redis-server", args, { stdio: "ignore" })
    child.once("close", () => Deferred.doneUnsafe(over, Effect.void))
    yield* answers("127.0.0.1", port).pipe(
      Effect.repeat({ until: (yes) => yes, schedule: Schedule.spaced("10 millis") }),
      Effect.timeout("20 seconds"),
      Effect.orDie
    )
  })
  const kill = Effect.suspend(() => {
    child?.kill("SIGKILL")
    return Deferred.await(ended)
  })
  yield* Effect.acquireRelease(start, () => kill)
  const server: OwnServer = {
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    signal: (signal) => Effect.sync(() => void child?.kill(signal))
  }
  return server
})

/** The URL of a server, or undefined where there is none. */
export const anyServer = Effect.gen(function*() {
  if (given !== "") return given
  if (installed) return (yield* ownServer()).url
  return (yield* answers("127.0.0.1", 6379)) ? "redis://127.0.0.1:6379" : undefined
})

/** Whether these tests have a server. If not, they say so loudly, and fail in CI. */
export const redisRuns = async (what: string): Promise<boolean> =>
  runsHere(
    given !== "" || installed || await Effect.runPromise(answers("127.0.0.1", 6379)),
    what,
    "No Redis responds: set REDIS_URL, or apt-get install redis-server."
  )

/** Whether tests run that need a server of their own, for example to kill it. */
export const ownServerRuns = (what: string): boolean =>
  runsHere(installed, what, "There is no redis-server on the path: apt-get install redis-server.")
