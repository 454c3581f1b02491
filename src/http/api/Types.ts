/**
 * The JSON of the API as plain types, for a page that loads no Schema: `import type` them.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"
import type { Answer, Count, Failure, Page } from "../schema/Answer.ts"
import type { AuditEntry } from "../schema/AuditSchema.ts"
import type { Consumer, Lane, Point, Suspect, Worker } from "../schema/ConsumerSchema.ts"
import type { Blocker, Database } from "../schema/DatabaseSchema.ts"
import type {
  DeadLetter,
  DeadLetterItem,
  Decided,
  EditCheck,
  FailureGroup,
  FailureHistory,
  PreviewFilter,
  Redrive,
  Trace
} from "../schema/DeadLetterSchema.ts"
import type { Attention, ConsumerStats, Overview, SessionInfo, SignIn, Update } from "../schema/LiveSchema.ts"
import type {
  Elsewhere,
  Found,
  KeyAdvance,
  KeyDetail,
  StoredMessage,
  StoredMessages,
  StuckKey,
  WaitingMessage
} from "../schema/MessageSchema.ts"
import type { Discarded, Preview, PurgePreview, Run, StartRun } from "../schema/RunSchema.ts"

/** A document with one value. */
export type AnswerJson<A> = Omit<ReturnType<typeof Answer<Schema.Codec<unknown>>>["Encoded"], "data"> & {
  readonly data: A
}

/** A document with a part of a list. */
export type PageJson<A> = Omit<ReturnType<typeof Page<Schema.Codec<unknown>>>["Encoded"], "data"> & {
  readonly data: ReadonlyArray<A>
}

/** A number, and how exact it is: `exact`, `atLeast` (counting ended there) or `estimate`. */
export type CountJson = typeof Count.Encoded

/** A failed attempt. */
export type FailureJson = typeof Failure.Encoded

/** One operator action. Fields that do not apply are empty. */
export type AuditEntryJson = typeof AuditEntry.Encoded

/** A consumer with its queue. */
export type ConsumerJson = typeof Consumer.Encoded

/** A lane of a queue. */
export type LaneJson = typeof Lane.Encoded

/** A worker that lives, or that died within the last hour. */
export type WorkerJson = typeof Worker.Encoded

/** A message that was in flight when a worker died. */
export type SuspectJson = typeof Suspect.Encoded

/** One point of a consumer's series. */
export type PointJson = typeof Point.Encoded

/** A session that waits for a lock, and the session that has it. */
export type BlockerJson = typeof Blocker.Encoded

/** The session that blocks a commit, the owner of the oldest snapshot, and the used room. */
export type DatabaseJson = typeof Database.Encoded

/** A whole dead letter. `payload` and `original` are the stored JSON texts, so a number of any size stays exact. */
export type DeadLetterJson = typeof DeadLetter.Encoded

/** A dead letter in a list: without its payload, and with its last attempt only. */
export type DeadLetterItemJson = typeof DeadLetterItem.Encoded

/** The outcome for one dead letter of a decision about many. */
export type DecidedJson = typeof Decided.Encoded

/** The result of a check of an edit, which changed nothing. */
export type EditCheckJson = typeof EditCheck.Encoded

/** Open dead letters of one consumer with one cause. */
export type FailureGroupJson = typeof FailureGroup.Encoded

/** The history of a failure group: dead letters in any state by time, the first time of each version, and redrives. */
export type FailureHistoryJson = typeof FailureHistory.Encoded

/** The filter of a preview: the dead letters of one consumer. */
export type PreviewFilterJson = typeof PreviewFilter.Encoded

/** The outcome of the dead letters that one operator redrove with one note. */
export type RedriveJson = typeof Redrive.Encoded

/** The operator of a session, and what the server shows. */
export type SessionJson = typeof SessionInfo.Encoded

/** A sign-in: the token of the server, or the one-time code that the command line printed. */
export type SignInJson = typeof SignIn.Encoded

/** Something that an operator should look at, the worst first. */
export type AttentionJson = typeof Attention.Encoded

/** The whole system on one page. */
export type OverviewJson = typeof Overview.Encoded

/** The state of a consumer in an update `stats`. */
export type ConsumerStatsJson = typeof ConsumerStats.Encoded

/** An update of the live stream, as `EventSource` has it. Its `data` is JSON text. */
export type UpdateJson = typeof Update.Encoded

/** The value of an update's `data`, by the update's name. */
export type UpdateData = { readonly [U in typeof Update.Type as U["event"]]: U["data"] }

/** A held key, with what waits behind it. */
export type StuckKeyJson = typeof StuckKey.Encoded

/** A message in a queue. */
export type WaitingMessageJson = typeof WaitingMessage.Encoded

/** A key of a consumer: its hold, its open dead letters, and the first messages that wait. */
export type KeyDetailJson = typeof KeyDetail.Encoded

/** The message that `advanceKey` let through. */
export type KeyAdvanceJson = typeof KeyAdvance.Encoded

/**
 * The trace of a message with a `traceparent` header. `url` is there if the server has the address of a tracing
 * system.
 */
export type TraceJson = typeof Trace.Encoded

/** Everything that is known about a message id. */
export type FoundJson = typeof Found.Encoded

/** A message where it is stored, perhaps with its payload. */
export type StoredMessageJson = typeof StoredMessage.Encoded

/** The places where messages with one id are stored. */
export type StoredMessagesJson = typeof StoredMessages.Encoded

/** Messages that are in no queue, by topic: those that are not due, and those that no consumer reads. */
export type ElsewhereJson = typeof Elsewhere.Encoded

/** A preview of a redrive or a discard. `preview` names its frozen set for 10 minutes. */
export type PreviewJson = typeof Preview.Encoded

/** The messages of a queue that a purge would delete. `preview` names them for 10 minutes. */
export type PurgePreviewJson = typeof PurgePreview.Encoded

/** The start of a redrive run. An absent field has the default of `Operations.startRedrive`. */
export type StartRunJson = typeof StartRun.Encoded

/** A redrive run. `etag` is the value for `If-Match`. */
export type RunJson = typeof Run.Encoded

/** The progress of a discard of a frozen set. Repeat the request while `more` is true. */
export type DiscardedJson = typeof Discarded.Encoded

/** A problem (RFC 9457). `type` is `/problems/stale-version`, ... */
export interface ProblemJson {
  readonly type: string
  readonly status: number
  readonly title: string
  readonly detail?: string
  readonly [extension: string]: unknown
}
