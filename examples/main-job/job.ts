/**
 * One run from beginning to end.
 *
 * It opens the database and sends while the workers run.
 * When every delivery is applied or dead, it reconciles the tables.
 */
import { Effect, Layer, Schedule, Schema } from "effect"
import * as Counts from "./counts.ts"
import * as Dashboard from "./dashboard.ts"
import * as Database from "./database.ts"
import * as Downstream from "./downstream.ts"
import * as Fault from "./faultPlan.ts"
import * as Logs from "./logs.ts"
import * as Plan from "./plan.ts"
import { Progress } from "./progress.ts"
import * as Reconcile from "./reconcile.ts"
import * as Report from "./report.ts"
import * as Route from "./route.ts"
import * as Runs from "./runs.ts"
import { count, duration, type Screen } from "./screen.ts"
import * as Sender from "./sender.ts"
import * as Tables from "./tables.ts"
import * as Workers from "./workers.ts"

export interface Options {
  readonly place: Database.Place
  readonly messages: number
  readonly seed: number
  /** Worker processes. Undefined: the workers run in this process. */
  readonly workers: number | undefined
  readonly kill: boolean
  readonly rate: number | undefined
  readonly transport: Route.Kind
  /** Whether the pages of the operations are served, also when the run is over. */
  /** The port of the pages. Undefined if none are served. */
  readonly dashboard: number | undefined
}

