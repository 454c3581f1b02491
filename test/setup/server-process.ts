/**
 * The process that owns a test server. `server.ts` starts it with settings, as `postgres -c` takes them.
 *
 * It starts Postgres and prints its address in one line. Each line of its input is a command; when the command is done,
 * it prints the address again:
 *
 * - `restart` kills Postgres at once (an immediate shutdown) and starts it again on the same directory and port;
 * - `kill PID` kills one backend, so that Postgres ends all others and recovers under the same postmaster;
 * - `replica` makes a streaming replica; `lag` freezes the process that sends to it;
 * - `promote` kills the server permanently, and makes its replica the server.
 *
 * It ends the servers and removes their directories when its input ends, as the input does however the parent process
 * ends.
 */
import { createInterface } from "node:readline"
import { Cluster } from "./cluster.ts"
import type { Replica } from "./replica.ts"
import type { Report } from "./server.ts"

const name = "millrace-postgres"
const settings = [
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  "max_connections=200",
  "jit=off",
  ...process.argv.slice(2)
]

const report = (line: Report) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** Another process may take the free port first, so it tries three ports before it gives up. */
const start = async (): Promise<Cluster> => {
  for (let attempt = 1;; attempt++) {
    try {
      return await Cluster.start(name, settings)
    } catch (error) {
      if (attempt === 3 || !String(error).includes("Address already in use")) throw error
    }
  }
}

let replica: Replica | undefined

/** Returns the server that answers after the command. */
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
    case "replica": {
      // Few servers have a replica, so the others do not load a driver.
      const { follow } = await import("./replica.ts")
      replica = await follow(server, name)
      return server
    }
    case "lag":
      replica!.lag()
      return server
    case "promote": {
      const { promote } = await import("./replica.ts")
      const next = await promote(server, replica!)
      replica = undefined
      return next
    }
    default:
      throw new Error(`"${command}" is no command`)
  }
}

const main = async () => {
  // Created first: the input may end while Postgres still starts.
  const lines = createInterface({ input: process.stdin })
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.stdin.destroy())
  process.stdin.once("close", () => lines.close())
  process.stdout.on("error", () => {}) // the parent reads no more, and the input ends too
  let server: Cluster | undefined
  try {
    server = await start()
    report({ url: server.url })
    for await (const line of lines) {
      const [command = "", argument] = line.split(" ")
      server = await obey(server, command, argument)
      report({ url: server.url })
    }
  } catch (error) {
    report({ error: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  } finally {
    const removed = [server, replica?.cluster].filter((one) => one !== undefined).map((one) => one.remove("SIGQUIT"))
    replica?.endSender()
    await Promise.all(removed)
  }
}

await main()
process.exit()
