/**
 * Checks the history of a run against the nine rules of the guarantees. Each violation is explained by the life line of
 * its message. A report counts how often each failure had an opportunity.
 *
 * The history is indexed once, and rules are pure functions of the index. Order is that of the ledger, of its chains,
 * and of the draws of one database sequence, never that of clocks. A run without violations proves something only where
 * its counts are not 0. So state in `Expectations` what it promises.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import type * as PlatformError from "effect/PlatformError"
import * as History from "./History.ts"
import { bounded } from "./rules/bounded.ts"
import { deadLetters } from "./rules/deadLettering.ts"
import { effectivelyOnce } from "./rules/effectivelyOnce.ts"
import { HistoryIndex } from "./rules/HistoryIndex.ts"
import { keyOrder } from "./rules/keyOrder.ts"
import { LifeLines } from "./rules/LifeLine.ts"
import { noLoss } from "./rules/noLoss.ts"
import { nothingStuck } from "./rules/nothingStuck.ts"
import { notVacuous } from "./rules/notVacuous.ts"
import { oneOwner } from "./rules/oneOwner.ts"
import { outbox } from "./rules/outbox.ts"
import type { Expectations, Finding, Rule, RuleName, RunSummary } from "./rules/Rule.ts"

export type { Expectations, RuleName } from "./rules/Rule.ts"

/** All rules but the last, which looks at what these counted. */
const rules: ReadonlyArray<Rule> = [
  noLoss,
  effectivelyOnce,
  keyOrder,
  oneOwner,
  deadLetters,
  outbox,
  nothingStuck,
  bounded
]

/**
 * Something that must not be.
 *
 * @since 0.1.0
 */
export interface Violation {
  readonly rule: RuleName
  /** The violation in a sentence. */
  readonly sentence: string
  /** The messages that it is about. */
  readonly ids: ReadonlyArray<string>
  /** Their entries in the order of the history, with the faults and takeovers around them, as sentences. */
  readonly lifeLine: ReadonlyArray<string>
}

/**
 * The result of a check.
 *
 * @since 0.1.0
 */
export interface Report {
  readonly ok: boolean
  /** The command that repeats the run, if the history has it. */
  readonly run: History.RunStarted | undefined
  readonly entries: number
  readonly messages: number
  /** How often each fault was injected. */
  readonly faults: Readonly<Record<string, number>>
  /** How often each crash window was hit. */
  readonly windows: Readonly<Record<string, number>>
  /** How many violations each rule found. */
  readonly found: Readonly<Record<RuleName, number>>
  /** How often each rule had something to look at. */
  readonly occurred: Readonly<Record<RuleName, Readonly<Record<string, number>>>>
  /** The first ones of each rule. */
  readonly violations: ReadonlyArray<Violation>
}

/**
 * Checks a history that is in memory. Pure; walks through it once, and once more if there is something to explain.
 *
 * @since 0.1.0
 */
export const check = (history: History.History, expectations: Expectations = {}): Report => {
  const index = new HistoryIndex()
  for (const entry of history) index.add(entry)
  const outcomes = judge(index, expectations)
  const findings = outcomes.flatMap((outcome) => outcome.findings)
  if (findings.length === 0) return reportOf(index, outcomes, [])
  const lives = new LifeLines(findings.map((one) => one.about))
  for (const entry of history) lives.add(entry)
  return reportOf(index, outcomes, explained(findings, lives))
}

/**
 * Checks a history in files, for example one of each process, without holding it in memory. The order of the files does
 * not matter. Within them, the entries of one process stand in order, and so do the ledger's rows.
 *
 * @since 0.1.0
 */
export const checkFiles = Effect.fnUntraced(function*(
  files: ReadonlyArray<string>,
  expectations: Expectations = {},
  options?: History.ReadOptions
): Effect.fn.Return<Report, History.HistoryUnreadable | PlatformError.PlatformError, FileSystem.FileSystem> {
  const index = new HistoryIndex()
  yield* History.forEach(files, (entry) => index.add(entry), options)
  const outcomes = judge(index, expectations)
  const findings = outcomes.flatMap((outcome) => outcome.findings)
  if (findings.length === 0) return reportOf(index, outcomes, [])
  const lives = new LifeLines(findings.map((one) => one.about))
  yield* History.forEach(files, (entry) => lives.add(entry), options)
  return reportOf(index, outcomes, explained(findings, lives))
})

/**
 * Renders a report as plain text. It shows whether the run passed, what occurred, and each violation with its life
 * line.
 *
 * @since 0.1.0
 */
export const render = (report: Report): string => {
  const total = Object.values(report.found).reduce((sum, n) => sum + n, 0)
  const lines = [
    `${report.ok ? "OK" : "VIOLATED"}: ${report.messages} messages, ${report.entries} entries, ${total} violations`,
    ...(report.run === undefined ? [] : [`  repeat: ${report.run.command} (seed ${report.run.seed})`]),
    `  faults: ${counted(report.faults)}`,
    `  crash windows: ${counted(report.windows)}`
  ]
  for (const [rule, occurred] of Object.entries(report.occurred)) {
    const found = report.found[rule as RuleName]
    lines.push(`  ${rule}: ${found === 0 ? "holds" : `${found} violations`} (${counted(occurred)})`)
  }
  for (const violation of report.violations) {
    lines.push("", `[${violation.rule}] ${violation.sentence}`, ...violation.lifeLine.map((line) => `    ${line}`))
  }
  if (total > report.violations.length) lines.push("", `... and ${total - report.violations.length} more violations`)
  return `${lines.join("\n")}\n`
}

const counted = (counts: Readonly<Record<string, number>>): string =>
  Object.entries(counts).map(([what, n]) => `${what} ${n}`).join(", ") || "none"

const judge = (index: HistoryIndex, expectations: Expectations): ReadonlyArray<RunSummary> => {
  index.finish()
  const outcomes = rules.map((rule) => rule(index, expectations))
  return [...outcomes, notVacuous(index, expectations, outcomes)]
}

const explained = (findings: ReadonlyArray<Finding>, lives: LifeLines): ReadonlyArray<Violation> => {
  const lines = lives.lines()
  return findings.map(({ about, rule, sentence }, i) => ({ rule, sentence, ids: about.ids, lifeLine: lines[i] ?? [] }))
}

const reportOf = (
  index: HistoryIndex,
  outcomes: ReadonlyArray<RunSummary>,
  violations: ReadonlyArray<Violation>
): Report => {
  const byRule = <A>(value: (outcome: RunSummary) => A) =>
    Object.fromEntries(outcomes.map((one) => [one.rule, value(one)])) as Readonly<Record<RuleName, A>>
  return {
    ok: outcomes.every((one) => one.total === 0),
    run: index.run,
    entries: index.entries,
    messages: index.messages.size,
    faults: Object.fromEntries(index.faults),
    windows: Object.fromEntries(index.windows),
    found: byRule((one) => one.total),
    occurred: byRule((one) => one.occurred),
    violations
  }
}
