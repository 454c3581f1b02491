/**
 * `npm run bench -- latency`: how long it takes from a publish to its commit, at steady rates.
 *
 * A worker, a publisher and this reader are processes of their own. The reader listens to the ledger: each row notifies
 * it with the time of its publish. The first seconds do not count.
 */
import { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "../scripts/run.ts"
import { givenOrStarted } from "../setup/server.ts"
import { percentile } from "./figures.ts"
import { type Contender, contenders, install } from "./peers.ts"
import { clean } from "./services.ts"
import { ended, heard, served, start } from "./sides.ts"

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

/** The latencies in milliseconds, of the messages that came to the ledger. */
const latencies = (contender: Contender, url: string, rate: number) =>
  Effect.gen(function*() {
    const found = yield* heard(1)
    yield* served(start(contender.args, url, "serve"))
    const total = rate * (seconds + warmUpMillis / 1000)
    yield* ended(start(contender.args, url, "publish", String(rate), String(seconds + warmUpMillis / 1000)))
    // A backlog counts with the latency that it has reached.
    for (let waited = 0; found.length < total && waited < 10_000; waited += 100) yield* Effect.sleep("100 millis")
    return { found: found.slice(rate * warmUpMillis / 1000), missing: total - found.length }
  }).pipe(
    Effect.scoped,
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 3 })),
    Effect.runPromise
  )

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
        const row = {
          name: contender.name,
          rate,
          p50: percentile(found, 0.5),
          p99: percentile(found, 0.99),
          most: percentile(found, 1),
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
