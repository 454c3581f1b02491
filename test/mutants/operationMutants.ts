/**
 * The breaks of named leases and of what operators see; see `mutants.ts`.
 */
import type { Mutant } from "./types.ts"

const conformance = "test/postgres/conformance.test.ts"

export const operations: ReadonlyArray<Mutant> = [
  {
    name: "the schema of a variable not checked",
    guarantee: "graceful",
    file: "src/postgres/session/PgConfig.ts",
    from: "parse: (text) => problem(text) === undefined ? text : undefined",
    to: "parse: (text) => problem(text) === \"\" ? undefined : text",
    test: "test/postgres/startup.test.ts",
    named: "reads the environment, and names the variable"
  },
  {
    name: "dead letters restored from another cluster missing in every set",
    guarantee: "poison cannot block",
    file: "src/postgres/maintenance/RestoredCluster.ts",
    from: "yield* all(text.deadLetters)",
    to: "0",
    test: "test/postgres/startup.test.ts",
    named: "gives what was restored from another cluster transaction ids"
  },
  {
    name: "messages restored from another cluster read as late by every poll",
    guarantee: "bounded",
    file: "src/postgres/maintenance/RestoredCluster.ts",
    from: "yield* all(text.messages)",
    to: "0",
    test: "test/postgres/startup.test.ts",
    named: "gives what was restored from another cluster transaction ids"
  },
  {
    name: "no error when a role cannot rewrite restored rows",
    guarantee: "graceful",
    file: "src/postgres/maintenance/RestoredCluster.ts",
    from: "return yield* Effect.logWarning(",
    to: "return yield* Effect.logDebug(",
    test: "test/postgres/startup.test.ts",
    named: "says so where the role has no right to rewrite"
  },
  {
    name: "a PGlite directory open in two processes",
    guarantee: "no loss",
    file: "src/embedded/DataLock.ts",
    from: "if (claim !== \"torn\" && isValid(claim)) return { claim, file }",
    to: "if (claim !== \"torn\" && isValid(claim)) continue",
    test: "test/embedded/lock.test.ts",
    named: "is refused to another one with the owner's name"
  },
  {
    name: "a PGlite directory locked by a reused process number",
    guarantee: "graceful",
    file: "src/embedded/DataLock.ts",
    from: "started === \"\" || started === claim.started",
    to: "started === \"\" || true",
    test: "test/embedded/lock.test.ts",
    named: "keeps no process out, though its process number now belongs to another program"
  },
  {
    name: "an id forgotten while a message that no consumer reads waits under it",
    guarantee: "effectively once",
    file: "src/postgres/sql/retention.ts",
    from: "    or exists (select from ${t.unrouted} u where u.id = i.id offset 0)",
    to: "",
    test: "test/postgres/retention.test.ts",
    named: "remembers an id while a message waits under it that no consumer reads"
  },
  {
    name: "an id forgotten while a dead letter of another message under it is open",
    guarantee: "effectively once",
    file: "src/postgres/sql/retention.ts",
    from: "where d.queue_id = i.queue_id and d.state in ('open', 'redriving')",
    to:
      "where d.queue_id = i.queue_id and d.state in ('open', 'redriving') and exists (select from ${t.inbox} x where x.queue_id = i.queue_id and x.id = i.id and x.outcome = 'dead')",
    test: "test/postgres/retention.test.ts",
    named: "never forgets the id of an open dead letter of another message under it"
  },
  {
    name: "an id forgotten while its dead letter is being restored",
    guarantee: "effectively once",
    file: "src/postgres/sql/decisions.ts",
    from: "on conflict (queue_id, id) do update set at = statement_timestamp()",
    to: "on conflict do nothing",
    test: "test/postgres/retention.test.ts",
    named: "does not forget the id of a dead letter that is being restored"
  },
  {
    name: "a dead letter redriven repeatedly since its id was forgotten",
    guarantee: "poison cannot block",
    file: "src/postgres/store/PgInbox.ts",
    from: "answers[i] === \"fresh\" && inserted.has(id)",
    to: "answers[i] !== answers[i]",
    test: conformance,
    named: "resolves the dead letter of a redriven message whose id is not known any more"
  },
  {
    name: "retention reads whole tables",
    guarantee: "bounded",
    file: "src/postgres/sql/retention.ts",
    from: "where queue_id::bigint = h.queue_id and at < h.before",
    to: "where queue_id = h.queue_id and at < h.before",
    test: "test/postgres/retentionLimits.test.ts",
    named: "looks at no more than it forgets, and at next to nothing"
  },
  {
    name: "retention reads all decided dead letters",
    guarantee: "bounded",
    file: "src/postgres/sql/retention.ts",
    from: "order by changed_at limit $3 for update skip locked",
    to: "order by id limit $3 for update skip locked",
    test: "test/postgres/retentionLimits.test.ts",
    named: "looks at no more dead letters, audit entries and unrouted messages"
  },
  {
    name: "ids of a removed consumer never deleted",
    guarantee: "bounded",
    file: "src/postgres/sql/retention.ts",
    from: "  from queues q\n",
    to: "  from queues q join ${t.consumers} c on c.id = q.id::int\n",
    test: "test/postgres/retention.test.ts",
    named: "forgets the ids of a consumer that was removed"
  },
  {
    name: "retention relies on statistics",
    guarantee: "bounded",
    file: "src/postgres/sql/retention.ts",
    from: "set_config('enable_sort', 'off', true)",
    to: "set_config('enable_sort', 'on', true)",
    test: "test/postgres/retentionLimits.test.ts",
    named: "looks at no more than it forgets, and at next to nothing"
  },
  {
    name: "ids that must stay block the deletion of others",
    guarantee: "bounded",
    file: "src/postgres/sql/retention.ts",
    from: "select place from seen where needed))",
    to: "select place from seen where needed limit 0))",
    test: "test/postgres/retentionLimits.test.ts",
    named: "forgets what is behind more ids than it looks at"
  },
  {
    name: "a table whose retention fails blocks the others",
    guarantee: "bounded",
    file: "src/postgres/maintenance/Retention.ts",
    from: "onFailure: (cause) => Effect.as(failures.add(table, cause), 0)",
    to: "onFailure: (cause) => Effect.andThen(failures.add(table, cause), Effect.die(cause))",
    test: "test/postgres/retentionLimits.test.ts",
    named: "forgets everything else while one table cannot be deleted from"
  },
  {
    name: "failed retention without a log line",
    guarantee: "graceful",
    file: "src/postgres/maintenance/Retention.ts",
    from: "if (rounds === failedRounds)",
    to: "if (rounds === Infinity)",
    test: "test/postgres/retentionLimits.test.ts",
    named: "forgets everything else while one table cannot be deleted from"
  },
  {
    name: "an id forgotten when its message is taken over behind newer ones",
    guarantee: "effectively once",
    file: "src/postgres/sql/consumers.ts",
    from: "where queue_id = $1::int and id = any(array(select id from taken))",
    to: "where queue_id = $1::int and id = any(array(select id from taken limit 0))",
    test: "test/postgres/retention.test.ts",
    named: "behind newer ones, after its topic was taken over"
  },
  {
    name: "an id forgotten when its delayed message is due",
    guarantee: "effectively once",
    file: "src/postgres/sql/delayed.ts",
    from: "id = r.id offset 0 for no key update",
    to: "id = r.id and false offset 0 for no key update",
    test: "test/postgres/retention.test.ts",
    named: "under it that was delayed and is due"
  },
  {
    name: "a lost named lease renewed",
    guarantee: "one owner",
    file: "src/Lease.ts",
    from: "if (Deferred.isDoneUnsafe(lost)) return Effect.succeed(0)",
    to: "",
    test: "test/words/Lease.test.ts",
    named: "stays lost, though a renewal comes through later"
  },
  {
    name: "a named lease requested repeatedly from a slow store",
    guarantee: "bounded",
    file: "src/Lease.ts",
    from: "if (left <= 0) return yield* token === undefined ? taken(name, answer.success) : late(name)",
    to: "if (left <= 0 && token === undefined) return yield* taken(name, answer.success)",
    test: "test/words/Lease.test.ts",
    named: "waits no longer than its limit for a store that answers late"
  },
  {
    name: "an expired named lease renewed",
    guarantee: "one owner",
    file: "src/postgres/sql/leases.ts",
    from: " and lease_until >= clock_timestamp() returning token",
    to: " returning token",
    test: conformance,
    named: "brings no named lease back that has expired, or that another owner has"
  },
  {
    name: "the token of a named lease not raised",
    guarantee: "one owner",
    file: "src/postgres/sql/leases.ts",
    from: "token = ${nextToken}",
    to: "token = l.token",
    test: "test/postgres/pg-named-leases.test.ts",
    named: "a fenced transaction that idles keeps the next owner away"
  },
  {
    name: "the fence of a named lease ignored",
    guarantee: "one owner",
    file: "src/Lease.ts",
    from: "(ok) => ok ? Effect.void : stale",
    to: "(ok) => ok ? Effect.void : Effect.asVoid(Effect.ignore(stale))",
    test: "test/postgres/pg-named-leases.test.ts",
    named: "a stale owner's write is refused by its token"
  },
  {
    name: "a named lease taken during a fenced transaction",
    guarantee: "one owner",
    file: "src/postgres/sql/leases.ts",
    from: "or owner = $2) for update skip locked",
    to: "or owner = $2)",
    test: conformance,
    named: "gives no named lease to another owner before a transaction has ended that checked its token"
  },
  {
    name: "work continues after its named lease is lost",
    guarantee: "one owner",
    file: "src/Lease.ts",
    from: "Effect.raceFirst(f(lease), Effect.flatMap(lease.lost, (lost) => Effect.fail(lost)))",
    to: "f(lease)",
    test: "test/words/Lease.test.ts",
    named: "interrupts its work before another owner can hold it"
  },
  {
    name: "no notification when a named lease is given back",
    guarantee: "one owner",
    file: "src/postgres/sql/leases.ts",
    from: "select pg_notify($3, 'lease:' || name) from released",
    to: "select $3::text from gone",
    test: "test/postgres/pg-named-leases.test.ts",
    named: "two contenders"
  },
  {
    name: "spans created without a tracer",
    guarantee: "observability",
    file: "src/internal/Tracing.ts",
    from: "fiber.getRef(Tracer.Tracer) !== Tracer.nativeTracer && fiber.getRef(References.TracerEnabled)",
    to: "fiber.getRef(References.TracerEnabled)",
    test: "test/ops/spans.test.ts",
    named: "are not made where only Effect's own tracer is there"
  },
  {
    name: "emitted messages begin a new trace",
    guarantee: "observability",
    file: "src/worker/commit/GroupCommit.ts",
    from: "Effect.provideService(step, Tracer.ParentSpan, span)",
    to: "step",
    test: "test/ops/spans.test.ts",
    named: "carry what is emitted and published in a step on"
  },
  {
    name: "the message of an error shown in its span",
    guarantee: "observability",
    file: "src/internal/Tracing.ts",
    from: "super(`${where}: ${tag}`)",
    to: "super(`${where}: marker-4711`)",
    test: "test/ops/spans.test.ts",
    named: "with the tag of its error and nothing that it says"
  },
  {
    name: "the defect of a schedule logged with its message",
    guarantee: "observability",
    file: "src/worker/attempt/RetryDecision.ts",
    from: "(${defectOf(cause)}); it is taken",
    to: "(${Cause.pretty(cause)}); it is taken",
    test: "test/ops/logs.test.ts",
    named: "never quote a payload"
  },
  {
    name: "held keys' messages counted as late",
    guarantee: "observability",
    file: "src/postgres/sql/status.ts",
    from: "not exists (select from ${t.holds} h where h.queue_id = ${queue} and h.key = m.key offset 0)",
    to: "true",
    test: conformance,
    named: "says how a queue stands"
  },
  {
    name: "a pause without a gauge",
    guarantee: "observability",
    file: "src/postgres/sql/status.ts",
    from: "(select paused_by is not null from",
    to: "(select paused_by is null and paused_by is not null from",
    test: conformance,
    named: "says how a queue stands"
  },
  {
    name: "a deduplication window in which dead letters do not count",
    guarantee: "observability",
    file: "src/postgres/sql/status.ts",
    from: "least(eldest.at, dead_letters.at)",
    to: "eldest.at",
    test: conformance,
    named: "says how a queue stands"
  },
  {
    name: "a deduplication window in which messages of held keys do not count",
    guarantee: "observability",
    file: "src/postgres/sql/status.ts",
    from: "least(eldest.at, dead_letters.at)",
    to: "least(oldest.at, dead_letters.at)",
    test: conformance,
    named: "says how a queue stands"
  },
  {
    name: "a set of dead letters counted as one",
    guarantee: "observability",
    file: "src/DeadLetters.ts",
    from: "Telemetry.operatorAction(decision, deadLetters.length)",
    to: "Telemetry.operatorAction(decision, Math.min(1, deadLetters.length))",
    test: "test/ops/metrics.test.ts",
    named: "and the operator actions"
  },
  {
    name: "health that waits for the driver",
    guarantee: "bounded",
    file: "src/internal/health/StoreCheck.ts",
    from: "Effect.tap(Effect.forkDetach(ask), (fiber) =>",
    to: "Effect.tap(Effect.tap(Effect.forkDetach(ask), Fiber.await), (fiber) =>",
    test: "test/ops/health.test.ts",
    named: "is down, within its bound"
  },
  {
    name: "operations: an import with one dead letter id for two messages begins",
    guarantee: "operations",
    file: "src/ops/DeadLetterImport.ts",
    from: "before === undefined || before.name === name ?",
    to: "before === undefined || before.name !== undefined ?",
    test: "test/cli/purging.test.ts",
    named: "an import restores what was exported"
  }
]
