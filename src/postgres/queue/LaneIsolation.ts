/**
 * Isolates one message: its worker's lanes record that no other message can crash the process.
 *
 * During an isolation only one delivery runs, or none. A worker that takes the lanes over counts a crash for no other
 * message. Lanes are not claimed while the isolation changes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery } from "../../Delivery.ts"
import type { OwnedLane, Receipt } from "./Row.ts"

/**
 * Writes for each lane the seq that alone can crash the process: 0 for none, -1 for any (the driver cannot type
 * null).
 */
type Write = (lanes: ReadonlyArray<OwnedLane>, seqs: ReadonlyArray<bigint>) => Effect.Effect<unknown, SqlError>

export class LaneIsolation {
  /** The only message that can crash the process, or none. Undefined without an isolation. */
  #isolated: Receipt | "none" | undefined
  /**
   * Lanes whose record may name the message. Lanes given back since are included: our token is valid until the next
   * claim.
   */
  readonly #recorded = new Set<OwnedLane>()
  readonly #claiming = Semaphore.makeUnsafe(1)
  readonly #owned: () => Iterable<OwnedLane>
  readonly #writeTo: Write

  constructor(owned: () => Iterable<OwnedLane>, write: Write) {
    this.#owned = owned
    this.#writeTo = write
  }

  /** Runs an effect while the isolation does not change, as a claim must. */
  whileUnchanged<A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> {
    return this.#claiming.withPermit(effect)
  }

  /** The record of lanes that are claimed now: during an isolation their messages do not run. */
  get ofClaimed(): bigint | null {
    return this.#isolated === undefined ? null : 0n
  }

  /** Records that only this delivery (or none) can crash the process. */
  begin(delivery: Delivery | undefined): Effect.Effect<void, SqlError> {
    return this.#claiming.withPermit(Effect.suspend(() => {
      this.#isolated = (delivery?.receipt as Receipt | undefined) ?? "none"
      // After this failure the worker starts no isolated run, and perhaps does not try again. So lanes that it claims
      // later count as usual.
      return Effect.tapError(this.#write, () =>
        Effect.sync(() => {
          this.#isolated = undefined
        }))
    }))
  }

  /**
   * Ends the isolation and its record. Otherwise a crash by another message would count as a crash of this one alone.
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
      isolated === undefined ? -1n : isolated !== "none" && isolated.owned === each ? isolated.seq : 0n
    )
    return Effect.asVoid(this.#writeTo(lanes, seqs))
  })
}
