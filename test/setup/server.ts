/**
 * A throw-away Postgres 18 for tests, bench and scripts, on a free port and in a directory of its own.
 *
 * A process of its own (`server-process.ts`) owns the server. It ends the server as soon as this process ends, even by
 * a kill.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Readable, Writable } from "node:stream"
import { fileURLToPath } from "node:url"

export interface Server {
  /** `postgres://...`, of a superuser. */
  readonly url: string
  /** Stops the server and removes its directory; safe to call twice. Does nothing to a server that was only given. */
  readonly stop: () => Promise<void>
}

/** A server that was started for the caller. */
export interface OwnServer extends Server {
  /** Sends a command of `server-process.ts`. Returns the server's address when the command is done. */
  readonly tell: (command: string) => Promise<string>
}

export interface ServerOptions {
  /** Settings beyond the defaults, as `postgres -c` takes them: `["synchronous_commit=off"]`. */
  readonly settings?: ReadonlyArray<string> | undefined
}

/** A line of the server's process: the address, or why there is none. */
export type Report = { readonly url: string } | { readonly error: string }

/** The database named by `DATABASE_URL`, which is left as it is; without one, a server started for the caller. */
export const givenOrStarted = async (options: ServerOptions = {}): Promise<Server> => {
  const given = process.env["DATABASE_URL"]
  return given === undefined || given === "" ? await start(options) : { url: given, stop: async () => {} }
}

export const start = async (options: ServerOptions = {}): Promise<OwnServer> => {
  const program = fileURLToPath(new URL("server-process.ts", import.meta.url))
  const child = spawn(process.execPath, [
    program,
    "shared_buffers=256MB",
    "max_wal_size=2GB",
    ...options.settings ?? []
  ], {
    detached: true, // so that Ctrl-C reaches us, and the server only through us
    stdio: ["pipe", "pipe", "pipe"]
  })
  const ended = once(child, "close")
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-10_000)
    process.stderr.write(text)
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const report = await Promise.race([nextReport(lines), ended.then(() => undefined)])
  if (report === undefined) {
    await ended
    const how = child.exitCode ?? child.signalCode
    throw new Error(`The process of the test server ended (${how}) before Postgres was ready. It said:\n${said}`)
  }
  if ("error" in report) {
    await ended
    throw new Error(report.error)
  }
  // A caller that does not stop it can still end.
  child.unref()
  release(child.stdin)
  release(child.stdout)
  release(child.stderr)
  const stop = async () => {
    child.stdin.end()
    child.ref()
    if (child.exitCode === null && child.signalCode === null) await ended
  }
  const tell = async (command: string) => {
    child.stdin.write(`${command}\n`)
    const report = await nextReport(lines) ?? { error: "its process ended" }
    if ("error" in report) throw new Error(`The test server failed at "${command}": ${report.error}`)
    return report.url
  }
  return { url: report.url, stop, tell }
}

const nextReport = async (lines: AsyncIterator<string>): Promise<Report | undefined> => {
  const line = await lines.next()
  return line.done === true ? undefined : JSON.parse(line.value)
}

const release = (stream: Readable | Writable) => {
  if ("unref" in stream && typeof stream.unref === "function") stream.unref()
}
