/** A producer and a consumer that are not ours: `redis-cli` writes CloudEvents, and reads what Millrace publishes. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer } from "effect"
import { Memory, Transport, Worker } from "millrace"
import { RedisConnection, RedisStreams } from "millrace/redis"
import { execFile, spawnSync } from "node:child_process"
import { makeMessage } from "../../src/testing/conformance/kit.ts"
import { runsHere } from "../harness/runsHere.ts"
import { type Order, order } from "../worker/support.ts"
import { anyServer, redisRuns } from "./redisServer.ts"
import { empty, freshStream, noting, onMemory, quiet, until } from "./streamKit.ts"

const what = "the tests of redis-cli as producer and consumer"
const runs = (await redisRuns(what))
  && runsHere(spawnSync("redis-cli", ["--version"]).status === 0, what, "apt-get install redis-tools.")

/** Runs one command, and returns the printed lines. */
const cli = (url: string, ...args: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<string>> =>
  Effect.callback((resume) => {
    execFile("redis-cli", ["-u", url, "--no-raw", ...args], (error, output) => {
      resume(error === null ? Effect.succeed(output.trimEnd().split("\n")) : Effect.die(error))
    })
  })

/** Publishes as a producer does: a CloudEvent in binary mode, as its specification names the attributes. */
const event = (url: string, stream: string, one: Order) => {
  const attributes = {
    ce_specversion: "1.0",
    ce_id: one.id,
    ce_source: "/shop",
    ce_type: "orders",
    ce_partitionkey: one.account,
    "content-type": "application/json",
    data: JSON.stringify(one)
  }
  return cli(url, "XADD", stream, "*", ...Object.entries(attributes).flat())
}

const url = Effect.map(anyServer, (given) => given ?? "")

describe.runIf(runs)("redis-cli", () => {
  it.live("publishes CloudEvents, which a worker on a group applies once for each id", () =>
    Effect.gen(function*() {
      const [server, stream] = [yield* url, freshStream()]
      yield* Effect.gen(function*() {
        const { pipeline, seen } = noting()
        for (const one of [order("a", 1), order("b", 1), order("a", 1)]) yield* event(server, stream, one)
        const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: "1 second" }))
        yield* until("both are processed", Effect.sync(() => seen.length >= 2))
        yield* empty(stream)
        yield* Fiber.interrupt(worker)
        assert.deepStrictEqual(seen.toSorted(), ["a1", "b1"])
        assert.deepStrictEqual(yield* cli(server, "XLEN", stream), ["(integer) 0"])
      }).pipe(Effect.provide(onMemory(server, { stream })))
    }).pipe(Effect.scoped))

  it.live("reads the attributes and the payload of what we publish", () =>
    Effect.gen(function*() {
      const [server, stream] = [yield* url, freshStream()]
      const layer = RedisStreams.layer({ stream }).pipe(
        Layer.provide([RedisConnection.layerLazy(server), Memory.layer, quiet])
      )
      const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
      const sent = yield* makeMessage({
        topic: "orders",
        id: "o 1",
        key: "ada",
        payload: `{"n":1}`,
        headers: { traceparent }
      })
      yield* Effect.provide(Effect.flatMap(Transport.Transport, ({ publish }) => publish([sent])), layer)
      const lines = yield* cli(server, "XRANGE", stream, "-", "+")
      const texts = lines.join("\n").match(/"(?:[^"\\]|\\.)*"/g)!.map((text) => JSON.parse(text) as string)
      const field = (name: string) => texts[texts.indexOf(name) + 1]
      assert.strictEqual(field("ce_specversion"), "1.0")
      assert.strictEqual(field("ce_type"), "orders")
      assert.strictEqual(decodeURIComponent(field("ce_id")!), "o 1")
      assert.strictEqual(field("data"), sent.payload)
      assert.strictEqual(field("traceparent"), traceparent)
    }).pipe(Effect.scoped))
})
