/**
 * Statements about the server itself. They change no row of ours.
 *
 * @since 0.1.0
 */

import type { Names } from "./names.ts"

/** Sends a notification. $1 channel $2 payload */
export const notify = `select pg_notify($1, $2)`

/**
 * Begins a transaction of the library: see `Isolation.ts`. `PgSession` recognises transaction control by its first
 * word in capitals.
 */
export const begin = `BEGIN isolation level read committed`

/** The isolation level of this transaction. */
export const level = `select current_setting('transaction_isolation') as level`

/**
 * Checks whether this session may do what its process does. A publisher publishes. A worker claims, sends heartbeats,
 * reads, settles, remembers ids, holds and dead-letters.
 *
 * No row is touched or locked. A read-only server refuses the statement, and so does a server where the role lacks a
 * right or a table is locked.
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

/** Ends a session whose statement was abandoned, with its locks. $1 process id */
export const terminate = `select pg_terminate_backend($1)`

/** Reads what must be known before the pools are made. */
export const probe = `select current_setting('server_version_num')::int as version,
  current_setting('default_transaction_isolation') as level`

/**
 * Aborts the surrounding transaction because of a statement that was not sent. The command is one of ours, never a
 * text of a user.
 */
export const refuse = (command: string): string =>
  `do $$ begin raise exception using errcode = 'MR002', message = '${command} was refused: its transaction holds other work too.'; end $$`

/** The client's statements for its transactions, beside BEGIN and COMMIT. */
export const rollback = "ROLLBACK"
export const savepoint = (name: string): string => `SAVEPOINT ${name}`
export const rollbackTo = (name: string): string => `ROLLBACK TO SAVEPOINT ${name}`
export const release = (name: string): string => `RELEASE SAVEPOINT ${name}`

/** Fails if the transaction is aborted. */
export const unaborted = `select`
