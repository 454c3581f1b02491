/**
 * `npm run bench -- soak`: a worker at 70 % of its maximum for an hour (`--minutes`), with retention.
 *
 * Another session holds a snapshot open for the middle half of the time. Worker, publisher and this reader are
 * processes of their own. Postgres is a server of their own, or `DATABASE_URL`. First the maximum is measured for a
 * minute: what the worker commits while the publisher keeps messages waiting. Each 10 s a sample is taken.
 *
 * Retention, its window and the pauses of autovacuum are parts of the whole time. So a short run has the shape of a
 * long one. Less than 4 minutes are too short to judge, because the window has at least 125 s.
 *
 * The samples, the results (`soakJudge.ts`) and a chart go to `.tmp/bench`, or where `--out` says. The exit code is 1
 * if a target is missed.
 */
import { NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Console, Effect, Fiber, Redacted, Schedule } from "effect"
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "../scripts/run.ts"
import { givenOrStarted } from "../setup/server.ts"
import { curves } from "./curves.ts"
import { percentile } from "./figures.ts"
import { contenders } from "./peers.ts"
import { clean, snapshotHeld } from "./services.ts"
import { closed, ended, heard, served, start } from "./sides.ts"
import { bytesOf, deadRows, judge } from "./soakJudge.ts"
import { counted, type Sample, spaces } from "./soakSamples.ts"

const { values } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "60" },
    out: { type: "string", default: join(root, ".tmp/bench") }
  }
})
const seconds = Number(values.minutes) * 60
const every = 10
const part = 0.7
/** Seconds. An hour has a round of retention and of autovacuum each minute, and a deduplication window of 5 minutes. */
const round = Math.max(1, Math.round(seconds / 60))
/** Seconds. The window must be longer than four leases. */
const window = Math.max(5 * round, 125)
const maximumSeconds = 60
const warmUpSeconds = 10
const toldPerSecond = 20
const drainSeconds = 120

const publisher = ["--conditions=millrace-source", join(root, "test/bench/soakPublisher.ts")]
const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 0 })

const published = (url: string, ...args: ReadonlyArray<string>) => ended(start(publisher, url, ...args))

/** The commits a second that the worker reaches while messages always wait. */
const maximum = Effect.fnUntraced(function*(url: string) {
  const sql = yield* PgClient.PgClient
  const publishing = yield* Effect.forkChild(published(url, "most", String(warmUpSeconds + maximumSeconds + 2), "0"))
  yield* Effect.sleep(warmUpSeconds * 1000)
  const [before, began] = [yield* counted(sql), performance.now()]
  yield* Effect.sleep(maximumSeconds * 1000)
  const rate = ((yield* counted(sql)).committed - before.committed) / (performance.now() - began) * 1000
  yield* Fiber.join(publishing)
  return rate
})

/** Waits until every published message is committed. It gives up after a while, and the rest counts as lost. */
const drained = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  yield* Effect.repeat(counted(sql), {
    until: ({ committed, published }) => committed >= published,
    schedule: Schedule.spaced("200 millis"),
    times: drainSeconds * 5
  })
})

interface Memory {
  heapUsed: number
  rss: number
}

/** Takes samples until the time is over. */
const sampled = Effect.fnUntraced(function*(memory: Memory, latencies: Array<number>) {
  const sql = yield* PgClient.PgClient
  const began = performance.now()
  const elapsed = () => (performance.now() - began) / 1000
  const samples: Array<Sample> = []
  const first = yield* counted(sql)
  let [from, before] = [0, first.committed]
  latencies.length = 0
  while (from < seconds - 1) {
    yield* Effect.sleep(Math.max(0, Math.min(seconds, (samples.length + 1) * every) - elapsed()) * 1000)
    const now = yield* counted(sql)
    const [to, told] = [elapsed(), latencies.splice(0)]
    const sample: Sample = {
      from,
      to,
      isSnapshotOpen: to > seconds / 4 && from < seconds * 3 / 4,
      published: now.published,
      committed: now.committed,
      backlog: now.published - now.committed,
      rate: (now.committed - before) / (to - from),
      p50: told.length === 0 ? null : percentile(told, 0.5),
      p99: told.length === 0 ? null : percentile(told, 0.99),
      walBytes: now.walBytes - first.walBytes,
      heapBytes: memory.heapUsed,
      rssBytes: memory.rss,
      load: loadavg()[0] ?? 0,
      tables: yield* spaces(sql)
    }
    samples.push(sample)
    yield* Console.log(
      `${to.toFixed(0)} s${sample.isSnapshotOpen ? " (snapshot)" : ""}: ${number(sample.rate)}/s, backlog ${
        number(sample.backlog)
      }, p50 ${sample.p50?.toFixed(0)} ms, p99 ${sample.p99?.toFixed(0)} ms, ${number(deadRows(sample))} dead rows`
    )
    from = to
    before = now.committed
  }
  return samples
})

/** Counts exactly, after the worker has ended. */
const ending = Effect.gen(function*() {
  const sql = yield* PgClient.PgClient
  const { published } = yield* counted(sql)
  const [ledger] = yield* sql<{ readonly rows: number; readonly applied: number }>`
    select count(*)::float8 as rows, count(distinct amount)::float8 as applied from ledger`
  const [inbox] = yield* sql<{ readonly n: number }>`select count(*)::float8 as n from bench.inbox`
  return { published, rows: ledger!.rows, applied: ledger!.applied, inbox: inbox!.n, keptSeconds: window + 2 * round }
})

