/**
 * Worker processes that die, freeze, are stopped, or handle a message that kills them: real processes, real Postgres.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, type Worker } from "millrace"
import { inject } from "vitest"
import { limit } from "../harness/patience.ts"
import type { Setup } from "./worker-program.ts"
import * as Workers from "./workers.ts"

const url = inject("databaseUrl")
const options: Worker.WorkerOptions = { lease: "2 seconds", grace: "5 seconds", lanes: 16, concurrency: 32 }

interface World {
  readonly schema: string
  readonly consumer: string
  readonly setup: (name: string, more?: Partial<Setup>) => Setup
}

/** Each test has a schema and a consumer of its own. */
const withWorld = <A, E, R>(test: (world: World) => Effect.Effect<A, E, R>) => {
  const schema = Workers.fresh("process")
  const consumer = Workers.fresh("consumer")
  const setup = (name: string, more?: Partial<Setup>): Setup => ({ url, schema, consumer, name, options, ...more })
  return Effect.gen(function*() {
    yield* Workers.prepare(schema, consumer, options)
    return yield* test({ schema, consumer, setup })
  }).pipe(Effect.scoped, Effect.provide(Workers.layer(url, schema)))
}

const pieces = (keys: number, each: number, more?: Partial<Workers.Piece>) =>
  Array.from({ length: keys * each }, (_, i) => Workers.piece(`k${i % keys}`, Math.floor(i / keys), more))

const intact: ReadonlyArray<string> = []

