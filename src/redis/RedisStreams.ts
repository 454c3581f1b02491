/**
 * The transport on Redis Streams. The messages of a consumer wait in streams, and their effects commit in the store.
 *
 * - `layer` reads one stream as a group. Redis hands a message out again after a crash or an expired lease, and the
 *   store's inbox makes its effects happen once. A group keeps no order, since any worker gets any message. So only a
 *   pipeline with `order: "none"` starts.
 * - `layerLog` reads the shards of a log in order per key. The store keeps lanes and positions, and each commit checks
 *   the lane's fencing token.
 *
 * The server must be Redis 7.0 or later. See `src/redis/README.md` for what it can do and what it costs.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Pipeline, Topic, Worker } from "millrace"
 * import { Postgres } from "millrace/postgres"
 * import { RedisConnection, RedisStreams } from "millrace/redis"
 *
 * const Views = Topic.make("views", { schema: Schema.Struct({ page: Schema.String }), id: "random" })
 * const views = Pipeline.from(Views, { consumer: "views", order: "none" }).pipe(
 *   Pipeline.tap((view) => Effect.log(view.page))
 * )
 * const program = Worker.launch(Worker.layer(views).pipe(
 *   Layer.provide(RedisStreams.layer({ stream: "views" })),
 *   Layer.provide(RedisConnection.layerLazyConfig),
 *   Layer.provide(Postgres.layerConfig)
 * ))
 * ```
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Redis } from "effect/persistence/Redis"
import * as Result from "effect/Result"
import type { InvalidSetting } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"
import { Store } from "../Store.ts"
import { Transport } from "../Transport.ts"
import * as Wire from "../wire/Wire.ts"
import * as LogTransport from "./LogTransport.ts"
import type * as StreamLog from "./StreamLog.ts"
import * as StreamTransport from "./StreamTransport.ts"

/** The options of both ways to read streams. */
interface ReadingOptions {
  /**
   * How long a read waits for messages, 10 milliseconds to 10 seconds, and at most a third of the worker's lease. It
   * must be below the socket timeout of the connection, which is 30 seconds in `RedisConnection`. A worker that stops
   * waits for the end of its read. Default 1 second.
   */
  readonly block?: Duration.Input | undefined
  /** How long a request may take, 10 milliseconds to 1 minute. Default 3 seconds. */
  readonly requestTimeout?: Duration.Input | undefined
  /** The form of messages, for example the mapping of messages of other producers (`foreign`). */
  readonly wire?: Wire.WireOptions | undefined
}

/**
 * The stream of a consumer, and how to read it as a group.
 *
 * @since 0.1.0
 */
export interface RedisStreamsOptions extends ReadingOptions {
  /** The key of the stream: 1 to 100 letters, digits and characters of `_ . : / - { }`. */
  readonly stream: string
  /** The name of the group. The default is the name of the consumer. */
  readonly group?: string | undefined
  /**
   * Whether a worker creates the stream and the group where they are missing. Default false: a group that was deleted
   * is then an error, and is not created again. A created group begins at the first entry of the stream.
   */
  readonly create?: boolean | undefined
  /**
   * The fate of a message after its commit. `delete` deletes the entry, unless another group reads the stream. With
   * `keep` the entry stays, and an operator trims the stream. Default `delete`.
   */
  readonly acknowledged?: "delete" | "keep" | undefined
}

/**
 * The streams of a log, and how to read them.
 *
 * @since 0.1.0
 */
export interface RedisLogOptions extends ReadingOptions {
  /**
   * The key of the streams, as in {@link RedisStreamsOptions}. Shard 3 is the stream `<stream>:3`. The only shard of a
   * log with one shard is the stream itself. On a cluster the key needs a hash tag (`{orders}`).
   */
  readonly stream: string
  /**
   * The number of shards, 1 to 256. Workers share them, so it bounds how many workers have work. Another number is
   * another log, since keys would change their shard. Default 8.
   */
  readonly shards?: number | undefined
}

const isKey = (name: unknown): boolean => typeof name === "string" && /^[\w.:/{}-]{1,100}$/.test(name)

