/**
 * Sends the requests of the operations to a server, with its token, an Idempotency-Key for each action, and bounds.
 *
 * A request that got no answer is sent again if that is safe: it reads, or the server knows it by its Idempotency-Key.
 * If the answer names a time to wait, the request is sent again after that time.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { randomUUID } from "node:crypto"
import { type InvalidOperatorAction, StoreFailure } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import type { OperatorAction } from "../../Store.ts"
import { api } from "../api/Api.ts"
import { type About, type ErrorOf, errorOf, type Known, problemOf, ServerProblem } from "./ServerAnswers.ts"

/** Where the server is, and the token for it. */
export interface ServerAddress {
  /** The address at which the operations are mounted, without `/api/v1`. */
  readonly url: string
  readonly token: Redacted.Redacted | undefined
}

/** The bounds of a request: until its answer begins, and how often it is sent again. */
const bounds = { answer: Duration.seconds(30), noAnswer: 2, patience: 5, longestWait: Duration.seconds(10) } as const

/** The longest name of an operator that the server takes from the header. */
const longestName = 200

/** The operator of the present request. The audit of the server keeps it. */
const Operator = Context.Reference<string | undefined>("millrace/http/Operator", { defaultValue: () => undefined })

const noAnswer = (error: unknown): boolean =>
  error instanceof HttpClientError.HttpClientError && error.reason._tag === "TransportError"

/** Returns whether the same request may be sent twice. */
const isSafe = ({ headers, method }: HttpClientRequest.HttpClientRequest): boolean =>
  method === "GET" || headers["idempotency-key"] !== undefined

/** Returns whether the server asks for the same request again: it is busy, or the same one still runs. */
const isPatience = (error: unknown): error is ServerProblem & { readonly retryAfter: number } =>
  error instanceof ServerProblem && error.retryAfter !== undefined && [409, 429, 503].includes(error.status)

const again = (request: HttpClientRequest.HttpClientRequest) => <A, E, R>(answer: Effect.Effect<A, E, R>) =>
  answer.pipe(
    Effect.retry({
      while: (error) => noAnswer(error) && isSafe(request),
      times: bounds.noAnswer,
      schedule: Schedule.spaced("200 millis")
    }),
    Effect.tapError((error) =>
      isPatience(error)
        ? Effect.sleep(Duration.min(Duration.seconds(error.retryAfter), bounds.longestWait))
        : Effect.void
    ),
    Effect.retry({ while: isPatience, times: bounds.patience })
  )

/** Returns the client of a server: every answer with an error is a `ServerProblem`. */
const clientOf = ({ token, url }: ServerAddress) =>
  Effect.flatMap(HttpClient.HttpClient, (client) =>
    HttpApiClient.makeWith(api, {
      baseUrl: url,
      httpClient: client.pipe(
        HttpClient.mapRequestEffect((request) =>
          Effect.map(Operator, (by) =>
            request.pipe(
              token === undefined ? (same) => same : HttpClientRequest.bearerToken(token),
              by === undefined ? (same) => same : HttpClientRequest.setHeader("millrace-by", by)
            ))
        ),
        HttpClient.transform((answer, request) =>
          answer.pipe(
            Effect.timeoutOrElse({
              duration: bounds.answer,
              orElse: () =>
                Effect.fail(
                  new HttpClientError.HttpClientError({
                    reason: new HttpClientError.TransportError({ request, description: "no answer in time" })
                  })
                )
            }),
            Effect.flatMap((response) =>
              response.status < 400
                ? Effect.succeed(response)
                : Effect.flatMap(problemOf(response), Effect.fail)
            ),
            again(request)
          )
        )
      )
    }))

/** The typed requests of the API. */
export type Client = Effect.Success<ReturnType<typeof clientOf>>

/** The headers of an action: a key that is new for each intention. */
export interface ActionHeaders {
  readonly "idempotency-key": string
}

/** The requests of one server. */
export interface ServerCalls {
  /** Runs a request that reads. The problems among `names` become errors of their own. */
  readonly ask: <A, N extends Known = never>(
    operation: string,
    about: About,
    names: ReadonlyArray<N>,
    request: (client: Client) => Effect.Effect<A, unknown>
  ) => Effect.Effect<A, StoreFailure | ErrorOf<N>>
  /** Runs a request that changes something, for an operator whose name and note were checked. */
  readonly act: <A, N extends Known = never>(
    operation: string,
    action: OperatorAction,
    about: About,
    names: ReadonlyArray<N>,
    request: (
      client: Client,
      headers: ActionHeaders,
      note: { readonly note?: string }
    ) => Effect.Effect<A, unknown>
  ) => Effect.Effect<A, StoreFailure | ErrorOf<N>>
}

/** Returns `act` with the check of the operator's name and note that every engine makes first. */
export const checkedAction = ({ act }: ServerCalls) =>
<A, N extends Known = never>(
  ...[operation, action, about, names, request]: Parameters<typeof act<A, N>>
): Effect.Effect<A, StoreFailure | InvalidOperatorAction | ErrorOf<N>> =>
  Effect.andThen(checked(action), act(operation, action, about, names, request))

/** A path cannot contain these names: an address without them has another meaning. */
const unspeakable = ["", ".", ".."]

/** Makes the requests of a server. */
export const make = Effect.fnUntraced(function*(
  server: ServerAddress
): Effect.fn.Return<ServerCalls, never, HttpClient.HttpClient> {
  const client = yield* clientOf(server)
  const ask: ServerCalls["ask"] = (operation, about, names, request) => {
    const bad = Object.entries(about).find(([, value]) => unspeakable.includes(String(value)))
    if (bad !== undefined) {
      return Effect.fail(
        new StoreFailure({
          operation,
          kind: "refused",
          code: "",
          detail: `the ${bad[0]} is ${JSON.stringify(bad[1])}, which no path of the HTTP API can name`,
          hint: "Use the database itself (DATABASE_URL)."
        })
      )
    }
    return Effect.mapError(request(client), (error) => errorOf(server.url, operation, about, names, error))
  }
  return {
    ask,
    act: Effect.fnUntraced(function*(operation, action, about, names, request) {
      const by = action.by.trim()
      // A header has only such characters, and the server would cut a longer name.
      if (!/^[\x20-\x7e]+$/.test(by) || by.length > longestName) {
        return yield* new StoreFailure({
          operation,
          kind: "refused",
          code: "",
          detail: `the operator is ${JSON.stringify(by)}, which no header of HTTP can have`,
          hint: `Give a name of ASCII characters, ${longestName} at most.`
        })
      }
      const headers = { "idempotency-key": randomUUID() }
      const note = action.note === undefined ? {} : { note: action.note }
      return yield* Effect.provideService(
        ask(operation, about, names, (client) => request(client, headers, note)),
        Operator,
        by
      )
    })
  }
})
