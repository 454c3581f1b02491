/**
 * The texts of redrive runs: a table of them, one in detail, and how it stands in one line.
 */
import { show } from "../../ops/Fact.ts"
import type { RedriveRun } from "../../ops/RedriveRun.ts"
import * as Output from "../output/Output.ts"
import type { Cell } from "../output/Table.ts"
import * as Times from "../output/Times.ts"
import * as Options from "./Options.ts"
import * as Rows from "./Rows.ts"

/** Returns the stages of a run: `1, 10, rest`. */
export const stagesOf = (stages: ReadonlyArray<number>): string => [...stages, "rest"].join(", ")

/** Returns the stop rule of a run. */
export const stopRuleOf = ({ inARow, ofLast20 }: RedriveRun["stopRule"]): string =>
  `${inARow} in a row, or ${ofLast20} of the last 20, that fail again`

const colors = {
  running: "green",
  waiting: "yellow",
  paused: "yellow",
  stopped: "red",
  cancelled: "dim",
  finished: "plain"
} as const

const stateCell = ({ state }: RedriveRun): Cell => Output.styled(colors[state], state)

/** Returns the table of runs. */
export const table = (runs: ReadonlyArray<RedriveRun>, now: number): ReadonlyArray<Output.OutputLine> =>
  Output.table(runs, [
    { title: "RUN", numeric: true, of: ({ id }) => Options.numberOf(id) },
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    { title: "STATE", of: stateCell },
    { title: "OF", numeric: true, of: ({ deadLetters }) => show(deadLetters) },
    { title: "REDRIVEN", numeric: true, of: ({ redriven }) => String(redriven) },
    { title: "COMMITTED", numeric: true, of: ({ committed }) => String(committed) },
    { title: "DUPLICATE", numeric: true, of: ({ duplicate }) => String(duplicate) },
    { title: "AGAIN DEAD", numeric: true, of: ({ failedAgain }) => String(failedAgain) },
    { title: "WAITING", numeric: true, of: ({ waiting }) => String(waiting) },
    { title: "UNTOUCHED", numeric: true, of: ({ untouched }) => Rows.countCell(untouched) },
    { title: "STARTED", numeric: true, of: ({ startedAt }) => Times.ago(startedAt, now) },
    { title: "BY", of: ({ startedBy }) => startedBy },
    { title: "NOTE", of: ({ note }) => note }
  ], "There is no redrive run.")

const stands = ({ changedBy, stage, stages, state, stopped }: RedriveRun): string => {
  switch (state) {
    case "running":
      return `running, stage ${stage} of ${stages.length + 1}`
    case "waiting":
      return "waiting for an operator after its first stage"
    case "stopped":
      // The sentence of the reason ends with a full stop, and stands within others here.
      return `stopped itself: ${stopped?.sentence.replace(/\.$/, "") ?? ""}`
    case "finished":
      return "finished"
    case "paused":
    case "cancelled":
      return changedBy === "" ? state : `${state} by ${changedBy}`
  }
}

/** Returns what became of a run's messages. */
const outcomes = ({ committed, duplicate, failedAgain, waiting }: RedriveRun): string =>
  [
    `committed ${committed}`,
    ...(duplicate === 0 ? [] : [`committed before ${duplicate}`]),
    `again dead ${failedAgain}`,
    `waiting ${waiting}`
  ].join(", ")

/** Returns how a run stands, beside its progress. */
export const beside = (run: RedriveRun): string => `${outcomes(run)}; ${stands(run)}`

/** Returns what became of a run, in one line. */
export const summary = (run: RedriveRun): string =>
  `run ${Options.numberOf(run.id)} of ${run.consumer} ${stands(run)}. Redriven ${run.redriven} of ${
    show(run.deadLetters)
  }: ${outcomes(run)}. Untouched ${show(run.untouched)}.`

const filterOf = (filter: RedriveRun["filter"]): string =>
  Object.entries(filter).filter(([name, value]) => value !== undefined && name !== "state")
    .map(([name, value]) => `${name}=${String(value)}`).join(" ")

/** Returns the lines of one run. */
export const detail = (run: RedriveRun, now: number): ReadonlyArray<Output.OutputLine> =>
  Output.pairs([
    ["run", Options.numberOf(run.id)],
    ["consumer", run.consumer],
    ["state", Output.styled(colors[run.state], stands(run))],
    ["set", `${show(run.deadLetters)}, up to ${Options.shortId(run.upTo)}: ${filterOf(run.filter)}`],
    ["redriven", String(run.redriven)],
    ["committed", String(run.committed)],
    ["committed before", String(run.duplicate)],
    ["again dead", Output.styled(run.failedAgain === 0 ? "plain" : "red", String(run.failedAgain))],
    ["waiting", String(run.waiting)],
    ["untouched", show(run.untouched)],
    ["rate", `${Rows.rate(run.rate)}/s${run.leftMillis === undefined ? "" : `, ${Times.short(run.leftMillis)} left`}`],
    ["stages", stagesOf(run.stages)],
    ["stops itself", stopRuleOf(run.stopRule)],
    ["started", `${Times.ago(run.startedAt, now)} by ${run.startedBy}${run.note === "" ? "" : `: ${run.note}`}`],
    ["changed", `${Times.ago(run.changedAt, now)}${run.changedBy === "" ? "" : ` by ${run.changedBy}`}`]
  ])
