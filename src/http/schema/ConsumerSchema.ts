/**
 * The facts about consumers, lanes, workers and their series, as JSON.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Count, maybe, Time } from "./Answer.ts"
import { Blocker } from "./DatabaseSchema.ts"

/** An operator's pause. Without `until` only an operator ends it. */
const pause = { by: Schema.String, at: Time, note: Schema.String, until: maybe(Time) }

/**
 * The reason why a queue lags.
 *
 * @since 0.1.0
 */
export const LagCause = Schema.Union([
  Schema.TaggedStruct("Empty", {}),
  Schema.TaggedStruct("Paused", pause),
  Schema.TaggedStruct("NoWorker", {}),
  Schema.TaggedStruct("CommitWaits", { blocker: Blocker }),
  Schema.TaggedStruct("AllHeld", { parked: Count, delayed: Count }),
  Schema.TaggedStruct("FreeLanes", { free: Schema.Finite, lanes: Schema.Finite }),
  Schema.TaggedStruct("OneKey", { key: Schema.String, share: Schema.Finite }),
  Schema.TaggedStruct("Growing", { perSecond: Schema.Finite }),
  Schema.TaggedStruct("Draining", { millis: Schema.Finite }),
  Schema.TaggedStruct("Waiting", {})
])

/**
 * A consumer with its queue.
 *
 * @since 0.1.0
 */
export const Consumer = Schema.Struct({
  consumer: Schema.String,
  topics: Schema.Array(Schema.String),
  lanes: Schema.Finite,
  order: Schema.Literals(["continue", "park"]),
  registeredAt: Time,
  paused: maybe(Schema.Struct(pause)),
  waiting: Count,
  oldestAt: maybe(Time),
  rates: Schema.Struct({ inPerSecond: maybe(Schema.Finite), outPerSecond: maybe(Schema.Finite) }),
  delayedKeys: Count,
  parkedKeys: Count,
  pausedKeys: Count,
  deadLetters: Count,
  redriving: Count,
  workers: Schema.Finite,
  codeVersions: Schema.Array(Schema.String),
  ownedLanes: Schema.Finite,
  freeLanes: Schema.Finite,
  lag: Schema.Struct({ millis: Schema.Finite, cause: LagCause, sentence: Schema.String })
})

/**
 * A lane of a queue.
 *
 * @since 0.1.0
 */
export const Lane = Schema.Struct({
  lane: Schema.Finite,
  owner: maybe(Schema.Struct({ worker: Schema.String, leaseUntil: Time })),
  deadOwner: maybe(Schema.String),
  waiting: Count,
  oldestAt: maybe(Time),
  alone: Schema.Boolean
})

/**
 * A worker that lives, or that died within the last hour.
 *
 * @since 0.1.0
 */
export const Worker = Schema.Struct({
  consumer: Schema.String,
  worker: Schema.String,
  codeVersion: Schema.String,
  startedAt: Time,
  aliveUntil: Time,
  alive: Schema.Boolean,
  lanes: Schema.Finite
})

/**
 * A message that was in flight when a worker died.
 *
 * @since 0.1.0
 */
export const Suspect = Schema.Struct({
  consumer: Schema.String,
  id: Schema.String,
  topic: Schema.String,
  key: Schema.String,
  lane: Schema.Finite,
  crashCount: Schema.Finite,
  crashedAlone: Schema.Boolean,
  inEveryCrash: Schema.Boolean,
  publishedAt: Time,
  worker: maybe(Schema.String)
})

/**
 * One point of a consumer's series.
 *
 * @since 0.1.0
 */
export const Point = Schema.Struct({
  at: Time,
  seconds: Schema.Literals([10, 60]),
  waiting: Count,
  lagMillis: Schema.Finite,
  delayedKeys: Schema.Finite,
  parkedKeys: Schema.Finite,
  deadLetters: Count,
  committed: Schema.Finite,
  duplicates: Schema.Finite,
  dead: Schema.Finite,
  retried: Schema.Finite
})
