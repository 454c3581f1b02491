/**
 * Classifies failures of Redis: which ones pass by themselves, and what to do about the others.
 */
import * as Effect from "effect/Effect"
import type { RedisError } from "effect/persistence/Redis"
import { StoreFailure, TransportError } from "../Errors.ts"

/** Error codes of a server that cannot answer now: it starts, fails over, is full, or runs a long script. */
const passing =
  /^(?:LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|NOREPLICAS|UNBLOCKED|ERR max number of clients)\b/

/** Error codes of a server begin with a word in capitals. An error of the connection does not. */
const fromServer = /^[A-Z]{2,}[A-Z_]* /

/** Returns the text of an error, bounded. Neither the server nor the client puts a password into its errors. */
export const detailOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 300)

/** Returns whether a server has answered with an error that no later request can undo. */
const isRefusal = (detail: string): boolean => fromServer.test(detail) && !passing.test(detail)

const failure = (operation: string, error: RedisError): StoreFailure => {
  const detail = detailOf(error.cause)
  return isRefusal(detail)
    ? new StoreFailure({
      operation,
      kind: "refused",
      code: "",
      detail: `Redis answered ${detail}`,
      hint: "Correct the user, the password or the rights of the connection, or the type of the key."
    })
    : new StoreFailure({
      operation,
      kind: "unavailable",
      code: "",
      detail: `Redis is not available: ${detail}`,
      hint: "Look at the Redis server and the network, then try again."
    })
}

/** Bounds a request, and makes a `StoreFailure` of its failure. A request that was given up may still run later. */
export const bounded = <A>(
  operation: string,
  millis: number,
  request: Effect.Effect<A, RedisError>
): Effect.Effect<A, StoreFailure> =>
  Effect.timeoutOrElse(Effect.mapError(request, (error) => failure(operation, error)), {
    duration: millis,
    orElse: () =>
      Effect.fail(
        new StoreFailure({
          operation,
          kind: "timeout",
          code: "",
          detail: unanswered(millis),
          hint: "Look at the Redis server and the network, then try again."
        })
      )
  })

const unanswered = (millis: number): string => `Redis did not answer within ${millis} ms`

/** Error codes of a connection without the right to do this. An operator may correct them while the worker runs. */
const rights = /^(?:NOAUTH|WRONGPASS|NOPERM)\b/

/**
 * Bounds the requests of a transport, and makes a `TransportError` of a failure. A request that was given up may still
 * run later. It can be interrupted, also where its caller cannot.
 */
export const requested =
  (engine: string, millis: number) =>
  <A>(operation: string, request: Effect.Effect<A, RedisError>): Effect.Effect<A, TransportError> => {
    const failed = (kind: TransportError["kind"], detail: string) =>
      new TransportError({ engine, operation, kind, detail })
    return Effect.timeoutOrElse(
      Effect.mapError(Effect.interruptible(request), ({ cause }) => {
        const detail = detailOf(cause)
        return failed(isRefusal(detail) && !rights.test(detail) ? "permanent" : "temporary", detail)
      }),
      { duration: millis, orElse: () => Effect.fail(failed("temporary", unanswered(millis))) }
    )
  }

/** Returns whether the error says that the server did nothing. Otherwise the outcome of the request is unknown. */
export const didNothing = ({ detail }: TransportError): boolean =>
  fromServer.test(detail) || /ECONNREFUSED/.test(detail)
