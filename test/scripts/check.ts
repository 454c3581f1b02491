/**
 * `npm run check`: types, lint, format, prose, and the tests that need no database and little processor time.
 *
 * Two steps run at a time, one for each of two cores. The output of a step is printed when it ends. All steps run, also
 * after a failure.
 */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { root } from "./run.ts"

/** Type checks a project. The next check looks only at what has changed since, and at what depends on it. */
const types = (project: string, name: string): readonly [command: string, ...ReadonlyArray<string>] => {
  const known = `.tmp/${name}.tsbuildinfo`
  return ["tsc", "--project", project, "--incremental", "--tsBuildInfoFile", known]
}

const steps: ReadonlyArray<readonly [name: string, ...command: ReadonlyArray<string>]> = [
  ["tests", "vitest", "run", "--project", "memory", "--silent", "--reporter=dot"],
  ["types", ...types("tsconfig.json", "check")],
  ["types of the pages", ...types("src/dashboard/tsconfig.json", "pages")],
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["prose", "test/scripts/prose.ts"],
  ["format", "dprint", "check"]
]

interface Ended {
  readonly code: number | null
  readonly output: string
}

const run = ([command = "", ...args]: ReadonlyArray<string>): Promise<Ended> =>
  new Promise((resolve) => {
    // Without npx, which takes a second of processor time for each step.
    const own = command.endsWith(".ts")
    const program = own ? process.execPath : join(root, "node_modules", ".bin", command)
    const child = spawn(program, own ? [command, ...args] : args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => output += String(chunk))
    child.once("error", (error) => resolve({ code: null, output: String(error) }))
    child.once("close", (code) => resolve({ code, output }))
  })

const began = performance.now()
const seconds = (since: number) => ((performance.now() - since) / 1000).toFixed(0)
const failed: Array<string> = []
const left = steps.values()

const work = async () => {
  for (const [name, ...command] of left) {
    const since = performance.now()
    const { code, output } = await run(command)
    console.log(`${code === 0 ? "ok    " : "FAILED"} ${name} (${seconds(since)} s)`)
    if (code === 0) continue
    failed.push(name)
    console.log(output)
  }
}

await Promise.all([work(), work()])
console.log(`${failed.length === 0 ? "all passed" : `failed: ${failed.join(", ")}`}, in ${seconds(began)} s`)
process.exitCode = failed.length === 0 ? 0 : 1
