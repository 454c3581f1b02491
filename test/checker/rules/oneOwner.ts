/**
 * Rule 4, one owner: nothing is committed under a token older than one already seen, and one token belongs to one
 * process. Handlers of a key overlap in two processes only where the database confirmed the takeover of an expired
 * lease. A message that one server handed out is committed only by that server.
 *
 * "Already seen" is the order of the ledger and of draws. Starts and takeovers have draws, too. A handler that its
 * process never ended (a kill) counts as still running.
 *
 * @since 0.1.0
 */
import type { Committed, HandlerStarted } from "../History.ts"
import type { LaneFacts, Life, Owner, QueueKey, TokenFacts } from "./Facts.ts"
import type { HistoryIndex } from "./HistoryIndex.ts"
import { Findings, type Rule } from "./Rule.ts"

export const oneOwner: Rule = (index, expectations) => {
  const findings = new Findings("oneOwner", expectations)
  const occurred = {
    tokens: 0,
    takeovers: 0,
    "overlaps across processes": 0,
    "commits before a newer token": 0,
    ...acrossServers(index, findings)
  }
  for (const lanes of index.lanes.values()) {
    for (const lane of lanes.values()) {
      occurred.tokens += lane.tokens.size
      occurred.takeovers += lane.takeovers.length
      occurred["commits before a newer token"] += fenced(lane, findings)
      for (const token of lane.tokens.values()) exclusive(lane, token, findings)
    }
  }
  for (const queue of index.queues) occurred["overlaps across processes"] += overlapping(index, queue, findings)
  for (const { first, second } of index.overlaps) {
    if (first.token === second.token) continue
    occurred["overlaps across processes"]++
    if (confirmed(index, first.consumer, first.lane ?? first.key, first.token, second.token)) continue
    findings.add(
      { consumer: first.consumer, ids: [first.id, second.id], lane: first.lane },
      () =>
        `${second.process} started message ${second.id} of key ${first.key} under token ${second.token} while its handler of `
        + `message ${first.id} under token ${first.token} was still running, and no takeover was confirmed in between.`
    )
  }
  return findings.outcome(occurred)
}

/**
 * Finds commits after a newer token was seen, by ledger and by draw. Returns how many tokens were followed by a newer
 * one.
 */
const fenced = (lane: LaneFacts, findings: Findings): number => {
  for (const { commit, newer } of lane.stale) {
    findings.add(
      { consumer: lane.consumer, ids: [commit.id, newer.id], lane: lane.lane },
      () =>
        `${commit.worker} committed message ${commit.id} under token ${commit.token} of ${place(lane, commit)}, after `
        + `${newer.worker} had committed message ${newer.id} under the newer token ${newer.token}.`
    )
  }
  const tokens = [...lane.tokens.values()].sort((one, other) => other.token - one.token)
  let pairs = 0
  let earliest: TokenFacts | undefined
  for (const token of tokens) {
    const commit = token.lastCommit
    const draw = commit?.draw
    const newer = earliest
    if (commit !== undefined && draw !== undefined && newer !== undefined) {
      pairs++
      if (draw > newer.first && !lane.stale.some((one) => one.commit === commit)) {
        findings.add(
          { consumer: lane.consumer, ids: pair(commit.id, newer.firstStart), lane: lane.lane },
          () =>
            `${commit.worker} committed message ${commit.id} under token ${commit.token} of ${
              place(lane, commit)
            } at draw `
            + `${draw}, after the newer token ${newer.token} had been seen at draw ${newer.first}.`
        )
      }
    }
    if (token.first < (earliest?.first ?? Number.POSITIVE_INFINITY)) earliest = token
  }
  return pairs
}

const pair = (id: string, start: HandlerStarted | undefined): ReadonlyArray<string> =>
  start === undefined || start.id === id ? [id] : [id, start.id]

const place = (lane: LaneFacts, commit: Committed): string =>
  lane.lane === undefined ? `key ${commit.key}` : `lane ${lane.lane}`

/** A token is given to one process. */
const exclusive = (lane: LaneFacts, token: TokenFacts, findings: Findings): void => {
  if (token.processes.length < 2) return
  findings.add(
    { consumer: lane.consumer, ids: token.firstIds, lane: lane.lane },
    () =>
      `${token.processes.join(" and ")} both started messages under token ${token.token} of consumer "${lane.consumer}"`
      + `${lane.lane === undefined ? "" : `, lane ${lane.lane}`}: a claim must raise the token.`
  )
}

/** Two processes at work on one key at once. */
const overlapping = (index: HistoryIndex, queue: QueueKey, findings: Findings): number => {
  const { owners } = queue
  let overlaps = 0
  for (const one of owners) {
    for (const other of owners) {
      if (one.process === other.process || (one.token ?? 0) >= (other.token ?? 0)) continue
      // By draws where they show it; a handler that never ended runs on beyond every newer token.
      if (!(one.open !== undefined || one.last > other.first)) continue
      // An owner cannot know at once that its server is gone; another server knows nothing of what that one forgot to
      // save.
      if (index.servers.apart(one.first, other.first)) continue
      overlaps++
      if (confirmed(index, queue.consumer, one.lane ?? queue.key, one.token, other.token)) continue
      findings.add(
        { consumer: queue.consumer, ids: ids(one, other), lane: one.lane },
        () =>
          `${other.process} started on key ${queue.key} under token ${other.token} while ${one.process} still worked on it `
          + `under token ${one.token}, and the database confirmed no takeover of an expired lease in between.`
      )
    }
  }
  return overlaps
}

/** Checks deliveries in a run of several servers. */
const acrossServers = (index: HistoryIndex, findings: Findings): Readonly<Record<string, number>> => {
  if (index.servers.returned === 0) return {}
  let twice = 0
  for (const { lives } of index.messages.values()) {
    for (const life of lives) twice += byOwnServer(index, life, findings)
  }
  return { "handed out by two servers": twice }
}

/** A server commits what it handed out itself. Returns 1 if the message was handed out by two of them. */
const byOwnServer = (index: HistoryIndex, life: Life, findings: Findings): number => {
  const { commit, consumer, message } = life
  const starts = life.allStarts
  const first = starts[0]
  if (first === undefined) return 0
  const twice = starts.some((one) => index.handedOutBy(one) !== index.handedOutBy(first)) ? 1 : 0
  // A start without a draw may be the one that counts.
  if (commit?.draw === undefined || starts.length < life.starts) return twice
  const server = index.servers.of(commit.draw)
  const own = starts.filter((one) => one.process === commit.worker && one.token === commit.token)
  if (own.length === 0 || own.some((one) => index.handedOutBy(one) === server)) return twice
  findings.add(
    { consumer, ids: [message.id], lane: commit.lane },
    () =>
      `${commit.worker} committed message ${message.id} by server ${server}, but was handed it by server `
      + `${index.handedOutBy(own[0]!)}: what one server hands out must not be committed by another.`
  )
  return twice
}

const ids = (
  one: Owner,
  other: Owner
): ReadonlyArray<string> => [...new Set([one.open ?? one.latest, other.latest].filter((id) => id !== undefined))]

const confirmed = (
  index: HistoryIndex,
  consumer: string,
  lane: number | string,
  one: number | undefined,
  other: number | undefined
): boolean =>
  one === undefined || other === undefined
  || index.lanes.get(consumer)?.get(lane)?.tookOver(Math.min(one, other), Math.max(one, other)) === true
