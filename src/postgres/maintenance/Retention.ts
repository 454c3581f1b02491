/**
 * Deletes old data, so that the tables stay small: message ids, audit entries, and dead letters that were resolved or
 * discarded. Also deletes redrive runs that are over, rows of dead workers, and old records of messages at brokers.
 * Unrouted messages are deleted only if the user wants it.
 *
 * A message id stays in the inbox for at least the deduplication window after its commit. While messages wait, the
 * window of their queue counts back from the publish of the oldest one, so ids stay longer. Ids of open dead letters
 * stay, and so do ids of messages that are not due or that no consumer reads. When a batch finds such an id, the id's
 * window begins again.
 *
 * Deletes run in small batches with a pause between them, in one process at a time, on the connections that workers
 * use. If the deletes of one table fail, the other tables are not affected, and the next round tries again. A warning
 * is logged if a table fails several rounds in a row.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import type { InvalidSetting } from "../../Errors.ts"
import * as GivenDuration from "../../internal/GivenDuration.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import type { Names } from "../sql/names.ts"
import * as Sql from "../sql/retention.ts"

/**
 * How long old data is kept, by kind.
 *
 * @since 0.1.0
 */
export interface RetentionOptions {
  /**
   * The deduplication window: how long the inbox remembers the id of a committed message. It must be longer than the
   * time in which a duplicate can arrive. Default 7 days.
   */
  readonly inbox?: Duration.Input | undefined
  /** Dead letters whose message was committed after a redrive. Default 30 days. */
  readonly resolved?: Duration.Input | undefined
  /** Discarded dead letters. Default 7 days. */
  readonly discarded?: Duration.Input | undefined
  /** Audit entries, and redrive runs that are over. Default 30 days. */
  readonly audit?: Duration.Input | undefined
  /** Messages of topics without a consumer, which wait for one. Default `"Infinity"`: they are never deleted. */
  readonly unrouted?: Duration.Input | undefined
  /** How often to look for old data. Default 1 minute. */
  readonly every?: Duration.Input | undefined
}

/** The defaults of `RetentionOptions`. The README shows the same values. */
export const defaults = {
  inbox: "7 days",
  resolved: "30 days",
  discarded: "7 days",
  audit: "30 days",
  unrouted: "Infinity",
  every: "1 minute"
} as const

/** The options of retention in milliseconds, with defaults filled in. */
export type Settings = { readonly [K in keyof typeof defaults]: number }

/** Returns the options in milliseconds, with defaults filled in. Returns an error if an option is invalid. */
export const resolve = (options: RetentionOptions): Settings | InvalidSetting => {
  let bad: InvalidSetting | undefined
  const millis = (setting: keyof typeof defaults): number => {
    const given = options[setting] ?? defaults[setting]
    const value = GivenDuration.millis(given)
    if (!(value >= 1) || (value === Infinity && setting !== "unrouted")) {
      bad ??= GivenDuration.refusal(`retention.${setting}`, given, "a finite duration above zero is needed")
    }
    return value
  }
  const settings: Settings = {
    inbox: millis("inbox"),
    resolved: millis("resolved"),
    discarded: millis("discarded"),
    audit: millis("audit"),
    unrouted: millis("unrouted"),
    every: millis("every")
  }
  return bad ?? settings
}

/**
 * The rows of one delete, the deletes of each table in one round, and the pause between two deletes. With one round a
 * minute, retention keeps up with 16,000 messages a second.
 */
const batch = 1000
const batches = 1000
const pause = Duration.millis(20)

/** The number of failed rounds in a row after which a warning is logged. Fewer may be a transient failure. */
const failedRounds = 3

/** Starts a fiber that runs a round of deletes at each interval, while the scope is open. */
export const start = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  settings: Settings
): Effect.fn.Return<void, never, Scope.Scope> {
  const round = sweep(db, names, settings)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(settings.every), round)))
})

/**
 * Returns the effect of one round, which `start` runs again and again. The effect returns the number of deleted rows.
 * It never fails: the failures of each table are counted from round to round.
 */
