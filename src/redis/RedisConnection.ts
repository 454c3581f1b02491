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
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Redis } from "effect/persistence/Redis"
import * as Redacted from "effect/Redacted"
import { InvalidConfig, InvalidSetting, StoreFailure } from "../Errors.ts"
import { detailOf } from "./RedisFailure.ts"

/** Milliseconds within which the connection must be there at the start. */
const connectMillis = 10_000
/** The connection counts as broken if nothing came over it for this long. The client asks three times as often. */
const silentMillis = 30_000

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

/**
 * Provides a connection to the server at this URL: `redis://user:password@host:6379`, or `rediss://` for TLS. A plain
 * text is made `Redacted`, so that no log shows its password.
 *
 * Fails with `InvalidSetting` if the text is no such URL, and with `StoreFailure` if the server is not there at the
 * start. A connection that is lost later is opened again, with pauses of at most 2 seconds. Requests fail meanwhile.
 *
 * @since 0.1.0
 */
export const layer = (url: Redacted.Redacted | string): Layer.Layer<Redis, InvalidSetting | StoreFailure> =>
  Layer.unwrap(Effect.suspend(() => {
    const text = Redacted.isRedacted(url) ? Redacted.value(url) : url
    if (typeof text !== "string" || !isRedisUrl(text)) {
      return Effect.fail(
        new InvalidSetting({
          setting: "url",
          got: "no address of Redis",
          expected: "it must be a text (or Redacted) of the form redis://user:password@host:6379"
        })
      )
    }
    return Effect.succeed(connected(text))
  }))

const connected = (url: string): Layer.Layer<Redis, StoreFailure> =>
  Layer.effectContext(Effect.suspend(() => {
    // The client asks how to connect again also for its first connection, which must fail instead.
    let started = false
    const client = NodeRedis.layer({
      url,
      disableOfflineQueue: true,
      pingInterval: silentMillis / 3,
      socket: {
        connectTimeout: connectMillis,
        socketTimeout: silentMillis,
        reconnectStrategy: (retries, cause) => started ? Math.min(50 * 2 ** retries, 2000) : cause
      }
    })
    return Layer.build(client).pipe(
      Effect.mapError((error) => notStarted(detailOf(error.cause))),
      Effect.tap(() => Effect.sync(() => void (started = true)))
    )
  }))

/**
 * Provides a connection to the server that the variable `REDIS_URL` names. If the variable is missing or no URL of
 * Redis, the layer fails with `InvalidConfig`, which does not show its value.
 *
 * @since 0.1.0
 */
export const layerConfig: Layer.Layer<Redis, InvalidConfig | InvalidSetting | StoreFailure> = Layer.unwrap(
  Effect.gen(function*() {
    const text = yield* Effect.orElseSucceed(Config.withDefault(Config.String("REDIS_URL"), ""), () => "")
    if (isRedisUrl(text)) return layer(Redacted.make(text))
    return yield* new InvalidConfig({
      variable: "REDIS_URL",
      got: text === "" ? "nothing" : "something else",
      expected: "the URL of a Redis server",
      example: "redis://user:password@localhost:6379"
    })
  })
)
