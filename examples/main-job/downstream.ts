/**
 * The service that the pipeline calls before it commits. It returns the number of followers of a source.
 *
 * It is simulated. It fails as `faultPlan.ts` says, by the number of the attempt, so it fails alike in every run.
 */
import { Context, Effect, Layer, Schema } from "effect"
import * as Fault from "./faultPlan.ts"
import { pick } from "./seeded.ts"
import type { Webhook } from "./topics.ts"

/** The service is down for a moment, so another attempt may succeed. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { status: Schema.Int }) {
  override get message() {
    return `The followers service answered ${this.status}.`
  }
}

/** The service asks for a pause. Millrace uses `retryAfter` as the delay. */
export class TooManyRequests extends Schema.TaggedError<TooManyRequests>()("TooManyRequests", {
  retryAfter: Schema.String
}) {
  override get message() {
    return `The followers service asks for a pause of ${this.retryAfter}.`
  }
}

/** The service will never answer for this source: `retryable: false` sends the message to the dead letters at once. */
export class Blocked extends Schema.TaggedError<Blocked>()("Blocked", { source: Schema.String }) {
  readonly retryable = false
  override get message() {
    return `The followers service refuses to answer for ${this.source}.`
  }
}

export class Followers extends Context.Service<Followers, {
  /** Returns the number of followers of the webhook's source. `attempt` is 1 for the first one. */
  readonly of: (webhook: Webhook, attempt: number) => Effect.Effect<number, Unavailable | TooManyRequests | Blocked>
}>()("main-job/Followers") {}

/** The service with the faults of a seed. */
export const layer = (seed: number): Layer.Layer<Followers> =>
  Layer.succeed(Followers, {
    of: (webhook, attempt) => {
      const fault = Fault.of(seed, webhook.delivery)
      switch (fault._tag) {
        case "Unavailable":
          return attempt <= fault.failures ? new Unavailable({ status: 503 }) : followers(seed, webhook)
        case "Throttled":
          return attempt === 1 ? new TooManyRequests({ retryAfter: "1500 millis" }) : followers(seed, webhook)
        case "Refused":
          return new Blocked({ source: webhook.source })
        case "AlwaysFails":
          return new Unavailable({ status: 500 })
        default:
          return followers(seed, webhook)
      }
    }
  })

const followers = (seed: number, webhook: Webhook) => Effect.succeed(pick(1_000, seed, "followers", webhook.source))
