/** `Inbox.once` on a real Redis: its scripts, dead and frozen processes, and a server that goes away. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Exit, Fiber, Layer, Logger, Redacted, Ref, Schema } from "effect"
import { Redis } from "effect/persistence/Redis"
import { Inbox } from "millrace"
import { RedisConnection, RedisInbox } from "millrace/redis"
import { randomUUID } from "node:crypto"
import { fileURLToPath } from "node:url"
import { warnings } from "../../src/redis/Durability.ts"
import * as Child from "../harness/child.ts"
import type { Setup } from "./once-program.ts"
import { anyServer, ownServer, ownServerRuns, redisRuns } from "./redisServer.ts"

const runs = await redisRuns("the tests of the inbox on Redis")
const program = fileURLToPath(new URL("once-program.ts", import.meta.url))
const key = { consumer: "mails", id: "m1" }
const options = { result: Schema.String, inbox: RedisInbox.RedisInbox }
const fresh = () => `test:${randomUUID()}`

/** An inbox of its own on a server, with the connection beside it. */
const loudOn = (url: string, given: RedisInbox.RedisInboxOptions = {}) =>
  RedisInbox.layer({ prefix: fresh(), ...given }).pipe(Layer.provideMerge(RedisConnection.layer(url)))
const on = (url: string, given: RedisInbox.RedisInboxOptions = {}) =>
  Layer.provideMerge(loudOn(url, given), Logger.layer([]))

const onAny = (given: RedisInbox.RedisInboxOptions = {}) =>
  Layer.unwrap(Effect.map(anyServer, (url) => on(url ?? "", given)))

const counted = () => {
  let count = 0
  return { effect: Effect.sync(() => `run ${++count}`), count: () => count }
}

describe.runIf(runs)("an id on Redis", () => {
  it.live("has one effect for many callers at once, and one result for all of them", () =>
    Effect.gen(function*() {
      const { count, effect } = counted()
      const slow = Effect.delay(effect, "50 millis")
      const callers = Array.from({ length: 8 }, () => Inbox.once(key, slow, options))
      assert.deepStrictEqual(yield* Effect.all(callers, { concurrency: "unbounded" }), callers.map(() => "run 1"))
      assert.strictEqual(count(), 1)
      assert.strictEqual(yield* Inbox.once({ ...key, id: "m1:x" }, effect, options), "run 2")
      assert.strictEqual(yield* Inbox.once({ ...key, consumer: "other" }, effect, options), "run 3")
    }).pipe(Effect.provide(onAny())))

  it.live("gives a stored result back as the value it was", () =>
    Effect.gen(function*() {
      const twice = <S extends Schema.Codec<unknown>>(id: string, schema: S, value: S["Type"]) => {
        const ask = Inbox.once({ ...key, id }, Effect.succeed(value), { ...options, result: schema })
        return Effect.all([ask, ask])
      }
      for (const text of ["", "a\0b", "\u{1f600} \u2028", "x".repeat(1_000_000)]) {
        assert.deepStrictEqual(yield* twice(randomUUID(), Schema.String, text), [text, text])
      }
      const nothing = yield* twice("nothing", Schema.Void as Schema.Codec<unknown>, undefined)
      assert.deepStrictEqual(nothing, [undefined, undefined])
    }).pipe(Effect.provide(onAny())))

  it.live("is refused with other content, and free again when its effect failed", () =>
    Effect.gen(function*() {
      const { effect } = counted()
      assert.strictEqual(yield* Effect.flip(Inbox.once(key, Effect.fail("declined" as const), options)), "declined")
      assert.strictEqual(yield* Inbox.once({ ...key, payload: { a: 1, b: 2 } }, effect, options), "run 1")
      assert.strictEqual(yield* Inbox.once({ ...key, payload: { b: 2, a: 1 } }, effect, options), "run 1")
      assert.strictEqual((yield* Effect.flip(Inbox.once(key, effect, options)))._tag, "IdempotencyConflict")
    }).pipe(Effect.provide(onAny())))

  it.live("is forgotten after the deduplication window, and its marker after the marker's time", () =>
    Effect.gen(function*() {
      const redis = yield* Redis
      const inbox = yield* RedisInbox.RedisInbox
      const claim = { id: "m1", fingerprint: "f", owner: "a" }
      const millisLeft = Effect.gen(function*() {
        const [name] = yield* redis.send<ReadonlyArray<string>>("KEYS", "*:inbox:mails:m1")
        return yield* redis.send<number>("PTTL", name!)
      })
      yield* inbox.claim("mails", claim)
      const marker = yield* millisLeft
      assert.isTrue(marker > 10_000 && marker <= 20_000, String(marker))
      yield* inbox.finish("mails", claim, "1")
      const window = yield* millisLeft
      assert.isTrue(window > 3_590_000 && window <= 3_600_000, String(window))
    }).pipe(Effect.provide(
      Layer.unwrap(Effect.map(ownServer(), ({ url }) => on(url, { marker: "20 seconds", window: "1 hour" })))
    )))
})

