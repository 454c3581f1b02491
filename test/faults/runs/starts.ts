/**
 * Twenty workers start together on an empty database: the schema is made once, all of them start, and what is published
 * then is handled once. They are four processes of five database layers each, every layer with a worker of its own.
 */
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import { Postgres } from "millrace/postgres"
import type { Child } from "../../harness/child.ts"
import type { Run } from "../fault-run.ts"
import * as Tables from "../tables.ts"
import * as Load from "../traffic.ts"
import type { World } from "../world.ts"
import { quick, until } from "./common.ts"

const processes = 4
const layers = 5
const messages = 40

const round = (world: World, starters: ReadonlyArray<Child>, n: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const consumer = `${world.consumer}-${n}`
    const database = `${world.schema}_${n}`
    yield* sql`create database ${sql(database)}`
    const url = new URL(world.url)
    url.pathname = `/${database}`
    yield* Effect.forEach(starters, (child) => child.write(JSON.stringify({ url: url.toString(), consumer })))
    world.say("told to start")
    const said = yield* Effect.forEach(starters, (child) => child.line)
    if (said.some((line) => line !== `started ${layers}`)) {
      return yield* Effect.die(
        new Error(`round ${n}: ${said.join(", ")}\n${starters.map((one) => one.output()).join("\n")}`)
      )
    }
    world.say("started")
    const there = Postgres.layer({ url: Redacted.make(url.toString()), schema: world.schema, maxConnections: 4 })
    yield* Effect.provide(handled(world, consumer, n), there)
    world.say("handled")
    yield* Effect.forEach(starters, (child) => child.write(""))
    yield* Effect.forEach(starters, (child) => child.line)
    world.say("stopped")
    for (const entry of yield* Effect.provide(Tables.facts(world.schema, consumer), there)) world.record(entry)
    yield* sql`drop database ${sql(database)} with (force)`
    world.fault("20 workers start together")
  })

/** The workers that have started handle all messages, and each queue exists once. */
const handled = (world: World, consumer: string, n: number) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const s = sql(world.schema)
    const consumers = yield* sql<{ readonly name: string; readonly lanes: number }>`
      select c.name, (select count(*) from ${s}.lanes where queue_id = c.id)::int as lanes from ${s}.consumers c order by name`
    const expected = [{ name: consumer, lanes: world.options.lanes }]
    if (JSON.stringify(consumers) !== JSON.stringify(expected)) {
      return yield* Effect.die(new Error(`round ${n} registered ${JSON.stringify(consumers)}`))
    }
    yield* Tables.create(world.schema)
    const topics = [`${consumer}-pieces`]
    world.record({ _tag: "ConsumerRegistered", consumer, topics, order: "park" })
    yield* Load.publish(
      world,
      Array.from({ length: messages }, (_, i) => world.piece(`r${n}k${i % 10}`, "none")),
      { consumer }
    )
    const rows = sql<{ readonly n: number }>`select count(*)::int as n from ${s}.ledger`
    if (!(yield* until(Effect.map(rows, ([row]) => row!.n >= messages), 60_000))) {
      return yield* Effect.die(new Error(`round ${n}: what was published is not handled`))
    }
  })

export const starts: Run = {
  name: "20 workers starting together",
  options: { ...quick, lease: "10 seconds", committers: 1 },
  body: (world) =>
    Effect.gen(function*() {
      const wanted = world.scaled(50)
      const starters = yield* Effect.forEach(
        Array.from({ length: processes }, () => world.told("s")),
        (told) => world.start({ role: "starter", options: world.options, layers, ...told })
      )
      yield* Effect.forEach(starters, (child) => child.ready)
      for (let n = 1; n <= wanted; n++) yield* round(world, starters, n)
      return [{
        fault: "20 workers starting together on an empty database",
        wanted,
        happened: world.happened("20 workers start together")
      }]
    }),
  expects: { redelivered: 0 }
}
