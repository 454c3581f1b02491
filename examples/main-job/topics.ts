/**
 * The two topics of this program: webhooks as the sender delivers them, and a notification for each applied webhook.
 */
import { Schema } from "effect"
import { Topic } from "millrace"

/** One webhook delivery. The payload is JSON as GitHub posts it, different for each kind. */
export class Webhook extends Schema.Class<Webhook>("Webhook")({
  /** GitHub's `X-GitHub-Delivery`: a redelivery carries the same one. */
  delivery: Schema.String.check(Schema.isUUID()),
  /** GitHub's `X-GitHub-Event`: `issues`, `push`, ... */
  kind: Schema.NonEmptyString,
  /** Its repository's full name, or the account's login for a webhook of a whole account. */
  source: Schema.NonEmptyString,
  /** The sender's own count of the source's deliveries, from 1. The reconciliation checks the order with it. */
  position: Schema.Int.check(Schema.isGreaterThan(0)),
  payload: Schema.JsonObject
}) {}

export const Webhooks = Topic.make("webhooks", {
  schema: Webhook,
  key: (webhook) => webhook.source,
  id: (webhook) => webhook.delivery
})

/**
 * The same topic with a wrong Schema, as a sender with a bug would define it.
 *
 * Its messages are published like others, and do not decode in a pipeline that reads `Webhooks`.
 */
export const CarelessWebhooks = Topic.make("webhooks", {
  schema: Schema.Struct({
    delivery: Schema.String,
    kind: Schema.String,
    source: Schema.String,
    position: Schema.Int,
    payload: Schema.String
  }),
  key: (webhook) => webhook.source,
  id: (webhook) => webhook.delivery
})

/** The notification of a source's subscribers. `Pipeline.emit` derives its id from the webhook's. */
export class Notification extends Schema.Class<Notification>("Notification")({
  delivery: Schema.String,
  source: Schema.String,
  /** Its place in the source's projection. */
  sequence: Schema.Int,
  text: Schema.String,
  followers: Schema.Int
}) {}

export const Notifications = Topic.make("notifications", {
  schema: Notification,
  key: (notification) => notification.source
})
