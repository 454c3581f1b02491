/**
 * `npm run mutants`: breaks the code on purpose, one guarantee at a time, and sees a named test go red.
 *
 * Works on copies of the tree (`.tmp/mutants`), so that nothing has to be reverted, two mutants at a time. A mutant whose text is not
 * found any more, or that survives, fails the run: the first is a stale mutant, the second a missing test. `--only NAME` runs those whose
 * name contains it.
 */
import { spawn } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { start } from "../setup/server.ts"
import { mutants } from "./mutants.ts"
import type { Mutant } from "./types.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
const copies = [0, 1].map((n) => join(root, ".tmp", "mutants", String(n)))
/** Milliseconds that a mutant may take; a break that makes its test hang takes them all. No test of a mutant needs a third of it. */
const limit = 60_000
const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, short: { type: "boolean", default: false } }
})
const day = Math.floor(Date.now() / 86_400_000)
const chosen = mutants.filter((mutant, i) => mutant.name.includes(values.only) && (!values.short || i % 4 === day % 4))

const clear = () => rmSync(join(root, ".tmp", "mutants"), { recursive: true, force: true })
clear()
for (const copy of copies) {
  mkdirSync(copy, { recursive: true })
  for (const name of ["src", "test", "examples", "package.json", "tsconfig.json", "vitest.config.ts"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
}

const server = await start()
let bad = 0

interface Ended {
  readonly output: string
  readonly code: number | null
}

/** What the test printed and its exit code, which is null if it had to be killed. */
const run = (copy: string, mutant: Mutant) =>
  new Promise<Ended>((resolve) => {
    const child = spawn(process.execPath, [
      join(copy, "node_modules", "vitest", "vitest.mjs"),
      "run",
      mutant.test,
      "-t",
      mutant.named,
      // What hangs is seen sooner; no test of a mutant takes half of that.
      "--testTimeout=30000",
      "--bail=1",
      "--no-color"
    ], {
      cwd: copy,
      env: { ...process.env, DATABASE_URL: server.url },
      detached: true, // a process group of its own, with what it starts
      stdio: ["ignore", "pipe", "ignore"]
    })
    const timer = setTimeout(() => process.kill(-child.pid!, "SIGKILL"), limit)
    let output = ""
    child.stdout.setEncoding("utf8").on("data", (text) => output += text)
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve({ output, code })
    })
  })

const ran = (output: string) => /Tests .*\b(\d+) (passed|failed)/.test(output)

for (const mutant of mutants) {
  const times = readFileSync(join(root, mutant.file), "utf8").split(mutant.from).length - 1
  if (times === 1) continue
  console.log(`STALE     ${mutant.name}: the text to break stands ${times} times in ${mutant.file}`)
  bad++
}

const look = async (copy: string, mutant: Mutant) => {
  const path = join(copy, mutant.file)
  const text = readFileSync(path, "utf8")
  writeFileSync(path, text.replace(mutant.from, () => mutant.to))
  const started = performance.now()
  const { code, output } = await run(copy, mutant)
  writeFileSync(path, text)
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  // A run that was killed by its timeout hung: a bounded wait is gone, which counts as seen.
  const caught = code !== 0 && (code === null || ran(output))
  if (!caught) bad++
  console.log(`${caught ? "caught   " : "SURVIVED "} ${mutant.name} (${seconds} s): ${mutant.test} "${mutant.named}"`)
  if (!caught) console.log(output.split("\n").slice(-12).join("\n"))
}

try {
  const left = chosen.values()
  await Promise.all(copies.map(async (copy) => {
    for (const mutant of left) await look(copy, mutant)
  }))
} finally {
  await server.stop()
  clear()
}
console.log(`${chosen.length} mutants of ${mutants.length}: ${chosen.length - bad} caught, ${bad} survived or stale`)
process.exit(bad === 0 && chosen.length > 0 ? 0 : 1)
