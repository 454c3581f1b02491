/**
 * The breaks of operator actions on dead letters and consumers.
 */
import type { Mutant } from "./types.ts"

const conformance = "test/postgres/conformance.test.ts"

export const operatorActionMutants: ReadonlyArray<Mutant> = [
  {
    name: "redrive without audit",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "  ${audit(t)};\n",
    to: "",
    test: conformance,
    named: "postgres: decisions.*records who did what"
  },
  {
    name: "a decision without the operator's name",
    guarantee: "operations",
    file: "src/internal/OperatorAction.ts",
    from: "Message.textProblem(by.trim() === \"\" ? \"\" : by, limits.by)",
    to: "by.length > limits.by ? \"is long\" : undefined",
    test: "test/worker/operators.test.ts",
    named: "without the name of who decides"
  },
  {
    name: "a dead letter stays in the state redriving",
    guarantee: "operations",
    file: "src/postgres/store/PgDeadLetters.ts",
    from: "      if (own !== undefined) yield* db.within(inbox.resolve, [[own], [\"duplicate\"]])\n",
    to: "",
    test: conformance,
    named: "postgres: dead letters.*resolves the dead letter of a redriven message that fails"
  },
  {
    name: "memory: a dead letter stays in the state redriving",
    guarantee: "operations",
    file: "src/memory/MemoryDeadLetters.ts",
    from: "    transaction.resolve(own === undefined ? [] : [own], now)\n",
    to: "",
    test: "test/conformance/memory.test.ts",
    named: "memory: dead letters.*resolves the dead letter of a redriven message that fails"
  },
  {
    name: "a retry ends the park of a restored dead letter",
    guarantee: "operations",
    file: "src/postgres/sql/holds.ts",
    from: "set until = greatest(h.until, excluded.until),",
    to: "set until = excluded.until,",
    test: conformance,
    named: "postgres: decisions.*keeps the key of a restored dead letter parked"
  },
  {
    name: "memory: a retry ends the park of a restored dead letter",
    guarantee: "operations",
    file: "src/memory/MemoryLane.ts",
    from: "rows.heldUntil = Math.max(rows.heldUntil ?? 0, until)",
    to: "rows.heldUntil = until",
    test: "test/conformance/memory.test.ts",
    named: "memory: decisions.*keeps the key of a restored dead letter parked"
  },
  {
    name: "an oversized redriven row left beside its dead letter",
    guarantee: "operations",
    file: "src/postgres/sql/deadLetters.ts",
    from: "removed as (delete from ${t.messages} where queue_id = $10 and lane = $6 and seq = $7)",
    to: "gone as (select from ${t.messages} where queue_id = $10 and lane = $6 and seq = $7)",
    test: "test/postgres/transport.test.ts",
    named: "takes an oversized row back into its own dead letter"
  },
  {
    name: "a decision recorded outside of its transaction",
    guarantee: "operations",
    file: "src/postgres/store/PgDecisions.ts",
    from: "yield* db.within(text.decide, [deadLetters",
    to: "yield* db.machinery(text.decide, [deadLetters",
    test: conformance,
    named: "postgres: decisions.*records a decision in the transaction"
  },
  {
    name: "a frozen set grows while it is redriven",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "\"pg_visible_in_snapshot(d.opened, $10::text::pg_snapshot)\"",
    to: "\"$10::text is not null\"",
    test: conformance,
    named: "postgres: decisions.*redrives exactly the dead letters"
  },
  {
    name: "a restored dead letter in a set that was frozen before",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "set opened = pg_current_xact_id() where id = any($1)",
    to: "set opened = opened where id = any($1)",
    test: conformance,
    named: "postgres: decisions.*redrives exactly the dead letters"
  },
  {
    name: "dead-lettering transactions wait for a pause in an open transaction",
    guarantee: "operations",
    file: "src/postgres/sql/consumerOperations.ts",
    from: "lock: locked(t, \"for no key update\")",
    to: "lock: locked(t, \"for update\")",
    test: "test/postgres/operatorActions.test.ts",
    named: "pause in an open transaction while messages are dead-lettered"
  },
  {
    name: "a set cannot be interrupted while it reports its progress",
    guarantee: "operations",
    file: "src/DeadLetters.ts",
    from: "restore(onProgress(progress))",
    to: "onProgress(progress)",
    test: "test/worker/operators.test.ts",
    named: "can be interrupted while it reports its progress"
  },
  {
    name: "two operators decide about one dead letter",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "lock: `select ${seen} from ${t.deadLetters} d where d.id = $1 for update`",
    to: "lock: `select ${seen} from ${t.deadLetters} d where d.id = $1`",
    test: "test/postgres/operatorActions.test.ts",
    named: "have one winner"
  },
  {
    name: "a key continues although another parked dead letter is open",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "`case when ${parks(t)} then until",
    to: "`case when false and ${parks(t)} then until",
    test: conformance,
    named: "postgres: decisions.*parks the key of a restored dead letter"
  },
  {
    name: "a key stays held after its last two dead letters",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "    ${lockHolds(t)};\n",
    to: "",
    test: "test/postgres/operatorActions.test.ts",
    named: "keep a key held when its last two"
  },
  {
    name: "an edit discards the published payload",
    guarantee: "operations",
    file: "src/postgres/sql/decisions.ts",
    from: "original = coalesce(original, payload), payload = $2",
    to: "payload = $2",
    test: conformance,
    named: "postgres: decisions.*redrives an edited payload"
  },
  {
    name: "an edit changes the key",
    guarantee: "operations",
    file: "src/DeadLetters.ts",
    from: "encoded.keyed !== message.keyed || encoded.key !== message.key",
    to: "encoded.keyed !== message.keyed",
    test: "test/worker/operators.test.ts",
    named: "is refused if it does not decode"
  },
  {
    name: "the id of a restored dead letter forgotten",
    guarantee: "operations",
    file: "src/postgres/store/PgDecisions.ts",
    from: "before: (deadLetters) => Effect.forEach(deadLetters, markDead, { discard: true })",
    to: "before: () => Effect.void",
    test: "test/postgres/retention.test.ts",
    named: "keeps a restored dead letter redrivable"
  },
  {
    name: "the rate of a redrive not kept",
    guarantee: "operations",
    file: "src/DeadLetters.ts",
    from: "Math.max(0, (progress.done / rate) * 1000 - passed)",
    to: "0",
    test: "test/worker/operators.test.ts",
    named: "keeps its rate"
  },
  {
    name: "a pause loses messages",
    guarantee: "operations",
    file: "src/postgres/queue/QueueReader.ts",
    from: "      if (meta.paused) return Effect.succeed(poll)\n",
    to: "",
    test: conformance,
    named: "postgres: pauses.*hands out nothing of a paused consumer"
  },
  {
    name: "a pause starts messages in memory",
    guarantee: "operations",
    file: "src/internal/flow/Flow.ts",
    from: "while (this.mode === \"running\" && this.running",
    to: "while ((this.mode === \"running\" || this.mode === \"paused\") && this.running",
    test: "test/worker/operators.test.ts",
    named: "starts nothing more"
  },
  {
    name: "no worker notified of the end of a pause",
    guarantee: "operations",
    file: "src/internal/flow/Flow.ts",
    from: "    if (mode === \"paused\") return true\n",
    to: "",
    test: "test/worker/operators.test.ts",
    named: "starts nothing more"
  },
  {
    name: "a pause shown as a retry that is due",
    guarantee: "operations",
    file: "src/postgres/sql/consumerOperations.ts",
    from: "until < 'infinity' and (paused_by is null or until > statement_timestamp())",
    to: "until < 'infinity'",
    test: conformance,
    named: "postgres: pauses.*shows which keys are held"
  },
  {
    name: "a removal not locked against publishers",
    guarantee: "operations",
    file: "src/postgres/store/PgConsumerOperations.ts",
    from: "locking: [lockTimeout, lock, changed]",
    to: "locking: [lockTimeout]",
    test: "test/postgres/operatorActions.test.ts",
    named: "remove a consumer while others publish"
  },
  {
    name: "a removal not noticed by workers",
    guarantee: "operations",
    file: "src/postgres/queue/PgLanes.ts",
    from: "this.#removed = row?.[\"known\"] !== true",
    to: "this.#removed = false",
    test: conformance,
    named: "postgres: pauses.*removes a consumer with its queue"
  },
  {
    name: "a removal locks messages before dead letters",
    guarantee: "operations",
    file: "src/postgres/sql/removal.ts",
    from:
      "    `delete from ${t.deadLetters} where queue_id = $1`,\n    `delete from ${t.messages} where queue_id = $1`,\n",
    to:
      "    `delete from ${t.messages} where queue_id = $1`,\n    `delete from ${t.deadLetters} where queue_id = $1`,\n",
    test: "test/postgres/operatorActions.test.ts",
    named: "remove a consumer while a dead letter of it is redriven"
  },
  {
    name: "a removal deletes millions of ids while publishing is blocked",
    guarantee: "operations",
    file: "src/postgres/sql/removal.ts",
    from: "    `delete from ${t.workers} where queue_id = $1`,\n",
    to: "    `delete from ${t.workers} where queue_id = $1`,\n    `delete from ${t.inbox} where queue_id = $1`,\n",
    test: "test/postgres/operatorActions.test.ts",
    named: "without the millions of ids"
  },
  {
    name: "a pause whose time is over lasts on",
    guarantee: "operations",
    file: "src/postgres/queue/PgLanes.ts",
    from: "row?.[\"pause_over\"] === true ? this.#resumeDue",
    to: "row?.[\"pause_over\"] === 1 ? this.#resumeDue",
    test: "test/postgres/conformance.test.ts",
    named: "ends a pause by itself"
  },
  {
    name: "a pause that ends by itself is not in the audit",
    guarantee: "operations",
    file: "src/postgres/sql/consumerOperations.ts",
    from: "$2 = 'paused' and ${over(\"c.\")}),",
    to: "false),",
    test: "test/postgres/conformance.test.ts",
    named: "ends a pause by itself"
  },
  {
    name: "memory: a pause whose time is over lasts on",
    guarantee: "operations",
    file: "src/memory/MemoryTransport.ts",
    from: "      state.resumeDue(queue, now)\n      const rows",
    to: "      const rows",
    test: "test/conformance/memory.test.ts",
    named: "ends a pause by itself"
  },
  {
    name: "a purge deletes messages that were published after the operator looked",
    guarantee: "operations",
    file: "src/postgres/sql/purge.ts",
    from: "where queue_id = $1::int and pg_visible_in_snapshot(xid, $2::text::pg_snapshot)",
    to: "where queue_id = $1::int and $2::text is not null",
    test: "test/cli/purging.test.ts",
    named: "touches no message that was published later"
  },
  {
    name: "a purge without a second count",
    guarantee: "operations",
    file: "src/ops/actions/PurgeActions.ts",
    from: "if (found !== expect) return",
    to: "if (found < 0) return",
    test: "test/cli/purging.test.ts",
    named: "touches no message that was published later"
  },
  {
    name: "a redrive run waits for a message that was purged",
    guarantee: "operations",
    file: "src/postgres/sql/purge.ts",
    from: "from gone g where o.dead_letter_id = g.dead_letter_id",
    to: "from gone g where o.dead_letter_id = -g.dead_letter_id",
    test: "test/cli/purging.test.ts",
    named: "their redrive run learns of it"
  },
  {
    name: "an import of what exists",
    guarantee: "operations",
    file: "src/postgres/sql/imports.ts",
    from: "and not exists (select from ${t.deadLetters} d where d.message_id = i.id and d.queue_id = i.queue_id)",
    to: "",
    test: "test/cli/purging.test.ts",
    named: "imports each dead letter once"
  },
  {
    name: "an import that does not park keys again",
    guarantee: "operations",
    file: "src/postgres/sql/imports.ts",
    from: "from added where parked and state = 'open'",
    to: "from added where false",
    test: "test/cli/purging.test.ts",
    named: "restores what was exported"
  },
  {
    name: "an old note of a failure group is shown",
    guarantee: "operations",
    file: "src/postgres/sql/views.ts",
    from: "a.detail = ${fingerprint} order by a.id desc limit 1",
    to: "a.detail = ${fingerprint} order by a.id limit 1",
    test: "test/cli/purging.test.ts",
    named: "is shown to other operators"
  }
]
