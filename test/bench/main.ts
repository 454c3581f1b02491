/**
 * `npm run bench`: the ratio of Millrace to the bare prototype, for CI. `npm run bench -- all` measures it beside other
 * queues. `-- away` does so with a network in between, and `-- latency` measures from a publish to its commit.
 * `-- yardstick` compares it with its own SQL, and `-- publish` measures publishes. `-- brokers` compares it with bare
 * consumers of SQS and Redis. `-- soak` runs it for an hour.
 */
const inProcess = () => import("./in-process.ts")
const measurements: Readonly<Record<string, () => Promise<unknown>>> = {
  all: () => import("./all.ts"),
  away: () => import("./all.ts"),
  brokers: () => import("./brokerThroughput.ts"),
  latency: () => import("./latency.ts"),
  publish: inProcess,
  soak: () => import("./soak.ts"),
  yardstick: inProcess
}

const [, , asked = ""] = process.argv
const isNamed = asked !== "" && !asked.startsWith("--")
const measure = isNamed ? measurements[asked] : inProcess
if (measure === undefined) {
  console.error(
    `There is no measurement "${asked}". There are ${Object.keys(measurements).join(", ")}, or none for the ratio.`
  )
  process.exitCode = 2
} else await measure()
