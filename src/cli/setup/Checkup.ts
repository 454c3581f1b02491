/**
 * The checks of `millrace doctor`: each with what was found, and a remedy if it is not right.
 */
import { PgClient } from "@effect/sql-pg/PgClient"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as SqlClient from "effect/sql/SqlClient"
import { showMillis } from "../../ops/Fact.ts"
import { Operations } from "../../ops/Operations.ts"
import * as CheckupSql from "../../postgres/sql/checkup.ts"
import * as Names from "../../postgres/sql/names.ts"
import { notify } from "../../postgres/sql/server.ts"
import { Store } from "../../Store.ts"
import { schemaName } from "../frame/Connect.ts"
import { type Check, judge, ok } from "./Checks.ts"
import * as SchemaChecks from "./SchemaChecks.ts"

/** The most difference between the clocks, the longest snapshot, and the shortest bound of a statement. */
const mostSkew = 5_000
const longSnapshot = 3_600_000
const shortStatement = 10_000

/** Returns the checks of settings that only a server has. */
export const ofServer = (row: Readonly<Record<string, unknown>>): ReadonlyArray<Check> => {
  const millis = Number(row["statement_millis"])
  return [
    judge(
      "standby",
      row["standby"] === true,
      "fail",
      row["standby"] === true ? "read-only standby" : "primary",
      "Connect to the primary: workers must write."
    ),
    judge(
      "fsync",
      row["fsync"] === "off",
      "fail",
      `fsync ${String(row["fsync"])}, synchronous_commit ${String(row["synchronous_commit"])}`,
      "Turn fsync on. Without it, a crash of the server corrupts the database."
    ),
    judge(
      "autovacuum",
      row["autovacuum"] === "off",
      "warn",
      String(row["autovacuum"]),
      "Turn autovacuum on. Without it, queues become slow."
    ),
    judge(
      "idle transactions",
      row["idle"] === "0",
      "warn",
      row["idle"] === "0" ? "no limit" : String(row["idle"]),
      "Set idle_in_transaction_session_timeout (10min, say). A forgotten transaction then ends, and blocks no commit."
    ),
    judge(
      "statement_timeout",
      millis > 0 && millis < shortStatement,
      "warn",
      millis === 0 ? "no limit" : showMillis(millis),
      "Set it to 10 seconds or more for the roles of workers, or a slow commit fails again and again."
    )
  ]
}

/** Returns the checks of every database: its version, and its clock against that of this machine. */
export const ofVersionAndClock = (version: number, skew: number, embedded: boolean): ReadonlyArray<Check> => [
  judge(
    "server",
    version < 150_000,
    "fail",
    `Postgres ${Math.floor(version / 10_000)}${embedded ? ", embedded" : ""}`,
    "Use Postgres 15 or later."
  ),
  judge(
    "clock",
    skew > mostSkew,
    "warn",
    `differs by ${showMillis(skew)} from this machine`,
    "Synchronise the clocks. Leases use the clock of the database alone, but times in logs would not agree."
  )
]

const settings = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, names: Names.Names, embedded: boolean) {
  const before = yield* Clock.currentTimeMillis
  const [row = {}] = yield* sql.unsafe<Record<string, unknown>>(CheckupSql.make(names).settings)
  const skew = Math.abs(Number(row["clock"]) - (before + (yield* Clock.currentTimeMillis)) / 2)
  return [...ofVersionAndClock(Number(row["version"]), skew, embedded), ...(embedded ? [] : ofServer(row))]
})

const rights = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, store: Store["Service"], names: Names.Names) {
  const [row = {}] = yield* sql.unsafe<Record<string, unknown>>(CheckupSql.make(names).rights)
  const role = String(row["role"])
  const grant = (kind: string) => `If it is to be one: millrace roles --sql --kind ${kind} --to ${role}`
  const may = (kind: "worker" | "publisher") =>
    Effect.match(store.checkAccess(kind), {
      onFailure: (failure) => judge(`role as ${kind}`, true, "warn", `${role}: ${failure.detail}`, grant(kind)),
      onSuccess: () => ok(`role as ${kind}`, `${role} may do it`)
    })
  return [
    yield* may("publisher"),
    yield* may("worker"),
    judge(
      "role as operator",
      row["operates"] !== true,
      "warn",
      `${role} ${row["operates"] === true ? "may act" : "may only look"}`,
      grant("operator")
    ),
    judge(
      "role sees sessions",
      row["sees"] !== true,
      "warn",
      row["sees"] === true ? "all" : "its own only",
      `So that blockers are shown with their statements: grant pg_read_all_stats to ${role}`
    )
  ]
})

