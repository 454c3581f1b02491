/**
 * The inbox for callers without a pipeline: entering under an id, the stored result, and how an id was decided.
 *
 * Two callers exclude each other by an advisory lock that is tried inside of the transaction: it ends with the transaction, also when
 * its backend dies, and who does not get it has nothing to wait for. The inbox row itself decides, as for a pipeline.
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
  // Forgotten by the retention just now: the next try finds it fresh.
  if (row === undefined) return { _tag: "Busy" }
  const settled = settledOf(row)
  if (settled._tag === "Dead") return settled
  // A pipeline's: whatever the message held, there is no result to give back.
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
  /** No answer: the number is no longer this consumer's. */
  const enterUnder = (queue: number, consumer: string, { fingerprint, id }: Claim) =>
    db.within(text.enter, [queue, id, fingerprint, names.channel, consumer]).pipe(
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
        // Removed, maybe by another process, since this one has looked: it is named anew.
        queues.forget(consumer)
        return Effect.flatMap(
          Effect.flatMap(queues.named(consumer), (queue) => enterUnder(queue, consumer, claim)),
          (entered): Effect.Effect<OnceClaim, StoreFailure> =>
            entered !== undefined
              ? Effect.succeed(entered)
              // Named after the snapshot of the transaction around it, or removed once more.
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
