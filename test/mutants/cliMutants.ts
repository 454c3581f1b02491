/**
 * The breaks of the command line, and of the operator actions that it added.
 */
import type { Mutant } from "./types.ts"

const hostile = "test/cli/hostile.test.ts"
const looking = "test/cli/looking.test.ts"
const acting = "test/cli/acting.test.ts"
const redriving = "test/cli/redriving.test.ts"
const setup = "test/cli/setup.test.ts"
const evicted = {
  guarantee: "operations",
  file: "src/postgres/sql/lanes.ts",
  test: "test/postgres/conformance.test.ts",
  named: "postgres: .*gives the lanes of an evicted worker to others"
} as const

export const cliMutants: ReadonlyArray<Mutant> = [
  {
    name: "cli: bidirectional controls printed",
    guarantee: "operations",
    file: "src/internal/HarmlessText.ts",
    from: "/[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}]/gu",
    to: "/[\\p{Cc}\\p{Cs}]/gu",
    test: hostile,
    named: "reach neither stream of any command"
  },
  {
    name: "cli: JSON escaped by JSON.stringify alone",
    guarantee: "operations",
    file: "src/cli/output/SafeText.ts",
    from: "escapeJson(JSON.stringify(value))",
    to: "JSON.stringify(value)",
    test: hostile,
    named: "reach neither stream of any command"
  },
  {
    name: "cli: a hint's command not quoted for a shell",
    guarantee: "operations",
    file: "src/cli/output/SafeText.ts",
    from: "/^[\\w./:@%+-]+$/.test(text) ? text",
    to: "text !== \"\" ? text",
    test: hostile,
    named: "is quoted for a shell"
  },
  {
    name: "cli: an unknown consumer gives an empty list",
    guarantee: "operations",
    file: "src/ops/read/SearchReader.ts",
    from: "exists(search.consumer)",
    to: "exists(undefined)",
    test: looking,
    named: "names those that exist"
  },
  {
    name: "cli: an empty set discarded with success",
    guarantee: "operations",
    file: "src/cli/look/Matching.ts",
    from: "if (set.deadLetters.count > 0) return set",
    to: "if (set.deadLetters.count >= 0) return set",
    test: looking,
    named: "names those that exist"
  },
  {
    name: "cli: a limit crossed at its own value",
    guarantee: "operations",
    file: "src/cli/look/Limits.ts",
    from: "return value > most",
    to: "return value >= most",
    test: looking,
    named: "fails a check when a consumer is above a limit"
  },
  {
    name: "cli: a set decided without a confirmation",
    guarantee: "operations",
    file: "src/cli/operate/Confirm.ts",
    from: "if (yield* Yes) return",
    to: "if ((yield* Yes) || true) return",
    test: acting,
    named: "only with --yes or an answer"
  },
  {
    name: "cli: any answer taken for yes",
    guarantee: "operations",
    file: "src/cli/operate/Confirm.ts",
    from: "return /^y(es)?$/i.test(answer.trim())",
    to: "return answer !== \"never\"",
    test: acting,
    named: "only with --yes or an answer"
  },
  {
    name: "cli: a dry run of a set decides",
    guarantee: "operations",
    file: "src/cli/operate/DecideCommands.ts",
    from: "if (options.dry) {",
    to: "if (options.dry && options.rate !== undefined) {",
    test: acting,
    named: "on everything that matches, after a preview"
  },
  {
    name: "cli: a dry run starts the redrive run",
    guarantee: "operations",
    file: "src/cli/operate/RedriveCommand.ts",
    from: "if (given.dryRun) {",
    to: "if (given.dryRun && given.wait) {",
    test: redriving,
    named: "is previewed, and nothing is started"
  },
  {
    name: "cli: a redrive run started without a confirmation",
    guarantee: "operations",
    file: "src/cli/operate/RedriveCommand.ts",
    from: "if (preview.deadLetters.value > 1) yield* confirm(",
    to: "if (preview.deadLetters.value < 1) yield* confirm(",
    test: redriving,
    named: "starts a run that needs no terminal"
  },
  {
    name: "cli: a run that stopped itself ends with success",
    guarantee: "operations",
    file: "src/cli/operate/FollowRun.ts",
    from: "} else if (run.state === \"stopped\") {",
    to: "} else if (run.state === \"paused\") {",
    test: redriving,
    named: "ends with code 7"
  },
  {
    name: "cli: messages that failed again end with success",
    guarantee: "operations",
    file: "src/cli/operate/FollowRun.ts",
    from: "} else if (run.failedAgain > 0) {",
    to: "} else if (run.failedAgain > 1) {",
    test: redriving,
    named: "ends with code 7"
  },
  {
    name: "cli: --yes continues a run that waits for an operator",
    guarantee: "operations",
    file: "src/cli/operate/FollowRun.ts",
    from: "|| (yield* Yes) || !(yield* (yield* Stdio.Stdio).stdinIsTerminal)) return now",
    to: ") return now",
    test: redriving,
    named: "asks after the first message on a terminal"
  },
  {
    name: "cli: an interrupted terminal does not say which run continues",
    guarantee: "operations",
    file: "src/cli/operate/FollowRun.ts",
    from: "Effect.onInterrupt(() => continues)",
    to: "Effect.onInterrupt(() => Effect.void)",
    test: redriving,
    named: "continues when its terminal is interrupted"
  },
  {
    name: "cli: a dry run steps through a key",
    guarantee: "operations",
    file: "src/cli/operate/QueueCommands.ts",
    from: "if (dry) {\n    const first = held?.deadLetter",
    to: "if (dry && held === undefined) {\n    const first = held?.deadLetter",
    test: acting,
    named: "on a key one by one"
  },
  {
    name: "cli: a dry run dead-letters a waiting message",
    guarantee: "operations",
    file: "src/cli/operate/MessageCommands.ts",
    from: "  if (dry) {\n",
    to: "  if (dry && key === undefined) {\n",
    test: acting,
    named: "on the suspect of a crash loop"
  },
  {
    name: "cli: old failures shown as recent ones",
    guarantee: "operations",
    file: "src/cli/look/DeadCommands.ts",
    from: "lastAt >= (from ?? 0)",
    to: "lastAt >= 0",
    test: looking,
    named: "at failures, dead letters, and one of them"
  },
  {
    name: "grants: an operator without the right to dead-letter a message",
    guarantee: "operations",
    file: "src/postgres/sql/grants.ts",
    from: "on(\"insert, update, delete\", t.messages),\n        on(\"insert\", t.deadLetters),",
    to: "on(\"insert, update\", t.messages),",
    test: setup,
    named: "the printed roles are enough"
  },
  {
    name: "cli: an edit that parses numbers",
    guarantee: "operations",
    file: "src/cli/output/JsonText.ts",
    from: "isJson(text) ? JsonTokens.of(text).join(\"\") : text",
    to: "isJson(text) ? JSON.stringify(JSON.parse(text)) : text",
    test: acting,
    named: "keeps id, key and every digit"
  },
  {
    name: "cli: a missing right reported as unexpected",
    guarantee: "operations",
    file: "src/cli/frame/Failures.ts",
    from: "if (notAllowed.some(",
    to: "if ([\"none\"].some(",
    test: setup,
    named: "the printed roles are enough"
  },
  {
    name: "grants: an operator without sequences",
    guarantee: "operations",
    file: "src/postgres/sql/grants.ts",
    from: "sequences,\n        call(t.publish, t.cancel, t.redrive",
    to: "call(t.publish, t.cancel, t.redrive",
    test: setup,
    named: "the printed roles are enough"
  },
  {
    name: "migrate --sql: the migration is not recorded",
    guarantee: "operations",
    file: "src/postgres/migrations/index.ts",
    from: "      text.recordMigration(Number(name.slice(0, 4)), name.slice(5))\n",
    to: "",
    test: setup,
    named: "prints statements on which a worker starts"
  },
  {
    ...evicted,
    name: "an evicted worker commits until its lanes are claimed",
    from: "update ${t.lanes} l set token = ${nextToken}, lease_until = clock_timestamp() from mine",
    to: "update ${t.lanes} l set lease_until = clock_timestamp() from mine"
  },
  {
    ...evicted,
    name: "an eviction counts no crash",
    from: "set token = ${nextToken}, lease_until = clock_timestamp() from mine",
    to: "set token = ${nextToken}, owner = null, lease_until = clock_timestamp() from mine"
  },
  {
    name: "memory: an evicted worker commits until its lanes are claimed",
    guarantee: "operations",
    file: "src/memory/MemoryQueue.ts",
    from: "        lane.lease = undefined\n        lanes++",
    to: "        lanes++",
    test: "test/conformance/memory.test.ts",
    named: "gives the lanes of an evicted worker to others"
  }
]