const refusal = (options: RedisStreamsOptions | RedisLogOptions, setting: string, expected: string) =>
  Result.fail(GivenDuration.refusal(setting, (options as unknown as Record<string, unknown>)[setting], expected))

const nameNeeded = "1 to 100 letters, digits and characters of _ . : / - { } are needed"

/** Checks the options that both ways have. */
const reading = (options: RedisStreamsOptions | RedisLogOptions) => {
  const { block = "1 second", requestTimeout = "3 seconds", stream } = options
  const [blockMillis, requestMillis] = [GivenDuration.millis(block), GivenDuration.millis(requestTimeout)]
  if (!isKey(stream)) return refusal(options, "stream", nameNeeded)
  if (!(blockMillis >= 10 && blockMillis <= 10_000)) {
    return refusal(options, "block", "a duration from 10 milliseconds to 10 seconds is needed")
  }
  if (!(requestMillis >= 10 && requestMillis <= 60_000)) {
    return refusal(options, "requestTimeout", "a duration from 10 milliseconds to 1 minute is needed")
  }
  return Result.map(Wire.make(options.wire), (wire) => ({ stream, blockMillis, requestMillis, wire }))
}

const resolve = (options: RedisStreamsOptions): Result.Result<StreamTransport.Settings, InvalidSetting> => {
  const { acknowledged = "delete", create = false, group } = options
  if (group !== undefined && !isKey(group)) return refusal(options, "group", nameNeeded)
  if (acknowledged !== "delete" && acknowledged !== "keep") {
    return refusal(options, "acknowledged", "\"delete\" or \"keep\" is needed")
  }
  return Result.map(
    reading(options),
    (common) => ({ ...common, group, create, deletes: acknowledged === "delete" })
  )
}

const resolveLog = (options: RedisLogOptions): Result.Result<StreamLog.Options, InvalidSetting> => {
  const { shards = 8 } = options
  if (!(Number.isInteger(shards) && shards >= 1 && shards <= 256)) {
    return refusal(options, "shards", "a whole number from 1 to 256 is needed")
  }
  return Result.map(reading(options), (common) => ({ ...common, shards }))
}

/**
 * Provides the transport on one stream. The connection comes from `RedisConnection`, and the store from
 * `Postgres.layer`, or from `Memory.layer` in a test.
 *
 * Building the layer sends no request. A worker asks Redis when it starts, and tries again while Redis is unavailable.
 * It logs a warning for each setting by which the server may forget messages.
 *
 * Fails with `InvalidSetting` if an option is out of its range.
 *
 * @since 0.1.0
 */
export const layer = (options: RedisStreamsOptions): Layer.Layer<Transport, InvalidSetting, Redis | Store> =>
  Layer.effect(
    Transport,
    Effect.gen(function*() {
      const settings = yield* Effect.fromResult(resolve(options))
      return StreamTransport.make(yield* Redis, yield* Store, settings)
    })
  )

/**
 * Provides the transport on the streams of a log, in order per key. The connection comes from `RedisConnection`.
 * `Postgres.layer` is the store, or `Embedded.layer` in a test. It keeps the lanes and positions. `Memory.layer` has no
 * place for them, so a worker fails with `Unsupported` there.
 *
 * Nothing is deleted in the streams, so several consumers can read them, and operators trim them. A consumer begins at
 * the first entry. A worker fails permanently if unread entries were trimmed, and never passes over them.
 *
 * Building the layer sends no request. Fails with `InvalidSetting` if an option is out of its range.
 *
 * ```ts
 * import { RedisStreams } from "millrace/redis"
 *
 * const orders = RedisStreams.layerLog({ stream: "orders", shards: 16 })
 * ```
 *
 * @since 0.1.0
 */
export const layerLog = (options: RedisLogOptions): Layer.Layer<Transport, InvalidSetting, Redis | Store> =>
  Layer.effect(
    Transport,
    Effect.gen(function*() {
      const settings = yield* Effect.fromResult(resolveLog(options))
      return LogTransport.make(yield* Redis, yield* Store, settings)
    })
  )
