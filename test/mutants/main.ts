/**
 * `npm run mutants`: breaks the code on purpose, one guarantee at a time, and sees a named test go red.
 *
 * Works on copies of the tree (`.tmp/mutants`), two mutants at a time, so that nothing has to be reverted. The run
 * fails if the text of a mutant is not found any more, or if a mutant survives. The first case is a stale mutant, and
 * the second a missing test. `--only NAME` runs those whose name contains it.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { read } from "../scripts/source.ts"
import { start } from "../setup/server.ts"
import { broken, make, root, vitest } from "./copies.ts"
import { mutants } from "./mutants.ts"
import { type Mutant, stale } from "./types.ts"

/**
 * Milliseconds that a mutant may take. A break that makes its test hang takes all of them. No test of a mutant needs a
 * third of this time.
 */
const limit = 60_000
const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, short: { type: "boolean", default: false } }
})
const day = Math.floor(Date.now() / 86_400_000)
const chosen = mutants.filter((mutant, i) =>
  mutant.name.includes(values.only) && (!values.short || i % 64 === day % 64)
)

const { clear, copies } = make("mutants")
const server = await start()
let bad = 0

const ran = (output: string) => /Tests .*\b(\d+) (passed|failed)/.test(output)

for (const problem of stale(mutants, read, (path) => existsSync(join(root, path)))) {
  console.log(`STALE     ${problem}`)
  bad++
}

/** One argument, since a name may begin with a dash. */
const named = (mutant: Mutant) => mutant.named === "" ? [] : [`--testNamePattern=${mutant.named}`]

const look = async (copy: string, mutant: Mutant) => {
  const started = performance.now()
  const { code, output } = await broken(
    copy,
    mutant.file,
    (text) => text.replace(mutant.from, () => mutant.to),
    () => vitest(copy, { args: [mutant.test, ...named(mutant)], url: server.url, limit })
  )
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  // A run that was killed by its timeout hung: a bounded wait is gone, which counts as seen. On a busy machine the
  // limit may have come too soon, so the line says it.
  const caught = code !== 0 && (code === null || ran(output))
  if (!caught) bad++
  const verdict = code === null ? "hung     " : caught ? "caught   " : "SURVIVED "
  console.log(`${verdict} ${mutant.name} (${seconds} s): ${mutant.test} "${mutant.named}"`)
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
