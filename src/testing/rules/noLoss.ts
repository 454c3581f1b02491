/**
 * Rule 1, no loss: what was published (acknowledged, or of unknown outcome and found) is committed, a dead letter, or still
 * waiting, for every consumer of its topic; what surely failed to be published is nowhere.
 *
 * @since 0.1.0
 */
import type { Life, MessageFacts } from "./Facts.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

/** Where a message must be found: a topic without consumers keeps its messages unrouted, under an empty name. */
const unrouted: ReadonlyArray<string> = [""]

export const noLoss: Rule = (index, expectations) => {
  const findings = new Findings("noLoss", expectations)
  const occurred = { acknowledged: 0, "unknown and found": 0, "unknown and not found": 0, failed: 0 }
  for (const message of index.messages.values()) {
    const about = { ids: [message.id] }
    if (message.tries === 0) {
      fromNowhere(index, message, findings)
      continue
    }
    const consumers = index.subscriptions.get(message.topic) ?? unrouted
    const missing = consumers.filter((consumer) => message.find(consumer)?.found !== true)
    if (message.acknowledged > 0) {
      occurred.acknowledged++
      for (const consumer of missing) {
        findings.add({ consumer, ...about }, () => lost(message, consumer, message.find(consumer)))
      }
    } else if (message.failed === message.tries) {
      occurred.failed++
      if (missing.length < consumers.length) {
        findings.add(
          about,
          () =>
            `Message ${message.id} was found in the database although every attempt to publish it had failed: its `
            + `publisher's transaction rolled back, or it was cancelled in time, and it must never be seen.`
        )
      }
    } else if (missing.length === consumers.length) occurred["unknown and not found"]++
    else {
      occurred["unknown and found"]++
      if (missing.length > 0) {
        findings.add(
          about,
          () =>
            `Message ${message.id}, published with an unknown outcome, reached some consumers of "${message.topic}" but not `
            + `${missing.join(", ")}: one publish is stored for all of them or for none.`
        )
      }
    }
  }
  return findings.outcome(occurred)
}

const lost = (message: MessageFacts, consumer: string, life: Life | undefined): string =>
  `Message ${message.id} (key ${message.key.key}, position ${message.position}) is lost for consumer "${consumer}": its `
  + `publish was acknowledged, but at the end it is neither in the ledger, nor a dead letter, nor waiting`
  + `${
    life?.letter?.state === "resolved"
      ? "; its dead letter says `resolved`, though nothing was committed"
      : (life?.starts ?? 0) > 0
      ? "; a handler did start with it"
      : "; no handler ever started with it"
  }.`

const fromNowhere = (index: HistoryIndex, message: MessageFacts, findings: Findings): void => {
  const life = message.lives.find((one) => one.found)
  if (life === undefined || index.emitted.has(message.id)) return
  findings.add(
    { consumer: life.consumer, ids: [message.id] },
    () =>
      `Message ${message.id} is in the database of consumer "${life.consumer}", but nobody published it and no committed `
      + `effect sent it.`
  )
}
