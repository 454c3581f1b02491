/**
 * The breaks of redrive runs: stages, the stop rule, the frozen set, and counts that are no guess.
 */
import type { Mutant } from "./types.ts"

const runs = "test/ops/redriveRuns.test.ts"
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
    from: "return stop === undefined ? next(progress, rules) : { progress, move: { _tag: \"Stop\", stop } }",
    to: "return stop === undefined ? next(progress, rules) : next(progress, rules)",
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
    from: "if (move._tag !== \"Redrive\" || paused || early > 0) {",
    to: "if (move._tag !== \"Redrive\" || paused || early > 1e9) {",
    test: runs,
    named: "postgres.*keep their rate"
  },
  {
    name: "an action on a run that has changed since the operator looked",
    guarantee: "operations",
    file: "src/postgres/sql/redriveActs.ts",
    from: "and ($5::int is null or revision = $5) and",
    to: "and ($5::int is null or true) and",
    test: runs,
    named: "postgres.*a stale look"
  },
  {
    name: "an operator action on a run without audit",
    guarantee: "operations",
    file: "src/postgres/sql/redriveActs.ts",
    from: "select $2, $4, c.name, r.id, $3, ${detail} from changed r join ${t.consumers} c on c.id = r.queue_id",
    to: "select $2, $4, c.name, r.id, $3, ${detail} from changed r join ${t.consumers} c on c.id = -r.queue_id",
    test: runs,
    named: "postgres.*end when they are cancelled"
  }
]
