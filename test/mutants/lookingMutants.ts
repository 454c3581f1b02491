/**
 * The breaks of lists and searches: how far they look, what they count, and what they may cost.
 */
import type { Mutant } from "./types.ts"

const lists = { guarantee: "operations", test: "test/http/lists.test.ts" } as const
const plans = { guarantee: "operations", test: "test/postgres/deadLetterPlans.test.ts" } as const
const searching = { guarantee: "operations", test: "test/ops/searching.test.ts" } as const

export const lookingMutants: ReadonlyArray<Mutant> = [
  {
    ...searching,
    name: "lists: a search that says that it looked at all",
    file: "src/ops/read/SearchReader.ts",
    from: `rows[0]?.["complete"] === true`,
    to: `rows.filter(isHit).length < limit`,
    named: "says how far it looked, and looks further"
  },
  {
    ...searching,
    name: "lists: a text not searched as it stands in JSON",
    file: "src/ops/read/SearchReader.ts",
    from: "inJson === text ? null : inJson",
    to: "inJson === text ? inJson : null",
    named: "finds a text in payload, key, id and attempts"
  },
  {
    ...searching,
    name: "lists: a search that reads any number of bytes",
    file: "src/postgres/sql/searching.ts",
    from: "text: 32 * 2 ** 20",
    to: "text: 32 * 2 ** 40",
    named: "ends at a number of bytes"
  },
  {
    ...plans,
    name: "lists: a topic or a tag that nothing has looked for in all dead letters",
    file: "src/postgres/sql/narrowing.ts",
    from: `? "facets"`,
    to: `? "queues"`,
    named: "look at few rows for a filter"
  },
  {
    ...plans,
    name: "lists: one prepared plan for all filters",
    file: "src/postgres/store/PgDeadLetters.ts",
    from: "db.unprepared(few ?",
    to: "db.query(few ?",
    named: "prepare no statement"
  },
  {
    ...plans,
    name: "lists: a page that walks all newer dead letters",
    file: "src/postgres/sql/narrowing.ts",
    from: "`${withId} < ${row(last)}`",
    to: "`${withId} < ${row(`9223372036854775807`)} and d.id < ${last}`",
    named: "look at few rows for a filter"
  },
  {
    ...plans,
    name: "lists: an operator that did nothing looked for in the whole audit",
    file: "src/postgres/sql/audit.ts",
    from: "[about, by, action, consumer].some((one) => one !== undefined)",
    to: "[about, by, action, consumer].every((one) => one !== undefined)",
    named: "look at few rows for a filter"
  },
  {
    ...searching,
    name: "lists: a payload cast without a check",
    file: "src/postgres/sql/searching.ts",
    from: "pg_input_is_valid(d.payload, 'jsonb')",
    to: "true",
    named: "finds a value in a payload, with every digit"
  },
  {
    ...searching,
    name: "lists: a count that was cut off called exact",
    file: "src/ops/read/CountReader.ts",
    from: "Effect.catchIf(isCut, () => some)",
    to: `Effect.catchIf(isCut, () => Effect.map(some, ({ value }) => ({ value, kind: "exact" as const })))`,
    named: "counts to 10,000, or all in the time that it gets"
  },
  {
    ...lists,
    name: "lists: a place beyond bigint reaches the database",
    file: "src/http/answers/Cursor.ts",
    from: "place: /^\\d{1,18}$/",
    to: "place: /^\\d{1,19}$/",
    named: "refuses a forged cursor"
  },
  {
    ...lists,
    name: "lists: no link to the next page",
    file: "src/http/answers/Cursor.ts",
    from: `query.set("cursor", next)`,
    to: `query.set("limit", "1")`,
    named: "leads to its next page by a header"
  },
  {
    ...lists,
    name: "lists: looks wait for the connections of handlers",
    file: "src/postgres/session/PgClient.ts",
    from: "if (fiber.getRef(ReadTransaction)) return forReaders.transaction",
    to: "if (fiber.getRef(ReadTransaction)) return forUsers.transaction",
    named: "answers while handlers have all their connections"
  },
  {
    ...lists,
    name: "lists: reads of the API without a bound of their own",
    file: "src/http/answers/StoreProblems.ts",
    from: "const readTimeout = Duration.seconds(2)",
    to: "const readTimeout = Duration.seconds(20)",
    named: "within 2 seconds while the database does not"
  },
  {
    guarantee: "operations",
    test: "test/ops/failureHistory.test.ts",
    name: "lists: a set of several failures has the first one only",
    file: "src/postgres/sql/narrowing.ts",
    from: "from unnest($6::text[]) one",
    to: "from unnest(($6::text[])[1:1]) one",
    named: "is one of several of a set"
  },
  {
    guarantee: "operations",
    test: "test/ops/failureHistory.test.ts",
    name: "lists: a history that was cut off called whole",
    file: "src/ops/read/FailureReader.ts",
    from: "more: read >= mostRead",
    to: "more: read > mostRead",
    named: "says that there are more"
  },
  {
    guarantee: "operations",
    test: "test/http/hiding.test.ts",
    name: "lists: a search tells hidden values",
    file: "src/http/handlers/DeadLetterHandlers.ts",
    from: "redaction.active && (text !== undefined || payload !== undefined)",
    to: "redaction.active && text !== undefined",
    named: "not found by a search"
  }
]
