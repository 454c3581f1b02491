/**
 * Previews, redrive runs and purges on a server. The sets of previews stay on the server, so `cutoff` is the id under
 * which the server keeps one for 10 minutes.
 */
import * as Effect from "effect/Effect"
import { NothingToRedrive, RedriveRunConflict } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import { refused } from "../../ops/actions/RedriveSettings.ts"
import type { Count } from "../../ops/Fact.ts"
import type { Operations } from "../../ops/Operations.ts"
import type { RedriveAction, RedriveRun } from "../../ops/RedriveRun.ts"
import type { Run } from "../schema/RunSchema.ts"
import { dataOf, given, queryOf, type Whole } from "./HttpFacts.ts"
import type { Known } from "./ServerAnswers.ts"
import { type ActionHeaders, checkedAction, type Client, type ServerCalls } from "./ServerCalls.ts"

type RunActions = Pick<
  Operations["Service"],
  | "previewRedrive"
  | "startRedrive"
  | "redriveRun"
  | "redriveRuns"
  | "continueRedrive"
  | "pauseRedrive"
  | "cancelRedrive"
  | "changeRedriveRate"
>

/** Counting of a frozen set ends there. */
const mostOfSet = 10_000

const boundedOf = ({ kind, value }: Count) => ({
  count: Math.min(value, mostOfSet),
  more: kind !== "exact" || value > mostOfSet
})

const runOf = (answer: Whole<typeof Run.Type>): RedriveRun => {
  const { etag: _etag, ...run } = answer
  return run
}

/** Returns the run of an answer with headers. */
const inBody = <A extends { readonly body: { readonly data: typeof Run.Type } }, E, R>(
  answer: Effect.Effect<A, E, R>
) => Effect.map(dataOf(Effect.map(answer, ({ body }) => body)), runOf)

/** The actions on a run, each with the words of its errors and its request. */
const actions = {
  continue: "continued",
  pause: "paused",
  cancel: "cancelled",
  rate: "given another rate"
} as const

/** Sends an action on a run in the revision that the operator saw. */
const send = (
  client: Client,
  verb: keyof typeof actions,
  request: {
    readonly params: { readonly id: string }
    readonly headers: ActionHeaders & { readonly "if-match": string }
  },
  { rate, ...note }: { readonly rate?: number; readonly note?: string }
) => {
  const { runs } = client
  return verb === "continue"
    ? inBody(runs.continue({ ...request, payload: { ...given({ rate }), ...note } }))
    : verb === "rate"
    ? inBody(runs.rate({ ...request, payload: { rate: rate ?? 0, ...note } }))
    : inBody(runs[verb]({ ...request, payload: note }))
}

/** How often an action without a revision is sent again, since the run changed after it was read. */
const most = 3

const acting = (calls: ServerCalls, redriveRun: RunActions["redriveRun"]) => {
  const act = checkedAction(calls)
  const change = Effect.fnUntraced(function*(
    verb: keyof typeof actions,
    id: string,
    action: RedriveAction & { readonly rate?: number | undefined }
  ) {
    const asked = actions[verb]
    const about = { redriveRunId: id, asked }
    let left = action.revision === undefined ? most : 0
    while (true) {
      const revision = action.revision ?? (yield* redriveRun(id)).revision
      const names = ["RedriveRunNotFound", "RedriveRunConflict", "StaleVersion"] satisfies ReadonlyArray<Known>
      const done = yield* Effect.result(
        act(
          `have a redrive run ${asked}`,
          action,
          about,
          names,
          (client, headers, note) =>
            send(client, verb, { params: { id }, headers: { ...headers, "if-match": `"r${revision}"` } }, {
              ...given({ rate: action.rate }),
              ...note
            })
        )
      )
      if (done._tag === "Success") return done.success
      if (done.failure._tag === "StaleVersion" && left-- > 0) continue
      if (done.failure._tag !== "StaleVersion" && done.failure._tag !== "RedriveRunConflict") {
        return yield* done.failure
      }
      // A problem has no revision, so the run is read once more.
      const now = yield* redriveRun(id)
      return yield* new RedriveRunConflict({
        redriveRunId: id,
        asked,
        state: done.failure._tag === "RedriveRunConflict" ? done.failure.state : now.state,
        revision: now.revision,
        by: now.changedBy,
        at: now.changedAt
      })
    }
  })
  const withRate = Effect.fnUntraced(function*(
    verb: "continue" | "rate",
    id: string,
    action: RedriveAction & { readonly rate?: number | undefined }
  ) {
    const bad = refused({ rate: action.rate })
    if (bad !== undefined) return yield* bad
    return yield* change(verb, id, action)
  })
  return {
    continueRedrive: (id, action) => withRate("continue", id, action),
    changeRedriveRate: (id, action) => withRate("rate", id, action),
    pauseRedrive: (id, action) => change("pause", id, action),
    cancelRedrive: (id, action) => change("cancel", id, action)
  } satisfies Partial<RunActions>
}

/** Makes the redrive runs of a server. */
export const make = (calls: ServerCalls): RunActions => {
  const { act, ask } = calls
  const redriveRun: RunActions["redriveRun"] = (id) =>
    ask(
      "read a redrive run",
      { redriveRunId: id },
      ["RedriveRunNotFound"],
      (client) => inBody(client.runs.one({ params: { id } }))
    )
  const previewRedrive: RunActions["previewRedrive"] = (filter) =>
    ask(
      "preview a redrive",
      { consumer: filter.consumer },
      ["ConsumerNotFound"],
      (client) => dataOf(client.previews.make({ payload: { ...queryOf(filter), consumer: filter.consumer } }))
    ).pipe(
      Effect.map((answer) => {
        const { expiresAt: _expiresAt, filter: kept, preview: cutoff, ...preview } = answer
        return { ...preview, set: { filter: kept, cutoff, deadLetters: boundedOf(preview.deadLetters) } }
      })
    )
  return {
    redriveRun,
    previewRedrive,
    redriveRuns: ({ consumer, limit = 20, open = false } = {}) =>
      ask(
        "read the redrive runs",
        { consumer },
        ["ConsumerNotFound"],
        (client) =>
          dataOf(client.runs.list({ query: { ...given({ consumer }), open: open ? "true" : "false", limit } }))
      ).pipe(
        Effect.map((all) => all.map(runOf))
      ),
    startRedrive: Effect.fnUntraced(function*(from, options) {
      yield* checked(options)
      const bad = refused(options)
      if (bad !== undefined) return yield* bad
      const preview = "set" in from ? from : yield* previewRedrive(from)
      const { consumer, set: { cutoff } } = preview
      if (preview.upTo === undefined) return yield* new NothingToRedrive({ consumer })
      const { askAfterFirst, rate, stages, stopRule } = options
      return yield* act(
        "start a redrive run",
        options,
        { consumer },
        ["ConsumerNotFound", "NothingToRedrive", "RedriveRunning"],
        (client, headers, note) =>
          inBody(client.runs.start({
            headers,
            payload: {
              preview: cutoff,
              ...given({ rate, stages, askAfterFirst, stopRule: stopRule && given(stopRule) }),
              ...note
            }
          }))
      )
    }),
    ...acting(calls, redriveRun)
  }
}
