/** The parts of the model of a run: queues, lanes, processes, dead letters, and seeded dice. */
import type * as History from "./History.ts"

export interface Options {
  readonly seed: number
  readonly messages: number
  readonly keys: number
  readonly order?: "continue" | "park"
  /** How often faults and poison strike, relative to the usual. */
  readonly harm?: number
}

export const limits = { inFlight: 12, attempts: 3 }
export const lanes = 8
export const windows = [
  "handle: after begin",
  "handle: in a step before the transaction",
  "handle: COMMIT sent, no answer"
]

export type Attempt = History.DeadLettered["attempts"][number]

/** A message in its queue. */
export interface Queued {
  readonly id: string
  readonly key: Key
  readonly position: number
  readonly conflict: boolean
  poison: History.Poison | undefined
  attempts: Array<Attempt>
}

export interface Letter {
  readonly message: Queued
  state: History.DeadLettered["state"]
  redriven: number
  attempts: Array<Attempt>
  readonly draw: number
}

export interface Lane {
  readonly lane: number
  token: number
  owner: Process | undefined
}

export interface Key {
  readonly key: string
  readonly lane: Lane
  readonly queue: Array<Queued>
  next: number
  running: Process | undefined
  parked: Letter | undefined
  byOperator: boolean
  chain: string
  again: (() => void) | undefined
  last: Queued | undefined
}

export interface Process {
  readonly name: string
  state: "lives" | "frozen" | "dead"
  /** Its running handlers, with the token that it had at their start. */
  readonly running: Map<Key, { readonly message: Queued; readonly token: number }>
}

/** mulberry32 */
export const dice = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
