/**
 * The tables of this program, all in the schema of the run. None of them belongs to the library.
 *
 * No constraint hides a mistake of the library.
 * A webhook that is applied twice has two rows, which the reconciliation finds.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Qualified names; `sql(name)` quotes them. */
export interface Tables {
  /** The sender's own record: one row for each sending, written in the transaction that publishes it. */
  readonly sent: string
  /** The projection's log: one row for each webhook, only ever appended to. */
  readonly activity: string
  /** The head of each source's log: the last sequence number and the end of its hash chain. */
  readonly sources: string
  /** The issues and pull requests of each source, and whether they are open. */
  readonly subjects: string
  /** The notifications, only ever appended to. */
  readonly notified: string
}

export const of = (schema: string): Tables => ({
  sent: `${schema}.sent`,
  activity: `${schema}.activity`,
  sources: `${schema}.sources`,
  subjects: `${schema}.subjects`,
  notified: `${schema}.notified`
})

/** Creates missing tables. The library's layer creates the schema. */
export const create = Effect.fnUntraced(function*(tables: Tables) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table if not exists ${sql(tables.sent)} (
    delivery text not null, copy int not null, source text not null, position int not null,
    outcome text not null, subject text, state text, primary key (delivery, copy)
  )`
  yield* sql`create table if not exists ${sql(tables.activity)} (
    id bigint generated always as identity primary key, source text not null, sequence int not null, hash text not null,
    delivery text not null, position int not null, kind text not null, action text
  )`
  yield* sql`create table if not exists ${sql(tables.sources)} (
    source text primary key, sequence int not null, head text not null
  )`
  yield* sql`create table if not exists ${sql(tables.subjects)} (
    source text not null, subject text not null, state text not null, primary key (source, subject)
  )`
  yield* sql`create table if not exists ${sql(tables.notified)} (
    id bigint generated always as identity primary key, source text not null, sequence int not null,
    delivery text not null, followers int not null, text text not null
  )`
})
