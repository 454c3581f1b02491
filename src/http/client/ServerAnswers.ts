/**
 * Turns what a server answers into the errors of the operations, by the name of its problem. So a program meets the
 * same error whether it asks the database or the server.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Predicate from "effect/Predicate"
import * as Errors from "../../Errors.ts"

/** The problem that a server answered with (RFC 9457). */
export class ServerProblem extends Data.TaggedError("ServerProblem")<{
  readonly status: number
  /** The last part of `type`: `consumer-not-found`. Empty if the answer is no problem of Millrace. */
  readonly type: string
  readonly detail: string
  readonly fields: Readonly<Record<string, unknown>>
  /** The seconds after which the server asks for the request again. */
  readonly retryAfter: number | undefined
}> {}

/** Reads the problem of an answer. An answer of another program, such as a proxy, has a status only. */
export const problemOf = (response: HttpClientResponse.HttpClientResponse): Effect.Effect<ServerProblem> =>
  Effect.map(Effect.orElseSucceed(response.json, () => undefined), (body) => {
    const fields = Predicate.isObject(body) ? body as Readonly<Record<string, unknown>> : {}
    const retryAfter = Number(response.headers["retry-after"])
    return new ServerProblem({
      status: response.status,
      type: /^\/problems\/([\w-]+)$/.exec(String(fields["type"]))?.[1] ?? "",
      detail: typeof fields["detail"] === "string" ? fields["detail"] : `it has the status ${response.status}`,
      fields,
      retryAfter: retryAfter > 0 ? retryAfter : undefined
    })
  })

/**
 * The things that a request is about. The errors of the operations have these as fields, and not all problems repeat
 * them.
 */
export interface About {
  readonly consumer?: string | undefined
  readonly key?: string | undefined
  readonly deadLetterId?: string | undefined
  readonly redriveRunId?: string | undefined
  readonly messageId?: string | undefined
  readonly worker?: string | undefined
  readonly fingerprint?: string | undefined
  readonly topic?: string | undefined
  /** The action in the words of the error: `redriven`. */
  readonly asked?: string | undefined
  /** The number of messages that a purge expects. */
  readonly expected?: number | undefined
}

const text = (value: unknown): string => typeof value === "string" ? value : ""
const number = (value: unknown): number => typeof value === "number" ? value : 0

/** Returns the operator that was first, as a conflict says it. */
const first = ({ at, by, state }: ServerProblem["fields"]) => ({ state: text(state), by: text(by), at: number(at) })

/** The consumer neither holds the key, nor has a message or an open dead letter of it. */
export class KeyNotFound extends Data.TaggedError("KeyNotFound") {}

/** The thing has changed since it was read. Nothing was changed. */
export class StaleVersion extends Data.TaggedError("StaleVersion") {}

