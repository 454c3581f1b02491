/**
 * `npm run mutants`: breaks the code on purpose, one guarantee at a time, and sees a named test go red.
 *
 * Works on a copy of the tree (`.tmp/mutants`), so that nothing has to be reverted. A mutant whose text is not found any more, or that
 * survives, fails the run: the first is a stale mutant, the second a missing test. `--only NAME` runs those whose name contains it.
 */
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { start } from "../setup/server.ts"
import { type Mutant, mutants as runtime } from "./mutants.ts"
import { operations } from "./operations.ts"

const mutants = [...runtime, ...operations]

const root = fileURLToPath(new URL("../..", import.meta.url))
const copy = join(root, ".tmp", "mutants")
const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, short: { type: "boolean", default: false } }
})
const day = Math.floor(Date.now() / 86_400_000)
const chosen = mutants.filter((mutant, i) => mutant.name.includes(values.only) && (!values.short || i % 4 === day % 4))

rmSync(copy, { recursive: true, force: true })
mkdirSync(copy, { recursive: true })
for (const name of ["src", "test", "examples", "package.json", "tsconfig.json", "vitest.config.ts"]) {
  cpSync(join(root, name), join(copy, name), { recursive: true })
}
symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))

const server = await start()
let bad = 0

/** The exit code of the test, and what it printed. */
const run = (mutant: Mutant) =>
  spawnSync(process.execPath, [
    join(copy, "node_modules", "vitest", "vitest.mjs"),
    "run",
    mutant.test,
    "-t",
    mutant.named,
    "--no-color"
  ], {
    cwd: copy,
    env: { ...process.env, DATABASE_URL: server.url },
    encoding: "utf8",
    timeout: 180_000
  })

const ran = (output: string) => /Tests .*\b(\d+) (passed|failed)/.test(output)

for (const mutant of mutants) {
  const times = readFileSync(join(copy, mutant.file), "utf8").split(mutant.from).length - 1
  if (times === 1) continue
  console.log(`STALE     ${mutant.name}: the text to break stands ${times} times in ${mutant.file}`)
  bad++
}

try {
  for (const mutant of chosen) {
    const path = join(copy, mutant.file)
    const text = readFileSync(path, "utf8")
    writeFileSync(path, text.replace(mutant.from, () => mutant.to))
    const started = performance.now()
    const result = run(mutant)
    writeFileSync(path, text)
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    // A run that was killed by its timeout hung: a bounded wait is gone, which counts as seen.
    const caught = result.status !== 0 && (result.signal !== null || ran(result.stdout))
    if (!caught) bad++
    console.log(`${caught ? "caught   " : "SURVIVED "} ${mutant.name} (${seconds} s): ${mutant.test} "${mutant.named}"`)
    if (!caught) console.log(result.stdout.split("\n").slice(-12).join("\n"))
  }
} finally {
  await server.stop()
  rmSync(copy, { recursive: true, force: true })
}
console.log(`${chosen.length} mutants of ${mutants.length}: ${chosen.length - bad} caught, ${bad} survived or stale`)
process.exit(bad === 0 && chosen.length > 0 ? 0 : 1)
