/**
 * What is asked of the server itself: no table of ours.
 *
 * @since 0.1.0
 */

/** $1 channel $2 payload */
export const notify = `select pg_notify($1, $2)`

/** How the library's own transactions begin: see `Isolation.ts`. `PgSession` knows what controls a transaction by its first word in capitals. */
export const begin = `BEGIN isolation level read committed`

/** Of this transaction. */
export const level = `select current_setting('transaction_isolation') as level`

/** Asks for an answer, no more. */
export const ping = `select`

/** $1 process id: ends a session whose statement nobody waits for any more, and its locks with it. */
export const terminate = `select pg_terminate_backend($1)`

/** What is asked of a server before the pools are made. */
export const probe = `select current_setting('server_version_num')::int as version,
  current_setting('default_transaction_isolation') as level`
