/**
 * Real processes of a relay, killed and frozen while messages are published: nothing is lost, and the order is kept.
 *
 * `RELAY_KILLS` sets how many processes are killed (8 by default).
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Random, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { fileURLToPath } from "node:url"
import { inject } from "vitest"
import * as Child from "../harness/child.ts"
import { limit } from "../harness/patience.ts"
import { freshSchema } from "../postgres/kit.ts"
import type { Setup } from "./relay-program.ts"

const kills = Number(process.env["RELAY_KILLS"] ?? 8)
const processes = 3
const keys = 40
const program = fileURLToPath(new URL("relay-program.ts", import.meta.url))
const Orders = Topic.make("orders", {
  schema: Schema.Struct({ key: Schema.String, n: Schema.Int }),
  key: (order) => order.key,
  id: (order) => `${order.key}:${order.n}`
})
const consumer = "relay/orders"
const options = { lease: "1 second", idlePoll: "100 millis", wave: 20, lanes: 8 } as const

/** Publishes round after round, one message of each key, until it is stopped. Returns the number of rounds. */
const publishing = Effect.fnUntraced(function*(state: { stop: boolean }) {
  let n = 0
  while (!state.stop) {
    yield* Topic.publishAll(Orders, Array.from({ length: keys }, (_, key) => ({ key: `k${key}`, n })))
    n++
    yield* Effect.sleep("400 millis")
  }
  return n
})

/** Makes each removal of a wave slow, so that kills come between a publish and the commit of its removal. */
const slowRemovals = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  const wait = sql(`${schema}.wait`)
  yield* sql`create function ${wait}() returns trigger language plpgsql as
    'begin perform pg_sleep(0.15); return null; end'`
  yield* sql`create trigger wait after delete on ${
    sql(`${schema}.messages`)
  } for each statement execute function ${wait}()`
})

/** Returns what the other engine has, in the order of each key, with repetitions. */
const arrived = Effect.fnUntraced(function*() {
  const got = new Map<string, Array<number>>()
  const recording = Pipeline.from(Orders, { consumer: "sink", delivery: "atLeastOnce" }).pipe(
    Pipeline.tap(({ key, n }) => Effect.sync(() => void got.set(key, [...got.get(key) ?? [], n])))
  )
  yield* Worker.drain(recording, { lanes: 8 })
  return got
})

it.live(
  `a relay whose processes are killed ${kills} times loses nothing and keeps the order`,
  () =>
    Effect.gen(function*() {
      const url = inject("databaseUrl")
      const setup: Setup = { url, source: freshSchema(), target: freshSchema(), options }
      const on = (schema: string) => Postgres.layer({ url: Redacted.make(url), schema, retention: false })
      // The sink registers first, so that it gets every message.
      const registered = Worker.drain(Pipeline.from(Orders, { consumer: "sink", delivery: "atLeastOnce" }), {
        lanes: 8
      })
      yield* Effect.provide(registered, on(setup.target))
      const start = (i: number) =>
        Effect.tap(Child.start({ name: `relay-${i}`, program, setup }), (child) => child.ready)
      let killed = 0
      /** One process after the other, each killed a moment after it is ready. */
      const lives = Effect.gen(function*() {
        while (killed < kills) {
          const kill = killed++
          yield* Effect.scoped(Effect.gen(function*() {
            const child = yield* start(kill)
            yield* Effect.sleep(yield* Random.nextIntBetween(50, 800))
            // Some are frozen beyond their lease before they are killed, and publish what others have published since.
            if (kill % 6 === 5) {
              yield* child.signal("SIGSTOP")
              yield* Effect.sleep("1500 millis")
              yield* child.signal("SIGCONT")
              yield* Effect.sleep(yield* Random.nextIntBetween(0, 100))
            }
            assert.isTrue(child.isRunning(), child.output())
            yield* child.signal("SIGKILL")
            yield* child.ended
          }))
        }
      })

      const rounds = yield* Effect.gen(function*() {
        // The relay's consumer registers before the first message.
        yield* Effect.scoped(start(-1))
        yield* slowRemovals(setup.source)
        const state = { stop: false }
        const publisher = yield* Effect.forkChild(publishing(state))
        yield* Effect.all(Array.from({ length: processes }, () => lives), { concurrency: "unbounded" })
        state.stop = true
        const rounds = yield* Fiber.join(publisher)
        yield* start(kills)
        const empty = Effect.map(Consumers.get(consumer), ({ waiting }) => waiting.count === 0)
        yield* Child.until("the relay has published everything", empty)
        assert.deepStrictEqual(yield* DeadLetters.list({ consumer }), [])
        return rounds
      }).pipe(Effect.provide(Layer.fresh(on(setup.source))))

      const got = yield* Effect.provide(arrived(), on(setup.target))
      assert.isAbove(rounds, 3)
      let repeated = 0
      for (let key = 0; key < keys; key++) {
        const all = got.get(`k${key}`) ?? []
        const first = all.filter((n, i) => all.indexOf(n) === i)
        assert.deepStrictEqual(first, Array.from({ length: rounds }, (_, n) => n), `k${key}: ${all.join(" ")}`)
        repeated += all.length - first.length
      }
      console.info(
        `relay: ${kills} kills, ${rounds * keys} messages, lost 0, out of order 0, published again ${repeated}`
      )
      assert.isAbove(repeated, 0, "no kill came between a publish and its commit, so the test shows nothing")
    }),
  limit(60_000 + kills * 3000)
)
