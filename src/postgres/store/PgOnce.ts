/**
 * The inbox for `Inbox.once`: claims an id, stores a result, and looks up the outcome of an id.
 *
 * Two callers with one id exclude each other by an advisory lock, which each caller tries to take in its transaction.
 * The lock ends with the transaction, also when the server process of the session dies. A caller that does not get the
 * lock does not wait in the database. The lock only avoids such waits. The inbox row alone decides that the effect runs
 * once, as for a pipeline.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { StoreFailure } from "../../Errors.ts"
import type { Claim, InboxRecord, InboxStore, OnceClaim } from "../../Store.ts"
import * as Isolation from "../session/Isolation.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as Sql from "../sql/inbox.ts"
import type { Names } from "../sql/names.ts"
import type { Queues } from "./PgConsumers.ts"
import type { PgWatchers } from "./PgWatchers.ts"

const settledOf = (row: Rows[number]): InboxRecord =>
  row["outcome"] === "dead" ? { _tag: "Dead", deadLetterId: String(row["dead_letter_id"]) } : { _tag: "Committed" }

const known = (row: Rows[number] | undefined, fingerprint: string): OnceClaim => {
  // Retention has deleted the row since the claim found it. `Busy` makes the caller try again, and then the id is
  // fresh.
  if (row === undefined) return { _tag: "Busy" }
  const settled = settledOf(row)
  if (settled._tag === "Dead") return settled
  // An id without a stored result was committed by a pipeline. Its content is not compared.
  if (typeof row["result"] !== "string") return { _tag: "Committed", result: undefined }
  return row["fingerprint"] === fingerprint ? { _tag: "Committed", result: row["result"] } : { _tag: "Conflict" }
}

export const make = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  watchers: PgWatchers
): Omit<InboxStore, "claim"> => {
  const text = Sql.make(names)
  /** Claims an id in this queue. Returns undefined if the queue's number no longer belongs to this consumer. */
  const enterUnder = (queue: number, consumer: string, { fingerprint, id }: Claim) =>
    db.within(text.claimOnce, [queue, id, fingerprint, names.channel, consumer]).pipe(
      Effect.flatMap(([row]): Effect.Effect<OnceClaim | undefined, SqlError> =>
        row === undefined
          ? Effect.undefined
          : row["mine"] !== true
          ? Effect.succeed({ _tag: "Busy" })
          : row["fresh"] === true
          ? Effect.succeed({ _tag: "Fresh" })
          : Effect.map(db.within(text.stored, [queue, id]), ([row]) => known(row, fingerprint))
      ),
      Effect.mapError(PgFailure.storeFailure("claim an id in the inbox"))
    )
  const enter = (consumer: string, claim: Claim): Effect.Effect<OnceClaim, StoreFailure> =>
    Effect.flatMap(queues.named(consumer), (queue) => enterUnder(queue, consumer, claim)).pipe(
      Effect.flatMap((entered) => {
        if (entered !== undefined) return Effect.succeed(entered)
        // The consumer was removed after this process had remembered its number. So its name is registered again.
        queues.forget(consumer)
        return Effect.flatMap(
          Effect.flatMap(queues.named(consumer), (queue) => enterUnder(queue, consumer, claim)),
          (entered): Effect.Effect<OnceClaim, StoreFailure> =>
            entered !== undefined
              ? Effect.succeed(entered)
              // Either this transaction's snapshot does not show the new registration, which fails here, or the
              // consumer was removed once more.
              : Effect.as(Isolation.refuseUnseen(db, "claim an id in the inbox"), { _tag: "Busy" })
        )
      })
    )
  return {
    claimOnce: enter,
    storeResult: (consumer, id, result) =>
      Effect.flatMap(queues.named(consumer), (queue) =>
        db.within(text.remember, [queue, id, result]).pipe(
          Effect.andThen(db.sql.afterCommit(Effect.sync(() => watchers.settled(consumer, [{ id }])))),
          Effect.mapError(PgFailure.storeFailure("store a result"))
        )),
    lookup: (consumer, id) =>
      Effect.mapBoth(db.query(text.settled, [consumer, id]), {
        onFailure: PgFailure.storeFailure("look up an id in the inbox"),
        onSuccess: ([row]) => row === undefined ? undefined : settledOf(row)
      }),
    watch: (consumer, id, elsewhere) => watchers.watch(consumer, id, elsewhere)
  }
}
