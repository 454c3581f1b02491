import { defineConfig } from "vitest/config"
import { limit } from "./test/harness/patience.ts"
import { testFiles } from "./test/setup/needs.ts"
import { LongestFirst } from "./test/setup/sequence.ts"

// Tests import the library as a user does (`from "millrace"`). The first condition sends those imports to src/, without
// a build. The others are those of Node: with "module" the AWS client would be loaded from files that Node cannot load.
const conditions = ["millrace-source", "node", "development|production"]
const { examples, long, withDatabase, without } = testFiles(import.meta.dirname)

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // A project's global setup runs only if one of its files does: nothing else starts a server.
    projects: [
      {
        extends: true,
        test: { name: "database", include: [...withDatabase], globalSetup: ["test/setup/postgres.ts"] }
      },
      { extends: true, test: { name: "memory", include: [...without] } },
      // No database either, but seconds of processor time for each file. `npm run check` leaves it out.
      { extends: true, test: { name: "long", include: [...long] } },
      // `npm run examples`. `npm test` leaves it out.
      {
        extends: true,
        test: { name: "examples", include: [...examples], globalSetup: ["test/setup/postgres.ts"] }
      },
      // The promises of a worker hold as well if each turn has a fiber, as the turns of pipelines that wait have.
      {
        extends: true,
        test: {
          name: "fibers",
          include: without.filter((path) => path.startsWith("test/worker/")),
          setupFiles: ["test/setup/fibers.ts"]
        }
      }
    ],
    exclude: ["**/node_modules/**", ".tmp/**"],
    globalSetup: ["test/setup/machine.ts", "test/setup/mutant-names.ts"],
    pool: "forks",
    // A process continues with the next file, so Effect is imported a few times and not eighty, in a fifth of the time.
    // So a file changes its process (environment, globals, metrics) only within a scope.
    isolate: false,
    // Most of the long files wait for leases, clocks and processes, so that three share two cores well.
    maxWorkers: 3,
    // Conformance tests wait for real leases most of the time. The suite on PGlite takes 54 s with 5 tests at once, and
    // 30 s with 16.
    maxConcurrency: 16,
    sequence: { sequencer: LongestFirst },
    // Five owners that die one after the other take 45 s.
    testTimeout: limit(90_000),
    hookTimeout: limit(60_000),
    teardownTimeout: limit(20_000)
  }
})
