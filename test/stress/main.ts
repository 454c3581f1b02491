/**
 * The order stress: it tries to make the transport lose, repeat, overtake or strand a message.
 *
 *     npm run stress -- --seconds 30
 *
 * Publishers number their messages and publish the next one only when the last is committed. They commit late, roll
 * back and use savepoints, and a trigger is slow now and then. Three workers take, commit in groups, hold keys,
 * dead-letter messages, park their keys, and give lanes back. Sometimes a worker stops renewing but continues to
 * commit. An operator parks keys and redrives dead letters.
 *
 * In the end the ledger, written in the messages' transactions, must show every number of every publisher once and in
 * order.
 */
import { Effect, Fiber, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Store } from "millrace"
import { Postgres } from "millrace/postgres"
import { parseArgs } from "node:util"
import { givenOrStarted } from "../setup/server.ts"
import { bystander, keys, lanes, operator, publisher, type Run, worker } from "./actors.ts"

const { values } = parseArgs({ options: { seconds: { type: "string", default: "30" } } })
const seconds = Number(values.seconds)
const workers = 3
const publishers = 24
/** Nothing handled for so long means that something is stuck. */
const patience = 20_000

const schema = `stress_${process.pid}`
const run: Run = {
  schema,
  ledger: `${schema}.ledger`,
  publishing: true,
  failing: true,
  stopped: false,
  counts: {}
}

const prepare = Effect.gen(function*() {
  const store = yield* Store.Store
  const sql = yield* SqlClient.SqlClient
  yield* store.consumers.register({ consumer: "c", topics: ["t"], lanes, order: "park" })
  yield* sql`create table ${sql(run.ledger)} (n bigserial, id text not null, worker text not null)`
  yield* sql`create function ${sql(`${schema}.slow`)}() returns trigger language plpgsql as $$
    begin if random() < 0.05 then perform pg_sleep(random() * 0.05); end if; return new; end $$`
  yield* sql`create trigger slow before insert on ${sql(`${schema}.messages`)} for each row
    execute function ${sql(`${schema}.slow`)}()`
})

/** Waits until no message waits any more. Returns how many do when nothing has moved for long. */
const drained = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  let left = Infinity
  let since = Date.now()
  while (left > 0 && Date.now() - since < patience) {
    yield* Effect.sleep(200)
    const [row] = yield* sql<{ n: number }>`select ((select count(*) from ${sql(`${schema}.messages`)})
      + (select count(*) from ${sql(`${schema}.dead_letters`)} where state <> 'resolved'))::int as n`
    if (row!.n < left) {
      left = row!.n
      since = Date.now()
    }
  }
  return left
})

/** Counts the violations in the ledger, in the order in which it was written. */
const judge = Effect.fnUntraced(function*(published: ReadonlyArray<number>, stuck: number) {
  const sql = yield* SqlClient.SqlClient
  const ledger = yield* sql<{ id: string }>`select id from ${sql(run.ledger)} order by n`
  const last = new Map<number, number>()
  const seen = new Set<string>()
  const found = { "out of order": 0, twice: 0, lost: 0, stuck }
  for (const { id } of ledger) {
    const [c = 0, n = 0] = id.split(":").map(Number)
    if (seen.has(id)) found.twice++
    else if (n < (last.get(c) ?? 0)) found["out of order"]++
    seen.add(id)
    last.set(c, Math.max(n, last.get(c) ?? 0))
  }
  published.forEach((numbers, c) => {
    for (let n = 1; n <= numbers; n++) if (!seen.has(`${c}:${n}`)) found.lost++
  })
  return { found, total: published.reduce((a, b) => a + b, 0) }
})

const program = (url: string) => {
  const layer = Postgres.layer({ url: Redacted.make(url), schema, maxConnections: 40 })
  const elsewhere = <A, E>(effect: Effect.Effect<A, E, Effect.Services<ReturnType<typeof worker>>>) =>
    Effect.provide(effect, Postgres.layer({ url: Redacted.make(url), schema, maxConnections: 4 }))
  return Effect.gen(function*() {
    yield* prepare
    const names = Array.from({ length: workers }, (_, i) => `w${i}`)
    const decisions = yield* Effect.forkChild(operator(run))
    const working = yield* Effect.forEach(names, (name) => Effect.forkChild(elsewhere(worker(run, name))))
    const beside = yield* Effect.forkChild(bystander(run))
    yield* Effect.forkChild(Effect.andThen(Effect.sleep(seconds * 1_000), Effect.sync(() => run.publishing = false)))
    const published = yield* Effect.forEach(
      Array.from({ length: publishers }, (_, c) => c),
      (c) => publisher(run, c),
      { concurrency: "unbounded" }
    )
    run.failing = false
    const stuck = yield* drained
    run.stopped = true
    yield* Fiber.joinAll([...working, decisions, beside])
    const { found, total } = yield* judge(published, stuck)
    const sql = yield* SqlClient.SqlClient
    yield* sql`drop schema ${sql(schema)} cascade`
    const bad = Object.values(found).some((n) => n > 0)
    const numbers = (counts: Readonly<Record<string, number>>) =>
      Object.entries(counts).toSorted(([a], [b]) => a < b ? -1 : 1).map(([what, n]) => `${what} ${n}`).join(", ")
    console.log(`${bad ? "VIOLATED" : "OK"}: published ${total} on ${keys} keys, ${numbers(found)}`)
    console.log(`  ${numbers(run.counts)}`)
    return bad ? 1 : 0
  }).pipe(Effect.provide(layer))
}

const server = await givenOrStarted()
try {
  process.exitCode = await Effect.runPromise(program(server.url))
} finally {
  await server.stop()
}
