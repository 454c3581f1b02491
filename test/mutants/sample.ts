/**
 * `npm run mutants:sample -- --seed 1 --count 60`: breaks the worker and the Postgres adapter at random places, and
 * shows the breaks that no test sees.
 *
 * The seed decides which mutations there are, and in which order. `--from` passes over the first ones, and after
 * `--minutes` no other one begins. `--together 1` leaves a processor to others, and `--quick` leaves the second list of
 * tests out. Kinds of mutations have the same chance, so that SQL and locks are not lost among conditions. The tests
 * that concern the file come first, then those that go through it. A mutation that survives both is shown with its
 * line. It needs a test, or a reason in SURVIVORS.md.
 */
import { parseArgs } from "node:util"
import { Dice } from "../faults/dice.ts"
import { files, lineOf, parse, read } from "../scripts/source.ts"
import { start } from "../setup/server.ts"
import { broken, make, vitest } from "./copies.ts"
import { type Mutation, mutationsOf } from "./mutations.ts"

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    from: { type: "string", default: "0" },
    count: { type: "string", default: "60" },
    minutes: { type: "string", default: "Infinity" },
    together: { type: "string", default: "2" },
    quick: { type: "boolean", default: false },
    except: { type: "string", default: "migrations/,index.ts" }
  }
})

/** Milliseconds that all the tests of one look may take. */
const limit = 300_000

const pg = (...names: ReadonlyArray<string>) => names.map((name) => `test/postgres/${name}.test.ts`)
const machine = pg("runs", "pg-batches", "failures", "pipelined")
const worker = (...names: ReadonlyArray<string>) => names.map((name) => `test/worker/${name}.test.ts`)
const whole = ["test/worker", "test/ops", ...machine]

