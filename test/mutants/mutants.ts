/**
 * The breaks: for each guarantee one line of the landed code, made wrong, and the test that must go red.
 */
export interface Mutant {
  readonly name: string
  /** Number of the guarantee in README.md. */
  readonly guarantee: number
  readonly file: string
  /** Stands exactly once in the file. */
  readonly from: string
  readonly to: string
  readonly test: string
  /** Part of the test's name. */
  readonly named: string
}

const conformance = "test/postgres/conformance.test.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "no fence",
    guarantee: 4,
    file: "src/postgres/sql/messages.ts",
    from:
      "on l.lane = g.lane and l.token = g.token\n  where l.queue_id = $1 order by l.lane for key share of l\n)\ndelete",
    to: "on l.lane = g.lane\n  where l.queue_id = $1 order by l.lane for key share of l\n)\ndelete",
    test: "test/postgres/transport.test.ts",
    named: "refuses the commit of an owner whose lane was taken over"
  },
  {
    name: "fence and removal outside of the transaction",
    guarantee: 1,
    file: "src/postgres/PgTransport.ts",
    from: ": seat.db.within(statement, [seat.lanes.queue",
    to: ": seat.db.machinery(statement, [seat.lanes.queue",
    test: conformance,
    named: "settles, claims and publishes in one commit, or does none of it"
  },
  {
    name: "claim by plain update",
    guarantee: 4,
    file: "src/postgres/sql/lanes.ts",
    from: "limit $2 for update skip locked`",
    to: "limit $2`",
    test: "test/postgres/transport.test.ts",
    named: "makes a claim wait for a commit that has looked at the token"
  },
  {
    name: "a takeover that keeps the token",
    guarantee: 4,
    file: "src/postgres/sql/lanes.ts",
    from: "take: `update ${t.lanes} set token = token + 1, owner",
    to: "take: `update ${t.lanes} set token = token + 0, owner",
    test: "test/postgres/transport.test.ts",
    named: "refuses the commit of an owner whose lane was taken over"
  },
  {
    name: "inbox outside of the transaction",
    guarantee: 2,
    file: "src/postgres/PgInbox.ts",
    from: "return db.within(text.claim",
    to: "return db.machinery(text.claim",
    test: conformance,
    named: "forgets a claim whose transaction rolled back"
  },
  {
    name: "no inbox",
    guarantee: 2,
    file: "src/worker/GroupCommit.ts",
    from: "const fresh = members.filter((_, i) => claimed[i] === \"fresh\")",
    to: "const fresh = members",
    test: "test/worker/handling.test.ts",
    named: "has one effect when the second comes after the commit"
  },
  {
    name: "other content under a known id taken for a duplicate",
    guarantee: 2,
    file: "src/postgres/PgInbox.ts",
    from: "return fingerprint === claim.fingerprint || fingerprint === \"\" ? \"duplicate\" : \"conflict\"",
    to: "return fingerprint === claim.fingerprint || fingerprint === \"\" ? \"duplicate\" : \"duplicate\"",
    test: conformance,
    named: "tells other content under a committed id from a redelivery"
  },
  {
    name: "emits outside of the transaction",
    guarantee: 2,
    file: "src/postgres/PgInbox.ts",
    from: "db.query(text.write, columnsOf",
    to: "db.machinery(text.write, columnsOf",
    test: conformance,
    named: "publishes nothing when the transaction around it rolls back"
  },
  {
    name: "emits with other ids on every run",
    guarantee: 2,
    file: "src/MessageId.ts",
    from: "fromContent([consumer, messageId, n])",
    to: "fromContent([consumer, messageId, n, Math.random()])",
    test: "test/worker",
    named: "are never published by an attempt that failed, and have the same ids when it runs again"
  },
  {
    name: "unknown outcome taken for a failure",
    guarantee: 2,
    file: "src/worker/Committer.ts",
    from:
      "      case \"UnknownOutcome\":\n      case \"StoreFailure\":\n      case \"TransportError\":\n        return this.afterOutage(group, trouble, error)",
    to:
      "      case \"UnknownOutcome\":\n        return Effect.sync(() => this.finish(group, { _tag: \"Failed\", error }))\n      case \"StoreFailure\":\n      case \"TransportError\":\n        return this.afterOutage(group, trouble, error)",
    test: "test/worker/groups.test.ts",
    named: "has one effect when COMMIT had happened and only its answer was lost"
  },
  {
    name: "unknown outcome taken for success",
    guarantee: 1,
    file: "src/worker/Committer.ts",
    from:
      "      case \"UnknownOutcome\":\n      case \"StoreFailure\":\n      case \"TransportError\":\n        return this.afterOutage(group, trouble, error)",
    to:
      "      case \"UnknownOutcome\":\n        return Effect.sync(() => this.finish(group, { _tag: \"Committed\" }))\n      case \"StoreFailure\":\n      case \"TransportError\":\n        return this.afterOutage(group, trouble, error)",
    test: "test/worker/groups.test.ts",
    named: "is run again with the same values, without an attempt counted"
  },
  {
    name: "COMMIT awaited for ever",
    guarantee: 6,
    file: "src/postgres/PgSession.ts",
    from: "          duration: this.#patience,",
    to: "          duration: \"1 hour\",",
    test: "test/postgres/transactions.test.ts",
    named: "answers an unknown outcome, within its bound"
  },
  {
    name: "hold ignored",
    guarantee: 3,
    file: "src/postgres/sql/holds.ts",
    from: "'infinity'), $6::bigint from mine",
    to: "'infinity'), 9000000000000000000 from mine",
    test: conformance,
    named: "hides a held key's later messages"
  },
  {
    name: "hold written beside a poll",
    guarantee: 3,
    file: "src/memory/MemoryTransport.ts",
    from: "  seat.reading.withPermits(1)(Effect.tap(write, () =>",
    to: "  ((effect: typeof write) => effect)(Effect.tap(write, () =>",
    test: "test/memory",
    named: "reads nothing while a hold is written"
  },
  {
    name: "late rows not looked up",
    guarantee: 1,
    file: "src/postgres/sql/messages.ts",
    from: "join mine l on l.lane = m.lane and m.seq <= l.mark group by",
    to: "join mine l on l.lane = m.lane and m.seq <= l.mark and false group by",
    test: "test/postgres/QueueReader.test.ts",
    named: "hands a late commit out before its successor"
  },
  {
    name: "late rows read after newer ones of their key",
    guarantee: 3,
    file: "src/postgres/QueueReader.ts",
    from: "    this.#fallBehind(row)\n    // It may lie",
    to: "    // It may lie",
    test: "test/postgres/QueueReader.test.ts",
    named: "hands a late commit out before its successor"
  },
  {
    name: "two of a key at a time",
    guarantee: 3,
    file: "src/KeyedQueue.ts",
    from: "if (!this.running.has(key)) this.ready.add(key)",
    to: "this.ready.add(key)",
    test: "test/words/KeyedQueue.test.ts",
    named: ""
  },
  {
    name: "a parked key that is not held",
    guarantee: 3,
    file: "src/worker/Attempt.ts",
    from: "if (parked) yield* subscription.hold(delivery, failures, Hold.parked)",
    to: "",
    test: "test/worker/dead-letters.test.ts",
    named: "its successors wait, however long, and other keys go on"
  },
  {
    name: "lease renewed after loss",
    guarantee: 4,
    file: "src/postgres/sql/lanes.ts",
    from: "renew: `${mine(\"\", \") g(lane, token)\", \"no key update\")}",
    to: "renew: `with mine as materialized (select lane from unnest($2::int[], $3::bigint[]) g(lane, token))",
    test: conformance,
    named: "brings no lost lease back by a late renewal"
  },
  {
    name: "lease never given up",
    guarantee: 4,
    file: "src/worker/LeaseRenewer.ts",
    from: "      if (entry.deadline > limit) continue\n",
    to: "      if (entry.deadline > limit || true) continue\n",
    test: "test/worker/leases.test.ts",
    named: "is lost before its deadline when the network is cut"
  },
  {
    name: "a drain that drops what it interrupts",
    guarantee: 7,
    file: "src/worker/Worker.ts",
    from: "yield* Effect.addFinalizer(() => drainInFlight({ consumer, settings, inFlight, draining }))",
    to: "",
    test: "test/worker/drain.test.ts",
    named: "finishes what runs, starts nothing more"
  },
  {
    name: "attempts asleep forgotten by a drain",
    guarantee: 7,
    file: "src/worker/Attempt.ts",
    from: "if (left !== undefined) return yield* hold(delivery, failures, left)",
    to: "if (left !== undefined) return",
    test: "test/worker/drain.test.ts",
    named: "writes its attempts down and does not wait"
  },
  {
    name: "attempt counted on drain",
    guarantee: 7,
    file: "src/postgres/sql/lanes.ts",
    from:
      "    releaseAll: `with mine as materialized (\n  select lane from ${t.lanes} where queue_id = $1 and owner = $2 order by lane for no key update\n)\nupdate ${t.lanes} l set owner = null,",
    to:
      "    releaseAll: `with mine as materialized (\n  select lane from ${t.lanes} where queue_id = $1 and owner = $2 order by lane for no key update\n)\nupdate ${t.lanes} l set",
    test: conformance,
    named: "gives everything back in order when its scope closes, without counting anything"
  },
  {
    name: "innocents counted",
    guarantee: 5,
    file: "src/postgres/sql/messages.ts",
    from: "and ($4::bigint is null or seq = $4::bigint)",
    to: "and ($4::bigint is null or true)",
    test: "test/postgres/transport.test.ts",
    named: "counts only the message that ran alone when its owner dies"
  },
  {
    name: "a worker's own expired lanes counted as a death",
    guarantee: 5,
    file: "src/postgres/sql/lanes.ts",
    from: "owner is not null and owner <> $3 as died",
    to: "owner is not null and $3::text is not null as died",
    test: conformance,
    named: "counts no death when an owner that was stopped for a while"
  },
  {
    name: "a restarted worker taken for the one that died",
    guarantee: 5,
    file: "src/worker/Worker.ts",
    from: "worker: `${settings.name}#${randomUUID().slice(0, 8)}`",
    to: "worker: settings.name",
    test: "test/process/worker.test.ts",
    named: "poison that kills the process"
  },
  {
    name: "suspects not run alone",
    guarantee: 5,
    file: "src/worker/InFlight.ts",
    from: "entry.delivery.received === this.settings.maxDeliveries - 1",
    to: "entry.delivery.received === -1",
    test: "test/worker/crash-poison.test.ts",
    named: "again runs alone in its process"
  },
  {
    name: "crashed messages run once more",
    guarantee: 5,
    file: "src/worker/Attempt.ts",
    from: "if (delivery.received >= settings.maxDeliveries) return crashed(delivery)",
    to: "",
    test: "test/worker/crash-poison.test.ts",
    named: "becomes a dead letter `crashed` without running once more"
  },
  {
    name: "one failure takes its group with it",
    guarantee: 5,
    file: "src/worker/Committer.ts",
    from: "        return this.inSavepoints(group, 0)",
    to: "        return Effect.sync(() => this.finish(group, { _tag: \"Failed\", error }))",
    test: "test/worker/groups.test.ts",
    named: "the others commit, and only its attempt is counted"
  },
  {
    name: "redrive past the inbox",
    guarantee: 2,
    file: "src/postgres/PgInbox.ts",
    from: "(rows) => rows.forEach((row) => fresh.add(row[\"id\"]))",
    to: "() => redriven.forEach((claim) => fresh.add(claim.id))",
    test: conformance,
    named: "postgres: (inbox|dead letters)"
  },
  {
    name: "a burial past the inbox",
    guarantee: 2,
    file: "src/postgres/PgDeadLetters.ts",
    from: "return yield* put()\n      return undefined",
    to: "return yield* put()\n      return yield* put()",
    test: conformance,
    named: "does not bury what was committed"
  },
  {
    name: "more in hand than the prefetch",
    guarantee: 6,
    file: "src/worker/InFlight.ts",
    from: "    const messages = this.settings.prefetch - this.entries\n",
    to: "    const messages = 100_000\n",
    test: "test/worker/limits.test.ts",
    named: "has at most as many messages in its hands as its prefetch says"
  },
  {
    name: "a registration beside publishers",
    guarantee: 1,
    file: "src/postgres/sql/consumers.ts",
    from: "lock: `lock table ${t.subscriptions} in access exclusive mode`",
    to: "lock: `lock table ${t.subscriptions} in access share mode`",
    test: "test/postgres/transport.test.ts",
    named: "loses nothing when consumers register while others publish"
  },
  {
    name: "an interrupted statement of a pipelined connection left running",
    guarantee: 6,
    file: "src/postgres/PgClient.ts",
    from: "within(pool.get, ({ processId }) => terminate(processId)),",
    to: "within(pool.get),",
    test: "test/postgres/pipelined.test.ts",
    named: "so that no lock stays"
  },
  {
    name: "a pipelined connection whose COMMIT was not answered given back",
    guarantee: 6,
    file: "src/postgres/PgClient.ts",
    from: "session.abandoned ? session.giveUp : Effect.void",
    to: "Effect.void",
    test: "test/postgres/pipelined.test.ts",
    named: "gives nobody a connection"
  },
  {
    name: "the statements of a group sent one after another",
    guarantee: 10,
    file: "src/worker/GroupCommit.ts",
    from: "const together = { concurrency: \"unbounded\" } as const",
    to: "const together = { concurrency: 1 } as const",
    test: "test/postgres/pipelined.test.ts",
    named: "sends the statements of a group together"
  },
  {
    name: "a deadlock taken for the message's own failure",
    guarantee: 5,
    file: "src/postgres/PgFailure.ts",
    from: "\"40P01\": \"conflict\", // deadlock",
    to: "\"40P01\": \"other\", // deadlock",
    test: "test/postgres/outages.test.ts",
    named: "is a repeated transaction, a wait"
  },
  {
    name: "a failover to read-only counted as an attempt",
    guarantee: 5,
    file: "src/postgres/PgFailure.ts",
    from: "\"25006\": \"unavailable\"",
    to: "\"25006\": \"other\"",
    test: "test/postgres/outages.test.ts",
    named: "is a repeated transaction, a wait"
  },
  {
    name: "a batch in the wrong order",
    guarantee: 3,
    file: "src/worker/GroupCommit.ts",
    from: "const running = Effect.suspend(() => Steps.batch(operator, going))",
    to: "const running = Effect.suspend(() => Steps.batch(operator, [...going].reverse() as never))",
    test: "test/worker/batches.test.ts",
    named: "hands each message its own result"
  },
  {
    name: "a batch's results handed out from the wrong end",
    guarantee: 2,
    file: "src/worker/Steps.ts",
    from: "at.value = results[i]",
    to: "at.value = results[results.length - 1 - i]",
    test: "test/worker/batches.test.ts",
    named: "hands each message its own result"
  },
  {
    name: "a batch's number of results not looked at",
    guarantee: 2,
    file: "src/worker/Steps.ts",
    from: "if (Array.isArray(results) && results.length !== members.length) {",
    to: "if (Array.isArray(results) && results.length < 0) {",
    test: "test/worker/batches.test.ts",
    named: "by the wrong number of results is a defect"
  },
  {
    name: "a wrong number of results that nobody hears of",
    guarantee: 2,
    file: "src/worker/GroupCommit.ts",
    from: "defect instanceof Steps.WrongResults && going.length > 1",
    to: "defect instanceof Steps.WrongResults && going.length < 1",
    test: "test/worker/batches.test.ts",
    named: "is named in a warning"
  },
  {
    name: "a batch without a timeout of its own",
    guarantee: 6,
    file: "src/worker/GroupCommit.ts",
    from: "  return own(options, warned, timed)",
    to: "  return own(options, warned, false)",
    test: "test/worker/batches.test.ts",
    named: "by waiting too long ends with its own timeout"
  },
  {
    name: "at most once acknowledged after its steps",
    guarantee: 2,
    file: "src/worker/Attempt.ts",
    from: "    return atMostOnce === undefined\n",
    to: "    return atMostOnce !== undefined\n",
    test: "test/worker/delivery-modes.test.ts",
    named: "at most once"
  },
  {
    name: "at most once without a claim that is kept",
    guarantee: 2,
    file: "src/worker/GroupCommit.ts",
    from: "if (pipeline.settings.delivery !== \"atLeastOnce\")",
    to: "if (pipeline.settings.delivery === \"effectivelyOnce\")",
    test: "test/worker/delivery-modes.test.ts",
    named: "settles and claims a message before its steps run"
  },
  {
    name: "at most once committed without its token",
    guarantee: 4,
    file: "src/worker/GroupCommit.ts",
    from: "  if (ours.length === 0) return gone\n",
    to: "",
    test: "test/worker/delivery-modes.test.ts",
    named: "commits nothing under a lease that was lost while its steps ran"
  },
  {
    name: "at most once run again after an unknown outcome",
    guarantee: 2,
    file: "src/worker/AtMostOnce.ts",
    from: "error._tag !== \"Hiccup\" || left === 0",
    to: "left === 0",
    test: "test/worker/delivery-modes.test.ts",
    named: "has happened once: atMostOnce"
  },
  {
    name: "at most once that says nothing of what was interrupted",
    guarantee: 7,
    file: "src/worker/AtMostOnce.ts",
    from: "return Effect.flatMap(Effect.exit(restore(work)), (exit) =>",
    to: "return Effect.flatMap(restore(Effect.exit(work)), (exit) =>",
    test: "test/worker/delivery-modes.test.ts",
    named: "is reported though none of its steps had begun"
  },
  {
    name: "at least once that asks the inbox",
    guarantee: 2,
    file: "src/worker/GroupCommit.ts",
    from: "  const redriven = members.filter((member) => member.delivery.redrive !== undefined)\n",
    to: "  const redriven = members\n",
    test: "test/worker/delivery-modes.test.ts",
    named: "asks no inbox"
  },
  {
    name: "at least once whose redrive resolves nothing",
    guarantee: 2,
    file: "src/worker/GroupCommit.ts",
    from: "if (redriven.length === 0) return Effect.succeed",
    to: "if (redriven.length >= 0) return Effect.succeed",
    test: "test/worker/delivery-modes.test.ts",
    named: "a redrive resolves the letter in its commit"
  },
  {
    name: "a stale token taken for a good one after the settling",
    guarantee: 4,
    file: "src/postgres/PgTransport.ts",
    from: "deliveries.filter((delivery) => ours.has((delivery.receipt as Receipt).lane))",
    to: "deliveries.filter((delivery) => ours.size >= 0 && delivery !== undefined)",
    test: conformance,
    named: "postgres: .*looks at the fencing token of what was settled before"
  },
  {
    name: "a message lost with the error that its Schema cannot encode",
    guarantee: 1,
    file: "src/worker/FailureRecord.ts",
    from: "      Effect.catchCause(() => Effect.succeed(undefined))\n    )\n  }\n}",
    to: "      Effect.orDie\n    )\n  }\n}",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "do not lose the message when the Schema refuses"
  },
  {
    name: "an error that is encoded for ever",
    guarantee: 6,
    file: "src/worker/FailureRecord.ts",
    from: "      Effect.timeoutOrElse({ duration: encodeTimeout, orElse: () => Effect.succeed(undefined) }),\n",
    to: "",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "do not lose the message when the Schema never ends"
  },
  {
    name: "typed errors that a schedule does not get back",
    guarantee: 1,
    file: "src/worker/Settling.ts",
    from: "yield* FailureRecord.typed(settings.errors, options.recorded)",
    to: "options.recorded",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "reads the typed errors of the attempts before it"
  },
  {
    name: "emits numbered anew in each emit",
    guarantee: 2,
    file: "src/worker/Steps.ts",
    from: "MessageId.ofEmit(consumer, delivered.message.id, at.emitted.length)",
    to: "MessageId.ofEmit(consumer, delivered.message.id, at.emitted.length % 2)",
    test: "test/worker/dead-letter-errors.test.ts",
    named: "of several emits, to any topics, are numbered through"
  }
]
