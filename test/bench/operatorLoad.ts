/**
 * `npm run load:operators` measures what operators ask of long queues and many dead letters.
 *
 * It fills in 1,000,000 waiting messages and 1,000,000 dead letters. It times every list, count and group, every GET of
 * the HTTP API, and every page of the dashboard. Then it redrives 100,000 dead letters beside a live load, and prints
 * the rate of the other messages relative to that without the redrive. Exit code 1 if the best of five answers takes
 * more than 200 ms, or if that ratio is below 0.7.
 *
 * `--rows N`, `--redrive N`, `--share 0.1` (the rate of the redrive, of the worker's rate), `--only questions|redrive`.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Clock, Console, Duration, Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { Postgres } from "millrace/postgres"
import { loadavg } from "node:os"
import { parseArgs } from "node:util"
import { fill } from "../ops/scaleKit.ts"
import { givenOrStarted } from "../setup/server.ts"
import { endpoints, pages, server } from "./operatorEndpoints.ts"
import { exactCounts, questions } from "./operatorQuestions.ts"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "1000000" },
    redrive: { type: "string", default: "100000" },
    share: { type: "string", default: "0.1" },
    only: { type: "string", default: "" }
  }
})
const rows = Number(values.rows)
const redriven = Number(values.redrive)
const share = Number(values.share)
const schema = "millrace_operations"
const most = 200
const floor = 0.7

const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

/** Asks six times, and returns the best and the median in milliseconds. The first one fills the caches. */
const timesOf = Effect.fnUntraced(function*<A, E, R>(ask: Effect.Effect<A, E, R>) {
  yield* ask
  const times: Array<number> = []
  for (let i = 0; i < 5; i++) {
    const began = yield* now
    yield* ask
    times.push((yield* now) - began)
  }
  const sorted = times.toSorted((a, b) => a - b)
  return { best: sorted[0]!, median: sorted[2]! }
})

/** Prints the times of each question, and returns how many are too slow even at their best. */
const ask = Effect.fnUntraced(function*<E, R>(
  all: Readonly<Record<string, Effect.Effect<unknown, E, R>>>,
  bar = most
) {
  yield* Console.log(`Best and median of 5 answers in ms, with ${rows} of each, load ${loadavg()[0]!.toFixed(1)}`)
  let slow = 0
  for (const [name, one] of Object.entries(all)) {
    const { best, median } = yield* timesOf(one)
    if (best > bar) slow++
    yield* Console.log(
      `${best > bar ? "SLOW" : "ok  "} ${best.toFixed(1).padStart(8)} ${median.toFixed(1).padStart(8)}  ${name}`
    )
  }
  return slow
})

const served = Effect.gen(function*() {
  const slow = yield* ask(yield* endpoints)
  return slow + (yield* pages).filter(([, best]) => best > most).length
}).pipe(Effect.provide(server))

const answers = Effect.gen(function*() {
  yield* fill({ schema, rows, groups: 40 })
  const slow = yield* ask(yield* questions)
  yield* ask(yield* exactCounts, Infinity)
  return slow + (yield* served)
})

const Piece = Schema.Struct({ id: Schema.String, key: Schema.String })
const Pieces = Topic.make("live", { schema: Piece, key: ({ key }) => key, id: ({ id }) => id })

/** Dead letters of the live consumer, whose messages can be processed again. */
const deadLetters = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) =>
    sql`insert into ${
      sql(schema)
    }.dead_letters (queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
      published_at, reason, parked, attempts, tag, fingerprint)
    select c.id, ${
      sql(schema)
    }.key_hash('r' || n) % c.lanes, nextval(${`${schema}.message_seq`}::regclass), 'r' || n, 'live', 'r' || n, true,
      json_build_object('id', 'r' || n, 'key', 'r' || n)::text, '{}', 1, now(), 'exhausted', false, '[]', 'Declined', 'Declined@steps'
    from ${sql(schema)}.consumers c cross join generate_series(1, ${redriven}::int) n where c.name = 'live'`
)

/** Keeps some thousand messages waiting, and returns how many of them were committed in so many seconds. */
const live = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists ${sql(schema)}.effects (id text)`
  let [published, fresh, again] = [0, 0, 0]
  const pipeline = Pipeline.from(Pieces, { consumer: "live" }).pipe(
    Pipeline.commitSql(({ id }, sql) => sql`insert into ${sql(schema)}.effects (id) values (${id})`),
    Pipeline.map(({ id }) => {
      if (id.startsWith("m")) fresh++
      else again++
    })
  )
  yield* Worker.drain(pipeline)
  yield* deadLetters
  const publisher = Effect.forever(Effect.suspend(() => {
    if (published - fresh > 3_000) return Effect.sleep("5 millis")
    const from = published
    published += 500
    return Topic.publishAll(
      Pieces,
      Array.from({ length: 500 }, (_, i) => ({ id: `m${from + i}`, key: `k${(from + i) % 1_000}` }))
    )
  }))
  yield* Effect.forkScoped(publisher)
  yield* Effect.forkScoped(Worker.run(pipeline))
  const rate = Effect.fnUntraced(function*(during: Effect.Effect<unknown, unknown>) {
    const [began, before] = [yield* now, fresh]
    yield* during
    return (fresh - before) / ((yield* now) - began) * 1000
  })
  return { rate, again: () => again }
})

const redrive = Effect.gen(function*() {
  const operations = yield* Operations.Operations
  const { again, rate } = yield* live
  const alone = rate(Effect.sleep("15 seconds"))
  yield* Effect.sleep("10 seconds")
  const before = yield* alone
  const { id } = yield* operations.startRedrive({ consumer: "live" }, {
    by: "bench",
    rate: Math.min(10_000, before * share)
  })
  const began = yield* now
  const over = Effect.gen(function*() {
    while ((yield* operations.redriveRun(id)).state === "running") yield* Effect.sleep("250 millis")
  })
  const during = yield* rate(over)
  const seconds = ((yield* now) - began) / 1000
  const run = yield* operations.redriveRun(id)
  const after = yield* alone
  const ratio = during / ((before + after) / 2)
  yield* Console.log(
    `${ratio >= floor ? "ok  " : "BAD "} The worker's own rate is ${ratio.toFixed(2)} of that without the redrive: `
      + `${during.toFixed(0)}/s during it, ${before.toFixed(0)}/s before and ${after.toFixed(0)}/s after. `
      + `The run redrove ${run.redriven} in ${Duration.format(Duration.seconds(Math.round(seconds)))} at ${
        run.rate.toFixed(0)
      }/s asked; `
      + `${run.committed} committed, ${again()} processed. Load ${loadavg()[0]!.toFixed(1)}.`
  )
  return ratio >= floor && run.committed === redriven ? 0 : 1
}).pipe(Effect.scoped)

const program = Effect.gen(function*() {
  const bad = (values.only === "redrive" ? 0 : yield* answers) + (values.only === "questions" ? 0 : yield* redrive)
  if (bad > 0) return yield* Effect.die(`${bad} measurements are outside of their bounds`)
})

NodeRuntime.runMain(Effect.acquireUseRelease(
  Effect.promise(() => givenOrStarted()),
  (server) =>
    Effect.provide(
      program,
      Operations.layer({ schema }).pipe(
        Layer.provideMerge(Postgres.layer({ url: Redacted.make(server.url), schema, retention: false }))
      )
    ),
  (server) => Effect.promise(() => server.stop())
))
