/**
 * The endpoints of previews and redrive runs.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Answer, Id, idempotency, ifMatch, Name, note, pageQuery } from "../schema/Answer.ts"
import { filterQuery, PreviewFilter } from "../schema/DeadLetterSchema.ts"
import {
  Discarded,
  DiscardedSome,
  DiscardSome,
  FrozenSet,
  Preview,
  PurgePreview,
  Run,
  StartRun
} from "../schema/RunSchema.ts"
import { needs } from "./Access.ts"
import { acting as error, reading } from "./Problems.ts"

/**
 * Previews of what a redrive or a discard would touch.
 *
 * @since 0.1.0
 */
export const previews = HttpApiGroup.make("previews").add(
  HttpApiEndpoint.post("make", "/previews", {
    payload: PreviewFilter,
    success: Answer(Preview).pipe(HttpApiSchema.status(201)),
    error
  }).annotateMerge(needs("operator", "Freezes the open dead letters that match now, and changes nothing.")),
  HttpApiEndpoint.post("discard", "/previews/:preview/discard", {
    params: { preview: Name },
    payload: Schema.Struct(note),
    success: Answer(Discarded),
    error
  }).annotateMerge(
    needs("operator", "Discards dead letters of a frozen set for some seconds. Repeat it while `more` is true.")
  ),
  HttpApiEndpoint.post("freeze", "/frozen-sets", {
    payload: Schema.Struct(filterQuery),
    success: Answer(FrozenSet).pipe(HttpApiSchema.status(201)),
    error
  }).annotateMerge(
    needs("operator", "Freezes the open dead letters of all consumers that match now. Changes nothing.")
  ),
  HttpApiEndpoint.post("discardSome", "/frozen-sets/:set/discard", {
    params: { set: Name },
    headers: idempotency,
    payload: DiscardSome,
    success: Answer(DiscardedSome),
    error
  }).annotateMerge(needs("operator", "Discards the next dead letters of a frozen set in one transaction.")),
  HttpApiEndpoint.post("makePurge", "/consumers/:consumer/purge-previews", {
    params: { consumer: Name },
    payload: Schema.Struct({}),
    success: Answer(PurgePreview).pipe(HttpApiSchema.status(201)),
    error
  }).annotateMerge(needs("admin", "Counts the messages that wait, for a purge. Changes nothing.")),
  HttpApiEndpoint.post("purge", "/consumers/:consumer/purge", {
    params: { consumer: Name },
    headers: idempotency,
    payload: Schema.Struct({
      preview: Name,
      /** The name of the consumer, as the operator typed it. */
      confirm: Schema.String,
      /** The number of messages that the operator saw. */
      expect: Schema.Finite,
      ...note
    }),
    success: Answer(Schema.Struct({ purged: Schema.Finite })),
    error
  }).annotateMerge(needs("admin", "Deletes the messages of a purge preview. They cannot be restored."))
)

const id = { id: Id }
const headers = { ...ifMatch, ...idempotency }
const success = HttpApiSchema.WithHeaders(Answer(Run), { etag: Schema.String })

/**
 * Redrive runs.
 *
 * @since 0.1.0
 */
export const runs = HttpApiGroup.make("runs").add(
  HttpApiEndpoint.get("list", "/redrive-runs", {
    query: {
      consumer: Schema.optionalKey(Name),
      open: Schema.optionalKey(Schema.Literals(["true", "false"])),
      limit: pageQuery(100).limit
    },
    success: Answer(Schema.Array(Run)),
    error: reading
  }).annotateMerge(needs("viewer", "Redrive runs, newest first.")),
  HttpApiEndpoint.get("one", "/redrive-runs/:id", { params: id, success, error: reading })
    .annotateMerge(needs("viewer", "One redrive run with its counts. ETag is the value for If-Match.")),
  HttpApiEndpoint.post("start", "/redrive-runs", {
    headers: idempotency,
    payload: StartRun,
    success: HttpApiSchema.WithHeaders(Answer(Run).pipe(HttpApiSchema.status(202)), {
      etag: Schema.String,
      location: Schema.String
    }),
    error
  }).annotateMerge(needs("operator", "Starts a run for the set of a preview. Workers of the consumer carry it out.")),
  HttpApiEndpoint.patch("rate", "/redrive-runs/:id", {
    params: id,
    headers,
    payload: Schema.Struct({ rate: Schema.Finite, ...note }),
    success,
    error
  }).annotateMerge(needs("operator", "Changes the rate of a run that is not over.")),
  HttpApiEndpoint.post("continue", "/redrive-runs/:id/continue", {
    params: id,
    headers,
    payload: Schema.Struct({ rate: Schema.optionalKey(Schema.Finite), ...note }),
    success,
    error
  }).annotateMerge(needs("operator", "Continues a run that waits, is paused, or has stopped itself.")),
  HttpApiEndpoint.post("pause", "/redrive-runs/:id/pause", {
    params: id,
    headers,
    payload: Schema.Struct(note),
    success,
    error
  }).annotateMerge(needs("operator", "Pauses a running run.")),
  HttpApiEndpoint.post("cancel", "/redrive-runs/:id/cancel", {
    params: id,
    headers,
    payload: Schema.Struct(note),
    success,
    error
  }).annotateMerge(needs("operator", "Ends a run. The rest of its set stays untouched."))
)
