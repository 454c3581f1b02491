/**
 * The HTTP server of the operations as a layer: the API, the pages of the dashboard, and the routes beside them.
 *
 * It is mounted in the router around it, under one path. Everything below that path has its own router, so the guards
 * stand before unknown paths as well, and the settings of your router stay yours.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as FileSystem from "effect/FileSystem"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type * as Etag from "effect/http/Etag"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import type * as HttpPlatform from "effect/http/HttpPlatform"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Path from "effect/Path"
import * as RateLimiter from "effect/persistence/RateLimiter"
import type { PlatformError } from "effect/PlatformError"
import type { InvalidSetting } from "../../Errors.ts"
import type * as Operations from "../../ops/Operations.ts"
import type { Store } from "../../Store.ts"
import { api } from "../api/Api.ts"
import * as Problems from "../api/Problems.ts"
import * as DeadLetterHandlers from "../handlers/DeadLetterHandlers.ts"
import * as LookingHandlers from "../handlers/LookingHandlers.ts"
import * as RedriveHandlers from "../handlers/RedriveHandlers.ts"
import * as SessionHandlers from "../handlers/SessionHandlers.ts"
import * as SteeringHandlers from "../handlers/SteeringHandlers.ts"
import * as AccessLayer from "../security/AccessLayer.ts"
import * as Guards from "../security/Guards.ts"
import * as Settings from "../security/ServerSettings.ts"
import * as LiveUpdates from "./LiveUpdates.ts"
import * as PlainRoutes from "./PlainRoutes.ts"
import * as StaticFiles from "./StaticFiles.ts"

const handlers = Layer.mergeAll(
  LookingHandlers.consumers,
  LookingHandlers.keys,
  LookingHandlers.facts,
  DeadLetterHandlers.failures,
  DeadLetterHandlers.deadLetters,
  RedriveHandlers.previews,
  RedriveHandlers.runs,
  SteeringHandlers.steering,
  SessionHandlers.signIn,
  SessionHandlers.session
)

/** Serves everything below the mount, on the router around it. */
const routes = (settings: Settings.Settings["Service"]) =>
  Layer.merge(HttpApiBuilder.layer(api), PlainRoutes.layer).pipe(
    Layer.provide(handlers),
    Layer.provide(Layer.mergeAll(
      AccessLayer.layer,
      HttpApiMiddleware.layerProblemDetails({ includeDetails: true }),
      LiveUpdates.layer
    )),
    Layer.provide(AccessLayer.gate),
    Layer.provide(RateLimiter.layer),
    Layer.provide(RateLimiter.layerStoreMemory),
    Layer.provide(Layer.succeed(Settings.Settings, settings))
  )

const notFound = new Problems.NotFound({
  detail: "This path leads to nothing. Nothing was done. openapi.json lists all paths."
})

const tooLarge = (most: number) =>
  new Problems.TooLarge({ detail: `The body has more than ${most} bytes. Nothing was done. Send less.` })

const broken = new Problems.StoreRefused({
  detail: "The server failed in a way that it does not know. Whether something was changed is not known. "
    + "Look at the log of the server, and read the facts again."
})

/** Returns the problem of a request that ended in a failure or a defect of the router, or in a defect of a handler. */
const problemOf = (cause: Cause.Cause<unknown>, most: number) => {
  const error = Cause.squash(cause)
  if (!(error instanceof HttpServerError.HttpServerError)) return broken
  const { reason } = error
  if (reason._tag === "RouteNotFound") return notFound
  if (reason._tag !== "RequestParseError") return broken
  return reason.reason === "BodyTooLarge"
    ? tooLarge(most)
    : new Problems.InvalidRequest({ detail: "The request could not be read. Nothing was done." })
}

/** Serves one request below the mount. */
const served = (
  router: HttpRouter.HttpRouter,
  settings: Settings.Settings["Service"],
  page: Effect.Success<typeof StaticFiles.make>
) => {
  const { bodyBytes, hosts, path } = settings
  const routed = router.asHttpEffect()
  const handle = Effect.gen(function*() {
    const request = yield* HttpServerRequest.HttpServerRequest
    const pathname = request.url.split("?")[0]!
    const whole = request.originalUrl.split("?")[0]!
    // Addresses of the page are relative, so it needs the slash at the end.
    if (pathname === "/" && !whole.endsWith("/")) return HttpServerResponse.redirect(`${path}/`, { status: 308 })
    const file = request.method === "GET" || request.method === "HEAD" ? page(pathname) : undefined
    if (file !== undefined) return yield* file
    if (Number(request.headers["content-length"] ?? 0) > bodyBytes) {
      return yield* HttpServerRespondable.toResponse(tooLarge(bodyBytes))
    }
    return yield* routed
  })
  const answered = handle.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(bodyBytes)),
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const problem = problemOf(cause, bodyBytes)
      const log = problem === broken
        ? Effect.logError("A request of the HTTP API failed in an unknown way.", cause)
        : Effect.void
      return Effect.andThen(log, HttpServerRespondable.toResponse(problem))
    })
  )
  return Guards.guarded(hosts, answered)
}

/** The services that a server for Effect's router provides: `NodeHttpServer.layer`. */
type Platform = Etag.Generator | FileSystem.FileSystem | HttpPlatform.HttpPlatform | Path.Path

/**
 * Mounts the operations in the router around it, closed by default.
 *
 * ```ts
 * import { NodeHttpServer } from "@effect/platform-node"
 * import { Layer, Redacted } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { Server } from "millrace/http"
 * import { Operations } from "millrace/ops"
 * import { Postgres } from "millrace/postgres"
 * import { createServer } from "node:http"
 *
 * const operations = Server.layer({
 *   path: "/ops",
 *   tokens: [{ token: Redacted.make("a long secret of your own"), role: "operator", name: "on call" }]
 * })
 * const server = HttpRouter.serve(operations).pipe(
 *   Layer.provide(Operations.layer()),
 *   Layer.provide(Postgres.layerConfig),
 *   Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 4055 }))
 * )
 * ```
 *
 * @since 0.1.0
 */
export const layer = (
  options: Settings.ServerOptions
): Layer.Layer<
  never,
  InvalidSetting | PlatformError,
  HttpRouter.HttpRouter | Operations.Operations | Store | Platform
> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const settings = yield* Settings.make(options)
    const outer = yield* HttpRouter.HttpRouter
    // Keys have up to 512 bytes, which take three characters each in a path.
    const router = yield* Effect.provideService(HttpRouter.make, HttpRouter.RouterConfig, { maxParamLength: 2_048 })
    const scope = yield* Effect.scope
    yield* Layer.buildWithScope(
      Layer.provide(Layer.fresh(routes(settings)), Layer.succeed(HttpRouter.HttpRouter, router)),
      scope
    )
    const page = yield* StaticFiles.make
    const mount = settings.path === "" ? outer : outer.prefixed(settings.path)
    yield* mount.add("*", "/*", served(router, settings, page))
  }))
