/**
 * The process that owns a server which can be restarted: `restart` on its input kills Postgres at once (an immediate shutdown)
 * and starts it again on the same directory and port. It ends the server when its input ends, however the process above ends.
 */
import { createInterface } from "node:readline"
import { Cluster } from "../setup/cluster.ts"

const say = (line: Readonly<Record<string, string>>) => process.stdout.write(`${JSON.stringify(line)}\n`)

const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "jit=off"]

const main = async () => {
  let server: Cluster | undefined
  try {
    server = await Cluster.start("millrace-restarts", settings)
    say({ url: server.url })
    for await (const line of createInterface({ input: process.stdin })) {
      if (line !== "restart") continue
      await server.stop("SIGQUIT")
      await server.start()
      say({ restarted: line })
    }
  } catch (error) {
    say({ error: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  } finally {
    await server?.remove("SIGQUIT")
  }
}

process.stdout.on("error", () => {}) // nobody listens any more, and the input ends too
await main()
process.exit()
