import { defineConfig } from "vitest/config"

// Tests import the library as a user does (`from "millrace"`); this condition sends those imports to src/, without a build.
const conditions = ["millrace-source", "module", "node", "development|production"]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/bench/**", "test/stress/**", "**/node_modules/**", ".tmp/**"],
    globalSetup: ["test/setup/postgres.ts"],
    pool: "forks",
    // A process goes on with the next file, so that Effect is imported three times and not eighty: a fifth of the time.
    // What a file changes of its process (environment, globals, metrics) it therefore changes in a scope.
    isolate: false,
    // Most of the long files wait for leases, clocks and processes, so that three share two cores well.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000
  }
})
