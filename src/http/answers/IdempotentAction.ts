/**
 * Carries out an operator action once: in one transaction with the record of its Idempotency-Key and its answer.
 *
 * The record is that of `Inbox.once`. A repeated request gets the first answer, and one with another path or body is
 * refused. An action that fails leaves no record, so the operator can send it again.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Schema from "effect/Schema"
import * as Inbox from "../../Inbox.ts"
import * as MessageId from "../../MessageId.ts"
import { type OperatorAction, Store } from "../../Store.ts"
import { type Actor, CurrentActor } from "../api/Access.ts"
import * as Problems from "../api/Problems.ts"

/** The name under which the inbox keeps the keys. It has no queue, so it is in no list of consumers. */
export const inboxName = "millrace-http"

/** Returns the document of a value, with the time at which it was read. */
export const answer = <A>(data: A): Effect.Effect<{ readonly schema: 1; readonly asOf: string; readonly data: A }> =>
  Effect.map(Clock.currentTimeMillis, (now) => ({ schema: 1, asOf: new Date(now).toISOString(), data }))

/** Returns the operator action of this request. */
export const by = (
  payload: { readonly note?: string | undefined }
): Effect.Effect<OperatorAction, never, CurrentActor> =>
  Effect.map(CurrentActor, ({ name }) => ({ by: name, note: payload.note }))

/** Sets a header of the answer. */
export const setHeader = (name: string, value: string) =>
  HttpEffect.appendPreResponseHandler((_, response) =>
    Effect.succeed(HttpServerResponse.setHeader(response, name, value))
  )

/** The parts of a request that its action needs. */
interface Asked {
  readonly headers: { readonly "idempotency-key"?: string | undefined }
  readonly payload: object
}

/** Returns the id of a request. The actor is a part of it, so an operator cannot read the answers of another one. */
const idOf = ({ name }: Actor, key: string): string => MessageId.ofPayload(JSON.stringify([name, key]))

/**
 * Runs the action in one transaction, and returns its answer. `result` is the schema of the answer, which is stored if
 * the request has an Idempotency-Key.
 */
export const once = <S extends Schema.Codec<unknown, unknown>, E, R>(
  { headers, payload }: Asked,
  result: S,
  action: Effect.Effect<S["Type"], E, R>
) =>
  Effect.gen(function*() {
    const key = headers["idempotency-key"]
    const store = yield* Store
    if (key === undefined) return yield* store.transact(action)
    const request = yield* HttpServerRequest.HttpServerRequest
    let ran = false
    const value = yield* Inbox.once(
      {
        consumer: inboxName,
        id: idOf(yield* CurrentActor, key),
        payload: JSON.stringify([request.method, request.url, payload])
      },
      Effect.tap(action, () => Effect.sync(() => ran = true)),
      { result, whileBusy: "refuse" }
    ).pipe(Effect.tapError((error) => isBusy(error) ? setHeader("retry-after", "1") : Effect.void))
    if (!ran) yield* setHeader("idempotency-replayed", "true")
    return value
  })

const isBusy = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "InProgress"

/** Fails unless the request has the ETag that it needs. Returns it without its quotes. */
export const condition = (
  headers: { readonly "if-match"?: string | undefined },
  what: string
): Effect.Effect<string, Problems.PreconditionRequired> => {
  const given = headers["if-match"]?.replace(/^W\//, "").replace(/^"(.*)"$/, "$1")
  return given === undefined
    ? Effect.fail(
      new Problems.PreconditionRequired({
        detail: `The request needs the header If-Match with the ETag of the ${what} that you saw. Nothing was done. `
          + `Read the ${what} first.`
      })
    )
    : Effect.succeed(given)
}
