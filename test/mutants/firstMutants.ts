/** Breaks of the guarantees that were shown first: order, leases, settlement and outages. */
import type { Mutant } from "./types.ts"

const conformance = "test/postgres/conformance.test.ts"

export const firstMutants: ReadonlyArray<Mutant> = [
  {
    name: "published under a snapshot older than its consumer",
    guarantee: "no loss",
    file: "src/postgres/sql/publishing.ts",
    from: "  where ${seesSubscriptions(t)}\n",
    to: "",
    test: "test/postgres/snapshots.test.ts",
    named: "by Topic.publish, repeatable read, is not lost"
  },
  {
    name: "published by SQL under a snapshot older than its consumer",
    guarantee: "no loss",
    file: "src/postgres/sql/delayed.ts",
    from: "select * from given where ${seesSubscriptions(t)}",
    to: "select * from given",
    test: "test/postgres/snapshots.test.ts",
    named: "by the SQL function, serializable, is not lost"
  },
  {
    name: "a registration that publishers under an old snapshot do not see",
    guarantee: "no loss",
    file: "src/postgres/store/PgConsumers.ts",
    from: "    yield* db.within(text.recordChange, [])\n",
    to: "",
    test: "test/postgres/snapshots.test.ts",
    named: "is refused when another consumer came"
  },
  {
    name: "a removal that publishers under an old snapshot do not see",
    guarantee: "no loss",
    file: "src/postgres/store/PgConsumerOperations.ts",
    from: "locking: [lockTimeout, lock, changed]",
    to: "locking: [lockTimeout, lock]",
    test: "test/postgres/snapshots.test.ts",
    named: "of a consumer that was removed meanwhile"
  },
  {
    name: "a transaction id of another cluster treated as a missed change",
    guarantee: "no loss",
    file: "src/postgres/sql/functions.ts",
    from:
      "  begin\n    perform pg_xact_status(changed);\n  exception when invalid_parameter_value then\n    return true;\n  end;\n",
    to: "",
    test: "test/postgres/snapshots.test.ts",
    named: "does not take a number of the cluster"
  },
  {
    name: "no fence",
    guarantee: "one owner",
    file: "src/postgres/sql/messages.ts",
    from:
      "on l.lane = g.lane and l.token = g.token\n  where l.queue_id = $1 and ${life(t)} = $4::text order by l.lane for key share",
    to: "on l.lane = g.lane\n  where l.queue_id = $1 and ${life(t)} = $4::text order by l.lane for key share",
    test: "test/postgres/transport.test.ts",
    named: "refuses the commit of an owner whose lane was taken over"
  },
  {
    name: "fence and removal outside of the transaction",
    guarantee: "no loss",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "return parts.db.within(text[kind]",
    to: "return parts.db.machinery(text[kind]",
    test: conformance,
    named: "settles, claims and publishes in one commit, or does none of it"
  },
  {
    name: "claim by plain update",
    guarantee: "one owner",
    file: "src/postgres/sql/lanes.ts",
    from: "limit $2 for update skip locked`",
    to: "limit $2`",
    test: "test/postgres/transport.test.ts",
    named: "makes a claim wait for a commit that has looked at the token"
  },
  {
    name: "a takeover that keeps the token",
    guarantee: "one owner",
    file: "src/postgres/sql/lanes.ts",
    from: "claim: `update ${t.lanes} set token = ${nextToken}, owner",
    to: "claim: `update ${t.lanes} set token = token + 0, owner",
    test: "test/postgres/transport.test.ts",
    named: "refuses the commit of an owner whose lane was taken over"
  },
  {
    name: "inbox outside of the transaction",
    guarantee: "effectively once",
    file: "src/postgres/store/PgInbox.ts",
    from: "return db.within(text.claim",
    to: "return db.machinery(text.claim",
    test: conformance,
    named: "forgets a claim whose transaction rolled back"
  },
  {
    name: "no inbox",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "const fresh = members.filter((_, i) => claimed[i] === \"fresh\")",
    to: "const fresh = members",
    test: "test/worker/handling.test.ts",
    named: "has one effect when the second comes after the commit"
  },
  {
    name: "other content under a known id treated as a duplicate",
    guarantee: "effectively once",
    file: "src/postgres/store/PgInbox.ts",
    from: "return fingerprint === claim.fingerprint || fingerprint === \"\" ? \"duplicate\" : \"conflict\"",
    to: "return fingerprint === claim.fingerprint || fingerprint === \"\" ? \"duplicate\" : \"duplicate\"",
    test: conformance,
    named: "tells other content under a committed id from a redelivery"
  },
  {
    name: "emits outside of the transaction",
    guarantee: "effectively once",
    file: "src/postgres/store/PgOutbox.ts",
    from: "db.query(text.write, columnsOf",
    to: "db.machinery(text.write, columnsOf",
    test: conformance,
    named: "publishes nothing when the transaction around it rolls back"
  },
  {
    name: "emits with other ids on every run",
    guarantee: "effectively once",
    file: "src/MessageId.ts",
    from: "fromContent([consumer, messageId, n])",
    to: "fromContent([consumer, messageId, n, Math.random()])",
    test: "test/worker/dead-letters.test.ts",
    named: "are never published by an attempt that failed, and have the same ids when it runs again"
  },
  {
    name: "an unknown outcome treated as a failure",
    guarantee: "effectively once",
    file: "src/worker/commit/CommitTries.ts",
    from: "            if (move._tag === \"FailMember\") {\n",
    to: "            if (move._tag === \"FailMember\" || error?._tag === \"UnknownOutcome\") {\n",
    test: "test/worker/groups.test.ts",
    named: "has one effect when COMMIT had happened and only its answer was lost"
  },
  {
    name: "an unknown outcome treated as a success",
    guarantee: "no loss",
    file: "src/worker/commit/CommitTries.ts",
    from: "            if (move._tag === \"FailMember\") {\n",
    to:
      "            if (error?._tag === \"UnknownOutcome\") for (const member of group) finish(member, { _tag: \"Committed\", value: undefined, filtered: false })\n            if (move._tag === \"FailMember\") {\n",
    test: "test/worker/groups.test.ts",
    named: "is run again with the same values, without an attempt counted"
  },
  {
    name: "COMMIT without a timeout",
    guarantee: "bounded",
    file: "src/postgres/session/PgSession.ts",
    from: "          duration: this.#controlTimeout,",
    to: "          duration: \"1 hour\",",
    test: "test/postgres/transactions.test.ts",
    named: "fails with an unknown outcome, within its bound"
  },
  {
    name: "hold ignored",
    guarantee: "order per key",
    file: "src/postgres/sql/holds.ts",
    from: "'infinity'), $6::bigint from mine",
    to: "'infinity'), 9000000000000000000 from mine",
    test: conformance,
    named: "hides a held key's later messages"
  },
  {
    name: "a hold written during a poll",
    guarantee: "order per key",
    file: "src/memory/MemoryTransport.ts",
    from: "  seat.reading.withPermits(1)(Effect.tap(write, () =>",
    to: "  ((effect: typeof write) => effect)(Effect.tap(write, () =>",
    test: "test/memory/store.test.ts",
    named: "reads nothing while a hold is written"
  },
  {
    name: "late rows not looked up",
    guarantee: "no loss",
    file: "src/postgres/sql/messages.ts",
    from: "join mine l on l.lane = m.lane and m.seq <= l.mark group by",
    to: "join mine l on l.lane = m.lane and m.seq <= l.mark and false group by",
    test: "test/postgres/QueueReader.test.ts",
    named: "hands a late commit out before its successor"
  },
  {
    name: "late rows read after newer ones of their key",
    guarantee: "order per key",
    file: "src/postgres/queue/QueueReader.ts",
    from: "    this.#addLagging(row)\n    // The late row",
    to: "    // The late row",
    test: "test/postgres/QueueReader.test.ts",
    named: "hands a late commit out before its successor"
  },
  {
    name: "two messages of a key run at the same time",
    guarantee: "order per key",
    file: "src/internal/flow/KeyedQueue.ts",
    from: "if (!this.running.has(key)) this.ready.add(key)",
    to: "this.ready.add(key)",
    test: "test/words/KeyedQueue.test.ts",
    named: ""
  },
  {
    name: "a parked key that is not held",
    guarantee: "order per key",
    file: "src/worker/attempt/Disposition.ts",
    from: "if (parked) yield* subscription.hold(delivery, attempts, Hold.parked)",
    to: "",
    test: "test/worker/dead-letters.test.ts",
    named: "its successors wait, however long, and other keys go on"
  },
  {
    name: "lease renewed after loss",
    guarantee: "one owner",
    file: "src/postgres/sql/lanes.ts",
    from: "renew: `${mine(t, \"\", \") g(lane, token)\", \"no key update\", \"and l.owner is not null\")}",
    to: "renew: `with mine as materialized (select lane from unnest($2::int[], $3::bigint[]) g(lane, token))",
    test: conformance,
    named: "brings no lost lease back by a late renewal"
  },
  {
    name: "a lease never given up",
    guarantee: "one owner",
    file: "src/worker/lease/LeaseRenewer.ts",
    from: "      if (entry.deadline > limit) continue\n",
    to: "      if (entry.deadline > limit || true) continue\n",
    test: "test/worker/leases.test.ts",
    named: "is lost before its deadline when the network is cut"
  },
  {
    name: "interrupted messages dropped by a graceful stop",
    guarantee: "graceful",
    file: "src/worker/Worker.ts",
    from: "yield* Effect.addFinalizer(() => stop)",
    to: "",
    test: "test/worker/gracefulStop.test.ts",
    named: "finishes what runs, starts nothing more"
  },
  {
    name: "sleeping attempts not recorded by a graceful stop",
    guarantee: "graceful",
    file: "src/worker/attempt/Attempt.ts",
    from: "    if (left !== undefined) {\n      yield* hold(",
    to: "    if (left !== undefined) {\n      if (decision._tag === \"Hold\") yield* hold(",
    test: "test/worker/gracefulStop.test.ts",
    named: "writes its attempts down and does not wait"
  },
  {
    name: "an attempt counted by a graceful stop",
    guarantee: "graceful",
    file: "src/postgres/sql/lanes.ts",
    from:
      "  releaseAll: `with mine as materialized (\n  select lane from ${t.lanes} where queue_id = $1 and owner = $2 and ${unflushed} order by lane for no key update\n)\nupdate ${t.lanes} l set owner = null,",
    to:
      "  releaseAll: `with mine as materialized (\n  select lane from ${t.lanes} where queue_id = $1 and owner = $2 and ${unflushed} order by lane for no key update\n)\nupdate ${t.lanes} l set",
    test: conformance,
    named: "gives everything back in order when its scope closes, without counting anything"
  },
  {
    name: "a crash counted for messages that did not run",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/messages.ts",
    from: "and ($4::bigint is null or m.seq = $4::bigint)",
    to: "and ($4::bigint is null or true)",
    test: "test/postgres/transport.test.ts",
    named: "counts only the message that ran alone when its owner dies"
  },
  {
    name: "a worker's own expired lanes counted as a crash",
    guarantee: "poison cannot block",
    file: "src/postgres/sql/lanes.ts",
    from: "owner is not null and owner <> $3 and",
    to: "owner is not null and $3::text is not null and",
    test: conformance,
    named: "counts no death when an owner that was stopped for a while"
  },
  {
    name: "a restarted worker treated as the one that crashed",
    guarantee: "poison cannot block",
    file: "src/worker/Worker.ts",
    from: "const worker = `${settings.name}#${randomUUID().slice(0, 8)}`",
    to: "const worker = settings.name",
    test: "test/process/worker.test.ts",
    named: "poison that kills the process"
  },
  {
    name: "suspects not run alone",
    guarantee: "poison cannot block",
    file: "src/worker/fetch/InFlight.ts",
    from: "crashStatus(entry.delivery, this.settings) === \"suspect\"",
    to: "entry.delivery.crashCount === -1",
    test: "test/worker/crash-poison.test.ts",
    named: "again runs alone in its process"
  },
  {
    name: "crashed messages run once more",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/Attempt.ts",
    from: "if (crashStatus(delivery, settings) === \"crashed\") return crashed(delivery)",
    to: "",
    test: "test/worker/crash-poison.test.ts",
    named: "becomes a dead letter `crashed` without running once more"
  },
  {
    name: "one failure fails its whole group",
    guarantee: "poison cannot block",
    file: "src/worker/commit/CommitTries.ts",
    from: "fail(of === undefined ? group : group.filter((member) => member === of), cause)",
    to: "fail(of === undefined || group.length > 0 ? group : [], cause)",
    test: "test/worker/groups.test.ts",
    named: "the others commit, and only its attempt is counted"
  },
  {
    name: "a redrive skips the inbox",
    guarantee: "effectively once",
    file: "src/postgres/store/PgInbox.ts",
    from: "(rows) => rows.forEach((row) => fresh.add(row[\"id\"]))",
    to: "() => redriven.forEach((claim) => fresh.add(claim.id))",
    test: conformance,
    named: "postgres: (inbox|dead letters)"
  },
  {
    name: "a dead-lettering skips the inbox",
    guarantee: "effectively once",
    file: "src/postgres/store/PgDeadLetters.ts",
    from: "if (large || known![\"fingerprint\"] !== print) return yield* put()",
    to: "return yield* put()",
    test: conformance,
    named: "does not dead-letter what was committed"
  },
  {
    name: "more messages in memory than the prefetch",
    guarantee: "bounded",
    file: "src/internal/flow/Flow.ts",
    from: "    const messages = Math.max(0, this.capacity.freeMessages)\n",
    to: "    const messages = 100_000\n",
    test: "test/worker/limits.test.ts",
    named: "holds at most as many messages as its prefetch says"
  },
  {
    name: "a registration not locked against publishers",
    guarantee: "no loss",
    file: "src/postgres/sql/consumers.ts",
    from: "lock: `lock table ${t.subscriptions} in access exclusive mode`",
    to: "lock: `lock table ${t.subscriptions} in access share mode`",
    test: "test/postgres/transport.test.ts",
    named: "loses nothing when consumers register while others publish"
  },
  {
    name: "the interrupted statement of a pipelined connection still runs",
    guarantee: "bounded",
    file: "src/postgres/session/Pools.ts",
    from: "within(pool.get, \"transaction\", ({ processId }) => terminate(processId)),",
    to: "within(pool.get, \"transaction\"),",
    test: "test/postgres/pipelined.test.ts",
    named: "so that no lock stays"
  },
  {
    name: "a pipelined connection without an answer to COMMIT given back",
    guarantee: "bounded",
    file: "src/postgres/session/PgSession.ts",
    from: "Effect.tapCause(this.#bounded(\"COMMIT\", true), () => this.discard)",
    to: "this.#bounded(\"COMMIT\", true)",
    test: "test/postgres/pipelined.test.ts",
    named: "gives no other caller a connection"
  },
  {
    name: "the statements of a group sent one after another",
    guarantee: "observability",
    file: "src/worker/commit/GroupCommit.ts",
    from: "{ concurrency: \"unbounded\" }",
    to: "{ concurrency: 1 }",
    test: "test/postgres/pipelined.test.ts",
    named: "sends the statements of a composed group together"
  },
  {
    name: "a deadlock treated as the message's own failure",
    guarantee: "poison cannot block",
    file: "src/postgres/session/PgFailure.ts",
    from: "\"40P01\": \"conflict\", // deadlock",
    to: "\"40P01\": \"other\", // deadlock",
    test: "test/postgres/outages.test.ts",
    named: "is a repeated transaction, a wait"
  },
  {
    name: "a failover to read-only counted as an attempt",
    guarantee: "poison cannot block",
    file: "src/postgres/session/PgFailure.ts",
    from: "\"25006\": \"unavailable\"",
    to: "\"25006\": \"other\"",
    test: "test/postgres/outages.test.ts",
    named: "is a repeated transaction, a wait"
  }
]
