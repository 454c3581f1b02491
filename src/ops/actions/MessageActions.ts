/**
 * Dead-letters a waiting message, in one transaction with its audit entry. So a suspect of a crash loop ends before its
 * next crash.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Failure } from "../../Delivery.ts"
import { ConsumerNotFound, MessageNotWaiting } from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as Isolation from "../../postgres/session/Isolation.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as AuditSql from "../../postgres/sql/audit.ts"
import * as ConsumersSql from "../../postgres/sql/consumerOperations.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as RemovalSql from "../../postgres/sql/removal.ts"
import * as LifeSql from "../../postgres/sql/serverLife.ts"
import type { OperatorAction } from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Operations } from "../Operations.ts"
import { number, type Row, text } from "../read/FactQuery.ts"

/** Returns the failure of a message that an operator dead-letters. No attempt was made for it. */
const byOperator = (at: number): Failure => ({
  attempt: 0,
  at,
  tag: "DeadLetteredByOperator",
  error: { _tag: "DeadLetteredByOperator" },
  message: "An operator dead-lettered this message while it waited.",
  stack: "",
  step: "queue",
  frame: "",
  worker: "",
  codeVersion: ""
})

export const make = (client: SqlClient.SqlClient, names: Names): Pick<Operations["Service"], "deadLetterMessage"> => {
  const sql = RemovalSql.make(names)
  const consumers = ConsumersSql.make(names)
  const audit = AuditSql.make(names).insert
  const begin = LifeSql.make(names).begin
  const run = (statement: string, params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
    client.unsafe<Row>(statement, params)

  const deadLetter = Effect.fnUntraced(function*(
    consumer: string,
    { id, key }: { readonly id: string; readonly key: string },
    { by, note = "" }: OperatorAction
  ) {
    const [owner] = yield* run(consumers.keepConsumer, [consumer])
    if (owner === undefined) return yield* new ConsumerNotFound({ consumer })
    const queue = owner["id"]
    const lane = keyHash(key) % number(owner, "lanes")
    const [found] = yield* run(sql.waiting, [queue, lane, id])
    if (found === undefined) return yield* new MessageNotWaiting({ consumer, id, key })
    // A server life must have begun before ids of dead letters are drawn.
    yield* run(begin, [])
    const failure = byOperator(yield* Clock.currentTimeMillis)
    const parked = text(found, "dead_letter_order") === "park"
    const place = [text(found, "seq"), id, parked]
    const [dead = {}] = yield* run(sql.deadLetterMessage, [queue, lane, JSON.stringify(failure), failure.tag, ...place])
    if (number(dead, "waiting") === 0) return yield* new MessageNotWaiting({ consumer, id, key })
    const deadLetterId = text(dead, "dead_letter")
    if (parked && deadLetterId !== "") yield* run(sql.park, [queue, text(found, "key"), lane, text(found, "seq")])
    const detail = `message ${id}, dead letter ${deadLetterId === "" ? "none, since it was a duplicate" : deadLetterId}`
    yield* run(audit, [by, "deadLettered", consumer, text(found, "topic"), text(found, "key"), note, detail])
    return deadLetterId === "" ? undefined : deadLetterId
  })

  return {
    deadLetterMessage: (consumer, { id, key = id }, action) =>
      Effect.andThen(
        checked(action),
        Effect.catchTag(
          Isolation.transaction(client)(deadLetter(consumer, { id, key }, action)),
          "SqlError",
          (error) => Effect.fail(PgFailure.storeFailure("dead-letter a message")(error))
        )
      ).pipe(Effect.tap(Telemetry.operatorAction("deadLettered")))
  }
}
