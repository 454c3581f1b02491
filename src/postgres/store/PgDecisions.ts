/**
 * What people decide about dead letters: the dead letter is locked, looked at, changed, and who decided is written down, in one transaction. Of two
 * people at once the second one waits, and then sees what the first one did.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { State } from "../../DeadLetter.ts"
import { DeadLetterNotFound, StoreFailure } from "../../Errors.ts"
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
import * as LifeSql from "../sql/serverLife.ts"
import { filterOf, formatDeadLetterId, numberOf } from "./DeadLetterRow.ts"

type Step = (deadLetters: ReadonlyArray<bigint>) => Effect.Effect<unknown, SqlError>

/** A kind of decision, and what it does beside the dead letters, which are changed already. */
interface Deciding extends OperatorDecision.OperatorDecision {
  readonly apply: Step
}

/** The decisions, as steps on a database. */
const kinds = (db: PgDatabase, text: ReturnType<typeof Sql.make>) => {
  const on = (statement: string): Step => (deadLetters) => db.within(statement, [deadLetters])
  const goOn: Step = (deadLetters) => Effect.andThen(on(text.lockHolds)(deadLetters), on(text.goOn)(deadLetters))
  const putBack: Step = (deadLetters) => Effect.andThen(on(text.putBack)(deadLetters), goOn(deadLetters))
  const known = (deadLetterId: bigint) =>
    Effect.flatMap(db.within(text.published, [deadLetterId]), ([row]) => {
      const print = MessageId.ofMessage({ topic: String(row!["topic"]), payload: String(row!["payload"]) })
      return db.within(text.dead, [row!["queue_id"], row!["message_id"], print, deadLetterId])
    })
  const redrive: Deciding = { ...OperatorDecision.redriven, apply: putBack }
  const edited = (edit: { readonly payload: string; readonly version: number }): Deciding => ({
    ...OperatorDecision.edited,
    apply: (deadLetters) =>
      Effect.andThen(db.within(text.edit, [deadLetters[0], edit.payload, edit.version]), putBack(deadLetters))
  })
  const discard: Deciding = { ...OperatorDecision.discarded, apply: goOn }
  const release: Deciding = {
    ...OperatorDecision.released,
    apply: (deadLetters) => Effect.andThen(on(text.unpark)(deadLetters), goOn(deadLetters))
  }
  const restore: Deciding = {
    ...OperatorDecision.restored,
    apply: (deadLetters) =>
      Effect.forEach(deadLetters, known, { discard: true }).pipe(
        Effect.andThen(on(text.reopened)(deadLetters)),
        Effect.andThen(on(text.park)(deadLetters))
      )
  }
  return { redrive, edited, discard, release, restore }
}

/** The transaction ids of a frozen set mean other transactions by now. */
const forgotten = new StoreFailure({
  operation: "decide about a frozen set",
  kind: "refused",
  code: "",
  detail: "the set was frozen before the server lost its recent memory, in a crash or a failover",
  hint: "Freeze the set again, and look at it: what was decided before may have been lost with the server."
})

/** What speaks against a decision about a locked dead letter. */
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

  /** The rows are locked, and as they must be. */
  const decided = Effect.fnUntraced(function*(decision: Deciding, rows: Rows, { by, note = "" }: OperatorAction) {
    const deadLetters = rows.map((row) => row["id"] as bigint)
    if (deadLetters.length === 0) return
    yield* db.within(text.decide, [deadLetters, decision.next, by, decision.next === "redriving" ? 1 : 0])
    yield* db.within(text.audit, [deadLetters, by, decision.action, note])
    yield* decision.apply(deadLetters)
    const queues = new Set(rows.map((row) => Number(row["queue_id"])))
    yield* db.sql.afterCommit(Effect.sync(() => queues.forEach((queue) => wake.published(queue))))
  })

  const one = Effect.fnUntraced(function*(decision: Deciding, deadLetterId: string, action: OperatorAction) {
    const n = numberOf(deadLetterId)
    const [row] = n === undefined ? [] : yield* db.within(text.lock, [n])
    if (row === undefined) return yield* new DeadLetterNotFound({ deadLetterId })
    const refused = conflict(decision, deadLetterId, row)
    if (refused !== undefined) return yield* refused
    yield* decided(decision, [row], action)
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
          // An older snapshot would pass over dead letters of a set that was frozen after it.
          yield* Isolation.refuseOlder(db, `have dead letters ${decision}`)
          const [life, snapshot] = cutoff.split(" ")
          const [now] = yield* db.within(lives.read, [])
          if (snapshot === undefined || now?.["life"] !== life) return yield* forgotten
          const rows = yield* db.within(text.lockSome, [...filterOf(filter), snapshot, numberOf(after) ?? 0n, most])
          yield* decided(decision === "redriven" ? kind.redrive : kind.discard, rows, action)
          return { deadLetterIds: rows.map((row) => formatDeadLetterId(row["id"])), more: rows.length === most }
        })
      )
  }
}
