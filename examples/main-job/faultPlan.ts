/**
 * The fault of each delivery. It follows from the seed alone, and most deliveries have none.
 *
 * The sender, the simulated downstream service and the reconciliation all read it here.
 */
import { roll } from "./seeded.ts"

export type Fault =
  /** Nothing goes wrong. */
  | { readonly _tag: "None" }
  /** The downstream service is unavailable for the first attempts. */
  | { readonly _tag: "Unavailable"; readonly failures: 1 | 2 }
  /** The downstream service asks for a pause, so the key is held. Other keys do not wait. */
  | { readonly _tag: "Throttled" }
  /** The payload does not match the topic's Schema: a dead letter `undecodable`. */
  | { readonly _tag: "Malformed" }
  /** The downstream service refuses it permanently: a dead letter `rejected`. */
  | { readonly _tag: "Refused" }
  /** The downstream service fails in every attempt: a dead letter `exhausted`. */
  | { readonly _tag: "AlwaysFails" }

/** The expected outcome of a delivery: applied, or a dead letter of this reason. */
export type Outcome = "applied" | "undecodable" | "rejected" | "exhausted"

export const of = (seed: number, delivery: string): Fault => {
  const number = roll(seed, "fault", delivery)
  if (number < 0.005) return { _tag: "Malformed" }
  if (number < 0.010) return { _tag: "Refused" }
  if (number < 0.013) return { _tag: "AlwaysFails" }
  if (number < 0.023) return { _tag: "Throttled" }
  if (number < 0.083) return { _tag: "Unavailable", failures: roll(seed, "unavailable", delivery) < 0.7 ? 1 : 2 }
  return { _tag: "None" }
}

export const outcome = (fault: Fault): Outcome => {
  switch (fault._tag) {
    case "Malformed":
      return "undecodable"
    case "Refused":
      return "rejected"
    case "AlwaysFails":
      return "exhausted"
    default:
      return "applied"
  }
}

/** When a delivery is sent again: never, at the same moment by a second transaction, or later. */
export type Redelivery = "never" | "atOnce" | "later"

/** One delivery in ten is sent twice, as GitHub does after a late answer or a click on "Redeliver". */
export const redelivery = (seed: number, delivery: string): Redelivery => {
  const number = roll(seed, "redelivery", delivery)
  return number < 0.02 ? "atOnce" : number < 0.1 ? "later" : "never"
}
