/**
 * The limits of `status --fail-on`, for cron and for checks of a deploy.
 */
import * as Effect from "effect/Effect"
import type { ConsumerFacts } from "../../ops/ConsumerFacts.ts"
import { showMillis } from "../../ops/Fact.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { millisOf } from "../output/Times.ts"

/** A fact that may have a limit: its value for a consumer, and how the value is shown. */
const facts: Readonly<Record<string, { of: (facts: ConsumerFacts) => number; show: (value: number) => string }>> = {
  lag: { of: ({ lag }) => lag.millis, show: showMillis },
  waiting: { of: ({ waiting }) => waiting.value, show: String },
  dead: { of: ({ deadLetters }) => deadLetters.value, show: String },
  parked: { of: ({ parkedKeys }) => parkedKeys.value, show: String },
  delayed: { of: ({ delayedKeys }) => delayedKeys.value, show: String },
  paused: { of: ({ paused }) => paused === undefined ? 0 : 1, show: String },
  "free-lanes": { of: ({ freeLanes }) => freeLanes, show: String }
}

export interface Limit {
  readonly fact: string
  readonly most: number
}

const refusal = (part: string): CliFailure =>
  new CliFailure({
    reason: "usage",
    type: "usage",
    message: `--fail-on has ${JSON.stringify(part)}, which is no limit. `
      + `Use name=value for ${Object.keys(facts).join(", ")}, for example: --fail-on lag=60s,dead=0,parked=0.`
  })

/** Returns the limits of `lag=60s,dead=0`. */
export const parse = (text: string): Effect.Effect<ReadonlyArray<Limit>, CliFailure> =>
  Effect.forEach(text.split(","), (part) => {
    const [fact = "", value = "", ...more] = part.split("=")
    const most = fact === "lag" ? millisOf(value) : /^\d{1,9}$/.test(value) ? Number(value) : undefined
    return !Object.hasOwn(facts, fact) || most === undefined || more.length > 0
      ? Effect.fail(refusal(part))
      : Effect.succeed({ fact, most })
  })

/** Returns a sentence for each limit that a consumer is above. */
export const crossed = (consumers: ReadonlyArray<ConsumerFacts>, limits: ReadonlyArray<Limit>): ReadonlyArray<string> =>
  consumers.flatMap((consumer) =>
    limits.flatMap(({ fact, most }) => {
      const { of, show: shown } = facts[fact]!
      const value = of(consumer)
      return value > most
        ? [`${JSON.stringify(consumer.consumer)}: ${fact} is ${shown(value)}, and the limit is ${shown(most)}.`]
        : []
    })
  )

/** Fails with exit code 8 if a limit is crossed. */
export const check = (sentences: ReadonlyArray<string>): Effect.Effect<void, CliFailure> =>
  sentences.length === 0 ? Effect.void : Effect.fail(
    new CliFailure({
      reason: "checkFailed",
      type: "check-failed",
      message: sentences.join("\n"),
      fields: { crossed: sentences }
    })
  )
