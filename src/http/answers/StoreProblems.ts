/**
 * Turns the errors of the operations into the problems of the API, by one table from the error's tag.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Errors from "../../Errors.ts"
import { ReadTimeout } from "../../ops/ReadTimeout.ts"
import * as Problems from "../api/Problems.ts"

/** The errors of the services, as far as a request can meet them. */
type Failing =
  | Errors.ConsumerNotFound
  | Errors.DeadLetterConflict
  | Errors.DeadLetterNotFound
  | Errors.EditRefused
  | Errors.EditUndecodable
  | Errors.EncodeFailed
  | Errors.InvalidMessage
  | Errors.InvalidOperatorAction
  | Errors.InvalidSetting
  | Errors.MessageNotWaiting
  | Errors.NothingToRedrive
  | Errors.NothingToAdvance
  | Errors.PauseConflict
  | Errors.QueueChanged
  | Errors.RedriveRunConflict
  | Errors.RedriveRunNotFound
  | Errors.RedriveRunning
  | Errors.StoreFailure
  | Errors.WorkerNotFound

/** The errors of the transaction around an action, and of its record under an Idempotency-Key. */
type Around =
  | Errors.CommitRejected
  | Errors.ForeignSqlClient
  | Errors.IdempotencyConflict
  | Errors.InProgress
  | Errors.InvalidId
  | Errors.InvalidName
  | Errors.ResultRefused
  | Errors.ResultUnavailable
  | Errors.TransactionAborted
  | Errors.TransientFailure
  | Errors.UnknownOutcome

/** Classes of SQLSTATE, or whole ones, that say that the role of the server lacks a right. */
const notAllowed = ["28", "42501", "25006"]

/** The SQLSTATE of a statement that was cancelled, perhaps by its timeout. */
const cancelled = "57014"

const ofStore = ({ code, kind, message: detail }: Errors.StoreFailure): Problems.ReadingProblem =>
  notAllowed.some((begin) => code.startsWith(begin))
    ? new Problems.Forbidden({ detail })
    : kind === "timeout" || code === cancelled
    ? new Problems.QueryTimeout({ detail })
    : kind === "unavailable"
    ? new Problems.DatabaseUnavailable({ detail })
    : new Problems.StoreRefused({ detail })

const first = ({ at, by, state }: { readonly by: string; readonly at: number; readonly state?: string }) =>
  by === "" ? { state } : { state, by, at }

/** Returns the problem of an error. Its detail is the error's own message. */
export const of = (error: Failing | Around): Problems.ActionProblem => {
  const { message: detail } = error
  switch (error._tag) {
    case "StoreFailure":
      return ofStore(error)
    case "ConsumerNotFound":
      return new Problems.ConsumerNotFound({ detail })
    case "DeadLetterNotFound":
      return new Problems.DeadLetterNotFound({ detail })
    case "RedriveRunNotFound":
      return new Problems.RedriveRunNotFound({ detail })
    case "WorkerNotFound":
      return new Problems.WorkerNotFound({ detail })
    case "NothingToRedrive":
      return new Problems.NothingToRedrive({ detail })
    case "NothingToAdvance":
      return new Problems.NothingToAdvance({ detail })
    case "MessageNotWaiting":
      return new Problems.MessageNotWaiting({ detail })
    case "DeadLetterConflict":
      return new Problems.DeadLetterConflict({ detail, ...first(error) })
    case "PauseConflict":
      return new Problems.PauseConflict({ detail, ...first(error) })
    case "QueueChanged":
      return new Problems.QueueChanged({ detail, found: error.found })
    case "RedriveRunning":
      return new Problems.RedriveRunning({ detail, run: error.redriveRunId, ...first(error) })
    case "RedriveRunConflict":
      return new Problems.RedriveRunConflict({ detail, run: error.redriveRunId, ...first(error) })
    case "EditUndecodable":
      return new Problems.PayloadInvalid({ detail, issues: [{ path: error.where, message: error.issue }] })
    case "EncodeFailed":
      return new Problems.PayloadInvalid({ detail, issues: [{ path: "$", message: error.issue }] })
    case "InvalidMessage":
      return new Problems.PayloadInvalid({ detail, issues: [{ path: error.field, message: error.problem }] })
    case "EditRefused":
      return new Problems.KeyChanged({ detail })
    case "IdempotencyConflict":
      return new Problems.KeyReused({
        detail: "This Idempotency-Key belongs to a request with another path or body. "
          + "Nothing was done. Send a new key for each intention."
      })
    case "InProgress":
      return new Problems.StillRunning({
        detail: "A request with this Idempotency-Key is running. "
          + "Nothing was done by this one. Send it again in a second, and it gets the answer of the other one."
      })
    case "InvalidSetting":
    case "InvalidOperatorAction":
    case "InvalidId":
    case "InvalidName":
      return new Problems.InvalidRequest({ detail })
    case "TransientFailure":
    case "UnknownOutcome":
      return new Problems.DatabaseUnavailable({ detail })
    default:
      return new Problems.StoreRefused({ detail })
  }
}

type Problem = Problems.ActionProblem | Problems.RateLimited

const isProblem = (error: Failing | Around | Problem): error is Problem => "title" in error

/** How long a statement of a read may take. A page that waits longer is worse than one that says so. */
const readTimeout = Duration.seconds(2)

/** Bounds the statements of a read, and returns the problem of an error. */
export const reads = <A, R>(
  effect: Effect.Effect<
    A,
    | Errors.StoreFailure
    | Errors.ConsumerNotFound
    | Errors.DeadLetterNotFound
    | Errors.InvalidSetting
    | Errors.RedriveRunNotFound
    | Problems.ReadingProblem,
    R
  >
): Effect.Effect<A, Problems.ReadingProblem, R> =>
  effect.pipe(
    Effect.mapError((error) => (isProblem(error) ? error : of(error)) as Problems.ReadingProblem),
    Effect.provideService(ReadTimeout, readTimeout)
  )

/** Returns the problem of an error of an action. */
export const actions = <A, R>(
  effect: Effect.Effect<A, Failing | Around | Problems.ActionProblem, R>
): Effect.Effect<A, Problems.ActionProblem, R> =>
  Effect.mapError(effect, (error) => isProblem(error) ? error as Problems.ActionProblem : of(error))
