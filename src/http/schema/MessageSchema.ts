/**
 * Messages in the queue, held keys, and what is known about a message id, as JSON.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Count, Failure, maybe, Time } from "./Answer.ts"
import { AuditEntry } from "./AuditSchema.ts"
import { DeadLetterItem, envelope, Trace } from "./DeadLetterSchema.ts"

/**
 * A held key, with what waits behind it.
 *
 * @since 0.1.0
 */
export const StuckKey = Schema.Struct({
  consumer: Schema.String,
  key: Schema.String,
  lane: Schema.Finite,
  retryAt: maybe(Time),
  parked: Schema.Boolean,
  paused: maybe(Schema.Struct({ by: Schema.String, at: Time })),
  behind: Count,
  oldestAt: maybe(Time),
  deadLetter: maybe(Schema.Struct({
    id: Schema.String,
    fingerprint: Schema.String,
    tag: Schema.String,
    diedAt: Time
  })),
  lastFailure: maybe(Failure)
})

/**
 * A message in a queue.
 *
 * @since 0.1.0
 */
export const WaitingMessage = Schema.Struct({
  id: Schema.String,
  topic: Schema.String,
  key: Schema.String,
  lane: Schema.Finite,
  /** Its place in the lane. */
  place: Schema.String,
  publishedAt: Time,
  attempts: Schema.Finite,
  crashCount: Schema.Finite,
  /** How often it was redriven. */
  redriven: Schema.Finite,
  held: Schema.Boolean,
  /** `inFlight`: a worker has read it. `due`: the hold of its key is over. */
  state: Schema.Literals(["inFlight", "held", "due", "waiting"]),
  /** The live worker that owns its lane. */
  worker: maybe(Schema.String)
})

/**
 * A key of a consumer: its hold, its open dead letters, and the first messages that wait.
 *
 * @since 0.1.0
 */
export const KeyDetail = Schema.Struct({
  consumer: Schema.String,
  key: Schema.String,
  /** Absent if the key is not held. */
  held: maybe(StuckKey),
  deadLetters: Schema.Array(DeadLetterItem),
  /** In the order in which they will be processed, at most 20. */
  waiting: Schema.Array(WaitingMessage)
})

/**
 * The message that an advance let through.
 *
 * @since 0.1.0
 */
export const KeyAdvance = Schema.Struct({ messageId: Schema.String, deadLetterId: maybe(Schema.String) })

const Hold = Schema.Struct({
  parked: Schema.Boolean,
  retryAt: maybe(Time),
  pausedBy: maybe(Schema.String),
  deadLetter: maybe(Schema.Struct({ id: Schema.String, messageId: Schema.String, tag: Schema.String })),
  retried: maybe(Schema.Struct({ messageId: Schema.String, lastFailure: maybe(Failure) }))
})

const FoundAt = Schema.Struct({
  consumer: Schema.String,
  state: Schema.Literals(["committed", "waiting", "held", "dead", "redriving", "discarded"]),
  settledAt: maybe(Time),
  queue: maybe(Schema.Struct({
    topic: Schema.String,
    key: Schema.String,
    lane: Schema.Finite,
    place: Schema.String,
    publishedAt: Time,
    attempts: Schema.Finite,
    crashCount: Schema.Finite,
    worker: maybe(Schema.String)
  })),
  hold: maybe(Hold),
  deadLetters: Schema.Array(DeadLetterItem)
})

/**
 * Everything that is known about a message id.
 *
 * @since 0.1.0
 */
export const Found = Schema.Struct({
  id: Schema.String,
  sentences: Schema.Array(Schema.String),
  known: Schema.Boolean,
  consumers: Schema.Array(FoundAt),
  delayed: Schema.Array(Schema.Struct({ topic: Schema.String, key: Schema.String, dueAt: Time })),
  unrouted: Schema.Array(Schema.Struct({ topic: Schema.String, key: Schema.String, publishedAt: Time })),
  audit: Schema.Array(AuditEntry),
  searchedAll: Schema.Boolean
})

/**
 * A message where it is stored, perhaps with its payload.
 *
 * @since 0.1.0
 */
export const StoredMessage = Schema.Struct({
  /** `delayed`: it is not due. `unrouted`: no consumer reads its topic. The others are those of the queue. */
  state: Schema.Literals(["inFlight", "held", "due", "waiting", "delayed", "unrouted"]),
  /** The consumer in whose queue it is. Absent if it is in no queue. */
  consumer: maybe(Schema.String),
  /** `payload` is absent if the server shows payloads only on request: `?payload=true`. */
  message: Schema.Struct({ ...envelope, payload: maybe(Schema.String) }),
  /** When it is due, or when the retry that its key waits for is due. */
  dueAt: maybe(Time),
  /** The name under which a delayed message can be replaced and cancelled. */
  name: maybe(Schema.String),
  lane: maybe(Schema.Finite),
  /** How many messages of its key stand before it. */
  ahead: maybe(Count),
  attempts: Schema.Array(Failure),
  crashCount: Schema.Finite,
  redriven: Schema.Finite,
  /** The live worker that owns its lane. */
  worker: maybe(Schema.String),
  hold: maybe(Hold),
  /** Absent if the message has no `traceparent` header. */
  trace: maybe(Trace),
  /** Paths of values that the server hides. */
  hidden: Schema.Array(Schema.String)
})

/**
 * The places where messages with one id are stored.
 *
 * @since 0.1.0
 */
export const StoredMessages = Schema.Struct({
  id: Schema.String,
  messages: Schema.Array(StoredMessage),
  /** They also say whether it is committed or dead. */
  sentences: Schema.Array(Schema.String),
  searchedAll: Schema.Boolean
})

/**
 * Messages that are in no queue, by topic: those that are not due, and those that no consumer reads.
 *
 * @since 0.1.0
 */
export const Elsewhere = Schema.Struct({
  delayed: Schema.Array(Schema.Struct({ topic: Schema.String, messages: Count, nextAt: Time })),
  unrouted: Schema.Array(Schema.Struct({ topic: Schema.String, messages: Count, firstAt: Time, lastAt: Time }))
})
