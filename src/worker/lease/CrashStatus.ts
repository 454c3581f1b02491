/**
 * Decides what crashes of processes prove about a message that was in flight there.
 *
 * A crash while other messages ran, too, proves nothing about one of them. Enough such crashes make the message a
 * suspect, and a suspect runs alone. Only a message that ran alone in a process that crashed is `crashed`. So neither a
 * crash loop nor a lower `maxCrashes` makes a dead letter of a message that only was in flight.
 */
import type { Delivery } from "../../Delivery.ts"
import type { Settings } from "../start/Settings.ts"

/**
 * Returns whether a delivery may run beside others (`clear`), must run alone (`suspect`), or is a dead letter
 * (`crashed`).
 */
export const crashStatus = (
  { crashedAlone, crashCount }: Pick<Delivery, "crashedAlone" | "crashCount">,
  { maxCrashes }: Pick<Settings, "maxCrashes">
): "clear" | "suspect" | "crashed" => {
  if (crashCount < maxCrashes - 1) return "clear"
  return crashedAlone && crashCount >= maxCrashes ? "crashed" : "suspect"
}

/**
 * Returns for how many lease durations a suspect may run alone: one, and one more after each further crash, up to
 * eight. So a message that crashes its process late is found, too. A step that only hangs crashes no process, so its
 * message gets no more time.
 */
export const leasesAlone = (
  { crashCount }: Pick<Delivery, "crashCount">,
  { maxCrashes }: Pick<Settings, "maxCrashes">
) => Math.min(crashCount - maxCrashes + 2, mostLeases)

const mostLeases = 8