describe.runIf(runs)("a marker on Redis", () => {
  const [a, b] = ["a", "b"].map((owner) => ({ id: "m1", fingerprint: "f", owner })) as [Claim, Claim]
  type Claim = { readonly id: string; readonly fingerprint: string; readonly owner: string }

  it.live("belongs to its owner: no other call renews, finishes or releases it", () =>
    Effect.gen(function*() {
      const inbox = yield* RedisInbox.RedisInbox
      assert.deepStrictEqual(yield* inbox.claim("mails", a), { _tag: "Fresh" })
      assert.deepStrictEqual(yield* inbox.claim("mails", a), { _tag: "Fresh" })
      assert.deepStrictEqual(yield* inbox.claim("mails", b), { _tag: "Busy" })
      assert.isFalse(yield* inbox.renew("mails", b))
      assert.isFalse(yield* inbox.finish("mails", b, "b"))
      yield* inbox.release("mails", b)
      assert.isTrue(yield* inbox.renew("mails", a))
      assert.isTrue(yield* inbox.finish("mails", a, "a"))
      assert.deepStrictEqual(yield* inbox.claim("mails", b), { _tag: "Committed", result: "a" })
    }).pipe(Effect.provide(onAny())))

  it.live("that is done cannot be renewed, released or replaced, but finished again by its owner", () =>
    Effect.gen(function*() {
      const inbox = yield* RedisInbox.RedisInbox
      yield* inbox.claim("mails", a)
      yield* inbox.finish("mails", a, "a")
      assert.isTrue(yield* inbox.finish("mails", a, "a"))
      assert.isFalse(yield* inbox.renew("mails", a))
      yield* inbox.release("mails", a)
      assert.isFalse(yield* inbox.finish("mails", b, "b"))
      assert.deepStrictEqual(yield* inbox.claim("mails", { ...b, fingerprint: "other" }), { _tag: "Conflict" })
      assert.deepStrictEqual(yield* inbox.claim("mails", b), { _tag: "Committed", result: "a" })
    }).pipe(Effect.provide(onAny())))

  it.live("keeps its id for three times its time while the effect runs, and no longer after SIGKILL", () =>
    Effect.gen(function*() {
      const setup: Setup = { url: (yield* anyServer) ?? "", prefix: fresh(), markerMillis: 1000, workMillis: 3000 }
      const start = (workMillis: number) => Child.start({ name: "once", program, setup: { ...setup, workMillis } })
      const layer = on(setup.url, { prefix: setup.prefix, marker: 1000 })
      const ask = Effect.provide(Inbox.once(key, Effect.succeed("second"), { ...options, timeout: "1 minute" }), layer)
      const first = yield* start(600_000)
      assert.strictEqual(yield* first.line, "begins")
      const waiting = yield* Effect.forkChild(ask)
      yield* Effect.sleep("3 seconds")
      assert.isUndefined(waiting.pollUnsafe())
      yield* first.signal("SIGKILL")
      yield* first.ended
      assert.strictEqual(yield* Fiber.join(waiting).pipe(Effect.timeout("5 seconds")), "second")
    }))

  it.live("of a process that was frozen beyond its time stores nothing", () =>
    Effect.gen(function*() {
      const setup: Setup = { url: (yield* anyServer) ?? "", prefix: fresh(), markerMillis: 1000, workMillis: 500 }
      const layer = on(setup.url, { prefix: setup.prefix, marker: 1000 })
      const frozen = yield* Child.start({ name: "once", program, setup })
      assert.strictEqual(yield* frozen.line, "begins")
      yield* frozen.signal("SIGSTOP")
      const ask = Inbox.once(key, Effect.succeed("second"), { ...options, timeout: "1 minute" })
      assert.strictEqual(yield* Effect.provide(ask, layer), "second")
      yield* frozen.signal("SIGCONT")
      assert.strictEqual(yield* frozen.line, "ClaimLost")
      assert.strictEqual(yield* Effect.provide(ask, layer), "second")
    }))
})

