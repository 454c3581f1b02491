/**
 * Checks the prose of the repository, or of the files below the given paths: `npm run prose -- src/worker`.
 *
 * With `--count` it prints only how many findings each folder has.
 */
import { dirname } from "node:path"
import { check } from "./prose-rules.ts"
import { paths, textsOf } from "./prose-texts.ts"

const given = process.argv.slice(2)
const count = given.includes("--count")
const findings = paths(given.filter((each) => each !== "--count")).flatMap((path) => {
  const { findings, texts } = textsOf(path)
  return [...findings, ...texts.flatMap(check)].sort((a, b) => a.line - b.line)
})
if (count) {
  const folders = new Map<string, number>()
  for (const { path } of findings) folders.set(dirname(path), (folders.get(dirname(path)) ?? 0) + 1)
  for (const [folder, n] of [...folders].sort((a, b) => b[1] - a[1])) console.log(`${n}\t${folder}`)
} else for (const { line, path, problem } of findings) console.log(`${path}:${line} ${problem}`)
console.log(`${findings.length} findings in prose`)
process.exitCode = findings.length === 0 ? 0 : 1
