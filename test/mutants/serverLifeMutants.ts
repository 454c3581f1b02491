/** The breaks of a worker's trust in a server that lost its memory, and of receipts that name one life of a message. */
import type { Mutant } from "./types.ts"

const life = "test/postgres/serverLife.test.ts"
const statements = "test/postgres/statements.test.ts"
const conformance = "test/postgres/conformance.test.ts"

export const serverLifeMutants: ReadonlyArray<Mutant> = [
  {
    name: "a settlement does not check the server life",
    guarantee: "no loss",
    file: "src/postgres/sql/messages.ts",
    from: "and ${life(t)} = $4::text order by l.lane for key share",
    to: "order by l.lane for key share",
    test: life,
    named: "is neither settled nor held"
  },
  {
    name: "a fence does not check the server life",
    guarantee: "effectively once",
    file: "src/postgres/sql/lanes.ts",
    from: "and ${life(t)} = $4::text ${which}",
    to: "and $4::text is not null ${which}",
    test: statements,
    named: "does nothing under another life"
  },
  {
    name: "a hold does not check the server life",
    guarantee: "order per key",
    file: "src/postgres/sql/holds.ts",
    from: "token = $3 and ${life(t)} = $9::text",
    to: "token = $3 and $9::text is not null",
    test: "test/postgres/lostOwnership.test.ts",
    named: "by the server's life is lost here once a hold finds it out"
  },
  {
    name: "a claim does not check the server life",
    guarantee: "one owner",
    file: "src/postgres/sql/lanes.ts",
    from: "clock_timestamp() and ${life(t)} = $4::text",
    to: "clock_timestamp() and $4::text is not null",
    test: statements,
    named: "does nothing under another life"
  },
  {
    name: "a hold ended under another server life",
    guarantee: "order per key",
    file: "src/postgres/sql/holds.ts",
    from: "and ${life(t)} = $5::text and",
    to: "and $5::text is not null and",
    test: statements,
    named: "does nothing under another life"
  },
  {
    name: "a hold lowered under another server life",
    guarantee: "order per key",
    file: "src/postgres/sql/holds.ts",
    from: "where ${life(t)} = $4::text and",
    to: "where $4::text is not null and",
    test: statements,
    named: "does nothing under another life"
  },
  {
    name: "a heartbeat accepted under another server life",
    guarantee: "one owner",
    file: "src/postgres/sql/consumers.ts",
    from: "and ${life(t)} = $4::text and",
    to: "and $4::text is not null and",
    test: statements,
    named: "does nothing under another life"
  },
  {
    name: "a poll accepts any server life",
    guarantee: "no loss",
    file: "src/postgres/queue/ReaderPort.ts",
    from: "reports.sameLife(meta.life)",
    to: "Effect.as(Effect.void, meta.life)",
    test: life,
    named: "moves no mark of the next life"
  },
  {
    name: "a dead owner's record of an earlier server life counted",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/lanes.ts",
    from: "and l.life = $4 as died",
    to: "and $4::text is not null as died",
    test: life,
    named: "has no claim in the next life"
  },
  {
    name: "a worker ends with its subscription",
    guarantee: "no loss",
    file: "src/worker/Worker.ts",
    from: "Effect.andThen(Effect.suspend(() => again(losses + 1)))",
    to: "Effect.andThen(Effect.die(lost))",
    test: life,
    named: "is not looked for at its places"
  },
  {
    name: "the state of a run kept when it opens again",
    guarantee: "bounded",
    file: "src/postgres/queue/PgTransport.ts",
    from: "yield* Effect.mapError(lanes.releaseEarlier",
    to: "yield* Effect.mapError(Effect.succeed(lanes.releaseEarlier)",
    test: life,
    named: "is neither settled nor held"
  },
  {
    name: "a server life accepted that came with a copy of the database",
    guarantee: "no loss",
    file: "src/postgres/sql/serverLife.ts",
    from: " where cluster = ${here})",
    to: "",
    test: life,
    named: "is of another copy of the database"
  },
  {
    name: "ids of dead letters given twice",
    guarantee: "no loss",
    file: "src/postgres/sql/serverLife.ts",
    from: "+ ${gap})",
    to: "+ 0)",
    test: life,
    named: "names no dead letter of the next life"
  },
  {
    name: "a frozen set of an earlier server life accepted",
    guarantee: "no loss",
    file: "src/postgres/store/PgDecisions.ts",
    from: "now?.[\"life\"] !== life",
    to: "life === \"\"",
    test: life,
    named: "is in no set of dead letters"
  },
  {
    name: "another message at a place settled",
    guarantee: "no loss",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "row[\"id\"] !== delivery.message.id",
    to: "row[\"id\"] === undefined",
    test: life,
    named: "and a place that has another message"
  },
  {
    name: "an old receipt settles the redriven message at its place",
    guarantee: "no loss",
    file: "src/postgres/sql/messages.ts",
    from: "${places} and redriven = 0\nreturning lane",
    to: "${places} and redriven >= 0\nreturning lane",
    test: conformance,
    named: "settles nothing that a redrive has put"
  },
  {
    name: "a redriven message settled by its place alone",
    guarantee: "no loss",
    file: "src/postgres/sql/messages.ts",
    from: "delete from ${t.messages} where ${places} and ${named}",
    to: "delete from ${t.messages} where ${places} and $6::text[] is not null and $7::int[] is not null",
    test: conformance,
    named: "tells a second redrive from the first"
  },
  {
    name: "an attempt recorded for another delivery of its message",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/holds.ts",
    from: "m.seq = $7 and m.id = $10 and m.redriven = $11",
    to: "m.seq = $7 and $10::text is not null and $11::int is not null",
    test: conformance,
    named: "records no attempt of an earlier delivery"
  },
  {
    name: "memory: a receipt names the place only",
    guarantee: "no loss",
    file: "src/memory/MemoryTransport.ts",
    from: "row?.redrive?.count === delivery.redrive?.count",
    to: "row?.seq === Number(delivery.position)",
    test: "test/conformance/memory.test.ts",
    named: "settles nothing that a redrive has put"
  },
  {
    name: "memory: a place hides the redriven message there",
    guarantee: "order per key",
    file: "src/postgres/queue/InFlightRows.ts",
    from: "seqs?.get(seq)?.redriven === redriven",
    to: "seqs?.has(seq) === true",
    test: "test/postgres/QueueReader.test.ts",
    named: "hands out what a redrive has put"
  },
  {
    name: "tokens that do not grow with the clock",
    guarantee: "one owner",
    file: "src/postgres/sql/lanes.ts",
    from: "greatest(token + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)",
    to: "token + 1",
    test: conformance,
    named: "raises a token by the milliseconds"
  },
  {
    name: "memory: tokens that do not grow with the clock",
    guarantee: "one owner",
    file: "src/memory/MemoryLane.ts",
    from: "return last < at ? at : last + 1n",
    to: "return at === -1n ? at : last + 1n",
    test: "test/conformance/memory.test.ts",
    named: "raises a token by the milliseconds"
  },
  {
    name: "a named lease renewed by its token alone",
    guarantee: "one owner",
    file: "src/postgres/sql/leases.ts",
    from: "where name = $1 and token = $2 and owner = $4 and",
    to: "where name = $1 and token = $2 and $4::text is not null and",
    test: conformance,
    named: "knows an owner by its name and its token"
  },
  {
    name: "a named lease fenced by its token alone",
    guarantee: "one owner",
    file: "src/postgres/sql/leases.ts",
    from: "and owner = $4 for key share",
    to: "and $4::text is not null for key share",
    test: conformance,
    named: "knows an owner by its name and its token"
  },
  {
    name: "renewals lost by a crash",
    guarantee: "one owner",
    file: "src/postgres/sql/lanes.ts",
    from: "renew: `${mine(t, \"\", \") g(lane, token)\", \"no key update\", \"and l.owner is not null\")}",
    to: "renew: `${mine(t, \"\", \") g(lane, token)\", \"no key update\", `and l.owner is not null and ${unflushed}`)}",
    test: statements,
    named: "has its commit flushed"
  },
  {
    name: "the machinery's commits not flushed",
    guarantee: "no loss",
    file: "src/postgres/session/Pools.ts",
    from: "synchronous_commit: \"on\"",
    to: "synchronous_commit: \"off\"",
    test: life,
    named: "is flushed on the machinery's connections"
  },
  {
    name: "a lease lost during a stop not given up",
    guarantee: "one owner",
    file: "src/worker/lease/LeaseRenewer.ts",
    from: "const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))",
    to: "const scope = yield* Effect.scope",
    test: "test/worker/leases.test.ts",
    named: "that is lost while a stop waits"
  }
]
