/**
 * Purges a queue: deletes the messages that waited when an operator looked, in one transaction with its audit entry.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { ConsumerNotFound, QueueChanged } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as Isolation from "../../postgres/session/Isolation.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as AuditSql from "../../postgres/sql/audit.ts"
import * as ConsumersSql from "../../postgres/sql/consumerOperations.ts"
import * as DecisionsSql from "../../postgres/sql/decisions.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Sql from "../../postgres/sql/purge.ts"
import * as RemovalSql from "../../postgres/sql/removal.ts"
import * as LifeSql from "../../postgres/sql/serverLife.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Operations } from "../Operations.ts"
import type { PurgeAction, PurgePreview, QueuedMessage } from "../Purge.ts"
import { type FactQuery, number, type Row, text, time } from "../read/FactQuery.ts"

type Purges = Pick<Operations["Service"], "previewPurge" | "purgeable" | "purge">

const snapshotOf = ({ cutoff }: PurgePreview): string => cutoff.split(" ")[1] ?? ""

/** A place before every other one. */
const beginning = "-1 0"

const messageOf = (row: Row): QueuedMessage => ({
  id: text(row, "id"),
  topic: text(row, "topic"),
  key: row["keyed"] === true ? text(row, "key") : undefined,
  payload: text(row, "payload"),
  headers: JSON.parse(text(row, "headers")) as Readonly<Record<string, string>>,
  version: number(row, "version"),
  publishedAt: time(row, "published") ?? 0,
  place: `${text(row, "lane")} ${text(row, "seq")}`
})

export const make = ({ exists, read }: FactQuery, client: SqlClient.SqlClient, names: Names): Purges => {
  const sql = Sql.make(names)
  const [consumers, removal] = [ConsumersSql.make(names), RemovalSql.make(names)]
  const [decisions, lives] = [DecisionsSql.make(names), LifeSql.make(names)]
  const audit = AuditSql.make(names).insert
  const run = (statement: string, params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
    client.unsafe<Row>(statement, params)

  const deleted = Effect.fnUntraced(function*(preview: PurgePreview, { by, expect, note = "" }: PurgeAction) {
    const { consumer, cutoff } = preview
    const [owner] = yield* run(consumers.lock, [consumer])
    if (owner === undefined) return yield* new ConsumerNotFound({ consumer })
    // Commits under way end first, and no other one begins. So no message is both committed and deleted.
    yield* run(removal.lockLanes, [owner["id"]])
    const [now] = yield* run(lives.read, [])
    if (now?.["life"] !== cutoff.split(" ")[0]) return yield* PgFailure.staleSet
    const [gone = {}] = yield* run(sql.purge, [owner["id"], snapshotOf(preview)])
    const found = number(gone, "n")
    // This failure undoes the delete.
    if (found !== expect) return yield* new QueueChanged({ consumer, expected: expect, found })
    yield* run(decisions.decide, [gone["redriven"], "discarded", by, note])
    yield* run(audit, [by, "purged", consumer, "", "", note, `${found} messages`])
    return found
  })

  return {
    previewPurge: Effect.fnUntraced(function*(consumer) {
      yield* exists(consumer)
      const [row = {}] = yield* read("look at the queue", sql.preview, [consumer])
      return {
        consumer,
        messages: number(row, "n"),
        redriven: number(row, "redriven"),
        oldestAt: time(row, "oldest"),
        cutoff: text(row, "cutoff")
      }
    }),
    purgeable: (preview, after = beginning) =>
      Effect.map(
        read("read the messages of the queue", sql.page, [
          preview.consumer,
          snapshotOf(preview),
          ...after.split(" "),
          100
        ]),
        (rows) => rows.map(messageOf)
      ),
    purge: (preview, action) =>
      Effect.andThen(
        checked(action),
        Effect.catchTag(
          Isolation.transaction(client)(deleted(preview, action)),
          "SqlError",
          (error) => Effect.fail(PgFailure.storeFailure("purge the queue")(error))
        )
      ).pipe(Effect.tap(Telemetry.operatorAction("purged")))
  }
}
