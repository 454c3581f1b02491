/**
 * Operator actions on dead letters. One transaction locks and checks the dead letter, and calls the function in the
 * database that carries out the decision and writes the audit entry. If two operators decide at once, the second one
 * waits, and then sees the decision of the first one.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { State } from "../../DeadLetter.ts"
import { DeadLetterNotFound, type StoreFailure } from "../../Errors.ts"
import * as OperatorDecision from "../../internal/OperatorDecision.ts"
import * as MessageId from "../../MessageId.ts"
import type { DeadLetterStore, OperatorAction } from "../../Store.ts"
import type { Wake } from "../queue/Wake.ts"
import * as Isolation from "../session/Isolation.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Rows } from "../session/PgSession.ts"
import * as Sql from "../sql/decisions.ts"
import type { Names } from "../sql/names.ts"
import { filterOf } from "../sql/narrowing.ts"
import * as LifeSql from "../sql/serverLife.ts"
import { formatDeadLetterId, numberOf } from "./DeadLetterRow.ts"

/** An operator's decision. `before` runs before the function that carries it out, in the same transaction. */
interface LockedDecision extends OperatorDecision.OperatorDecision {
  readonly before?: (deadLetters: ReadonlyArray<bigint>) => Effect.Effect<unknown, SqlError>
}

/** Returns each kind of decision. */
const kinds = (db: PgDatabase, text: ReturnType<typeof Sql.make>) => {
  const markDead = (deadLetterId: bigint) =>
    Effect.flatMap(db.within(text.publishedPayload, [deadLetterId]), ([row]) => {
      const print = MessageId.ofMessage({ topic: String(row!["topic"]), payload: String(row!["payload"]) })
      return db.within(text.markDead, [row!["queue_id"], row!["message_id"], print, deadLetterId])
    })
  const redrive: LockedDecision = OperatorDecision.redriven
  const edited = (edit: { readonly payload: string; readonly version: number }): LockedDecision => ({
    ...OperatorDecision.edited,
    before: (deadLetters) => db.within(text.edit, [deadLetters[0], edit.payload, edit.version])
  })
  const discard: LockedDecision = OperatorDecision.discarded
  const release: LockedDecision = OperatorDecision.released
  const restore: LockedDecision = {
    ...OperatorDecision.restored,
    before: (deadLetters) => Effect.forEach(deadLetters, markDead, { discard: true })
  }
  return { redrive, edited, discard, release, restore }
}

/** Returns the conflict of a decision with the state of a locked dead letter, or undefined if there is none. */
const conflict = (kind: OperatorDecision.OperatorDecision, deadLetterId: string, row: Rows[number]) =>
  OperatorDecision.conflict(kind, {
    id: deadLetterId,
    state: row["state"] as State,
    parked: row["parked"] === true,
    changedBy: String(row["changed_by"]),
    changedAt: Math.floor(Number(row["changed_at"]))
  })

export const makeDecisions = (
  db: PgDatabase,
  names: Names,
  wake: Wake
): Pick<DeadLetterStore, "redrive" | "discard" | "restore" | "release" | "decideSome"> => {
  const text = Sql.make(names)
  const lives = LifeSql.make(names)
  const kind = kinds(db, text)

  /** Applies a decision to rows that are locked and checked. */
  const decide = Effect.fnUntraced(function*(decision: LockedDecision, rows: Rows, { by, note = "" }: OperatorAction) {
    const deadLetters = rows.map((row) => row["id"] as bigint)
    if (deadLetters.length === 0) return
    if (decision.before !== undefined) yield* decision.before(deadLetters)
    yield* db.within(text.decide, [deadLetters, decision.action, by, note])
    const queues = new Set(rows.map((row) => Number(row["queue_id"])))
    yield* db.sql.afterCommit(Effect.sync(() => queues.forEach((queue) => wake.published(queue))))
  })

  const one = Effect.fnUntraced(function*(decision: LockedDecision, deadLetterId: string, action: OperatorAction) {
    const n = numberOf(deadLetterId)
    const [row] = n === undefined ? [] : yield* db.within(text.lock, [n])
    if (row === undefined) return yield* new DeadLetterNotFound({ deadLetterId })
    const refused = conflict(decision, deadLetterId, row)
    if (refused !== undefined) return yield* refused
    yield* decide(decision, [row], action)
  })

  const run = <A, E extends { readonly _tag: string }>(
    operation: string,
    effect: Effect.Effect<A, E | SqlError>
  ): Effect.Effect<A, Exclude<E, SqlError> | StoreFailure> =>
    Effect.mapError(
      db.transaction(effect),
      (error) =>
        error._tag === "SqlError"
          ? PgFailure.storeFailure(operation)(error as SqlError)
          : error as Exclude<E, SqlError>
    )

  return {
    redrive: (deadLetterId, action, edit) =>
      run("redrive a dead letter", one(edit === undefined ? kind.redrive : kind.edited(edit), deadLetterId, action)),
    discard: (deadLetterId, action) => run("discard a dead letter", one(kind.discard, deadLetterId, action)),
    restore: (deadLetterId, action) => run("restore a dead letter", one(kind.restore, deadLetterId, action)),
    release: (deadLetterId, action) => run("release the key of a dead letter", one(kind.release, deadLetterId, action)),
    decideSome: (decision, { cutoff, filter }, { action, after, most }) =>
      run(
        `have dead letters ${decision}`,
        Effect.gen(function*() {
          // A transaction whose snapshot is older than the frozen set would miss some of the set's dead letters. So it
          // is refused.
          yield* Isolation.refuseOlder(db, `have dead letters ${decision}`)
          const [life, snapshot] = cutoff.split(" ")
          const [now] = yield* db.within(lives.read, [])
          if (snapshot === undefined || now?.["life"] !== life) return yield* PgFailure.staleSet
          const next = filter.consumer === undefined ? text.lockNext : text.lockNextOfOne
          const rows = yield* db.within(next, [...filterOf(filter), snapshot, numberOf(after) ?? 0n, most])
          yield* decide(decision === "redriven" ? kind.redrive : kind.discard, rows, action)
          return { deadLetterIds: rows.map((row) => formatDeadLetterId(row["id"])), more: rows.length === most }
        })
      )
  }
}
