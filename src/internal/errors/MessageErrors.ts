/**
 * Errors of a message's content: it was refused at publish, cannot be read from a broker, or does not decode.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A message was refused at publish: nothing was stored.
 *
 * @since 0.1.0
 */
export class InvalidMessage extends Schema.TaggedError<InvalidMessage>("millrace/InvalidMessage")("InvalidMessage", {
  topic: Schema.String,
  /** The id, cut to 64 characters. */
  id: Schema.String,
  field: Schema.String,
  problem: Schema.String,
  hint: Schema.String
}) {
  override get message() {
    return `Message ${
      JSON.stringify(this.id)
    } of topic "${this.topic}" was refused: its ${this.field} ${this.problem}. `
      + `Nothing was published. ${this.hint}`
  }
}

/**
 * A message that came from a broker cannot be read. It has no usable id, its payload is no text, or an attribute breaks
 * the rules of CloudEvents.
 *
 * @since 0.1.0
 */
export class UnreadableMessage
  extends Schema.TaggedError<UnreadableMessage>("millrace/UnreadableMessage")("UnreadableMessage", {
    /** The id that the broker gave the message. */
    brokerId: Schema.String,
    /** The part that is wrong: `id`, `key`, `payload`, `topic`, or the name of an attribute. */
    field: Schema.String,
    problem: Schema.String,
    hint: Schema.String
  })
{
  override get message() {
    return `A message from a broker (${
      JSON.stringify(this.brokerId)
    }) cannot be read: its ${this.field} ${this.problem}. `
      + `Nothing was run for it. ${this.hint}`
  }
}

/**
 * A value does not fit its topic's Schema, so it could not be encoded: nothing was stored.
 *
 * @since 0.1.0
 */
export class EncodeFailed extends Schema.TaggedError<EncodeFailed>("millrace/EncodeFailed")("EncodeFailed", {
  topic: Schema.String,
  issue: Schema.String
}) {
  override get message() {
    return `A value for topic "${this.topic}" does not fit its schema: ${this.issue}. Nothing was published. `
      + `Publish a value of the topic's type.`
  }
}

/**
 * A stored payload does not decode with its topic's Schema: the message becomes a dead letter `undecodable`.
 *
 * @since 0.1.0
 */
export class DecodeFailed extends Schema.TaggedError<DecodeFailed>("millrace/DecodeFailed")("DecodeFailed", {
  topic: Schema.String,
  id: Schema.String,
  version: Schema.Number,
  issue: Schema.String,
  /** Where, and what kind of issue: `$.lines[*].cents InvalidType`. Part of the failure's fingerprint. */
  where: Schema.String
}) {
  override get message() {
    return `Message ${
      JSON.stringify(this.id)
    } of topic "${this.topic}" (version ${this.version}) does not decode: ${this.issue}. `
      + `Its payload is kept in the dead letter. Deploy code that reads it, then redrive it; or discard it.`
  }
}
