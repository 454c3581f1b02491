/**
 * `millrace dead discard` and `restore`: decisions about dead letters, one by one or as a frozen set. `dead redrive` of
 * named dead letters is decided here, too.
 */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Filter } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import { Operations } from "../../ops/Operations.ts"
import { CliFailure, refused, usage } from "../frame/CliFailure.ts"
import { connected } from "../frame/Connect.ts"
import * as Failures from "../frame/Failures.ts"
import { operator } from "../frame/GlobalSettings.ts"
import { deadLetterTable } from "../look/DeadCommands.ts"
import { matching, noneMatches } from "../look/Matching.ts"
import * as Options from "../look/Options.ts"
import * as Rows from "../look/Rows.ts"
import * as Output from "../output/Output.ts"
import * as ProgressBar from "../output/ProgressBar.ts"
import { confirm } from "./Confirm.ts"
import * as Preview from "./Preview.ts"

/** The decisions about one dead letter, with the words for them. */
const decisions = {
  redrive: { one: DeadLetters.redrive, done: "redriven" },
  discard: { one: DeadLetters.discard, done: "discarded" },
  restore: { one: DeadLetters.restore, done: "restored" }
} as const

type Verb = keyof typeof decisions

export const dryRun = Options.toggle("dry-run", "Show what would be done, and change nothing")

export const ids = Argument.String("id").pipe(
  Argument.withDescription("Ids of dead letters: 7, or the full length"),
  Argument.variadic()
)

const plural = (count: number): string => `${count} dead letter${count === 1 ? "" : "s"}`

/**
 * Decides about the named dead letters. All must exist, or nothing is changed. If another operator was first at some of
 * them, the others are decided, and the command ends with the conflict.
 */
export const decideEach = Effect.fnUntraced(function*(verb: Verb, given: ReadonlyArray<string>, dry: boolean) {
  const action = yield* operator
  const { done: past, one } = decisions[verb]
  const deadLetters = yield* Effect.forEach(new Set(given.map(Options.fullId)), DeadLetters.get)
  if (dry) {
    return yield* Output.emit({
      data: { dryRun: true, action: verb, deadLetters },
      lines: [
        Output.line(`Would ${verb} ${plural(deadLetters.length)}:`),
        ...deadLetterTable(deadLetters, yield* Rows.now)
      ]
    })
  }
  if (deadLetters.length > 1) yield* confirm(`${verb} ${plural(deadLetters.length)}?`)
  const done: Array<string> = []
  const refusals: Array<CliFailure> = []
  for (const { id } of deadLetters) {
    const refusal = yield* Effect.match(one(id, action), { onFailure: Failures.of, onSuccess: () => undefined })
    if (refusal === undefined) done.push(id)
    else refusals.push(refusal)
    // Only a decision of another operator leaves the others as they are. Any other failure would come again.
    if (refusal !== undefined && refusal.reason !== "conflict") break
  }
  if (done.length > 0) {
    yield* Output.emit({
      data: { action: past, done: done.length, deadLetterIds: done },
      items: done,
      lines: [Output.line(`${past} ${plural(done.length)}: ${done.map(Options.shortId).join(", ")}`)]
    })
  }
  const [first] = refusals
  if (first === undefined) return
  return yield* refusals.length === 1 ? first : new CliFailure({
    reason: first.reason,
    type: first.type,
    message: refusals.map(({ message }) => message).join("\n"),
    fields: { refused: refusals.map(({ fields }) => fields) }
  })
})

