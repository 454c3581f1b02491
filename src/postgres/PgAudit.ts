/**
 * The record of what people did, read. Who does something writes it, in the same transaction.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Action, Entry } from "../Audit.ts"
import * as Page from "../Page.ts"
import type { AuditStore } from "../Store.ts"
import { letterId, numberOf } from "./LetterRow.ts"
import type { PgDatabase } from "./PgClient.ts"
import * as PgFailure from "./PgFailure.ts"
import type { Rows } from "./PgSession.ts"
import * as AuditSql from "./sql/audit.ts"
import type { Names } from "./sql/names.ts"

const entryOf = (row: Rows[number]): Entry => ({
  id: letterId(row["entry"]),
  at: Math.floor(Number(row["at"])),
  by: String(row["who"]),
  action: row["action"] as Action,
  consumer: String(row["consumer"]),
  letter: String(row["letter"]),
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
        db.query(text.list, [
          query.about === undefined ? null : query.about === "letters",
          query.consumer ?? null,
          query.letter === undefined ? null : numberOf(query.letter) ?? 0n,
          query.by ?? null,
          query.action ?? null,
          query.before === undefined ? null : numberOf(query.before) ?? 0n,
          Page.rows(query.limit)
        ]),
        { onFailure: PgFailure.storeFailure("list the audit"), onSuccess: (rows) => rows.map(entryOf) }
      )
  }
}
