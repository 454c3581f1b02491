/** A worker on Redis Streams reads seldom while it has nothing to do: on an idle stream, and while it is paused. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Layer } from "effect"
import { Redis } from "effect/persistence/Redis"
import { Pipeline, Transport } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { type Order, order, Orders, orders } from "../worker/support.ts"
import { during } from "./logKit.ts"
import { installed, ownServer, redisRuns } from "./redisServer.ts"
import { countingTakes, freshStream, quiet, send, until, whilePaused } from "./streamKit.ts"

await redisRuns("the tests of idle workers on Redis Streams")

const kinds = {
  "a log": { read: "xread", order: {}, layer: (stream: string) => RedisStreams.layerLog({ stream, shards: 1 }) },
  "a group": {
    read: "xreadgroup",
    order: { order: "none" } as const,
    layer: (stream: string) => RedisStreams.layer({ stream, create: true })
  }
}

describe.runIf(installed).each(Object.entries(kinds))("%s of Redis Streams", (_, { layer, order: none, read }) => {
  /** Runs a worker on a server of its own. `test` gets how often the server has read the stream. */
  const withWorker = (
    test: (given: {
      readonly reads: Effect.Effect<number>
      readonly takes: () => number
      readonly committed: ReadonlyArray<string>
      readonly started: Deferred.Deferred<void>
      readonly done: Deferred.Deferred<void>
    }) => Effect.Effect<void, unknown, Layer.Success<ReturnType<typeof both>>>
  ) =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* Effect.gen(function*() {
        const redis = yield* Redis
        const { counts, transport } = yield* countingTakes()
        const [started, done] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<void>()]
        const committed: Array<string> = []
        const pipeline = Pipeline.from(Orders, { consumer: "ledger", ...none }).pipe(
          Pipeline.tap(() => Effect.andThen(Deferred.succeed(started, undefined), Deferred.await(done))),
          Pipeline.commit((one: Order) => Effect.sync(() => void committed.push(one.id)))
        )
        const reads = Effect.orDie(Effect.map(
          redis.send<string>("INFO", "commandstats"),
          (text) => Number(new RegExp(`cmdstat_${read}:calls=(\\d+)`).exec(text)?.[1] ?? 0)
        ))
        yield* during(pipeline, test({ reads, takes: () => counts.takes, committed, started, done }), {
          idlePoll: "1 second",
          prefetchPerKey: 1,
          lanes: 1
        }).pipe(Effect.provideService(Transport.Transport, transport))
      }).pipe(Effect.provide(both(server.url)))
    }).pipe(Effect.scoped)

  const both = (url: string) =>
    layer(freshStream()).pipe(
      Layer.provideMerge(RedisConnection.layerLazy(url)),
      Layer.provideMerge(postgres(inject("databaseUrl"), { retention: false }, freshSchema())),
      Layer.provideMerge(quiet)
    )

  it.live(
    "of a paused consumer with a backlog is read after each idle poll only",
    () =>
      withWorker(({ committed, done, reads, started, takes }) =>
        Effect.gen(function*() {
          // Some messages of the key are read, and wait for the first one.
          yield* send(orders("a", 3))
          const [taken, read] = yield* whilePaused({
            running: () => Deferred.isDoneUnsafe(started),
            backlog: Effect.orDie(send(orders("b", 5))),
            ended: Effect.asVoid(Deferred.succeed(done, undefined)),
            ran: until("it is committed", Effect.sync(() => committed.length >= 1)),
            counted: Effect.map(reads, (n) => [takes(), n])
          })
          assert.isAtMost(taken!, 6, "takes in three seconds")
          assert.isAtMost(read!, 4, "reads in three seconds")
        })
      ),
    limit(60_000)
  )

  it.live(
    "without messages is read a few times a second, and a message still comes at once",
    () =>
      withWorker(({ committed, done, reads }) =>
        Effect.gen(function*() {
          yield* Deferred.succeed(done, undefined)
          yield* send([order("a", 1)])
          yield* until("the first is committed", Effect.sync(() => committed.length === 1))
          yield* Effect.sleep("500 millis")
          const before = yield* reads
          yield* Effect.sleep("3 seconds")
          assert.isAtMost((yield* reads) - before, 12)
          yield* send([order("a", 2)])
          yield* until("the next is committed", Effect.sync(() => committed.length === 2)).pipe(
            Effect.timeout(limit(900))
          )
        })
      ),
    limit(60_000)
  )
})
