/**
 * The headers of a request that changes something.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * `If-Match`: the ETag that the operator saw. Without it the answer is 428, and with an older one 412.
 *
 * @since 0.1.0
 */
export const ifMatch = { "if-match": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(256))) }

/**
 * `Idempotency-Key`: a text that is new for each intention of the operator. The same request with the same key has one
 * effect. For 24 hours the answer is that of the first one, with the header `Idempotency-Replayed: true`.
 *
 * @since 0.1.0
 */
export const idempotency = {
  "idempotency-key": Schema.optionalKey(Schema.String.check(Schema.isMinLength(1), Schema.isMaxLength(255)))
}
