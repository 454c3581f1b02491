/**
 * The problems that the API returns (RFC 9457). `type` names the kind, and the server explains it at that path. An
 * error of the operations has the `type` that `millrace --json` gives it.
 *
 * `detail` is the error's own message: what happened and to what, what is safe, and what to do. A conflict says which
 * operator was first, and when.
 *
 * @since 0.1.0
 */
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import { maybe, Time } from "../schema/Answer.ts"

/** The operator that was first, and the time. */
const first = { state: maybe(Schema.String), by: maybe(Schema.String), at: maybe(Time) }

/**
 * The request has no cursor, setting or text that can be used.
 *
 * @since 0.1.0
 */
export class InvalidRequest extends HttpApiError.Problem<InvalidRequest>()("InvalidRequest", {
  type: "/problems/invalid-request",
  status: 400,
  title: "The request is not usable."
}) {}

/**
 * The cursor belongs to a list with another filter.
 *
 * @since 0.1.0
 */
export class CursorMismatch extends HttpApiError.Problem<CursorMismatch>()("CursorMismatch", {
  type: "/problems/cursor-mismatch",
  status: 400,
  title: "The cursor belongs to another list."
}) {}

/**
 * The request has no valid token or session.
 *
 * @since 0.1.0
 */
export class Unauthorized extends HttpApiError.Problem<Unauthorized>()("Unauthorized", {
  type: "/problems/unauthorized",
  status: 401,
  title: "Sign in first."
}) {}

/**
 * The operator, or the database role of the server, lacks a right.
 *
 * @since 0.1.0
 */
export class Forbidden extends HttpApiError.Problem<Forbidden>()("Forbidden", {
  type: "/problems/forbidden",
  status: 403,
  title: "A right is missing."
}, {
  /** The role that the request needs. Absent if the database refused it. */
  needs: maybe(Schema.String)
}) {}

/**
 * A browser sent the request from a page of another site.
 *
 * @since 0.1.0
 */
export class CrossSite extends HttpApiError.Problem<CrossSite>()("CrossSite", {
  type: "/problems/cross-site",
  status: 403,
  title: "The request came from another site."
}) {}

/**
 * There is no consumer of this name. It registers when its first worker starts.
 *
 * @since 0.1.0
 */
export class ConsumerNotFound extends HttpApiError.Problem<ConsumerNotFound>()("ConsumerNotFound", {
  type: "/problems/consumer-not-found",
  status: 404,
  title: "There is no such consumer."
}) {}

/**
 * There is no dead letter with this id, or the retention has deleted it.
 *
 * @since 0.1.0
 */
export class DeadLetterNotFound extends HttpApiError.Problem<DeadLetterNotFound>()("DeadLetterNotFound", {
  type: "/problems/dead-letter-not-found",
  status: 404,
  title: "There is no such dead letter."
}) {}

/**
 * There is no redrive run with this id, or the retention has deleted it.
 *
 * @since 0.1.0
 */
export class RedriveRunNotFound extends HttpApiError.Problem<RedriveRunNotFound>()("RedriveRunNotFound", {
  type: "/problems/redrive-run-not-found",
  status: 404,
  title: "There is no such redrive run."
}) {}

/**
 * The consumer has no live worker of this name.
 *
 * @since 0.1.0
 */
export class WorkerNotFound extends HttpApiError.Problem<WorkerNotFound>()("WorkerNotFound", {
  type: "/problems/worker-not-found",
  status: 404,
  title: "There is no such live worker."
}) {}

/**
 * The consumer does not hold the key, and has no open dead letter of it.
 *
 * @since 0.1.0
 */
export class KeyNotFound extends HttpApiError.Problem<KeyNotFound>()("KeyNotFound", {
  type: "/problems/key-not-found",
  status: 404,
  title: "The key is not held."
}) {}

/**
 * No open dead letter matches the filter.
 *
 * @since 0.1.0
 */
