/**
 * The routes beside the API: its description, problems as text, health, and the metrics of this process.
 */
import * as Effect from "effect/Effect"
import * as OpenApi from "effect/http-api/OpenApi"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type { InvalidSetting } from "../../Errors.ts"
import * as Health from "../../Health.ts"
import * as MetricsEndpoint from "../../ops/MetricsEndpoint.ts"
import type { Store } from "../../Store.ts"
import { api } from "../api/Api.ts"
import { Gate } from "../security/AccessLayer.ts"
import * as ProblemPages from "./ProblemPages.ts"

/** Lets viewers pass. */
const forViewers = HttpRouter.middleware(
  Effect.map(
    Gate,
    ({ enter }) => (handler) =>
      Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
        Effect.matchEffect(enter(request, "viewer"), {
          onFailure: HttpServerRespondable.toResponse,
          onSuccess: () => handler
        }))
  )
).layer

const description = HttpRouter.add(
  "GET",
  "/openapi.json",
  Effect.sync(() => HttpServerResponse.jsonUnsafe(OpenApi.fromApi(api)))
)

/** Liveness: a response shows that the process lives. A restart repairs neither the database nor a queue. */
const live = HttpRouter.add("GET", "/health/live", HttpServerResponse.text("ok\n"))

/** Readiness: the checks of this process. The reasons are for operators, so an open route shows the states only. */
const ready = HttpRouter.use((router) =>
  Effect.gen(function*() {
    const health = yield* Health.Health
    yield* router.add(
      "GET",
      "/health/ready",
      Effect.map(health.report, ({ checks, status }) =>
        HttpServerResponse.jsonUnsafe(
          { status, checks: Object.fromEntries(Object.entries(checks).map(([name, check]) => [name, check.status])) },
          { status: status === "down" ? 503 : 200 }
        ))
    )
  })
)

const problems = HttpRouter.add(
  "GET",
  "/problems/:name",
  Effect.map(HttpRouter.params, ({ name = "" }) => {
    const page = ProblemPages.of(name)
    return page === undefined
      ? HttpServerResponse.text(`There is no problem of the type ${JSON.stringify(name)}.\n`, { status: 404 })
      : HttpServerResponse.text(page)
  })
)

/** The routes. Health and the problems are open, and the others are for viewers. */
export const layer: Layer.Layer<never, InvalidSetting, Gate | HttpRouter.HttpRouter | Store> = Layer.mergeAll(
  Layer.merge(description, MetricsEndpoint.layer()).pipe(Layer.provide(forViewers)),
  live,
  ready.pipe(Layer.provide(Health.layer())),
  problems
)
