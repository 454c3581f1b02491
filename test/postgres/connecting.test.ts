/** How a database is reached: what may be given as its address, and what a pooler before it does. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { createServer } from "node:net"
import { inject } from "vitest"
import { freshSchema, publish } from "./kit.ts"

const url = inject("databaseUrl")
const started = <A, E>(layer: Layer.Layer<A, E>) => Effect.scoped(Effect.asVoid(Layer.build(layer)))

describe("the address", () => {
  it.live("may be a plain text", () =>
    Effect.gen(function*() {
      yield* publish(["a"])
      yield* (yield* Store.Store).checkAccess("publisher")
    }).pipe(Effect.provide(Postgres.layer({ url, schema: freshSchema() }))))

  it.live("is refused by name where it is none, and not repeated", () =>
    Effect.gen(function*() {
      const secret = "canary-secret"
      const wrong: ReadonlyArray<unknown> = [
        undefined,
        null,
        5,
        "",
        "localhost",
        `mysql://root:${secret}@localhost/x`,
        Redacted.make(`host=localhost password=${secret}`),
        Redacted.make(5),
        { url }
      ]
      for (const given of wrong) {
        // JavaScript lets such values through.
        const error = yield* Effect.flip(started(Postgres.layer({ url: given as string })))
        assert.deepInclude(error, { _tag: "InvalidSetting", setting: "url" })
        assert.include(error.message, "postgres://user:password@host:port/database")
        assert.notInclude(JSON.stringify(error) + String(error), secret)
      }
    }))
})

/** Answers as PgBouncer does whose `ignore_startup_parameters` does not name what is asked for. */
const refusing = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const fields = ["SFATAL", "C08P01", "Munsupported startup parameter: synchronous_commit"]
    const body = Buffer.from(`${fields.map((field) => `${field}\0`).join("")}\0`)
    const head = Buffer.alloc(5)
    head.write("E")
    head.writeInt32BE(4 + body.length, 1)
    const server = createServer((socket) => {
      socket.on("error", () => {})
      socket.once(
        "data",
        (startup) => socket.end(startup.includes("synchronous_commit") ? Buffer.concat([head, body]) : "")
      )
    }).listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      resume(Effect.succeed({ port, close: () => server.close() }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

it.live("a pooler that refuses the settings of a session is named at the start, with the setting", () =>
  Effect.gen(function*() {
    const { port } = yield* refusing
    const error = yield* Effect.flip(started(Postgres.layer({ url: `postgres://u@127.0.0.1:${port}/x` })))
    assert.deepInclude(error, { _tag: "StoreFailure", operation: "start", kind: "refused", code: "08P01" })
    assert.include(error.message, "unsupported startup parameter")
    assert.include(error.message, "pooler: true (MILLRACE_POOLER=true)")
  }))