export class NothingToRedrive extends HttpApiError.Problem<NothingToRedrive>()("NothingToRedrive", {
  type: "/problems/nothing-to-redrive",
  status: 404,
  title: "No dead letter matches."
}) {}

/**
 * The key is not held, or no message of it waits.
 *
 * @since 0.1.0
 */
export class NothingToAdvance extends HttpApiError.Problem<NothingToAdvance>()("NothingToAdvance", {
  type: "/problems/nothing-to-advance",
  status: 404,
  title: "There is nothing to advance."
}) {}

/**
 * The message is not in the queue of this consumer.
 *
 * @since 0.1.0
 */
export class MessageNotWaiting extends HttpApiError.Problem<MessageNotWaiting>()("MessageNotWaiting", {
  type: "/problems/message-not-waiting",
  status: 404,
  title: "The message does not wait."
}) {}

/**
 * The path leads to nothing.
 *
 * @since 0.1.0
 */
export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: "/problems/not-found",
  status: 404,
  title: "There is no such page."
}) {}

/**
 * Another operator decided about the dead letter first.
 *
 * @since 0.1.0
 */
export class DeadLetterConflict extends HttpApiError.Problem<DeadLetterConflict>()("DeadLetterConflict", {
  type: "/problems/dead-letter-conflict",
  status: 409,
  title: "The dead letter is in another state."
}, first) {}

/**
 * The consumer has a redrive run that is not over.
 *
 * @since 0.1.0
 */
export class RedriveRunning extends HttpApiError.Problem<RedriveRunning>()("RedriveRunning", {
  type: "/problems/redrive-running",
  status: 409,
  title: "The consumer has an open redrive run."
}, { ...first, run: Schema.String }) {}

/**
 * The redrive run is in a state that does not allow the action.
 *
 * @since 0.1.0
 */
export class RedriveRunConflict extends HttpApiError.Problem<RedriveRunConflict>()("RedriveRunConflict", {
  type: "/problems/redrive-run-conflict",
  status: 409,
  title: "The redrive run is in another state."
}, { ...first, run: Schema.String }) {}

/**
 * The consumer or key is paused already, or is not paused.
 *
 * @since 0.1.0
 */
export class PauseConflict extends HttpApiError.Problem<PauseConflict>()("PauseConflict", {
  type: "/problems/pause-conflict",
  status: 409,
  title: "The pause is in another state."
}, first) {}

/**
 * The queue has another number of messages than the operator saw.
 *
 * @since 0.1.0
 */
export class QueueChanged extends HttpApiError.Problem<QueueChanged>()("QueueChanged", {
  type: "/problems/queue-changed",
  status: 409,
  title: "The queue has changed."
}, { found: Schema.Finite }) {}

/**
 * The preview is older than 10 minutes, or this server did not make it.
 *
 * @since 0.1.0
 */
export class PreviewExpired extends HttpApiError.Problem<PreviewExpired>()("PreviewExpired", {
  type: "/problems/preview-expired",
  status: 409,
  title: "The preview has expired."
}) {}

/**
 * A request with this Idempotency-Key runs at this moment.
 *
 * @since 0.1.0
 */
export class StillRunning extends HttpApiError.Problem<StillRunning>()("StillRunning", {
  type: "/problems/still-running",
  status: 409,
  title: "A request with this key is still running."
}) {}

/**
 * The thing has changed since the operator saw it.
 *
 * @since 0.1.0
 */
export class StaleVersion extends HttpApiError.Problem<StaleVersion>()("StaleVersion", {
  type: "/problems/stale-version",
  status: 412,
  title: "It has changed since you saw it."
}, first) {}

/**
 * The body is larger than the limit.
 *
 * @since 0.1.0
 */
export class TooLarge extends HttpApiError.Problem<TooLarge>()("TooLarge", {
  type: "/problems/too-large",
  status: 413,
  title: "The body is too large."
}) {}

/**
 * The Host of the request is not in the list of allowed names.
 *
 * @since 0.1.0
 */
