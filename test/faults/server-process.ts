/**
 * The process that owns a server which can be harmed. Each line of its input is a command. After each command it says where the server is:
 *
 * - `restart` kills Postgres at once (an immediate shutdown) and starts it again on the same directory and port;
 * - `kill PID` kills one backend, so that Postgres ends all others and starts again under the same postmaster;
 * - `replica` makes a streaming replica; `lag` freezes what sends to it;
 * - `promote` kills the server for good, and makes its replica the server.
 *
 * It ends all of them when its input ends, however the process above ends. Its arguments are settings, as `postgres -c` takes them.
 */
import * as PgConnection from "@effect/sql-pg/PgConnection"
import { Effect, Redacted, Schedule } from "effect"
import { createInterface } from "node:readline"
import { Cluster } from "../setup/cluster.ts"

const say = (line: Readonly<Record<string, string>>) => process.stdout.write(`${JSON.stringify(line)}\n`)

const name = "millrace-server"
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

/** Uses one session. */
const asked = <A, E>({ url }: Cluster, use: (session: PgConnection.PgConnection) => Effect.Effect<A, E>): Promise<A> =>
  PgConnection.make({ url: Redacted.make(url) }).pipe(Effect.flatMap(use), Effect.scoped, Effect.runPromise)

let sender: number | undefined

/** A replica, made while the server works, that follows it. */
const follow = async (primary: Cluster): Promise<Cluster> => {
  const replica = await primary.follower(name, (copy) =>
    asked(primary, (session) =>
      Effect.gen(function*() {
        yield* session.query("select pg_backup_start('replica', true)::text")
        yield* Effect.sync(copy)
        const { rows } = yield* session.query("select labelfile from pg_backup_stop(false)")
        return String(rows[0]!["labelfile"])
      })))
  sender = await asked(
    primary,
    (session) =>
      session.query("select pid from pg_stat_replication where state = 'streaming'").pipe(
        Effect.filterOrFail(({ rows }) => rows.length > 0, () => "the replica does not follow" as const),
        Effect.retry({ schedule: Schedule.spaced("20 millis"), times: 1000 }),
        Effect.map(({ rows }) => Number(rows[0]!["pid"]))
      )
  )
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

const promoted = async (primary: Cluster, replica: Cluster): Promise<void> => {
  const removed = primary.remove("SIGQUIT")
  // It is stopped and hears nothing else; its server would wait for it.
  endSender()
  await removed
  const accepts = replica.accepts()
  await asked(replica, (session) => session.query("select pg_promote()::text"))
  await accepts
}

const main = async () => {
  let server: Cluster | undefined
  let replica: Cluster | undefined
  const obey = async (server: Cluster, command: string, argument: string | undefined): Promise<Cluster> => {
    switch (command) {
      case "restart":
        await server.stop("SIGQUIT")
        await server.start()
        return server
      case "kill": {
        const accepts = server.accepts()
        process.kill(Number(argument), "SIGKILL")
        await accepts
        return server
      }
      case "replica":
        replica = await follow(server)
        return server
      case "lag":
        process.kill(sender!, "SIGSTOP")
        return server
      case "promote": {
        const next = replica!
        await promoted(server, next)
        replica = undefined
        return next
      }
      default:
        throw new Error(`"${command}" is no command`)
    }
  }
  try {
    server = await Cluster.start(name, settings)
    say({ url: server.url })
    for await (const line of createInterface({ input: process.stdin })) {
      const [command = "", argument] = line.split(" ")
      server = await obey(server, command, argument)
      say({ url: server.url })
    }
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  } finally {
    const removed = [server, replica].filter((one) => one !== undefined).map((one) => one.remove("SIGQUIT"))
    endSender()
    await Promise.all(removed)
  }
}

process.stdout.on("error", () => {}) // nobody listens any more, and the input ends too
await main()
process.exit()
