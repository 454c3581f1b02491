/** The order of test files: those that wait longest for real time first, so that no long file is left for the end. */
import { BaseSequencer, type TestSpecification } from "vitest/node"

/** Longest first; a clean checkout has no durations of an earlier run yet. */
const longest = [
  "embedded/pglite-conformance",
  "postgres/conformance",
  "process/",
  "redis/stream",
  "redis/redisCrashes",
  "embedded/lock",
  "relay/relayKills",
  "cli/setup",
  "testing/TestPipeline.sql",
  "postgres/decisionPairs",
  "postgres/commitRows",
  "postgres/steering",
  "ops/facts.test",
  "setup/server"
]

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
