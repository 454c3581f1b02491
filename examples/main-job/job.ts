/**
 * One run from beginning to end: open the database, send while the workers work, wait until everything that was sent has
 * found its place, let the workers finish, and reckon.
 */
import { Effect, Layer, Schedule, Schema } from "effect"
import * as Database from "./database.ts"
import * as Downstream from "./downstream.ts"
import * as Logs from "./logs.ts"
import * as Plan from "./plan.ts"
import { Progress } from "./progress.ts"
import * as Reconcile from "./reconcile.ts"
import * as Report from "./report.ts"
import * as Runs from "./runs.ts"
import { count, duration, type Screen } from "./screen.ts"
import * as Sender from "./sender.ts"
import * as Standing from "./standing.ts"
import * as Tables from "./tables.ts"
import * as Weather from "./weather.ts"
import * as Workers from "./workers.ts"

export interface Options {
  readonly place: Database.Place
  readonly messages: number
  readonly seed: number
  /** Worker processes; undefined: the workers run in this process. */
  readonly workers: number | undefined
  readonly kill: boolean
  readonly rate: number | undefined
}

/** Not everything has found its place. */
export class NotReconciled extends Schema.TaggedError<NotReconciled>()("NotReconciled", {
  differing: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The database does not hold what was sent: see ${this.differing.join("; ")}.`
  }
}

const senders = 4

/** A run that stands still for so long has lost something; the reckoning says what. */
const patience = 60_000

/** Runs the main job. Fails with `NotReconciled` if a single number differs. */
export const run = Effect.fnUntraced(function*(options: Options, screen: Screen) {
  const { messages, place, seed } = options
  const run = place._tag === "Memory"
    ? Runs.only(seed, messages)
    : yield* Runs.open(seed, messages).pipe(Effect.provide(Database.layer(place, Runs.home)))
  yield* work(options, run, screen).pipe(
    Effect.provide(Layer.mergeAll(
      Database.layer(place, run.schema),
      Downstream.layer(seed),
      Logs.layer((line) => screen.line(screen.paint("dim", `  ${line}`)))
    ))
  )
})

const work = Effect.fnUntraced(function*(options: Options, run: Runs.Run, screen: Screen) {
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
      `  ${Database.describe(place)}, schema ${run.schema}${run.resumed ? ", going on with an earlier run" : ""}`
    )
  )

  const progress = new Progress(screen, messages)
  if (run.resumed) progress.earlier = (yield* Reconcile.openLetters("activity")).length
  const course: Course = { options, run, tables, deliveries, steps, progress, screen }
  yield* progress.show(follow(course)).pipe(Effect.onInterrupt(() => leave(course)))
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
})

interface Course {
  readonly options: Options
  readonly run: Runs.Run
  readonly tables: Tables.Tables
  readonly deliveries: ReadonlyArray<Plan.Delivery>
  readonly steps: ReadonlyArray<ReadonlyArray<Plan.Step>>
  readonly progress: Progress
  readonly screen: Screen
}

/** Sends and works until everything has its place; then the workers stop and this process reads what is left. */
const follow = Effect.fnUntraced(function*(course: Course) {
  const { options, progress, run, screen, steps, tables } = course
  const sending = Effect.all([Sender.run({ tables, steps, rate: options.rate }), settling(course)], {
    concurrency: "unbounded",
    discard: true
  })
  yield* options.workers === undefined
    ? Effect.raceFirst(
      Effect.raceFirst(Workers.here(tables, Workers.alone), counting(progress)),
      sending
    )
    : Effect.raceFirst(
      Workers.processes({
        count: options.workers,
        kill: options.kill,
        seed: options.seed,
        schema: run.schema,
        say: (line) => screen.line(screen.paint("dim", `  ${line}`)),
        heard: (tally) => progress.tally = tally
      }),
      sending
    )
  progress.phase = "reading what is left: late redeliveries"
  yield* Workers.drained(tables, Workers.alone)
})

/** Copies this process' metrics to the progress, for ever. */
const counting = (progress: Progress) =>
  Standing.tally.pipe(
    Effect.map((tally) => progress.tally = tally),
    Effect.repeat(Schedule.spaced("200 millis"))
  )

/** Waits until every delivery is applied or dead and every notification told, or until nothing has moved for long. */
const settling = Effect.fnUntraced(function*({ deliveries, progress, tables }: Course) {
  const doomed = deliveries.filter(({ weather }) => Weather.outcome(weather) !== "applied").length
  const applicable = deliveries.length - doomed
  let moved = performance.now()
  let before = ""
  while (performance.now() - moved < patience) {
    const standing = yield* Standing.read(tables)
    progress.note(standing)
    const arrived = standing.applied >= applicable && standing.notified >= standing.applied
    if (arrived) progress.counted = (yield* Reconcile.openLetters("activity")).length
    if (arrived && standing.sent === deliveries.length && progress.dead >= doomed) {
      progress.phase = "letting the workers finish"
      return
    }
    const now = JSON.stringify([standing, progress.tally])
    if (now !== before) moved = performance.now()
    before = now
    yield* Effect.sleep("500 millis")
  }
})

/** After Ctrl-C: what is done, what remains, and how to go on. */
const leave = Effect.fnUntraced(function*({ options, screen, tables }: Course) {
  const standing = yield* Standing.read(tables)
  const dead = (yield* Reconcile.openLetters("activity")).length
  const [done, remains] = Report.remaining(standing, options.messages, dead)
  screen.line()
  screen.line(`  ${screen.paint("yellow", "Stopped.")} ${done}`)
  screen.line(`  ${remains}`)
  screen.line(
    options.place._tag === "Memory"
      ? "  All of it was in memory and is gone. With --data DIR or DATABASE_URL the next start goes on."
      : "  Start again with the same flags to go on with this run."
  )
}, (effect) => Effect.ignore(effect))
