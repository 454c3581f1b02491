/** The breaks around the start of a worker: its neighbours, its health, and the one session that it may have. */
import type { Mutant } from "./types.ts"

export const reopeningMutants: ReadonlyArray<Mutant> = [
  {
    name: "two pipelines of one name that start together do not find each other",
    guarantee: "bounded",
    file: "src/worker/start/PipelineNames.ts",
    from: "    names.set(consumer, under)\n",
    to: "    setTimeout(() => names.set(consumer, under), 100)\n",
    test: "test/postgres/reopened.test.ts",
    named: "start together"
  },
  {
    name: "a worker that cannot begin missing in Health",
    guarantee: "bounded",
    file: "src/worker/start/Opening.ts",
    from: "failing = FailingSince.more(failing, now(), error.message)",
    to: "void vain",
    test: "test/worker/opening.test.ts",
    named: "cannot open its subscription again"
  },
  {
    name: "a set frozen through a session that its transaction holds",
    guarantee: "bounded",
    file: "src/postgres/store/PgDeadLetters.ts",
    from: "ServerLife.current(db.query, names)",
    to: "ServerLife.current(db.machinery, names)",
    test: "test/embedded/pglite-conformance.test.ts",
    named: "freezes a set within a transaction"
  },
  {
    name: "no check of a right that only a new server life needs",
    guarantee: "bounded",
    file: "src/postgres/sql/serverLife.ts",
    from: "and has_sequence_privilege('${t.deadLetterSeq}', 'update') as",
    to: "as",
    test: "test/postgres/reopened.test.ts",
    named: "cannot begin a life"
  },
  {
    name: "a settlement keeps a lease that it finds lost",
    guarantee: "order per key",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "return checkMissing(lanes, deliveries, settled)",
    to: "return Effect.succeed(settled)",
    test: "test/postgres/lostOwnership.test.ts",
    named: "once a settlement finds it out"
  },
  {
    name: "a fence keeps a lease that it finds lost",
    guarantee: "order per key",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "if (found.length === asked.length) return",
    to: "if (found.length === asked.length || asked.length > 0) return",
    test: "test/postgres/lostOwnership.test.ts",
    named: "once a fence finds it out"
  },
  {
    name: "a hold keeps a lease that it finds lost",
    guarantee: "order per key",
    file: "src/postgres/queue/PgHold.ts",
    from: "Effect.andThen(lanes.checkOwnership([owned]), stale(spec, delivery))",
    to: "stale(spec, delivery)",
    test: "test/postgres/lostOwnership.test.ts",
    named: "once a hold finds it out"
  },
  {
    name: "a raised token not reported",
    guarantee: "order per key",
    file: "src/postgres/queue/PgLanes.ts",
    from: "if (!ours.has(owned.lane) && !owned.lost)",
    to: "if (!ours.has(owned.lane) && owned.lost)",
    test: "test/postgres/lostOwnership.test.ts",
    named: "by another worker's claim lets no handler start"
  }
]
