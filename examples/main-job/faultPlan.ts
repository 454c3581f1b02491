/**
 * The weather: what goes wrong with a delivery, decided by the seed alone. Most arrive under a clear sky. The sender, the
 * simulated downstream service and the reconciliation all look at this page, and nowhere else.
 */
import { roll } from "./dice.ts"

export type Weather =
  /** Nothing goes wrong. */
  | { readonly _tag: "Clear" }
  /** The downstream service is unavailable for the first attempts: a short wait, then it works. */
  | { readonly _tag: "Shower"; readonly failures: 1 | 2 }
  /** The downstream service asks to be left alone for a while: the key is put on hold, nobody else waits. */
  | { readonly _tag: "Throttled" }
  /** The payload is not what the topic's Schema says: a dead letter `undecodable`. */
  | { readonly _tag: "Malformed" }
  /** The downstream service refuses it for good: a dead letter `rejected`. */
  | { readonly _tag: "Refused" }
  /** The downstream service fails in every attempt: a dead letter `exhausted`. */
  | { readonly _tag: "Hopeless" }

/** What becomes of a delivery in the end: applied, or a dead letter of this reason. */
export type Outcome = "applied" | "undecodable" | "rejected" | "exhausted"

export const of = (seed: number, delivery: string): Weather => {
  const sky = roll(seed, "weather", delivery)
  if (sky < 0.005) return { _tag: "Malformed" }
  if (sky < 0.010) return { _tag: "Refused" }
  if (sky < 0.013) return { _tag: "Hopeless" }
  if (sky < 0.023) return { _tag: "Throttled" }
  if (sky < 0.083) return { _tag: "Shower", failures: roll(seed, "shower", delivery) < 0.7 ? 1 : 2 }
  return { _tag: "Clear" }
}

export const outcome = (weather: Weather): Outcome => {
  switch (weather._tag) {
    case "Malformed":
      return "undecodable"
    case "Refused":
      return "rejected"
    case "Hopeless":
      return "exhausted"
    default:
      return "applied"
  }
}

/** How a delivery is sent again: not at all, at the same moment by a second sender, or some time later. */
export type Redelivery = "never" | "atOnce" | "later"

/** One in ten is sent twice, as GitHub does when an answer came late or somebody pressed "Redeliver". */
export const redelivery = (seed: number, delivery: string): Redelivery => {
  const sky = roll(seed, "redelivery", delivery)
  return sky < 0.02 ? "atOnce" : sky < 0.1 ? "later" : "never"
}
