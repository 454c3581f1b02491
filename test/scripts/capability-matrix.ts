/**
 * The table of transports in `README.md`, made from the capabilities that the transports declare. `npm run
 * docs:transports` writes the table between its two markers. The tidy test fails when the table is stale.
 */
import { Duration, Option } from "effect"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { capabilities as memory } from "../../src/memory/MemoryTransport.ts"
import { capabilities as postgres } from "../../src/postgres/queue/PgTransport.ts"
import { log } from "../../src/redis/LogTransport.ts"
import { group } from "../../src/redis/StreamTransport.ts"
import { fifo, standard } from "../../src/sqs/SqsTransport.ts"
import type { Capabilities } from "../../src/Transport.ts"
import { root } from "./run.ts"
import { read } from "./source.ts"

const begin = "<!-- transports: made from the code by `npm run docs:transports` -->"
const end = "<!-- /transports -->"

const engines: ReadonlyArray<readonly [name: string, can: Capabilities]> = [
  ["Postgres, PGlite", postgres],
  ["memory", memory],
  ["SQS standard", standard],
  ["SQS FIFO", fifo],
  ["Redis Streams, group", group],
  ["Redis Streams, log", log]
]

const orders: Readonly<Record<Capabilities["order"], string>> = {
  lane: "per lane",
  group: "per message group",
  none: "none"
}
const holds: Readonly<Record<Capabilities["hold"], string>> = {
  inPlace: "in its queue or in the store, for any time",
  timed: "hidden for a time; parking is refused"
}
const units: Readonly<Record<Capabilities["lease"]["unit"], string>> = {
  lane: "a lane",
  group: "a received group",
  message: "a message"
}
const time = (duration: Option.Option<Duration.Duration>, none: string): string =>
  Option.match(duration, { onNone: () => none, onSome: Duration.format })

/** The rows: what a user asks about a transport, and the answer for one engine. */
const rows: ReadonlyArray<readonly [question: string, answer: (can: Capabilities) => string]> = [
  ["order of a key", (can) => orders[can.order]],
  ["a lease covers", (can) => units[can.lease.unit]],
  ["a lease is renewed", (can) => time(can.lease.ceiling, "without limit")],
  ["a stale owner is refused by", (can) => can.fence === "token" ? "the fencing token" : "the inbox"],
  [
    "acknowledged",
    (can) => can.acknowledge === "within" ? "in the commit" : "after the commit; a crash between makes a duplicate"
  ],
  ["a delayed retry waits", (can) => holds[can.hold]],
  ["drops a second publish itself", (can) => time(can.deduplicates, "no; the inbox finds it")],
  [
    "largest message",
    (can) =>
      Option.match(can.maxBytes, {
        onNone: () => "payload 1 MiB",
        onSome: (most) => `${most / 1_048_576} MiB with its headers`
      })
  ],
  ["keeps an unread message", (can) => time(can.retention, "indefinitely")]
]

export const matrix = (): string =>
  [
    `| | ${engines.map(([name]) => name).join(" | ")} |`,
    `| --- |${" --- |".repeat(engines.length)}`,
    ...rows.map(([question, answer]) => `| ${question} | ${engines.map(([, can]) => answer(can)).join(" | ")} |`)
  ].join("\n")

/** The page with the table between its markers. */
export const withMatrix = (page: string, table: string): string => {
  const [from, until] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || until < from) throw new Error(`README.md has no markers "${begin}" and "${end}"`)
  return `${page.slice(0, from + begin.length)}\n\n${table}\n\n${page.slice(until)}`
}

if (import.meta.main) writeFileSync(join(root, "README.md"), withMatrix(read("README.md"), matrix()))
