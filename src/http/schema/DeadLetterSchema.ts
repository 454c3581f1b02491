/**
 * Dead letters, failure groups and edits, as JSON.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Count, Failure, Id, Instant, maybe, Name, Reason, Text, Time } from "./Answer.ts"

/**
 * The state of a dead letter.
 *
 * @since 0.1.0
 */
export const State = Schema.Literals(["open", "redriving", "resolved", "discarded"])

/**
 * The fields of a message beside its payload.
 *
 * @since 0.1.0
 */
export const envelope = {
  id: Schema.String,
  topic: Schema.String,
  key: Schema.String,
  keyed: Schema.Boolean,
  headers: Schema.Record(Schema.String, Schema.String),
  version: Schema.Finite,
  publishedAt: Time
}

/**
 * The trace of a message with a `traceparent` header. `url` is there if the server has the address of a tracing system.
 *
 * @since 0.1.0
 */
export const Trace = Schema.Struct({ traceId: Schema.String, url: maybe(Schema.String) })

/** The fields of a dead letter beside its message and attempts. */
const fields = {
  id: Schema.String,
  consumer: Schema.String,
  reason: Reason,
  state: State,
  /** Whether its key is parked behind it. */
  parked: Schema.Boolean,
  retriedMillis: Schema.Finite,
  tag: Schema.String,
  fingerprint: Schema.String,
  /** How often it was redriven. */
  redriven: Schema.Finite,
  diedAt: Time,
  /** The operator that last changed the state. Empty if no operator did. */
  changedBy: Schema.String,
  changedAt: Time
}

/**
 * A dead letter in a list: without its payload, and with its last attempt only.
 *
 * @since 0.1.0
 */
export const DeadLetterItem = Schema.Struct({
  ...fields,
  message: Schema.Struct(envelope),
  /** The number of failed attempts, across redrives. */
  attempts: Schema.Finite,
  /** The first line of the last error. */
  error: Schema.String,
  /** The value for `If-Match`. */
  etag: Schema.String
})

/**
 * A whole dead letter. `payload` and `original` are the stored JSON texts, so a number of any size stays exact.
 *
 * @since 0.1.0
 */
export const DeadLetter = Schema.Struct({
  ...fields,
  /** `payload` is absent if the server shows payloads only on request: `GET /dead-letters/{id}/payload`. */
  message: Schema.Struct({ ...envelope, payload: maybe(Schema.String) }),
  /** The published payload, if an operator has edited it. */
  original: maybe(Schema.String),
  attempts: Schema.Array(Failure),
  /** Absent if the message has no `traceparent` header. */
  trace: maybe(Trace),
  /** Paths of values that the server hides. An edit keeps a value while its placeholder stays in its place. */
  hidden: Schema.Array(Schema.String),
  /** The value for `If-Match`, which is also the header `ETag`. */
  etag: Schema.String
})

/**
 * A count that ends at 10,000. `more` says whether there are more.
 *
 * @since 0.1.0
 */
export const BoundedCount = Schema.Struct({ count: Schema.Finite, more: Schema.Boolean })

/**
 * Dead letters of one consumer with one cause, among those that a filter selects.
 *
 * @since 0.1.0
 */
export const DeadLetterGroup = Schema.Struct({
  consumer: Schema.String,
  fingerprint: Schema.String,
  deadLetters: BoundedCount,
  firstAt: Time,
  lastAt: Time,
  /** The newest of them. */
  sample: DeadLetter
})

/**
 * Open dead letters of one consumer with one cause.
 *
 * @since 0.1.0
 */
export const FailureGroup = Schema.Struct({
  consumer: Schema.String,
  fingerprint: Schema.String,
  tag: Schema.String,
  reason: Reason,
  deadLetters: Count,
  firstAt: Time,
  lastAt: Time,
  /** When its newest 1,000 dead letters died: numbers for each 5 minutes of the last 3 hours, oldest first. */
  recent: Schema.Array(Schema.Finite),
  sampleId: Schema.String,
  /** The newest note of an operator. */
  note: maybe(Schema.Struct({ by: Schema.String, at: Time, text: Schema.String })),
  diedOn: Schema.Array(Schema.String),
  runningNow: Schema.Array(Schema.String)
})

/**
 * The history of a failure group: dead letters in any state by time, the first time of each version, and redrives.
 *
 * @since 0.1.0
 */
