/**
 * The two kinds of message of this program, and what they promise: a webhook as the sender delivers it, and the
 * notification that each applied webhook causes.
 */
import { Schema } from "effect"
import { Topic } from "millrace"

/** One webhook delivery. The payload is whatever GitHub posts: JSON, different for each kind. */
export class Webhook extends Schema.Class<Webhook>("Webhook")({
  /** GitHub's `X-GitHub-Delivery`: a redelivery carries the same one. */
  delivery: Schema.String.check(Schema.isUUID()),
  /** GitHub's `X-GitHub-Event`: `issues`, `push`, ... */
  kind: Schema.NonEmptyString,
  /** Where it happened: a repository's full name, or the account's login for what happens to an account as a whole. */
  source: Schema.NonEmptyString,
  /** 1 for the first delivery of its source, and so on: the sender's own count, with which order is checked at the end. */
  position: Schema.Int.check(Schema.isGreaterThan(0)),
  payload: Schema.JsonObject
}) {}

export const Webhooks = Topic.make("webhooks", {
  schema: Webhook,
  key: (webhook) => webhook.source,
  id: (webhook) => webhook.delivery
})

/**
 * The same topic as a sender sees it whose code went wrong: nothing checks what it puts into the payload. What it
 * publishes travels like every other message, and does not decode where `Webhooks` is read.
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

/** What subscribers of a source are told. It has no id of its own: it is made from the webhook's, once. */
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
