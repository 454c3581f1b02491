/**
 * A Postgres of its own that can be harmed, behind a gate: clients have one address of it, whatever becomes of it, and nothing passes
 * while the gate is shut.
 */
import { Effect, type Scope } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { type Proxy, proxy } from "./proxy.ts"

/** What clients know. */
export interface Server {
  readonly url: string
  /** Undefined where the server is everybody's. */
  readonly own: Own | undefined
}

export interface Own {
  readonly gate: Proxy
  /** A command of `server-process.ts`. Ends when it is done; from then on the gate leads to where the server is. */
  readonly tell: (command: string) => Effect.Effect<void>
}

/** Started with some settings, as `postgres -c` takes them; lives until the scope closes. */
export const server = (settings: ReadonlyArray<string>): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.gen(function*() {
    const { child, said } = yield* owner(settings)
    const gate = yield* proxy(yield* Effect.promise(said), /^$/)
    const tell = (command: string) =>
      Effect.promise(async () => {
        child.stdin.write(`${command}\n`)
        gate.target = await said()
      })
    return { url: gate.url, own: { gate, tell } }
  })

const owner = (settings: ReadonlyArray<string>) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const child = spawn(
        process.execPath,
        [fileURLToPath(new URL("server-process.ts", import.meta.url)), ...settings],
        {
          detached: true, // Ctrl-C reaches it through its input, and only so
          stdio: ["pipe", "pipe", "inherit"]
        }
      )
      const ended = new Promise((resolve) => child.once("exit", resolve))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const said = async (): Promise<string> => {
        const line = await lines.next()
        const report = line.done === true ? { error: "its process ended" } : JSON.parse(line.value)
        if ("error" in report) throw new Error(`The server of this run failed: ${report.error}`)
        return report.url
      }
      return { child, ended, said }
    }),
    ({ child, ended }) => Effect.promise(() => (child.stdin.end(), ended))
  )
