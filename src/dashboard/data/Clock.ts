/** The present time on the store's clock, as a signal that moves once a second. */
import { signal } from "@preact/signals"

/** How much the store's clock is ahead of this browser's, in milliseconds. */
let ahead = 0

export const now = signal(Date.now())

/** Learns the store's clock from an answer of the server. */
export const synchronise = (asOf: number): void => {
  if (Number.isFinite(asOf)) ahead = asOf - Date.now()
}

const tick = (): void => {
  if (!document.hidden) now.value = Date.now() + ahead
}

setInterval(tick, 1_000)
document.addEventListener("visibilitychange", tick)
