/**
 * Isolates one message: the worker records in its lanes that only this message runs.
 *
 * During an isolation the worker runs one delivery, or none. If the process dies, the worker that takes the lanes over
 * counts a crash for that message only. No lane is claimed while the isolation changes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery } from "../../Delivery.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

/**
 * Writes for each lane the seq of the only message that can crash the process. 0 means that no message of the lane
 * can, and -1 means that any can. The column has null for -1, but the driver cannot type a null in a list.
 */
type Write = (lanes: ReadonlyArray<OwnedLane>, seqs: ReadonlyArray<bigint>) => Effect.Effect<unknown, SqlError>

export class LaneIsolation {
  /**
   * The only message that runs, or "none" if no message runs. Undefined while there is no isolation. The entry of a log
   * has no seq. A crash then counts for all entries of its lane that were handed out.
   */
  #isolated: (Pick<Receipt, "owned"> & Partial<Receipt>) | "none" | undefined
  /**
   * The lanes whose record may say that there is an isolation. They include lanes that this worker has given back. Its
   * token for such a lane is valid until the next claim, so `end` can still clear the record.
   */
  readonly #recorded = new Set<OwnedLane>()
  readonly #claiming = Semaphore.makeUnsafe(1)
  readonly #owned: () => Iterable<OwnedLane>
  readonly #writeTo: Write

  constructor(owned: () => Iterable<OwnedLane>, write: Write) {
    this.#owned = owned
    this.#writeTo = write
  }

  /** Runs an effect while the isolation does not change. Every claim runs in it. */
  whileUnchanged<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return this.#claiming.withPermit(effect)
  }

  /**
   * Returns what a claim records for its lanes: 0 during an isolation, since none of their messages runs, else null.
   */
  get ofClaimed(): bigint | null {
    return this.#isolated === undefined ? null : 0n
  }

  /** Begins an isolation: records that only this delivery can crash the process, or no delivery if undefined. */
  begin(delivery: Delivery | undefined): Effect.Effect<void, SqlError> {
    return this.#claiming.withPermit(Effect.suspend(() => {
      this.#isolated = (delivery?.receipt as Receipt | undefined) ?? "none"
      // If the write fails, the worker starts no isolated run, and perhaps does not try again. So the isolation ends
      // here. A crash then counts as usual for the lanes that this worker claims later.
      return Effect.tapError(this.#write, () =>
        Effect.sync(() => {
          this.#isolated = undefined
        }))
    }))
  }

  /**
   * Ends the isolation, and clears its record in the database. With the record left in place, a crash by another
   * message would count as a crash of the isolated message alone.
   */
  readonly end: Effect.Effect<void, SqlError> = Effect.suspend(() =>
    this.#claiming.withPermit(Effect.suspend(() => {
      this.#isolated = undefined
      return Effect.andThen(this.#write, Effect.sync(() => this.#recorded.clear()))
    }))
  )

  readonly #write: Effect.Effect<void, SqlError> = Effect.suspend(() => {
    for (const each of this.#owned()) this.#recorded.add(each)
    const lanes = [...this.#recorded]
    if (lanes.length === 0) return Effect.void
    const isolated = this.#isolated
    const seqs = lanes.map((each) =>
      isolated === undefined ? -1n : isolated !== "none" && isolated.owned === each ? isolated.seq ?? -1n : 0n
    )
    return Effect.asVoid(this.#writeTo(lanes, seqs))
  })
}