/** Returns the checks of a session: whether its settings stay, and whether a notification arrived. */
export const ofSession = (kept: boolean, told: boolean): ReadonlyArray<Check> => [
  judge(
    "sessions",
    !kept,
    "warn",
    kept ? "settings of a session stay" : "settings of a session get lost: a pooler in transaction mode",
    "Start workers with `pooler: true` (MILLRACE_POOLER=true), or connect them to the server itself."
  ),
  judge(
    "notifications",
    !told,
    "warn",
    told ? "arrive" : "did not arrive within 2 seconds",
    "Workers then find messages by polling (`idlePoll`). Connect to the server itself to have them at once."
  )
]

/** Returns whether settings of a session survive, and whether a notification arrives. A pooler may lose both. */
const session = Effect.fnUntraced(function*(sql: PgClient, names: Names.Names) {
  const text = CheckupSql.make(names)
  const kept = yield* Effect.scoped(Effect.gen(function*() {
    const connection = yield* sql.reserve
    yield* connection.executeUnprepared(text.remember.replace("$1", "'kept'"), [], undefined)
    const [row] = yield* connection.executeUnprepared(text.recall, [], undefined)
    return (row as { readonly value: unknown } | undefined)?.value === "kept"
  }))
  const channel = `${names.channel}_doctor`.slice(-63)
  const told = yield* Effect.scoped(Effect.gen(function*() {
    const notifications = yield* sql.listen(channel)
    yield* sql.unsafe(notify, [channel, "doctor"])
    yield* Queue.take(notifications)
  })).pipe(
    Effect.timeoutOption("2 seconds"),
    Effect.map(Option.isSome),
    Effect.orElseSucceed(() => false)
  )
  return ofSession(kept, told)
})

/**
 * The deduplication window that the ages of messages are compared with. The database does not record `retention.inbox`
 * of the workers, so the operator may say it. Otherwise it is the default.
 */
export interface Window {
  readonly millis: number
  readonly from: "given" | "default"
}

/** The default of `retention.inbox`. */
export const defaultWindow: Window = { millis: 7 * 86_400_000, from: "default" }

/** The facts that the checks of queues need. */
interface QueueFacts {
  readonly oldest: Effect.Success<Operations["Service"]["oldestSnapshot"]>
  readonly blockers: Effect.Success<Operations["Service"]["blockers"]>
  readonly tables: Effect.Success<Operations["Service"]["storage"]>["tables"]
  readonly consumers: Effect.Success<Operations["Service"]["consumers"]>
  readonly unrouted: Effect.Success<Operations["Service"]["unrouted"]>
  /** The age of each consumer's oldest message or open dead letter. */
  readonly ages: ReadonlyArray<{ readonly consumer: string; readonly oldestMillis: number }>
  readonly window: Window
}

/**
 * Returns the check that no message is older than the deduplication window. It names the window that it compared with.
 */
const ofWindow = ({ ages, window }: QueueFacts): Check => {
  const old = ages.filter(({ oldestMillis }) => oldestMillis > window.millis)
  const compared = `${showMillis(window.millis)}, ${
    window.from === "given" ? "as given" : "the default of retention.inbox"
  }`
  return judge(
    "deduplication window",
    old.length > 0,
    "warn",
    old.length === 0
      ? `no message or dead letter is older than the window (${compared})`
      : `older than the window (${compared}): ${
        old.map(({ consumer, oldestMillis }) => `${consumer} ${showMillis(oldestMillis)}`).join(", ")
      }`,
    "A sender that repeats such a message after the deduplication window is processed again. "
      + "Process, redrive or discard the old ones, or raise retention.inbox. "
      + "If it is not the default, pass it: --deduplication-window 30d."
  )
}

