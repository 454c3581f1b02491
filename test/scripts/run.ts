/** How the scripts here start a tool: without a shell, with its output kept. */
import { spawnSync } from "node:child_process"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The root of the repository. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a tool of `node_modules/.bin` in the root of the repository. */
export const tool = (name: string, args: ReadonlyArray<string>): Finished =>
  run(process.execPath, [join(root, "node_modules", ".bin", name), ...args])

export const run = (command: string, args: ReadonlyArray<string>): Finished => {
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 256 * 1024 * 1024 })
  if (result.error !== undefined) throw result.error
  return { code: result.status ?? 1, stdout: result.stdout, stderr: result.stderr }
}
