/**
 * Decides the next move of a redrive run from its counts alone. It redrives some more, waits, begins the next stage,
 * asks an operator, stops, or finishes.
 *
 * A stage ends when each of its messages is committed or dead again. So the second stage begins only after the outcome
 * of the first one is known.
 *
 * @since 0.1.0
 */

/** The outcome of a message that a run has redriven. `committed` and `duplicate` are successes. */
export interface RunOutcome {
  readonly outcome: "committed" | "failed" | "duplicate"
  /** The failure group of a message that failed again, or an empty text. */
  readonly fingerprint: string
  /** Whether the stop rule sees it. Outcomes from before an operator continued the run are only counted. */
  readonly judged: boolean
}

export interface RunProgress {
  /** The present stage, from 0. */
  readonly stage: number
  readonly inStage: number
  readonly stageFailed: number
  /** Whether nothing of the set is left. */
  readonly exhausted: boolean
  readonly redriven: number
  readonly committed: number
  readonly failed: number
  readonly duplicate: number
  /** The last outcomes, oldest first: the failure group, or an empty text for a success. */
  readonly recent: ReadonlyArray<string>
}

export interface RunRules {
  /** Dead letters a second. */
  readonly rate: number
  /** The sizes of the first stages. One more stage, with the rest, follows them. */
  readonly stages: ReadonlyArray<number>
  /** Whether the run waits for an operator after its first stage. */
  readonly asks: boolean
  /** So many failures in a row with one failure group stop the run. */
  readonly inARow: number
  /** So many failures with one failure group among the last 20 outcomes stop the run. */
  readonly ofRecent: number
}

/** The reason for which a run stopped itself, with the failure group, if one is known. */
export interface RunStop {
  readonly by: "inARow" | "ofRecent" | "stage" | "copied"
  readonly fingerprint: string
}

/** How many outcomes the stop rule looks back at. */
export const lookBack = 20

/**
 * Counts outcomes, in order. Returns the new progress, and the first reason to stop, if there is one. All outcomes are
 * counted, even behind that reason.
 */
export const counted = (
  progress: RunProgress,
  outcomes: ReadonlyArray<RunOutcome>,
  { inARow, ofRecent }: Pick<RunRules, "inARow" | "ofRecent">
): { readonly progress: RunProgress; readonly stop: RunStop | undefined } => {
  let stop: RunStop | undefined
  let { committed, duplicate, failed, recent, stageFailed } = progress
  for (const { fingerprint, judged, outcome } of outcomes) {
    if (outcome === "committed") committed++
    if (outcome === "duplicate") duplicate++
    if (outcome === "failed") {
      failed++
      stageFailed++
    }
    if (!judged) continue
    recent = [...recent, fingerprint].slice(-lookBack)
    if (outcome !== "failed" || stop !== undefined) continue
    const row = recent.slice(-inARow)
    if (row.length === inARow && row.every((one) => one === fingerprint)) stop = { by: "inARow", fingerprint }
    else if (recent.filter((one) => one === fingerprint).length >= ofRecent) stop = { by: "ofRecent", fingerprint }
  }
  return { progress: { ...progress, committed, duplicate, failed, recent, stageFailed }, stop }
}

/** Returns the number of messages that the run has redriven and whose outcome is not known. */
export const inFlight = ({ committed, duplicate, failed, redriven }: RunProgress): number =>
  redriven - committed - duplicate - failed

/**
 * Returns how many of its messages a run lets wait in the queue: those of 5 seconds, and 20 at least. So a run leaves
 * room for other messages, and a broken downstream gets no more than these before its first outcome.
 */
export const mostInFlight = (rate: number): number => Math.max(20, Math.ceil(rate * 5))

/** The most dead letters of one transaction, which locks their rows. */
const mostOfOne = 100

export type RunMove =
  | { readonly _tag: "Redrive"; readonly most: number }
  /** Nothing can be done before another outcome is known. */
  | { readonly _tag: "Wait" }
  /** The first stage is over, and an operator continues the run or ends it. */
  | { readonly _tag: "Ask" }
  | { readonly _tag: "Stop"; readonly stop: RunStop }
  | { readonly _tag: "Finish" }

/** Returns the next move, and the progress with the stage that it belongs to. */
export const next = (
  progress: RunProgress,
  rules: RunRules
): { readonly progress: RunProgress; readonly move: RunMove } => {
  const { exhausted, inStage, stage, stageFailed } = progress
  const waiting = inFlight(progress)
  const left = (rules.stages[stage] ?? Infinity) - inStage
  if (exhausted || left <= 0) {
    if (waiting > 0) return { progress, move: { _tag: "Wait" } }
    if (exhausted) return { progress, move: { _tag: "Finish" } }
    if (stageFailed >= inStage) {
      return { progress, move: { _tag: "Stop", stop: { by: "stage", fingerprint: progress.recent.at(-1) ?? "" } } }
    }
    const begun = { ...progress, stage: stage + 1, inStage: 0, stageFailed: 0 }
    return rules.asks && stage === 0 ? { progress: begun, move: { _tag: "Ask" } } : next(begun, rules)
  }
  const most = Math.min(mostOfOne, left, mostInFlight(rules.rate) - waiting, Math.max(1, Math.floor(rules.rate / 5)))
  return { progress, move: most <= 0 ? { _tag: "Wait" } : { _tag: "Redrive", most } }
}
