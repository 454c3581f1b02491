/**
 * The transport on streams of Redis that are read as a log. The store keeps lanes and positions (`Store.logs`), and
 * `StreamLog.ts` reads.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redis from "effect/persistence/Redis"
import { Unsupported } from "../Errors.ts"
import type { Store } from "../Store.ts"
import type { Capabilities, Transport } from "../Transport.ts"
import * as Durability from "./Durability.ts"
import * as StreamLog from "./StreamLog.ts"
import * as StreamPublish from "./StreamPublish.ts"

/** The capabilities of a log, before its number of shards is known. */
export const log: Capabilities = {
  engine: StreamLog.engine,
  queue: "engine",
  order: "lane",
  fence: "token",
  acknowledge: "within",
  lease: { unit: "lane", ceiling: Option.none() },
  hold: "inPlace",
  discardsAfter: Option.none(),
  deduplicates: Option.none(),
  maxBytes: Option.none(),
  retention: Option.none()
}

const open = (
  redis: Redis.Redis["Service"],
  store: Store["Service"],
  options: StreamLog.Options
): Transport["Service"]["open"] =>
  Effect.fnUntraced(function*(spec) {
    if (store.logs === undefined) {
      return yield* new Unsupported({
        engine: StreamLog.engine,
        asked: `a log with the store ${store.engine}`,
        because: "positions and lanes of a log are kept in Postgres",
        instead: "use Postgres.layer, or Embedded.layer in a test"
      })
    }
    yield* Effect.ignore(Durability.warn(redis, options.requestMillis, "messages"))
    return yield* store.logs.open(spec, StreamLog.make(redis, spec.topics[0] ?? "", options))
  })

/** Returns the transport on this connection. */
export const make = (
  redis: Redis.Redis["Service"],
  store: Store["Service"],
  options: StreamLog.Options
): Transport["Service"] => ({
  capabilities: Effect.succeed({ ...log, lanes: options.shards }),
  publish: StreamPublish.make(redis, {
    engine: StreamLog.engine,
    requestMillis: options.requestMillis,
    wire: options.wire,
    streamOf: ({ key }) => StreamLog.streamOf(options, StreamLog.shardOf(options, key))
  }),
  open: open(redis, store, options)
})
