/**
 * Statements about the server, its sessions and transactions. They change no row of Millrace's tables.
 *
 * @since 0.1.0
 */

import type { Names } from "./names.ts"

/** Sends a notification. $1 channel $2 payload */
export const notify = `select pg_notify($1, $2)`

/**
 * Begins a transaction of the library; `Isolation.ts` says why at READ COMMITTED.
 */
export const begin = `BEGIN isolation level read committed`

/** Returns the isolation level of this transaction. */
export const level = `select current_setting('transaction_isolation') as level`

/**
 * Checks whether this session's role has the rights that a publisher or a worker needs. A worker claims lanes, sends
 * heartbeats, settles messages, inserts ids, ends holds and dead-letters.
 *
 * The statement changes and locks no row. It fails on a read-only server, and if the role lacks a right. If a table is
 * locked, it waits, and the caller's timeout ends it.
 */
export const ping = (t: Names) => ({
  publisher: `insert into ${t.messages} (id) select '' where false`,
  worker: `with claim as (update ${t.lanes} set token = token where false),
live as (update ${t.workers} set alive_until = alive_until where false),
settle as (delete from ${t.messages} where false),
remember as (insert into ${t.inbox} (id) select '' where false),
hold as (delete from ${t.holds} where false),
dead_letter as (insert into ${t.deadLetters} (key) select '' where false)
select`
})

/** Terminates a session, so that its unfinished statement ends and its locks are released. $1 process id */
export const terminate = `select pg_terminate_backend($1)`

/** Returns the server's version and default isolation level, on which the settings of the pools depend. */
export const probe = `select current_setting('server_version_num')::int as version,
  current_setting('default_transaction_isolation') as level`

/**
 * Aborts the surrounding transaction on the server, after a user's statement was refused and not sent. The command is a
 * constant of `TransactionControl.ts` and never a user's text, so it needs no quoting.
 */
export const refuse = (command: string): string =>
  `do $$ begin raise exception using errcode = 'MR002', message = '${command} was refused: its transaction holds other work too.'; end $$`

/** The client's statements for rollbacks and savepoints. */
export const rollback = "ROLLBACK"
export const savepoint = (name: string): string => `SAVEPOINT ${name}`
export const rollbackTo = (name: string): string => `ROLLBACK TO SAVEPOINT ${name}`
export const release = (name: string): string => `RELEASE SAVEPOINT ${name}`

/** Fails if the transaction is aborted. */
export const unaborted = `select`
