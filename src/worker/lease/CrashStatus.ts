/**
 * What deaths of processes say about a message that was in their hands.
 *
 * Deaths in company prove nothing, however many they are: they make a suspect, which runs alone. Only a message that ran alone in a
 * process that died is `crashed`. A crash loop makes no dead letter of a message that was merely read, nor does a lower `maxCrashes`.
 */
import type { Delivery } from "../../Delivery.ts"
import type { Settings } from "../start/Settings.ts"

/** The verdict on a delivery that was just handed over. */
export const crashStatus = (
  { crashedAlone, crashCount }: Pick<Delivery, "crashedAlone" | "crashCount">,
  { maxCrashes }: Pick<Settings, "maxCrashes">
): "clear" | "suspect" | "crashed" => {
  if (crashCount < maxCrashes - 1) return "clear"
  return crashedAlone && crashCount >= maxCrashes ? "crashed" : "suspect"
}

/**
 * Lease times that a suspect may have its process to itself: one more for each further death. So a message that kills late is found. A step
 * that merely hangs gets no more time by itself, since no process dies of it.
 */
export const leasesAlone = (
  { crashCount }: Pick<Delivery, "crashCount">,
  { maxCrashes }: Pick<Settings, "maxCrashes">
) => Math.min(crashCount - maxCrashes + 2, mostLeases)

const mostLeases = 8
