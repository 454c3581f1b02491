/** The order of test files: those that wait longest for real time first, so that no long file is left for the end. */
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Longest first; a clean checkout has no durations of an earlier run yet. */
const longest = ["embedded/conformance", "embedded-conformance", "postgres/conformance", "process/", "TestPipeline.sql"]

const rank = ({ moduleId }: TestSpecification): number => {
  const at = longest.findIndex((part) => moduleId.includes(part))
  return at < 0 ? longest.length : at
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const sorted = await super.sort(files)
    return sorted.toSorted((a, b) => a.project.name === b.project.name ? rank(a) - rank(b) : 0)
  }
}
