/**
 * `millrace dead groups`, `list` and `show`: the failures, the dead letters, and one of them with its attempts.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { DeadLetter } from "../../DeadLetter.ts"
import * as DeadLetters from "../../DeadLetters.ts"
import type { DeadLetterSearch } from "../../ops/DeadLetterSearch.ts"
import type { FailureFacts } from "../../ops/FailureFacts.ts"
import { Operations } from "../../ops/Operations.ts"
import type * as TraceLink from "../../ops/TraceLink.ts"
import { connected } from "../frame/Connect.ts"
import * as Output from "../output/Output.ts"
import * as SafeText from "../output/SafeText.ts"
import * as Times from "../output/Times.ts"
import { noneMatches } from "./Matching.ts"
import * as MessageTexts from "./MessageTexts.ts"
import * as Options from "./Options.ts"
import * as Rows from "./Rows.ts"

const { since: _since, ...filtersOfGroups } = Options.filter

export const groups = Command.make(
  "groups",
  {
    ...filtersOfGroups,
    ...Options.search,
    since: Times.flag("since", "Only failures whose last dead letter died at this time or later"),
    limit: Options.limit
  },
  ({ limit, since, ...selected }) =>
    Effect.gen(function*() {
      const from = yield* Times.given(Option.getOrUndefined(since))
      const fingerprint = Option.getOrUndefined(selected.failure)
      const { consumer, ...filter } = yield* Options.filterOf({
        ...selected,
        failure: Option.none(),
        since: Option.none()
      })
      const search = { ...filter, ...yield* Options.searchOf(selected) }
      const { all, now } = yield* connected(Effect.gen(function*() {
        const operations = yield* Operations
        const all = yield* operations.failures({ ...search, consumer, fingerprint, limit })
        if (all.length === 0 && fingerprint !== undefined) {
          const [version, text, value] = [selected.diedOn, selected.text, selected.value].map(Option.getOrUndefined)
          return yield* noneMatches({ ...filter, consumer, fingerprint }, { "died-on": version, text, value })
        }
        // The newest come first, so the limit cuts off none that is recent.
        return { all: all.filter(({ lastAt }) => lastAt >= (from ?? 0)), now: yield* Rows.now }
      }))
      yield* Output.emit({
        data: all,
        lines: Output.table(all, [
          { title: "CONSUMER", of: ({ consumer }) => consumer },
          { title: "ERROR", of: ({ tag }) => tag },
          { title: "DEAD", numeric: true, of: ({ deadLetters }) => Rows.countCell(deadLetters, "red") },
          { title: "FIRST", numeric: true, of: ({ firstAt }) => Times.ago(firstAt, now) },
          { title: "LAST", numeric: true, of: ({ lastAt }) => Times.ago(lastAt, now) },
          { title: "REASON", of: ({ reason }) => reason },
          { title: "DIED ON", of: ({ diedOn }) => Rows.versions(diedOn) },
          { title: "RUNS NOW", of: ({ runningNow }) => Rows.versions(runningNow) },
          { title: "FAILURE", of: ({ fingerprint }) => fingerprint },
          ...(all.some(({ note }) => note !== undefined)
            ? [{ title: "NOTE", of: ({ note }: FailureFacts) => note === undefined ? "" : `${note.text} (${note.by})` }]
            : [])
        ], Options.isEmpty({ ...search, since: from }) ? "No dead letter is open." : "No open dead letter matches.")
      })
      const [first] = all
      // A redrive of the group would also take those that do not match.
      if (first !== undefined && Options.isEmpty(search)) {
        yield* Output.hint(
          `next: millrace dead redrive --consumer ${first.consumer} --failure ${
            SafeText.forShell(first.fingerprint)
          } --dry-run`
        )
      }
    })
).pipe(Command.withDescription("Group open dead letters by cause, with the versions that they died on"))

/** Returns the table of dead letters. */
export const deadLetterTable = (all: ReadonlyArray<DeadLetter>, now: number): ReadonlyArray<Output.OutputLine> =>
  Output.table(all, [
    { title: "ID", of: ({ id }) => Options.shortId(id) },
    { title: "CONSUMER", of: ({ consumer }) => consumer },
    { title: "STATE", of: ({ parked, state }) => state === "open" && parked ? "open, parks" : state },
    { title: "KEY", of: ({ message }) => message.keyed ? message.key : "-" },
    { title: "MESSAGE", of: ({ message }) => message.id },
    { title: "DIED", numeric: true, of: ({ diedAt }) => Times.ago(diedAt, now) },
    { title: "TRIES", numeric: true, of: ({ attempts }) => String(attempts.length) },
    { title: "REASON", of: ({ reason }) => reason },
    { title: "ERROR", of: ({ attempts, tag }) => `${tag}: ${attempts.at(-1)?.message.split("\n")[0] ?? ""}` }
  ], "No dead letter matches.")

