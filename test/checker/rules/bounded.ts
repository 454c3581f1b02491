/**
 * Rule 8, bounded: samples (in flight, memory, waiting, ...), concurrent handlers in a process, and attempts never
 * exceeded their settings.
 *
 * @since 0.1.0
 */
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const bounded: Rule = (index, expectations) => {
  const findings = new Findings("bounded", expectations)
  const highest: Record<string, number> = {}
  for (const { limit, process, quantity, value } of index.samples) {
    highest[quantity] = (highest[quantity] ?? 0) + 1
    if (value <= limit) continue
    findings.add({ ids: [], process }, () => `${process} had ${quantity} at ${value}, above its setting of ${limit}.`)
  }
  const attempts = attemptLimit(index)
  for (const process of index.processes.values()) {
    const limit = process.limitInFlight
    if (limit === undefined || process.peak <= limit) continue
    findings.add(
      { ids: [process.peakId], process: process.process },
      () =>
        `${process.process} ran ${process.peak} handlers at once, above its setting of ${limit}; the last of them began with `
        + `message ${process.peakId}.`
    )
  }
  if (attempts !== undefined) {
    for (const life of index.triedAgain) {
      if (life.highestAttempt <= attempts) continue
      findings.add(
        { consumer: life.consumer, ids: [life.message.id] },
        () =>
          `Message ${life.message.id} was tried ${life.highestAttempt} times, above the setting of ${attempts} attempts.`
      )
    }
  }
  return findings.outcome({
    ...Object.fromEntries(Object.entries(highest).map(([quantity, n]) => [`samples of ${quantity}`, n])),
    "processes with a limit": [...index.processes.values()].filter((one) => one.limitInFlight !== undefined).length
  })
}

/** Processes of one run are given the same number of attempts; the most generous one counts. */
const attemptLimit = (index: HistoryIndex): number | undefined => {
  const limits = [...index.processes.values()].map((one) => one.limitAttempts).filter((limit) => limit !== undefined)
  return limits.length === 0 ? undefined : Math.max(...limits)
}