export const FailureHistory = Schema.Struct({
  /** The length of a point. */
  seconds: Schema.Finite,
  points: Schema.Array(Schema.Struct({ at: Time, dead: Schema.Finite })),
  /** Whether there are older dead letters than the newest 10,000, which the points have. */
  more: Schema.Boolean,
  versions: Schema.Array(Schema.Struct({ at: Time, version: Schema.String })),
  redrives: Schema.Array(Schema.Struct({
    at: Time,
    by: Schema.String,
    note: Schema.String,
    redriveRunId: Schema.String,
    deadLetters: Schema.Finite
  }))
})

/**
 * The outcome of the dead letters that one operator redrove with one note.
 *
 * @since 0.1.0
 */
export const Redrive = Schema.Struct({
  consumer: Schema.String,
  by: Schema.String,
  note: Schema.String,
  firstAt: Time,
  lastAt: Time,
  deadLetters: Count,
  committed: Schema.Finite,
  waiting: Schema.Finite,
  failedAgain: Schema.Finite,
  discarded: Schema.Finite,
  gone: Schema.Finite
})

/**
 * The filter of a list of dead letters. Every field is optional.
 *
 * @since 0.1.0
 */
export const filterQuery = {
  consumer: Schema.optionalKey(Name),
  topic: Schema.optionalKey(Name),
  key: Schema.optionalKey(Name),
  /** The id of the message. */
  message: Schema.optionalKey(Name),
  /** The failure group, as `fingerprint`, or up to 100 of them. */
  failure: Schema.optionalKey(
    Schema.Union([Text, Schema.Array(Text).check(Schema.isMinLength(1), Schema.isMaxLength(100))])
  ),
  /** The tag of the last error. */
  error: Schema.optionalKey(Text),
  reason: Schema.optionalKey(Reason),
  since: Schema.optionalKey(Instant),
  until: Schema.optionalKey(Instant)
}

/**
 * The filter of a list, with the state. Default: open dead letters.
 *
 * @since 0.1.0
 */
export const stateQuery = {
  ...filterQuery,
  state: Schema.optionalKey(Schema.Union([State, Schema.Literal("any")]))
}

/** The fields of a search beside the filter. */
const searched = {
  version: Schema.optionalKey(Name.annotate({ description: "The version of the code that made the last attempt" })),
  text: Schema.optionalKey(Name.annotate({ description: "A text in the payload, the key, the id or an attempt" })),
  payload: Schema.optionalKey(Name.annotate({ description: "A value in the payload, such as `bank.code:51`" }))
}

/**
 * The filter of failure groups. `since` is about the last dead letter of a group. With any other field but `consumer`
 * and `failure`, a group has only the dead letters that match.
 *
 * @since 0.1.0
 */
export const groupQuery = {
  ...filterQuery,
  failure: Schema.optionalKey(Text),
  ...searched
}

/**
 * The filter of a list or export, which may also search. No index has texts and payloads, so such a search looks at the
 * newest dead letters only.
 *
 * @since 0.1.0
 */
export const searchQuery = {
  ...stateQuery,
  ...searched
}

/**
 * A page of a search. `looked` says how many dead letters it looked at, if it could not use an index.
 *
 * @since 0.1.0
 */
export const Search = Schema.Struct({
  deadLetters: Schema.Array(DeadLetter),
  looked: maybe(Schema.Finite),
  next: maybe(Schema.String)
})

/**
 * The filter of a preview: the dead letters of one consumer.
 *
 * @since 0.1.0
 */
export const PreviewFilter = Schema.Struct({ ...filterQuery, consumer: Name })

/**
 * The result of a check of an edit, which changed nothing.
 *
 * @since 0.1.0
 */
export const EditCheck = Schema.Struct({
  /** A unified diff of the present payload and the edit. Empty if nothing changes. */
  diff: Schema.String,
  /** `schema`: the topic's Schema decoded the edit. `json`: the server does not have it, and checked only the JSON. */
  checked: Schema.Literals(["schema", "json"]),
  /** The reasons to refuse the edit. Empty if a redrive takes it. */
  issues: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })),
  keyChanged: Schema.Boolean,
  /** Always false: an edit never changes the id. */
  idChanged: Schema.Boolean
})

/**
 * The outcome for one dead letter of a decision about many.
 *
 * @since 0.1.0
 */
export const Decided = Schema.Struct({
  id: Schema.String,
  outcome: Schema.Literals(["done", "conflict", "notFound"]),
  /** The state of a dead letter that could not be decided, and the operator that was first. */
  state: maybe(Schema.String),
  by: maybe(Schema.String),
  at: maybe(Time)
})

/**
 * The dead letters of a decision about many: 1 to 2,000.
 *
 * @since 0.1.0
 */
export const ids = Schema.Array(Id).check(Schema.isMinLength(1), Schema.isMaxLength(2_000))