/** Returns the checks of what holds all queues up: snapshots, locks and dead rows. */
const ofDatabase = ({ blockers, oldest, tables }: QueueFacts, vacuum: (table: string) => string) => {
  const snapshot = oldest._tag === "Visible" ? oldest.value : undefined
  const bloated = tables.filter(({ deadRows, rows }) => deadRows.value > Math.max(100_000, 2 * rows.value))
  return [
    judge(
      "oldest snapshot",
      (snapshot?.millis ?? 0) > longSnapshot,
      "warn",
      oldest._tag === "NotVisible"
        ? oldest.reason
        : snapshot === undefined
        ? "none"
        : `${snapshot.kind} ${snapshot.name}${snapshot.millis === undefined ? "" : `, ${showMillis(snapshot.millis)}`}`,
      "End it. Rows that were deleted since cannot be vacuumed. Look at millrace blockers."
    ),
    judge(
      "locks",
      blockers.length > 0,
      "warn",
      blockers.length === 0 ? "no session waits" : `${blockers.length} sessions wait`,
      "Look at millrace blockers."
    ),
    judge(
      "dead rows",
      bloated.length > 0,
      "warn",
      bloated.length === 0 ? "vacuumed" : bloated.map(({ table }) => table).join(", "),
      "Look for the oldest snapshot first, then vacuum these tables.",
      bloated.map(({ table }) => vacuum(table))
    )
  ]
}

/** Returns the checks of queues. `vacuum` makes the statement that vacuums a table. */
export const ofQueues = (facts: QueueFacts, vacuum: (table: string) => string): ReadonlyArray<Check> => {
  const { consumers, unrouted } = facts
  const alone = consumers.filter(({ lag }) => lag.cause._tag === "NoWorker")
  return [
    ...ofDatabase(facts, vacuum),
    ofWindow(facts),
    judge(
      "workers",
      alone.length > 0,
      "warn",
      alone.length === 0 ? "each queue with messages has one" : alone.map(({ consumer }) => consumer).join(", "),
      "Start a worker for these consumers, or remove them."
    ),
    judge(
      "topics",
      unrouted.length > 0,
      "warn",
      unrouted.length === 0 ? "each has a consumer" : unrouted.map(({ topic }) => topic).join(", "),
      "Look at millrace unrouted. Start a consumer of these topics, or correct the name where it is published."
    )
  ]
}

const queues = Effect.fnUntraced(function*(store: Store["Service"], names: Names.Names, window: Window) {
  const operations = yield* Operations
  const consumers = yield* operations.consumers
  const ages = yield* Effect.forEach(
    consumers,
    ({ consumer }) => Effect.map(store.consumers.status(consumer), ({ oldestMillis }) => ({ consumer, oldestMillis }))
  )
  const facts = {
    oldest: yield* operations.oldestSnapshot,
    blockers: yield* operations.blockers,
    tables: (yield* operations.storage).tables,
    consumers,
    unrouted: yield* operations.unrouted,
    ages,
    window
  }
  return ofQueues(facts, CheckupSql.repairs(names).vacuum)
})

/** The longest delay of a timer on a machine that is not overloaded, in milliseconds. */
const mostDelay = 200

/** Returns the check of a timer of this process that was late by so many milliseconds. */
export const ofTimer = (late: number): Check =>
  judge(
    "event loop",
    late > mostDelay,
    "warn",
    `a timer of this process is ${Math.round(late)}ms late`,
    "This machine is overloaded. Workers on it may renew their leases too late, and then lose their lanes."
  )

/** Measures how late this process wakes up. */
const eventLoop = Effect.gen(function*() {
  const before = yield* Clock.monotonicTimeNanos
  yield* Effect.sleep("20 millis")
  return ofTimer(Math.max(0, Number((yield* Clock.monotonicTimeNanos) - before) / 1e6 - 20))
})

/** Runs all checks. `embedded` leaves out what only a server has. */
export const all = Effect.fnUntraced(function*(embedded: boolean, window: Window) {
  const sql = yield* PgClient
  const store = yield* Store
  const names = yield* Effect.fromResult(Names.make(yield* schemaName))
  return [
    ...yield* settings(sql, names, embedded),
    ...yield* SchemaChecks.all(sql, names),
    ...yield* rights(sql, store, names),
    ...(embedded ? [] : yield* session(sql, names)),
    ...yield* queues(store, names, window),
    yield* eventLoop
  ]
})
