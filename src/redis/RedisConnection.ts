/**
 * A connection to Redis from the environment. A lost connection is opened again, and no request is queued meanwhile.
 *
 * The client is `redis` (node-redis) of the optional peer `redis`, through `@effect/platform-node`. Any other layer of
 * `effect/persistence/Redis` does as well.
 *
 * @since 0.1.0
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { InvalidConfig, InvalidSetting, StoreFailure } from "../Errors.ts"
import { detailOf } from "./RedisFailure.ts"

/** Milliseconds within which the connection must be there at the start. */
const connectMillis = 10_000
/** The connection counts as broken if nothing came over it for this long. The client asks three times as often. */
const silentMillis = 30_000

/**
 * The most connections beside the shared one, each opened when it is needed. A worker on streams has one for its read
 * that waits. The client's default of 10 would let the reads of more workers wait for one another.
 */
const maxConnections = 1_000

const isRedisUrl = (text: string): boolean =>
  URL.canParse(text) && ["redis:", "rediss:"].includes(new URL(text).protocol)

const notStarted = (detail: string): StoreFailure =>
  new StoreFailure({
    operation: "start",
    kind: "unavailable",
    code: "",
    detail: `Redis is not available: ${detail}`,
    hint: "Start Redis, or correct its url (REDIS_URL)."
  })

/** Returns the URL if the text is one of Redis. */
const checked = (url: Redacted.Redacted | string): Effect.Effect<string, InvalidSetting> => {
  const text = Redacted.isRedacted(url) ? Redacted.value(url) : url
  return typeof text === "string" && isRedisUrl(text) ? Effect.succeed(text) : Effect.fail(
    new InvalidSetting({
      setting: "url",
      got: "no address of Redis",
      expected: "it must be a text (or Redacted) of the form redis://user:password@host:6379"
    })
  )
}

/**
 * Provides a connection to the server at this URL: `redis://user:password@host:6379`, or `rediss://` for TLS. A plain
 * text is made `Redacted`, so that no log shows its password.
 *
 * Fails with `InvalidSetting` if the text is no such URL, and with `StoreFailure` if the server is not there at the
 * start. A connection that is lost later is opened again, with pauses of at most 2 seconds. Requests fail meanwhile.
 *
 * @since 0.1.0
 */
export const layer = (url: Redacted.Redacted | string): Layer.Layer<Redis.Redis, InvalidSetting | StoreFailure> =>
  Layer.unwrap(Effect.map(checked(url), (text) =>
    Layer.effectContext(
      Effect.mapError(opened(text), (error) => notStarted(detailOf(error.cause)))
    )))

/** Opens the connection. It lives until the scope closes. */
const opened = (url: string) =>
  Effect.suspend(() => {
    // The client asks how to connect again also for its first connection, which must fail instead.
    let started = false
    const client = NodeRedis.layer({
      url,
      maxConnections,
      disableOfflineQueue: true,
      pingInterval: silentMillis / 3,
      socket: {
        connectTimeout: connectMillis,
        socketTimeout: silentMillis,
        reconnectStrategy: (retries, cause) => started ? Math.min(50 * 2 ** retries, 2000) : cause
      }
    })
    return Effect.tap(Layer.build(client), () => Effect.sync(() => void (started = true)))
  })

/** Milliseconds that the end of a lazy connection may take. A frozen server would hold it up for much longer. */
const closeMillis = 2000

/** Closes a connection in a fiber of its own, since the client waits for the answers to what it has sent. */
const closing = (own: Scope.Closeable) => Effect.forkDetach(Scope.close(own, Exit.void))

/**
 * Provides a connection that the first request opens. So the layer starts also while the server is away, and requests
 * fail until it is there. A worker on `RedisStreams` then tries again with backoff, and health shows it.
 *
 * Fails with `InvalidSetting` if the text is no URL of Redis.
 *
 * @since 0.1.0
 */
export const layerLazy = (url: Redacted.Redacted | string): Layer.Layer<Redis.Redis, InvalidSetting> =>
  Layer.effect(
    Redis.Redis,
    Effect.gen(function*() {
      const text = yield* checked(url)
      const scope = yield* Effect.scope
      let known: Redis.Redis["Service"] | undefined
      let attempt: Deferred.Deferred<Redis.Redis["Service"], Redis.RedisError> | undefined
      const open = Effect.gen(function*() {
        const own = yield* Scope.make()
        const context = yield* Effect.onExit(
          Scope.provide(opened(text), own),
          (exit) => Exit.isSuccess(exit) ? Effect.void : Effect.asVoid(closing(own))
        )
        yield* Scope.addFinalizer(
          scope,
          Effect.flatMap(closing(own), (fiber) => Effect.ignore(Effect.timeout(Fiber.await(fiber), closeMillis)))
        )
        return known = Context.get(context, Redis.Redis)
      })
      // A request that gives up does not end the attempt, and the next request waits for the same one.
      const connection = Effect.suspend(() => {
        if (known !== undefined) return Effect.succeed(known)
        if (attempt !== undefined) return Deferred.await(attempt)
        const begun = attempt = Deferred.makeUnsafe()
        const ended = Effect.onExit(open, (exit) =>
          Effect.sync(() => {
            attempt = undefined
            Deferred.doneUnsafe(begun, exit)
          }))
        return Effect.andThen(Effect.forkIn(ended, scope), Deferred.await(begun))
      })
      return Redis.Redis.of({
        send: (command, ...args) => Effect.flatMap(connection, (redis) => redis.send(command, ...args)),
        eval: (script) => (...params) => Effect.flatMap(connection, (redis) => redis.eval(script)(...params)),
        subscribe: (channel) => Effect.flatMap(Effect.orDie(connection), (redis) => redis.subscribe(channel)),
        reserve: Effect.flatMap(connection, (redis) => redis.reserve)
      })
    })
  )

/** Reads the variable, and gives the URL to a layer. */
const configured = <E>(
  of: (url: Redacted.Redacted) => Layer.Layer<Redis.Redis, E>
): Layer.Layer<Redis.Redis, E | InvalidConfig> =>
  Layer.unwrap(Effect.gen(function*() {
    const text = yield* Effect.orElseSucceed(Config.withDefault(Config.String("REDIS_URL"), ""), () => "")
    if (isRedisUrl(text)) return of(Redacted.make(text))
    return yield* new InvalidConfig({
      variable: "REDIS_URL",
      got: text === "" ? "nothing" : "something else",
      expected: "the URL of a Redis server",
      example: "redis://user:password@localhost:6379"
    })
  }))

/**
 * Provides a connection to the server that the variable `REDIS_URL` names. If the variable is missing or no URL of
 * Redis, the layer fails with `InvalidConfig`, which does not show its value.
 *
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<Redis.Redis, InvalidConfig | InvalidSetting | StoreFailure> = configured(layer)

/**
 * Provides a connection as `layerLazy` does, to the server that the variable `REDIS_URL` names.
 *
 * @since 0.1.0
 */
export const layerLazyConfig: Layer.Layer<Redis.Redis, InvalidConfig | InvalidSetting> = configured(layerLazy)
