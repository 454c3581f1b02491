/**
 * The rows of `messages` that one worker has in flight: handed out, and neither settled nor given back.
 *
 * A poll passes over them, and also over what was settled while it was under way, which its snapshot may still show.
 *
 * @since 0.1.0
 */
import { min } from "./Round.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

export class InFlightRows {
  /** key -> seq -> receipt. A redriven message may have the place that it had before. */
  readonly #byKey = new Map<string, Map<bigint, Receipt>>()
  /** seq -> redrives of what was settled since the current poll began. */
  readonly #settledDuringPoll = new Map<bigint, number>()

  pollBegins(): void {
    this.#settledDuringPoll.clear()
  }

  /** Whether the row is in flight, or was settled during this poll. */
  isKnown(key: string, seq: bigint, redriven: number): boolean {
    const seqs = this.#byKey.get(key)
    return seqs?.get(seq)?.redriven === redriven || this.#settledDuringPoll.get(seq) === redriven
  }

  add(key: string, receipt: Receipt): void {
    const seqs = this.#byKey.get(key)
    if (seqs === undefined) this.#byKey.set(key, new Map([[receipt.seq, receipt]]))
    else seqs.set(receipt.seq, receipt)
  }

  /** Returns whether the row was in flight under this receipt. */
  remove(key: string, receipt: Receipt): boolean {
    const seqs = this.#byKey.get(key)
    if (seqs?.get(receipt.seq) !== receipt) return false
    seqs.delete(receipt.seq)
    if (seqs.size === 0) this.#byKey.delete(key)
    return true
  }

  /** The row's removal is committed, or its lane was lost. Returns whether it was in flight under this receipt. */
  settled(key: string, receipt: Receipt): boolean {
    // A lost lease settles nothing, so the poll of a newer claim must hand the row out.
    if (!receipt.owned.lost) this.#settledDuringPoll.set(receipt.seq, receipt.redriven)
    return this.remove(key, receipt)
  }

  has(key: string): boolean {
    return this.#byKey.has(key)
  }

  count(key: string): number {
    return this.#byKey.get(key)?.size ?? 0
  }

  /** The lowest seq of the key in flight, at most `seq`. */
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
