/**
 * What people decide about letters: the letter is locked, looked at, changed, and who decided is written down, in one transaction. Of two
 * people at once the second one waits, and then sees what the first one did.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { State } from "../DeadLetter.ts"
import * as Decision from "../Decision.ts"
import { DeadLetterNotFound, StoreFailure } from "../Errors.ts"
import * as MessageId from "../MessageId.ts"
import type { Act, DeadLetterStore } from "../Store.ts"
import { filterOf, letterId, numberOf } from "./LetterRow.ts"
import type { PgDatabase } from "./PgClient.ts"
import * as PgFailure from "./PgFailure.ts"
import type { Rows } from "./PgSession.ts"
import * as Sql from "./sql/decisions.ts"
import type { Names } from "./sql/names.ts"
import * as LifeSql from "./sql/serverLife.ts"
import type { Wake } from "./Wake.ts"

type Step = (letters: ReadonlyArray<bigint>) => Effect.Effect<unknown, SqlError>

/** A kind of decision, and what it does beside the letters, which are changed already. */
interface Deciding extends Decision.Decision {
  readonly act: Step
}

/** The decisions, as steps on a database. */
const kinds = (db: PgDatabase, text: ReturnType<typeof Sql.make>) => {
  const on = (statement: string): Step => (letters) => db.within(statement, [letters])
  const goOn: Step = (letters) => Effect.andThen(on(text.lockHolds)(letters), on(text.goOn)(letters))
  const putBack: Step = (letters) => Effect.andThen(on(text.putBack)(letters), goOn(letters))
  const known = (letter: bigint) =>
    Effect.flatMap(db.within(text.published, [letter]), ([row]) => {
      const print = MessageId.ofMessage({ topic: String(row!["topic"]), payload: String(row!["payload"]) })
      return db.within(text.dead, [row!["queue_id"], row!["message_id"], print, letter])
    })
  const redrive: Deciding = { ...Decision.redriven, act: putBack }
  const edited = (edit: { readonly payload: string; readonly version: number }): Deciding => ({
    ...Decision.edited,
    act: (letters) => Effect.andThen(db.within(text.edit, [letters[0], edit.payload, edit.version]), putBack(letters))
  })
  const discard: Deciding = { ...Decision.discarded, act: goOn }
  const release: Deciding = {
    ...Decision.released,
    act: (letters) => Effect.andThen(on(text.unpark)(letters), goOn(letters))
  }
  const restore: Deciding = {
    ...Decision.restored,
    act: (letters) =>
      Effect.forEach(letters, known, { discard: true }).pipe(
        Effect.andThen(on(text.reopened)(letters)),
        Effect.andThen(on(text.park)(letters))
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
  mend: "Freeze the set again, and look at it: what was decided before may have been lost with the server."
})

/** What speaks against a decision about a locked letter. */
const conflict = (kind: Decision.Decision, letter: string, row: Rows[number]) =>
  Decision.conflict(kind, {
    id: letter,
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
  const decided = Effect.fnUntraced(function*(decision: Deciding, rows: Rows, { by, note = "" }: Act) {
    const letters = rows.map((row) => row["id"] as bigint)
    if (letters.length === 0) return
    yield* db.within(text.decide, [letters, decision.next, by, decision.next === "redriving" ? 1 : 0])
    yield* db.within(text.audit, [letters, by, decision.action, note])
    yield* decision.act(letters)
    const queues = new Set(rows.map((row) => Number(row["queue_id"])))
    yield* db.sql.afterCommit(Effect.sync(() => queues.forEach((queue) => wake.published(queue))))
  })

  const one = Effect.fnUntraced(function*(decision: Deciding, letter: string, act: Act) {
    const n = numberOf(letter)
    const [row] = n === undefined ? [] : yield* db.within(text.lock, [n])
    if (row === undefined) return yield* new DeadLetterNotFound({ letter })
    const refused = conflict(decision, letter, row)
    if (refused !== undefined) return yield* refused
    yield* decided(decision, [row], act)
  })

  const run = <A, E extends { readonly _tag: string }>(
    operation: string,
    effect: Effect.Effect<A, E | SqlError>
  ): Effect.Effect<A, Exclude<E, SqlError> | StoreFailure> =>
    Effect.mapError(
      db.sql.withTransaction(effect),
      (error) =>
        error._tag === "SqlError"
          ? PgFailure.storeFailure(operation)(error as SqlError)
          : error as Exclude<E, SqlError>
    )

  return {
    redrive: (letter, act, edit) =>
      run("redrive a dead letter", one(edit === undefined ? kind.redrive : kind.edited(edit), letter, act)),
    discard: (letter, act) => run("discard a dead letter", one(kind.discard, letter, act)),
    restore: (letter, act) => run("restore a dead letter", one(kind.restore, letter, act)),
    release: (letter, act) => run("release the key of a dead letter", one(kind.release, letter, act)),
    decideSome: (decision, { cutoff, filter }, { act, after, most }) =>
      run(
        `have dead letters ${decision}`,
        Effect.gen(function*() {
          const [life, snapshot] = cutoff.split(" ")
          const [now] = yield* db.within(lives.read, [])
          if (snapshot === undefined || now?.["life"] !== life) return yield* forgotten
          const rows = yield* db.within(text.lockSome, [...filterOf(filter), snapshot, numberOf(after) ?? 0n, most])
          yield* decided(decision === "redriven" ? kind.redrive : kind.discard, rows, act)
          return { letters: rows.map((row) => letterId(row["id"])), more: rows.length === most }
        })
      )
  }
}
