/**
 * Bundles the programs that tests start as processes, each of them once in a run of tests. One file takes an eighth of
 * the processor time of its 400 modules to load, and some tests start dozens of processes.
 *
 * The variable `MILLRACE_PROGRAMS` names the folder, which `setup/machine.ts` makes. Without it the sources run.
 */
import { existsSync, renameSync } from "node:fs"
import { basename, join } from "node:path"

const known = new Map<string, Promise<string>>()

/** Returns the file to run in place of the source of a program. */
export const runnable = (source: string): Promise<string> => {
  const folder = process.env["MILLRACE_PROGRAMS"]
  if (folder === undefined) return Promise.resolve(source)
  const file = join(folder, `${basename(source, ".ts")}.mjs`)
  const found = known.get(file) ?? (existsSync(file) ? Promise.resolve(file) : bundle(source, file))
  known.set(file, found)
  return found
}

const bundle = async (source: string, file: string): Promise<string> => {
  // Most test files start no process, and need no bundler.
  const { build } = await import("rolldown")
  // Several processes may make it at once, and none may read a part of it.
  const own = `${file}.${process.pid}`
  await build({
    input: source,
    platform: "node",
    resolve: { conditionNames: ["millrace-source", "node", "import"] },
    external: ["@electric-sql/pglite"],
    output: { file: own, format: "esm", codeSplitting: false },
    logLevel: "warn"
  })
  renameSync(own, file)
  return file
}