/** The reconciliation found a difference. */
export class NotReconciled extends Schema.TaggedError<NotReconciled>()("NotReconciled", {
  differing: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The database does not hold what was sent: see ${this.differing.join("; ")}.`
  }
}

const senders = 4

/** A run without progress for so long has lost something, and the reconciliation says what. */
const patience = 60_000

/** Runs the main job. Fails with `NotReconciled` if a single number differs. */
export const run = Effect.fnUntraced(function*(options: Options, screen: Screen) {
  const { messages, place, seed, transport } = options
  const route = yield* Route.make(transport)
  const run = place._tag === "Memory"
    ? Runs.only(seed, messages)
    : yield* Runs.open(seed, messages, route._tag === "Postgres").pipe(
      Effect.provide(Database.layer(place, Runs.home))
    )
  const database = Database.layer(place, run.schema)
  yield* work(options, run, route, screen).pipe(
    Effect.provide(Layer.mergeAll(
      options.dashboard === undefined
        ? database
        : Dashboard.layer(run.schema, screen, options.dashboard).pipe(Layer.provideMerge(database)),
      Downstream.layer(seed),
      Logs.layer((line) => screen.line(screen.paint("dim", `  ${line}`)))
    ))
  )
}, Effect.scoped)

const work = Effect.fnUntraced(function*(options: Options, run: Runs.Run, route: Route.Route, screen: Screen) {
  const { messages, place, seed } = options
  const tables = Tables.of(run.schema)
  yield* Tables.create(tables)
  const deliveries = Plan.deliveries(seed, messages)
  const steps = Plan.steps(seed, deliveries, senders)
  const sources = new Set(deliveries.map(({ source }) => source)).size
  screen.line()
  screen.line(
    `  ${screen.paint("bold", "millrace")}  ${count(messages)} webhooks of ${count(sources)} sources, seed ${seed}`
  )
  screen.line(
    screen.paint(
      "dim",
      `  ${Database.describe(place)}, schema ${run.schema}${run.resumed ? ", continuing an earlier run" : ""}`
        + Route.describe(route)
    )
  )

  const progress = new Progress(screen, messages)
  if (run.resumed) progress.earlier = (yield* Reconcile.openDeadLetters("activity")).length
  const state: RunState = { options, run, route, tables, deliveries, steps, progress, screen }
  yield* progress.show(follow(state)).pipe(Effect.onInterrupt(() => leave(state)))
  const lines = yield* Reconcile.reconcile(tables, {
    deliveries: messages,
    redeliveries: steps.flat().reduce((sum, { sendings }) => sum + sendings.length, 0) - messages
  })
  if (place._tag !== "Memory") yield* Runs.finish(run)
  screen.line()
  for (const line of Report.table(screen, lines)) screen.line(line)
  screen.line()
  const differing = lines.filter((line) => !Reconcile.agrees(line)).map(({ name }) => name)
  if (differing.length > 0) return yield* new NotReconciled({ differing })
  const speed = `${duration(progress.elapsed)}, ${count(progress.overall)} webhooks a second`
  screen.line(`  ${screen.paint("green", "Reconciled")} in ${speed}.`)
  if (options.dashboard === undefined) return
  screen.line("  Decide about the dead letters on the pages. A worker waits for what you redrive, until Ctrl-C.")
  // A redriven message waits in the database, however it came.
  yield* Workers.here(tables, { _tag: "Postgres" }, Workers.alone)
})

interface RunState {
  readonly options: Options
  readonly run: Runs.Run
  readonly route: Route.Route
  readonly tables: Tables.Tables
  readonly deliveries: ReadonlyArray<Plan.Delivery>
  readonly steps: ReadonlyArray<ReadonlyArray<Plan.Step>>
  readonly progress: Progress
  readonly screen: Screen
}

/** Sends and processes until nothing is left. Then the workers stop, and this process handles late redeliveries. */
const follow = Effect.fnUntraced(function*(state: RunState) {
  const { options, progress, route, run, screen, steps, tables } = state
  const sending = Effect.all([Sender.run({ tables, steps, rate: options.rate }), finished(state)], {
    concurrency: "unbounded",
    discard: true
  })
  yield* options.workers === undefined
    ? Effect.raceFirst(
      Effect.raceFirst(Workers.here(tables, route, Workers.alone), counting(progress)),
      sending
    )
    : Effect.raceFirst(
      Workers.processes({
        count: options.workers,
        kill: options.kill,
        seed: options.seed,
        schema: run.schema,
        route,
        log: (line) => screen.line(screen.paint("dim", `  ${line}`)),
        onTally: (tally) => progress.tally = tally
      }),
      sending
    )
  progress.phase = "processing late redeliveries"
  yield* Workers.drained(tables, route, Workers.alone)
})

/** Copies this process' metrics to the progress, until interrupted. */
const counting = (progress: Progress) =>
  Counts.tally.pipe(
    Effect.map((tally) => progress.tally = tally),
    Effect.repeat(Schedule.spaced("200 millis"))
  )

/** Waits until every delivery is applied or dead and every notification is written, or until progress stops. */
const finished = Effect.fnUntraced(function*({ deliveries, progress, tables }: RunState) {
  const doomed = deliveries.filter(({ fault }) => Fault.outcome(fault) !== "applied").length
  const applicable = deliveries.length - doomed
  let moved = performance.now()
  let before = ""
  while (performance.now() - moved < patience) {
    const counts = yield* Counts.read(tables)
    progress.note(counts)
    const arrived = counts.applied >= applicable && counts.notified >= counts.applied
    if (arrived) progress.counted = (yield* Reconcile.openDeadLetters("activity")).length
    if (arrived && counts.sent === deliveries.length && progress.dead >= doomed) {
      progress.phase = "letting the workers finish"
      return
    }
    const now = JSON.stringify([counts, progress.tally])
    if (now !== before) moved = performance.now()
    before = now
    yield* Effect.sleep("500 millis")
  }
})

/** Reports after Ctrl-C: what is done, what remains, and how to continue. */
const leave = Effect.fnUntraced(function*({ options, route, screen, tables }: RunState) {
  const counts = yield* Counts.read(tables)
  const dead = (yield* Reconcile.openDeadLetters("activity")).length
  const [done, remains] = Report.remaining(counts, options.messages, dead)
  screen.line()
  screen.line(`  ${screen.paint("yellow", "Stopped.")} ${done}`)
  screen.line(`  ${remains}`)
  screen.line(
    options.place._tag === "Memory"
      ? "  All of it was in memory and is gone. With --data DIR or DATABASE_URL the next start continues the run."
      : route._tag === "Postgres"
      ? "  Start again with the same flags to continue this run."
      : "  A run on a broker is not continued: the next start begins a new one."
  )
}, (effect) => Effect.ignore(effect))
