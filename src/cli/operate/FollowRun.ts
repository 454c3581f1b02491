/**
 * Follows a redrive run until it ends. Workers carry the run out, so the end of this terminal is not the end of the
 * run.
 */
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import { show } from "../../ops/Fact.ts"
import { Operations } from "../../ops/Operations.ts"
import type { RedriveRun, RedriveState } from "../../ops/RedriveRun.ts"
import { CliFailure } from "../frame/CliFailure.ts"
import { operator, Yes } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import * as RunTexts from "../look/RunTexts.ts"
import * as Output from "../output/Output.ts"
import * as ProgressBar from "../output/ProgressBar.ts"
import { agrees } from "./Confirm.ts"

/** The time between two looks. */
const every = "500 millis"

/** States in which only an operator continues the run, or nothing does. A paused run is followed on. */
const ends: ReadonlySet<RedriveState> = new Set(["waiting", "stopped", "cancelled", "finished"])

const known = ({ committed, duplicate, failedAgain }: RedriveRun): number => committed + duplicate + failedAgain

/** Shows the progress of a run until it ends, or waits for an operator. Returns it as it is then. */
const untilEnd = Effect.fnUntraced(function*(run: RedriveRun) {
  const operations = yield* Operations
  const { deadLetters: { kind, value } } = run
  const bar = { count: value, more: kind !== "exact" }
  const progress = yield* ProgressBar.make(`run ${Options.numberOf(run.id)}`, bar, known(run))
  let now = run
  while (true) {
    const last = ends.has(now.state)
    yield* progress(known(now), { leftMillis: now.leftMillis, text: RunTexts.beside(now), last })
    if (last) return now
    yield* Effect.sleep(every)
    now = yield* operations.redriveRun(run.id)
  }
})

/** Follows a run. On a terminal, asks the operator when the run waits for one, and then follows it again. */
const asking = Effect.fnUntraced(function*(run: RedriveRun) {
  const now = yield* untilEnd(run)
  if (now.state !== "waiting" || (yield* Yes) || !(yield* (yield* Stdio.Stdio).stdinIsTerminal)) return now
  const rest = `Continue with the other ${show(now.untouched)} at ${now.rate}/s?`
  if (!(yield* agrees(`${RunTexts.summary(now)} ${rest}`))) return now
  const operations = yield* Operations
  return yield* untilEnd(
    yield* operations.continueRedrive(now.id, { ...yield* operator, revision: now.revision })
  )
})

/**
 * Runs an effect that follows a run. If the command is interrupted, or the database is away, the operator learns how to
 * look at the run again. No interruption comes before that is certain.
 */
const announced = <A, E extends { readonly _tag: string }, R>(run: RedriveRun, following: Effect.Effect<A, E, R>) => {
  const number = Options.numberOf(run.id)
  const continues = Output.stderr(
    `\nRun ${number} continues without this terminal. Look at it: millrace runs show ${number}\n`
  )
  return Effect.interruptible(following).pipe(
    Effect.tapError((error) => error._tag === "StoreFailure" ? continues : Effect.void),
    Effect.onInterrupt(() => continues),
    Effect.uninterruptible
  )
}

/** Follows a run. Returns it as it is when it ends, or when it waits for an operator. */
export const follow = (run: RedriveRun) => announced(run, untilEnd(run))

/** Follows a run, and asks the operator of this terminal when the run waits for one. */
export const attend = (run: RedriveRun) => announced(run, asking(run))

/** Prints how a run ended. Fails if messages failed again, if the run stopped itself, or if it was cancelled. */
export const conclude = Effect.fnUntraced(function*(run: RedriveRun) {
  const number = Options.numberOf(run.id)
  yield* Output.emit({ data: run, lines: [Output.line(RunTexts.summary(run))] })
  const fields = { redriveRunId: run.id, state: run.state, failedAgain: run.failedAgain }
  const cause = `Look at the cause: millrace dead groups --consumer ${run.consumer}`
  if (run.state === "waiting") {
    yield* Output.hint(`next: millrace runs continue ${number}, or millrace runs cancel ${number}`)
  } else if (run.state === "stopped") {
    return yield* new CliFailure({
      reason: "failedAgain",
      type: "redrive-stopped",
      message:
        `Run ${number} stopped itself. ${run.stopped?.sentence ?? ""} The rest of its set is untouched.\n${cause}\n`
        + `Then: millrace runs continue ${number}, or millrace runs cancel ${number}`,
      fields
    })
  } else if (run.failedAgain > 0) {
    return yield* new CliFailure({
      reason: "failedAgain",
      type: "failed-again",
      message: `Of the messages of run ${number}, ${run.failedAgain} failed again.\n${cause}`,
      fields
    })
  } else if (run.state === "cancelled") {
    return yield* new CliFailure({
      reason: "conflict",
      type: "redrive-cancelled",
      message: `Run ${number} was cancelled by ${run.changedBy}. The rest of its set is untouched.`,
      fields
    })
  }
})
