/**
 * The public API as declarations: what each entry point exports, in that order, without comments. The file is
 * committed, so a change of the API is seen in review. With `--check`, a difference is printed and fails.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import { diff } from "node:util"
import { root, tool } from "./run.ts"
import { children, nameOf, parse, read } from "./source.ts"

const report = "test/api/millrace.api.d.ts"
const folder = ".tmp/api"

/** The declarations of a module and then of every module that it exports from, each once. */
const collect = (path: string, seen: Set<string>): ReadonlyArray<string> => {
  if (seen.has(path)) return []
  seen.add(path)
  const text = readFileSync(join(root, folder, path), "utf8")
  const exportedFrom = children(parse(path, text).program).flatMap((node) => {
    const from = /^Export(All|Named)Declaration$/.test(node.type) ? nameOf(node["source"]) : undefined
    return from?.startsWith(".") ? [posix.join(posix.dirname(path), from.replace(/\.(ts|js)$/, ".d.ts"))] : []
  })
  return [
    `// src/${path.replace(/\.d\.ts$/, ".ts")}\n${text.trim()}\n`,
    ...exportedFrom.flatMap((next) => collect(next, seen))
  ]
}

const make = (): string => {
  const entries: Record<string, unknown> = JSON.parse(read("package.json")).exports
  const seen = new Set<string>()
  return Object.entries(entries).flatMap(([name, conditions]) => {
    if (typeof conditions !== "object" || conditions === null || !("types" in conditions)) return []
    const path = String(conditions.types).replace("./dist/", "")
    if (!existsSync(join(root, folder, path))) throw new Error(`${path}, which exports "${name}" names, was not built`)
    return [`// ==== ${posix.join("millrace", name)} ====\n`, ...collect(path, seen)]
  }).join("\n")
}

const printDifference = (before: string, now: string) => {
  for (const [kind, line] of diff(before.split("\n"), now.split("\n"))) {
    if (kind !== 0) console.error(`${kind < 0 ? "+" : "-"} ${line}`)
  }
}

rmSync(join(root, folder), { recursive: true, force: true })
const flags = "--emitDeclarationOnly --removeComments --singleThreaded --declarationMap false --sourceMap false"
const built = tool("tsc", ["--project", ".ci/tsconfig.build.json", ...flags.split(" "), "--outDir", folder])
if (built.code !== 0) {
  console.error(built.stdout)
  process.exit(1)
}
const now = make()
const before = existsSync(join(root, report)) ? read(report) : ""
if (!process.argv.includes("--check")) {
  mkdirSync(dirname(join(root, report)), { recursive: true })
  writeFileSync(join(root, report), now)
} else if (before !== now) {
  printDifference(before, now)
  console.error(`The public API differs from ${report}: if that is meant, run "npm run api:update" and commit it.`)
  process.exitCode = 1
}
rmSync(join(root, folder), { recursive: true, force: true })
