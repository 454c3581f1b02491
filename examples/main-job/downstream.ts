/**
 * The service that the pipeline asks before it commits: how many people follow a source. Ours is simulated and has the
 * weather of the run: it fails as `weather.ts` says, by the number of the attempt, and so in the same way in every run.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { pick } from "./dice.ts"
import type { Webhook } from "./topics.ts"
import * as Weather from "./weather.ts"

/** The service is down for a moment: worth another attempt. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", { status: Schema.Int }) {
  override get message() {
    return `The followers service answered ${this.status}.`
  }
}

/** The service asks for a pause, and says how long; Millrace does what `retryAfter` says. */
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
  /** How many people follow the webhook's source. `attempt` is 1 for the first one. */
  readonly of: (webhook: Webhook, attempt: number) => Effect.Effect<number, Unavailable | TooManyRequests | Blocked>
}>()("main-job/Followers") {}

/** The service in the weather of a seed. */
export const layer = (seed: number): Layer.Layer<Followers> =>
  Layer.succeed(Followers, {
    of: (webhook, attempt) => {
      const weather = Weather.of(seed, webhook.delivery)
      switch (weather._tag) {
        case "Shower":
          return attempt <= weather.failures ? new Unavailable({ status: 503 }) : followers(seed, webhook)
        case "Throttled":
          return attempt === 1 ? new TooManyRequests({ retryAfter: "1500 millis" }) : followers(seed, webhook)
        case "Refused":
          return new Blocked({ source: webhook.source })
        case "Hopeless":
          return new Unavailable({ status: 500 })
        default:
          return followers(seed, webhook)
      }
    }
  })

const followers = (seed: number, webhook: Webhook) => Effect.succeed(pick(1_000, seed, "followers", webhook.source))
