/**
 * The breaks of the command line over the HTTP API, of what its commands select, and of the repairs of `doctor`.
 */
import type { Mutant } from "./types.ts"

const overHttp = "test/cli/overHttp.test.ts"
const selecting = "test/cli/selecting.test.ts"
const setup = "test/cli/setup.test.ts"

export const overHttpMutants: ReadonlyArray<Mutant> = [
  {
    name: "over http: an action without an answer not sent again",
    guarantee: "operations",
    file: "src/http/client/ServerCalls.ts",
    from: "times: bounds.noAnswer",
    to: "times: 0",
    test: overHttp,
    named: "sends an action whose answer was lost again"
  },
  {
    name: "over http: the operator not sent",
    guarantee: "operations",
    file: "src/http/client/ServerCalls.ts",
    from: "by === undefined ? (same) => same",
    to: "by !== \"\" ? (same) => same",
    test: overHttp,
    named: "sends an action whose answer was lost again"
  },
  {
    name: "over http: no patience",
    guarantee: "operations",
    file: "src/http/client/ServerCalls.ts",
    from: "[409, 429, 503].includes(error.status)",
    to: "[409, 503].includes(error.status)",
    test: overHttp,
    named: "waits when the server has had too many changes"
  },
  {
    name: "over http: problems not found by their name",
    guarantee: "operations",
    file: "src/http/client/ServerAnswers.ts",
    from: "kebab(one) === error.type",
    to: "one === error.type",
    test: overHttp,
    named: "meets the errors of the database"
  },
  {
    name: "over http: an action not repeated on the present version",
    guarantee: "operations",
    file: "src/http/client/HttpActions.ts",
    from: "if (failure._tag !== \"StaleVersion\") {",
    to: "if (failure._tag !== \"DeadLetterConflict\") {",
    test: overHttp,
    named: "sees the present state of what changed"
  },
  {
    name: "over http: a missing right is an unexpected end",
    guarantee: "operations",
    file: "src/cli/frame/Failures.ts",
    from: "\"HTTP 401\", \"HTTP 403\"",
    to: "\"HTTP 401\"",
    test: overHttp,
    named: "ends with code 4 without the right"
  },
  {
    name: "over http: a command for the database takes another one",
    guarantee: "operations",
    file: "src/cli/frame/Connect.ts",
    from: "if ((yield* target).url === undefined) return",
    to: "if ((yield* target).url !== \"\") return",
    test: overHttp,
    named: "refuses what needs the database itself"
  },
  {
    name: "cli: a toggle takes the id behind it",
    guarantee: "operations",
    file: "src/cli/Cli.ts",
    from: "i < end && toggles.has(arg) ? `${arg}=true`",
    to: "i > end && toggles.has(arg) ? `${arg}=true`",
    test: selecting,
    named: "everything by --all only"
  },
  {
    name: "cli: a search ignored by a decision",
    guarantee: "operations",
    file: "src/cli/operate/DecideCommands.ts",
    from: "{ ...filter, ...search, state: \"open\", before, limit: 1_000 }",
    to: "{ ...filter, state: \"open\", before, limit: 1_000 }",
    test: selecting,
    named: "dead letters by a search, and decides about each of them"
  },
  {
    name: "cli: what no worker has read counts as in flight",
    guarantee: "operations",
    file: "src/postgres/sql/finding.ts",
    from: "m.seq <= l.fetched_to\"",
    to: "m.seq > l.fetched_to\"",
    test: selecting,
    named: "waiting messages by their state"
  },
  {
    name: "cli: a repair without an audit entry",
    guarantee: "operations",
    file: "src/cli/setup/DoctorCommand.ts",
    from:
      "Effect.andThen(sql.unsafe(insert, [by, \"repaired\", \"\", \"\", \"\", note, statement]), sql.unsafe(statement))",
    to: "sql.unsafe(statement)",
    test: setup,
    named: "--fix repairs what is safe, audited"
  },
  {
    name: "cli: repairs without a confirmation",
    guarantee: "operations",
    file: "src/cli/setup/DoctorCommand.ts",
    from: "yield* confirm(",
    to: "void (",
    test: setup,
    named: "--fix repairs what is safe, audited"
  },
  {
    name: "cli: a missing index not found",
    guarantee: "operations",
    file: "src/cli/setup/SchemaChecks.ts",
    from: "!found.includes(index)",
    to: "index === \"\"",
    test: setup,
    named: "--fix repairs what is safe, audited"
  }
]
