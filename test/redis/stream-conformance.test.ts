/**
 * The conformance suite of transports on Redis Streams: groups and logs of a real server, with the store on Postgres. A
 * promise that a stream does not make is skipped by its capabilities, and the test says why.
 */
import { Context, Deferred, Effect, Layer, Redacted } from "effect"
import { Store, Transport } from "millrace"
import { Postgres } from "millrace/postgres"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { transport } from "millrace/testing/conformance"
import { describe, inject } from "vitest"
import { brokerTime, freshSchema } from "../postgres/kit.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { freshStream, quiet } from "./streamKit.ts"

const runs = await redisRuns("the conformance suite on Redis Streams")

const kinds = {
  "redis-group": (stream: string) => RedisStreams.layer({ stream, create: true, block: "50 millis" }),
  "redis-log": (stream: string) => RedisStreams.layerLog({ stream, shards: 4, block: "50 millis" })
}

/** The transport on a new stream of the server with this URL. */
const onNewStream = Effect.fnUntraced(function*(url: string, kind: keyof typeof kinds) {
  const layer = kinds[kind](freshStream()).pipe(
    Layer.provide(RedisConnection.layerLazy(url)),
    Layer.provide(Layer.succeed(Store.Store, yield* Store.Store))
  )
  return Context.get(yield* Layer.build(layer), Transport.Transport)
})

const suite = (kind: keyof typeof kinds) => {
  const server = Deferred.makeUnsafe<string>()
  const first = Effect.gen(function*() {
    const url = (yield* anyServer) ?? ""
    yield* Deferred.succeed(server, url)
    return yield* onNewStream(url, kind)
  })
  const store = Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema: freshSchema() })
  transport(kind, Layer.effect(Transport.Transport, first).pipe(Layer.provideMerge(store), Layer.provideMerge(quiet)), {
    ...brokerTime,
    transport: Effect.flatMap(Deferred.await(server), (url) => onNewStream(url, kind))
  })
}

describe.runIf(runs).concurrent("on Redis Streams", () => {
  suite("redis-group")
  suite("redis-log")
})
