/**
 * `millrace runs`: the redrive runs, and the actions on one of them.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { RedriveRunConflict } from "../../Errors.ts"
import { Operations } from "../../ops/Operations.ts"
import type { RedriveRun, RedriveState } from "../../ops/RedriveRun.ts"
import { connected } from "../frame/Connect.ts"
import { operator } from "../frame/GlobalSettings.ts"
import * as Options from "../look/Options.ts"
import * as Rows from "../look/Rows.ts"
import * as RunTexts from "../look/RunTexts.ts"
import * as Output from "../output/Output.ts"
import { confirm } from "./Confirm.ts"
import { dryRun } from "./DecideCommands.ts"
import { conclude, follow } from "./FollowRun.ts"
import { tell } from "./QueueCommands.ts"

const id = Options.argument("id", "The run, as `millrace runs list` shows it").pipe(Argument.map(Options.fullId))

const list = Command.make(
  "list",
  {
    consumer: Options.consumer,
    open: Options.toggle("open", "Only runs that are not over"),
    limit: Options.int("limit", "The most runs, 1 to 100. Default 20", 20, 1, 100)
  },
  ({ consumer, limit, open }) =>
    Effect.gen(function*() {
      const { now, runs } = yield* connected(Effect.all({
        runs: Effect.flatMap(Operations, (operations) =>
          operations.redriveRuns({ consumer: Option.getOrUndefined(consumer), open, limit })),
        now: Rows.now
      }))
      yield* Output.emit({ data: runs, lines: RunTexts.table(runs, now) })
    })
).pipe(Command.withDescription("List the redrive runs, newest first"))

const show = Command.make(
  "show",
  { id, wait: Options.toggle("wait", "Follow the run until it ends. Ctrl-C ends this command, and the run continues") },
  ({ id, wait }) =>
    connected(Effect.gen(function*() {
      const run = yield* Effect.flatMap(Operations, (operations) => operations.redriveRun(id))
      if (wait) return yield* conclude(yield* follow(run))
      yield* Output.emit({ data: run, lines: RunTexts.detail(run, yield* Rows.now) })
    }))
).pipe(Command.withDescription("Show one redrive run: its set, its stage, and what became of its messages"))

/** The actions, each with its word and the states that allow it. */
const actions = {
  continue: { done: "continued", from: ["waiting", "paused", "stopped"] },
  pause: { done: "paused", from: ["running"] },
  cancel: { done: "cancelled", from: ["running", "waiting", "paused", "stopped"] },
  rate: { done: "given another rate", from: ["running", "waiting", "paused", "stopped"] }
} as const satisfies Readonly<Record<string, { done: string; from: ReadonlyArray<RedriveState> }>>

/** Fails as the action itself would, so that a dry run and a question do not promise it. */
const allowed = (
  verb: keyof typeof actions,
  { changedAt: at, changedBy: by, id, revision, state, stopped }: RedriveRun
) => {
  const from: ReadonlyArray<RedriveState> = actions[verb].from
  const copied = verb === "continue" && stopped?.by === "copied"
  return from.includes(state) && !copied ? Effect.void : Effect.fail(
    new RedriveRunConflict({
      redriveRunId: id,
      asked: actions[verb].done,
      state: copied ? `${state} permanently, in a copy of its database` : state,
      revision,
      by,
      at
    })
  )
}

const act = Effect.fnUntraced(function*(verb: keyof typeof actions, id: string, dry: boolean, rate?: number) {
  const operations = yield* Operations
  const seen = yield* operations.redriveRun(id)
  yield* allowed(verb, seen)
  const action = yield* operator
  const number = Options.numberOf(id)
  const change = Effect.gen(function*() {
    switch (verb) {
      case "continue":
        if (seen.untouched.value > 1) yield* confirm(`Redrive the other ${Rows.deadLetters(seen.untouched)}?`)
        return yield* operations.continueRedrive(id, { ...action, rate, revision: seen.revision })
      case "pause":
        return yield* operations.pauseRedrive(id, action)
      case "cancel":
        return yield* operations.cancelRedrive(id, action)
      case "rate":
        return yield* operations.changeRedriveRate(id, { ...action, rate: rate ?? seen.rate })
    }
  })
  const run = dry ? seen : yield* change
  const { done } = actions[verb]
  const changed = verb === "rate" || (verb === "continue" && rate !== undefined) ? `, ${rate ?? run.rate}/s` : ""
  yield* tell(dry, { action: done, run }, `${done}: run ${number} of ${run.consumer}${changed}.`)
  if (verb === "continue") yield* Output.hint(`next: millrace runs show ${number} --wait   (what becomes of them)`)
})

const withoutRate = (verb: "pause" | "cancel", description: string) =>
  Command.make(verb, { id, dryRun }, ({ dryRun, id }) => connected(act(verb, id, dryRun))).pipe(
    Command.withDescription(description)
  )

const continues = Command.make(
  "continue",
  {
    id,
    rate: Flag.Finite("rate").pipe(
      Flag.withMetavar("number"),
      Flag.withDescription("Dead letters in a second from now on. Default: as before"),
      Flag.optional
    ),
    dryRun
  },
  ({ dryRun, id, rate }) => connected(act("continue", id, dryRun, Option.getOrUndefined(rate)))
).pipe(Command.withDescription("Continue a run that waits, is paused, or has stopped itself"))

const rates = Command.make(
  "rate",
  {
    id,
    rate: Argument.Finite("rate").pipe(Argument.withDescription("Dead letters in a second")),
    dryRun
  },
  ({ dryRun, id, rate }) => connected(act("rate", id, dryRun, rate))
).pipe(Command.withDescription("Change the rate of a run"))

/** The commands of `millrace runs`. */
export const runs = Command.make("runs").pipe(
  Command.withDescription("Redrive runs: dead letters that workers redrive in stages"),
  Command.withSubcommands([
    list,
    show,
    continues,
    withoutRate("pause", "Pause a run. Its messages in the queue are processed"),
    withoutRate("cancel", "End a run. The rest of its set stays as it is"),
    rates
  ])
)
