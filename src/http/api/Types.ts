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

export type CountJson = typeof Count.Encoded
export type FailureJson = typeof Failure.Encoded
export type AuditEntryJson = typeof AuditEntry.Encoded
export type ConsumerJson = typeof Consumer.Encoded
export type LaneJson = typeof Lane.Encoded
export type WorkerJson = typeof Worker.Encoded
export type SuspectJson = typeof Suspect.Encoded
export type PointJson = typeof Point.Encoded
export type BlockerJson = typeof Blocker.Encoded
export type DatabaseJson = typeof Database.Encoded
export type DeadLetterJson = typeof DeadLetter.Encoded
export type DeadLetterItemJson = typeof DeadLetterItem.Encoded
export type DecidedJson = typeof Decided.Encoded
export type EditCheckJson = typeof EditCheck.Encoded
export type FailureGroupJson = typeof FailureGroup.Encoded
export type FailureHistoryJson = typeof FailureHistory.Encoded
export type PreviewFilterJson = typeof PreviewFilter.Encoded
export type RedriveJson = typeof Redrive.Encoded
export type SessionJson = typeof SessionInfo.Encoded
export type SignInJson = typeof SignIn.Encoded
export type AttentionJson = typeof Attention.Encoded
export type OverviewJson = typeof Overview.Encoded
export type ConsumerStatsJson = typeof ConsumerStats.Encoded
/** An update of the live stream, as `EventSource` has it. Its `data` is JSON text. */
export type UpdateJson = typeof Update.Encoded
/** The value of an update's `data`, by the update's name. */
export type UpdateData = { readonly [U in typeof Update.Type as U["event"]]: U["data"] }
export type StuckKeyJson = typeof StuckKey.Encoded
export type WaitingMessageJson = typeof WaitingMessage.Encoded
export type KeyDetailJson = typeof KeyDetail.Encoded
export type KeyAdvanceJson = typeof KeyAdvance.Encoded
export type TraceJson = typeof Trace.Encoded
export type FoundJson = typeof Found.Encoded
export type StoredMessageJson = typeof StoredMessage.Encoded
export type StoredMessagesJson = typeof StoredMessages.Encoded
export type ElsewhereJson = typeof Elsewhere.Encoded
export type PreviewJson = typeof Preview.Encoded
export type PurgePreviewJson = typeof PurgePreview.Encoded
export type StartRunJson = typeof StartRun.Encoded
export type RunJson = typeof Run.Encoded
export type DiscardedJson = typeof Discarded.Encoded

/** A problem (RFC 9457). `type` is `/problems/stale-version`, ... */
export interface ProblemJson {
  readonly type: string
  readonly status: number
  readonly title: string
  readonly detail?: string
  readonly [extension: string]: unknown
}
