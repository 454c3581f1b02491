/**
 * The hold of a key. While it lasts, none of the key's messages is processed, so that order is kept across retries.
 * Other keys continue. A hold ends after a delay (a retry), or when an operator decides about a dead letter (a parked
 * key).
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"

/**
 * The length of a hold. The delay is counted on the transport's clock, and never on the worker's.
 *
 * @since 0.1.0
 */
export type Hold =
  | { readonly _tag: "Delayed"; readonly delay: Duration.Duration }
  | { readonly _tag: "Parked" }

/**
 * Makes a hold that ends after a delay.
 *
 * @since 0.1.0
 */
export const delayed = (delay: Duration.Duration): Hold => ({ _tag: "Delayed", delay })

/**
 * A hold until an operator redrives, discards or releases the dead letter at the head of the key.
 *
 * @since 0.1.0
 */
export const parked: Hold = { _tag: "Parked" }