describe.runIf(ownServerRuns("the tests of a server of the inbox on Redis"))("a server of Redis", () => {
  it.live("that is killed and started again remembers ids, if it writes them to disk", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      const { count, effect } = counted()
      yield* Effect.gen(function*() {
        yield* Inbox.once(key, effect, options)
        yield* server.kill
        const away = yield* Effect.flip(Inbox.once(key, effect, { ...options, timeout: "200 millis" }))
        assert.deepInclude(away, { _tag: "StoreFailure", kind: "unavailable" })
        yield* server.start
        assert.strictEqual(yield* Inbox.once(key, effect, options), "run 1")
        assert.strictEqual(count(), 1)
      }).pipe(Effect.provide(on(server.url)))
    }))

  it.live("that comes back while an effect runs gets its result", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* Effect.gen(function*() {
        const gone = Effect.as(server.kill, "run 1")
        const call = yield* Effect.forkChild(Inbox.once(key, gone, options))
        yield* Effect.sleep("300 millis")
        yield* server.start
        assert.strictEqual(yield* Fiber.join(call), "run 1")
        assert.strictEqual(yield* Inbox.once(key, Effect.die("it ran"), options), "run 1")
      }).pipe(Effect.provide(on(server.url)))
    }))

  it.live("that is frozen interrupts the effect when the marker's time is over, and fails in time", () =>
    Effect.gen(function*() {
      const server = yield* ownServer()
      yield* Effect.gen(function*() {
        const interrupted = yield* Ref.make(false)
        const effect = server.signal("SIGSTOP").pipe(
          Effect.andThen(Effect.never),
          Effect.onInterrupt(() => Ref.set(interrupted, true))
        )
        const error = yield* Effect.flip(Inbox.once(key, effect, options)).pipe(Effect.timeout("10 seconds"))
        assert.deepInclude(error, { _tag: "ClaimLost", effect: "interrupted" })
        assert.isTrue(yield* Ref.get(interrupted))
        const asked = Inbox.once(key, Effect.die("it ran"), { ...options, timeout: "500 millis" })
        assert.deepInclude(yield* Effect.flip(asked), { _tag: "StoreFailure", kind: "timeout" })
        yield* server.signal("SIGCONT")
      }).pipe(Effect.provide(on(server.url, { marker: "1500 millis" })))
    }))

  it.live("that is not there fails the start, and the password is in no error", () =>
    Effect.gen(function*() {
      const server = yield* ownServer(["--requirepass", "right"])
      const start = (url: string) => Effect.exit(Effect.scoped(Layer.build(on(url))))
      const wrong = yield* start(server.url.replace("//", "//:canary@"))
      yield* server.kill
      for (const exit of [wrong, yield* start(server.url.replace("//", "//:canary@"))]) {
        const error = Exit.isFailure(exit) ? Exit.findErrorOption(exit) : undefined
        assert.deepInclude(error, { _tag: "Some" })
        assert.include(JSON.stringify(error), "REDIS_URL")
        assert.notInclude(JSON.stringify(exit), "canary")
      }
    }))

  it.live("with settings by which it may forget ids is named in warnings", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.make(({ message }) => void lines.push(String(message)))
      const server = yield* ownServer(["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"])
      yield* Effect.scoped(Layer.build(loudOn(server.url))).pipe(Effect.provide(Logger.layer([logger])))
      assert.deepStrictEqual(lines, warnings({ appendonly: "no", "maxmemory-policy": "allkeys-lru" }))
      assert.lengthOf(lines, 2)
      assert.deepStrictEqual(
        warnings({ appendonly: "yes", appendfsync: "always", "maxmemory-policy": "noeviction" }),
        []
      )
      assert.match(warnings({ appendonly: "yes", appendfsync: "everysec" })[0]!, /appendfsync everysec/)
    }))
})

describe("settings of Redis", () => {
  const noRedis = Layer.succeed(Redis, {} as Redis["Service"])
  it.effect("that are out of range are refused by their names", () =>
    Effect.gen(function*() {
      const wrong: ReadonlyArray<readonly [string, object]> = [
        ["marker", { marker: "10 millis" }],
        ["marker", { marker: {} }],
        ["window", { window: 0 }],
        ["prefix", { prefix: "a b" }],
        ["requestTimeout", { requestTimeout: "20 seconds" }]
      ]
      for (const [setting, given] of wrong) {
        const built = Effect.scoped(Layer.build(Layer.provide(RedisInbox.layer(given), noRedis)))
        assert.deepInclude(yield* Effect.flip(built), { _tag: "InvalidSetting", setting })
      }
    }))

  it.effect("name the variable or the option that is wrong, without its secret", () =>
    Effect.gen(function*() {
      const env = (value: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnvRecord(value))
      for (const variables of [{}, { REDIS_URL: "postgres://u:canary@h" }]) {
        const built = Effect.scoped(Layer.build(Layer.provide(RedisConnection.layerConfig, env(variables))))
        const error = yield* Effect.flip(built)
        assert.deepInclude(error, { _tag: "InvalidConfig", variable: "REDIS_URL" })
        assert.notInclude(error.message, "canary")
      }
      const url = Redacted.make("http://u:canary@h")
      const error = yield* Effect.flip(Effect.scoped(Layer.build(RedisConnection.layer(url))))
      assert.deepInclude(error, { _tag: "InvalidSetting", setting: "url" })
      assert.notInclude(error.message, "canary")
    }))
})
