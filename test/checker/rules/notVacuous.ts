/**
 * Rule 9, not vacuous: every promised fault and crash window was hit as often as promised, and every named antecedent
 * occurred. Something was committed and delivered again. A run in which nothing went wrong has proved nothing.
 *
 * @since 0.1.0
 */
import type { HistoryIndex } from "./HistoryIndex.ts"
import { type Expectations, Findings, type RunSummary } from "./Rule.ts"

/** Looks at what the other rules counted, and so comes last. */
export const notVacuous = (
  index: HistoryIndex,
  expectations: Expectations,
  others: ReadonlyArray<RunSummary>
): RunSummary => {
  const findings = new Findings("notVacuous", expectations)
  const wanted = (what: string, least: number, got: number) => {
    if (got >= least) return
    findings.add(
      { ids: [] },
      () =>
        `${what}: ${got === 0 ? "it never did" : `it did ${got} times`}. The run shows nothing `
        + `about it; make it longer, or promise less.`
    )
  }
  for (const [fault, least] of Object.entries(expectations.faults ?? {})) {
    wanted(`The run promises that the fault "${fault}" happens ${least} times`, least, index.faults.get(fault) ?? 0)
  }
  for (const [window, least] of Object.entries(expectations.windows ?? {})) {
    wanted(
      `The run promises that the crash window "${window}" is hit ${least} times`,
      least,
      index.windows.get(window) ?? 0
    )
  }
  const occurred = new Map<string, number>()
  for (const one of others) {
    for (const [what, n] of Object.entries(one.occurred)) occurred.set(`${one.rule}: ${what}`, n)
  }
  for (const [what, least] of Object.entries(expectations.occurred ?? {})) {
    wanted(`The run promises that "${what}" occurs ${least} times`, least, occurred.get(what) ?? 0)
  }
  wanted("Something must be committed", 1, index.commits)
  const redelivered = expectations.redelivered ?? 1
  wanted(`At least ${redelivered} messages must be handed over again`, redelivered, index.redelivered)
  return findings.outcome({
    started: index.started,
    retried: index.retried,
    interrupted: index.interrupted,
    redelivered: index.redelivered,
    "operator actions": index.operatorActions
  })
}
