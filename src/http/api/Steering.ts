/**
 * The endpoints that steer consumers, keys, workers and messages, and those of the session and the live updates.
 *
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { Answer, idempotency as headers, maybe, Name, note } from "../schema/Answer.ts"
import { Consumer } from "../schema/ConsumerSchema.ts"
import { SessionInfo, SignIn, Update } from "../schema/LiveSchema.ts"
import { KeyAdvance, KeyDetail } from "../schema/MessageSchema.ts"
import { needs } from "./Access.ts"
import { acting as error, CrossSite, RateLimited, reading, Unauthorized } from "./Problems.ts"

const ofKey = { consumer: Name, key: Name }

/** The dead letter or message that the operator saw at the head of the key. If it is another one, the answer is 412. */
const head = Schema.Struct({ head: Name, ...note })

/**
 * Operator actions on consumers, keys, workers and waiting messages.
 *
 * @since 0.1.0
 */
export const steering = HttpApiGroup.make("steering").add(
  HttpApiEndpoint.post("pause", "/consumers/:consumer/pause", {
    params: { consumer: Name },
    headers,
    payload: Schema.Struct({
      /** How long the pause lasts, in seconds: at most 366 days. Without it only an operator ends the pause. */
      seconds: Schema.optionalKey(Schema.Finite),
      ...note
    }),
    success: Answer(Consumer),
    error
  }).annotateMerge(needs("operator", "Pauses a consumer for a time, or until an operator resumes it.")),
  HttpApiEndpoint.post("resume", "/consumers/:consumer/resume", {
    params: { consumer: Name },
    headers,
    payload: Schema.Struct(note),
    success: Answer(Consumer),
    error
  }).annotateMerge(needs("operator", "Resumes a paused consumer.")),
  HttpApiEndpoint.post("evict", "/consumers/:consumer/workers/:worker/evict", {
    params: { consumer: Name, worker: Name },
    headers,
    payload: Schema.Struct(note),
    success: Answer(Schema.Struct({ lanes: Schema.Finite, busy: Schema.Finite })),
    error
  }).annotateMerge(needs("operator", "Ends the leases of a worker that hangs. Stop its process first.")),
  HttpApiEndpoint.post("deadLetter", "/consumers/:consumer/messages/:id/dead-letter", {
    params: { consumer: Name, id: Name },
    headers,
    payload: Schema.Struct({ key: Schema.optionalKey(Name), ...note }),
    success: Answer(Schema.Struct({ deadLetterId: maybe(Schema.String) })),
    error
  }).annotateMerge(
    needs("operator", "Dead-letters a waiting message. The id is absent if the message was a duplicate.")
  ),
  HttpApiEndpoint.post("pauseKey", "/consumers/:consumer/keys/:key/pause", {
    params: ofKey,
    headers,
    payload: Schema.Struct(note),
    success: Answer(KeyDetail),
    error
  }).annotateMerge(needs("operator", "Pauses one key.")),
  HttpApiEndpoint.post("resumeKey", "/consumers/:consumer/keys/:key/resume", {
    params: ofKey,
    headers,
    payload: Schema.Struct(note),
    success: Answer(KeyDetail),
    error
  }).annotateMerge(needs("operator", "Resumes a paused key.")),
  HttpApiEndpoint.post("releaseKey", "/consumers/:consumer/keys/:key/release", {
    params: ofKey,
    headers,
    payload: head,
    success: Answer(KeyDetail),
    error
  }).annotateMerge(needs("operator", "Lets the messages behind the parked dead letter continue.")),
  HttpApiEndpoint.post("skipKey", "/consumers/:consumer/keys/:key/skip", {
    params: ofKey,
    headers,
    payload: head,
    success: Answer(KeyDetail),
    error
  }).annotateMerge(needs("operator", "Discards the dead letter at the head, and lets the others follow.")),
  HttpApiEndpoint.post("advanceKey", "/consumers/:consumer/keys/:key/advance", {
    params: ofKey,
    headers,
    payload: head,
    success: Answer(KeyAdvance),
    error
  }).annotateMerge(needs("operator", "Lets the first message through, and keeps the key held for the others."))
)

/**
 * The sign-in. It needs no session.
 *
 * @since 0.1.0
 */
export const signIn = HttpApiGroup.make("signIn").add(
  HttpApiEndpoint.post("open", "/session", {
    payload: SignIn,
    success: Answer(SessionInfo),
    error: [Unauthorized, CrossSite, RateLimited, ...reading]
  })
)

/**
 * The session, and the live updates.
 *
 * @since 0.1.0
 */
export const session = HttpApiGroup.make("session").add(
  HttpApiEndpoint.get("who", "/session", { success: Answer(SessionInfo), error: reading })
    .annotateMerge(needs("viewer", "The operator of this session.")),
  HttpApiEndpoint.delete("close", "/session", { success: HttpApiSchema.NoContent, error: reading })
    .annotateMerge(needs("viewer", "Ends this session.")),
  HttpApiEndpoint.get("events", "/events", {
    headers: { "last-event-id": Schema.optionalKey(Schema.String.check(Schema.isMaxLength(64))) },
    success: HttpApiSchema.StreamSse({ events: Update }),
    error: [...reading, RateLimited]
  }).annotateMerge(needs("viewer", "Live updates (Server-Sent Events), with a comment every 15 seconds."))
)
