/** The command line on the database and over the HTTP API: the same walks print the same JSON and end the same way. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { DeadLetters, Worker } from "millrace"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isDeepStrictEqual } from "node:util"
import { inject } from "vitest"
import { port, secrets, server } from "../http/httpKit.ts"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { type Ended, ledger, millrace, type Surroundings } from "./commandLine.ts"

const url = inject("databaseUrl")

/** A command with what it printed and how it ended. */
interface Step {
  readonly command: string
  readonly code: number
  readonly printed: unknown
}

type Cli = (args: ReadonlyArray<string>, around?: Surroundings) => Effect.Effect<Ended>

/** Names of fields whose values are another one in each run: times, measured rates, processes, and opaque places. */
const changing = new Set(["worker", "cutoff", "place", "traceparent", "inPerSecond", "outPerSecond", "millis"])

/** Returns JSON without what differs between two runs of one walk. */
const steady = (value: unknown, name = ""): unknown => {
  if (changing.has(name)) return "..."
  if (typeof value === "number") return value > 1e12 ? "a time" : value
  if (typeof value === "string") return value.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "a time")
  if (Array.isArray(value)) return value.map((one) => steady(one))
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, steady(one, key)]))
}

const parsed = (text: string): unknown => text === "" ? undefined : JSON.parse(text)

/** Runs commands one after another, and notes what each one printed. */
const noting = (cli: Cli) => {
  const steps: Array<Step> = []
  const run = Effect.fnUntraced(function*(args: ReadonlyArray<string>, around?: Surroundings) {
    const { code, stderr, stdout } = yield* cli([...args, "--json"], around)
    const printed = parsed(code === 0 ? stdout : stderr)
    steps.push({ command: args.join(" "), code, printed: steady(printed) })
    return printed as any
  })
  return { run, steps }
}

/** Where the walks start: parked and other dead letters, waiting messages, a delayed retry, an unrouted topic. */
const seeded = Effect.gen(function*() {
  const parks = ledger("parks", "park")
  yield* parks.drain()
  yield* parks.publish("bad1", "bad2", "bad3", "worse1", "slow1", "slow2", "good1")
  yield* parks.drain()
  // Messages of one key die in their order, so the walks meet the same ids.
  const poison = ledger("poison", "continue")
  yield* poison.drain()
  yield* poison.publish("bad1", "bad2", "bad3", "bad4", "bad5")
  yield* poison.drain()
  yield* ledger("typo").publish("a1")
  return { parks, poison }
})

const edited = join(mkdtempSync(join(tmpdir(), "millrace-same-")), "edited.json")
writeFileSync(edited, `{ "id": "parks-bad1", "account": "bad", "cents": 2000 }`)

const looks: ReadonlyArray<ReadonlyArray<string>> = [
  ["stuck"],
  ["stuck", "--limit", "1"],
  ["stuck", "--after", "parks:bad"],
  ["keys", "show", "parks", "bad"],
  ["find", "parks-bad1"],
  ["find", "parks-slow1", "--key", "slow"],
  ["find", "parks-good1"],
  ["find", "unknown"],
  ["dead", "groups"],
  ["dead", "groups", "--text", "bad2", "--topic", "payments-poison"],
  ["dead", "groups", "--value", "id:poison-bad3", "--died-on", "1.4.2"],
  ["dead", "list"],
  ["dead", "list", "--consumer", "poison", "--limit", "2"],
  ["dead", "list", "--consumer", "poison", "--text", "bad2"],
  ["dead", "list", "--value", "id:poison-bad3", "--died-on", "1.4.2"],
  ["dead", "list", "--consumer", "poison", "--limit", "2", "--all"],
  ["messages", "list", "parks", "--limit", "2"],
  ["messages", "list", "parks", "--state", "held", "--key", "slow"],
  ["messages", "show", "parks-slow2"],
  ["messages", "show", "parks-bad2", "--key", "bad"],
  ["messages", "show", "typo-a1"],
  ["messages", "show", "parks-good1"],
  ["dead", "show", "1"],
  ["dead", "show", "999"],
  ["dead", "list", "--consumer", "unknown"],
  ["unrouted"],
  ["delayed"],
  ["lanes", "parks"],
  ["workers", "suspects"],
  ["runs", "list"],
  ["redrives"],
  ["status", "unknown"]
]

/** Finds the poison group, redrives one of it and then the rest, and looks at what became of them. */
const poisonWalk = Effect.fnUntraced(function*(
  run: ReturnType<typeof noting>["run"],
  { poison }: Effect.Success<typeof seeded>
) {
  const groups = yield* run(["dead", "groups", "--consumer", "poison"])
  const [{ fingerprint, sampleId }] = groups.data
  const group = ["--consumer", "poison", "--failure", fingerprint]
  yield* run(["dead", "redrive", "--failure", fingerprint, "--dry-run"])
  yield* run(["dead", "note", fingerprint, "--consumer", "poison", "--note", "bank is down"])
  yield* run(["dead", "redrive", ...group, "--dry-run"])
  yield* run(["dead", "redrive", sampleId, "--note", "INC-812"])
  yield* run(["dead", "redrive", sampleId])
  const workers = Layer.build(
    Worker.layer(poison.pipeline({ current: false }), { idlePoll: "50 millis", codeVersion: "1.4.3" })
  )
  yield* run(["dead", "redrive", ...group, "--rate", "0", "--yes"])
  const started = yield* run(["dead", "redrive", ...group, "--rate", "100", "--yes", "--note", "rest"])
  const { id } = started.data
  yield* run(["dead", "redrive", ...group, "--yes"])
  yield* run(["runs", "pause", id])
  yield* run(["runs", "pause", id])
  yield* run(["runs", "rate", id, "200"])
  yield* run(["runs", "continue", id, "--yes"])
  yield* Effect.scoped(Effect.andThen(workers, run(["runs", "show", id, "--wait", "--quiet"])))
  yield* run(["runs", "cancel", id])
  const entries = yield* run(["audit", "--run", id])
  assert.includeMembers(entries.data.map(({ action }: any) => action), ["started", "paused", "rateChanged", "redriven"])
  yield* run(["runs", "show", "999"])
  yield* run(["dead", "list", "--consumer", "poison", "--state", "any"])
})

