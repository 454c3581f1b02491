/**
 * The HTTP API of Millrace's operations, as one value. The server implements it, OpenAPI describes it, and a page
 * imports its types.
 *
 * ```ts
 * import { OpenApi } from "effect/http-api"
 * import { Api } from "millrace/http"
 *
 * const document = OpenApi.fromApi(Api.api)
 * const paths = Object.keys(document.paths)
 * ```
 *
 * @since 0.1.0
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as OpenApi from "effect/http-api/OpenApi"
import { Access } from "./Access.ts"
import { deadLetters, failures } from "./DeadLettersApi.ts"
import { consumers, facts, keys } from "./Looking.ts"
import { previews, runs } from "./Redriving.ts"
import { session, signIn, steering } from "./Steering.ts"

/**
 * The API. All of its paths begin with `/api/v1`, below the path at which the server is mounted.
 *
 * @since 0.1.0
 */
export const api = HttpApi.make("millrace")
  .add(consumers, keys, facts, failures, deadLetters, previews, runs, steering, session)
  .middleware(Access)
  .add(signIn)
  .middleware(HttpApiMiddleware.ProblemDetails)
  .prefix("/api/v1")
  .annotateMerge(OpenApi.annotations({
    title: "Millrace operations",
    version: "1",
    description: "Find what is stuck, understand why, repair it, and redrive it."
  }))