const state = Flag.Literals("state", ["open", "redriving", "resolved", "discarded", "any"]).pipe(
  Flag.withDescription("Only dead letters in this state. Default: open"),
  Flag.withDefault("open")
)

/** Reads pages of a search until it ends, or only the first one. Says how many dead letters a search looked at. */
const pages = Effect.fnUntraced(function*(search: DeadLetterSearch, all: boolean) {
  const operations = yield* Operations
  const found: Array<DeadLetter> = []
  let [before, looked] = [search.before, undefined as number | undefined]
  while (true) {
    const page = yield* operations.searchDeadLetters({ ...search, before })
    found.push(...page.deadLetters)
    if (page.looked !== undefined) looked = (looked ?? 0) + page.looked
    before = page.next
    if (!all || before === undefined) return { found, looked, next: before }
  }
})

export const list = Command.make(
  "list",
  {
    ...Options.filter,
    ...Options.search,
    state,
    limit: Options.limit,
    before: Options.before,
    all: Options.toggle("all", "All pages, and not only the first one")
  },
  ({ all, before, limit, state, ...selected }) =>
    Effect.gen(function*() {
      const search = {
        ...yield* Options.filterOf(selected),
        ...yield* Options.searchOf(selected),
        state: state === "any" ? undefined : state,
        before: Option.getOrUndefined(before),
        limit: all ? 1_000 : limit
      }
      const { found, looked, next, now } = yield* connected(Effect.gen(function*() {
        return { ...yield* pages(search, all), now: yield* Rows.now }
      }))
      yield* Output.emit({ data: found, next, lines: deadLetterTable(found, now) })
      if (looked !== undefined) yield* Output.hint(`The search looked at ${looked} dead letters.`)
      if (next !== undefined) yield* Output.hint(`There may be more: --before ${Options.numberOf(next)}`)
    })
).pipe(Command.withDescription("List dead letters, newest first"))

/** Returns the lines of one dead letter. */
const detail = (one: DeadLetter, now: number, link: TraceLink.Link | undefined): ReadonlyArray<Output.OutputLine> => [
  ...Output.pairs([
    ["dead letter", Options.shortId(one.id)],
    ["state", one.changedBy === "" ? one.state : `${one.state}, by ${one.changedBy} at ${Times.utc(one.changedAt)}`],
    ["consumer", one.consumer],
    ["topic", one.message.topic],
    ["message", one.message.id],
    ["key", one.message.keyed ? `${one.message.key}${one.parked ? " (parked: later messages wait)" : ""}` : "-"],
    ["reason", one.reason],
    ["failure", one.fingerprint],
    ["died", `${Times.utc(one.diedAt)}, ${Times.ago(one.diedAt, now)}`],
    ["published", Times.utc(one.message.publishedAt)],
    ["redriven", `${one.redriven} times`],
    ...MessageTexts.trace(one.message, link)
  ]),
  ...MessageTexts.attempts(one.attempts),
  ...MessageTexts.payload(`PAYLOAD (version ${one.message.version})`, one.message.payload),
  ...(one.original === undefined ? [] : MessageTexts.payload("PUBLISHED PAYLOAD, BEFORE THE EDIT", one.original)),
  ...MessageTexts.headers(one.message.headers)
]

export const show = Command.make(
  "show",
  { id: Options.argument("id", "The id of the dead letter: 7, or its full length"), traceUrl: Options.traceUrl },
  ({ id, traceUrl }) =>
    Effect.gen(function*() {
      const link = yield* Options.traceLink(traceUrl)
      const { now, one } = yield* connected(
        Effect.all({ one: DeadLetters.get(Options.fullId(id)), now: Rows.now })
      )
      yield* Output.emit({ data: one, lines: detail(one, now, link) })
    })
).pipe(Command.withDescription("Show one dead letter: its attempts, its payload, and who decided about it"))