/** Discards all open dead letters that match now. */
const discardSet = Effect.fnUntraced(function*(
  filter: Omit<Filter, "state">,
  options: { readonly dry: boolean; readonly rate: number | undefined }
) {
  const set = yield* matching(filter)
  const preview = yield* Preview.make(filter, set)
  if (options.dry) {
    return yield* Output.emit({ data: { dryRun: true, ...preview }, lines: Preview.lines(preview) })
  }
  const action = yield* operator
  yield* Output.aside(Preview.lines(preview))
  const { count } = set.deadLetters
  if (count > 1) yield* confirm(`discard ${Preview.shown(set.deadLetters)}?`)
  const progress = yield* ProgressBar.make("discarded", set.deadLetters)
  let discarded = 0
  const { done } = yield* DeadLetters.discardAll(set, {
    ...action,
    rate: options.rate,
    onProgress: ({ done }) => {
      discarded = done
      return progress(done)
    }
  }).pipe(
    Effect.onInterrupt(() =>
      Output.stderr(
        `\nInterrupted. The number of discarded dead letters is at least ${discarded}, and the rest of the set is untouched.\n`
      )
    )
  )
  const others = set.deadLetters.more ? 0 : count - done
  yield* Output.emit({
    data: { action: "discarded", done, decidedByOthers: others },
    lines: [
      Output.line(`discarded ${plural(done)}.`),
      ...(others === 0 ? [] : [Output.line(`Other operators decided about ${others} of the set meanwhile.`)])
    ]
  })
})

/** The most dead letters of a search that one command decides about, one after the other. */
const mostSearched = 1_000

/** Returns the ids of the open dead letters that a search finds. */
const searchedIds = Effect.fnUntraced(function*(filter: Omit<Filter, "state">, search: Options.Search) {
  const operations = yield* Operations
  const found: Array<string> = []
  let before: string | undefined
  do {
    const page = yield* operations.searchDeadLetters({ ...filter, ...search, state: "open", before, limit: 1_000 })
    found.push(...page.deadLetters.map(({ id }) => id))
    before = page.next
  } while (before !== undefined && found.length <= mostSearched)
  if (found.length > mostSearched) {
    return yield* refused(
      "too-many",
      `More than ${mostSearched} dead letters match the search. Nothing was changed.\n`
        + "Narrow the search, or use filters without --text, --value and --died-on."
    )
  }
  const { payload, text, version } = search
  const value = payload === undefined ? undefined : `${payload.path.join(".")}:${payload.value}`
  return found.length > 0 ? found : yield* noneMatches(filter, { text, "died-on": version, value })
})

/** The flags that select many dead letters. */
export const selection = {
  ...Options.filter,
  ...Options.search,
  all: Options.toggle("all", "All open dead letters, if no filter is given")
}

/** The parsed flags of {@link selection}. */
type Selection = Options.Selected & Options.Searched & { readonly all: boolean }

/**
 * Returns the named dead letters, those that a search finds now, or the filter of a set. Ids and filters exclude each
 * other. One of the two is needed, or `--all`.
 */
export const chosen = Effect.fnUntraced(function*(ids: ReadonlyArray<string>, selected: Selection) {
  const filter = yield* Options.filterOf(selected)
  const search = yield* Options.searchOf(selected)
  const ways = [ids.length > 0, !(Options.isEmpty(filter) && Options.isEmpty(search)), selected.all]
  if (ways.filter((way) => way).length !== 1) {
    return yield* usage(
      ways.includes(true)
        ? "Ids, filters and --all exclude each other. Nothing was changed."
        : "Name the dead letters, or select them by a filter (--consumer, --failure, ...). Nothing was changed."
    )
  }
  if (ids.length > 0) return { ids, filter: undefined }
  return Options.isEmpty(search)
    ? { ids: undefined, filter }
    : { ids: yield* connected(searchedIds(filter, search)), filter: undefined }
})

const rate = Flag.Finite("rate").pipe(
  Flag.withMetavar("number"),
  Flag.withDescription("The most dead letters in a second. Default: no limit"),
  Flag.optional
)

export const discard = Command.make(
  "discard",
  { ids, ...selection, rate, dryRun },
  ({ dryRun, ids, rate, ...selected }) =>
    Effect.gen(function*() {
      const { filter, ids: named } = yield* chosen(ids, selected)
      yield* named !== undefined
        ? connected(decideEach("discard", named, dryRun))
        : connected(discardSet(filter, { dry: dryRun, rate: Option.getOrUndefined(rate) }))
    })
).pipe(Command.withDescription("Discard dead letters: their messages are never processed. `restore` undoes it"))

export const restore = Command.make("restore", { ids, dryRun }, ({ dryRun, ids }) =>
  ids.length === 0
    ? usage("Name the dead letters. `millrace dead list --state discarded` lists them. Nothing was changed.")
    : connected(decideEach("restore", ids, dryRun))).pipe(
    Command.withDescription("Undo the discard of dead letters")
  )
