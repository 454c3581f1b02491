/**
 * Vitest's global setup that compares the mutants with the tests of a run. It fails the run if a mutant names a test
 * that its file does not have. So each run of a test file checks the mutants of that file.
 *
 * The names come from vitest, since only a run knows the names of parametrised tests and of shared suites. A run with
 * `-t` checks nothing, because a mutant's own run breaks the code.
 */
import { relative } from "node:path"
import type { TestCase, TestProject } from "vitest/node"
import { mutants } from "../mutants/mutants.ts"
import { unnamed } from "../mutants/types.ts"

/** The name that `vitest -t` compares: those of the suites around the test, and its own. */
const nameOf = (test: TestCase): string => {
  const names = [test.name]
  for (let around = test.parent; around.type === "suite"; around = around.parent) names.unshift(around.name)
  return names.join(" ")
}

export default function setup(project: TestProject) {
  return () => {
    const { config, state } = project.vitest
    if (config.testNamePattern !== undefined) return
    const tests = new Map<string, ReadonlyArray<string>>()
    for (const module of state.getTestModules()) {
      if (module.errors().length > 0) continue
      const path = relative(config.root, module.moduleId).replaceAll("\\", "/")
      tests.set(path, [...module.children.allTests()].map(nameOf))
    }
    const problems = unnamed(mutants, (path) => tests.get(path))
    if (problems.length > 0) throw new Error(`Stale mutants:\n${problems.join("\n")}`)
  }
}
