/**
 * Forgets what is over: a long-lived process keeps its tables small by itself.
 *
 * Never inside the deduplication window: an id is remembered at least as long as the setting says after its commit, and longer while a message
 * waits that was published within that time. Ids of open dead letters are not forgotten at all, nor those of messages that are not due, or
 * that no consumer reads, as long as they wait so: those are remembered anew, and for the time of the setting after it. Deletes go in
 * small batches with a pause between them, in one process at a time, on the machinery's connections. What fails keeps nothing else from
 * being forgotten; it is tried again at the next round, and warned of when it goes on.
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
 * How long what is over is kept.
 *
 * @since 0.1.0
 */
export interface RetentionOptions {
  /** The deduplication window: how long a committed id is remembered. Longer than any redelivery must be. Default 7 days. */
  readonly inbox?: Duration.Input | undefined
  /** Dead letters whose message was committed after a redrive. Default 30 days. */
  readonly resolved?: Duration.Input | undefined
  /** Dead letters that were given up. Default 7 days. */
  readonly discarded?: Duration.Input | undefined
  /** The record of who did what. Default 30 days. */
  readonly audit?: Duration.Input | undefined
  /** Messages of topics without a consumer, which wait for one. Default `"Infinity"`: they are never deleted. */
  readonly unrouted?: Duration.Input | undefined
  /** How often to look. Default 1 minute. */
  readonly every?: Duration.Input | undefined
}

/** The defaults; the README shows the same. */
export const defaults = {
  inbox: "7 days",
  resolved: "30 days",
  discarded: "7 days",
  audit: "30 days",
  unrouted: "Infinity",
  every: "1 minute"
} as const

/** The options in milliseconds. */
export type Settings = { readonly [K in keyof typeof defaults]: number }

/** Fills in the defaults; answers the first that makes no sense. */
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

/** Rows of one delete, deletes of one round (so that a minute forgets what 16,000 messages a second leave), and the pause between them. */
const batch = 1000
const batches = 1000
const pause = Duration.millis(20)

/** So many rounds of failures are no transient failure any more. */
const patience = 3

/** Looks once in a while, as long as the scope lives. */
export const start = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  settings: Settings
): Effect.fn.Return<void, never, Scope.Scope> {
  const round = sweep(db, names, settings)
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(settings.every), round)))
})

/**
 * One round, to be run again and again: answers how many rows were forgotten. Its parts fail each by itself, and how often in a row is
 * counted from round to round.
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
            // That another process was at work says nothing about the table.
            if (alone()) failures.over(table)
            return n
          }),
        onFailure: (cause) => Effect.as(failures.add(table, cause), 0)
      })
    const inbox = yield* part(names.inbox, all(text.inbox, [settings.inbox]))
    const deadLetters = yield* part(names.deadLetters, all(text.deadLetters, [settings.resolved, settings.discarded]))
    const audit = yield* part(names.audit, all(text.audit, [settings.audit]))
    // They were published, and no consumer has had them: only a person's setting may give them up.
    const unrouted = settings.unrouted === Infinity
      ? 0
      : yield* part(names.unrouted, all(text.unrouted, [settings.unrouted]))
    yield* part(names.workers, once(text.workers))
    yield* failures.warn
    if (unrouted > 0) {
      yield* Effect.logWarning(
        `${unrouted} messages of topics without a consumer were older than ${
          Duration.format(Duration.millis(settings.unrouted))
        } and are gone. `
          + `Register a consumer for their topics, or stop publishing them.`
      )
    }
    return inbox + deadLetters + audit + unrouted
  })
}

/** Deletes of one round. */
const batched = (db: PgDatabase, names: Names) => {
  const lock = Sql.make(names).alone
  // One batch a transaction, and each asks anew whether it is alone: nothing is locked while it pauses. Who is not alone leaves the
  // whole round to the other one; two that take turns would stop each other.
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
      forgotten += rows.filter((row) => row["gone"] === true).length
      if (rows.length < batch) break
      yield* Effect.sleep(pause)
    }
    return forgotten
  })
  const once = (statement: string) => Effect.suspend(() => alone ? Effect.as(one(statement, []), 0) : Effect.succeed(0))
  return { all, once, alone: () => alone }
}

/** How often in a row each table's part has failed. A part that goes on failing is said once, until it has succeeded again. */
class Failures {
  private readonly rounds = new Map<string, number>()
  private readonly lasting = new Map<string, string>()

  over(table: string): void {
    this.rounds.delete(table)
  }

  add(table: string, cause: Cause.Cause<SqlError>): Effect.Effect<void> {
    const error = PgFailure.sqlErrorIn(cause)
    const said = error === undefined ? Cause.pretty(cause) : PgFailure.detailOf(error)
    const rounds = (this.rounds.get(table) ?? 0) + 1
    this.rounds.set(table, rounds)
    if (rounds === patience) this.lasting.set(table, said)
    return Effect.logDebug(`Retention of ${table} is tried again later: ${said}`)
  }

  /** One line for all of them: mostly they have one cause. */
  readonly warn: Effect.Effect<void> = Effect.suspend(() => {
    if (this.lasting.size === 0) return Effect.void
    const parts = [...this.lasting].map(([table, said]) => `${table} (${said})`).join(", ")
    this.lasting.clear()
    return Effect.logWarning(
      `Nothing was forgotten ${patience} rounds in a row in ${parts}. Nothing is lost, but these tables grow until it succeeds. `
        + `Fix what stands there: the role must be allowed to select, update and delete; a trigger may refuse it; where the database `
        + `did not answer in time, run "vacuum analyze" on the table, and look for transactions that have been open for long.`
    )
  })
}
