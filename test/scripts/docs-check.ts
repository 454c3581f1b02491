/**
 * Type checks every `ts` fence of the READMEs and docstrings with the project's settings. A fence with `// =>` lines is
 * also run, and each of these lines must be reached and hold.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { type Fence, fences, placed, program } from "./fences.ts"
import { root, run, tool } from "./run.ts"
import { files, read } from "./source.ts"

const folder = ".tmp/docs"

const documents = [
  ...files(".", ".md").filter((path) => /^(?:[^/]+|src\/.*README\.md|(examples|test)\/README\.md)$/.test(path)),
  ...files("src", ".ts")
]

/** The head of a program with assertions; it stands on the first line, which no fence can begin on. */
const head = (assertions: number) =>
  [
    `import { formatWithOptions } from "node:util"`,
    `let reached = 0`,
    `const check = (line, expected, ...values) => { reached++; `
    + `const got = formatWithOptions({ depth: 10, breakLength: Infinity, compact: true }, ...values); `
    + `const quoted = values.length === 1 && typeof values[0] === "string" ? JSON.stringify(values[0]) : got; `
    + `const same = (text) => expected.endsWith("...") ? text.startsWith(expected.slice(0, -3)) : text === expected; `
    + `if (!same(got) && !same(quoted)) { console.error("line " + line + ": expected " + expected + ", got " + quoted); process.exitCode = 1 } }`,
    `process.on("exit", () => { if (reached < ${assertions}) { `
    + `console.error("only " + reached + " of ${assertions} \\"// =>\\" lines were reached"); process.exitCode = 1 } })`
  ].join("; ")

const nameFor = (fence: Fence) => `${fence.path.replaceAll(/[^A-Za-z0-9]+/g, "-")}-${fence.line}`

const typeCheck = (all: ReadonlyArray<Fence>): boolean => {
  for (const fence of all) writeFileSync(join(root, folder, `${nameFor(fence)}.ts`), placed(fence))
  const options = { noUnusedLocals: false, noUnusedParameters: false }
  writeFileSync(
    join(root, folder, "tsconfig.json"),
    JSON.stringify({ extends: "../../tsconfig.json", compilerOptions: options, include: ["*.ts"], exclude: [] })
  )
  const result = tool("tsc", ["--project", `${folder}/tsconfig.json`, "--pretty", "false"])
  const paths = new Map(all.map((fence) => [`${folder}/${nameFor(fence)}.ts`, fence.path]))
  process.stdout.write(result.stdout.replaceAll(/^\.tmp\/docs\/[\w-]+\.ts/gm, (path) => paths.get(path) ?? path))
  return result.code === 0
}

/** Runs the fence when it asserts something; gives how many assertions it has and whether all held. */
const execute = (fence: Fence): { readonly assertions: number; readonly held: boolean } => {
  const made = program(fence)
  if (made === undefined) return { assertions: 0, held: true }
  const path = `${folder}/run/${nameFor(fence)}.ts`
  writeFileSync(join(root, path), `${head(made.assertions)}\n` + placed(fence, made.code).slice(1))
  const result = run(process.execPath, ["--conditions=millrace-source", path])
  if (result.code !== 0) console.log(`${fence.path}: ${result.stderr.trim() || result.stdout.trim()}`)
  return { assertions: made.assertions, held: result.code === 0 }
}

rmSync(join(root, folder), { recursive: true, force: true })
mkdirSync(join(root, folder, "run"), { recursive: true })
const all = documents.flatMap((path) => fences(path, read(path)))
const typed = all.length === 0 || typeCheck(all)
const runs = all.map(execute)
const assertions = runs.reduce((sum, each) => sum + each.assertions, 0)
const failed = runs.filter((each) => !each.held).length
console.log(
  `${all.length} snippets in ${documents.length} files ${typed ? "compile" : "do not all compile"}; `
    + `${runs.filter((each) => each.assertions > 0).length} run with ${assertions} assertions, ${failed} failed`
)
if (typed && failed === 0) rmSync(join(root, folder), { recursive: true, force: true })
else process.exitCode = 1
