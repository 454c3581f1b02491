/** Breaks of groups that are committed as data, and of turns that run without a fiber. */
import type { Mutant } from "./types.ts"

const data = "test/postgres/dataGroups.test.ts"
const batch = "test/postgres/batch.test.ts"
const turns = "test/worker/turn-batches.test.ts"

export const dataGroupMutants: ReadonlyArray<Mutant> = [
  {
    name: "a group as data commits without one of its messages",
    guarantee: "one owner",
    file: "src/postgres/sql/messages.ts",
    from: "${t.requireAll}(array_agg(id order by seq) = $6::text[])::text from removed",
    to: "(array_agg(id order by seq) = $6::text[])::text from removed",
    test: data,
    named: "does nothing if an operator has removed a message"
  },
  {
    name: "a group as data compares only the number of its messages",
    guarantee: "no loss",
    file: "src/postgres/sql/messages.ts",
    from: "array_agg(id order by seq) = $6::text[]",
    to: "count(*) = cardinality($6::text[])",
    test: data,
    named: "does nothing if another message is at a place"
  },
  {
    name: "a group as data commits an id that is known",
    guarantee: "effectively once",
    file: "src/postgres/sql/inbox.ts",
    from: "${t.requireAll}(count(*) = $4::int)::text from fresh",
    to: "(count(*) = $4::int)::text from fresh",
    test: data,
    named: "does nothing if an id is known"
  },
  {
    name: "a group as data counts as committed although COMMIT rolled back",
    guarantee: "no loss",
    file: "src/postgres/store/PgDataCommit.ts",
    from: "answers.at(-1)!.tag !== \"COMMIT\"",
    to: "answers.length === 0",
    test: batch,
    named: "COMMIT rolls back.*is not committed"
  },
  {
    name: "a redriven message is removed by its place alone in a group as data",
    guarantee: "no loss",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "isCurrent(delivery) && (isEntry(delivery) || kindOf(delivery.receipt as Receipt) === \"settle\")",
    to: "isCurrent(delivery)",
    test: data,
    named: "is described only if each message is held"
  },
  {
    name: "a group as data takes a message of a lost lease",
    guarantee: "one owner",
    file: "src/postgres/queue/PgSettlement.ts",
    from: "isCurrent(delivery) && (isEntry(delivery) || kindOf(delivery.receipt as Receipt) === \"settle\")",
    to: "isEntry(delivery) || kindOf(delivery.receipt as Receipt) === \"settle\"",
    test: data,
    named: "is described only if each message is held"
  },
  {
    name: "a user's COMMIT in a group as data",
    guarantee: "effectively once",
    file: "src/postgres/store/PgDataCommit.ts",
    from: "TransactionControl.classify(sql).kind === \"plain\"",
    to: "sql !== \"\"",
    test: data,
    named: "would end the transaction"
  },
  {
    name: "a failed group as data leaves its transaction open",
    guarantee: "bounded",
    file: "src/postgres/store/PgDataCommit.ts",
    from: "Effect.tapCause(sending, () => session.rollback)",
    to: "sending",
    test: data,
    named: "does nothing if a statement fails"
  },
  {
    name: "a pure step behind a statement runs before it",
    guarantee: "effectively once",
    file: "src/worker/commit/DataCommit.ts",
    from: "if (one.waits) return undefined",
    to: "if (one.waits && steps.length === 0) return undefined",
    test: data,
    named: "only when the statement has succeeded"
  },
  {
    name: "a statement of another database runs in the group's own",
    guarantee: "effectively once",
    file: "src/internal/pipeline/SqlData.ts",
    from: "if (compilerOf(statement) !== ours) return undefined",
    to: "",
    test: data,
    named: "runs a statement of another client on that client"
  },
  {
    name: "a group as data forgets what it emits",
    guarantee: "no loss",
    file: "src/postgres/store/PgDataCommit.ts",
    from: "...PgOutbox.chunks(emits).map(",
    to: "...PgOutbox.chunks(emits.slice(1)).map(",
    test: data,
    named: "publishes what its messages emit"
  },
  {
    name: "names of a batch's statements without a bound",
    guarantee: "bounded",
    file: "src/postgres/session/Batch.ts",
    from: "if (this.statements.size > maxNames) this.closeOldest()",
    to: "",
    test: batch,
    named: "are bounded on the server"
  },
  {
    name: "a batch uses names that the server has lost",
    guarantee: "bounded",
    file: "src/postgres/session/Batch.ts",
    from: "this.cache?.failed([...parsedBy(unanswered), ...(first === undefined ? [] : [first])])",
    to: "this.cache?.failed(parsedBy(unanswered))",
    test: batch,
    named: "are given again after the server has lost them"
  },
  {
    name: "a suspect of a crash runs in a batch",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/TurnBatch.ts",
    from: "if (crashStatus(delivery, settings) !== \"clear\") return undefined",
    to: "",
    test: "test/worker/crashed-alone.test.ts",
    named: "is not `crashed` either"
  },
  {
    name: "a stop waits for a turn that no fiber will continue",
    guarantee: "graceful",
    file: "src/internal/flow/Flow.ts",
    from: "if (this.stage !== \"open\") return this.end(turn)\n    this.runningTurns.set(turn, undefined)",
    to: "this.runningTurns.set(turn, undefined)",
    test: turns,
    named: "are given back at once where their commit fails"
  },
  {
    name: "a defect while turns are settled ends the settling",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/TurnBatch.ts",
    from: "Effect.catchCause(settleCommitted(committed), afterDefect(committed))",
    to: "settleCommitted(committed)",
    test: turns,
    named: "are held for a moment if the runtime has a defect"
  },
  {
    name: "a group that fails in a batch is not counted as an attempt",
    guarantee: "poison cannot block",
    file: "src/worker/attempt/TurnBatch.ts",
    from: "continueWith(entry, attempt.afterFailure(delivery, began, outcome))",
    to: "continueWith(entry, attempt.turn(delivery))",
    test: turns,
    named: "count one attempt where the commit fails"
  },
  {
    name: "no more turns of a batch than fibers may run",
    guarantee: "bounded",
    file: "src/worker/fetch/InFlight.ts",
    from: "settings.batches ? settings.prefetch : settings.concurrency",
    to: "settings.concurrency",
    test: turns,
    named: "share a group although there are more of them"
  },
  {
    name: "a turn that waits runs in a batch",
    guarantee: "order per key",
    file: "src/worker/attempt/TurnBatch.ts",
    from: "Steps.arePure(steps) &&",
    to: "steps.length >= 0 &&",
    test: turns,
    named: "are not those of a pipeline that waits"
  },
  {
    name: "slow functions of a batch leave other fibers no time",
    guarantee: "one owner",
    file: "src/worker/attempt/TurnBatch.ts",
    from: "(next === 0 || clock.monotonicTimeNanosUnsafe() <= until)",
    to: "until > 0n",
    test: turns,
    named: "leave other fibers their time"
  },
  {
    name: "turns that a batch left for later start before other fibers run",
    guarantee: "one owner",
    file: "src/internal/flow/Flow.ts",
    from: "return Effect.andThen(forking, Effect.yieldNow)",
    to: "return forking",
    test: "test/worker/flow.test.ts",
    named: "offers what a batch leaves for later again"
  },
  {
    name: "each group is tried as data although the last one was not",
    guarantee: "bounded",
    file: "src/worker/commit/DataCommit.ts",
    from: "    left = skip\n",
    to: "    left = 0\n",
    test: turns,
    named: "tries fewer and fewer groups as data"
  }
]
