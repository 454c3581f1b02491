/**
 * The workers: both pipelines in this process, or in several that share one database. The processes are children of this
 * one; with `--kill` one of them is killed every few seconds, with SIGKILL, in the middle of whatever it does.
 */
import { Effect, Fiber, Result, Schema, Stream } from "effect"
import { ChildProcess, type ChildProcessSpawner } from "effect/process"
import { Worker } from "millrace"
import { fileURLToPath } from "node:url"
import { pick } from "./dice.ts"
import * as Pipelines from "./pipelines.ts"
import * as Standing from "./standing.ts"
import type { Tables } from "./tables.ts"

/** Runs both pipelines here, until interrupted; the interruption drains them. */
export const here = (tables: Tables, options: Worker.WorkerOptions = {}) =>
  Effect.all([Worker.run(Pipelines.activity(tables), options), Worker.run(Pipelines.notifier(tables), options)], {
    concurrency: "unbounded",
    discard: true
  })

/** Runs both pipelines here until nothing is left for them: webhooks first, since they cause the notifications. */
export const drained = (tables: Tables, options: Worker.WorkerOptions = {}) =>
  Effect.andThen(
    Worker.drain(Pipelines.activity(tables), options),
    Worker.drain(Pipelines.notifier(tables), options)
  )

/** In one process: a short lease, so that a start after a crash does not wait long for what the dead one held. */
export const alone: Worker.WorkerOptions = { lease: "10 seconds", idlePoll: "200 millis" }

/** Where workers die, others should take over within seconds; and no message is to blame for what we do to its worker. */
export const shared: Worker.WorkerOptions = { lease: "5 seconds", grace: "10 seconds", maxCrashes: 1_000 }

export interface Options {
  readonly count: number
  readonly kill: boolean
  readonly seed: number
  readonly schema: string
  /** Told when a process starts, ends or is killed, and what it writes to standard error. */
  readonly say: (line: string) => void
  /** Told whenever a process reports: the sum over all processes that ever ran. */
  readonly heard: (tally: Standing.Tally) => void
}

/** A process ended that nobody had killed. */
export class WorkerEnded
  extends Schema.TaggedError<WorkerEnded>()("WorkerEnded", { worker: Schema.Int, why: Schema.String })
{
  override get message() {
    return `Worker ${this.worker} ended by itself (${this.why}). Nothing is lost: start again with the same flags to go on.`
  }
}

/** Runs the processes until interrupted; then each gets SIGTERM, drains, and is waited for. */
export const processes = Effect.fnUntraced(function*(options: Options) {
  const staff = new Staff()
  const keepRunning = (worker: number) => Effect.forever(Effect.scoped(one(worker, options, staff)))
  yield* Effect.all([
    ...Array.from({ length: options.count }, (_, index) => keepRunning(index + 1)),
    options.kill ? killing(options, staff) : Effect.never
  ], { concurrency: "unbounded", discard: true })
})

/** Who runs, who was killed on purpose, and what each process has reported. */
class Staff {
  readonly running = new Map<number, ChildProcessSpawner.ChildProcessHandle>()
  readonly killed = new Set<number>()
  readonly tallies = new Map<number, Standing.Tally>()

  get total(): Standing.Tally {
    return [...this.tallies.values()].reduce(Standing.add, Standing.zero)
  }
}

/** One process, from its start to its end. */
const one = Effect.fnUntraced(function*(worker: number, options: Options, staff: Staff) {
  const child = yield* ChildProcess.make(
    process.execPath,
    [...process.execArgv, fileURLToPath(new URL("worker.ts", import.meta.url)), options.schema, String(options.seed)],
    { forceKillAfter: "20 seconds" }
  )
  staff.running.set(worker, child)
  const lines = (stream: typeof child.stdout) => stream.pipe(Stream.decodeText(), Stream.splitLines)
  const reports = Stream.runForEach(
    lines(child.stdout),
    (line) =>
      Effect.map(Schema.decodeEffect(Standing.TallyLine)(line), (tally) => {
        staff.tallies.set(child.pid, tally)
        options.heard(staff.total)
      })
  )
  const complaints = Stream.runForEach(
    lines(child.stderr),
    (line) => Effect.sync(() => options.say(`worker ${worker}: ${line}`))
  )
  yield* Effect.forkScoped(Effect.ignore(reports))
  const complaining = yield* Effect.forkScoped(Effect.ignore(complaints))
  const end = yield* Effect.result(child.exitCode)
  staff.running.delete(worker)
  if (staff.killed.has(child.pid)) return
  yield* Fiber.await(complaining)
  return yield* new WorkerEnded({
    worker,
    why: Result.isSuccess(end) ? `exit code ${end.success}` : "by a signal that is not ours"
  })
})

/** Kills one process every three to six seconds. Which one, and when, is the seed's choice. */
const killing = Effect.fnUntraced(function*({ count, say, seed }: Options, staff: Staff) {
  for (let round = 1;; round++) {
    yield* Effect.sleep(3_000 + pick(3_000, seed, "kill after", round))
    const worker = 1 + pick(count, seed, "kill", round)
    const child = staff.running.get(worker)
    if (child === undefined) continue
    staff.killed.add(child.pid)
    say(`worker ${worker} (process ${child.pid}) is killed; another one takes its place`)
    yield* Effect.ignore(child.kill({ killSignal: "SIGKILL" }))
  }
})
