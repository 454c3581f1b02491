/**
 * `millrace dead redrive`: puts named dead letters back into their queues, or starts a redrive run for a frozen set.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Filter } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { Operations } from "../../ops/Operations.ts"
import type { RedrivePreview, RedriveRun } from "../../ops/RedriveRun.ts"
import { CliFailure, usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import { operator } from "../frame/GlobalSettings.ts"
import { noneMatches } from "../look/Matching.ts"
import * as Options from "../look/Options.ts"
import * as Rows from "../look/Rows.ts"
import * as RunTexts from "../look/RunTexts.ts"
import * as Output from "../output/Output.ts"
import * as Times from "../output/Times.ts"
import { confirm } from "./Confirm.ts"
import { chosen, decideEach, dryRun, ids, selection } from "./DecideCommands.ts"
import { attend, conclude } from "./FollowRun.ts"

/** How a run is to be carried out. */
type Plan = Pick<RedriveRun, "rate" | "stages" | "askAfterFirst" | "stopRule">

const invalid = (flag: string, given: string, needed: string) =>
  new CliFailure({
    reason: "usage",
    type: "usage",
    message: `${flag} is ${JSON.stringify(given)}, but it must be ${needed}. Nothing was changed.`
  })

const flags = {
  rate: Flag.Finite("rate").pipe(
    Flag.withMetavar("number"),
    Flag.withDescription("The most dead letters of a set in a second. Default: a tenth of what the consumer commits"),
    Flag.optional
  ),
  stages: Flag.String("stages").pipe(
    Flag.withMetavar("sizes"),
    Flag.withDescription("The sizes of a run's first stages. The rest follows them. Default 1,10"),
    Flag.withDefault("1,10")
  ),
  ask: Options.toggle("ask", "The run waits for an operator after its first stage"),
  stopAfter: Flag.String("stop-after").pipe(
    Flag.withMetavar("rule"),
    Flag.withDescription(
      "A run stops itself after so many in a row, or of the last 20, that fail again. Default 3/5of20"
    ),
    Flag.withDefault("3/5of20")
  ),
  wait: Options.toggle("wait", "Follow the run until it ends. Ctrl-C ends this command, and the run continues")
}

/** Returns the plan of the flags. Its numbers are checked by the start. */
const planOf = Effect.fnUntraced(function*(
  given: { readonly stages: string; readonly stopAfter: string; readonly ask: boolean },
  rate: number
): Effect.fn.Return<Plan, CliFailure> {
  if (!/^\d{1,7}(,\d{1,7})*$/.test(given.stages)) {
    return yield* invalid("--stages", given.stages, "whole numbers, for example 1,10")
  }
  const rule = /^(\d{1,3})\/(\d{1,3})of20$/.exec(given.stopAfter)
  if (rule === null) return yield* invalid("--stop-after", given.stopAfter, "as in 3/5of20")
  return {
    rate,
    stages: given.stages.split(",").map(Number),
    askAfterFirst: given.ask,
    stopRule: { inARow: Number(rule[1]), ofLast20: Number(rule[2]) }
  }
})

/** Returns the consumer whose dead letters the filter selects. A run belongs to one. */
const consumerOf = Effect.fnUntraced(function*(filter: Omit<Filter, "state">) {
  if (filter.consumer !== undefined) return filter.consumer
  const groups = yield* DeadLetters.groups({ ...filter, state: "open" })
  const [only, ...others] = new Set(groups.map(({ consumer }) => consumer))
  if (only === undefined) return yield* noneMatches(filter)
  if (others.length === 0) return only
  return yield* usage(
    `A redrive run belongs to one consumer, and dead letters of ${[only, ...others].join(", ")} match. `
      + "Pass --consumer. Nothing was changed."
  )
})

const previewLines = (preview: RedrivePreview, plan: Plan): ReadonlyArray<Output.OutputLine> => {
  const { consumer, deadLetters, diedOn, firstAt = 0, keys, lastAt = 0, parkedKeys, runningNow, upTo = "" } = preview
  return [
    Output.line(
      `redrive ${Rows.deadLetters(deadLetters)} of ${consumer}, up to ${Options.shortId(upTo)}. `
        + "Those that die from now on are not touched."
    ),
    ...Output.pairs([
      ["keys", `${keys}, and ${parkedKeys} of them are parked`],
      ["died", `${Times.utc(firstAt)} to ${Times.utc(lastAt)}, on ${Rows.versions(diedOn)}`],
      ["runs now", Rows.versions(runningNow)],
      ["rate", `${Rows.rate(plan.rate)}/s`],
      ["stages", `${RunTexts.stagesOf(plan.stages)}${plan.askAfterFirst ? "; waits for you after the first" : ""}`],
      ["stops itself", RunTexts.stopRuleOf(plan.stopRule)]
    ]),
    ...preview.warnings.map(({ sentence }) => Output.line(Output.styled("yellow", `! ${sentence}`)))
  ]
}

/** Starts a run for the open dead letters that match now. */
const redriveSet = Effect.fnUntraced(function*(
  filter: Omit<Filter, "state">,
  given: Parameters<typeof planOf>[0] & {
    readonly rate: Option.Option<number>
    readonly dryRun: boolean
    readonly wait: boolean
  }
) {
  const operations = yield* Operations
  const preview = yield* operations.previewRedrive({ ...filter, consumer: yield* consumerOf(filter) })
  if (preview.upTo === undefined) return yield* noneMatches(filter)
  const plan = yield* planOf(given, Option.getOrElse(given.rate, () => preview.rate))
  if (given.dryRun) {
    return yield* Output.emit({ data: { dryRun: true, ...preview, ...plan }, lines: previewLines(preview, plan) })
  }
  const action = yield* operator
  yield* Output.aside(previewLines(preview, plan))
  if (preview.deadLetters.value > 1) yield* confirm(`Redrive ${Rows.deadLetters(preview.deadLetters)}?`)
  // A signal waits for the end of the start, so the operator always learns the id of the run.
  yield* Effect.uninterruptible(Effect.gen(function*() {
    const run = yield* operations.startRedrive(preview, { ...action, ...plan })
    const number = Options.numberOf(run.id)
    if (given.wait) {
      yield* Output.hint(`started run ${number}`)
      return yield* conclude(yield* attend(run))
    }
    yield* Output.emit({
      data: run,
      lines: [Output.line(`started run ${number} for ${Rows.deadLetters(run.deadLetters)} of ${run.consumer}.`)]
    })
    yield* Output.hint(`next: millrace runs show ${number} --wait   (what becomes of them)`)
  }))
})

export const redrive = Command.make(
  "redrive",
  { ids, ...selection, ...flags, dryRun },
  ({ ask, dryRun, ids, rate, stages, stopAfter, wait, ...selected }) =>
    Effect.gen(function*() {
      const { filter, ids: named } = yield* chosen(ids, selected)
      if (named === undefined) {
        return yield* connected(redriveSet(filter, { ask, dryRun, rate, stages, stopAfter, wait }))
      }
      if (ask || wait || Option.isSome(rate)) {
        return yield* usage(
          "--ask, --wait and --rate are for a redrive run, which ids and a search do not start. Nothing was changed."
        )
      }
      yield* connected(decideEach("redrive", named, dryRun))
    })
).pipe(
  Command.withDescription(
    "Put dead letters back into their queues. With filters, starts a redrive run for those that match at this moment"
  )
)
