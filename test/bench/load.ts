/**
 * `npm run load` measures the effect of what must not matter.
 *
 * It tries a long backlog, many keys, a held key with a long queue, and a hot key. Other sessions hold a snapshot or a
 * writing transaction open. It prints rates relative to the undisturbed one of the same run, and the heap in use. Exit
 * code 1 if a rate falls under half, or if memory grows with the backlog.
 *
 * `--messages N` in each scenario (20,000), `--backlog N` (1,000,000).
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Deferred, Effect, Fiber, Redacted, Schedule, Schema, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, type Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { parseArgs } from "node:util"
import { givenOrStarted } from "../setup/server.ts"

const { values } = parseArgs({
  options: { messages: { type: "string", default: "20000" }, backlog: { type: "string", default: "1000000" } }
})
const messages = Number(values.messages)
const backlog = Number(values.backlog)
const schema = "millrace_load"
const floor = 0.5
/**
 * A heap that does not grow with the backlog stays far below it: a million messages of 200 bytes are 200 MB of payload
 * alone.
 */
const mostHeap = 160 * 1024 * 1024

const Piece = Schema.Struct({ id: Schema.String, key: Schema.String, slow: Schema.Boolean, pad: Schema.String })

interface Scenario {
  readonly name: string
  readonly count: number
  readonly keyOf: (i: number) => string
  /** Disturbs the scenario while it runs. It gets topic and consumer. */
  readonly around?: (world: World) => Effect.Effect<unknown, unknown, SqlClient.SqlClient | Layers | Scope.Scope>
}
type Layers = Store.Store
interface World {
  readonly run: string
  readonly publish: (pieces: ReadonlyArray<typeof Piece.Type>) => Effect.Effect<unknown, unknown, Layers>
}

const piece = (id: string, key: string, slow = false) => ({ id, key, slow, pad: "x".repeat(120) })

/**
 * Publishes beforehand, then runs one worker until the counted messages are committed: messages a second, and the most
 * heap.
 */
const rate = Effect.fnUntraced(function*(scenario: Scenario) {
  const run = `load-${scenario.name.replaceAll(/[^a-z]+/g, "-")}-${Math.floor(performance.now())}`
  const Pieces = Topic.make(run, { schema: Piece, key: (one) => one.key, id: (one) => one.id })
  const finished = Deferred.makeUnsafe<void>()
  let done = 0
  const counted = Pipeline.from(Pieces, { consumer: run }).pipe(
    Pipeline.tap((one) => one.slow ? Effect.sleep(2) : Effect.void),
    Pipeline.commitSql((one, sql) => sql`insert into ${sql(schema)}.load_effects (id) values (${one.id})`),
    Pipeline.map((one) => {
      if (one.id.startsWith("m") && ++done === scenario.count) Deferred.doneUnsafe(finished, Effect.void)
    })
  )
  yield* Worker.drain(counted)
  const publish: World["publish"] = (pieces) => Topic.publishAll(Pieces, pieces)
  if (scenario.around !== undefined) yield* scenario.around({ run, publish })
  for (let from = 0; from < scenario.count; from += 10_000) {
    const size = Math.min(10_000, scenario.count - from)
    yield* publish(Array.from({ length: size }, (_, i) => piece(`m${from + i}`, scenario.keyOf(from + i))))
  }
  let heap = 0
  const sampler = yield* Effect.forkChild(Effect.repeat(
    Effect.sync(() => {
      heap = Math.max(heap, process.memoryUsage().heapUsed)
    }),
    Schedule.spaced("200 millis")
  ))
  const started = performance.now()
  const worker = yield* Effect.forkChild(Worker.run(counted))
  yield* Effect.raceFirst(Deferred.await(finished), Fiber.join(worker))
  const perSecond = scenario.count / (performance.now() - started) * 1000
  yield* Fiber.interrupt(sampler)
  yield* Fiber.interrupt(worker)
  return { perSecond, heap }
}, Effect.scoped)

/** A transaction of another session, open until the scenario ends. */
const open = (statement: string, begin = "begin") =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql.withTransaction(Effect.andThen(sql.unsafe(statement), Effect.never)).pipe(
        Effect.provideService(SqlClient.BeginTransaction, begin),
        Effect.forkScoped
      )
  )

const hold = (world: World, key: string) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql`insert into ${sql(schema)}.holds (queue_id, key, lane, until, from_seq)
      select m.queue_id, m.key, m.lane, 'infinity', 0 from ${sql(schema)}.messages m
      join ${sql(schema)}.consumers c on c.id = m.queue_id where c.name = ${world.run} and m.key = ${key} limit 1`
  )

const thousand = (i: number) => `k${i % 1000}`
const scenarios: ReadonlyArray<Scenario> = [
  { name: "whileNotReading", count: messages, keyOf: thousand },
  {
    name: "a held key with 100,000 behind it",
    count: messages,
    keyOf: thousand,
    around: (world) =>
      Effect.andThen(
        Effect.forEach(
          Array.from({ length: 10 }, (_, c) => c),
          (c) => world.publish(Array.from({ length: 10_000 }, (_, i) => piece(`h${c}:${i}`, "held"))),
          { discard: true }
        ),
        hold(world, "held")
      )
  },
  {
    name: "a hot, slow key with 10,000 waiting",
    count: messages,
    keyOf: thousand,
    around: (world) => world.publish(Array.from({ length: 10_000 }, (_, i) => piece(`h${i}`, "hot", true)))
  },
  {
    name: "a snapshot held open",
    count: messages,
    keyOf: thousand,
    around: () => open(`select count(*) from ${schema}.messages`, "begin isolation level repeatable read")
  },
  {
    name: "a writing transaction held open",
    count: messages,
    keyOf: thousand,
    around: () => open(`select pg_current_xact_id()`)
  },
  { name: `a backlog of ${backlog} messages, each its own key`, count: backlog, keyOf: (i) => `k${i}` }
]

const program = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists ${sql(schema)}.load_effects (id text)`
  let base = 0
  let bad = 0
  yield* rate({ name: "warm up", count: 5000, keyOf: thousand })
  for (const scenario of scenarios) {
    const { heap, perSecond } = yield* rate(scenario)
    if (base === 0) base = perSecond
    const ratio = perSecond / base
    const ok = ratio >= floor && heap < mostHeap
    if (!ok) bad++
    yield* Console.log(
      `${ok ? "ok  " : "BAD "} ${scenario.name}: ${perSecond.toFixed(0)}/s, ${
        ratio.toFixed(2)
      } of the whileNotReading, heap at most ${(heap / 1048576).toFixed(0)} MB`
    )
  }
  if (bad > 0) return yield* Effect.die(`${bad} scenarios under ${floor}, or with a heap over ${mostHeap / 1048576} MB`)
})

NodeRuntime.runMain(Effect.acquireUseRelease(
  Effect.promise(() => givenOrStarted()),
  (server) => Effect.provide(program, Postgres.layer({ url: Redacted.make(server.url), schema, retention: false })),
  (server) => Effect.promise(() => server.stop())
))
