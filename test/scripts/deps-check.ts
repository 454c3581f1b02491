/**
 * Checks the dependencies:
 *
 * - one copy of every package that must not exist twice (two copies of `effect` have two sets of services);
 * - no version range among the development dependencies, and no runtime dependency;
 * - a lock file that every platform can use.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./run.ts"

const single = ["effect", "@effect/sql-pg", "@effect/vitest", "@effect/platform-node", "vitest", "@electric-sql/pglite"]
const allowedDependencies: ReadonlyArray<string> = []

const read = (name: string) => JSON.parse(readFileSync(join(root, name), "utf8"))
const manifest = read("package.json")
interface Locked {
  readonly version: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
const lock: { readonly packages: Readonly<Record<string, Locked>> } = read("package-lock.json")
const problems: Array<string> = []

for (const name of single) {
  const copies = Object.entries(lock.packages).filter(([path]) => path.endsWith(`node_modules/${name}`))
  const wanted = manifest.devDependencies[name]
  if (copies.length !== 1) {
    problems.push(`${copies.length} copies of ${name} instead of one: ${copies.map(([path]) => path).join(", ")}`)
  } else if (copies[0]?.[1].version !== wanted) {
    problems.push(`${name} is ${copies[0]?.[1].version} in the lock file and ${wanted} in package.json`)
  }
}
for (const [name, version] of Object.entries<string>(manifest.devDependencies)) {
  if (!/^\d/.test(version)) problems.push(`devDependencies pins exact versions, but ${name} is "${version}"`)
}
for (const name of Object.keys(manifest.dependencies ?? {})) {
  if (!allowedDependencies.includes(name)) {
    problems.push(`${name} is a runtime dependency; Millrace has none but its peers`)
  }
}
for (const name of Object.keys(manifest.peerDependencies)) {
  if (manifest.devDependencies[name] === undefined) problems.push(`the peer ${name} is not among devDependencies`)
}
// npm leaves them out when the registry it was run against does not have them, and then "npm ci" refuses the lock file.
for (const [path, { optionalDependencies = {} }] of Object.entries(lock.packages)) {
  for (const name of Object.keys(optionalDependencies)) {
    const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
    if (!places.some((place) => place in lock.packages)) {
      problems.push(`the lock file lacks ${name}, which ${path} names`)
    }
  }
}

for (const problem of problems) console.error(problem)
if (problems.length > 0) process.exitCode = 1
else console.log(`one copy each of ${single.join(", ")}; no runtime dependencies`)
