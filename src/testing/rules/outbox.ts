/**
 * Rule 6, outgoing messages: each one of a committed effect is published at least once, those of one key in the order of
 * their effects, and none of an effect that was rolled back.
 *
 * @since 0.1.0
 */
import type { Outgoing } from "../History.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const outbox: Rule = (index, expectations) => {
  const findings = new Findings("outbox", expectations)
  const occurred = { outgoing: 0, published: 0, "published again": 0, "pairs in key order": 0 }
  const published = new Map<string, Outgoing>()
  for (const one of index.outgoing) {
    if (published.has(one.id)) {
      occurred["published again"]++
      continue
    }
    published.set(one.id, one)
    const commit = index.messages.get(one.source)?.find(one.consumer)?.commit
    if (commit === undefined || commit.emits?.includes(one.id) === false) {
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
  }
  occurred.published = published.size
  for (const [id, commit] of index.emitted) {
    occurred.outgoing++
    if (published.has(id)) continue
    findings.add(
      { consumer: commit.consumer, ids: [commit.id, id] },
      () =>
        `Outgoing message ${id} of the committed effect of message ${commit.id} (consumer "${commit.consumer}") was never `
        + `published.`
    )
  }
  occurred["pairs in key order"] = inOrder(index, published, findings)
  return findings.outcome(occurred)
}

/** Outgoing messages of one key whose sources have one key stand in the order in which their effects were committed. */
const inOrder = (index: HistoryIndex, published: ReadonlyMap<string, Outgoing>, findings: Findings): number => {
  const last = new Map<string, { readonly one: Outgoing; readonly rank: number }>()
  let pairs = 0
  for (const one of published.values()) {
    const source = index.messages.get(one.source)
    const life = source?.find(one.consumer)
    const place = life?.commit?.emits?.indexOf(one.id) ?? 0
    if (source === undefined || life?.commit === undefined || place < 0) continue
    const rank = life.rank + place / (life.commit.emits?.length ?? 1)
    const key = JSON.stringify([one.consumer, source.key.key, one.key])
    const before = last.get(key)
    if (before === undefined || rank > before.rank) {
      if (before !== undefined) pairs++
      last.set(key, { one, rank })
      continue
    }
    findings.add(
      { consumer: one.consumer, ids: [one.source, before.one.source, one.id, before.one.id] },
      () =>
        `Outgoing message ${one.id} (of ${one.source}) was published after ${before.one.id} (of ${before.one.source}), but `
        + `their effects were committed the other way round; both have key ${one.key}.`
    )
  }
  return pairs
}
