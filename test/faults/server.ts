/** A Postgres of its own that can be killed and started again at the same address. */
import { Effect } from "effect"
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

export interface Server {
  readonly url: string
  /** An immediate shutdown, and a start. Ends when it accepts connections again. */
  readonly restart: Effect.Effect<void>
}

/** Lives as long as the scope. */
export const server = Effect.map(
  Effect.acquireRelease(
    Effect.promise(async () => {
      const child = spawn(process.execPath, [fileURLToPath(new URL("server-process.ts", import.meta.url))], {
        detached: true, // Ctrl-C reaches it through its input, and only so
        stdio: ["pipe", "pipe", "inherit"]
      })
      const ended = new Promise((resolve) => child.once("exit", resolve))
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      const said = async (): Promise<Readonly<Record<string, string>>> => {
        const line = await lines.next()
        const report = line.done === true ? { error: "its process ended" } : JSON.parse(line.value)
        if ("error" in report) throw new Error(`The server of this run failed: ${report.error}`)
        return report
      }
      const { url } = await said()
      return { child, ended, said, url: url! }
    }),
    ({ child, ended }) => Effect.promise(() => (child.stdin.end(), ended))
  ),
  ({ child, said, url }): Server => ({
    url,
    restart: Effect.asVoid(Effect.promise(() => (child.stdin.write("restart\n"), said())))
  })
)