export const sweep = (db: PgDatabase, names: Names, settings: Settings): Effect.Effect<number> => {
  const text = Sql.make(names)
  const failures = new Failures()
  return Effect.gen(function*() {
    const { all, alone, once } = batched(db, names)
    const part = (table: string, deletes: Effect.Effect<number, SqlError>) =>
      Effect.matchCauseEffect(deletes, {
        onSuccess: (n) =>
          Effect.sync(() => {
            // If another process has the lock, this process did not finish the table's deletes. So the table's failures
            // stay counted.
            if (alone()) failures.succeeded(table)
            return n
          }),
        onFailure: (cause) => Effect.as(failures.add(table, cause), 0)
      })
    const inbox = yield* part(names.inbox, all(text.inbox, [settings.inbox]))
    const deadLetters = yield* part(names.deadLetters, all(text.deadLetters, [settings.resolved, settings.discarded]))
    const audit = yield* part(names.audit, all(text.audit, [settings.audit]))
    // No consumer has read these messages. So they are deleted only if the user has set `unrouted`.
    const unrouted = settings.unrouted === Infinity
      ? 0
      : yield* part(names.unrouted, all(text.unrouted, [settings.unrouted]))
    yield* part(names.unsettled, all(text.unsettled, [settings.inbox]))
    yield* part(names.redriveRuns, once(text.redriveRuns, [settings.audit]))
    yield* part(names.workers, once(text.workers))
    yield* failures.warn
    if (unrouted > 0) {
      yield* Effect.logWarning(
        `${unrouted} messages of topics without a consumer were older than ${
          Duration.format(Duration.millis(settings.unrouted))
        } and were deleted, as the setting retention.unrouted says. `
          + `Register a consumer for their topics, or stop publishing them.`
      )
    }
    return inbox + deadLetters + audit + unrouted
  })
}

/** Returns the functions with which one round deletes rows, and whether this process still does the round. */
const batched = (db: PgDatabase, names: Names) => {
  const lock = Sql.make(names).alone
  // Each batch is one transaction that tries the advisory lock again, so nothing is locked during a pause. A process
  // that does not get the lock ends its whole round, since another process runs one. With the next table it might get
  // the lock during a pause of that process, and then both rounds would end early.
  let alone = true
  const one = (statement: string, params: ReadonlyArray<unknown>) =>
    db.onMachinery(db.transaction(Effect.gen(function*() {
      const [row] = yield* db.within(lock, [names.channel])
      alone = row?.["mine"] === true
      return alone ? yield* db.within(statement, params) : []
    })))
  const all = Effect.fnUntraced(function*(statement: string, params: ReadonlyArray<unknown>) {
    let forgotten = 0
    for (let i = 0; i < batches && alone; i++) {
      const rows = yield* one(statement, [...params, batch])
      forgotten += rows.filter((row) => row["deleted"] === true).length
      if (rows.length < batch) break
      yield* Effect.sleep(pause)
    }
    return forgotten
  })
  const once = (statement: string, params: ReadonlyArray<unknown> = []) =>
    Effect.suspend(() => alone ? Effect.as(one(statement, params), 0) : Effect.succeed(0))
  return { all, once, alone: () => alone }
}

/**
 * Counts the failed rounds in a row of each table. A warning is logged once for a table that keeps failing, and again
 * only after the table has succeeded.
 */
class Failures {
  private readonly rounds = new Map<string, number>()
  private readonly lasting = new Map<string, string>()

  succeeded(table: string): void {
    this.rounds.delete(table)
  }

  add(table: string, cause: Cause.Cause<SqlError>): Effect.Effect<void> {
    const error = PgFailure.sqlErrorIn(cause)
    const said = error === undefined ? Cause.pretty(cause) : PgFailure.detailOf(error)
    const rounds = (this.rounds.get(table) ?? 0) + 1
    this.rounds.set(table, rounds)
    if (rounds === failedRounds) this.lasting.set(table, said)
    return Effect.logDebug(`Retention of ${table} is tried again later: ${said}`)
  }

  /** Logs one warning for all tables that have just failed too often, since they usually fail for one cause. */
  readonly warn: Effect.Effect<void> = Effect.suspend(() => {
    if (this.lasting.size === 0) return Effect.void
    const parts = [...this.lasting].map(([table, said]) => `${table} (${said})`).join(", ")
    this.lasting.clear()
    return Effect.logWarning(
      `Retention failed ${failedRounds} rounds in a row in ${parts}. No message is lost, but these tables grow until it succeeds. `
        + `Fix the cause. The role needs the rights to select, update and delete, and no trigger must refuse it. If the `
        + `database did not respond in time, run "vacuum analyze" on the table, and look for long transactions.`
    )
  })
}
