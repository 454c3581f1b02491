/**
 * The holds that the queue reader ends and lowers.
 *
 * A hold hides its key's rows from one seq upwards. When a late row of the key appears below that seq, the hold must be
 * *lowered* to the row. The reader does not wait for a hold that another transaction has locked, since all other keys
 * would wait with it. Each later poll tries again to end a locked due hold. If a hold that must be lowered is locked,
 * the reader remembers the row below it, until the hold is lowered or has ended.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { min, type Place } from "./Poll.ts"
import type { ReaderPort } from "./ReaderPort.ts"
import type { OwnedLane } from "./Row.ts"

const none: ReadonlySet<string> = new Set()

export class ReaderHolds<E> {
  /** The keys whose holds are due, according to the last poll. */
  due: ReadonlyArray<string> = []
  readonly #port: Pick<ReaderPort<E>, "endDue" | "lower">
  readonly #stats: { held: number; lowered: number }
  /** key -> the oldest row that the key's hold does not cover yet. The hold must be lowered to that row. */
  readonly #below = new Map<string, Place>()

  constructor(port: Pick<ReaderPort<E>, "endDue" | "lower">, stats: { held: number; lowered: number }) {
    this.#port = port
    this.#stats = stats
  }

  reset(): void {
    this.due = []
    this.#below.clear()
  }

  forgetLane(lane: number): void {
    for (const [key, of] of this.#below) if (of.lane === lane) this.#below.delete(key)
  }

  /** Returns whether a hold is due that was not locked at the last try to end it. */
  isDue(locked: ReadonlySet<string>): boolean {
    return this.due.some((key) => !locked.has(key))
  }

  /** Records that the key's hold must be lowered to this row, since a held key's older rows must wait too. */
  mustLower(key: string, { lane, seq }: Place): void {
    this.#below.set(key, { lane, seq: min(seq, this.#below.get(key)?.seq) })
  }

  /** Lowers the holds that must be lowered. One that another transaction has locked is tried again by the next poll. */
  readonly lower: Effect.Effect<void, E> = Effect.suspend(() => {
    if (this.#below.size === 0) return Effect.void
    const from = new Map([...this.#below].map(([key, { seq }]) => [key, seq]))
    return Effect.map(this.#port.lower(from), (rows) => {
      this.#stats.lowered += rows.length
      for (const row of rows) this.#below.delete(row["key"] as string)
    })
  })

  /**
   * Ends holds that are due, and calls `readFrom` with the first row that each of them hid. Only this function ends
   * holds. Returns the keys whose holds are still there, because another transaction has locked them.
   */
  endDue(
    owned: ReadonlyArray<OwnedLane>,
    readFrom: (key: string, place: Place) => void
  ): Effect.Effect<ReadonlySet<string>, E> {
    if (this.due.length === 0) return Effect.succeed(none)
    const { due } = this
    this.due = []
    return Effect.map(this.#port.endDue(owned, due), (rows) => {
      this.#stats.held += rows.length
      const locked = new Set(due)
      for (const row of rows) {
        const key = row["key"] as string
        locked.delete(key)
        const lane = row["lane"] as number
        readFrom(key, { lane, seq: min(row["from_seq"] as bigint, this.#below.get(key)?.seq) })
        this.#below.delete(key)
      }
      return locked
    })
  }
}
