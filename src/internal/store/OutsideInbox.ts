/**
 * The port for an inbox outside of the store, for effects that no transaction of the store contains: network calls,
 * mails, files.
 *
 * Such an inbox keeps one record for each consumer and id. The record is an in-progress marker while a caller runs its
 * effect, and a done marker with the result afterwards. The effect and its record do not commit together, so an effect
 * whose process dies before the done marker is written happens again.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { StoreFailure } from "../../Errors.ts"
import type { Claim, OnceClaim } from "./InboxStore.ts"

/**
 * The claim of one id by one call.
 *
 * @since 0.1.0
 */
export interface OutsideClaim extends Pick<Claim, "id" | "fingerprint"> {
  /** A name that no other call has. Only the owner of a marker can renew, finish or release it. */
  readonly owner: string
}

/**
 * An inbox outside of the store. Every request is safe to repeat, also when its first answer was lost or comes late.
 *
 * @since 0.1.0
 */
export interface OutsideInbox {
  /**
   * How many milliseconds the in-progress marker of an unresponsive caller keeps its id. A caller renews its marker
   * after each third of this time.
   */
  readonly markerMillis: number
  /**
   * Sets the in-progress marker if the id is free, and returns the state of the id. Returns `Fresh` to the owner of the
   * marker, also when it claims again. Returns `Busy` while another call has the marker.
   */
  readonly claim: (
    consumer: string,
    claim: OutsideClaim
  ) => Effect.Effect<Exclude<OnceClaim, { readonly _tag: "Dead" }>, StoreFailure>
  /** Extends the marker by its whole time. Returns false if the owner no longer has the marker. */
  readonly renew: (consumer: string, claim: OutsideClaim) => Effect.Effect<boolean, StoreFailure>
  /**
   * Replaces the in-progress marker by the done marker, with the encoded result if there is one. The id is known from
   * then on, for the deduplication window. Returns false if another call has claimed or finished the id meanwhile.
   *
   * A marker that has expired is replaced as well, if no other call has claimed the id.
   */
  readonly finish: (
    consumer: string,
    claim: OutsideClaim,
    result: string | undefined
  ) => Effect.Effect<boolean, StoreFailure>
  /** Deletes the in-progress marker of this owner, so that another call can claim the id at once. */
  readonly release: (consumer: string, claim: OutsideClaim) => Effect.Effect<void, StoreFailure>
}
