/**
 * The process that owns a test server: started by `server.ts`, it starts Postgres, reports its address in one line, and
 * ends it and removes its directory when its standard input ends, as it does however the process above it ends.
 */
import { Cluster } from "./cluster.ts"
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

const report = (line: Report) => process.stdout.write(`${JSON.stringify(line)}\n`)

const main = async () => {
  // Asked first: the input may end while Postgres still starts.
  const released = new Promise<void>((resolve) => process.stdin.resume().once("close", resolve))
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.stdin.destroy())
  process.stdout.on("error", () => {}) // nobody listens any more, and the input ends too
  try {
    const server = await start()
    report({ url: server.url })
    await released
    await server.remove("SIGINT")
  } catch (error) {
    report({ error: error instanceof Error ? error.message : String(error) })
    process.exitCode = 1
  }
}

/** Another process may take the free port first, so it tries three ports before giving up. */
const start = async (): Promise<Cluster> => {
  for (let attempt = 1;; attempt++) {
    try {
      return await Cluster.start("millrace-postgres", settings)
    } catch (error) {
      if (attempt === 3 || !String(error).includes("Address already in use")) throw error
    }
  }
}

await main()
process.exit()
