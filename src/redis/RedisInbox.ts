/**
 * An inbox on Redis, for effects that no database contains. `Inbox.once` runs on it: one effect for each id while the
 * process lives, and its first result for every caller.
 *
 * The marker on Redis and the effect are not one transaction. So this inbox cannot promise what the store's inbox
 * promises:
 *
 * - An effect happens again if its process dies after the effect and before the done marker is written.
 * - An effect that failed or was interrupted in the middle runs again from its beginning.
 * - An effect happens again if Redis forgets its record. A crash of Redis forgets what was not yet written to disk, and
 *   a failover to a replica forgets what the replica did not have. Redis also forgets by eviction.
 *
 * Give the other system an idempotency key as well, for example the id, where it accepts one. A worker's inbox stays in
 * the store, because there the effects and the ids commit together.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Redis } from "effect/persistence/Redis"
import type { InvalidSetting, StoreFailure } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import type { OutsideInbox } from "../Store.ts"
import * as Durability from "./Durability.ts"
import * as Scripts from "./inboxScripts.ts"
import { bounded } from "./RedisFailure.ts"

/**
 * The service of the inbox, for the option `inbox` of `Inbox.once`.
 *
 * @since 0.1.0
 */
export class RedisInbox extends Context.Service<RedisInbox, OutsideInbox>()("millrace/redis/RedisInbox") {}

/**
 * How the inbox keeps its records.
 *
 * @since 0.1.0
 */
export interface RedisInboxOptions {
  /**
   * How long the in-progress marker of a process that has died keeps its id: 1 second to 1 day. The marker is renewed
   * after each third of this time while the effect runs. Default 30 seconds.
   */
  readonly marker?: Duration.Input | undefined
  /**
   * How long an id and its result are remembered after the effect, 1 second to 10 years. Then the same id runs again.
   * Default 7 days.
   */
  readonly window?: Duration.Input | undefined
  /** The beginning of every key on Redis. Services that share a server need different ones. Default `millrace`. */
  readonly prefix?: string | undefined
  /** How long a request to Redis may take. At most a third of `marker`. Default 3 seconds, or a third of `marker`. */
  readonly requestTimeout?: Duration.Input | undefined
}

interface Settings {
  readonly marker: number
  readonly window: number
  readonly request: number
  readonly prefix: string
}

const year = 365 * 86_400_000

const resolve = (options: RedisInboxOptions): Effect.Effect<Settings, InvalidSetting> => {
  const marker = GivenDuration.millis(options.marker ?? "30 seconds")
  const window = GivenDuration.millis(options.window ?? "7 days")
  const request = options.requestTimeout === undefined
    ? Math.min(3000, marker / 3)
    : GivenDuration.millis(options.requestTimeout)
  const prefix = options.prefix ?? "millrace"
  const refuse = (setting: keyof RedisInboxOptions, expected: string) =>
    Effect.fail(GivenDuration.refusal(setting, options[setting], expected))
  if (!(marker >= 1000 && marker <= 86_400_000)) return refuse("marker", "a duration from 1 second to 1 day is needed")
  if (!(window >= 1000 && window <= 10 * year)) {
    return refuse("window", "a duration from 1 second to 10 years is needed")
  }
  if (!(request > 0 && request <= marker / 3)) {
    return refuse("requestTimeout", `a duration above zero and at most a third of marker (${marker} ms) is needed`)
  }
  if (typeof prefix !== "string" || !/^[\w.:/-]{1,100}$/.test(prefix)) {
    return refuse("prefix", "1 to 100 letters, digits and characters of _ . : / - are needed")
  }
  return Effect.succeed({ marker: Math.round(marker), window: Math.round(window), request, prefix })
}

/** Returns the inbox on this connection. */
const make = ({ marker, prefix, request, window }: Settings, redis: Redis["Service"]): OutsideInbox => {
  // A consumer's name has no colon, so two pairs of consumer and id never have the same key in Redis.
  const keyOf = (consumer: string, id: string) => `${prefix}:inbox:${consumer}:${id}`
  const scripts = {
    claim: redis.eval(Scripts.claim),
    renew: redis.eval(Scripts.renew),
    finish: redis.eval(Scripts.finish),
    release: redis.eval(Scripts.release)
  }
  return {
    markerMillis: marker,
    claim: (consumer, { fingerprint, id, owner }) =>
      Effect.map(
        bounded("claim an id in the inbox", request, scripts.claim(keyOf(consumer, id), owner, fingerprint, marker)),
        ([state, result = ""]) => {
          switch (state) {
            case "fresh":
              return { _tag: "Fresh" }
            case "done":
              // The text of an encoded result is never empty. An empty one stands for none.
              return { _tag: "Committed", result: result === "" ? undefined : result }
            case "conflict":
              return { _tag: "Conflict" }
            default:
              return { _tag: "Busy" }
          }
        }
      ),
    renew: (consumer, { id, owner }) =>
      Effect.map(
        bounded("renew an in-progress marker", request, scripts.renew(keyOf(consumer, id), owner, marker)),
        (kept) => kept === 1
      ),
    finish: (consumer, { fingerprint, id, owner }, result = "") =>
      Effect.map(
        bounded(
          "store a result",
          request,
          scripts.finish(keyOf(consumer, id), owner, fingerprint, window, result)
        ),
        (done) => done === 1
      ),
    release: (consumer, { id, owner }) =>
      bounded("delete an in-progress marker", request, scripts.release(keyOf(consumer, id), owner))
  }
}

/**
 * Provides the inbox on a connection to Redis 6.2 or later, for example `RedisConnection.layerConfig`, or
 * `NodeRedis.layer` of `@effect/platform-node`.
 *
 * Fails with `InvalidSetting` if an option is out of its range, and with `StoreFailure` if Redis does not answer. Logs
 * a warning if the server may forget ids. It may do so without AOF, with an `appendfsync` other than `always`, or with
 * a policy that evicts keys.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Inbox } from "millrace"
 * import { RedisConnection, RedisInbox } from "millrace/redis"
 *
 * declare const sendMail: (to: string) => Effect.Effect<string>
 *
 * const welcome = (id: string, to: string) =>
 *   Inbox.once({ consumer: "mails", id, payload: to }, sendMail(to), {
 *     result: Schema.String,
 *     inbox: RedisInbox.RedisInbox
 *   })
 *
 * const services = RedisInbox.layer({ marker: "20 seconds" }).pipe(Layer.provide(RedisConnection.layerConfig))
 * const program = welcome("user-7", "ada@example.com").pipe(Effect.provide(services))
 * ```
 *
 * @since 0.1.0
 */
export const layer = (
  options: RedisInboxOptions = {}
): Layer.Layer<RedisInbox, InvalidSetting | StoreFailure, Redis> =>
  Layer.effect(
    RedisInbox,
    Effect.gen(function*() {
      const settings = yield* resolve(options)
      const redis = yield* Redis
      yield* Durability.warn(redis, settings.request)
      return make(settings, redis)
    })
  )
