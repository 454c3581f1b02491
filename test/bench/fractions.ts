/**
 * `npm run bench -- yardstick`: the runtime's figures as fractions of the yardstick (`yardstick.ts`), and the cost of a
 * message by step.
 *
 * The forms run in turn, several times, in one process and on one server, so that only their ratios are compared. The
 * time of Node is that of the whole process (`process.cpuUsage`). The time of Postgres is that of its statements
 * (`pg_stat_statements`): planning and execution, but not commits, the protocol and background processes. On a busy
 * machine it includes waits for a core. Publishing is in none of the figures.
 */
import { Console, Effect } from "effect"
import { SqlClient } from "effect/sql"
import { median } from "./figures.ts"
import { type Form, millrace } from "./millrace.ts"
import { connections, yardstick } from "./yardstick.ts"

interface Options {
  readonly url: string
  readonly schema: string
  readonly messages: number
  readonly keys: number
  readonly rounds: number
}

/** The cost of the statements of one step. */
interface StepCost {
  readonly step: string
  readonly micros: number
  readonly blocks: number
  readonly wal: number
}

interface Cost {
  readonly rate: number
  readonly nodeMicros: number
  readonly walBytes: number
  readonly postgresMicros: number
  readonly steps: ReadonlyArray<StepCost>
}

/** The cost of each step since the last reset, divided by the messages. */
const stepsOf = (messages: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) =>
      sql<StepCost>`select step, sum(total_exec_time + total_plan_time)::float8 * 1000 / ${messages} as micros,
      sum(shared_blks_hit + shared_blks_read)::float8 / ${messages} as blocks, sum(wal_bytes)::float8 / ${messages} as wal
      from (select *, case
        when query like '%with finished as materialized%' then 'poll'
        when query like '%delete from%messages%' then 'removal'
        when query like '%inbox%on conflict%' then 'claim'
        when query like '%into%millrace_ledger%' then 'ledger'
        when query like '%fetched_to = greatest%' then 'record of reading'
        else 'others' end as step
        from pg_stat_statements where query not like '%with m as materialized%' and query not like '%pg_stat%'
          and query not like '%table%millrace_ledger%' and query not like 'select count(*)%') s
      group by step`
  )

const known = ["poll", "record of reading", "removal", "claim", "ledger", "others"]

export const fractions = Effect.fnUntraced(function*({ keys, messages, rounds, schema, url }: Options) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create extension if not exists pg_stat_statements`
  const runtime = (form: Form) => millrace(messages, keys, form)
  const ours = (group: number, ledger: boolean) => yardstick({ url, schema, messages, keys, group, ledger })
  const runs = {
    "yardstick, 250, ledger": ours(250, true),
    "yardstick, 1,000, ledger": ours(1000, true),
    commitRows: runtime("commitRows"),
    commitSql: runtime("commitSql"),
    commit: runtime("commit"),
    "yardstick, 250": ours(250, false),
    "yardstick, 1,000": ours(1000, false),
    "no commit step": runtime("nothing")
  }
  type Name = keyof typeof runs
  const names = Object.keys(runs) as Array<Name>
  const costs = new Map(names.map((name) => [name, [] as Array<Cost>]))
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      yield* sql`select pg_stat_statements_reset()`
      const cost = yield* runs[name]
      const steps = yield* stepsOf(messages)
      // The first round warms up.
      if (round === 0) continue
      costs.get(name)!.push({ ...cost, steps, postgresMicros: steps.reduce((sum, { micros }) => sum + micros, 0) })
    }
    yield* Console.log(round === 0 ? "warmed up" : `round ${round} of ${rounds}`)
  }
  const of = (name: Name, field: Exclude<keyof Cost, "steps">) => median(costs.get(name)!.map((cost) => cost[field]))
  const lines = [
    `medians of ${rounds} rounds of ${messages} messages, ${keys} keys`,
    `connections: yardstick ${connections}; runtime 4 committers, and up to 4 for reading`,
    "",
    "| | of the yardstick, 250 | of the yardstick, 1,000 | msg/s | Node us | Postgres us | WAL bytes |",
    "| --- | --- | --- | --- | --- | --- | --- |"
  ]
  for (const name of names) {
    const ledger = name === "yardstick, 250" || name === "yardstick, 1,000" || name === "no commit step"
      ? ""
      : ", ledger"
    const part = (group: "250" | "1,000") =>
      (of(name, "rate") / of(`yardstick, ${group}${ledger}` as Name, "rate")).toFixed(2)
    const [rate, node, postgres, wal] = (["rate", "nodeMicros", "postgresMicros", "walBytes"] as const).map((field) =>
      of(name, field).toFixed(0)
    )
    lines.push(`| ${name} | ${part("250")} | ${part("1,000")} | ${rate} | ${node} | ${postgres} | ${wal} |`)
  }
  lines.push(
    "",
    `| us, blocks, WAL bytes a message | ${known.join(" | ")} |`,
    `| --- |${" --- |".repeat(known.length)}`
  )
  for (const name of names) {
    const cell = (step: string) => {
      const found = costs.get(name)!.flatMap(({ steps }) => steps.filter((one) => one.step === step))
      const at = (field: "micros" | "blocks" | "wal") => median(found.map((one) => one[field])).toFixed(1)
      return found.length === 0 ? "" : `${at("micros")}, ${at("blocks")}, ${at("wal")}`
    }
    lines.push(`| ${name} | ${known.map(cell).join(" | ")} |`)
  }
  yield* Console.log(lines.join("\n"))
})
