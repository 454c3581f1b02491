/**
 * One fault run from its beginning to its result. It makes a world, the run's body harms it, and it is left alone until
 * it has come to rest. Then the checker judges its whole history.
 */
import { Effect, Fiber, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import type { Worker } from "millrace"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { limit } from "../harness/patience.ts"
import type { Form } from "./brokers.ts"
import * as BrokerServer from "./brokerServer.ts"
import * as Judge from "./judge.ts"
import { type Server, server } from "./proxiedServer.ts"
import * as Tables from "./tables.ts"
import * as Load from "./traffic.ts"
import { layer, prepare, type Services, type Setting, World } from "./world.ts"

/** A fault as the table shows it. */
export interface Count {
  readonly fault: string
  readonly wanted: number
  readonly happened: number
}

export interface Result {
  readonly name: string
  readonly counts: ReadonlyArray<Count>
  readonly messages: number
  /** The text says how often the history has each outcome. */
  readonly tally: string
  readonly violations: ReadonlyArray<string>
  readonly seconds: number
}

/** A run. */
export interface Run {
  readonly name: string
  readonly options: Worker.WorkerOptions
  /** Expectations of the checker beside its rules. */
  readonly expects?: Judge.Expectations | ((world: World) => Judge.Expectations) | undefined
  /** It has a server to itself, which it may harm, started with these settings. */
  readonly ownServer?: ReadonlyArray<string> | undefined
  /** The pieces go through a broker of this form, which the run may harm. */
  readonly broker?: Form | undefined
  /** An operator decides about dead letters while it lasts. */
  readonly operator?: boolean | undefined
  /** Does the harm; ends when the counts are reached. It leaves workers running that can finish the rest. */
  readonly body: (world: World) => Effect.Effect<ReadonlyArray<Count>, unknown, Services | Scope.Scope>
  /** Checks more than the rules. Returns the violations. */
  readonly after?: ((world: World) => Effect.Effect<ReadonlyArray<string>, unknown, Services>) | undefined
}

/** Nothing that a run waits for may take longer. */
const patience = limit(600_000)
/** After the last fault, everything must come to rest within this: a minute, and up to three on a slow machine. */
const boundMillis = Math.min(180_000, limit(60_000))

/** Runs it, against the common server or one of its own. */
export const perform = (run: Run, setting: Setting): Effect.Effect<Result> => {
  const started = performance.now()
  const common = Effect.succeed<Server>({ url: setting.url, own: undefined })
  let world: World | undefined
  const result = (counts: ReadonlyArray<Count>, violations: ReadonlyArray<string>): Result => ({
    name: run.name,
    counts,
    messages: world?.published ?? 0,
    tally: world?.report === undefined ? "" : Judge.tally(world.report),
    violations,
    seconds: (performance.now() - started) / 1000
  })
  const performed = Effect.flatMap(run.ownServer === undefined ? common : server(run.ownServer), (server) => {
    const here = world = new World(setting, run.name, server, run.options)
    const broker = run.broker === undefined ? Effect.void : Effect.map(
      BrokerServer.start(run.broker, here.directory),
      (server) => void (here.broker = server)
    )
    return Effect.andThen(broker, Effect.suspend(() => inWorld(run, here)))
  })
  return Effect.scoped(performed).pipe(
    Effect.timeout(patience),
    Effect.map(({ counts, violations }) => result(counts, violations)),
    Effect.catchCause((cause) => Effect.sync(() => result([], [`the run broke off: ${Judge.text(cause)}`]))),
    Effect.tap((result) =>
      Effect.sync(() => {
        if (world !== undefined && result.violations.length > 0) keep(world, result)
      })
    )
  )
}

const inWorld = (run: Run, world: World) =>
  Effect.gen(function*() {
    yield* prepare(world)
    world.decides = run.operator === true
    const operator = world.decides ? yield* Effect.forkScoped(Load.operator(world)) : undefined
    const counts = yield* run.body(world)
    world.record({ _tag: "FaultsStopped", process: "parent" })
    world.resting = true
    yield* Fiber.joinAll(world.loads)
    const millis = yield* settled(world)
    world.record({ _tag: "Settled", process: "parent", millis, boundMillis })
    yield* world.stopAll
    // Its reads would deadlock with the drop of the schema.
    if (operator !== undefined) yield* Fiber.interrupt(operator)
    for (const consumer of world.consumers) {
      for (const entry of yield* Tables.facts(world.schema, consumer)) world.record(entry)
    }
    const violations = [
      ...(yield* Judge.judge(world, typeof run.expects === "function" ? run.expects(world) : run.expects ?? {})),
      ...(run.after === undefined ? [] : yield* run.after(world)),
      ...counts.filter(({ happened, wanted }) => happened < wanted).map((count) =>
        `${count.fault} happened ${count.happened} times, not ${count.wanted} times as promised`
      )
    ]
    if (violations.length === 0) yield* drop(world)
    return { counts, violations }
  }).pipe(Effect.provide(layer(world)))

/**
 * Waits until no message waits, not even for its time, and no dead letter is open. Messages in a broker cannot be
 * counted, so there all that were published must have ended. Returns how long that took.
 */
const settled = Effect.fnUntraced(function*(world: World) {
  const sql = yield* SqlClient.SqlClient
  const s = sql(world.schema)
  const started = performance.now()
  while (performance.now() - started <= boundMillis) {
    const [row] = yield* sql<
      { readonly n: number }
    >`select ((select count(*) from ${s}.messages) + (select count(*) from ${s}.delayed)
      + (select count(*) from ${s}.dead_letters where state = 'redriving'
        or (state = 'open' and ${world.decides})))::int as n`
    const away = world.broker === undefined
      ? 0
      : world.published - (yield* Tables.finished(world.schema, world.consumer))
    if (row!.n + away === 0) break
    yield* Effect.sleep("100 millis")
  }
  return Math.round(performance.now() - started)
})

const drop = Effect.fnUntraced(function*(world: World) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`drop schema ${sql(world.schema)} cascade`
})

/** The history of a run that failed stays where it was written, with what its processes printed. */
const keep = (world: World, result: Result): void => {
  writeFileSync(
    join(world.directory, "parent.jsonl"),
    world.entries.map((entry) => `${JSON.stringify(entry)}\n`).join("")
  )
  writeFileSync(join(world.directory, "violations.txt"), result.violations.join("\n\n"))
  for (const child of world.children) writeFileSync(join(world.directory, `${child.name}.log`), child.output())
}