describe("worker processes", { timeout: limit(120_000), concurrent: true }, () => {
  it.live("SIGKILL under load: another worker continues, nothing lost, nothing twice, in order", () =>
    withWorld(({ consumer, schema, setup }) =>
      Effect.gen(function*() {
        const published = pieces(40, 30, { action: "wait", millis: 3 })
        const first = yield* Workers.start(setup("first"))
        yield* first.said("ready")
        yield* Workers.publish(consumer, published)
        yield* Workers.ledgerHas(schema, 100)
        yield* first.signal("SIGKILL")
        const second = yield* Workers.start(setup("second"))
        yield* second.said("ready")
        yield* Workers.ledgerHas(schema, published.length)
        const rows = yield* Workers.ledger(schema)
        assert.deepStrictEqual(Workers.violations(rows, published), intact)
        assert.isTrue(rows.some((row) => row.worker === "first") && rows.some((row) => row.worker === "second"))
      })
    ))

  it.live("SIGSTOP for three leases, then SIGCONT: the stale owner commits nothing, is interrupted, and rejoins", () =>
    withWorld(({ consumer, schema, setup }) =>
      Effect.gen(function*() {
        const stale = yield* Workers.start(setup("stale"))
        yield* stale.said("ready")
        const slow = [Workers.piece("slow", 0, { action: "waitInCommit", millis: 1500 }), Workers.piece("slow", 1)]
        yield* Workers.publish(consumer, slow)
        yield* stale.said("start slow:0")
        yield* stale.signal("SIGSTOP")
        const successor = yield* Workers.start(setup("successor"))
        yield* Workers.ledgerHas(schema, 2)
        yield* stale.signal("SIGCONT")
        yield* stale.said("Lost lane")
        const more = pieces(30, 5)
        yield* Workers.publish(consumer, more)
        yield* Workers.ledgerHas(schema, 2 + more.length)
        const rows = yield* Workers.ledger(schema)
        assert.deepStrictEqual(Workers.violations(rows, [...slow, ...more]), intact)
        assert.deepStrictEqual(rows.slice(0, 2).map((row) => row.worker), ["successor", "successor"])
        yield* Workers.until(
          "the stale takes part again",
          Effect.gen(function*() {
            yield* Workers.publish(consumer, [Workers.piece(`again${Math.random()}`, 0)])
            const now = yield* Workers.ledger(schema)
            return now.some((row) => row.worker === "stale")
          })
        )
        yield* successor.signal("SIGTERM")
      })
    ))

  it.live("SIGTERM under load: exit code says so, what ran is finished, the rest is given back at once, no attempt counted", () =>
    withWorld(({ consumer, schema, setup }) =>
      Effect.gen(function*() {
        const published = pieces(40, 10, { action: "wait", millis: 20 })
        const first = yield* Workers.start(setup("first", { options: { ...options, lease: "60 seconds" } }))
        yield* first.said("ready")
        yield* Workers.publish(consumer, published)
        yield* Workers.ledgerHas(schema, 40)
        yield* first.signal("SIGTERM")
        const exit = yield* first.ended
        assert.deepStrictEqual(exit, { code: 0, signal: null })
        // With a lease of a minute, only what was given back can be taken over now.
        const second = yield* Workers.start(setup("second"))
        yield* second.said("ready")
        yield* Workers.ledgerHas(schema, published.length)
        const rows = yield* Workers.ledger(schema)
        assert.deepStrictEqual(Workers.violations(rows, published), intact)
        assert.isTrue(rows.every((row) => row.attempt === 1))
      })
    ))

  it.live("a worker whose consumer is removed ends its process with exit code 1, after what ran has been given back", () =>
    withWorld(({ consumer, setup }) =>
      Effect.gen(function*() {
        const worker = yield* Workers.start(setup("first"))
        yield* worker.said("ready")
        yield* Consumers.remove(consumer, { by: "test", force: { workers: true, messages: true } })
        assert.deepStrictEqual(yield* worker.ended, { code: 1, signal: null })
        assert.include(worker.output(), "ConsumerRemoved")
      })
    ))

  it.live("poison that kills the process becomes a dead letter `crashed`; none of the messages around it does", () =>
    withWorld(({ consumer, schema, setup }) =>
      Effect.gen(function*() {
        const others = pieces(50, 4, { action: "wait", millis: 10 })
        const poison = Workers.piece("poison", 0, { action: "exit" })
        yield* Workers.publish(consumer, [...others.slice(0, 100), poison, ...others.slice(100)])
        let deaths = 0
        yield* Effect.forkScoped(Effect.forever(Effect.gen(function*() {
          // Always under one name, as a supervisor starts it.
          const worker = yield* Workers.start(setup("life"))
          yield* worker.ended
          deaths++
        })))
        yield* Workers.until(
          "the poison is dead",
          Effect.map(DeadLetters.list({ consumer }), (deadLetters) => deadLetters.length > 0)
        )
        yield* Workers.ledgerHas(schema, others.length)
        const deadLetters = yield* DeadLetters.list({ consumer })
        assert.deepStrictEqual(deadLetters.map((deadLetter) => [deadLetter.message.id, deadLetter.reason]), [[
          "poison:0",
          "crashed"
        ]])
        assert.deepStrictEqual(Workers.violations(yield* Workers.ledger(schema), others), intact)
        assert.strictEqual(deaths, 3)
      })
    ))

  it.live("lanes are shared evenly among processes, and a new one gets its share", () =>
    withWorld(({ consumer, schema, setup }) =>
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const owners = Effect.map(
          sql<
            { readonly owner: string; readonly lanes: number }
          >`select split_part(owner, '#', 1) as owner, count(*)::int as lanes from ${sql(schema)}.lanes
            where owner is not null and lease_until > clock_timestamp() group by 1 order by 1`,
          (rows) => rows.map((row) => `${row.owner} ${row.lanes}`)
        )
        yield* Workers.start(setup("a"))
        yield* Workers.until("one has all", Effect.map(owners, (now) => now.join() === "a 16"))
        yield* Workers.start(setup("b"))
        yield* Workers.until("two have half each", Effect.map(owners, (now) => now.join() === "a 8,b 8"))
        const published = pieces(60, 5)
        yield* Workers.publish(consumer, published)
        yield* Workers.ledgerHas(schema, published.length)
        const rows = yield* Workers.ledger(schema)
        assert.deepStrictEqual(Workers.violations(rows, published), intact)
        assert.deepStrictEqual([...new Set(rows.map((row) => row.worker))].sort(), ["a", "b"])
      })
    ))

  it.live("attempts are remembered across a restart: a held message continues where it was", () =>
    withWorld(({ consumer, schema, setup }) =>
      Effect.gen(function*() {
        const retry = { base: "1500 millis", attempts: 3 }
        const first = yield* Workers.start(setup("first", { retry }))
        yield* first.said("ready")
        yield* Workers.publish(consumer, [
          Workers.piece("k", 0, { action: "fail" }),
          Workers.piece("k", 1),
          Workers.piece("other", 0)
        ])
        yield* Workers.ledgerHas(schema, 1)
        const sql = yield* SqlClient.SqlClient
        yield* Workers.until(
          "the key is held",
          Effect.map(sql`select from ${sql(schema)}.holds where key = 'k'`, (rows) => rows.length === 1)
        )
        yield* first.signal("SIGKILL")
        yield* Workers.start(setup("second", { retry }))
        yield* Workers.ledgerHas(schema, 2)
        const [deadLetter] = yield* DeadLetters.list({ consumer })
        assert.strictEqual(deadLetter?.reason, "exhausted")
        assert.deepStrictEqual(deadLetter?.attempts.map((failure) => [failure.attempt, failure.tag]), [
          [1, "Refused"],
          [2, "Refused"],
          [3, "Refused"]
        ])
        assert.strictEqual(deadLetter?.attempts[0]?.worker, "first")
      })
    ))
})
