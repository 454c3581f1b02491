/**
 * The statements about the database server: which session blocks another one, which has the oldest snapshot, and how
 * much room is used. They read catalogs of Postgres, and some roles see only a part of these.
 *
 * @since 0.1.0
 */
const since = (column: string) => `(extract(epoch from clock_timestamp() - ${column}) * 1000)::float8`

/**
 * Returns the columns of a session, for a select. `a` is the alias of pg_stat_activity, and each column's name begins
 * with it.
 */
const session = (a: string) =>
  `${a}.pid as ${a}_pid, coalesce(${a}.usename, '') as ${a}_user, coalesce(${a}.application_name, '') as ${a}_application,
  coalesce(host(${a}.client_addr), '') as ${a}_client, coalesce(${a}.state, '') as ${a}_state, left(${a}.query, 500) as ${a}_query,
  ${since(`${a}.xact_start`)} as ${a}_transaction, ${since(`${a}.state_change`)} as ${a}_since`

export const sessions = {
  /**
   * Lists the sessions that have locked a table of Millrace and wait for another lock, with the sessions that they wait
   * for. The prepared transaction that blocks a session has the process id 0. $1 schema
   */
  blockers: `select ${session("w")}, ${session("b")}, coalesce(blocker.pid, 0) as pid,
  coalesce(${since("l.waitstart")}, 0) as waits, l.locktype || coalesce(' ' || l.relation::regclass::text, '') as lock
from pg_locks l left join pg_stat_activity w on w.pid = l.pid cross join lateral unnest(pg_blocking_pids(l.pid)) blocker(pid)
left join pg_stat_activity b on b.pid = blocker.pid
where not l.granted and exists (select from pg_locks g join pg_class c on c.oid = g.relation join pg_namespace n on n.oid = c.relnamespace
  where g.pid = l.pid and g.granted and n.nspname = $1
    and g.database = (select oid from pg_database where datname = current_database()))
order by l.waitstart nulls last limit 100`,

  /** Returns whether this role sees the sessions of other roles, and may list the write-ahead log. */
  rights: `select pg_has_role('pg_read_all_stats', 'usage') as sessions,
  has_function_privilege('pg_ls_waldir()', 'execute') as wal,
  has_database_privilege(current_database(), 'connect') or pg_has_role('pg_read_all_stats', 'usage') as size`,

  /** Returns the owner of the oldest snapshot that keeps rows of this database. This session does not count. */
  oldestSnapshot: `select o.kind, o.name, o.ago, o.millis, ${session("a")} from (
  select 'session' as kind, pid::text as name, pid, greatest(age(backend_xmin), age(backend_xid)) as ago, ${
    since("xact_start")
  } as millis
  from pg_stat_activity where pid <> pg_backend_pid() and (datname = current_database() or datname is null)
    and (backend_xmin is not null or backend_xid is not null)
  union all select 'replication slot', slot_name, active_pid, greatest(age(xmin), age(catalog_xmin)), null
  from pg_replication_slots where xmin is not null or catalog_xmin is not null
  union all select 'prepared transaction', gid, null, age(transaction), ${since("prepared")}
  from pg_prepared_xacts where database = current_database()
) o left join pg_stat_activity a on a.pid = o.pid order by o.ago desc limit 1`,

  databaseSize: `select pg_database_size(current_database())::float8 as bytes`,

  walSize: `select coalesce(sum(size), 0)::float8 as bytes from pg_ls_waldir()`,

  /** Lists the tables of the schema, the largest first. The numbers of rows are those of the statistics. $1 schema */
  tables: `select s.relname as table, pg_total_relation_size(s.relid)::float8 as bytes, s.n_live_tup::float8 as rows,
  s.n_dead_tup::float8 as dead, (extract(epoch from greatest(s.last_vacuum, s.last_autovacuum)) * 1000)::float8 as vacuumed
from pg_stat_all_tables s where s.schemaname = $1 order by bytes desc`,

  /** Lists the replication slots that keep write-ahead log, and how much. */
  slots: `select slot_name as slot, active, greatest(0, pg_wal_lsn_diff(
  case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn))::float8 as kept
from pg_replication_slots where restart_lsn is not null order by kept desc`,

  /**
   * Bounds a transaction that only reads. Just-in-time compilation would cost more than the statements. Statistics of
   * another queue would make a scan of a whole table look cheap. A plan for all filters would be wrong for most of
   * them. PGlite ignores the timeout, so each statement is bounded by itself. $1 milliseconds
   */
  bounds:
    `select set_config('statement_timeout', $1, true), set_config('jit', 'off', true), set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
  set_config('plan_cache_mode', 'force_custom_plan', true),
  set_config('transaction_read_only', 'on', true)`
}
