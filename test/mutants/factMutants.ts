/**
 * The breaks of the facts for operators, of the functions for psql, and of the warnings about lost topics.
 */
import type { Mutant } from "./types.ts"

const facts = "test/ops/facts.test.ts"
const functions = "test/postgres/operatorFunctions.test.ts"

export const factMutants: ReadonlyArray<Mutant> = [
  {
    name: "a key's messages counted for every key of its lane",
    guarantee: "observability",
    file: "src/postgres/sql/facts.ts",
    from: "case when m.key in (select p.key from page p) then m.key end as key",
    to: "(select min(p.key) from page p) as key",
    test: facts,
    named: "count what waits behind each held key"
  },
  {
    name: "a message taken for unknown that was not searched for to the end",
    guarantee: "observability",
    file: "src/ops/read/QueueSearch.ts",
    from: "sql.inQueues(!all), params), all }",
    to: "sql.inQueues(!all), params), all: true }",
    test: facts,
    named: "have not searched for to the end"
  },
  {
    name: "a consumer that does not exist shown as an empty one",
    guarantee: "operations",
    file: "src/ops/read/FactQuery.ts",
    from: "rows.length === 0 ? Effect.fail(new ConsumerNotFound({ consumer })) : Effect.void",
    to: "rows.length < 0 ? Effect.fail(new ConsumerNotFound({ consumer })) : Effect.void",
    test: facts,
    named: "refuse a consumer that does not exist"
  },
  {
    name: "failure groups without a bound of their number",
    guarantee: "observability",
    file: "src/postgres/sql/views.ts",
    from: "select fingerprint from step limit ${mostRows}) g",
    to: "select fingerprint from step) g",
    test: "test/ops/factsAtScale.test.ts",
    named: "look at a bounded number of causes and topics"
  },
  {
    name: "a key taken for hot by a few messages",
    guarantee: "observability",
    file: "src/postgres/sql/facts.ts",
    from: "where seen >= 10 order by n desc limit 1",
    to: "where seen >= 1 order by n desc limit 1",
    test: facts,
    named: "explain the lag of a queue in one sentence"
  },
  {
    name: "all keys taken for held, although a message behind the counted ones is ready",
    guarantee: "observability",
    file: "src/ops/read/LagCauses.ts",
    from: "if (ready.value === 0 && lagMillis === 0) return",
    to: "if (ready.value === 0) return",
    test: "test/ops/lagCauses.test.ts",
    named: "is no hold of all keys"
  },
  {
    name: "held keys counted once for each worker of the process",
    guarantee: "observability",
    file: "src/Health.ts",
    from: "new Map(read.map((worker) => [worker.consumer, worker.queue()!.status]))",
    to: "new Map(read.map((worker, i) => [`${worker.consumer}${i}`, worker.queue()!.status]))",
    test: "test/ops/health.test.ts",
    named: "by a key that is parked for long"
  },
  {
    name: "a takeover without a log line",
    guarantee: "observability",
    file: "src/postgres/queue/LaneClaims.ts",
    from: "this.#takenOver += expired",
    to: "this.#takenOver += 0 * expired",
    test: "test/postgres/warnings.test.ts",
    named: "took over the lanes of expired leases"
  },
  {
    name: "a series that adds no counts",
    guarantee: "observability",
    file: "src/postgres/sql/series.ts",
    from: "committed = s.committed + excluded.committed",
    to: "committed = greatest(s.committed, 0 * excluded.committed)",
    test: facts,
    named: "add the counts of all workers to one point"
  },
  {
    name: "old points of a series kept",
    guarantee: "observability",
    file: "src/postgres/sql/series.ts",
    from: "s.at < statement_timestamp() - kept.time",
    to: "s.at < statement_timestamp() - 9 * kept.time",
    test: facts,
    named: "keep points of 10 seconds for a day"
  },
  {
    name: "an operator action of psql that wakes no worker",
    guarantee: "operations",
    file: "src/postgres/sql/operatorFunctions.ts",
    from: "${wake(t, \"array[v.id]\")}",
    to: "",
    test: functions,
    named: "a resume from psql wakes a worker that waits"
  },
  {
    name: "a redrive by SQL that does not check the state",
    guarantee: "operations",
    file: "src/postgres/sql/operatorFunctions.ts",
    from: "`v.state <> '${from}'${parked ? \" or not v.parked\" : \"\"}`",
    to: "\"false\"",
    test: functions,
    named: "redrive a dead letter in its place, audited, once"
  },
  {
    name: "functions for operators that every role may execute",
    guarantee: "operations",
    file: "src/postgres/sql/operatorFunctions.ts",
    from: "`revoke all on function ${t.redrive}, ${t.release}, ${t.pause}, ${t.resume} from public`",
    to: "`revoke all on function ${t.redrive} from public`",
    test: functions,
    named: "a role with execute on the functions"
  },
  {
    name: "a topic without a consumer that has no sign",
    guarantee: "observability",
    file: "src/internal/UnroutedTopics.ts",
    from: "if (this.#warned.has(topic) || this.#warned.size >= mostTopics) return Effect.void",
    to: "if (this.#warned.size >= 0 * mostTopics) return Effect.void",
    test: "test/ops/logs.test.ts",
    named: "name a topic that no consumer reads once"
  },
  {
    name: "a parked key that Health does not count",
    guarantee: "observability",
    file: "src/Health.ts",
    from: "if (status.parkedKeys === 0 || status.parkedMillis <= most) continue",
    to: "if (most > 0) continue",
    test: "test/ops/health.test.ts",
    named: "by a key that is parked for long"
  }
]
