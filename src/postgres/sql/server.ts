/**
 * What is asked of the server itself, and changes no row of ours.
 *
 * @since 0.1.0
 */

import type { Names } from "./names.ts"

/** $1 channel $2 payload */
export const notify = `select pg_notify($1, $2)`

/** How the library's own transactions begin: see `Isolation.ts`. `PgSession` knows what controls a transaction by its first word in capitals. */
export const begin = `BEGIN isolation level read committed`

/** Of this transaction. */
export const level = `select current_setting('transaction_isolation') as level`

/**
 * Whether this session may do what a process does: publish, or all that a worker does (claim, live, read, settle, remember, hold, dead-letter). No row is
 * touched or locked, yet a server that is read-only refuses it, as does one where the role has no right, or where a table is locked.
 */
export const ping = (t: Names) => ({
  publisher: `insert into ${t.messages} (id) select '' where false`,
  worker: `with claim as (update ${t.lanes} set token = token where false),
live as (update ${t.workers} set alive_until = alive_until where false),
settle as (delete from ${t.messages} where false),
remember as (insert into ${t.inbox} (id) select '' where false),
hold as (delete from ${t.holds} where false),
bury as (insert into ${t.deadLetters} (key) select '' where false)
select`
})

/** $1 process id: ends a session whose statement nobody waits for any more, and its locks with it. */
export const terminate = `select pg_terminate_backend($1)`

/** What is asked of a server before the pools are made. */
export const probe = `select current_setting('server_version_num')::int as version,
  current_setting('default_transaction_isolation') as level`

/** Aborts the transaction around it, for a statement that was not sent. The command is one of ours, never a text of a user. */
export const refuse = (command: string): string =>
  `do $$ begin raise exception using errcode = 'MR002', message = '${command} was refused: its transaction holds other work too.'; end $$`

/** What the client runs to steer its transactions, beside BEGIN and COMMIT. */
export const rollback = "ROLLBACK"
export const savepoint = (name: string): string => `SAVEPOINT ${name}`
export const rollbackTo = (name: string): string => `ROLLBACK TO SAVEPOINT ${name}`
export const release = (name: string): string => `RELEASE SAVEPOINT ${name}`

/** Fails where the transaction is aborted. */
export const unaborted = `select`
