/**
 * Imports dead letters from an export, in one transaction with their audit entries.
 */
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { DeadLetter } from "../../DeadLetter.ts"
import { ConsumerNotFound, DeadLetterExists } from "../../Errors.ts"
import { keyHash } from "../../internal/KeyHash.ts"
import { checked } from "../../internal/OperatorAction.ts"
import * as MessageId from "../../MessageId.ts"
import * as Isolation from "../../postgres/session/Isolation.ts"
import * as PgFailure from "../../postgres/session/PgFailure.ts"
import * as ConsumersSql from "../../postgres/sql/consumerOperations.ts"
import * as Sql from "../../postgres/sql/imports.ts"
import type { Names } from "../../postgres/sql/names.ts"
import * as LifeSql from "../../postgres/sql/serverLife.ts"
import * as Telemetry from "../../Telemetry.ts"
import { type ImportAction, nameOf, repeatedIds } from "../DeadLetterImport.ts"
import type { Operations } from "../Operations.ts"
import { type Row, text } from "../read/FactQuery.ts"

/** Returns the row of a dead letter. One that was being redriven is open: its message is in no queue here. */
const rowOf = ({ attempts, message, original, state, ...deadLetter }: DeadLetter) => ({
  id: deadLetter.id,
  consumer: deadLetter.consumer,
  hash: keyHash(message.key),
  print: MessageId.ofMessage({ topic: message.topic, payload: original ?? message.payload }),
  message_id: message.id,
  topic: message.topic,
  key: message.key,
  keyed: message.keyed,
  payload: message.payload,
  original,
  headers: JSON.stringify(message.headers),
  version: message.version,
  published: message.publishedAt,
  reason: deadLetter.reason,
  state: state === "redriving" ? "open" : state,
  parked: deadLetter.parked,
  attempts: JSON.stringify(attempts),
  tag: deadLetter.tag,
  code_version: attempts.at(-1)?.codeVersion ?? "",
  fingerprint: deadLetter.fingerprint,
  redriven: deadLetter.redriven,
  died: deadLetter.diedAt,
  changed_by: deadLetter.changedBy,
  changed: deadLetter.changedAt
})

export const make = (client: SqlClient.SqlClient, names: Names): Pick<Operations["Service"], "importDeadLetters"> => {
  const { add } = Sql.make(names)
  const { keepConsumer } = ConsumersSql.make(names)
  const { begin } = LifeSql.make(names)
  const run = (statement: string, params: ReadonlyArray<unknown>): Effect.Effect<ReadonlyArray<Row>, SqlError> =>
    client.unsafe<Row>(statement, params)

  const imported = Effect.fnUntraced(function*(
    deadLetters: ReadonlyArray<DeadLetter>,
    { by, note = "", skipExisting = false }: ImportAction
  ) {
    const find = repeatedIds()
    for (const [i, deadLetter] of deadLetters.entries()) {
      const repeated = find(deadLetter, `dead letter ${i + 1} of the import`)
      if (repeated !== undefined) return yield* repeated
    }
    for (const consumer of new Set(deadLetters.map(({ consumer }) => consumer).toSorted())) {
      const [owner] = yield* run(keepConsumer, [consumer])
      if (owner === undefined) return yield* new ConsumerNotFound({ consumer })
    }
    const each = new Map(deadLetters.map((deadLetter) => [nameOf(deadLetter), deadLetter]))
    // A server life must have begun before ids of dead letters are drawn.
    yield* run(begin, [])
    const rows = yield* run(add, [JSON.stringify([...each.values()].map(rowOf)), by, note])
    const added = new Set(
      rows.filter((row) => row["added"] === true).map((row) =>
        JSON.stringify([text(row, "consumer"), text(row, "message_id")])
      )
    )
    // A message id that stands twice in the import exists at its second place.
    const existing = deadLetters.filter((deadLetter) =>
      each.get(nameOf(deadLetter)) !== deadLetter || !added.has(nameOf(deadLetter))
    )
    const [first] = existing
    // This failure undoes the import.
    if (first !== undefined && !skipExisting) {
      return yield* new DeadLetterExists({ consumer: first.consumer, messageId: first.message.id })
    }
    return { imported: deadLetters.length - existing.length, skipped: existing.length }
  })

  return {
    importDeadLetters: (deadLetters, action) =>
      Effect.andThen(
        checked(action),
        Effect.catchTag(
          Isolation.transaction(client)(imported(deadLetters, action)),
          "SqlError",
          (error) => Effect.fail(PgFailure.storeFailure("import dead letters")(error))
        )
      ).pipe(Effect.tap((done) => Telemetry.operatorAction("imported", done.imported)))
  }
}