export class HostNotAllowed extends HttpApiError.Problem<HostNotAllowed>()("HostNotAllowed", {
  type: "/problems/host-not-allowed",
  status: 421,
  title: "This server does not answer to that name."
}) {}

/**
 * An edit would change the key of its message, on which the order depends.
 *
 * @since 0.1.0
 */
export class KeyChanged extends HttpApiError.Problem<KeyChanged>()("KeyChanged", {
  type: "/problems/key-changed",
  status: 422,
  title: "The edit changes the key."
}) {}

/**
 * An edited payload does not decode, or is no JSON of a usable size.
 *
 * @since 0.1.0
 */
export class PayloadInvalid extends HttpApiError.Problem<PayloadInvalid>()("PayloadInvalid", {
  type: "/problems/payload-invalid",
  status: 422,
  title: "The edited payload is not valid."
}, { issues: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })) }) {}

/**
 * The Idempotency-Key belongs to another request.
 *
 * @since 0.1.0
 */
export class KeyReused extends HttpApiError.Problem<KeyReused>()("KeyReused", {
  type: "/problems/idempotency-key-reused",
  status: 422,
  title: "The Idempotency-Key belongs to another request."
}) {}

/**
 * The request needs the header If-Match.
 *
 * @since 0.1.0
 */
export class PreconditionRequired extends HttpApiError.Problem<PreconditionRequired>()("PreconditionRequired", {
  type: "/problems/precondition-required",
  status: 428,
  title: "The request needs If-Match."
}) {}

/**
 * There were too many requests, failed sign-ins or streams.
 *
 * @since 0.1.0
 */
export class RateLimited extends HttpApiError.Problem<RateLimited>()("RateLimited", {
  type: "/problems/rate-limited",
  status: 429,
  title: "There are too many requests."
}, { retryAfterSeconds: Schema.Finite }) {}

/**
 * The database refused the request for a reason that does not pass by itself.
 *
 * @since 0.1.0
 */
export class StoreRefused extends HttpApiError.Problem<StoreRefused>()("StoreRefused", {
  type: "/problems/store-refused",
  status: 500,
  title: "The database refused the request."
}) {}

/**
 * The database did not answer in time.
 *
 * @since 0.1.0
 */
export class QueryTimeout extends HttpApiError.Problem<QueryTimeout>()("QueryTimeout", {
  type: "/problems/query-timeout",
  status: 503,
  title: "The database did not answer in time."
}) {}

/**
 * The database is not available.
 *
 * @since 0.1.0
 */
export class DatabaseUnavailable extends HttpApiError.Problem<DatabaseUnavailable>()("DatabaseUnavailable", {
  type: "/problems/database-unavailable",
  status: 503,
  title: "The database is not available."
}) {}

/**
 * The problems of every request that reads.
 *
 * @since 0.1.0
 */
export const reading = [
  InvalidRequest,
  CursorMismatch,
  Forbidden,
  ConsumerNotFound,
  DeadLetterNotFound,
  RedriveRunNotFound,
  KeyNotFound,
  StoreRefused,
  QueryTimeout,
  DatabaseUnavailable
] as const

/**
 * The problems of every request that changes something.
 *
 * @since 0.1.0
 */
export const acting = [
  ...reading,
  WorkerNotFound,
  NothingToRedrive,
  NothingToAdvance,
  MessageNotWaiting,
  DeadLetterConflict,
  RedriveRunning,
  RedriveRunConflict,
  PauseConflict,
  PreviewExpired,
  QueueChanged,
  StillRunning,
  StaleVersion,
  KeyChanged,
  PayloadInvalid,
  KeyReused,
  PreconditionRequired
] as const

/**
 * A problem of a request that reads.
 *
 * @since 0.1.0
 */
export type ReadingProblem = InstanceType<typeof reading[number]>

/**
 * A problem of a request that changes something.
 *
 * @since 0.1.0
 */
export type ActionProblem = InstanceType<typeof acting[number]>
