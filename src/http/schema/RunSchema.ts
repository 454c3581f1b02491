/**
 * Previews and redrive runs, as JSON.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Count, Id, maybe, Name, note, Reason, Time } from "./Answer.ts"
import { BoundedCount, State } from "./DeadLetterSchema.ts"

/**
 * A filter as the store keeps it.
 *
 * @since 0.1.0
 */
export const Filter = Schema.Struct({
  consumer: maybe(Schema.String),
  state: maybe(State),
  reason: maybe(Reason),
  topic: maybe(Schema.String),
  key: maybe(Schema.String),
  id: maybe(Schema.String),
  fingerprint: maybe(Schema.Union([Schema.String, Schema.Array(Schema.String)])),
  tag: maybe(Schema.String),
  since: maybe(Time),
  until: maybe(Time)
})

const StopRule = Schema.Struct({ inARow: Schema.Finite, ofLast20: Schema.Finite })

/**
 * A preview of a redrive or a discard. `preview` names its frozen set for 10 minutes.
 *
 * @since 0.1.0
 */
export const Preview = Schema.Struct({
  preview: Schema.String,
  expiresAt: Time,
  consumer: Schema.String,
  filter: Filter,
  deadLetters: Count,
  keys: Schema.Finite,
  parkedKeys: Schema.Finite,
  firstAt: maybe(Time),
  lastAt: maybe(Time),
  diedOn: Schema.Array(Schema.String),
  runningNow: Schema.Array(Schema.String),
  upTo: maybe(Schema.String),
  rate: Schema.Finite,
  warnings: Schema.Array(Schema.Struct({
    about: Schema.Literals(["orderGone", "sameVersion", "noWorker", "paused", "runOpen"]),
    sentence: Schema.String
  }))
})

/**
 * The start of a redrive run. An absent field has the default of `Operations.startRedrive`.
 *
 * @since 0.1.0
 */
export const StartRun = Schema.Struct({
  preview: Name,
  /** Dead letters a second: above 0, at most 10,000. */
  rate: Schema.optionalKey(Schema.Finite),
  /** The sizes of the first stages. Default `[1, 10]`. */
  stages: Schema.optionalKey(Schema.Array(Schema.Finite)),
  /** Whether the run waits for an operator after its first stage. Default false. */
  askAfterFirst: Schema.optionalKey(Schema.Boolean),
  stopRule: Schema.optionalKey(
    Schema.Struct({ inARow: Schema.optionalKey(Schema.Finite), ofLast20: Schema.optionalKey(Schema.Finite) })
  ),
  ...note
})

/**
 * A redrive run. `etag` is the value for `If-Match`.
 *
 * @since 0.1.0
 */
export const Run = Schema.Struct({
  id: Schema.String,
  consumer: Schema.String,
  filter: Filter,
  upTo: Schema.String,
  state: Schema.Literals(["running", "waiting", "paused", "stopped", "cancelled", "finished"]),
  stopped: maybe(Schema.Struct({
    by: Schema.Literals(["inARow", "ofLast20", "stage", "copied"]),
    fingerprint: Schema.String,
    sentence: Schema.String
  })),
  rate: Schema.Finite,
  stages: Schema.Array(Schema.Finite),
  stage: Schema.Finite,
  askAfterFirst: Schema.Boolean,
  stopRule: StopRule,
  deadLetters: Count,
  redriven: Schema.Finite,
  committed: Schema.Finite,
  duplicate: Schema.Finite,
  failedAgain: Schema.Finite,
  waiting: Schema.Finite,
  untouched: Count,
  leftMillis: maybe(Schema.Finite),
  startedBy: Schema.String,
  startedAt: Time,
  note: Schema.String,
  changedBy: Schema.String,
  changedAt: Time,
  revision: Schema.Finite,
  etag: Schema.String
})

/**
 * The messages of a queue that a purge would delete. `preview` names them for 10 minutes.
 *
 * @since 0.1.0
 */
export const PurgePreview = Schema.Struct({
  preview: Schema.String,
  expiresAt: Time,
  consumer: Schema.String,
  messages: Schema.Finite,
  redriven: Schema.Finite,
  oldestAt: maybe(Time)
})

/**
 * The progress of a discard of a frozen set. Repeat the request while `more` is true.
 *
 * @since 0.1.0
 */
export const Discarded = Schema.Struct({ discarded: Schema.Finite, more: Schema.Boolean })

/**
 * The open dead letters that matched a filter at one moment. `set` names them for 10 minutes.
 *
 * @since 0.1.0
 */
export const FrozenSet = Schema.Struct({
  set: Schema.String,
  expiresAt: Time,
  filter: Filter,
  deadLetters: BoundedCount
})

/**
 * The next dead letters of a frozen set to discard: the oldest ones behind `after`.
 *
 * @since 0.1.0
 */
export const DiscardSome = Schema.Struct({
  /** The last id of the answer before. Absent at the first request. */
  after: Schema.optionalKey(Id),
  most: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100 })),
  ...note
})

/**
 * The dead letters that one request discarded, oldest first. Those that another operator decided about are left out.
 *
 * @since 0.1.0
 */
export const DiscardedSome = Schema.Struct({ deadLetterIds: Schema.Array(Schema.String), more: Schema.Boolean })
