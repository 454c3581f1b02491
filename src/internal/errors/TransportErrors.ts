/**
 * What a transport fails with: a request of its own, or a subscription that cannot go on. Neither loses a message, and neither counts an
 * attempt.
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
    return `${this.engine} could not ${this.operation}: ${this.detail}. No message was lost. `
      + (this.kind === "temporary"
        ? "It is tried again."
        : "This does not pass by itself: fix it, then start the worker again.")
  }
}

/**
 * A subscription is over, because its server lost its recent memory: a crash, a failover, or a restored copy. A place in the queue, a
 * token or a number may name something else now, so nothing that was handed out before can be committed. Open another subscription.
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
