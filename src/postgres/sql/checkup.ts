/**
 * The statements of `millrace doctor` about the server and its settings. They only read.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /** Returns the settings on which the guarantees and the speed depend, and the server's clock. */
  settings: `select current_setting('server_version_num')::int as version, current_setting('fsync') as fsync,
  current_setting('synchronous_commit') as synchronous_commit, current_setting('idle_in_transaction_session_timeout') as idle,
  (select setting::bigint from pg_settings where name = 'statement_timeout') as statement_millis,
  current_setting('autovacuum') as autovacuum, pg_is_in_recovery() as standby,
  (extract(epoch from clock_timestamp()) * 1000)::float8 as clock`,

  /** Lists indexes of Millrace that Postgres does not use, because a build of them has failed. $1 schema */
  invalidIndexes: `select c.relname as index from pg_index i join pg_class c on c.oid = i.indexrelid
join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and not i.indisvalid order by 1`,

  /** Returns what this role may do. A null counts as no. */
  rights: `select has_table_privilege('${t.audit}', 'insert') and has_table_privilege('${t.deadLetters}', 'update')
  and has_sequence_privilege('${t.messageSeq}', 'usage') as operates,
  pg_has_role(current_user, 'pg_read_all_stats', 'member') as sees, current_user::text as role`,

  /** Sets a setting of the session. A pooler that gives each statement another session loses it. $1 value */
  remember: `select set_config('millrace.doctor', $1, false)`,

  /** Returns the setting, or null. */
  recall: `select current_setting('millrace.doctor', true) as value`
})
