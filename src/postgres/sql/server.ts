/**
 * What is asked of the server itself: no table of ours.
 *
 * @since 0.1.0
 */

/** $1 channel $2 payload */
export const notify = `select pg_notify($1, $2)`

/** Asks for an answer, no more. */
export const ping = `select`

/** $1 process id: ends a session whose statement nobody waits for any more, and its locks with it. */
export const terminate = `select pg_terminate_backend($1)`

export const version = `select current_setting('server_version_num')::int as version`

/** Aborts the transaction around it, for a statement that was not sent. The command is one of ours, never a text of a user. */
export const refuse = (command: string): string =>
  `do $$ begin raise exception using errcode = 'MR002', message = '${command} was refused: its transaction holds other work too.'; end $$`

/** What the client runs to steer its transactions, beside BEGIN and COMMIT. */
export const rollback = "ROLLBACK"
export const savepoint = (name: string): string => `SAVEPOINT ${name}`
export const rollbackTo = (name: string): string => `ROLLBACK TO SAVEPOINT ${name}`
export const release = (name: string): string => `RELEASE SAVEPOINT ${name}`

/** Fails where the transaction is aborted. */
export const probe = `select`
