/** Breaks of `commitRows`: the rows of a group in one statement. */
import type { Mutant } from "./types.ts"

const test = "test/postgres/commitRows.test.ts"

export const rowMutants: ReadonlyArray<Mutant> = [
  {
    name: "rows: a pure step behind them runs before they are written",
    guarantee: "effectively once",
    file: "src/worker/commit/DataCommit.ts",
    from: "one.waits = true\n        one.at.index++",
    to: "one.at.index++",
    test,
    named: "in one write.*that the database refuses"
  },
  {
    name: "rows: written before each message of the group has its row",
    guarantee: "effectively once",
    file: "src/worker/commit/DataCommit.ts",
    from: "going.some(({ at }) => steps[at.index] !== step)",
    to: "going.length === 0",
    test,
    named: "in one write.*wait until each message"
  },
  {
    name: "rows: the statement of a group that is composed is left out",
    guarantee: "effectively once",
    file: "src/worker/commit/GroupCommit.ts",
    from: "if (isNonEmpty(going)) yield* batch(",
    to: "if (isNonEmpty(going) && !pipelined) yield* batch(",
    test,
    named: "composed.*are in the order"
  },
  {
    name: "rows: a value that is missing is written as NULL",
    guarantee: "effectively once",
    file: "src/internal/pipeline/CommitRows.ts",
    from: "if (value === undefined) return",
    to: "if (value === 0) return",
    test,
    named: "in one write.*of a function that fails"
  },
  {
    name: "rows: a column of NULLs only fails its group",
    guarantee: "poison cannot block",
    file: "src/internal/pipeline/CommitRows.ts",
    from: "${arrayOf(array)}::text[]",
    to: "${array}::text[]",
    test,
    named: "in one write.*may have NULL"
  },
  {
    name: "rows: a group with them is never committed as data",
    guarantee: "observability",
    file: "src/worker/commit/GroupCommit.ts",
    from: "step._tag === \"CommitBatch\" ? step.data !== undefined : step._tag !== \"Commit\"",
    to: "step._tag !== \"CommitBatch\" && step._tag !== \"Commit\"",
    test,
    named: "go over the wire in one write"
  },
  {
    name: "rows: two pipelines that write different tables look the same",
    guarantee: "no loss",
    file: "src/internal/Step.ts",
    from: "Function.prototype.toString.call(users) + also",
    to: "Function.prototype.toString.call(users)",
    test: "test/words/Pipeline.test.ts",
    named: "compares the table and the columns of rows"
  }
]
