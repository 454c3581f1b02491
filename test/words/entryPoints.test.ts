/** Checks what a process loads by each entry point of the package. */
import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const src = fileURLToPath(new URL("../../src/", import.meta.url))

/** The relative imports of a module that are left when its types are erased. */
const importsOf = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^"';]*?\sfrom\s+)?"(\.[^"]+)"/gm)].map(([, path]) => path!)

/** Returns the modules that are loaded with an entry point, as paths below `src`. */
const loaded = (entry: string): ReadonlyArray<string> => {
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    for (const to of importsOf(readFileSync(join(src, path), "utf8"))) visit(join(dirname(path), to))
  }
  visit(entry)
  return [...seen]
}

const forOperators = (path: string) => path.startsWith("ops/") || path.startsWith("cli/")

describe("a process", () => {
  for (const entry of ["index.ts", "postgres/index.ts", "embedded/index.ts", "sqs/index.ts", "redis/index.ts"]) {
    it(`loads nothing of the tools for operators by ${entry}`, () => {
      const modules = loaded(entry)
      assert.isAbove(modules.length, 20)
      assert.deepStrictEqual(modules.filter(forOperators), [])
    })
  }

  it("loads them by their own entry point, and so the search sees them", () => {
    const modules = loaded("ops/index.ts")
    assert.includeMembers([...modules], ["ops/Operations.ts", "ops/actions/PurgeActions.ts"])
    assert.isTrue(modules.every((path) => existsSync(join(src, path))))
  })
})
