/**
 * Errors of a transport: a failed request, a publish that a broker did not take as a whole, and a subscription that
 * cannot continue. None of them loses a message.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A transport's request failed. Temporary failures are tried again with backoff; a permanent one stops the worker.
 *
 * @since 0.1.0
 */
export class TransportError extends Schema.TaggedError<TransportError>("millrace/TransportError")("TransportError", {
  engine: Schema.String,
  operation: Schema.String,
  kind: Schema.Literals(["temporary", "permanent"]),
  detail: Schema.String
}) {
  override get message() {
    return `${this.engine} could not ${this.operation}: ${this.detail}. `
      + (this.kind === "temporary"
        ? "No message was lost. It is tried again."
        : "Nothing was acknowledged. This does not pass by itself: fix it, then start the worker again.")
  }
}

/**
 * A broker did not take all of these messages. A message that is not named here is stored.
 *
 * - `refused`: the broker, or the check before it, refuses this message at every attempt.
 * - `notStored`: the message was not stored, and the same publish may succeed later.
 * - `unknown`: the broker did not answer. Publish the message again under the same id.
 *
 * @since 0.1.0
 */
export class PublishFailed extends Schema.TaggedError<PublishFailed>("millrace/PublishFailed")("PublishFailed", {
  engine: Schema.String,
  failed: Schema.Array(Schema.Struct({
    id: Schema.String,
    outcome: Schema.Literals(["refused", "notStored", "unknown"]),
    detail: Schema.String
  }))
}) {
  override get message() {
    const [first] = this.failed
    return `${this.engine} did not take ${this.failed.length} messages, the first of them ${
      JSON.stringify(first?.id.slice(0, 64))
    } (${first?.outcome}): ${first?.detail}. No message was lost: the others are stored. Publish these again under the same ids, `
      + `and correct those that are refused.`
  }
}

/**
 * A relay cannot publish a message, because the other engine refuses it at every attempt. The message becomes a dead
 * letter of the relay.
 *
 * @since 0.1.0
 */
export class RelayRefused extends Schema.TaggedError<RelayRefused>("millrace/RelayRefused")("RelayRefused", {
  engine: Schema.String,
  topic: Schema.String,
  id: Schema.String,
  detail: Schema.String
}) {
  /** No further attempt can succeed. */
  readonly retryable = false
  override get message() {
    return `${this.engine} refuses message ${
      JSON.stringify(this.id.slice(0, 64))
    } of topic "${this.topic}": ${this.detail}. `
      + `Nothing was published for it. Correct it in an edited redrive, or discard its dead letter.`
  }
}

/**
 * A subscription is over because its server lost recent data: it crashed, failed over, or was restored from a copy. A
 * position or a fencing token from before may now belong to other data, so no delivery of this subscription can be
 * committed. The worker opens another subscription.
 *
 * @since 0.1.0
 */
export class SubscriptionLost extends Schema.TaggedError<SubscriptionLost>("millrace/SubscriptionLost")(
  "SubscriptionLost",
  {
    consumer: Schema.String,
    reason: Schema.String
  }
) {
  override get message() {
    return `The subscription of consumer "${this.consumer}" is over: ${this.reason}. Nothing was committed since of what it had handed out, `
      + `and no attempt is counted. It is tried again: the worker opens another subscription and reads its messages again.`
  }
}
