/**
 * Reads redrive runs, and previews what a run would redrive.
 */
import * as Effect from "effect/Effect"
import type { Filter, FrozenSet } from "../../DeadLetter.ts"
import { ConsumerNotFound, RedriveRunNotFound, type StoreFailure } from "../../Errors.ts"
import * as Page from "../../internal/Page.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Narrowing from "../../postgres/sql/narrowing.ts"
import * as Sql from "../../postgres/sql/redriveActions.ts"
import type { Store } from "../../Store.ts"
import { upTo } from "../Fact.ts"
import type { Operations } from "../Operations.ts"
import type { RedrivePreview, RedriveRun, RedriveState, RedriveStop, RedriveWarning } from "../RedriveRun.ts"
import { type FactQuery, number, type Row, text, texts, time } from "./FactQuery.ts"

/** How many dead letters of a set are read for its keys, versions and times. */
const mostRead = 10_000

/** Returns the snapshot of a frozen set. */
export const snapshotOf = (set: FrozenSet): string => set.cutoff.split(" ")[1] ?? ""

const stopSentences: Readonly<Record<RedriveStop["by"], (run: Row) => string>> = {
  inARow: (row) => `The last ${number(row, "in_a_row")} messages failed again with ${text(row, "stopped_for")}.`,
  ofLast20: (row) =>
    `${number(row, "of_recent")} of the last 20 messages failed again with ${text(row, "stopped_for")}.`,
  stage: (row) => `Every message of stage ${number(row, "stage") + 1} failed again with ${text(row, "stopped_for")}.`,
  copied: () => "The database is a copy from another cluster, where the set has no meaning. Start a new run."
}

const stoppedOf = (row: Row): RedriveStop | undefined => {
  const stored = text(row, "stopped_by")
  if (stored === "") return undefined
  const by = (stored === "ofRecent" ? "ofLast20" : stored) as RedriveStop["by"]
  return { by, fingerprint: text(row, "stopped_for"), sentence: stopSentences[by](row) }
}

const runOf = (row: Row, untouched: RedriveRun["untouched"]): RedriveRun => {
  const [committed, duplicate, failedAgain] = [
    number(row, "committed"),
    number(row, "duplicate"),
    number(row, "failed")
  ]
  // The total was counted further when the run started.
  const left = untouched.kind === "exact"
    ? untouched.value
    : Math.max(untouched.value, number(row, "total") - number(row, "redriven"))
  const [redriven, rate, state] = [number(row, "redriven"), number(row, "rate"), text(row, "state") as RedriveState]
  return {
    id: text(row, "run"),
    consumer: text(row, "consumer"),
    filter: JSON.parse(text(row, "filter")) as Filter,
    upTo: text(row, "up_to"),
    state,
    stopped: stoppedOf(row),
    rate,
    stages: (row["stages"] as ReadonlyArray<unknown>).map(Number),
    stage: number(row, "stage") + 1,
    askAfterFirst: row["asks"] === true,
    stopRule: { inARow: number(row, "in_a_row"), ofLast20: number(row, "of_recent") },
    deadLetters: { value: number(row, "total"), kind: row["more"] === true ? "atLeast" : "exact" },
    redriven,
    committed,
    duplicate,
    failedAgain,
    waiting: redriven - committed - duplicate - failedAgain,
    untouched,
    leftMillis: state === "running" ? (left / rate) * 1000 : undefined,
    startedBy: text(row, "started_by"),
    startedAt: time(row, "started") ?? 0,
    note: text(row, "note"),
    changedBy: text(row, "changed_by"),
    changedAt: time(row, "changed") ?? 0,
    revision: number(row, "revision")
  }
}

