/**
 * Decides what crashes of processes prove about a message that was in flight there.
 *
 * Crashes while other messages ran prove nothing, however many they are. They make a suspect, which runs alone. Only a
 * message that ran alone in a process that crashed is `crashed`. A crash loop makes no dead letter of a message that
 * was merely read, nor does a lower `maxCrashes`.
 */
import type { Delivery } from "../../Delivery.ts"
import type { Settings } from "../start/Settings.ts"

/** Decides about a delivery that was just handed over. */
export const crashStatus = (
  { crashedAlone, crashCount }: Pick<Delivery, "crashedAlone" | "crashCount">,
  { maxCrashes }: Pick<Settings, "maxCrashes">
): "clear" | "suspect" | "crashed" => {
  if (crashCount < maxCrashes - 1) return "clear"
  return crashedAlone && crashCount >= maxCrashes ? "crashed" : "suspect"
}

/**
 * Lease times that a suspect may have its process to itself: one more for each further death. So a message that kills
 * late is found. A step that merely hangs gets no more time by itself, since no process dies of it.
 */
export const leasesAlone = (
  { crashCount }: Pick<Delivery, "crashCount">,
  { maxCrashes }: Pick<Settings, "maxCrashes">
) => Math.min(crashCount - maxCrashes + 2, mostLeases)

const mostLeases = 8
