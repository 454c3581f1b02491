/**
 * Carries out redrive runs. Each subscription does it for its consumer. So a run continues while a worker of the
 * consumer lives. The process that started the run may have ended.
 *
 * A step of a run is one transaction: it takes the outcomes that are known, decides, redrives some more dead letters,
 * and stores the progress. It locks the run, so no two workers do one step. One worker renews its
 * lease on the run with each step. If that worker dies, another one continues after the lease, from the last step.
 *
 * The outcome of a message is noted by the transaction that commits or dead-letters it. So counts are never a guess.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { Filter } from "../../DeadLetter.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Wake } from "../queue/Wake.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as DecisionsSql from "../sql/decisions.ts"
import type { Names } from "../sql/names.ts"
import { filterOf } from "../sql/narrowing.ts"
import * as Sql from "../sql/redriveRuns.ts"
import { counted, next, type RunMove, type RunOutcome, type RunProgress, type RunRules } from "./RunProgress.ts"

/** A worker, and the queue of the consumer whose runs it carries out. */
export interface RunWorker {
  readonly queue: number
  readonly worker: string
}

/** How long a worker that does no step keeps its lease on a run, in milliseconds. */
const leaseMillis = 5_000

/** Milliseconds until the next step of a run that waits for outcomes, and of a run whose consumer is paused. */
const waitingEvery = 200
const pausedEvery = 1_000

/** How long to wait after a failed step, in milliseconds. */
const failedPause = 1_000

type Row = Rows[number]

const progressOf = (row: Row): RunProgress => ({
  stage: Number(row["stage"]),
  inStage: Number(row["in_stage"]),
  stageFailed: Number(row["stage_failed"]),
  exhausted: row["exhausted"] === true,
  redriven: Number(row["redriven"]),
  committed: Number(row["committed"]),
  failed: Number(row["failed"]),
  duplicate: Number(row["duplicate"]),
  recent: JSON.parse(String(row["recent"])) as ReadonlyArray<string>
})

const rulesOf = (row: Row): RunRules => ({
  rate: Number(row["rate"]),
  stages: row["stages"] as ReadonlyArray<number>,
  asks: row["asks"] === true,
  inARow: Number(row["in_a_row"]),
  ofRecent: Number(row["of_recent"])
})

const outcomeOf = (row: Row): RunOutcome => ({
  outcome: row["outcome"] as RunOutcome["outcome"],
  fingerprint: String(row["fingerprint"]),
  judged: row["judged"] === true
})

/** The number of dead letters that a step redrove, and the milliseconds until the next step. */
interface Step {
  readonly redriven: number
  readonly pause: number
}

/** Returns the state after a move, and the audit's word for the change, if the state changes. */
const ended = (move: RunMove): { readonly state: string; readonly action: string } | undefined => {
  switch (move._tag) {
    case "Ask":
      return { state: "waiting", action: "awaited" }
    case "Stop":
      return { state: "stopped", action: "stopped" }
    case "Finish":
      return { state: "finished", action: "finished" }
    default:
      return undefined
  }
}

