/**
 * The operations over the HTTP API: the same services as on the database, for a program that reaches only the server.
 *
 * `Operations` has all facts and actions, except for the export and import of whole messages. The `Store` beside it is
 * the part that `DeadLetters`, `Consumers` and `Audit` need. It serves no worker and no publisher.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { InvalidSetting } from "../../Errors.ts"
import { Operations } from "../../ops/Operations.ts"
import { Store } from "../../Store.ts"
import * as HttpActions from "./HttpActions.ts"
import * as HttpCounts from "./HttpCounts.ts"
import * as HttpFacts from "./HttpFacts.ts"
import * as HttpRuns from "./HttpRuns.ts"
import * as HttpStore from "./HttpStore.ts"
import * as ServerCalls from "./ServerCalls.ts"

/**
 * Options of {@link layer}.
 *
 * @since 0.1.0
 */
export interface HttpOperationsOptions {
  /** The address at which the server mounts the operations: `https://ops.example.com/ops`, without `/api/v1`. */
  readonly url: string
  /** A token of the server. Default: none, for a server whose own authentication needs none. */
  readonly token?: Redacted.Redacted | undefined
}

/**
 * Provides the operations of a server. Errors are those of the database, by the name of the server's problem. Others
 * are a `StoreFailure` whose code is the status: `HTTP 401`. A server that does not answer is `unavailable`.
 *
 * Each action has an Idempotency-Key, so a request without an answer is sent again and has one effect. An action on a
 * dead letter or run is sent with the version that was read (If-Match).
 *
 * ```ts
 * import { Console, Effect, Layer, Redacted } from "effect"
 * import { FetchHttpClient } from "effect/http"
 * import { HttpOperations } from "millrace/http"
 * import { Operations } from "millrace/ops"
 *
 * const server = HttpOperations.layer({ url: "https://ops.example.com", token: Redacted.make("a token of it") })
 * const status = Effect.gen(function*() {
 *   const operations = yield* Operations.Operations
 *   for (const { consumer, lag } of yield* operations.consumers) yield* Console.log(`${consumer}: ${lag.sentence}`)
 * }).pipe(Effect.provide(server.pipe(Layer.provide(FetchHttpClient.layer))))
 * ```
 *
 * @since 0.1.0
 */
export const layer = (
  { token, url }: HttpOperationsOptions
): Layer.Layer<Operations | Store, InvalidSetting, HttpClient.HttpClient> =>
  Layer.effectContext(Effect.gen(function*() {
    const parsed = URL.canParse(url) ? new URL(url) : undefined
    if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol) || parsed.username !== "") {
      return yield* new InvalidSetting({
        setting: "url",
        got: parsed === undefined ? url : `${parsed.protocol}//${parsed.host}`,
        expected: "an address like https://ops.example.com is needed, with the token apart from it"
      })
    }
    const calls = yield* ServerCalls.make({ url: `${parsed.origin}${parsed.pathname}`.replace(/\/+$/, ""), token })
    const facts = HttpFacts.make(calls)
    const operations = Operations.of({
      // Each read is a request of its own, which the server bounds.
      reading: identity,
      ...facts,
      ...HttpCounts.make(calls, facts),
      ...HttpRuns.make(calls),
      ...HttpActions.make(calls)
    })
    return Context.make(Operations, operations).pipe(Context.add(Store, HttpStore.make(calls)))
  }))
