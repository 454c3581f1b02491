/**
 * `npm run bench -- all`: Millrace beside other queues, on one machine and one Postgres.
 *
 * Each contender is a process of its own. They run in turn, several rounds, each on fresh tables. The medians and their
 * ratios count. It prints a table, and writes it as JSON and as a chart below `.tmp/bench`, or where `--out` says.
 * BullMQ needs a Redis: `REDIS_URL`, or `redis-server` on the path.
 *
 * `npm run bench -- away` measures Millrace and the best peers with a network in between (`away.ts`). There the peers
 * have more connections, since each of theirs waits longer. The exit code is 1 if a target is missed.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { root } from "../scripts/run.ts"
import { givenOrStarted } from "../setup/server.ts"
import { compare, names, network, roundTrip } from "./away.ts"
import { chart } from "./chart.ts"
import { median } from "./figures.ts"
import { type Contender, contenders, type Figures, install, measure } from "./peers.ts"
import { clean, redisServer } from "./services.ts"

const { positionals: [scenario], values } = parseArgs({
  allowPositionals: true,
  options: {
    messages: { type: "string", default: "20000" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string" },
    only: { type: "string" },
    out: { type: "string", default: join(root, ".tmp/bench") }
  }
})
const messages = Number(values.messages)
const rounds = Number(values.rounds)
const isAway = scenario === "away"
process.env["CONNECTIONS"] = values.connections ?? (isAway ? "60" : "20")

interface Row {
  readonly name: string
  readonly rate: number
  readonly rates: ReadonlyArray<number>
  readonly publishRate: number
  readonly cpuMicros: number
  readonly guarantees: string
  readonly settings: string
}

const summary = (name: string, figures: ReadonlyArray<Figures>): Row => ({
  name,
  rate: median(figures.map(({ rate }) => rate)),
  rates: figures.map(({ rate }) => rate),
  publishRate: median(figures.map(({ publishRate }) => publishRate)),
  cpuMicros: median(figures.map(({ cpuMicros }) => cpuMicros)),
  guarantees: figures[0]?.guarantees ?? "",
  settings: figures[0]?.settings ?? ""
})

const number = (value: number) => value.toLocaleString("en", { maximumFractionDigits: 0 })

/** Prints the rates, and how much faster Millrace's usual form is. */
const print = (rows: ReadonlyArray<Row>): void => {
  const usual = rows.find(({ name }) => name === contenders[0]?.name)
  console.log(
    "| contender | messages/s | Millrace `commitSql` is | us of Node each | published/s | guarantees | settings |"
  )
  console.log("| --- | --- | --- | --- | --- | --- | --- |")
  for (const row of rows) {
    const times = usual === undefined ? "-" : `${(usual.rate / row.rate).toFixed(1)} x`
    console.log(
      `| ${row.name} | ${number(row.rate)} | ${times} | ${number(row.cpuMicros)} | ${number(row.publishRate)} `
        + `| ${row.guarantees} | ${row.settings} |`
    )
  }
}

const main = async (): Promise<number> => {
  install()
  const server = await givenOrStarted()
  const redis = await redisServer()
  const between = isAway ? await network(server.url) : undefined
  const url = between?.url ?? server.url
  const chosen = contenders.filter(({ name }) =>
    (!isAway || names.includes(name)) && (values.only === undefined || name.includes(values.only))
  )
  const figures = new Map<Contender, Array<Figures>>(chosen.map((contender) => [contender, []]))
  const failed: Array<string> = []
  try {
    if (isAway) {
      const [away, near] = [await roundTrip(url), await roundTrip(server.url)]
      console.log(`a round trip takes ${away.toFixed(2)} ms, and ${near.toFixed(2)} ms without the network`)
    }
    for (let round = 1; round <= rounds; round++) {
      for (const contender of chosen) {
        if (contender.needsRedis === true && redis === undefined) {
          if (round === 1) failed.push(`${contender.name} did not run: there is no redis-server, and no REDIS_URL.`)
          continue
        }
        await clean(server.url)
        const measured = await measure(contender, { url, redis: redis?.url, messages })
        if (typeof measured === "string") failed.push(`${contender.name}, round ${round}, ${measured}`)
        else figures.get(contender)?.push(measured)
        const said = typeof measured === "string" ? measured : `${number(measured.rate)}/s`
        console.log(`round ${round}: ${contender.name} ${said}`)
      }
    }
  } finally {
    redis?.stop()
    between?.close()
    await server.stop()
  }
  const rows = chosen.filter((contender) => figures.get(contender)?.length !== 0)
    .map((contender) => summary(contender.name, figures.get(contender) ?? []))
  print(rows)
  for (const { bestPeer, isMet, least, name, times } of isAway ? compare(rows) : []) {
    const line = `${name} / ${bestPeer}: ${times.toFixed(2)} (at least ${least})`
    if (isMet) console.log(line)
    else failed.push(`missed: ${line}`)
  }
  for (const line of failed) console.log(line)
  const machine = { cpu: cpus()[0]?.model, cores: availableParallelism(), load: loadavg()[0], node: process.version }
  mkdirSync(values.out, { recursive: true })
  writeFileSync(
    join(values.out, `${isAway ? "away" : "all"}.json`),
    JSON.stringify({ machine, messages, rounds, rows }, null, 2)
  )
  writeFileSync(
    join(values.out, `${isAway ? "away" : "all"}.svg`),
    chart(rows.map(({ name, rate }) => ({ name, rate })))
  )
  console.log(`medians of ${rounds} rounds, ${messages} messages or the part of a slow contender, load ${machine.load}`)
  return failed.length === 0 ? 0 : 1
}

process.exitCode = await main()
