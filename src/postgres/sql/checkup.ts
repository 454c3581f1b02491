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

  /** Lists all indexes of Millrace. $1 schema */
  indexes: `select c.relname as index from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind = 'i' order by 1`,

  /** Lists tables whose own setting turns autovacuum off. $1 schema */
  unvacuumed: `select c.relname as table from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = $1 and c.relkind = 'r' and exists (select from pg_options_to_table(c.reloptions) o
  where o.option_name = 'autovacuum_enabled' and o.option_value::boolean = false) order by 1`,

  /** Lists sequences that have used more than half of their numbers, with the share. $1 schema */
  sequences: `select sequencename as sequence, last_value::float8 / max_value as used from pg_sequences
where schemaname = $1 and last_value > max_value / 2 order by 1`,

  /** Returns what this role may do. A null counts as no. */
  rights: `select has_table_privilege('${t.audit}', 'insert') and has_table_privilege('${t.deadLetters}', 'update')
  and has_sequence_privilege('${t.messageSeq}', 'usage') as operates,
  pg_has_role(current_user, 'pg_read_all_stats', 'member') as sees, current_user::text as role`,

  /** Sets a setting of the session. A pooler that gives each statement another session loses it. $1 value */
  remember: `select set_config('millrace.doctor', $1, false)`,

  /** Returns the setting, or null. */
  recall: `select current_setting('millrace.doctor', true) as value`
})

/** A statement of a migration that creates an index. */
const creates = /^create (unique )?index (\w+) on /

/** Returns the indexes that a schema of this version has: the name of each, and the statement that builds it. */
export const expectedIndexes = (
  script: ReadonlyArray<string>
): ReadonlyArray<{ readonly index: string; readonly statement: string }> =>
  script.flatMap((statement) => {
    const [, unique = "", index] = creates.exec(statement) ?? []
    return index === undefined
      ? []
      : [{
        index,
        statement: statement.replace(creates, `create ${unique}index concurrently if not exists ${index} on `)
      }]
  })

/**
 * Returns the repairs that block neither readers nor writers. They run outside of a transaction. The build of an index
 * that fails leaves an invalid index, which can be rebuilt.
 */
export const repairs = (t: Names) => {
  const quoted = (name: string) => `${t.schema}."${name.replaceAll("\"", "\"\"")}"`
  return {
    rebuild: (index: string) => `reindex index concurrently ${quoted(index)}`,
    vacuum: (table: string) => `vacuum (truncate false) ${quoted(table)}`,
    autovacuum: (table: string) => `alter table ${quoted(table)} reset (autovacuum_enabled)`
  }
}
