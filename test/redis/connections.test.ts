/** The connections of one `RedisConnection` for reads that wait: one for each worker. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Redis } from "effect/persistence/Redis"
import { RedisConnection } from "millrace/redis"
import { limit } from "../harness/patience.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { freshStream } from "./streamKit.ts"

const runs = await redisRuns("the tests of connections to Redis")

describe.runIf(runs)("a connection to Redis", () => {
  it.live("each of many reads that wait has a connection of its own", () =>
    Effect.gen(function*() {
      const url = (yield* anyServer) ?? ""
      yield* Effect.gen(function*() {
        const redis = yield* Redis
        const began = Date.now()
        const waits = Array.from({ length: 25 }, () =>
          Effect.scoped(
            Effect.flatMap(
              redis.reserve,
              (connection) => connection.send("XREAD", "BLOCK", String(limit(4000)), "STREAMS", freshStream(), "$")
            )
          ))
        yield* Effect.all(waits, { concurrency: "unbounded" })
        assert.isBelow(Date.now() - began, limit(7500), "all of them have waited at the same time")
      }).pipe(Effect.provide(RedisConnection.layerLazy(url)))
    }).pipe(Effect.scoped))
})
