/**
 * Reads the facts about the database. A role that cannot see a fact gets the name of the right that it needs.
 */
import * as Effect from "effect/Effect"
import type { StoreFailure } from "../../Errors.ts"
import type { Names } from "../../postgres/sql/names.ts"
import { sessions } from "../../postgres/sql/sessions.ts"
import type { Blocker, Session, SnapshotOwner, StorageFacts } from "../DatabaseFacts.ts"
import { notVisible, type Visible, visible } from "../Fact.ts"
import type { Operations } from "../Operations.ts"
import { type FactQuery, number, type Row, text, time } from "./FactQuery.ts"

/** Postgres shows this in place of a statement that the role must not see. */
const hidden = "<insufficient privilege>"

const needsStats = "This role sees its own sessions only. Grant it pg_read_all_stats."

/** Reads a session from those columns of a row whose names begin with this prefix. */
const sessionOf = (row: Row, a: "a" | "b" | "w"): Session => {
  const query = text(row, `${a}_query`)
  return {
    pid: number(row, `${a}_pid`),
    user: text(row, `${a}_user`),
    application: text(row, `${a}_application`),
    client: text(row, `${a}_client`),
    state: text(row, `${a}_state`),
    query: query === hidden ? notVisible(needsStats) : visible(query),
    transactionMillis: time(row, `${a}_transaction`),
    stateMillis: time(row, `${a}_since`)
  }
}

const blockerOf = (row: Row): Blocker => ({
  waits: sessionOf(row, "w"),
  waitsMillis: number(row, "waits"),
  lock: text(row, "lock"),
  by: { ...sessionOf(row, "b"), pid: number(row, "pid") }
})

const snapshotOf = (row: Row): SnapshotOwner => ({
  kind: text(row, "kind") as SnapshotOwner["kind"],
  name: text(row, "name"),
  session: row["a_pid"] === null ? undefined : sessionOf(row, "a"),
  transactionsAgo: number(row, "ago"),
  millis: time(row, "millis")
})

const tableOf = (row: Row): StorageFacts["tables"][number] => ({
  table: text(row, "table"),
  bytes: number(row, "bytes"),
  rows: { value: number(row, "rows"), kind: "estimate" },
  deadRows: { value: number(row, "dead"), kind: "estimate" },
  vacuumedAt: time(row, "vacuumed")
})

const slotOf = (row: Row): StorageFacts["slots"][number] => ({
  slot: text(row, "slot"),
  active: row["active"] === true,
  keptBytes: number(row, "kept")
})

export const make = (
  { read }: FactQuery,
  names: Names
): Pick<Operations["Service"], "blockers" | "oldestSnapshot" | "storage"> => {
  const rights = Effect.map(read("look at the rights of this role", sessions.rights), ([row]) => row ?? {})
  const bytes = (may: boolean, statement: string, missing: string): Effect.Effect<Visible<number>, StoreFailure> =>
    may
      ? Effect.map(read("look at the disk", statement), ([row]) => visible(number(row ?? {}, "bytes")))
      : Effect.succeed(notVisible(missing))
  return {
    blockers: Effect.map(
      read("look at locks", sessions.blockers, [names.raw]),
      (rows) => rows.map(blockerOf)
    ),
    oldestSnapshot: Effect.flatMap(rights, (row) =>
      row["sessions"] !== true
        ? Effect.succeed(notVisible(needsStats))
        : Effect.map(
          read("look at snapshots", sessions.oldestSnapshot),
          ([first]) => visible(first === undefined ? undefined : snapshotOf(first))
        )),
    storage: Effect.gen(function*() {
      const row = yield* rights
      return {
        databaseBytes: yield* bytes(
          row["size"] === true,
          sessions.databaseSize,
          "This role has no right to connect to the database. Grant it connect, or pg_read_all_stats."
        ),
        tables: (yield* read("look at tables", sessions.tables, [names.raw])).map(tableOf),
        walBytes: yield* bytes(
          row["wal"] === true,
          sessions.walSize,
          "This role has no right to list the write-ahead log. Grant it pg_monitor."
        ),
        slots: (yield* read("look at replication slots", sessions.slots)).map(slotOf)
      }
    })
  }
}
