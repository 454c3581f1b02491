/** The breaks of the test server, where root cannot hand the checkout to the user who runs Postgres. */
import type { Mutant } from "./types.ts"

const server = "test/setup/server.test.ts"

export const machineMutants: ReadonlyArray<Mutant> = [
  {
    name: "machine: binaries in a directory that their user cannot enter",
    guarantee: "the test server",
    file: "test/setup/cluster.ts",
    from: "user.uid === undefined || runs(native).status === 0",
    to: "user.uid === undefined || runs(native).status !== 0",
    test: server,
    named: "a server that root starts below a directory that only root may enter"
  },
  {
    name: "machine: data in a directory that the server's user cannot enter",
    guarantee: "the test server",
    file: "test/setup/cluster.ts",
    from: "places.find(enters) ?? tmpdir()",
    to: "tmpdir()",
    test: server,
    named: "finds another directory for its data"
  },
  {
    name: "machine: Postgres's own message is not shown",
    guarantee: "the test server",
    file: "test/setup/cluster.ts",
    from: "how, said.join(\"\\n\")",
    to: "how, \"\"",
    test: server,
    named: "says what Postgres said"
  }
]
