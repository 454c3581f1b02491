/**
 * Rule 5, dead letters: they are exactly the planted failures, for the planted reason, each with a full history of
 * attempts. A dead letter and a commit exclude each other. A parked key has no later commit.
 *
 * @since 0.1.0
 */
import type { Committed, DeadLettered, Poison } from "../History.ts"
import type { Life, QueueKey } from "./Facts.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const deadLetters: Rule = (index, expectations) => {
  const findings = new Findings("deadLetters", expectations)
  const occurred = { deadLetters: 0, planted: 0, redriven: 0, "parked keys": 0, "commits of parked keys": 0 }
  for (const life of index.deadLetters) {
    const { conflict, deadLetter, message } = life
    if (deadLetter !== undefined) {
      occurred.deadLetters++
      if (deadLetter.redriven > 0) occurred.redriven++
      judge(life, deadLetter, message.poison, findings)
      exclusive(life, deadLetter, findings)
    }
    if (conflict !== undefined) {
      occurred.deadLetters++
      judge(life, conflict, message.conflict, findings)
    }
  }
  for (const message of index.poisoned) {
    for (const life of message.lives) {
      if (life.consumer === "" || (message.acknowledged === 0 && !life.found)) continue
      occurred.planted++
      missing(life, findings)
    }
  }
  for (const queue of index.queues) {
    // Without order a dead letter keeps no message of its key back.
    if (expectations.unordered?.includes(queue.consumer)) continue
    for (const life of queue.parked) {
      occurred["parked keys"]++
      occurred["commits of parked keys"] += parked(index, queue, life, findings)
    }
  }
  return findings.outcome(occurred)
}

/** A dead letter is of planted poison, says its reason, and shows every attempt. */
const judge = (life: Life, deadLetter: DeadLettered, poison: Poison | undefined, findings: Findings): void => {
  const about = { consumer: life.consumer, ids: [deadLetter.id] }
  const tried = deadLetter.attempts.map((one) => one.attempt)
  if (poison === undefined) {
    return findings.add(
      about,
      () =>
        `Message ${deadLetter.id} became a dead letter (${deadLetter.reason}: ${
          tags(deadLetter)
        }), but no poison was planted in it. `
        + `Only a message with poison may become a dead letter.`
    )
  }
  const reason = poison.reason === "conflict" ? "rejected" : poison.reason
  if (reason !== deadLetter.reason) {
    findings.add(
      about,
      () =>
        `Message ${deadLetter.id} became a dead letter as \`${deadLetter.reason}\` (${
          tags(deadLetter)
        }), but what was planted in it must `
        + `end as \`${reason}\`.`
    )
  }
  const rounds = roundsOf(tried)
  // Every redrive ended in another death, except one that still runs or ended in a commit.
  const deaths = deadLetter.redriven + (deadLetter.state === "open" || deadLetter.state === "discarded" ? 1 : 0)
  if (rounds?.length !== deaths) {
    return findings.add(
      about,
      () =>
        `The dead letter of message ${deadLetter.id} (${deadLetter.state}, redriven ${deadLetter.redriven} times) shows the attempts `
        + `[${
          tried.join(", ")
        }]: it died ${deaths} times, and each time its attempts must be there from 1 on without a gap.`
    )
  }
  const each = poison.attempts
  if (each !== undefined && rounds.some((length) => length !== each)) {
    findings.add(
      about,
      () =>
        `The dead letter of message ${deadLetter.id} shows the attempts [${
          tried.join(", ")
        }], but every round must have `
        + `${each}: part of its history is missing, or it was tried too often.`
    )
  }
}

const tags = (deadLetter: DeadLettered): string =>
  [...new Set(deadLetter.attempts.map((one) => one.tag))].join(", ") || "no error"

/** Lengths of the rounds of attempts, each counted from 1; undefined if a number is missing. */
const roundsOf = (attempts: ReadonlyArray<number>): ReadonlyArray<number> | undefined => {
  const rounds: Array<number> = []
  let before = 0
  for (const attempt of attempts) {
    if (attempt !== 1 && attempt !== before + 1) return undefined
    if (attempt === 1) rounds.push(1)
    else rounds[rounds.length - 1]!++
    before = attempt
  }
  return rounds
}

/** Death and commit exclude each other, and a dead letter says which of them it was. */
const exclusive = (life: Life, deadLetter: DeadLettered, findings: Findings): void => {
  const about = { consumer: life.consumer, ids: [deadLetter.id] }
  if (life.commit !== undefined && deadLetter.state !== "resolved") {
    findings.add(
      about,
      () =>
        `Message ${deadLetter.id} is committed, and has a dead letter that is \`${deadLetter.state}\`: only the commit of a redrive `
        + `may stand beside a dead letter, and it resolves it.`
    )
  }
  if (life.commit === undefined && deadLetter.state === "resolved") {
    findings.add(
      about,
      () => `The dead letter of message ${deadLetter.id} is \`resolved\`, but its effect is not in the ledger.`
    )
  }
  if (deadLetter.state === "resolved" && deadLetter.redriven === 0) {
    findings.add(about, () => `The dead letter of message ${deadLetter.id} is \`resolved\`, but it was never redriven.`)
  }
}

/** Planted poison has become a dead letter, unless it waits behind another one. */
const missing = (life: Life, findings: Findings): void => {
  const { message } = life
  const about = { consumer: life.consumer, ids: [message.id] }
  if (message.conflict !== undefined && life.conflict === undefined && life.waiting === undefined) {
    findings.add(
      about,
      () =>
        `Message ${message.id} was published a second time with another payload, but that one became no dead letter: it was `
        + `dropped in silence.`
    )
  }
  if (message.poison === undefined || life.deadLetter !== undefined || life.waiting !== undefined) return
  findings.add(
    about,
    () =>
      `The poison planted in message ${message.id} (${message.poison?.reason}) became no dead letter for consumer `
      + `"${life.consumer}": ${life.commit === undefined ? "it is nowhere" : `${life.commit.worker} committed it`}.`
  )
}

/** Commits of a key while the dead letter at its head waits for an operator. */
const parked = (index: HistoryIndex, queue: QueueKey, life: Life, findings: Findings): number => {
  const deadLetter = life.deadLetter
  if (deadLetter === undefined || (deadLetter.state !== "open" && deadLetter.state !== "redriving")) return 0
  if (queue.releasedFrom(deadLetter.id)) return 0
  for (const row of queue.commits) {
    if (row.id === deadLetter.id || !isLater(index, row, deadLetter, life)) continue
    findings.add(
      { consumer: queue.consumer, ids: [deadLetter.id, row.id] },
      () =>
        `Message ${row.id} (position ${row.position}) of key ${queue.key} was committed by ${row.worker} although the key is `
        + `parked behind the dead letter of message ${deadLetter.id} (position ${life.message.position}, ${deadLetter.state}).`
    )
  }
  return queue.commits.length
}

const isLater = (index: HistoryIndex, row: Committed, deadLetter: DeadLettered, life: Life): boolean =>
  row.draw !== undefined && deadLetter.draw !== undefined
    ? row.draw > deadLetter.draw
    : row.position > life.message.position && life.message.firm && index.messages.get(row.id)?.tries !== 0
