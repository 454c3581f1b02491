/**
 * The guards around every answer, static files and unknown paths included: the Host, and the headers for browsers.
 */
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import { escapeJson } from "../../internal/HarmlessText.ts"
import { HostNotAllowed } from "../api/Problems.ts"
import * as Origin from "./Origin.ts"

/** No inline script, no other host, no frame, and no sink for text as HTML (Trusted Types). */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'"
].join("; ")

const headers = {
  "content-security-policy": policy,
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin"
}

type Response = HttpServerResponse.HttpServerResponse

const decoder = new TextDecoder()

/** Escapes the controls of JSON documents, and keeps the line breaks between them. */
const escapeLines = (text: string): string => text.split("\n").map(escapeJson).join("\n")

/** Escapes the controls of a JSON body, since a terminal may print it. */
const harmless = (response: Response): Response => {
  const { body } = response
  if (body._tag === "Stream" && body.contentType.startsWith("application/x-ndjson")) {
    const escaped = body.stream.pipe(Stream.decodeText, Stream.map(escapeLines), Stream.encodeText)
    return HttpServerResponse.setBody(response, HttpBody.stream(escaped, body.contentType))
  }
  if (body._tag !== "Uint8Array" || !/^application\/(problem\+)?json/.test(body.contentType)) return response
  const text = decoder.decode(body.body)
  const escaped = escapeJson(text)
  return escaped === text
    ? response
    : HttpServerResponse.setBody(response, HttpBody.text(escaped, body.contentType))
}

/** Adds the headers. An answer that says nothing about caches is kept by none. */
export const secured = (response: Response): Response => {
  const safe = harmless(response)
  return HttpServerResponse.setHeaders(safe, { "cache-control": "no-store", ...safe.headers, ...headers })
}

/** Runs the handler if the Host is allowed, and adds the headers to every answer. */
export const guarded = <E, R>(
  hosts: ReadonlyArray<string>,
  handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, ({ headers }) => {
    const host = headers["host"]
    if (Origin.hostAllowed(host, hosts)) return Effect.map(handler, secured)
    const detail =
      `This server does not serve the name ${JSON.stringify((host ?? "").slice(0, 200))}. Nothing was done. `
      + "Add the name to the setting `hosts` (`--allow-host`), if it is yours."
    return Effect.map(HttpServerRespondable.toResponse(new HostNotAllowed({ detail })), secured)
  })
