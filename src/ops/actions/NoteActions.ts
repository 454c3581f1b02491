/**
 * Notes of operators about failure groups. The audit keeps them, and the newest one counts.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import { checked } from "../../internal/OperatorAction.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as AuditSql from "../../postgres/sql/audit.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Operations } from "../Operations.ts"
import type { FactQuery } from "../read/FactQuery.ts"

export const make = (
  { exists }: FactQuery,
  client: SqlClient.SqlClient,
  names: Names
): Pick<Operations["Service"], "noteFailure"> => {
  const { insert } = AuditSql.make(names)
  return {
    noteFailure: Effect.fnUntraced(function*(consumer, fingerprint, { by, note }) {
      yield* checked({ by, note })
      yield* exists(consumer)
      yield* Effect.mapError(
        client.unsafe(insert, [by, "noted", consumer, "", "", note, fingerprint]),
        PgFailure.storeFailure("note a failure")
      )
      yield* Telemetry.operatorAction("noted")
    })
  }
}
