/** Live updates: what a browser gets, what it gets again, and how many streams there are. */
import { assert, layer } from "@effect/vitest"
import { Deferred, Effect, Layer, Queue, type Scope } from "effect"
import { Consumers } from "millrace"
import { request } from "node:http"
import { ledger } from "../cli/commandLine.ts"
import { pglite } from "../setup/pglite.ts"
import { api, ask, port, secrets, server } from "./httpKit.ts"

interface Update {
  readonly id: string
  readonly event: string
  readonly data: any
}

/** Opens a stream until the scope ends, and returns its status and its updates. */
const open = Effect.fnUntraced(function*(
  lastId?: string,
  who: Readonly<Record<string, string>> = { authorization: `Bearer ${secrets.viewer}` }
): Effect.fn.Return<
  {
    readonly status: number
    readonly next: (event: string) => Effect.Effect<Update>
    /** Waits until the server ends the stream. */
    readonly ended: Effect.Effect<void>
  },
  never,
  Scope.Scope | Effect.Services<typeof port>
> {
  const at = yield* port
  const updates = yield* Queue.unbounded<Update>()
  const ended = yield* Deferred.make<void>()
  const status = yield* Effect.acquireRelease(
    Effect.callback<{ readonly status: number; readonly end: () => void }>((resume) => {
      const headers = {
        ...who,
        ...(lastId === undefined ? {} : { "last-event-id": lastId })
      }
      const sent = request(
        { host: "127.0.0.1", port: at, path: "/api/v1/events", headers, agent: false },
        (response) => {
          let text = ""
          response.setEncoding("utf8").on("data", (part: string) => {
            text += part
            const blocks = text.split("\n\n")
            text = blocks.pop()!
            for (const block of blocks) {
              const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1] ?? ""
              if (field("event") === "") continue
              Queue.offerUnsafe(updates, { id: field("id"), event: field("event"), data: JSON.parse(field("data")) })
            }
          })
          response.on("end", () => Deferred.doneUnsafe(ended, Effect.void))
          resume(Effect.succeed({ status: response.statusCode ?? 0, end: () => sent.destroy() }))
        }
      )
      sent.on("error", () => {})
      sent.end()
    }),
    ({ end }) => Effect.sync(end)
  )
  const next = (event: string): Effect.Effect<Update> =>
    Effect.flatMap(Queue.take(updates), (one) => one.event === event ? Effect.succeed(one) : next(event))
  return { status: status.status, next, ended: Deferred.await(ended) }
})

layer(server({ streams: 2 }).pipe(Layer.provideMerge(pglite())), {
  excludeTestServices: true,
  timeout: 180_000
})(
  "live updates",
  (it) => {
    it.effect("bring the state of consumers, and say what changed", () =>
      Effect.scoped(Effect.gen(function*() {
        const made = ledger("live", "continue")
        yield* made.drain()
        const { next, status } = yield* open()
        assert.strictEqual(status, 200)
        const first = yield* next("stats")
        assert.deepStrictEqual(first.data.consumers.map(({ consumer, paused }: any) => [consumer, paused]), [[
          "live",
          false
        ]])
        assert.deepStrictEqual((yield* next("runs")).data, { runs: [] })
        yield* made.publish("bad1")
        yield* made.drain()
        assert.include((yield* next("changed")).data.about, "deadLetters")
        yield* Consumers.pause("live", { by: "anna" })
        let changed = yield* next("changed")
        while (!changed.data.about.includes("audit")) changed = yield* next("changed")
        assert.isTrue((yield* next("stats")).data.consumers[0].paused)

        // A browser that reconnects gets what it missed, or is asked to read everything again.
        const again = yield* open(first.id)
        assert.strictEqual((yield* again.next("changed")).data.about[0], "deadLetters")
      })))

    it.effect("ask to read everything again if the last update is not known", () =>
      Effect.scoped(Effect.gen(function*() {
        const { next } = yield* open("another-7")
        assert.deepStrictEqual((yield* next("reset")).data, {})
      })))

    it.effect("end when the session that opened them is closed", () =>
      Effect.scoped(Effect.gen(function*() {
        const same = { "sec-fetch-site": "same-origin" }
        const body = { token: secrets.viewer }
        const signedIn = yield* ask("/api/v1/session", { method: "POST", body, headers: same })
        const cookie = (signedIn.headers["set-cookie"] ?? "").split(";")[0]!
        const { ended, next } = yield* open(undefined, { cookie })
        yield* next("stats")
        yield* ask("/api/v1/session", { method: "DELETE", headers: { ...same, cookie } })
        yield* Effect.timeout(ended, "40 seconds")
      })))

    it.effect("are refused beyond the most streams, and a closed one makes room", () =>
      Effect.gen(function*() {
        yield* Effect.scoped(Effect.gen(function*() {
          const one = yield* open()
          const two = yield* open()
          yield* one.next("stats")
          yield* two.next("stats")
          const refused = yield* api("/events")
          assert.deepStrictEqual([refused.status, refused.json.type], [429, "/problems/rate-limited"])
        }))
        const free: Effect.Effect<void, never, Effect.Services<typeof port>> = Effect.flatMap(
          Effect.scoped(Effect.map(open(), ({ status }) => status)),
          (status) => status === 200 ? Effect.void : Effect.andThen(Effect.sleep("50 millis"), free)
        )
        yield* free
      }))
  }
)
