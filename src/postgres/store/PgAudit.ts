/**
 * Reads the audit. The entries are written elsewhere: each operator action writes its entry in its own transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Action, Entry } from "../../Audit.ts"
import * as Page from "../../internal/Page.ts"
import type { AuditStore } from "../../Store.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as AuditSql from "../sql/audit.ts"
import type { Names } from "../sql/names.ts"
import { formatDeadLetterId, numberOf } from "./DeadLetterRow.ts"

const entryOf = (row: Rows[number]): Entry => ({
  id: formatDeadLetterId(row["entry"]),
  at: Math.floor(Number(row["at"])),
  by: String(row["done_by"]),
  action: row["action"] as Action,
  consumer: String(row["consumer"]),
  deadLetterId: String(row["dead_letter_id"]),
  redriveRunId: String(row["run_id"]),
  topic: String(row["topic"]),
  key: String(row["key"]),
  note: String(row["note"]),
  detail: String(row["detail"])
})

export const make = (db: PgDatabase, names: Names): AuditStore => {
  const text = AuditSql.make(names)
  return {
    list: (query) =>
      Effect.mapBoth(
        db.unprepared(text.list(AuditSql.isFaceted(query)), [
          query.about ?? null,
          query.consumer ?? null,
          query.deadLetterId === undefined ? null : numberOf(query.deadLetterId) ?? 0n,
          query.by ?? null,
          query.action ?? null,
          query.before === undefined ? null : numberOf(query.before) ?? 0n,
          Page.rows(query.limit),
          query.redriveRunId === undefined ? null : numberOf(query.redriveRunId) ?? 0n
        ]),
        { onFailure: PgFailure.storeFailure("list the audit"), onSuccess: (rows) => rows.map(entryOf) }
      )
  }
}
