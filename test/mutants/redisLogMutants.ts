/** The breaks of a log of Redis Streams: the positions in Postgres, and the entries that move into its lanes. */
import type { Mutant } from "./types.ts"

const reader = "src/postgres/queue/LogReader.ts"
const lane = "src/postgres/queue/LogLane.ts"
const sql = "src/postgres/sql/logs.ts"
const scripts = "src/redis/logScripts.ts"
const order = "test/redis/redisLog.test.ts"
const crashes = "test/redis/logCrashes.test.ts"
const losses = "test/redis/logLosses.test.ts"

export const redisLogMutants: ReadonlyArray<Mutant> = [
  {
    name: "log: entries of a held key handed out before the held message",
    guarantee: "order per key",
    file: reader,
    from: "const diverted = lane.diverted.has(key)",
    to: "const diverted = lane.diverted.has(`${key}?`)",
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
    from: "let { settled } = from\n",
    to: "let settled = from.handed\n",
    test: crashes,
    named: "settles nothing when another one has claimed its lanes"
  },
  {
    name: "log: the entry of a stale owner committed",
    guarantee: "one owner",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "fenced(deliveries),",
    to: "Effect.succeed(deliveries),",
    test: crashes,
    named: "settles nothing when another one has claimed its lanes"
  },
  {
    name: "log: crashes of entries in flight not counted",
    guarantee: "poison cannot block",
    file: reader,
    from: "crashes: left.get(message.key) ?? most",
    to: "crashes: 0",
    test: crashes,
    named: "settles nothing when another one has claimed its lanes"
  },
  {
    name: "log: crashes counted for settled entries",
    guarantee: "poison cannot block",
    file: sql,
    from: "row_number() over (partition by g.key order by g.nth)",
    to: "g.nth",
    test: crashes,
    named: "counts the crash of its dead owner for what was in flight, behind settled entries"
  },
  {
    name: "log: settled positions passed over entries in flight",
    guarantee: "no loss",
    file: lane,
    from: "if (all) settled = entry.position",
    to: "settled = entry.position",
    test: crashes,
    named: "settles nothing when another one has claimed its lanes"
  },
  {
    name: "log: trimmed entries passed over",
    guarantee: "no loss",
    file: scripts,
    from: "if gone > count or (",
    to: "if (",
    test: losses,
    named: "stops permanently if unread entries are trimmed"
  },
  {
    name: "log: deleted entries passed over",
    guarantee: "no loss",
    file: scripts,
    from: "(before(id, last) and before(deleted, last))",
    to: "(before(id, last) and before(last, deleted))",
    test: losses,
    named: "stops permanently if unread entries are deleted one by one"
  },
  {
    name: "log: a stream that was created again read from its beginning",
    guarantee: "no loss",
    file: scripts,
    from: "if before(stream['last-generated-id'], id) or added < count then return { 'other' } end",
    to: "",
    test: losses,
    named: "stops permanently if unread entries are in a stream that was created again"
  },
  {
    name: "log: a stream that was created again and is as long read on",
    guarantee: "no loss",
    file: scripts,
    from: "if first and before(id, first) and gone < count then return { 'other' } end",
    to: "",
    test: losses,
    named: "stops permanently if unread entries are in a stream that was created again and is as long"
  },
  {
    name: "log: entries not counted at the end of a stream",
    guarantee: "no loss",
    file: scripts,
    from: "if #entries < tonumber(ARGV[4]) and counted ~= added then",
    to: "if false then",
    test: losses,
    named: "stops permanently if an unread entry is deleted before one that was deleted at its start"
  },
  {
    name: "log: entries between both positions never moved",
    guarantee: "poison cannot block",
    file: reader,
    from: "movedFrom.has(lane) || !lane.isStored(positions)",
    to: "!lane.isStored(positions)",
    test: crashes,
    named: "moves an entry of a paused key into its lane while an older entry of its shard is in flight"
  },
  {
    name: "log: entries moved past one of their key that the worker has",
    guarantee: "order per key",
    file: reader,
    from: "const most = diverted ? 1 : demand.perKey",
    to: "const most = diverted ? Infinity : demand.perKey",
    test: crashes,
    named: "keeps the order of a key that an operator pauses while a message of it fails"
  },
  {
    name: "log: moved entries in any order",
    guarantee: "order per key",
    file: sql,
    from: "order by g.nth returning key",
    to: "order by -g.nth returning key",
    test: crashes,
    named: "that is killed loses its lanes after its lease"
  },
  {
    name: "log: a failing duplicate of a parked pipeline is not acknowledged",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Disposition.ts",
    from: "end?._tag === \"Duplicate\" ? forget([delivery])",
    to: "end?._tag === undefined ? forget([delivery])",
    test: "test/redis/redisLog.test.ts",
    named: "is settled as a duplicate, and holds no key"
  }
]
