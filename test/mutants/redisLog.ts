/** The breaks of a log of Redis Streams: the positions in Postgres, and the entries that move into its lanes. */
import type { Mutant } from "./types.ts"

const reader = "src/postgres/queue/LogReader.ts"
const lane = "src/postgres/queue/LogLane.ts"
const sql = "src/postgres/sql/logs.ts"
const scripts = "src/redis/logScripts.ts"
const order = "test/redis/redisLog.test.ts"
const crashes = "test/redis/logCrashes.test.ts"

export const redisLogMutants: ReadonlyArray<Mutant> = [
  {
    name: "log: entries of a held key handed out before the held message",
    guarantee: "order per key",
    file: reader,
    from: "if (lane.diverted.has(key)) {",
    to: "if (lane.diverted.has(`${key}?`)) {",
    test: order,
    named: "of a failing message holds the key and what is behind it"
  },
  {
    name: "log: entries behind a held message lost",
    guarantee: "no loss",
    file: "src/postgres/queue/LogHold.ts",
    from: "const moved = all.flatMap(",
    to: "const moved = all.slice(0, 1).flatMap(",
    test: order,
    named: "of a failing message holds the key and what is behind it"
  },
  {
    name: "log: entries in flight of a dead owner passed over",
    guarantee: "no loss",
    file: reader,
    from: "while (settled !== from.handed) {",
    to: "while (settled === \"\") {",
    test: crashes,
    named: "that is killed loses its lanes after its lease"
  },
  {
    name: "log: the entry of a stale owner committed",
    guarantee: "one owner",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "fenced(deliveries.filter(isEntry)),",
    to: "Effect.succeed(deliveries.filter(isEntry)),",
    test: crashes,
    named: "that was frozen beyond its lease commits nothing"
  },
  {
    name: "log: crashes of entries in flight not counted",
    guarantee: "poison cannot block",
    file: reader,
    from: "crashes: Number(nth <= most)",
    to: "crashes: Number(nth < 0)",
    test: crashes,
    named: "that a message crashes again and again"
  },
  {
    name: "log: settled positions passed over entries in flight",
    guarantee: "no loss",
    file: lane,
    from: "if (all) settled = entry.position",
    to: "settled = entry.position",
    test: crashes,
    named: "that is killed loses its lanes after its lease"
  },
  {
    name: "log: trimmed entries passed over",
    guarantee: "no loss",
    file: scripts,
    from: "if gone > count or (",
    to: "if (",
    test: crashes,
    named: "stops for good if unread entries are trimmed"
  },
  {
    name: "log: deleted entries passed over",
    guarantee: "no loss",
    file: scripts,
    from: "(before(id, last) and before(deleted, last))",
    to: "(before(id, last) and before(last, deleted))",
    test: crashes,
    named: "stops for good if unread entries are deleted one by one"
  },
  {
    name: "log: a stream that was created again read from its beginning",
    guarantee: "no loss",
    file: scripts,
    from: "if before(stream['last-generated-id'], id) or stream['entries-added'] < count then",
    to: "if false then",
    test: crashes,
    named: "stops for good if unread entries are in a stream that was created again"
  },
  {
    name: "log: moved entries in any order",
    guarantee: "order per key",
    file: sql,
    from: "order by g.nth\n)\nselect lane from mine",
    to: "order by -g.nth\n)\nselect lane from mine",
    test: crashes,
    named: "that is killed loses its lanes after its lease"
  }
]
