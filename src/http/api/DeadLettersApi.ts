/**
 * The endpoints of failures and dead letters: look, check an edit, decide about one or many.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Answer, exact, Id, idempotency, ifMatch, Instant, Name, note, Page, pageQuery } from "../schema/Answer.ts"
import {
  DeadLetter,
  DeadLetterGroup,
  DeadLetterItem,
  Decided,
  EditCheck,
  FailureGroup,
  FailureHistory,
  groupQuery,
  ids,
  Redrive,
  Search,
  searchQuery,
  stateQuery
} from "../schema/DeadLetterSchema.ts"
import { needs } from "./Access.ts"
import { acting, reading } from "./Problems.ts"

/**
 * Failure groups, and the outcome of redrives.
 *
 * @since 0.1.0
 */
export const failures = HttpApiGroup.make("failures").add(
  HttpApiEndpoint.get("list", "/failures", {
    query: { ...groupQuery, limit: pageQuery(1_000).limit },
    success: Answer(Schema.Array(FailureGroup)),
    error: reading
  }).annotateMerge(
    needs("viewer", "Groups of open dead letters with one cause, newest first. A search looks at the newest 20,000.")
  ),
  HttpApiEndpoint.get("one", "/failures/:fingerprint", {
    params: { fingerprint: Name },
    query: { consumer: Schema.optionalKey(Name) },
    success: Answer(Schema.Array(FailureGroup)),
    error: reading
  }).annotateMerge(needs("viewer", "One failure group, for each consumer that has it.")),
  HttpApiEndpoint.get("history", "/failures/:fingerprint/history", {
    params: { fingerprint: Name },
    query: {
      consumer: Name,
      since: Schema.optionalKey(Instant),
      seconds: Schema.optionalKey(Schema.Literals(["60", "600"]))
    },
    success: Answer(FailureHistory),
    error: reading
  }).annotateMerge(
    needs("viewer", "When messages of a failure died, with new versions and redrives. Default: 3 hours.")
  ),
  HttpApiEndpoint.put("note", "/failures/:fingerprint/note", {
    params: { fingerprint: Name },
    headers: idempotency,
    payload: Schema.Struct({ consumer: Name, note: Schema.String.check(Schema.isMaxLength(4096)) }),
    success: Answer(Schema.Array(FailureGroup)),
    error: acting
  }).annotateMerge(needs("operator", "Notes something about a failure group. An empty note removes it.")),
  HttpApiEndpoint.get("redrives", "/redrives", {
    query: {
      consumer: Schema.optionalKey(Name),
      by: Schema.optionalKey(Name),
      since: Schema.optionalKey(Instant)
    },
    success: Answer(Schema.Array(Redrive)),
    error: reading
  }).annotateMerge(needs("viewer", "The outcome of redriven dead letters, by operator and note."))
)

const id = { id: Id }
const headers = { ...ifMatch, ...idempotency }

/**
 * The answer of an action on a dead letter. The server keeps it for a repeated request, so it has no payload.
 *
 * @since 0.1.0
 */
export const success = Answer(DeadLetterItem)

/**
 * Dead letters.
 *
 * @since 0.1.0
 */
export const deadLetters = HttpApiGroup.make("deadLetters").add(
  HttpApiEndpoint.get("list", "/dead-letters", {
    query: { ...searchQuery, ...pageQuery(), ...exact },
    success: Page(DeadLetterItem),
    error: reading
  }).annotateMerge(
    needs(
      "viewer",
      "Dead letters, newest first. Default state: open. A search by text or value looks at the newest 20,000."
    )
  ),
  HttpApiEndpoint.get("export", "/dead-letters/export", {
    query: {
      ...searchQuery,
      before: Schema.optionalKey(Id),
      limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000 })))
    },
    success: HttpApiSchema.StreamNdjson({ schema: DeadLetter }),
    error: reading
  }).annotateMerge(
    needs("viewer", "The dead letters that match, one JSON document a line, newest first: those older than `before`.")
  ),
  HttpApiEndpoint.get("search", "/dead-letters/search", {
    query: {
      ...searchQuery,
      before: Schema.optionalKey(Id),
      limit: pageQuery(1_000).limit
    },
    success: Answer(Search),
    error: reading
  }).annotateMerge(
    needs(
      "viewer",
      "Whole dead letters by version, text or a value in the payload. `next` is `before` of the next page."
    )
  ),
  HttpApiEndpoint.get("groups", "/dead-letters/groups", {
    query: {
      ...stateQuery,
      limit: pageQuery(1_000).limit
    },
    success: Answer(Schema.Array(DeadLetterGroup)),
    error: reading
  }).annotateMerge(needs("viewer", "Dead letters that match, grouped by cause, the newest group first.")),
  HttpApiEndpoint.get("one", "/dead-letters/:id", {
    params: id,
    success: HttpApiSchema.WithHeaders(Answer(DeadLetter), { etag: Schema.String }),
    error: reading
  }).annotateMerge(needs("viewer", "One dead letter with all its attempts. ETag is the value for If-Match.")),
  HttpApiEndpoint.get("payload", "/dead-letters/:id/payload", {
    params: id,
    query: { original: Schema.optionalKey(Schema.Literals(["true", "false"])) },
    success: Schema.String.pipe(HttpApiSchema.asText()),
    error: reading
  }).annotateMerge(needs("viewer", "The payload as a file. `original` gives the one before an edit.")),
  HttpApiEndpoint.post("validate", "/dead-letters/:id/validate", {
    params: id,
    payload: Schema.Struct({ payload: Schema.String }),
    success: Answer(EditCheck),
    error: acting
  }).annotateMerge(needs("operator", "Checks an edited payload, and changes nothing.")),
  HttpApiEndpoint.post("redrive", "/dead-letters/:id/redrive", {
    params: id,
    headers,
    payload: Schema.Struct({ payload: Schema.optionalKey(Schema.String), ...note }),
    success,
    error: acting
  }).annotateMerge(needs("operator", "Puts the message back into its queue, perhaps with another payload.")),
  HttpApiEndpoint.post("discard", "/dead-letters/:id/discard", {
    params: id,
    headers,
    payload: Schema.Struct(note),
    success,
    error: acting
  }).annotateMerge(needs("operator", "Gives the message up. It can be restored for 7 days.")),
  HttpApiEndpoint.post("restore", "/dead-letters/:id/restore", {
    params: id,
    headers,
    payload: Schema.Struct(note),
    success,
    error: acting
  }).annotateMerge(needs("operator", "Undoes a discard.")),
  HttpApiEndpoint.post("release", "/dead-letters/:id/release", {
    params: id,
    headers,
    payload: Schema.Struct(note),
    success,
    error: acting
  }).annotateMerge(needs("operator", "Lets the messages behind a parked dead letter continue, while it stays open.")),
  HttpApiEndpoint.post("decide", "/dead-letters/decide", {
    headers: idempotency,
    payload: Schema.Struct({ action: Schema.Literals(["redrive", "discard", "restore"]), ids, ...note }),
    success: Answer(Schema.Array(Decided)),
    error: acting
  }).annotateMerge(needs("operator", "Decides about named dead letters, one after the other."))
)
