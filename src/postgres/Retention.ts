/**
 * Forgets what is over: a long-lived process keeps its tables small by itself.
 *
 * Never inside the horizon: an id is remembered at least as long as the setting says after its commit, and longer while a message
 * waits that was published within that time. Ids of open letters are not forgotten at all, nor those of messages that are not due, or
 * that no consumer reads, as long as they wait so: those are remembered anew, and for the time of the setting after it. Deletes go in
 * small batches with a pause between them, in one process at a time, on the machinery's connections; a failure is tried again at the
 * next round.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { InvalidSetting } from "../Errors.ts"
import type { PgDatabase } from "./PgClient.ts"
import type { Names } from "./sql/names.ts"
import * as Sql from "./sql/retention.ts"

/**
 * How long what is over is kept.
 *
 * @since 0.1.0
 */
export interface RetentionOptions {
  /** The dedup horizon: how long a committed id is remembered. Longer than any redelivery must be. Default 7 days. */
  readonly inbox?: Duration.Input | undefined
  /** Letters whose message was committed after a redrive. Default 30 days. */
  readonly resolved?: Duration.Input | undefined
  /** Letters that were given up. Default 7 days. */
  readonly discarded?: Duration.Input | undefined
  /** The record of who did what. Default 30 days. */
  readonly audit?: Duration.Input | undefined
  /** Messages of topics that never had a consumer. Default 7 days. */
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
  unrouted: "7 days",
  every: "1 minute"
} as const

/** The options in milliseconds. */
export type Settings = { readonly [K in keyof typeof defaults]: number }

/** Fills in the defaults; answers the first that makes no sense. */
export const resolve = (options: RetentionOptions): Settings | InvalidSetting => {
  let bad: InvalidSetting | undefined
  const millis = (setting: keyof typeof defaults): number => {
    const given = options[setting] ?? defaults[setting]
    const parsed = Duration.fromInput(given)
    const value = parsed._tag === "Some" ? Duration.toMillis(parsed.value) : Number.NaN
    if (!(value >= 1) || !Number.isFinite(value)) {
      bad ??= new InvalidSetting({
        setting: `retention.${setting}`,
        got: JSON.stringify(given) ?? "undefined",
        expected: "a finite duration above zero is needed"
      })
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

/** Rows of one delete, deletes of one round, and the pause between them. */
const batch = 1000
const batches = 200
const pause = Duration.millis(20)

/** Looks once in a while, as long as the scope lives. */
export const start = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  settings: Settings
): Effect.fn.Return<void, never, Scope.Scope> {
  const round = Effect.catch(
    sweep(db, names, settings),
    (error) => Effect.logDebug(`Retention is tried again later: ${error.message}`)
  )
  yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(settings.every), round)))
})

/** One round: answers how many rows were forgotten. */
export const sweep = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  settings: Settings
): Effect.fn.Return<number, SqlError> {
  const text = Sql.make(names)
  // One batch a transaction, and each asks anew whether it is alone: nothing is locked while it pauses. Who is not alone leaves the
  // whole round to the other one; two that take turns would stop each other.
  let alone = true
  const one = (statement: string, params: ReadonlyArray<unknown>) =>
    db.onMachinery(db.sql.withTransaction(Effect.gen(function*() {
      const [lock] = yield* db.within(text.alone, [names.channel])
      alone = lock?.["mine"] === true
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
  const inbox = yield* all(text.inbox, [settings.inbox])
  const letters = yield* all(text.letters, [settings.resolved, settings.discarded])
  const audit = yield* all(text.audit, [settings.audit])
  const unrouted = yield* all(text.unrouted, [settings.unrouted])
  if (alone) yield* one(text.workers, [])
  if (unrouted > 0) {
    yield* Effect.logWarning(
      `${unrouted} messages of topics without a consumer were older than ${
        Duration.format(Duration.millis(settings.unrouted))
      } and are gone. `
        + `Register a consumer for their topics, or stop publishing them.`
    )
  }
  return inbox + letters + audit + unrouted
})
