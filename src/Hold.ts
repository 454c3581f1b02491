/**
 * A key's pause. While it lasts none of the key's messages is handled, so that order is kept across retries; no other
 * key waits. It ends at a time (a delayed retry), or when a person has decided (a parked key).
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"

/**
 * How long a key pauses. The transport's clock counts the delay, never the worker's.
 *
 * @since 0.1.0
 */
export type Hold =
  | { readonly _tag: "Delayed"; readonly delay: Duration.Duration }
  | { readonly _tag: "Parked" }

/**
 * A pause until a delay has passed.
 *
 * @since 0.1.0
 */
export const delayed = (delay: Duration.Duration): Hold => ({ _tag: "Delayed", delay })

/**
 * A pause until a person redrives or discards the dead letter at its head.
 *
 * @since 0.1.0
 */
export const parked: Hold = { _tag: "Parked" }
