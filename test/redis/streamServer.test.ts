/** A worker on Redis Streams whose server is down, frozen, killed, cut off, or idle. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger } from "effect"
import { Redis } from "effect/persistence/Redis"
import { Health, Memory, Store, Transport, Worker } from "millrace"
import { limit } from "../harness/patience.ts"
import { proxy } from "../harness/proxy.ts"
import { order, orders } from "../worker/support.ts"
import { ownServer, ownServerRuns } from "./redisServer.ts"
import { empty, freshStream, ids, noting, onMemory, send, spec, transportOn, until } from "./streamKit.ts"

/** A worker that runs while the test does something to its server. */
const working = Effect.fnUntraced(function*(options: Worker.WorkerOptions = {}) {
  const { pipeline, seen } = noting()
  const worker = yield* Effect.forkChild(
    Worker.run(pipeline, { grace: 0, lease: limit(2000), idlePoll: "50 millis", ...options })
  )
  return { seen, worker, sees: (id: string) => until(`${id} is processed`, Effect.sync(() => seen.includes(id))) }
})

describe.runIf(ownServerRuns("the tests of a server of Redis Streams"))("a server of Redis Streams", () => {
  it.live("that is down at the start is waited for with backoff, and health names the failure", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* server.kill
      const warnings: Array<string> = []
      const logger = Logger.make(({ message }) => void warnings.push(String(message)))
      yield* Effect.gen(function*() {
        const { sees, worker } = yield* working()
        const workers = yield* Health.Workers
        const shown = Effect.sync(() => JSON.stringify([...workers].map((state) => state.failing() ?? "")))
        yield* until("health shows it", Effect.map(shown, (text) => text.includes("ECONNREFUSED")))
        yield* Effect.sleep("1 second")
        const tries = warnings.filter((line) => line.includes("has not started yet")).length
        assert.isTrue(tries > 0 && tries < 10, `${tries} tries`)
        assert.isUndefined(worker.pollUnsafe())
        yield* server.start
        yield* until(
          "it can publish",
          Effect.map(Effect.exit(send([order("a", 1)])), (exit) => exit._tag === "Success")
        )
        yield* sees("a1")
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.provide(
        transportOn(server.url, { stream: freshStream() }).pipe(
          Layer.provideMerge(Memory.layer),
          Layer.provideMerge(Logger.layer([logger]))
        )
      ))
    }).pipe(Effect.scoped))

  it.live("that is frozen at the start is waited for, too", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* server.signal("SIGSTOP")
      yield* Effect.gen(function*() {
        const error = yield* Effect.flip(send([order("a", 1)])).pipe(Effect.timeout("10 seconds"))
        assert.deepInclude(error, { _tag: "PublishFailed" })
        const { sees, worker } = yield* working()
        yield* Effect.sleep("1500 millis")
        assert.isUndefined(worker.pollUnsafe())
        yield* server.signal("SIGCONT")
        yield* until(
          "it can publish",
          Effect.map(Effect.exit(send([order("a", 1)])), (exit) => exit._tag === "Success")
        )
        yield* sees("a1")
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.provide(onMemory(server.url, { stream: freshStream(), requestTimeout: "500 millis" })))
    }).pipe(Effect.scoped))

  it.live(
    "that is killed and started again, frozen, or cut off, is used again, and each message has one effect",
    () =>
      Effect.gen(function*() {
        const server = yield* ownServer()
        const between = yield* proxy(server.url)
        const stream = freshStream()
        yield* Effect.gen(function*() {
          const { sees, seen, worker } = yield* working()
          let n = 0
          /** A publish without an answer is repeated under the same id. */
          const sendUntilStored = Effect.gen(function*() {
            const one = order("a", ++n)
            yield* until(
              "it is stored",
              Effect.map(Effect.exit(send([one])), (exit) => exit._tag === "Success")
            )
            yield* sees(one.id)
          })
          yield* sendUntilStored
          yield* server.kill
          yield* Effect.sleep("300 millis")
          yield* server.start
          yield* sendUntilStored
          yield* server.signal("SIGSTOP")
          yield* Effect.sleep("4 seconds")
          yield* server.signal("SIGCONT")
          yield* sendUntilStored
          for (let i = 0; i < 5; i++) {
            assert.isAbove(between.cut(), 0)
            yield* sendUntilStored
          }
          yield* empty(stream)
          assert.deepStrictEqual(seen.toSorted(), ids(orders("a", n)))
          assert.isUndefined(worker.pollUnsafe())
          yield* Fiber.interrupt(worker)
        }).pipe(Effect.provide(onMemory(between.url, { stream })))
      }).pipe(Effect.scoped),
    limit(60_000)
  )

  it.live("that is down fails a publish within its time, and says which messages are not stored", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* Effect.gen(function*() {
        yield* send([order("a", 1)])
        yield* server.signal("SIGSTOP")
        const many = orders("b", 150)
        const frozen = yield* Effect.flip(send(many)).pipe(Effect.timeout("10 seconds"))
        assert(frozen._tag === "PublishFailed")
        const outcomes = frozen.failed.map(({ outcome }) => outcome)
        assert.deepStrictEqual(outcomes.slice(0, 100), outcomes.slice(0, 100).map(() => "unknown"))
        assert.deepStrictEqual(outcomes.slice(100), outcomes.slice(100).map(() => "notStored"))
        yield* server.kill
      }).pipe(Effect.provide(onMemory(server.url, { stream: freshStream(), requestTimeout: "1 second" })))
    }).pipe(Effect.scoped))

  it.live("without messages is asked a few times a second, and a message still comes at once", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* Effect.gen(function*() {
        const redis = yield* Redis
        const { sees, worker } = yield* working({ lease: "30 seconds" })
        const commands = Effect.map(
          redis.send<string>("INFO", "stats"),
          (text) => Number(/total_commands_processed:(\d+)/.exec(text)![1])
        )
        yield* send([order("a", 1)])
        yield* sees("a1")
        const before = yield* commands
        yield* Effect.sleep("2 seconds")
        const asked = (yield* commands) - before
        assert.isBelow(asked, 300, `${asked} commands in two seconds, with those inside of scripts`)
        yield* send([order("a", 2)])
        yield* sees("a2").pipe(Effect.timeout(limit(1000)))
        yield* Fiber.interrupt(worker)
      }).pipe(Effect.provide(onMemory(server.url, { stream: freshStream(), block: "5 seconds" })))
    }).pipe(Effect.scoped))

  it.live("that may forget messages is named in a warning when a worker starts", () =>
    Effect.gen(function*() {
      const server = yield* ownServer([])
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      yield* Effect.scoped(Effect.gen(function*() {
        const transport = yield* Transport.Transport
        const store = yield* Store.Store
        yield* store.consumers.register({ consumer: "ledger", topics: [], lanes: 4, order: "continue" })
        yield* transport.open(spec)
      })).pipe(Effect.provide(
        transportOn(server.url, { stream: freshStream() }).pipe(
          Layer.provideMerge(Memory.layer),
          Layer.provideMerge(Logger.layer([logger]))
        )
      ))
      assert.isTrue(lines.some((line) => line.includes("a crash forgets all messages")), String(lines))
    }).pipe(Effect.scoped))
})
