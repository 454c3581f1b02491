/**
 * The publisher of `npm run bench -- soak`: messages at a steady rate, or as many as the worker commits.
 *
 * `soakPublisher.ts RATE SECONDS FROM` publishes what is due every 20 ms in one call, from the message with this number
 * on. A publisher that was held up catches up. With the rate `most` it publishes while fewer than 10,000 messages wait.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Topic } from "millrace"
import { Postgres } from "millrace/postgres"
import { payment, Payments, timedId } from "./payments.ts"
import { counted } from "./soakSamples.ts"

const [, , rate = "", seconds = "", from = ""] = process.argv
const millis = Number(seconds) * 1000
const most = 10_000
const batch = 1000
const pause = 20

const publish = (first: number, count: number) =>
  Topic.publishAll(Payments, Array.from({ length: count }, (_, i) => payment(first + i, timedId(first + i))))

/** Publishes until the time is over: each round asks how many messages to publish now. */
const publishing = Effect.fnUntraced(function*<E, R>(due: (published: number) => Effect.Effect<number, E, R>) {
  let published = 0
  while (true) {
    const count = Math.min(batch, yield* due(published))
    if (count < 0) return
    if (count > 0) yield* publish(Number(from) + published, count)
    published += count
    if (count < batch) yield* Effect.sleep(pause)
  }
})

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const started = performance.now()
  const elapsed = () => performance.now() - started
  const total = Math.round(Number(rate) * Number(seconds))
  const steady = (published: number) =>
    Effect.sync(() =>
      published >= total ? -1 : Math.min(total, Math.floor(Number(rate) * elapsed() / 1000)) - published
    )
  const flatOut = () =>
    Effect.map(
      counted(sql),
      ({ committed, published }) => elapsed() >= millis ? -1 : published - committed < most ? batch : 0
    )
  yield* rate === "most" ? publishing(flatOut) : publishing(steady)
})

NodeRuntime.runMain(
  program.pipe(
    Effect.provide(
      Postgres.layer({ url: Redacted.make(process.env["DATABASE_URL"] ?? ""), schema: "bench", retention: false })
    )
  )
)