const warningsOf = (
  around: Row,
  preview: Pick<RedrivePreview, "keys" | "parkedKeys" | "diedOn" | "runningNow">
): ReadonlyArray<RedriveWarning> => {
  const { diedOn, keys, parkedKeys, runningNow } = preview
  const loose = keys - parkedKeys
  const [version] = diedOn
  const same = diedOn.length === 1 && runningNow.length === 1 && runningNow[0] === version
  const run = text(around, "run")
  const all: ReadonlyArray<readonly [applies: boolean, about: RedriveWarning["about"], sentence: string]> = [
    [
      loose > 0,
      "orderGone",
      `${loose} of ${keys} keys are not parked. Later messages of them may be committed already, and these would come after them.`
    ],
    [same, "sameVersion", `They died on version ${version}, which is the only version that runs now.`],
    [number(around, "workers") === 0, "noWorker", "No worker of this consumer lives, so the run would not begin."],
    [
      text(around, "paused_by") !== "",
      "paused",
      `The consumer is paused by ${text(around, "paused_by")}, so the run would not begin.`
    ],
    [run !== "", "runOpen", `Redrive run ${run} is not over. Continue it, or cancel it first.`]
  ]
  return all.flatMap(([applies, about, sentence]) => applies ? [{ about, sentence }] : [])
}

/** Returns the number in an id, or undefined if the text is no id. */
export const idOf = (id: string): string | undefined => /^\d{16}$/.test(id) ? id : undefined

export const make = (
  { exists, read }: FactQuery,
  names: Names,
  store: Store["Service"]
): Pick<Operations["Service"], "previewRedrive" | "redriveRun" | "redriveRuns"> => {
  const sql = Sql.make(names)

  const withCounts = Effect.fnUntraced(function*(row: Row): Effect.fn.Return<RedriveRun, StoreFailure> {
    if (text(row, "state") === "finished") return runOf(row, { value: 0, kind: "exact" })
    const set = JSON.parse(text(row, "filter")) as Filter
    const [left] = yield* read("count what a redrive run has not redriven", sql.untouched(Narrowing.wayOf(set)), [
      ...Narrowing.params(set, text(row, "cursor")),
      Page.countTo + 1,
      text(row, "snapshot")
    ])
    return runOf(row, upTo(number(left ?? {}, "n"), Page.countTo))
  })

  const list = (id: string | undefined, consumer: string | undefined, open: boolean, limit: number) =>
    Effect.flatMap(
      read("look at redrive runs", sql.list, [id ?? null, consumer ?? null, open, limit]),
      (rows) => Effect.forEach(rows, withCounts)
    )

  const previewRedrive: Operations["Service"]["previewRedrive"] = Effect.fnUntraced(function*(filter) {
    const { consumer } = filter
    const [around] = yield* read("look at the consumer of a redrive", sql.surroundings, [consumer])
    if (around === undefined) return yield* new ConsumerNotFound({ consumer })
    const set = yield* store.deadLetters.freeze(filter)
    const [seen = {}] = yield* read("preview a redrive", sql.preview(Narrowing.wayOf(set.filter)), [
      ...Narrowing.params(set.filter),
      Page.countTo + 1,
      snapshotOf(set),
      mostRead
    ])
    const preview = {
      consumer,
      set,
      deadLetters: upTo(number(seen, "n"), Page.countTo),
      keys: number(seen, "keys"),
      parkedKeys: number(seen, "parked_keys"),
      firstAt: time(seen, "first"),
      lastAt: time(seen, "last"),
      diedOn: texts(seen, "died_on"),
      runningNow: texts(around, "running_now"),
      upTo: text(seen, "up_to") === "" ? undefined : text(seen, "up_to"),
      // A tenth of the messages of 300 seconds.
      rate: Math.max(1, number(around, "committed") / 3_000)
    }
    return { ...preview, warnings: warningsOf(around, preview) }
  })

  return {
    previewRedrive,
    redriveRun: (redriveRunId) =>
      Effect.flatMap(
        idOf(redriveRunId) === undefined ? Effect.succeed([]) : list(redriveRunId, undefined, false, 1),
        ([run]) => run === undefined ? Effect.fail(new RedriveRunNotFound({ redriveRunId })) : Effect.succeed(run)
      ),
    redriveRuns: ({ consumer, limit = 20, open = false } = {}) =>
      Effect.andThen(exists(consumer), list(undefined, consumer, open, Math.min(100, Math.max(1, limit))))
  }
}
