/**
 * The handlers of the sign-in, the session, and the live updates.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import { answer } from "../answers/IdempotentAction.ts"
import { type Actor, CurrentActor } from "../api/Access.ts"
import { api } from "../api/Api.ts"
import { Gate, sessionOf, setCookie } from "../security/AccessLayer.ts"
import { Settings } from "../security/ServerSettings.ts"
import { LiveUpdates } from "../serve/LiveUpdates.ts"

/** Returns what a page shows about the operator and the server. */
const info = Effect.gen(function*() {
  const { payloads, redaction } = yield* Settings
  const { statsEvery } = yield* LiveUpdates
  return ({ name, role }: Actor) => answer({ name, role, payloads, redacts: redaction.active, statsEvery })
})

export const signIn = HttpApiBuilder.group(api, "signIn", (handlers) =>
  Effect.gen(function*() {
    const gate = yield* Gate
    const settings = yield* Settings
    const show = yield* info
    return handlers.handle("open", ({ payload, request }) =>
      Effect.gen(function*() {
        const { name: countedAs, role } = yield* gate.signIn(request, payload)
        const actor = { name: payload.name ?? countedAs, role }
        const { id } = yield* settings.sessions.put({ actor, countedAs })
        yield* setCookie(request, settings.path, id, settings.sessionMillis)
        return yield* show(actor)
      }))
  }))

export const session = HttpApiBuilder.group(api, "session", (handlers) =>
  Effect.gen(function*() {
    const gate = yield* Gate
    const settings = yield* Settings
    const live = yield* LiveUpdates
    const show = yield* info
    /** Waits until the request would be refused, since its session was closed or has expired. */
    const refused = (request: HttpServerRequest.HttpServerRequest) =>
      gate.enter(request, "viewer").pipe(
        Effect.catchTag("RateLimited", () => Effect.void),
        Effect.repeat(Schedule.spaced(live.statsEvery)),
        Effect.ignore
      )
    return handlers.handleAll({
      who: () => Effect.flatMap(CurrentActor, show),
      close: ({ request }) =>
        Effect.gen(function*() {
          const id = sessionOf(request)
          if (id !== undefined) yield* settings.sessions.take(id)
          yield* setCookie(request, settings.path, "", 0)
        }),
      events: ({ headers, request }) =>
        Effect.map(live.open(headers["last-event-id"]), (bytes) =>
          HttpServerResponse.stream(Stream.interruptWhen(bytes, refused(request)), {
            contentType: "text/event-stream",
            headers: { "x-accel-buffering": "no" }
          }))
    })
  }))
