/**
 * `millrace openapi`: prints the description of the HTTP API of this version, for tools that make clients of it.
 */
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Output from "../output/Output.ts"

export const openapi = Command.make("openapi", {}, () =>
  Effect.gen(function*() {
    // The API is loaded here, since no other command but those over HTTP needs it.
    const { api } = yield* Effect.promise(() => import("../../http/api/Api.ts"))
    const { fromApi } = yield* Effect.promise(() => import("effect/http-api/OpenApi"))
    const document = fromApi(api)
    yield* Output.emit({ data: document, lines: Output.paragraph(JSON.stringify(document, undefined, 2)) })
  })).pipe(Command.withDescription("Print the OpenAPI description of the HTTP API, as `dashboard` serves it"))
