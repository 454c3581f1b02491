/**
 * Rule 6, outgoing messages: each one of a committed effect is published at least once. Those of one key are in the
 * order of their effects, and none is of an effect that was rolled back.
 *
 * @since 0.1.0
 */
import type { Outgoing } from "../History.ts"
import type { Life, QueueKey } from "./Facts.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const outbox: Rule = (index, expectations) => {
  const findings = new Findings("outbox", expectations)
  const occurred = { outgoing: index.emitted.size, published: 0, "published again": 0, "pairs in key order": 0 }
  const seen = new Uint8Array(index.emitted.size)
  const strangers = new Set<string>()
  const last = new Map<QueueKey, Map<string, Sent>>()
  for (const one of index.outgoing) {
    const emission = index.emitted.get(one.id)
    if (emission === undefined ? strangers.has(one.id) : seen[emission.rank] === 1) {
      occurred["published again"]++
      continue
    }
    occurred.published++
    if (emission === undefined) strangers.add(one.id)
    else seen[emission.rank] = 1
    const sender = emission?.sender ?? unlisted(index, one)
    if (sender?.message.id !== one.source || sender.consumer !== one.consumer) rolledBack(index, one, findings)
    else if (!expectations.unordered?.includes(one.consumer)) {
      occurred["pairs in key order"] += inOrder(sender, emission?.place ?? 0, one, last, findings)
    }
  }
  for (const { id, rank, sender: { consumer, message } } of index.emitted.values()) {
    if (seen[rank] === 1) continue
    findings.add(
      { consumer, ids: [message.id, id] },
      () =>
        `Outgoing message ${id} of the committed effect of message ${message.id} (consumer "${consumer}") was never published.`
    )
  }
  return findings.outcome(occurred)
}

interface Sent {
  readonly one: Outgoing
  readonly rank: number
}

/** The sender of a message that no ledger lists: a ledger that does not list what its effects sent is believed. */
const unlisted = (index: HistoryIndex, one: Outgoing): Life | undefined => {
  const source = index.messages.get(one.source)?.find(one.consumer)
  return source?.commit !== undefined && source.commit.emits === undefined ? source : undefined
}

const rolledBack = (index: HistoryIndex, one: Outgoing, findings: Findings): void => {
  const commit = index.messages.get(one.source)?.find(one.consumer)?.commit
  findings.add(
    { consumer: one.consumer, ids: [one.source, one.id] },
    () =>
      `Outgoing message ${one.id} was published, but ${
        commit === undefined
          ? `the effect of message ${one.source} that would send it was never committed`
          : `the committed effect of message ${one.source} did not send it`
      }: it comes from an attempt that was rolled back.`
  )
}

/**
 * Those of one key whose sources have one key stand in the order in which their effects were committed. Answers 1 for a
 * pair.
 */
const inOrder = (
  sender: Life,
  place: number,
  one: Outgoing,
  last: Map<QueueKey, Map<string, Sent>>,
  findings: Findings
): number => {
  const rank = sender.rank + place
  const queue = sender.message.key.at(sender.consumer)
  let sent = last.get(queue)
  if (sent === undefined) last.set(queue, sent = new Map<string, Sent>())
  const before = sent.get(one.key)
  if (before === undefined || rank >= before.rank) {
    sent.set(one.key, { one, rank })
    return before === undefined ? 0 : 1
  }
  findings.add(
    { consumer: one.consumer, ids: [one.source, before.one.source, one.id, before.one.id] },
    () =>
      `Outgoing message ${one.id} (of ${one.source}) was published after ${before.one.id} (of ${before.one.source}), but `
      + `their effects were committed the other way round; both have key ${one.key}.`
  )
  return 1
}
