/**
 * Classifies failures of Redis: which ones pass by themselves, and what to do about the others.
 */
import * as Effect from "effect/Effect"
import type { RedisError } from "effect/persistence/Redis"
import { StoreFailure } from "../Errors.ts"

/** Error codes of a server that cannot answer now: it starts, fails over, is full, or runs a long script. */
const passing =
  /^(?:LOADING|BUSY|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|MISCONF|NOREPLICAS|UNBLOCKED|ERR max number of clients)\b/

/** Error codes of a server begin with a word in capitals. An error of the connection does not. */
const fromServer = /^[A-Z]{2,}[A-Z_]* /

/** Returns the text of an error, bounded. Neither the server nor the client puts a password into its errors. */
export const detailOf = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause)).slice(0, 300)

const failure = (operation: string, error: RedisError): StoreFailure => {
  const detail = detailOf(error.cause)
  return fromServer.test(detail) && !passing.test(detail)
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
          detail: `Redis did not answer within ${millis} ms`,
          hint: "Look at the Redis server and the network, then try again."
        })
      )
  })
