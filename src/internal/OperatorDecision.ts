/**
 * The kinds of decision about a dead letter, each with the required state and the next state. The stores share these
 * rules, and each store writes the change itself.
 */
import type { Action } from "../Audit.ts"
import type { DeadLetter, State } from "../DeadLetter.ts"
import { DeadLetterConflict } from "../Errors.ts"

export interface OperatorDecision {
  readonly action: Action
  /** The required state of the dead letter, and its next state. */
  readonly from: State
  readonly next: State
  /** Whether the decision is refused unless the dead letter parks its key. */
  readonly parked: boolean
}

const kind = (action: Action, from: State, next: State, parked = false): OperatorDecision => ({
  action,
  from,
  next,
  parked
})

export const redriven = kind("redriven", "open", "redriving")
/** A redrive with another payload. */
export const edited = kind("edited", "open", "redriving")
export const discarded = kind("discarded", "open", "discarded")
export const restored = kind("restored", "discarded", "open")
export const released = kind("released", "open", "open", true)

/** Returns the conflict if the state of the dead letter does not allow the decision. Otherwise returns undefined. */
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
