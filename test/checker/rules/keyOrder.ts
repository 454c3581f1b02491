/**
 * Rule 3, order: the positions of a key ascend in the ledger, and each row continues the key's chain. No handler starts
 * before all earlier messages of its key are settled, unless both commit in order in one transaction.
 *
 * An order is claimed only between two messages if the first was acknowledged before the second was published, or if
 * they were published together. A redriven message may come after its successors. Starts of different processes are
 * compared by their draws. Starts without a draw are compared only within their process.
 *
 * A consumer of `Expectations.unordered` has no order, and no message of it is compared.
 *
 * @since 0.1.0
 */
import type { Committed, HandlerStarted } from "../History.ts"
import type { Life, QueueKey } from "./Facts.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const keyOrder: Rule = (index, expectations) => {
  const findings = new Findings("keyOrder", expectations)
  const occurred = { "pairs of commits": 0, "chain links": 0, "starts compared": 0, "overlaps in a process": 0 }
  const isUnordered = (consumer: string) => expectations.unordered?.includes(consumer) === true
  for (const queue of index.queues) {
    if (isUnordered(queue.consumer)) continue
    occurred["pairs of commits"] += ascending(index, queue, findings)
    occurred["chain links"] += chained(queue, findings)
    occurred["starts compared"] += starts(index, queue, findings)
  }
  for (const { first, second } of index.overlaps) {
    // Under two tokens it is a question of ownership, which rule 4 asks.
    if (first.token !== second.token || isUnordered(first.consumer)) continue
    occurred["overlaps in a process"]++
    findings.add(
      { consumer: first.consumer, ids: unique(first.id, second.id) },
      () =>
        `${second.process} started message ${second.id} while its handler of message ${first.id} of the same key `
        + `${first.key} was still running.`
    )
  }
  return findings.outcome(occurred)
}

/** Positions ascend in the ledger. */
const ascending = (index: HistoryIndex, queue: QueueKey, findings: Findings): number => {
  let pairs = 0
  let highest: Committed | undefined
  for (const row of queue.commits) {
    if (highest === undefined) highest = row
    else if (row.position > highest.position) {
      pairs++
      highest = row
    } else if (row.id !== highest.id) {
      const life = index.messages.get(row.id)?.find(queue.consumer)
      if (life === undefined || !ordered(life) || life.overtaken || life.commit !== row) continue
      const before = highest
      findings.add(
        { consumer: queue.consumer, ids: [row.id, before.id] },
        () =>
          `Message ${row.id} of key ${queue.key} (position ${row.position}) was committed after message ${before.id} `
          + `(position ${before.position}), which had been published after it.`
      )
    }
  }
  return pairs
}

/** Each row of a key continues the one before it. */
const chained = (queue: QueueKey, findings: Findings): number => {
  let links = 0
  let last: Committed | undefined
  for (const row of queue.commits) {
    if (row.chain === undefined) continue
    const before = last
    const expected = before?.chain ?? ""
    last = row
    if (row.previous === expected) {
      links++
      continue
    }
    const earlier = queue.commits.find((other) => other.chain === row.previous && other !== row)
    findings.add(
      { consumer: queue.consumer, ids: before === undefined ? [row.id] : [before.id, row.id] },
      () =>
        `The chain of key ${queue.key} is broken at message ${row.id}: its commit ${
          earlier === undefined
            ? row.previous === "" ? "saw no commit of the key before it" : "continues a row that is not in the ledger"
            : `continues message ${earlier.id}`
        }, not ${before === undefined ? "the beginning" : `message ${before.id}, which stands before it`}. `
        + `Rows are missing, out of commit order, or were committed without seeing one another.`
    )
  }
  return links
}

/** No start before everything earlier is settled. */
const starts = (index: HistoryIndex, queue: QueueKey, findings: Findings): number => {
  let compared = 0
  let latest: { readonly life: Life; readonly draw: number } | undefined
  for (const message of queue.facts.messages) {
    const life = message.find(queue.consumer)
    if (life === undefined) continue
    if (latest !== undefined && latest.life.message.position < message.position) {
      for (const start of life.allStarts) compared += early(index, queue, life, start, latest.draw, findings)
    }
    if (!ordered(life)) continue
    const settled = settledAt(queue, life)
    if (settled !== undefined && (latest === undefined || settled > latest.draw)) latest = { life, draw: settled }
  }
  return compared
}

/** Compares one start with the last settlement of an earlier message. Returns the number of comparisons. */
const early = (
  index: HistoryIndex,
  queue: QueueKey,
  life: Life,
  start: HandlerStarted,
  settled: number,
  findings: Findings
): number => {
  const draw = start.draw
  if (draw === undefined) return 0
  const before = settled > draw ? unsettledBefore(index, queue, life, start, draw) : undefined
  if (before !== undefined) {
    findings.add(
      { consumer: queue.consumer, ids: [before.message.id, life.message.id] },
      () =>
        `${start.process} started message ${life.message.id} of key ${queue.key} (position ${life.message.position}, draw `
        + `${draw}) before message ${before.message.id} (position ${before.message.position}) was settled: ${
          settledLater(queue, before)
        }.`
    )
  }
  return 1
}

/**
 * Returns the earlier message that was not settled, except those in the same transaction. A later server may settle a
 * message that an earlier, lost server had settled.
 */
const unsettledBefore = (
  index: HistoryIndex,
  queue: QueueKey,
  life: Life,
  start: HandlerStarted,
  draw: number
): Life | undefined => {
  const { transaction } = start
  const server = index.handedOutBy(start)
  return queue.facts.messages.findLast((message) => {
    const other = message.position < life.message.position ? message.find(queue.consumer) : undefined
    return other !== undefined
      && ordered(other)
      && (settledAt(queue, other) ?? draw) > draw
      && index.servers.of(settledAt(queue, other) ?? draw) === server
      && (transaction === undefined || other.grouped.every((start) => start.transaction !== transaction))
  })?.find(queue.consumer)
}

/** Whether later messages of the key come after it by right. An outgoing message has the order of its source. */
const ordered = (life: Life): boolean => life.message.tries === 0 ? life.commit !== undefined : life.message.firm

/** Returns the draw at which a message was settled, infinite if it never was. Undefined: it cannot be known. */
const settledAt = (queue: QueueKey, life: Life): number | undefined => {
  const { commit, deadLetter } = life
  if (deadLetter !== undefined) {
    if (!deadLetter.parked) return deadLetter.draw
    if (queue.releasedFrom(life.message.id)) return undefined
    if (deadLetter.state === "resolved") return commit?.draw
    if (deadLetter.state !== "discarded") return Number.POSITIVE_INFINITY
    return queue.operatorActions.findLast((one) => one.action === "discard" && one.id === life.message.id)?.draw
  }
  if (commit !== undefined) return commit.draw
  return life.waiting === undefined ? undefined : Number.POSITIVE_INFINITY
}

const settledLater = (queue: QueueKey, life: Life): string => {
  const draw = settledAt(queue, life)
  return draw === undefined || draw === Number.POSITIVE_INFINITY ? "it never was" : `that happened at draw ${draw}`
}

const unique = (one: string, other: string): ReadonlyArray<string> => one === other ? [one] : [one, other]
