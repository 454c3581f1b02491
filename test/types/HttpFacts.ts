/** A fact of the operations and its JSON have the same fields, so a field that is added cannot be forgotten. */
import type { Audit } from "millrace"
import type {
  ConsumerFacts,
  FailureFacts,
  Found,
  LaneFacts,
  RedriveFacts,
  RedriveRun,
  SeriesPoint,
  StuckKey,
  Suspect,
  WaitingMessage,
  WorkerFacts
} from "millrace/ops"
import type { Action, AuditEntry } from "../../src/http/schema/AuditSchema.ts"
import type { Consumer, Lane, Point, Suspect as SuspectJson, Worker } from "../../src/http/schema/ConsumerSchema.ts"
import type { FailureGroup, Redrive } from "../../src/http/schema/DeadLetterSchema.ts"
import type {
  Found as FoundJson,
  StuckKey as StuckKeyJson,
  WaitingMessage as WaitingJson
} from "../../src/http/schema/MessageSchema.ts"
import type { Run } from "../../src/http/schema/RunSchema.ts"

type Same<A extends PropertyKey, B extends PropertyKey> = [A] extends [B] ? [B] extends [A] ? true : false : false
type Fields<Fact, S extends { readonly Type: unknown }> = Same<keyof Fact, keyof S["Type"]>

export const fields: readonly [
  Fields<ConsumerFacts, typeof Consumer>,
  Fields<ConsumerFacts["lag"], (typeof Consumer)["fields"]["lag"]>,
  Fields<LaneFacts, typeof Lane>,
  Fields<WorkerFacts, typeof Worker>,
  Fields<Suspect, typeof SuspectJson>,
  Fields<SeriesPoint, typeof Point>,
  Fields<FailureFacts, typeof FailureGroup>,
  Fields<RedriveFacts, typeof Redrive>,
  Fields<StuckKey, typeof StuckKeyJson>,
  Fields<WaitingMessage, typeof WaitingJson>,
  Fields<Found, typeof FoundJson>,
  Fields<RedriveRun & { readonly etag: string }, typeof Run>,
  Fields<Audit.Entry, typeof AuditEntry>,
  Same<Audit.Action, (typeof Action)["Type"]>
] = [true, true, true, true, true, true, true, true, true, true, true, true, true, true]
