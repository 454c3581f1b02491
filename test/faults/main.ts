/**
 * Makes every fault that users meet happen to real worker processes over a real Postgres, and checks their ledger and
 * history.
 *
 * - `npm run faults` runs everything, with full counts.
 * - `npm run faults -- --short` has lower counts, for every change.
 * - `npm run faults -- --short --share 3` has a third of the runs, and another third each day.
 * - `npm run faults -- --only retention --seed 7` runs one of them.
 * - `npm run faults -- --minutes 60` has the counts for an hour.
 * - `npm run faults -- --only retention --broken` has workers without fence and inbox, and must fail.
 * - `npm run faults -- --transport sqs` has a broker between publishers and workers, and harms it, too. `redis`
 *   and `sqs,redis` are the others.
 *
 * A run fails if a rule is violated, if a promised fault did not happen often enough, or if nothing was delivered
 * again. The seed repeats the dice of this process. The interleaving of processes depends on the machine.
 */
import { Effect } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { availableParallelism, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { installed } from "../redis/redisServer.ts"
import { sharePrograms } from "../setup/machine.ts"
import { givenOrStarted } from "../setup/server.ts"
import { kinds } from "./brokers.ts"
import { perform, type Result } from "./fault-run.ts"
import { brokerRuns, runs } from "./runs/index.ts"
import * as Table from "./table.ts"
import type { Setting } from "./world.ts"

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    share: { type: "string", default: "1" },
    only: { type: "string" },
    minutes: { type: "string" },
    transport: { type: "string" },
    broken: { type: "boolean", default: false },
    short: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false }
  }
})

/** How long the full counts take here. */
const fullMinutes = 11
const scale = values.minutes !== undefined ? Number(values.minutes) / fullMinutes : values.short ? 0.1 : 1
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const transports = values.transport?.split(",") ?? []
const brokers = kinds.filter((kind) => transports.includes(kind))
const offered = values.transport === undefined ? runs : brokers.flatMap((kind) => brokerRuns(kind, values.short))
const share = Number(values.share)
const today = Math.floor(Date.now() / 86_400_000)
const chosen = offered.filter(({ name }, i) =>
  (values.only === undefined || name.includes(values.only)) && i % share === today % share
)

/** Returns what is wrong with the flags, or what this machine does not have. */
const problem = (): string | undefined =>
  brokers.length < transports.length
    ? `--transport takes ${kinds.join(" or ")}, or both with a comma between them`
    : brokers.includes("redis") && !installed
    ? "DID NOT RUN: these runs start a redis-server of their own, and there is none on the path"
    : !(scale > 0) || !(share >= 1) || !Number.isInteger(seed) || chosen.length === 0
    ? `Nothing to run. --share is a whole number from 1, and --only takes a part of one of: ${
      offered.map(({ name }) => name).join(", ")
    }`
    : undefined

const main = async (): Promise<number> => {
  const wrong = problem()
  if (wrong !== undefined) {
    console.error(wrong)
    return 2
  }
  const started = performance.now()
  const programs = sharePrograms()
  const directory = mkdtempSync(join(tmpdir(), "millrace-faults-"))
  const server = await givenOrStarted({ settings: ["max_connections=400"] })
  const { broken, verbose } = values
  const setting: Setting = { url: server.url, seed, scale, directory, broken, verbose }
  const results: Array<Result> = []
  try {
    for (const run of chosen) {
      console.log(`${run.name} ...`)
      const result = await Effect.runPromise(perform(run, setting))
      results.push(result)
      console.log(Table.row(result))
      for (const violation of result.violations.slice(0, 10)) console.log(violation)
    }
  } finally {
    await server.stop()
    rmSync(programs, { recursive: true, force: true })
  }
  const failed = results.some((result) => result.violations.length > 0)
  console.log(Table.render(results))
  console.log(
    `seed ${seed}, scale ${scale.toFixed(2)}, ${availableParallelism()} cores (load ${loadavg()[2]!.toFixed(1)}), ${
      Table.duration(started)
    }`
  )
  if (failed) console.log(`VIOLATED; histories of the runs that failed: ${directory}`)
  else rmSync(directory, { recursive: true, force: true })
  return failed ? 1 : 0
}

process.exitCode = await main()
