/**
 * Looks at the settings of a Redis server by which it may forget what it has confirmed, and warns about each one.
 *
 * Managed servers may refuse to show their settings. Then one line says so, and nothing else changes.
 */
import * as Effect from "effect/Effect"
import type { Redis } from "effect/persistence/Redis"
import type { StoreFailure } from "../Errors.ts"
import { bounded, detailOf } from "./RedisFailure.ts"

/** The settings that decide about forgetting, as `CONFIG GET` names them. */
type Settings = Readonly<Record<string, string>>

/** The records that the server may forget. */
export type Kept = "ids" | "messages"

/** Returns a sentence for each setting by which the server may forget a record. */
export const warnings = (settings: Settings, kept: Kept = "ids"): ReadonlyArray<string> => {
  const { appendfsync, appendonly } = settings
  const policy = settings["maxmemory-policy"]
  return [
    ...(appendonly === "no"
      ? [
        `Redis has no append-only file (appendonly no): a crash forgets all ${kept} since its last snapshot. Set it to yes.`
      ]
      : appendfsync !== undefined && appendfsync !== "always"
      ? [
        `Redis writes to disk later than it answers (appendfsync ${appendfsync}): a crash forgets the last ${kept}. `
        + (kept === "ids"
          ? "Set it to always if an effect must not happen again."
          : "Set it to always if no message may be lost.")
      ]
      : []),
    ...(policy !== undefined && policy !== "noeviction"
      ? [
        `Redis evicts keys when its memory is full (maxmemory-policy ${policy}): it may forget ${kept}. Set it to noeviction.`
      ]
      : [])
  ]
}

/** Reads the settings of a response, which is a list of names and values, or an object, depending on the protocol. */
const settingsOf = (answer: unknown): Settings => {
  if (!Array.isArray(answer)) return typeof answer === "object" && answer !== null ? { ...answer } as Settings : {}
  const pairs: Record<string, string> = {}
  for (let i = 0; i + 1 < answer.length; i += 2) pairs[String(answer[i])] = String(answer[i + 1])
  return pairs
}

/** Warns about settings of this server. Fails if the server does not answer at all. */
export const warn = Effect.fnUntraced(function*(
  redis: Redis["Service"],
  requestMillis: number,
  kept: Kept = "ids"
): Effect.fn.Return<void, StoreFailure> {
  yield* bounded("start", requestMillis, redis.send("PING"))
  const asked = ["appendonly", "appendfsync", "maxmemory-policy"]
  const settings = yield* Effect.forEach(asked, (name) => redis.send("CONFIG", "GET", name)).pipe(
    Effect.timeout(requestMillis),
    Effect.map((answers) => Object.assign({}, ...answers.map(settingsOf)) as Settings),
    Effect.catch((error) =>
      Effect.as(
        Effect.logInfo(
          "The settings of Redis could not be read, so nothing is known about what it may forget: "
            + detailOf(error._tag === "RedisError" ? error.cause : error)
        ),
        {}
      )
    )
  )
  for (const warning of warnings(settings, kept)) yield* Effect.logWarning(warning)
})
