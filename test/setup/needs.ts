/**
 * Finds the test files that need a database, by what they import.
 *
 * Vitest runs them in a project of their own, so that a run of other files starts no server. `npm run check` runs only
 * the others. Tests that run the examples are a third part, since a change of the code seldom needs them.
 */
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"

/** The request of a test to the global setup, and modules that are a database or start one. Redis is one, too. */
const asks = /inject\("databaseUrl"\)/
const engines =
  /^(?:millrace\/embedded$|@electric-sql\/|src\/embedded\/|test\/(?:setup\/(?:server|cluster)|redis\/redisServer)\.ts$)/

/** The modules that a file imports or loads, as they are written. */
const importsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/\b(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, specifier]) => specifier!)

/** Whether a file, or a file of `test/` that it imports, uses a database server or PGlite. */
export const needsDatabase = (
  root: string,
  path: string,
  read: (path: string) => string | undefined = readFrom(root),
  seen: Set<string> = new Set()
): boolean => {
  if (seen.has(path)) return false
  seen.add(path)
  const text = read(path) ?? ""
  if (asks.test(text)) return true
  return importsOf(text).some((specifier) => {
    const module = specifier.startsWith(".") ? normalize(join(dirname(path), specifier)) : specifier
    return engines.test(module) || needsDatabase(root, module, read, seen)
  })
}

const readFrom = (root: string) => (path: string): string | undefined =>
  path.startsWith("test/") && existsSync(join(root, path)) ? readFileSync(join(root, path), "utf8") : undefined

/** Files that run each example and the main job as processes of their own. */
const programs = /^test\/(?:examples|main-job\/(?:mainJobRun|interrupted))\.test\.ts$/

/**
 * Files without a database that take seconds of processor time each: random schedules and walks, servers, compilers and
 * processes. `npm test` runs them, and `npm run check` does not.
 */
const long = new Set(
  [
    "checker/checker",
    "deployment",
    "main-job/plan",
    "memory/walk",
    "sqs/fifoModel",
    "sqs/sqs-model-conformance",
    "sqs/sqsServer",
    "sqs/sqsSubscription",
    "testing/TestPipeline.node",
    "testing/crashEverywhere",
    "types/messages",
    "words/manyKeys"
  ].map((name) => `test/${name}.test.ts`)
)

/** The test files of the repository, by what they need. */
export interface TestFiles {
  readonly examples: ReadonlyArray<string>
  readonly withDatabase: ReadonlyArray<string>
  readonly long: ReadonlyArray<string>
  readonly without: ReadonlyArray<string>
}

/** Finds all test files of the repository. Each is in one of the parts. */
export const testFiles = (root: string): TestFiles => {
  const all = globSync("test/**/*.test.ts", { cwd: root }).map((path) => path.replaceAll("\\", "/")).sort()
  const stale = [...long].filter((path) => !all.includes(path))
  if (stale.length > 0) throw new Error(`There is no test file ${stale.join(", ")}`)
  const partOf = (path: string): keyof TestFiles => {
    if (programs.test(path)) return "examples"
    if (needsDatabase(root, path)) return "withDatabase"
    return long.has(path) ? "long" : "without"
  }
  return { examples: [], withDatabase: [], long: [], without: [], ...Object.groupBy(all, partOf) }
}
