/**
 * The breaks of redrive runs, of edits without a Schema, and of advances of a held key.
 */
import type { Mutant } from "./types.ts"

const runs = "test/ops/redriveRuns.test.ts"
const operators = "test/ops/redriveOperators.test.ts"
const advances = "test/ops/keyAdvances.test.ts"
const progress = "test/words/RunProgress.test.ts"

export const redriveRunMutants: ReadonlyArray<Mutant> = [
  {
    name: "a redrive run begins its next stage before it knows the outcome",
    guarantee: "operations",
    file: "src/postgres/maintenance/RunProgress.ts",
    from: "    if (waiting > 0) return { progress, move: { _tag: \"Wait\" } }\n",
    to: "",
    test: progress,
    named: "each stage after the outcomes of the one before"
  },
  {
    name: "a redrive run continues after a first message that failed again",
    guarantee: "operations",
    file: "src/postgres/maintenance/RunProgress.ts",
    from: "if (stageFailed >= inStage) {",
    to: "if (stageFailed > inStage) {",
    test: runs,
    named: "postgres.*stop after their first message"
  },
  {
    name: "a redrive run does not stop itself",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "    return stop === undefined || progress.exhausted\n",
    to: "    return stop !== null\n",
    test: runs,
    named: "postgres.*stop themselves while the downstream is broken"
  },
  {
    name: "a redrive run stops itself with nothing left",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: " || last >= (row[\"up_to\"] as bigint)",
    to: "",
    test: operators,
    named: "finish when nothing of the set is left"
  },
  {
    name: "a lost connection ends the fiber of redrive runs",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "    if (Cause.hasInterruptsOnly(cause)) return",
    to: "    if (!Cause.hasInterruptsOnly(cause)) return",
    test: operators,
    named: "loses its connection in the middle of a step"
  },
  {
    name: "the gauge of a stopped redrive run sees none",
    guarantee: "observability",
    file: "src/postgres/sql/status.ts",
    from: "and state = 'stopped') as redrive_stopped",
    to: "and state = 'waiting') as redrive_stopped",
    test: runs,
    named: "postgres.*stop themselves while the downstream is broken"
  },
  {
    name: "failures of different groups stop a redrive run",
    guarantee: "operations",
    file: "src/postgres/maintenance/RunProgress.ts",
    from: "row.every((one) => one === fingerprint)",
    to: "row.every((one) => one !== \"\")",
    test: progress,
    named: "three in a row fail again with one failure group"
  },
  {
    name: "outcomes from before an operator continued a run stop it again",
    guarantee: "operations",
    file: "src/postgres/maintenance/RunProgress.ts",
    from: "    if (!judged) continue\n",
    to: "",
    test: progress,
    named: "does not judge those from before"
  },
  {
    name: "a redrive run lets any number of messages wait",
    guarantee: "bounded",
    file: "src/postgres/maintenance/RunProgress.ts",
    from: "mostInFlight(rules.rate) - waiting, ",
    to: "",
    test: progress,
    named: "lets no more messages wait"
  },
  {
    name: "a redrive run reads its set from the beginning again",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "const after = [String(row[\"snapshot\"]), row[\"cursor\"], most]",
    to: "const after = [\"1:9000000000000000000:\", 0n, most]",
    test: runs,
    named: "postgres.*stop themselves while the downstream is broken"
  },
  {
    name: "a commit does not note the outcome of a redriven message",
    guarantee: "operations",
    file: "src/postgres/sql/inbox.ts",
    from: "RedriveRuns.settle(t, \"'committed'\", \"from revived r where o.dead_letter_id = r.dead_letter_id\")",
    to: "RedriveRuns.settle(t, \"'committed'\", \"from revived r where o.dead_letter_id = -r.dead_letter_id\")",
    test: runs,
    named: "postgres.*know what became of each"
  },
  {
    name: "a duplicate counted as a commit of a redrive run",
    guarantee: "operations",
    file: "src/postgres/store/PgInbox.ts",
    from: "        ? \"duplicate\"\n",
    to: "        ? \"committed\"\n",
    test: runs,
    named: "postgres.*say that a message was committed before"
  },
  {
    name: "a redrive run of a paused consumer puts messages back",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "if (move._tag !== \"Redrive\" || paused || early > 0) {",
    to: "if (move._tag !== \"Redrive\" || early > 0) {",
    test: runs,
    named: "postgres.*put nothing back while the consumer is paused"
  },
  {
    name: "a redrive run without its rate",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "const pause = (ids.length / rulesOf(row).rate) * 1000",
    to: "const pause = 0",
    test: runs,
    named: "postgres.*keep their rate"
  },
  {
    name: "a redrive run whose rate is slower than its steps",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "if (move._tag !== \"Redrive\" || paused || early > 0) {",
    to: "if (move._tag !== \"Redrive\" || paused || early > 1e9) {",
    test: operators,
    named: "keep a rate that is slower than the steps"
  },
  {
    name: "an action on a run that has changed since the operator looked",
    guarantee: "operations",
    file: "src/postgres/sql/redriveActions.ts",
    from: "and ($5::int is null or revision = $5) and",
    to: "and ($5::int is null or true) and",
    test: runs,
    named: "postgres.*a stale look"
  },
  {
    name: "an operator action on a run without audit",
    guarantee: "operations",
    file: "src/postgres/sql/redriveActions.ts",
    from: "select $2, $4, c.name, r.id, $3, ${detail} from changed r join ${t.consumers} c on c.id = r.queue_id",
    to: "select $2, $4, c.name, r.id, $3, ${detail} from changed r join ${t.consumers} c on c.id = -r.queue_id",
    test: runs,
    named: "postgres.*end when they are cancelled"
  },
  {
    name: "a redrive run continues in a copy of its database",
    guarantee: "operations",
    file: "src/postgres/maintenance/RedriveRuns.ts",
    from: "if (row[\"here\"] !== true) return",
    to: "if (row[\"here\"] === undefined) return",
    test: operators,
    named: "stop itself in a copy"
  },
  {
    name: "a dead worker keeps a redrive run for itself",
    guarantee: "operations",
    file: "src/postgres/sql/redriveRuns.ts",
    from: "(r.worker = $2 or r.lease_until < clock_timestamp())",
    to: "(r.worker = $2 or r.worker = '')",
    test: "test/process/redriveRun.test.ts",
    named: "continues on another process"
  },
  {
    name: "two operators start a redrive run of one consumer",
    guarantee: "operations",
    file: "src/ops/actions/RedriveActions.ts",
    from: "yield* run(consumers.lock, [consumer])",
    to: "yield* run(consumers.queue, [consumer])",
    test: operators,
    named: "make the second one wait for the first start"
  },
  {
    name: "an edit without a Schema that is no JSON",
    guarantee: "operations",
    file: "src/ops/actions/EditActions.ts",
    from: "      if (problem !== undefined) return yield* problem\n",
    to: "",
    test: operators,
    named: "edit a dead letter without a Schema"
  },
  {
    name: "the diff of an edit takes quadratic time",
    guarantee: "bounded",
    file: "src/internal/JsonTokens.ts",
    from: "[\\s\\S]?)*\"?|",
    to: "[\\s\\S])*\"|\"|",
    test: "test/words/EditPreview.test.ts",
    named: "ends for any text"
  },
  {
    name: "an advance lets every message of its key through",
    guarantee: "order per key",
    file: "src/postgres/sql/messages.ts",
    from: "and h.through is distinct from m.seq offset 0",
    to: "and h.through is null offset 0",
    test: advances,
    named: "postgres.*then the next one"
  },
  {
    name: "an advanced message is not found",
    guarantee: "operations",
    file: "src/postgres/sql/keyAdvances.ts",
    from: "set xid = pg_current_xact_id()",
    to: "set xid = xid",
    test: advances,
    named: "postgres.*then the next one"
  },
  {
    name: "an advanced message that waits for a retry is let through",
    guarantee: "operations",
    file: "src/postgres/sql/holds.ts",
    from: "from_seq = least(h.from_seq, excluded.from_seq), through = null",
    to: "from_seq = least(h.from_seq, excluded.from_seq)",
    test: advances,
    named: "postgres.*let nothing else through when the message fails"
  },
  {
    name: "a dead-lettered suspect does not park its key",
    guarantee: "order per key",
    file: "src/ops/actions/MessageActions.ts",
    from: "if (parked && deadLetterId !== \"\") yield*",
    to: "if (parked && deadLetterId === \"\") yield*",
    test: "test/ops/suspects.test.ts",
    named: "postgres.*behind it: park"
  },
  {
    name: "a suspect dead-lettered without audit",
    guarantee: "operations",
    file: "src/ops/actions/MessageActions.ts",
    from: "    yield* run(audit, [by, \"deadLettered\",",
    to: "    if (by === \"\") yield* run(audit, [by, \"deadLettered\",",
    test: "test/ops/suspects.test.ts",
    named: "postgres.*behind it: continue"
  }
]
