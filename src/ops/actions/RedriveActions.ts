/**
 * The operator actions on redrive runs. A start is one transaction, and every other action is one statement. Both write
 * the audit entry, too.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import {
  ConsumerNotFound,
  NothingToRedrive,
  RedriveRunConflict,
  RedriveRunning,
  RedriveRunNotFound,
  StoreFailure
} from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as Isolation from "../../postgres/session/Isolation.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as ConsumersSql from "../../postgres/sql/consumerOperations.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Sql from "../../postgres/sql/redriveActions.ts"
import * as LifeSql from "../../postgres/sql/serverLife.ts"
import type { Store } from "../../Store.ts"
import type { Operations } from "../Operations.ts"
import { type Row, text, time } from "../read/FactQuery.ts"
import { idOf, snapshotOf } from "../read/RedriveReader.ts"
import type { RedriveAction, RedrivePreview, RedriveRun, StartRedrive } from "../RedriveRun.ts"
import { defaults, refused } from "./RedriveSettings.ts"

type Reads = Pick<Operations["Service"], "previewRedrive" | "redriveRun">
type Actions = Pick<
  Operations["Service"],
  "startRedrive" | "continueRedrive" | "pauseRedrive" | "cancelRedrive" | "changeRedriveRate"
>

/** Returns the failure of an action that needs a database, on a store that is in memory. */
const inMemory = (engine: string): StoreFailure =>
  new StoreFailure({
    operation: "start a redrive run",
    kind: "refused",
    code: "",
    detail: `the store is "${engine}", which keeps no redrive runs`,
    hint: "Use DeadLetters.redriveAll there, or Postgres or PGlite."
  })

export const make = (
  client: SqlClient.SqlClient,
  names: Names,
  store: Store["Service"],
  { previewRedrive, redriveRun }: Reads
): Actions => {
  const sql = Sql.make(names)
  const consumers = ConsumersSql.make(names)
  const lives = LifeSql.make(names)
  const transaction = Isolation.transaction(client)
  const run = (statement: string, params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
    client.unsafe<Row>(statement, params)

  /** Inserts the run, if its set has the present server life and the consumer has no open run. Returns its id. */
  const insert = Effect.fnUntraced(function*(preview: RedrivePreview, options: StartRedrive) {
    const { consumer, deadLetters, set, upTo } = preview
    const { by, note = "", rate = preview.rate, stages = defaults.stages, stopRule } = options
    const [owner] = yield* run(consumers.lock, [consumer])
    if (owner === undefined) return yield* new ConsumerNotFound({ consumer })
    const [now] = yield* run(lives.read, [])
    if (now?.["life"] !== set.cutoff.split(" ")[0]) return yield* PgFailure.staleSet
    const [open] = yield* run(sql.openOf, [owner["id"]])
    if (open !== undefined) {
      return yield* new RedriveRunning({
        consumer,
        redriveRunId: text(open, "run"),
        state: text(open, "state"),
        by: text(open, "started_by"),
        at: time(open, "started") ?? 0
      })
    }
    const [started] = yield* run(sql.start, [
      owner["id"],
      JSON.stringify(set.filter),
      snapshotOf(set),
      deadLetters.value,
      deadLetters.kind !== "exact",
      upTo,
      rate,
      stages,
      options.askAfterFirst === true,
      stopRule?.inARow ?? defaults.inARow,
      stopRule?.ofLast20 ?? defaults.ofLast20,
      by,
      note
    ])
    return text(started ?? {}, "run")
  })

  const startRedrive: Actions["startRedrive"] = Effect.fnUntraced(function*(from, options) {
    yield* checked(options)
    const bad = refused(options)
    if (bad !== undefined) return yield* bad
    if (store.engine !== "postgres") return yield* inMemory(store.engine)
    const preview = "set" in from ? from : yield* previewRedrive(from)
    if (preview.upTo === undefined) return yield* new NothingToRedrive({ consumer: preview.consumer })
    const id = yield* Effect.catchTag(
      transaction(insert(preview, options)),
      "SqlError",
      (error) => Effect.fail(PgFailure.storeFailure("start a redrive run")(error))
    )
    return yield* found(id)
  })

  /**
   * Reads a run. Fails with `RedriveRunNotFound` if there is none: its id was never used, retention has deleted it, or
   * its consumer was removed.
   */
  const found = (id: string): Effect.Effect<RedriveRun, StoreFailure | RedriveRunNotFound> => redriveRun(id)

  /** Runs an action. If the run is in no state that allows it, fails with that state and with who changed it. */
  const change = Effect.fnUntraced(function*(
    statement: string,
    id: string,
    { action, asked }: { readonly action: string; readonly asked: string },
    { by, note = "", revision }: RedriveAction,
    more: ReadonlyArray<unknown> = []
  ) {
    if (idOf(id) === undefined) return yield* new RedriveRunNotFound({ redriveRunId: id })
    const [changed] = yield* Effect.mapError(
      run(statement, [id, by, note, action, revision ?? null, ...more]),
      PgFailure.storeFailure(`have a redrive run ${asked}`)
    )
    const now = yield* found(id)
    if (changed !== undefined) return now
    const { changedAt: at, changedBy, revision: present, state, stopped } = now
    return yield* new RedriveRunConflict({
      redriveRunId: id,
      asked,
      state: stopped?.by === "copied" ? `${state} permanently, in a copy of its database` : state,
      revision: present,
      by: changedBy,
      at
    })
  })

  const withRate = Effect.fnUntraced(function*(
    statement: string,
    words: { readonly action: string; readonly asked: string },
    id: string,
    action: RedriveAction & { readonly rate?: number | undefined }
  ) {
    const bad = refused({ rate: action.rate })
    if (bad !== undefined) return yield* bad
    yield* checked(action)
    return yield* change(statement, id, words, action, [action.rate ?? null])
  })

  return {
    startRedrive,
    continueRedrive: (id, action) => withRate(sql.continue, { action: "continued", asked: "continued" }, id, action),
    pauseRedrive: (id, action) =>
      Effect.andThen(checked(action), change(sql.pause, id, { action: "paused", asked: "paused" }, action)),
    cancelRedrive: (id, action) =>
      Effect.andThen(checked(action), change(sql.cancel, id, { action: "cancelled", asked: "cancelled" }, action)),
    changeRedriveRate: (id, action) =>
      withRate(sql.rate, { action: "rateChanged", asked: "given another rate" }, id, action)
  }
}
