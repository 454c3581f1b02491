/**
 * A throw-away Postgres 18 of our own, for tests, bench and scripts: on a free port, in a directory of its own, gone
 * afterwards whatever happens.
 *
 * It belongs to a process of its own (`server-process.ts`), which ends it as soon as this process ends, even when it is
 * killed.
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

export interface ServerOptions {
  /** Settings beyond the defaults, as `postgres -c` takes them: `["synchronous_commit=off"]`. */
  readonly settings?: ReadonlyArray<string> | undefined
}

/** What the server's process says when it is ready, or why it is not. */
export type Report = { readonly url: string } | { readonly error: string }

/** The database named by `DATABASE_URL`, which is left as it is; without one, a server started for the caller. */
export const givenOrStarted = async (options: ServerOptions = {}): Promise<Server> => {
  const given = process.env["DATABASE_URL"]
  return given === undefined || given === "" ? await start(options) : { url: given, stop: async () => {} }
}

export const start = async (options: ServerOptions = {}): Promise<Server> => {
  const program = fileURLToPath(new URL("server-process.ts", import.meta.url))
  const child = spawn(process.execPath, [program, ...options.settings ?? []], {
    detached: true, // so that Ctrl-C reaches us, and the server only through us
    stdio: ["pipe", "pipe", "pipe"]
  })
  const ended = once(child, "close")
  let said = ""
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-10_000)
    process.stderr.write(text)
  })
  const report = await Promise.race([firstReport(child.stdout), ended.then(() => undefined)])
  if (report === undefined) {
    await ended
    const how = child.exitCode ?? child.signalCode
    throw new Error(`The process of the test server ended (${how}) before Postgres was ready. It said:\n${said}`)
  }
  if ("error" in report) {
    await ended
    throw new Error(report.error)
  }
  // Whoever forgets to stop it can still end.
  child.unref()
  release(child.stdin)
  release(child.stdout)
  release(child.stderr)
  const stop = async () => {
    child.stdin.end()
    child.ref()
    if (child.exitCode === null && child.signalCode === null) await ended
  }
  return { url: report.url, stop }
}

const firstReport = async (output: Readable): Promise<Report | undefined> => {
  for await (const line of createInterface({ input: output })) return JSON.parse(line)
  return undefined
}

const release = (stream: Readable | Writable) => {
  if ("unref" in stream && typeof stream.unref === "function") stream.unref()
}
