/**
 * The breaks of waits that must end, and of a reader's memory. The waits are a suspect's time alone, transactions with
 * and without savepoints, and claims of lanes.
 */
import type { Mutant } from "./types.ts"

const groups = "test/worker/groups.test.ts"
const reader = "test/postgres/QueueReader.test.ts"
const crashPoison = "test/worker/crash-poison.test.ts"

export const boundMutants: ReadonlyArray<Mutant> = [
  {
    name: "a suspect that hangs runs alone without a bound",
    guarantee: "bounded",
    file: "src/worker/lease/CrashIsolation.ts",
    from: "Effect.timeoutOption(flow.ended(entry), millis)",
    to: "Effect.asSome(flow.ended(entry))",
    test: crashPoison,
    named: "again has its process to itself for one lease's time"
  },
  {
    name: "two suspects that hang alternate without a bound",
    guarantee: "bounded",
    file: "src/worker/fetch/InFlight.ts",
    from: "!entry.survived && crashStatus",
    to: "crashStatus",
    test: crashPoison,
    named: "again has its process to itself for one lease's time"
  },
  {
    name: "a suspect starts although its consumer is paused",
    guarantee: "poison cannot block",
    file: "src/worker/fetch/InFlight.ts",
    from: "if (!this.consumerPaused()) return true\n    this.flow.restart",
    to: "if (this.flow.size >= 0) return true\n    this.flow.restart",
    test: crashPoison,
    named: "again does not start in a consumer that an operator paused"
  },
  {
    name: "a message isolated while lanes are claimed",
    guarantee: "bounded",
    file: "src/postgres/queue/LaneIsolation.ts",
    from: "return this.#claiming.withPermit(Effect.suspend(() => {",
    to: "return Effect.asVoid(Effect.suspend(() => {",
    test: "test/postgres/transport.test.ts",
    named: "being claimed when the isolation began"
  },
  {
    name: "one warning for each lost lane",
    guarantee: "graceful",
    file: "src/worker/lease/LeaseRenewer.ts",
    from: "Effect.andThen(Effect.yieldNow, tell)",
    to: "tell",
    test: "test/worker/leases.test.ts",
    named: "shares one warning"
  },
  {
    name: "every message of a key counted as in flight when its owner crashes",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/messages.ts",
    from: "where nth <= $5::int",
    to: "where nth <= $5::int * 1000",
    test: "test/postgres/transport.test.ts",
    named: "and not its whole backlog"
  },
  {
    name: "a failed claim stops its worker from reading",
    guarantee: "bounded",
    file: "src/postgres/queue/PgLanes.ts",
    from: "this.#owned.size === 0 ? Effect.fail(error)",
    to: "this.#owned.size >= 0 ? Effect.fail(error)",
    test: "test/postgres/transport.test.ts",
    named: "keeps reading its lanes when others cannot be claimed"
  },
  {
    name: "released leases renewed",
    guarantee: "bounded",
    file: "src/postgres/sql/lanes.ts",
    from: ", \"and l.owner is not null\"",
    to: "",
    test: "test/postgres/transport.test.ts",
    named: "gives a lane back although a renewal"
  },
  {
    name: "a claim of lanes awaited without a bound",
    guarantee: "bounded",
    file: "src/postgres/session/PgClient.ts",
    from: "inTime(Effect.updateContext(Effect.provideService(body, OnMachinery, true), withoutTransaction))",
    to: "Effect.updateContext(Effect.provideService(body, OnMachinery, true), withoutTransaction)",
    test: "test/postgres/blackholes.test.ts",
    named: "a claim of lanes whose answer never comes"
  },
  {
    name: "statements beside the steps of one member awaited five times as long",
    guarantee: "bounded",
    file: "src/worker/commit/Savepoints.ts",
    from: "    duration,\n",
    to: "    duration: Duration.times(duration, 5),\n",
    test: groups,
    named: "by a claim that is not answered"
  },
  {
    name: "groups not halved when they are slow",
    guarantee: "bounded",
    file: "src/worker/commit/CommitRecovery.ts",
    from: "  error?._tag === \"GroupTooSlow\" || meaningOf",
    to: "  meaningOf",
    test: groups,
    named: "by being slow all together"
  },
  {
    name: "a pass through savepoints without a bound on its time",
    guarantee: "bounded",
    file: "src/worker/commit/Savepoints.ts",
    from: "(outcomes.length === 0 || renewer.now() < until)",
    to: "renewer.now() < until + Infinity",
    test: groups,
    named: "by being slow all together"
  },
  {
    name: "at most once: no bound on a transaction that waits for the store",
    guarantee: "bounded",
    file: "src/worker/attempt/AtMostOnce.ts",
    from: "Savepoints.inTime(options, GroupCommit.composeTaken(options, { ...taken, stepped }))",
    to: "GroupCommit.composeTaken(options, { ...taken, stepped })",
    test: "test/worker/delivery-modes.test.ts",
    named: "stops waiting for a store that does not respond"
  },
  {
    name: "a poll that joins the whole queue",
    guarantee: "bounded",
    file: "src/postgres/sql/messages.ts",
    from: "and xid = x offset 0) m",
    to: "and xid = x) m",
    test: "test/postgres/plans.test.ts",
    named: "use their indexes"
  },
  {
    name: "a poll that fills itself with the messages of a held key",
    guarantee: "bounded",
    file: "src/postgres/sql/messages.ts",
    from: "      and (h.from_seq is null or h.from_seq > m.seq)\n",
    to: "",
    test: "test/postgres/pollStatement.test.ts",
    named: "reads past the backlog of a held key"
  },
  {
    name: "a poll that overlooks the holds of its queue",
    guarantee: "order per key",
    file: "src/postgres/sql/messages.ts",
    from: "where queue_id::bigint = $1::int) as some_held",
    to: "where queue_id::bigint = $1::int and false) as some_held",
    test: "test/postgres/pollStatement.test.ts",
    named: "reads past the backlog of a held key"
  },
  {
    name: "an index of messages that the queries cannot use",
    guarantee: "bounded",
    file: "src/postgres/migrations/0001_initial.ts",
    from: "on ${t.messages} ((queue_id::bigint), xid)",
    to: "on ${t.messages} (queue_id, xid)",
    test: "test/postgres/plans.test.ts",
    named: "use their indexes"
  },
  {
    name: "a settlement that reads the whole table",
    guarantee: "bounded",
    file: "src/postgres/session/Pools.ts",
    from: "random_page_cost: \"1.1\"",
    to: "random_page_cost: \"4\"",
    test: "test/postgres/plans.test.ts",
    named: "use their indexes"
  },
  {
    name: "a claim of lanes that reads all messages",
    guarantee: "bounded",
    file: "src/postgres/sql/lanes.ts",
    from: "m.lane = l.lane offset 0)",
    to: "m.lane = l.lane)",
    test: "test/postgres/plans.test.ts",
    named: "use their indexes"
  },
  {
    name: "keys remembered one by one when a long publish commits late",
    guarantee: "bounded",
    file: "src/postgres/sql/messages.ts",
    from: "case when (select count(*) from late) <= 100 then key end as key",
    to: "key",
    test: reader,
    named: "a long publish that turns up late"
  },
  {
    name: "a lane re-read in the poll that put it back",
    guarantee: "order per key",
    file: "src/postgres/queue/Poll.ts",
    from: "    this.#byLane.delete(lane)\n",
    to: "",
    test: reader,
    named: "a long publish that turns up late"
  },
  {
    name: "late keys read in the poll that put their lane back",
    guarantee: "no loss",
    file: "src/postgres/queue/QueueReader.ts",
    from: "    for (const [key, of] of ready) if (of.lane === lane) ready.delete(key)\n",
    to: "",
    test: reader,
    named: "of their key that is read again"
  },
  {
    name: "late rows skipped when the hold of their key ended above the mark",
    guarantee: "no loss",
    file: "src/postgres/queue/QueueReader.ts",
    from: "mark !== undefined && place.seq <= mark",
    to: "mark !== undefined",
    test: reader,
    named: "whose hold ends meanwhile"
  },
  {
    name: "late keys remembered without a bound",
    guarantee: "bounded",
    file: "src/postgres/queue/QueueReader.ts",
    from: "if (idle.size <= mostIdle) return",
    to: "if (idle.size >= 0) return",
    test: reader,
    named: "remembers no more keys than a limit"
  },
  {
    name: "late keys forgotten without putting their lane back",
    guarantee: "no loss",
    file: "src/postgres/queue/QueueReader.ts",
    from: "    reading.mark = min(from - 1n, reading.mark)\n",
    to: "",
    test: reader,
    named: "remembers no more keys than a limit"
  },
  {
    name: "skipped keys read again only by the idle poll",
    guarantee: "bounded",
    file: "src/postgres/queue/QueueReader.ts",
    from: "if (hasRoom) this.more = true",
    to: "",
    test: reader,
    named: "reads on without a pause while keys lag"
  },
  {
    name: "a lane that is kept after all has no reader",
    guarantee: "order per key",
    file: "src/postgres/queue/PgLanes.ts",
    from: "        this.#report({ _tag: \"Opened\", owned: each })\n",
    to: "",
    test: "test/postgres/laneChanges.test.ts",
    named: "as opened again when the worker keeps it after all"
  },
  {
    name: "a waiting worker not woken when its lanes are lost",
    guarantee: "order per key",
    file: "src/postgres/queue/PgLanes.ts",
    from: "    this.#report({ _tag: \"Ended\" })\n",
    to: "",
    test: "test/postgres/laneChanges.test.ts",
    named: "and once that all are lost permanently"
  },
  {
    name: "a lane released while a settled message runs",
    guarantee: "one owner",
    file: "src/postgres/queue/PgLanes.ts",
    from: "this.#release(leaving.filter((owned) => !busy.has(owned)))",
    to: "this.#release(leaving.filter(() => busy.size >= 0))",
    test: "test/postgres/conformance.test.ts",
    named: "postgres: settle.*gives no lane away while something settled"
  },
  {
    name: "memory: a lane released while a settled message runs",
    guarantee: "one owner",
    file: "src/memory/MemoryLane.ts",
    from: "return this.inFlight.size + this.unacknowledged.size > 0",
    to: "return this.inFlight.size > 0",
    test: "test/conformance/memory.test.ts",
    named: "memory: settle.*gives no lane away while something settled"
  }
]