/** Edits, discards, restores and skips dead letters of a parked key, and steps through it. */
const keyWalk = Effect.fnUntraced(function*(
  run: ReturnType<typeof noting>["run"],
  { parks }: Effect.Success<typeof seeded>
) {
  const deadLetters = yield* DeadLetters.list({ consumer: "parks", key: "bad" })
  const bad = String(Number(deadLetters[0]!.id))
  yield* run(["dead", "edit", bad, "--payload", edited, "--dry-run"])
  yield* run(["dead", "edit", bad, "--payload", "-"], { stdin: "no json" })
  yield* run(["dead", "discard", bad, "--by", "ben"])
  yield* run(["dead", "discard", bad])
  yield* run(["dead", "restore", bad, "--note", "a mistake"])
  yield* run(["dead", "edit", bad, "--payload", edited])
  yield* parks.drain()
  yield* run(["keys", "show", "parks", "bad"])
  yield* run(["keys", "advance", "parks", "bad", "--dry-run"])
  yield* run(["keys", "advance", "parks", "bad"])
  yield* parks.drain()
  yield* run(["keys", "resume", "parks", "bad"])
  yield* run(["keys", "resume", "parks", "bad"])
  yield* run(["keys", "skip", "parks", "bad"])
  yield* run(["keys", "release", "parks", "worse"])
  yield* run(["keys", "release", "parks", "worse"])
  yield* run(["keys", "advance", "parks", "unheld"])
  yield* run(["keys", "pause", "parks", "good"])
  yield* run(["keys", "pause", "parks", "good"])
  yield* run(["messages", "dead-letter", "parks", "parks-slow2", "--key", "slow"])
  yield* run(["messages", "dead-letter", "parks", "parks-slow2", "--key", "slow"])
})

/** Pauses and resumes a consumer, discards a set, and reads the audit of it all. */
const queueWalk = Effect.fnUntraced(function*(run: ReturnType<typeof noting>["run"]) {
  yield* run(["consumers", "pause", "parks", "--until", "1h", "--dry-run"])
  yield* run(["consumers", "pause", "parks", "--indefinitely", "--note", "maintenance"])
  yield* run(["consumers", "pause", "parks", "--indefinitely"])
  yield* run(["status", "parks"])
  yield* run(["consumers", "resume", "parks"])
  yield* run(["consumers", "resume", "parks"])
  yield* run(["consumers", "pause", "unknown", "--indefinitely"])
  yield* run(["workers", "evict", "parks", "unknown"])
  yield* run(["dead", "discard", "--consumer", "parks", "--dry-run"])
  yield* run(["dead", "discard", "--consumer", "parks", "--yes", "--rate", "1000"])
  yield* run(["dead", "discard", "--consumer", "parks", "--yes"])
  yield* run(["purge", "parks", "--dry-run"])
  yield* run(["purge", "parks", "--confirm", "parks", "--expect", "77", "--without-export"])
  yield* run(["purge", "parks", "--confirm", "parks", "--expect", "1", "--without-export"])
  yield* run(["audit"])
  yield* run(["audit", "--actor", "ben"])
  yield* run(["audit", "--consumer", "unknown"])
  yield* run(["audit", "--limit", "3"])
  yield* run(["audit", "--since", "1h", "--action", "skipped"])
  yield* run(["audit", "--since", "1h", "--action", "paused"])
})

/** Drives all walks, and returns what each command printed. */
const walked = Effect.fnUntraced(function*(cli: Cli) {
  const { run, steps } = noting(cli)
  const seeds = yield* seeded
  for (const args of looks) yield* run(args)
  yield* poisonWalk(run, seeds)
  yield* keyWalk(run, seeds)
  yield* queueWalk(run)
  return steps
})

const limit = 300_000

it.live("the command line says the same over the HTTP API as on the database", () =>
  Effect.gen(function*() {
    const [one, other] = [freshSchema(), freshSchema()]
    const onDatabase = yield* walked((args, around) =>
      millrace([...args, "--schema", one], { ...around, env: { DATABASE_URL: url } })
    ).pipe(Effect.provide(postgres(url, { retention: false }, one)))
    const overHttp = yield* Effect.flatMap(port, (at) =>
      walked((args, around) =>
        millrace([...args, "--url", `http://127.0.0.1:${at}/`], { ...around, env: { MILLRACE_TOKEN: secrets.admin } })
      )).pipe(Effect.provide(Layer.provideMerge(server({}, other), postgres(url, { retention: false }, other))))
    const done = onDatabase.filter(({ code }) =>
      code === 0
    )
    assert.isAbove(onDatabase.length, 80)
    assert.isAbove(done.length, 40)
    const different = onDatabase.flatMap((step, i) => isDeepStrictEqual(overHttp[i], step) ? [] : [i])
    assert.deepStrictEqual(different.map((i) => overHttp[i]), different.map((i) => onDatabase[i]))
    assert.lengthOf(overHttp, onDatabase.length)
    for (const { code, command } of onDatabase) assert.notInclude([1, 75], code, command)
  }), limit)
