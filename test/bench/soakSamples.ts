/** The statements that a sample of `npm run bench -- soak` sends to Postgres. */
import { Effect } from "effect"
import type { SqlClient } from "effect/sql"

/** The space of a table, and the rows that vacuum may remove some day, as Postgres estimates them. */
export interface Space {
  readonly tableBytes: number
  readonly indexBytes: number
  readonly deadRows: number
}

export interface Sample {
  /** Seconds since the start of the soak: when the sample begins and ends. */
  readonly from: number
  readonly to: number
  readonly isSnapshotOpen: boolean
  /** All messages so far, also those of the measurement of the maximum. */
  readonly published: number
  readonly committed: number
  readonly backlog: number
  /** Commits a second between begin and end. */
  readonly rate: number
  /** From publish to commit, in milliseconds. Null if no message notified. */
  readonly p50: number | null
  readonly p99: number | null
  /** Since the start of the soak. */
  readonly walBytes: number
  /** Memory of the worker. */
  readonly heapBytes: number
  readonly rssBytes: number
  /** The load of the machine. */
  readonly load: number
  readonly tables: Readonly<Record<string, Space>>
}

export interface Counted {
  readonly published: number
  readonly committed: number
  readonly walBytes: number
}

/**
 * Reads how many messages were published and committed, from the sequences of their tables, so it costs nothing. Groups
 * that were rolled back count too: the exact count is made at the end.
 */
export const counted = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<
      Counted
    >`select (select case when is_called then last_value else 0 end from bench.message_seq)::float8 as published,
      (select case when is_called then last_value else 0 end from ledger_id_seq)::float8 as committed,
      (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8 as "walBytes"`,
    ([row]) => row!
  )

/** Reads the space of all tables of Millrace, and of the ledger, by name. */
export const spaces = (sql: SqlClient.SqlClient) =>
  Effect.map(
    sql<Space & { readonly name: string }>`select relname as name, pg_table_size(relid)::float8 as "tableBytes",
      pg_indexes_size(relid)::float8 as "indexBytes", n_dead_tup::float8 as "deadRows"
      from pg_stat_user_tables where schemaname = 'bench' or (schemaname = 'public' and relname = 'ledger')`,
    (rows) => Object.fromEntries(rows.map(({ name, ...space }) => [name, space]))
  )
