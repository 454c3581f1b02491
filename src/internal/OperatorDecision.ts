/**
 * The kinds of decision about a dead letter: which dead letters each is about, and what they become. What it does beside the dead letter is the
 * store's.
 */
import type { Action } from "../Audit.ts"
import type { DeadLetter, State } from "../DeadLetter.ts"
import { DeadLetterConflict } from "../Errors.ts"

export interface OperatorDecision {
  readonly action: Action
  /** The state in which a dead letter must be, and the next one. */
  readonly from: State
  readonly next: State
  /** Only of a dead letter whose key is parked. */
  readonly parked: boolean
}

const kind = (action: Action, from: State, next: State, parked = false): OperatorDecision => ({
  action,
  from,
  next,
  parked
})

export const redriven = kind("redriven", "open", "redriving")
/** Redriven with another payload. */
export const edited = kind("edited", "open", "redriving")
export const discarded = kind("discarded", "open", "discarded")
export const restored = kind("restored", "discarded", "open")
export const released = kind("released", "open", "open", true)

/** What speaks against a decision: somebody decided before. */
export const conflict = (
  decision: OperatorDecision,
  { changedAt: at, changedBy: by, id: deadLetterId, parked, state }: Pick<
    DeadLetter,
    "changedAt" | "changedBy" | "id" | "parked" | "state"
  >
): DeadLetterConflict | undefined => {
  const released = decision.parked && !parked
  if (state === decision.from && !released) return undefined
  return new DeadLetterConflict({
    deadLetterId,
    asked: decision.action === "edited" ? "redriven" : decision.action,
    state: released && state === decision.from ? "not parked" : state,
    by,
    at
  })
}
