/**
 * The rows of `messages` that one worker has in flight: rows that were handed out, and neither settled nor given back.
 *
 * A poll does not hand out a row in flight again. It also passes over rows that were settled while the poll was under
 * way, since the poll's snapshot may still show them.
 *
 * @since 0.1.0
 */
import { min } from "./Poll.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

export class InFlightRows {
  /** key -> seq -> receipt. A redriven message may return to its old seq, so its receipt also counts the redrives. */
  readonly #byKey = new Map<string, Map<bigint, Receipt>>()
  /** seq -> how often the message was redriven, for each row that was settled since the current poll began. */
  readonly #settledDuringPoll = new Map<bigint, number>()

  pollBegins(): void {
    this.#settledDuringPoll.clear()
  }

  /** Returns whether the row is in flight, or was settled during this poll. Such a row must not be handed out. */
  isKnown(key: string, seq: bigint, redriven: number): boolean {
    const seqs = this.#byKey.get(key)
    return seqs?.get(seq)?.redriven === redriven || this.#settledDuringPoll.get(seq) === redriven
  }

  add(key: string, receipt: Receipt): void {
    const seqs = this.#byKey.get(key)
    if (seqs === undefined) this.#byKey.set(key, new Map([[receipt.seq, receipt]]))
    else seqs.set(receipt.seq, receipt)
  }

  /** Removes the row, and returns whether it was in flight under this receipt. */
  remove(key: string, receipt: Receipt): boolean {
    const seqs = this.#byKey.get(key)
    if (seqs?.get(receipt.seq) !== receipt) return false
    seqs.delete(receipt.seq)
    if (seqs.size === 0) this.#byKey.delete(key)
    return true
  }

  /**
   * Removes a row after its delivery has ended: the commit removed the row, or its lane was lost. Returns whether the
   * row was in flight under this receipt.
   */
  settled(key: string, receipt: Receipt): boolean {
    // If the lane was lost, the row may still wait in the queue. After the next claim of the lane, a poll must then
    // hand it out.
    if (!receipt.owned.lost) this.#settledDuringPoll.set(receipt.seq, receipt.redriven)
    return this.remove(key, receipt)
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  /** Returns the lane of the key's rows in flight, or undefined if there are none. */
  laneOf(key: string): OwnedLane | undefined {
    return this.#byKey.get(key)?.values().next().value?.owned
  }

  count(key: string): number {
    return this.#byKey.get(key)?.size ?? 0
  }

  /** Returns the lowest seq that the key has in flight, or `seq` if that is lower. */
  lowest(key: string, seq: bigint): bigint {
    let from = seq
    for (const each of this.#byKey.get(key)?.keys() ?? []) from = min(from, each)
    return from
  }

  forgetKey(key: string): void {
    this.#byKey.delete(key)
  }

  forgetLanes(which: (owned: OwnedLane) => boolean): void {
    for (const [key, seqs] of this.#byKey) {
      for (const [seq, { owned }] of seqs) if (which(owned)) seqs.delete(seq)
      if (seqs.size === 0) this.#byKey.delete(key)
    }
  }

  lanes(): ReadonlySet<OwnedLane> {
    const lanes = new Set<OwnedLane>()
    for (const seqs of this.#byKey.values()) for (const { owned } of seqs.values()) lanes.add(owned)
    return lanes
  }
}
