/** Connections with TLS, and servers that refuse the user, the password or a right. No text shows a password. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Fiber, Layer, Logger } from "effect"
import { Redis } from "effect/persistence/Redis"
import { Health, Memory, Worker } from "millrace"
import { RedisConnection } from "millrace/redis"
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { runsHere } from "../harness/runsHere.ts"
import { order } from "../worker/support.ts"
import { freePort, ownServer, ownServerRuns } from "./redisServer.ts"
import { freshStream, noting, onMemory, send, transportOn, until } from "./streamKit.ts"

const what = "the tests of access to Redis"
const secret = "s3cret-of-redis"
const runs = ownServerRuns(what)

/** A server on which the user `millrace` has a password and these rights, and the URL of that user. */
const guarded = Effect.fnUntraced(function*(...rights: ReadonlyArray<string>) {
  const { url } = yield* ownServer()
  const admin = <A>(use: (redis: Redis["Service"]) => Effect.Effect<A, unknown>) =>
    Effect.orDie(Effect.scoped(
      Effect.provide(Effect.flatMap(Redis, use), RedisConnection.layer(url))
    ))
  const allow = (...more: ReadonlyArray<string>) =>
    admin((redis) => redis.send("ACL", "SETUSER", "millrace", "reset", "on", `>${secret}`, "~*", "&*", ...more))
  yield* allow(...rights)
  const as = (password: string) => url.replace("redis://", `redis://millrace:${password}@`)
  return { allow, as, admin }
})

/** Runs a worker that waits for its access, and returns when it has processed a message after `repair`. */
const waiting = Effect.fnUntraced(function*(url: string, refusal: string, repair: Effect.Effect<unknown>) {
  const lines: Array<string> = []
  const logger = Logger.make(({ cause, message }) => void lines.push(String(message), Cause.pretty(cause)))
  yield* Effect.gen(function*() {
    const { pipeline, seen } = noting()
    const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: 0, idlePoll: "50 millis" }))
    const workers = yield* Health.Workers
    const shown = Effect.sync(() => JSON.stringify([...workers].map((state) => state.failing() ?? "")))
    yield* until("health shows it", Effect.map(shown, (text) => text.includes(refusal)))
    const failed = yield* Effect.flip(send([order("a", 1)]))
    assert.deepInclude(failed, { _tag: "PublishFailed" })
    assert.isUndefined(worker.pollUnsafe(), "the worker waits")
    for (const text of [...lines, yield* shown, String(failed), JSON.stringify(failed)]) assert.notInclude(text, secret)
    yield* repair
    yield* until("it can publish", Effect.map(Effect.exit(send([order("a", 1)])), (exit) => exit._tag === "Success"))
    yield* until("it is processed", Effect.sync(() => seen.includes("a1")))
    yield* Fiber.interrupt(worker)
  }).pipe(Effect.provide(
    transportOn(url, { stream: freshStream() }).pipe(
      Layer.provideMerge(Memory.layer),
      Layer.provideMerge(Logger.layer([logger]))
    )
  ))
})

describe.runIf(runs)("a worker on Redis Streams", () => {
  it.live("waits while its password is refused, health names the refusal, and no text has the password", () =>
    Effect.gen(function*() {
      const { admin, as } = yield* guarded("+@all")
      const wrong = `${secret}-of-yesterday`
      const repair = admin((redis) => redis.send("ACL", "SETUSER", "millrace", `>${wrong}`))
      yield* waiting(as(wrong), "WRONGPASS", repair)
    }).pipe(Effect.scoped))

  it.live("waits while its user lacks a right, and health names the refusal", () =>
    Effect.gen(function*() {
      const { allow, as } = yield* guarded("+@all", "-xreadgroup", "-xgroup", "-eval", "-evalsha", "-xadd")
      yield* waiting(as(secret), "NOPERM", allow("+@all"))
    }).pipe(Effect.scoped))

  const hasOpenssl = runs
    && runsHere(spawnSync("openssl", ["version"]).status === 0, "the tests of TLS to Redis", "apt-get install openssl.")

  it.live.runIf(hasOpenssl)(
    "reads over TLS by rediss://, and refuses a self-signed certificate",
    () =>
      Effect.gen(function*() {
        const folder = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "millrace-tls-"))),
          (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
        )
        const [key, certificate] = [join(folder, "key.pem"), join(folder, "cert.pem")]
        const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
        const made = spawnSync(
          "openssl",
          [
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            key,
            "-out",
            certificate,
            ...subject
          ]
        )
        assert.strictEqual(made.status, 0, String(made.stderr))
        const port = yield* freePort
        const tls = ["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", certificate]
        yield* ownServer(["--tls-port", String(port), ...tls, "--tls-auth-clients", "no"])
        const url = `rediss://127.0.0.1:${port}`
        const stranger = yield* Effect.flip(Effect.scoped(Layer.build(RedisConnection.layer(url))))
        assert.deepInclude(stranger, { _tag: "StoreFailure", kind: "unavailable" })
        assert.match(stranger.message, /self-signed certificate/i)
        const before = getCACertificates("default")
        yield* Effect.acquireRelease(
          Effect.sync(() => setDefaultCACertificates([...before, readFileSync(certificate, "utf8")])),
          () => Effect.sync(() => setDefaultCACertificates(before))
        )
        yield* Effect.gen(function*() {
          const { pipeline, seen } = noting()
          const worker = yield* Effect.forkChild(Worker.run(pipeline, { grace: 0 }))
          yield* send([order("a", 1)])
          yield* until("it is processed", Effect.sync(() => seen.includes("a1")))
          yield* Fiber.interrupt(worker)
        }).pipe(Effect.provide(onMemory(url, { stream: freshStream() })))
      }).pipe(Effect.scoped)
  )
})
