/**
 * Says why messages wait, in one sentence. The causes are tried in a fixed order, and the first one that applies is
 * given. All functions here are pure.
 */
import type { ConsumerFacts, Lag, LagCause } from "../ConsumerFacts.ts"
import type { Blocker } from "../DatabaseFacts.ts"
import { type Count, show, showMillis } from "../Fact.ts"

/** The facts of a queue, and further knowledge about it. */
export interface Known {
  readonly facts: Omit<ConsumerFacts, "lag">
  readonly lagMillis: number
  /** Messages that can be processed; those of held keys do not count. */
  readonly ready: Count
  /** The session of Millrace that has waited longest for a lock. It may work for another consumer. */
  readonly blocker: Blocker | undefined
  /** The key with the most waiting messages, and its share of them. Undefined if it was not looked for. */
  readonly oneKey: { readonly key: string; readonly share: number } | undefined
}

/** A lock that is waited for less long than this is no cause of a lag, in milliseconds. */
const longWait = 1_000

/** From this share on, one key is the cause. */
const muchOfAll = 0.5

const causeOf = ({ blocker, facts, lagMillis, oneKey, ready }: Known): LagCause => {
  const { delayedKeys, freeLanes, lanes, parkedKeys, paused, rates, waiting, workers } = facts
  if (paused !== undefined) return { _tag: "Paused", ...paused }
  if (waiting.value === 0) return { _tag: "Empty" }
  if (workers === 0) return { _tag: "NoWorker" }
  // Only the first messages of a long queue are counted. If none of them is ready, a lag shows that a later one is.
  if (ready.value === 0 && lagMillis === 0) return { _tag: "AllHeld", parked: parkedKeys, delayed: delayedKeys }
  if (blocker !== undefined && blocker.waitsMillis >= longWait) return { _tag: "CommitWaits", blocker }
  if (freeLanes > 0) return { _tag: "FreeLanes", free: freeLanes, lanes }
  if (oneKey !== undefined && oneKey.share >= muchOfAll) return { _tag: "OneKey", ...oneKey }
  const { inPerSecond, outPerSecond } = rates
  if (inPerSecond === undefined || outPerSecond === undefined) return { _tag: "Waiting" }
  if (inPerSecond > outPerSecond) return { _tag: "Growing", perSecond: inPerSecond - outPerSecond }
  const drains = outPerSecond - inPerSecond
  return drains > 0 && waiting.kind === "exact"
    ? { _tag: "Draining", millis: ready.value / drains * 1000 }
    : { _tag: "Waiting" }
}

const rate = (perSecond: number): string => perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)

const sentenceOf = (cause: LagCause, { facts }: Known): string => {
  switch (cause._tag) {
    case "Empty":
      return "No message waits."
    case "Paused":
      return `Paused by ${cause.by} since ${new Date(cause.at).toISOString()}${
        cause.until === undefined ? "" : ` until ${new Date(cause.until).toISOString()}`
      }${cause.note === "" ? "" : ` (${cause.note})`}. ${
        cause.until === undefined ? "Resume the consumer to continue." : "A worker ends the pause then."
      }`
    case "NoWorker":
      return "No worker of this consumer lives. Start one."
    case "CommitWaits": {
      const { by, lock, waitsMillis } = cause.blocker
      return `A transaction has waited ${showMillis(waitsMillis)} for a lock (${lock}) of ${
        by.pid === 0 ? "a prepared transaction" : `process ${by.pid}${by.user === "" ? "" : ` (${by.user})`}`
      }. Look at the blockers.`
    }
    case "AllHeld":
      return `Every message${
        facts.waiting.kind === "exact" ? " that waits" : " that was looked at"
      } belongs to a held key: ${show(cause.parked)} parked, ${show(cause.delayed)} delayed. Look at the stuck keys.`
    case "FreeLanes":
      return `Messages wait in ${cause.free} of ${cause.lanes} lanes that no live worker owns. A worker claims them when the `
        + "leases of the last owner have expired."
    case "OneKey":
      return `One key, ${JSON.stringify(cause.key)}, has ${
        Math.round(cause.share * 100)
      } % of what waits. Messages of one key are processed one after another.`
    case "Growing":
      return `The queue grows by ${rate(cause.perSecond)} messages a second. Run more workers, or look at the handlers.`
    case "Draining":
      return `The queue is empty in ${showMillis(cause.millis)} at this rate.`
    case "Waiting":
      return `${show(facts.waiting)} messages wait.`
  }
}

/** Returns the lag of a queue with its cause and its sentence. */
export const explain = (known: Known): Lag => {
  const cause = causeOf(known)
  return { millis: known.lagMillis, cause, sentence: sentenceOf(cause, known) }
}