/** Measures the maximum, then takes samples at a part of it. Ends when the worker has no messages left. */
const soaked = Effect.fnUntraced(function*(url: string, memory: Memory) {
  const sql = yield* PgClient.PgClient
  const most = yield* maximum(url)
  const rate = Math.round(most * part)
  yield* Console.log(`the maximum is ${number(most)}/s, so the soak publishes ${number(rate)}/s`)
  yield* drained
  const latencies = yield* heard(Math.ceil(rate / toldPerSecond))
  const { published: before } = yield* counted(sql)
  const publishing = yield* Effect.forkChild(published(url, String(rate), String(seconds), String(before)))
  // The time starts with the first message, after the start of the publisher's process.
  yield* Effect.repeat(counted(sql), { until: ({ published }) => published > before, schedule: Schedule.spaced(20) })
  const holding = Effect.andThen(Effect.sleep(seconds / 4 * 1000), snapshotHeld("bench.messages", seconds / 2 * 1000))
  yield* Effect.forkChild(holding)
  const samples = yield* sampled(memory, latencies)
  yield* Fiber.join(publishing)
  yield* drained
  return { most, rate, samples }
}, Effect.scoped)

/** Runs the worker for a soak, and returns its maximum, the samples and the exact counts. */
const run = Effect.fnUntraced(function*(url: string) {
  process.env["RETENTION_EVERY"] = String(round * 1000)
  process.env["RETENTION_INBOX"] = String(window * 1000)
  const worker = yield* served(start(contenders[0]!.args, url, "serve"))
  const memory: Memory = { heapUsed: 0, rss: 0 }
  worker.stdout.on("data", (chunk) => {
    const line = String(chunk).split("\n").findLast((line) => line.startsWith("{") && line.endsWith("}"))
    if (line !== undefined) Object.assign(memory, JSON.parse(line))
  })
  const early = Effect.flatMap(closed(worker), (code) => Effect.die(`the worker ended with ${code} during the soak`))
  const found = yield* Effect.raceFirst(soaked(url, memory), early)
  yield* Effect.sync(() => void worker.kill("SIGTERM"))
  yield* closed(worker)
  return { ...found, ending: yield* ending }
}, Effect.scoped)

const drawn = (samples: ReadonlyArray<Sample>): string => {
  const curve = (name: string, of: (sample: Sample) => number | null) => ({ name, values: samples.map(of) })
  const size = (group: string) => curve(group, (sample) => bytesOf(sample, group))
  const wal = ({ walBytes }: Sample, n: number) => {
    const before = samples[n - 1]
    return (walBytes - (before?.walBytes ?? 0)) / ((samples[n]?.to ?? 0) - (before?.to ?? 0))
  }
  return curves([
    { title: "commits a second", curves: [curve("", ({ rate }) => rate)] },
    { title: "backlog, messages", curves: [curve("", ({ backlog }) => backlog)] },
    { title: "publish to commit, ms", curves: [curve("p50", ({ p50 }) => p50), curve("p99", ({ p99 }) => p99)] },
    { title: "dead rows", curves: [curve("", deadRows)] },
    { title: "bytes with indexes", curves: [size("messages"), size("inbox"), size("the other tables")] },
    { title: "WAL, bytes a second", curves: [{ name: "", values: samples.map(wal) }] },
    { title: "heap of the worker, bytes", curves: [curve("", ({ heapBytes }) => heapBytes)] }
  ], {
    at: samples.map(({ to }) => to),
    shaded: { from: seconds / 4, to: seconds * 3 / 4, name: "a snapshot is held open" }
  })
}

const program = Effect.fnUntraced(function*(url: string) {
  const startedAt = new Date().toISOString()
  const found = yield* run(url)
  const results = judge(found.samples, found.ending)
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), load: loadavg()[0], node: process.version }
  const about = { startedAt, endedAt: new Date().toISOString(), machine, minutes: seconds / 60, round, window }
  mkdirSync(values.out, { recursive: true })
  writeFileSync(join(values.out, "soak.json"), JSON.stringify({ ...about, ...found, results }, null, 2))
  writeFileSync(join(values.out, "soak.svg"), drawn(found.samples))
  for (const { found, isMet, target } of results) yield* Console.log(`${isMet ? "ok  " : "BAD "} ${target}: ${found}`)
  yield* Console.log(`load ${machine.load?.toFixed(1)}, samples and chart in ${values.out}`)
  if (results.some(({ isMet }) => !isMet)) process.exitCode = 1
})

NodeRuntime.runMain(Effect.acquireUseRelease(
  Effect.promise(() => givenOrStarted({ settings: [`autovacuum_naptime=${round}s`] })),
  ({ url }) =>
    Effect.andThen(
      Effect.promise(() => clean(url)),
      Effect.provide(program(url), PgClient.layer({ url: Redacted.make(url), maxConnections: 4 }))
    ),
  (server) => Effect.promise(() => server.stop())
))