/** The tests of a file, in the first matching entry. Its first list sees most breaks, and the second takes longer. */
const concerned: ReadonlyArray<readonly [file: RegExp, ...tests: ReadonlyArray<ReadonlyArray<string>>]> = [
  [/worker\/observe\//, ["test/ops"], whole],
  [
    /worker\/.*(FailureRecord|RetryDecision|Disposition)/,
    worker("records", "decisions", "dead-letters", "retries"),
    whole
  ],
  [/worker\/.*(LeaseRenewer|GracefulStop)/, worker("leases", "renewed-late", "gracefulStop"), whole],
  [
    /(worker|internal)\/.*(InFlight|Fetcher|CrashIsolation|CrashStatus|Flow|Capacity)/,
    worker("handling", "limits", "crash-poison", "operators", "gracefulStop"),
    whole
  ],
  [/worker\/(commit\/|.*KeyBatch)/, [
    ...worker("groups", "stuck", "batches", "going-along"),
    ...pg("warnings")
  ], whole],
  [/worker\/attempt\//, worker("handling", "delivery-modes", "batches", "retries"), whole],
  [/^src\/worker\//, worker("limits", "handling", "scopes", "stuck"), whole],
  [/functions|KeyHash/, pg("functions", "snapshots"), pg("values", "delayed")],
  [/[rR]etention/, pg("retention", "retentionLimits"), pg("plans", "conformance")],
  [/[rR]estored|PgConfig|\/Postgres|settings|server|names/, pg("startup", "warnings"), [
    "test/ops",
    ...pg("transactions")
  ]],
  [/status/, ["test/ops"], pg("conformance", "plans")],
  [/[dD]elayed/, pg("dueOrder", "delayed", "conformance"), pg("functions", "plans", "snapshots")],
  [/[lL]eases/, pg("pg-named-leases", "conformance"), ["test/process/lease.test.ts"]],
  [/[lL]anes|QueueReader|Poll|Row|messages|holds|PgTransport/, pg("lanes", "transport", "conformance"), [
    ...pg("QueueReader", "plans", "pg-operator-actions"),
    ...machine
  ]],
  [/PgWatchers|Wake/, pg("await", "transport", "pg-named-leases"), pg("delayed", "conformance", "outages")],
  [/[iI]nbox|PgOnce/, pg("conformance", "once"), pg("retention", "pg-operator-actions", "plans")],
  [
    /PgClient|PgSession|PgFailure/,
    pg("PgFailure", "transactions", "pipelined", "blackholes"),
    pg("once", "failures", "outages")
  ],
  [
    /^src\/postgres\//,
    pg("conformance", "pg-operator-actions"),
    pg("retention", "transport", "startup", "snapshots", "plans")
  ]
]

/** Read once: the tree may change while this runs, its copies do not. */
const texts = new Map<string, string>()
const textOf = (path: string): string => {
  const text = texts.get(path) ?? read(path)
  texts.set(path, text)
  return text
}

const sampled = (): ReadonlyArray<Mutation> => {
  const except = values.except.split(",")
  const all = ["src/worker", "src/postgres"].flatMap((folder) => files(folder, ".ts"))
    .filter((path) => !except.some((part) => path.includes(part)))
    .flatMap((path) => mutationsOf(parse(path, textOf(path))))
  const kinds = [...Map.groupBy(all, ({ kind }) => kind).values()]
  const dice = new Dice(Number(values.seed))
  const chosen: Array<Mutation> = []
  const count = Number(values.from) + Number(values.count)
  while (chosen.length < count && kinds.length > 0) {
    const kind = dice.pick(kinds)
    chosen.push(...kind.splice(dice.whole(0, kind.length - 1), 1))
    if (kind.length === 0) kinds.splice(kinds.indexOf(kind), 1)
  }
  return chosen.slice(Number(values.from))
}

/** The lines that a mutation changes, before and after. */
const diff = (text: string, { end, start, to }: Mutation) => {
  const [first, last] = [text.lastIndexOf("\n", start - 1) + 1, text.indexOf("\n", end)]
  const rows = (changed: string, sign: string) =>
    (text.slice(first, start) + changed + text.slice(end, last)).split("\n").map((row) => `${sign} ${row}`)
  return [...rows(text.slice(start, end), "-"), ...rows(to, "+")].join("\n")
}

// Nothing here outlives a crash of the machine.
const server = await start({ settings: ["fsync=off"] })
const { clear, copies } = make(`samples-${values.from}`)
let [looked, survived] = [0, 0]

const look = async (copy: string, mutation: Mutation, n: number) => {
  const { end, file, kind, start, to } = mutation
  const text = textOf(file)
  const breaks = () => text.slice(0, start) + to + text.slice(end)
  looked++
  const name = `${n} ${file}:${lineOf(text, start)} ${kind}`
  const began = performance.now()
  const seconds = () => ((performance.now() - began) / 1000).toFixed(0)
  const run = (args: ReadonlyArray<string>) =>
    broken(copy, file, breaks, () => vitest(copy, { args, url: server.url, limit }))
  const [, ...lists] = concerned.find(([of]) => of.test(file))!
  for (const tests of values.quick ? lists.slice(0, 1) : lists) {
    for (let again = 0; again < 3; again++) {
      const { code, output } = await run(tests)
      if (code === 0) break
      const [, by, where] = /^ *FAIL +((\S+).*)$/m.exec(output) ?? []
      // A machine that is busy fails tests as well: only what fails twice is the mutation's.
      if (code !== null && where !== undefined && (await run([where])).code === 0) continue
      return console.log(
        `caught    ${name} (${seconds()} s): ${code === null ? "it hung" : by ?? "no file could be loaded"}`
      )
    }
  }
  survived++
  console.log(`SURVIVED  ${name} (${seconds()} s)\n${diff(text, mutation)}`)
}

const chosen = sampled()
try {
  const left = chosen.entries()
  await Promise.all(
    copies.slice(0, Number(values.together)).map(async (copy) => {
      for (const [i, mutation] of left) {
        if (performance.now() < Number(values.minutes) * 60_000) await look(copy, mutation, Number(values.from) + i)
      }
    })
  )
} finally {
  await server.stop()
  clear()
}
console.log(`${looked} mutations of seed ${values.seed}: ${survived} survived`)