/** The errors that a problem becomes, by its name. */
const errors = {
  ConsumerNotFound: ({ consumer = "" }: About) => new Errors.ConsumerNotFound({ consumer }),
  DeadLetterNotFound: ({ deadLetterId = "" }: About) => new Errors.DeadLetterNotFound({ deadLetterId }),
  KeyNotFound: () => new KeyNotFound(),
  StaleVersion: () => new StaleVersion(),
  RedriveRunNotFound: ({ redriveRunId = "" }: About) => new Errors.RedriveRunNotFound({ redriveRunId }),
  WorkerNotFound: ({ consumer = "", worker = "" }: About) => new Errors.WorkerNotFound({ consumer, worker }),
  NothingToRedrive: ({ consumer = "" }: About) => new Errors.NothingToRedrive({ consumer }),
  // A server says this of a key that is held, and `HttpActions.ts` knows before whether it is.
  NothingToAdvance: ({ consumer = "", key = "" }: About) => new Errors.NothingToAdvance({ consumer, key, held: true }),
  MessageNotWaiting: ({ consumer = "", key, messageId: id = "" }: About) =>
    new Errors.MessageNotWaiting({ consumer, id, key: key ?? id }),
  DeadLetterConflict: ({ asked = "", deadLetterId = "" }: About, fields: ServerProblem["fields"]) =>
    new Errors.DeadLetterConflict({ deadLetterId, asked, ...first(fields) }),
  PauseConflict: ({ asked, consumer = "", key = "" }: About, fields: ServerProblem["fields"]) =>
    new Errors.PauseConflict({
      consumer,
      key,
      asked: asked === "paused" ? "paused" : "resumed",
      by: text(fields["by"]),
      at: number(fields["at"])
    }),
  RedriveRunConflict: ({ asked = "", redriveRunId = "" }: About, fields: ServerProblem["fields"]) =>
    new Errors.RedriveRunConflict({ redriveRunId, asked, revision: -1, ...first(fields) }),
  RedriveRunning: ({ consumer = "" }: About, fields: ServerProblem["fields"]) =>
    new Errors.RedriveRunning({ consumer, redriveRunId: text(fields["run"]), ...first(fields) }),
  QueueChanged: ({ consumer = "", expected = 0 }: About, fields: ServerProblem["fields"]) =>
    new Errors.QueueChanged({ consumer, expected, found: number(fields["found"]) }),
  KeyChanged: ({ deadLetterId = "", topic = "" }: About, { detail }: ServerProblem["fields"]) =>
    new Errors.EditUndecodable({ deadLetterId, topic, issue: text(detail), where: "key" }),
  PayloadInvalid: ({ deadLetterId = "", topic = "" }: About, { issues }: ServerProblem["fields"]) => {
    const [issue] = Array.isArray(issues) ? issues : []
    return new Errors.EditUndecodable({
      deadLetterId,
      topic,
      issue: text(issue?.message),
      where: text(issue?.path)
    })
  }
}

/** The names of the problems that become errors of their own. */
export type Known = keyof typeof errors

/** The error that a problem of this name becomes. */
export type ErrorOf<N extends Known> = ReturnType<typeof errors[N]>

/** Returns `consumer-not-found` for `ConsumerNotFound`. */
const kebab = (name: string): string => name.replace(/([a-z])([A-Z])/g, "$1-$2").toLowerCase()

const hints: Readonly<Record<number, string>> = {
  401: "Set MILLRACE_TOKEN to a token of the server.",
  404: "Check the address of the server: the path `api/v1` begins behind it."
}

const storeFailureOf = (url: string, operation: string, error: unknown): Errors.StoreFailure => {
  if (error instanceof ServerProblem) {
    const { detail, status, type } = error
    const passes = status === 429 || status >= 502
    return new Errors.StoreFailure({
      operation,
      kind: type === "query-timeout" ? "timeout" : passes ? "unavailable" : "refused",
      code: `HTTP ${status}`,
      detail: `the answer of ${url} is: ${detail.replace(/\.$/, "")}`,
      hint: hints[status] ?? "Look at the log of the server if this does not help."
    })
  }
  if (error instanceof HttpClientError.HttpClientError && error.reason._tag === "TransportError") {
    return new Errors.StoreFailure({
      operation,
      kind: "unavailable",
      code: "",
      detail: `${url} does not answer`,
      hint: "Check the address, the network and the server. Then try again."
    })
  }
  // The reason may quote a payload, so it is not shown.
  return new Errors.StoreFailure({
    operation,
    kind: "refused",
    code: "",
    detail: `the request, or the answer of ${url}, does not fit the HTTP API of this version`,
    hint: "Check the address, and use the version of millrace that the server has. A name has 1 to 512 characters."
  })
}

/**
 * Returns the error of a failed request: that of its problem if it is among `names`, and a `StoreFailure` if not. The
 * code of the failure is the status (`HTTP 403`).
 */
export const errorOf = <N extends Known>(
  url: string,
  operation: string,
  about: About,
  names: ReadonlyArray<N>,
  error: unknown
): Errors.StoreFailure | ErrorOf<N> => {
  const name = error instanceof ServerProblem ? names.find((one) => kebab(one) === error.type) : undefined
  return name !== undefined && error instanceof ServerProblem
    ? errors[name](about, error.fields) as ErrorOf<N>
    : storeFailureOf(url, operation, error)
}
