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

export interface Check {
  readonly check: string
  readonly state: "ok" | "warn" | "fail"
  readonly found: string
  /** What to do. Empty if the check is ok. */
  readonly remedy: string
}

const ok = (check: string, found: string): Check => ({ check, state: "ok", found, remedy: "" })

/** Returns a check that is not right if `bad`. */
const judge = (check: string, bad: boolean, state: "warn" | "fail", found: string, remedy: string): Check =>
  bad ? { check, state, found, remedy } : ok(check, found)

/** The most difference between the clocks, the longest snapshot, and the shortest bound of a statement. */
const mostSkew = 5_000
const longSnapshot = 3_600_000
const shortStatement = 10_000

/** The checks of settings that only a server has. */
const ofServer = (row: Readonly<Record<string, unknown>>): ReadonlyArray<Check> => {
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

const settings = Effect.fnUntraced(function*(sql: SqlClient.SqlClient, names: Names.Names, embedded: boolean) {
  const text = CheckupSql.make(names)
  const before = yield* Clock.currentTimeMillis
  const [row = {}] = yield* sql.unsafe<Record<string, unknown>>(text.settings)
  const skew = Math.abs(Number(row["clock"]) - (before + (yield* Clock.currentTimeMillis)) / 2)
  const version = Number(row["version"])
  const invalid = yield* sql.unsafe<{ index: string }>(text.invalidIndexes, [names.raw])
  return [
    judge(
      "server",
      version < 150_000,
      "fail",
      `Postgres ${Math.floor(version / 10_000)}${embedded ? ", embedded" : ""}`,
      "Use Postgres 15 or later."
    ),
    ...(embedded ? [] : ofServer(row)),
    judge(
      "clock",
      skew > mostSkew,
      "warn",
      `differs by ${showMillis(skew)} from this machine`,
      "Synchronise the clocks. Leases use the clock of the database alone, but times in logs would not agree."
    ),
    judge(
      "indexes",
      invalid.length > 0,
      "fail",
      invalid.length === 0 ? "all valid" : invalid.map(({ index }) => index).join(", "),
      `Rebuild each of them: reindex index concurrently ${names.schema}.<name>`
    )
  ]
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
  return [
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
})

const queues = Effect.gen(function*() {
  const operations = yield* Operations
  const oldest = yield* operations.oldestSnapshot
  const blockers = yield* operations.blockers
  const { tables } = yield* operations.storage
  const consumers = yield* operations.consumers
  const unrouted = yield* operations.unrouted
  const snapshot = oldest._tag === "Visible" ? oldest.value : undefined
  const bloated = tables.filter(({ deadRows, rows }) => deadRows.value > Math.max(100_000, 2 * rows.value))
  const alone = consumers.filter(({ lag }) => lag.cause._tag === "NoWorker")
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
      "Look for the oldest snapshot first, then vacuum these tables."
    ),
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
})

/** Runs all checks. `embedded` leaves out what only a server has. */
export const all = Effect.fnUntraced(function*(embedded: boolean) {
  const sql = yield* PgClient
  const store = yield* Store
  const names = yield* Effect.fromResult(Names.make(yield* schemaName))
  return [
    ...yield* settings(sql, names, embedded),
    ...yield* rights(sql, store, names),
    ...(embedded ? [] : yield* session(sql, names)),
    ...yield* queues
  ]
})
