/**
 * The workers: both pipelines in this process, or in several that share one database.
 *
 * The processes are children of this one. With `--kill`, one of them gets SIGKILL every few seconds.
 */
import { Effect, Fiber, Result, Schema, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { Worker } from "millrace"
import { fileURLToPath } from "node:url"
import * as Counts from "./counts.ts"
import * as Pipelines from "./pipelines.ts"
import * as Route from "./route.ts"
import { pick } from "./seeded.ts"
import type { Tables } from "./tables.ts"

/** Runs both pipelines here, until interrupted. The interruption stops them gracefully. */
export const here = (tables: Tables, route: Route.Route, options: Worker.WorkerOptions = {}) =>
  Effect.all([
    Route.relay(route, options),
    Route.over(route, Worker.run(Pipelines.activity(tables), options)),
    Worker.run(Pipelines.notifier(tables), options)
  ], { concurrency: "unbounded", discard: true })

/** Runs both pipelines here until their queues are empty: webhooks first, since they emit the notifications. */
export const drained = (tables: Tables, route: Route.Route, options: Worker.WorkerOptions = {}) =>
  Effect.all([
    Route.relayed(route, options),
    Route.over(route, Worker.drain(Pipelines.activity(tables), options)),
    Worker.drain(Pipelines.notifier(tables), options)
  ], { discard: true })

/** For one process. The short lease lets a start after a crash claim the lanes soon. */
export const alone: Worker.WorkerOptions = { lease: "10 seconds", idlePoll: "200 millis" }

/** For processes that are killed. Others claim their lanes within seconds, and no message is dead-lettered for it. */
export const shared: Worker.WorkerOptions = { lease: "5 seconds", grace: "10 seconds", maxCrashes: 1_000 }

export interface Options {
  readonly count: number
  readonly kill: boolean
  readonly seed: number
  readonly schema: string
  readonly route: Route.Route
  /** Called when a process is killed, and for each line on its standard error. */
  readonly log: (line: string) => void
  /** Called when a process reports, with the sum over all processes that ever ran. */
  readonly onTally: (tally: Counts.Tally) => void
}

/** A process ended that this program had not killed. */
export class WorkerEnded
  extends Schema.TaggedError<WorkerEnded>()("WorkerEnded", { worker: Schema.Int, why: Schema.String })
{
  override get message() {
    return `Worker ${this.worker} ended by itself (${this.why}). Nothing is lost: start again with the same flags to continue.`
  }
}

/** Runs the processes until interrupted. Then each gets SIGTERM and stops gracefully, and this waits for it. */
export const processes = Effect.fnUntraced(function*(options: Options) {
  const started = new Processes()
  const keepRunning = (worker: number) => Effect.forever(Effect.scoped(one(worker, options, started)))
  yield* Effect.all([
    ...Array.from({ length: options.count }, (_, index) => keepRunning(index + 1)),
    options.kill ? killing(options, started) : Effect.never
  ], { concurrency: "unbounded", discard: true })
})

/** The running processes, those that were killed on purpose, and the tally of each. */
class Processes {
  readonly running = new Map<number, ChildProcessSpawner.ChildProcessHandle>()
  readonly killed = new Set<number>()
  readonly tallies = new Map<number, Counts.Tally>()

  get total(): Counts.Tally {
    return [...this.tallies.values()].reduce(Counts.add, Counts.zero)
  }
}

/** One process, from its start to its end. */
const one = Effect.fnUntraced(function*(worker: number, options: Options, started: Processes) {
  const route = yield* Schema.encodeEffect(Route.RouteLine)(options.route)
  const program = fileURLToPath(new URL("worker.ts", import.meta.url))
  const child = yield* ChildProcess.make(
    process.execPath,
    [...process.execArgv, program, options.schema, String(options.seed), route],
    { forceKillAfter: "20 seconds" }
  )
  started.running.set(worker, child)
  const lines = (stream: typeof child.stdout) => stream.pipe(Stream.decodeText(), Stream.splitLines)
  const reports = Stream.runForEach(
    lines(child.stdout),
    (line) =>
      Effect.map(Schema.decodeEffect(Counts.TallyLine)(line), (tally) => {
        started.tallies.set(child.pid, tally)
        options.onTally(started.total)
      })
  )
  const complaints = Stream.runForEach(
    lines(child.stderr),
    (line) => Effect.sync(() => options.log(`worker ${worker}: ${line}`))
  )
  yield* Effect.forkScoped(Effect.ignore(reports))
  const complaining = yield* Effect.forkScoped(Effect.ignore(complaints))
  const end = yield* Effect.result(child.exitCode)
  started.running.delete(worker)
  if (started.killed.has(child.pid)) return
  yield* Fiber.await(complaining)
  return yield* new WorkerEnded({
    worker,
    why: Result.isSuccess(end) ? `exit code ${end.success}` : "by a signal that is not ours"
  })
})

/** Kills one process every three to six seconds. The seed decides which one and when. */
const killing = Effect.fnUntraced(function*({ count, log, seed }: Options, started: Processes) {
  for (let round = 1;; round++) {
    yield* Effect.sleep(3_000 + pick(3_000, seed, "kill after", round))
    const worker = 1 + pick(count, seed, "kill", round)
    const child = started.running.get(worker)
    if (child === undefined) continue
    started.killed.add(child.pid)
    log(`worker ${worker} (process ${child.pid}) is killed; another one takes its place`)
    yield* Effect.ignore(child.kill({ killSignal: "SIGKILL" }))
  }
})