/** Returns the effect of one step. It returns undefined if there is no run that this worker can carry out now. */
export const step = (
  db: PgDatabase,
  names: Names,
  { queue, worker }: RunWorker
): Effect.Effect<Step | undefined, SqlError> => {
  const text = Sql.make(names)
  const decisions = DecisionsSql.make(names)

  /** Redrives the next dead letters of the set. Fewer than asked for mean that the set has no more. */
  const redrive = Effect.fnUntraced(function*(row: Row, progress: RunProgress, most: number) {
    const filter = JSON.parse(String(row["filter"])) as Filter
    const after = [String(row["snapshot"]), row["cursor"], most]
    const ids = (yield* db.within(decisions.lockNextOfOne, [...filterOf(filter), ...after])).map(({ id }) =>
      id as bigint
    )
    if (ids.length > 0) {
      yield* db.within(decisions.decideInRun, [ids, row["started_by"], row["note"], row["id"]])
      yield* db.within(text.await, [row["id"], ids])
    }
    const last = ids.at(-1)
    const changed: RunProgress = {
      ...progress,
      exhausted: last === undefined || ids.length < most || last >= (row["up_to"] as bigint),
      inStage: progress.inStage + ids.length,
      redriven: progress.redriven + ids.length
    }
    return { changed, ids }
  })

  const save = (row: Row, progress: RunProgress, move: RunMove, cursor: unknown, pause: number) => {
    const stop = move._tag === "Stop" ? move.stop : undefined
    const end = ended(move)
    const stored = db.within(text.save, [
      row["id"],
      end?.state ?? "running",
      progress.stage,
      progress.inStage,
      progress.stageFailed,
      progress.exhausted,
      cursor,
      progress.redriven,
      progress.committed,
      progress.failed,
      progress.duplicate,
      JSON.stringify(progress.recent),
      pause,
      stop?.by ?? "",
      stop?.fingerprint ?? "",
      end === undefined ? worker : "",
      end === undefined ? leaseMillis : 0
    ])
    if (end === undefined) return stored
    const { committed, duplicate, failed, redriven } = progress
    const detail = `${redriven} redriven, ${committed} committed, ${duplicate} duplicate, ${failed} failed again`
    return Effect.tap(stored, () => db.within(text.note, [row["id"], end.action, row["consumer"], detail]))
  }

  const decided = (row: Row, outcomes: ReadonlyArray<RunOutcome>): ReturnType<typeof next> => {
    const rules = rulesOf(row)
    const { progress, stop } = counted(progressOf(row), outcomes, rules)
    if (row["here"] !== true) return { progress, move: { _tag: "Stop", stop: { by: "copied", fingerprint: "" } } }
    // Once nothing of the set is left, there is nothing that a stop would protect. Then the run finishes.
    return stop === undefined || progress.exhausted
      ? next(progress, rules)
      : { progress, move: { _tag: "Stop", stop } }
  }

  return db.onMachinery(db.transaction(Effect.gen(function*() {
    const [row] = yield* db.within(text.lock, [queue, worker])
    if (row === undefined) return undefined
    const outcomes = (yield* db.within(text.take, [row["id"]])).map(outcomeOf)
    const { move, progress } = decided(row, outcomes)
    const early = Number(row["pause"])
    const paused = row["paused"] === true
    if (move._tag !== "Redrive" || paused || early > 0) {
      yield* save(row, progress, move, row["cursor"], 0)
      return { redriven: 0, pause: paused ? pausedEvery : Math.max(early, move._tag === "Redrive" ? 0 : waitingEvery) }
    }
    const { changed, ids } = yield* redrive(row, progress, move.most)
    const pause = (ids.length / rulesOf(row).rate) * 1000
    const [saved] = yield* save(row, changed, move, ids.at(-1) ?? row["cursor"], pause)
    return { redriven: ids.length, pause: Number(saved?.["pause"]) }
  })))
}

/**
 * Starts the fiber that carries out the runs of a consumer while the scope is open. A heartbeat that has seen a running
 * run opens the latch. It is closed here when this worker has nothing to do for one.
 */
export const start = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  wake: Wake,
  who: RunWorker,
  running: Latch.Latch
): Effect.fn.Return<void, never, Scope.Scope> {
  const one = step(db, names, who)
  /** Whether the lease on a run may be this worker's. */
  let leased = false
  /** Whether the last step failed. One warning is logged for failures in a row. */
  let failing = false
  const release = Effect.suspend(() =>
    leased ? Effect.ignore(db.machinery(Sql.make(names).release, [who.queue, who.worker])) : Effect.void
  )
  const turn = Effect.flatMap(one, (done) => {
    leased = done !== undefined
    failing = false
    if (done === undefined) return Effect.sync(() => running.closeUnsafe())
    if (done.redriven > 0) wake.published(who.queue)
    return Effect.andThen(
      done.redriven === 0 ? Effect.void : Telemetry.operatorAction("redriven", done.redriven),
      Effect.sleep(Math.min(done.pause, leaseMillis / 2))
    )
  })
  // No failure ends this fiber, and no defect either: a rollback on a lost connection may be one.
  const patient = Effect.catchCause(turn, (cause) => {
    if (Cause.hasInterruptsOnly(cause)) return Effect.failCause(cause as Cause.Cause<never>)
    const error = PgFailure.sqlErrorIn(cause)
    const said = error === undefined
      ? Cause.pretty(cause)
      : PgFailure.storeFailure("carry out a redrive run")(error).message
    const log = failing ? Effect.logDebug : Effect.logWarning
    failing = true
    return Effect.andThen(
      log(`A step of a redrive run of this worker's consumer failed; it is tried again. ${said}`),
      Effect.sleep(failedPause)
    )
  })
  yield* Effect.addFinalizer(() => Effect.ignore(Effect.timeout(Effect.interruptible(release), leaseMillis)))
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(running.await, patient)))
})
