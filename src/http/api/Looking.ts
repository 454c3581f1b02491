/**
 * The endpoints that show consumers, workers, keys, messages, the database and the audit.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as Schema from "effect/Schema"
import { Answer, exact, Id, Instant, Name, Page, pageQuery } from "../schema/Answer.ts"
import { Action, AuditEntry } from "../schema/AuditSchema.ts"
import { Consumer, Lane, Point, Suspect, Worker } from "../schema/ConsumerSchema.ts"
import { Database } from "../schema/DatabaseSchema.ts"
import { Overview } from "../schema/LiveSchema.ts"
import { Elsewhere, Found, KeyDetail, StoredMessages, StuckKey, WaitingMessage } from "../schema/MessageSchema.ts"
import { needs } from "./Access.ts"
import { reading as error } from "./Problems.ts"

const consumer = { consumer: Name }
const ofConsumer = { consumer: Schema.optionalKey(Name) }

/**
 * Consumers, their queues and their workers.
 *
 * @since 0.1.0
 */
export const consumers = HttpApiGroup.make("consumers").add(
  HttpApiEndpoint.get("overview", "/overview", { success: Answer(Overview), error })
    .annotateMerge(needs("viewer", "The whole system, with what an operator should look at first.")),
  HttpApiEndpoint.get("list", "/consumers", { success: Answer(Schema.Array(Consumer)), error })
    .annotateMerge(needs("viewer", "Every consumer with its queue, sorted by name.")),
  HttpApiEndpoint.get("one", "/consumers/:consumer", { params: consumer, success: Answer(Consumer), error })
    .annotateMerge(needs("viewer", "One consumer. Also looks for the key with the most waiting messages.")),
  HttpApiEndpoint.get("series", "/consumers/:consumer/series", {
    params: consumer,
    query: {
      seconds: Schema.optionalKey(Schema.Literals(["10", "60"])),
      from: Schema.optionalKey(Instant),
      until: Schema.optionalKey(Instant)
    },
    success: Answer(Schema.Array(Point)),
    error
  }).annotateMerge(needs("viewer", "A part of the series of a consumer. Default: the last hour.")),
  HttpApiEndpoint.get("lanes", "/consumers/:consumer/lanes", {
    params: consumer,
    success: Answer(Schema.Array(Lane)),
    error
  }).annotateMerge(needs("viewer", "The lanes of a consumer.")),
  HttpApiEndpoint.get("waiting", "/consumers/:consumer/messages", {
    params: consumer,
    query: { key: Schema.optionalKey(Name), ...pageQuery(), ...exact },
    success: Page(WaitingMessage),
    error
  }).annotateMerge(needs("viewer", "Messages that wait, lane after lane, or those of one key in their order.")),
  HttpApiEndpoint.get("workers", "/workers", { query: ofConsumer, success: Answer(Schema.Array(Worker)), error })
    .annotateMerge(needs("viewer", "Workers that live, or died within the last hour.")),
  HttpApiEndpoint.get("crashes", "/workers/crashes", {
    query: ofConsumer,
    success: Answer(Schema.Struct({ workers: Schema.Array(Worker), suspects: Schema.Array(Suspect) })),
    error
  }).annotateMerge(needs("viewer", "Workers that died, and the messages that were in flight then."))
)

/**
 * Held keys.
 *
 * @since 0.1.0
 */
export const keys = HttpApiGroup.make("keys").add(
  HttpApiEndpoint.get("list", "/keys", {
    query: {
      ...ofConsumer,
      hold: Schema.optionalKey(Schema.Literals(["parked", "delayed", "paused"])),
      ...pageQuery(100),
      ...exact
    },
    success: Page(StuckKey),
    error
  }).annotateMerge(needs("viewer", "Held keys, in the order of consumer and key.")),
  HttpApiEndpoint.get("one", "/consumers/:consumer/keys/:key", {
    params: { consumer: Name, key: Name },
    success: Answer(KeyDetail),
    error
  }).annotateMerge(needs("viewer", "One key: its hold, its open dead letters, and the messages behind it."))
)

/**
 * One message, messages outside of the queues, the database, and the audit.
 *
 * @since 0.1.0
 */
export const facts = HttpApiGroup.make("facts").add(
  HttpApiEndpoint.get("find", "/messages/:id", {
    params: { id: Name },
    query: { key: Schema.optionalKey(Name) },
    success: Answer(Found),
    error
  }).annotateMerge(needs("viewer", "Everything that is known about a message id.")),
  HttpApiEndpoint.get("stored", "/messages/:id/stored", {
    params: { id: Name },
    query: {
      key: Schema.optionalKey(Name),
      payload: Schema.optionalKey(
        Schema.Literals(["true", "false"]).annotate({
          description: "`true` asks for the payload of a server that shows payloads only on request"
        })
      )
    },
    success: Answer(StoredMessages),
    error
  }).annotateMerge(needs("viewer", "A message with its headers and payload, once for each place where it is stored.")),
  HttpApiEndpoint.get("elsewhere", "/messages", { success: Answer(Elsewhere), error })
    .annotateMerge(needs("viewer", "Messages that are not due, and messages that no consumer reads, by topic.")),
  HttpApiEndpoint.get("database", "/database", { success: Answer(Database), error })
    .annotateMerge(
      needs("viewer", "The session that blocks a commit, the owner of the oldest snapshot, and the used room.")
    ),
  HttpApiEndpoint.get("audit", "/audit", {
    query: {
      ...ofConsumer,
      about: Schema.optionalKey(Schema.Literals(["deadLetters", "consumers", "redriveRuns"])),
      by: Schema.optionalKey(Name),
      action: Schema.optionalKey(Action),
      deadLetter: Schema.optionalKey(Id),
      run: Schema.optionalKey(Id),
      ...pageQuery(),
      ...exact
    },
    success: Page(AuditEntry),
    error
  }).annotateMerge(needs("viewer", "Operator actions, newest first."))
)
