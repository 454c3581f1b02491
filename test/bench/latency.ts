/**
 * `npm run bench -- latency`: how long it takes from a publish to its commit, at steady rates.
 *
 * A worker, a publisher and this reader are processes of their own. The reader listens to the ledger: each row notifies
 * it with the time of its publish. The first seconds do not count.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Queue, Redacted } from "effect"
import { spawn } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "../scripts/run.ts"
import { givenOrStarted } from "../setup/server.ts"
import { type Contender, contenders, environment, install } from "./peers.ts"
import { clean } from "./services.ts"

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    rates: { type: "string", default: "20,200,1000" },
    seconds: { type: "string", default: "10" },
    out: { type: "string", default: join(root, ".tmp/bench") }
  }
})
const rates = values.rates.split(",").map(Number)
const seconds = Number(values.seconds)
const warmUpMillis = 3000
const names = ["Millrace commitSql", "graphile-worker ordered", "pg-boss tuned"]

const start = (contender: Contender, url: string, ...role: ReadonlyArray<string>) =>
  spawn(process.execPath, [...contender.args, ...role], {
    stdio: ["ignore", "pipe", "inherit"],
    env: environment({ url, redis: undefined, messages: 0 }, 0)
  })

/** The latencies in milliseconds, of the messages that came to the ledger. */
const latencies = (contender: Contender, url: string, rate: number) =>
  Effect.gen(function*() {
    const sql = yield* PgClient.PgClient
    yield* sql`create or replace function ledger_told() returns trigger language plpgsql as
      ${sql.literal("$$ begin perform pg_notify('ledger', new.message_id); return new; end $$")}`
    yield* sql`create trigger told after insert on ledger for each row execute function ledger_told()`
    const found: Array<number> = []
    const rows = yield* sql.listen("ledger")
    const read = Effect.map(Queue.take(rows), ({ payload }) => {
      found.push(performance.timeOrigin + performance.now() - Number(payload.split(":")[0]))
    })
    yield* Effect.forkScoped(Effect.forever(read))
    const worker = yield* Effect.acquireRelease(
      Effect.sync(() => start(contender, url, "serve")),
      (child) =>
        Effect.promise(() =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null) return resolve()
            child.once("close", () => resolve())
            child.kill("SIGKILL")
          })
        )
    )
    yield* Effect.promise(() =>
      new Promise<void>((resolve) => worker.stdout.on("data", (chunk) => String(chunk).includes("ready") && resolve()))
    )
    const total = rate * (seconds + warmUpMillis / 1000)
    yield* Effect.promise(() =>
      new Promise((resolve) =>
        start(contender, url, "publish", String(rate), String(seconds + warmUpMillis / 1000)).once("close", resolve)
      )
    )
    // A backlog counts with the latency that it has reached.
    for (let waited = 0; found.length < total && waited < 10_000; waited += 100) yield* Effect.sleep("100 millis")
    return { found: found.slice(rate * warmUpMillis / 1000), missing: total - found.length }
  }).pipe(
    Effect.scoped,
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 3 })),
    Effect.runPromise
  )

const at = (sorted: ReadonlyArray<number>, part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

const main = async () => {
  install()
  const server = await givenOrStarted()
  const rows: Array<Record<string, string | number>> = []
  try {
    console.log("| contender | messages/s | p50 ms | p99 ms | most ms | not committed 10 s later |")
    console.log("| --- | --- | --- | --- | --- | --- |")
    for (const rate of rates) {
      for (const contender of contenders.filter(({ name }) => names.includes(name))) {
        await clean(server.url)
        const { found, missing } = await latencies(contender, server.url, rate)
        const sorted = found.toSorted((a, b) => a - b)
        const row = {
          name: contender.name,
          rate,
          p50: at(sorted, 0.5),
          p99: at(sorted, 0.99),
          most: at(sorted, 1),
          missing
        }
        rows.push(row)
        console.log(
          `| ${row.name} | ${rate} | ${row.p50.toFixed(1)} | ${row.p99.toFixed(1)} | ${
            row.most.toFixed(1)
          } | ${missing} |`
        )
      }
    }
  } finally {
    await server.stop()
  }
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, "latency.json"), JSON.stringify({ seconds, load: loadavg()[0], rows }, null, 2))
}

await main()
