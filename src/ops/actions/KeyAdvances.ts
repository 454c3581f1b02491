/**
 * Advances a held key: one message at a time, in order. An advance is one transaction, with its audit entry.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { ConsumerNotFound, NothingToAdvance } from "../../Errors.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as Isolation from "../../postgres/session/Isolation.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as AuditSql from "../../postgres/sql/audit.ts"
import * as ConsumersSql from "../../postgres/sql/consumerOperations.ts"
import * as DecisionsSql from "../../postgres/sql/decisions.ts"
import * as Sql from "../../postgres/sql/keyAdvances.ts"
import type { Names } from "../../postgres/sql/names.ts"
import type { OperatorAction } from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { KeyAdvance } from "../KeyFacts.ts"
import type { Operations } from "../Operations.ts"
import { type Row, text } from "../read/FactQuery.ts"

export const make = (client: SqlClient.SqlClient, names: Names): Pick<Operations["Service"], "advanceKey"> => {
  const sql = Sql.make(names)
  const consumers = ConsumersSql.make(names)
  const decisions = DecisionsSql.make(names)
  const audit = AuditSql.make(names).insert
  const run = (statement: string, params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
    client.unsafe<Row>(statement, params)

  const advance = Effect.fnUntraced(function*(consumer: string, key: string, { by, note = "" }: OperatorAction) {
    const [owner] = yield* run(consumers.keepConsumer, [consumer])
    if (owner === undefined) return yield* new ConsumerNotFound({ consumer })
    const queue = owner["id"]
    const [held] = yield* run(sql.held, [queue, key])
    if (held === undefined) return yield* new NothingToAdvance({ consumer, key, held: false })
    const [deadLetter] = yield* run(sql.parked, [queue, key])
    const [message] = yield* run(sql.first, [queue, held["lane"], key])
    const ofDeadLetter = deadLetter !== undefined
      && (message === undefined || BigInt(text(deadLetter, "seq")) <= BigInt(text(message, "seq")))
    const head = ofDeadLetter ? deadLetter : message
    if (head === undefined) return yield* new NothingToAdvance({ consumer, key, held: true })
    const seq = text(head, "seq")
    const id = text(head, ofDeadLetter ? "message_id" : "id")
    const moved = ofDeadLetter
      ? yield* Effect.as(run(decisions.decide, [[head["id"]], "redriven", by, note]), [head])
      : yield* run(sql.touch, [queue, held["lane"], seq, id])
    const kept = moved.length === 0 ? [] : yield* run(sql.through, [queue, key, seq, by])
    // The message was settled, or the hold ended, since this transaction looked.
    if (kept.length === 0) return yield* new NothingToAdvance({ consumer, key, held: moved.length === 0 })
    yield* run(audit, [by, "advanced", consumer, "", key, note, id])
    const result: KeyAdvance = {
      messageId: id,
      deadLetterId: ofDeadLetter ? text(head, "id").padStart(16, "0") : undefined
    }
    return result
  })

  return {
    advanceKey: (consumer, key, action) =>
      Effect.andThen(
        checked(action),
        Effect.catchTag(
          Isolation.transaction(client)(advance(consumer, key, action)),
          "SqlError",
          (error) => Effect.fail(PgFailure.storeFailure("advance a key")(error))
        )
      ).pipe(Effect.tap(Telemetry.operatorAction("advanced")))
  }
}
