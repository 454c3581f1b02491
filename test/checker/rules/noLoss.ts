/**
 * Rule 1, no loss: a published message is committed, a dead letter, or still waiting, for every consumer of its topic.
 * That holds for acknowledged publishes, and for those of unknown outcome that were found. A publish that surely failed
 * is found nowhere.
 *
 * Losses with a server are counted apart. They are accepted if nothing said that the message was safe from a crash, and
 * then it stays lost. Everything that a server held when it came up must be there at the end, and so must the effects
 * that it held.
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
  const occurred = {
    acknowledged: 0,
    "unknown and found": 0,
    "unknown and not found": 0,
    failed: 0,
    ...withServers(index, expectations.losesServers === true, findings)
  }
  for (const message of index.messages.values()) {
    const about = { ids: [message.id] }
    if (message.tries === 0) {
      fromNowhere(index, message, findings)
      continue
    }
    const gone = index.servers.lost.get(message)
    if (gone?.tries === message.tries) {
      stayedLost(message, gone.server, findings)
      continue
    }
    const consumers = index.subscriptions.get(message.topic) ?? unrouted
    const missing = consumers.filter((consumer) => message.find(consumer)?.found !== true)
    if (message.acknowledged > 0 || (message.told && message.failed === 0)) {
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

/** Separates losses with a server from losses after it. Returns how often each of them happened. */
const withServers = (index: HistoryIndex, allowed: boolean, findings: Findings): Readonly<Record<string, number>> => {
  const { broken, effectsLost, messagesLost, returned, seen } = index.servers
  if (!allowed && messagesLost + effectsLost > 0) {
    findings.add(
      { ids: [] },
      () =>
        `${messagesLost} messages and ${effectsLost} effects were lost with a server, but this run is not one that loses servers.`
    )
  }
  for (const { effect, message, server } of broken) {
    findings.add(
      { consumer: effect?.consumer, ids: [message.id] },
      () =>
        `${
          effect === undefined ? "Message" : "The effect of message"
        } ${message.id} was safe from a crash, on the disk or on the `
        + `replica, but server ${server} did not have it when it came up: it had gone before, or the crash took what was safe.`
    )
  }
  for (const { commit, consumer, message } of seen) {
    if (commit !== undefined) continue
    findings.add(
      { consumer, ids: [message.id] },
      () =>
        `The effect of message ${message.id} was in the ledger of server ${message.server} for consumer "${consumer}", and is not `
        + `there at the end.`
    )
  }
  if (returned === 0) return {}
  return {
    "servers lost": returned,
    "messages lost with a server": messagesLost,
    "effects lost with a server": effectsLost
  }
}

/** A message that no server has any more, and that was not published again, is never seen again. */
const stayedLost = (message: MessageFacts, server: number, findings: Findings): void => {
  const life = message.lives.find((one) => one.found)
  if (life === undefined) return
  findings.add(
    { consumer: life.consumer, ids: [message.id] },
    () =>
      `Message ${message.id} was lost with the server before server ${server}, and consumer "${life.consumer}" handled it all the `
      + `same: what one server handed out must not be committed by another.`
  )
}

const lost = (message: MessageFacts, consumer: string, life: Life | undefined): string =>
  `Message ${message.id} (key ${message.key.key}, position ${message.position}) is lost for consumer "${consumer}": its `
  + `publish was acknowledged, but at the end it is neither in the ledger, nor a dead letter, nor waiting`
  + `${
    life?.deadLetter?.state === "resolved"
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
      `Message ${message.id} is in the database of consumer "${life.consumer}", but no publisher sent it and no committed `
      + `effect sent it.`
  )
}
