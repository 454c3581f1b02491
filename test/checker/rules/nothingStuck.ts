/**
 * Rule 7, nothing stuck: once the faults have stopped, everything reaches a final state within a bound. A message that
 * waits at the end waits for an operator, for a time that is far off, or for a first consumer.
 *
 * The bound is measured by the clock of the one process that waited.
 *
 * @since 0.1.0
 */
import type { Life } from "./Facts.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const nothingStuck: Rule = (index, expectations) => {
  const findings = new Findings("nothingStuck", expectations)
  const occurred = { settled: index.settled.length, waiting: 0, "waiting by right": 0, "processes ended well": 0 }
  if (expectations.settles === false) return findings.outcome(occurred)
  if (index.faultsStopped === 0 || index.settled.length === 0) {
    findings.add(
      { ids: [] },
      () =>
        `The history does not say that the faults stopped and that the run then settled (FaultsStopped, Settled): it does not show `
        + `whether something is stuck.`
    )
  }
  for (const { boundMillis, millis } of index.settled) {
    if (millis <= boundMillis) continue
    findings.add(
      { ids: [] },
      () =>
        `After the faults had stopped, it took ${millis} ms until nothing moved any more; the bound is ${boundMillis} ms.`
    )
  }
  for (const life of index.waiting) {
    occurred.waiting++
    if (byRight(life)) occurred["waiting by right"]++
    else findings.add({ consumer: life.consumer, ids: [life.message.id] }, () => stuck(life))
  }
  for (const life of index.deadLetters) if (life.waiting === undefined) redriving(life, findings)
  occurred["processes ended well"] = unfinished(index, findings)
  return findings.outcome(occurred)
}

const byRight = (life: Life): boolean => {
  const state = life.waiting?.state
  if (state === "due" || state === "unrouted") return true
  if (state !== "parked") return false
  const { message } = life
  const queue = message.key.at(life.consumer)
  // Behind a dead letter waits what comes after it, and what is only here once more.
  const mayFollow = (deadLetter: Life) =>
    deadLetter.message.position <= message.position || life.commit !== undefined || !message.firm
  return queue.parkedByOperator || queue.parked.some((one) => one.deadLetter?.state === "open" && mayFollow(one))
}

const stuck = (life: Life): string =>
  `Message ${life.message.id} of key ${life.message.key.key} is stuck: it still waits (${life.waiting?.state}) for consumer `
  + `"${life.consumer}"${
    life.waiting?.state === "parked"
      ? ", but no open dead letter before it parks its key and no operator does"
      : " although the run had settled"
  }; ${life.starts === 0 ? "no handler ever started with it" : `${life.starts} handlers had started with it`}.`

const redriving = (life: Life, findings: Findings): void => {
  if (life.deadLetter?.state !== "redriving") return
  findings.add(
    { consumer: life.consumer, ids: [life.message.id] },
    () =>
      `The dead letter of message ${life.message.id} is \`redriving\` at the end, and its message waits nowhere: the redrive `
      + `never ended.`
  )
}

/** A process that ended by itself has ended its handlers. Returns how many did. */
const unfinished = (index: HistoryIndex, findings: Findings): number => {
  let ended = 0
  for (const process of index.processes.values()) {
    if (process.ended?.code !== 0) continue
    ended++
    for (const [consumer, keys] of process.running) {
      for (const running of keys.values()) {
        for (const { start } of running) {
          findings.add(
            { consumer, ids: [start.id], process: process.process },
            () =>
              `${process.process} ended with code 0, but its handler of message ${start.id} (attempt ${start.attempt}) neither `
              + `ended nor was interrupted.`
          )
        }
      }
    }
  }
  return ended
}
