/** The connections of one `RedisConnection` for reads that wait: one for each worker. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Redis } from "effect/persistence/Redis"
import { RedisConnection } from "millrace/redis"
import { limit } from "../harness/patience.ts"
import { anyServer, redisRuns } from "./redisServer.ts"

const runs = await redisRuns("the tests of connections to Redis")

describe.runIf(runs)("a connection to Redis", () => {
  it.live("each of many reads that wait has a connection of its own", () =>
    Effect.gen(function*() {
      const url = (yield* anyServer) ?? ""
      yield* Effect.gen(function*() {
        const redis = yield* Redis
        const all = yield* Effect.all(Array.from({ length: 25 }, () => redis.reserve), { concurrency: "unbounded" })
          .pipe(
            Effect.scoped,
            Effect.timeout(limit(5_000))
          )
        assert.lengthOf(all, 25)
      }).pipe(Effect.provide(RedisConnection.layerLazy(url)))
    }).pipe(Effect.scoped))
})
