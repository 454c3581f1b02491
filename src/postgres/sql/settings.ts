/**
 * The schema's own record: its version, and the oldest code that may still run on it.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /** Returns the names of the two tables, or two nulls if Millrace's tables do not exist. Takes no lock. */
  installed: `select to_regclass($1)::text as migrations, to_regclass($2)::text as settings`,
  found: `select coalesce(max(migration_id), 0)::int as version from ${t.schema}."migrations"`,
  oldest: `select oldest_code from ${t.settings}`,
  /**
   * Takes a lock, so that of several processes that start together, each waits for the migration of the one before it.
   */
  alone: `select pg_advisory_xact_lock(hashtextextended($1, 7246))`,
  /** Creates the migrator's table, as the migrator itself would. */
  createMigrations: `create table ${t.schema}."migrations" (
  migration_id integer primary key, created_at timestamptz not null default now(), name text not null)`,
  /** Records a migration as done, as the migrator itself would. */
  recordMigration: (id: number, name: string): string =>
    `insert into ${t.schema}."migrations" (migration_id, name) values (${id}, '${name}')`,
  createSchema: `create schema if not exists ${t.schema}`,
  createSettings:
    `create table if not exists ${t.settings} (one boolean primary key default true check (one), oldest_code int not null)`,
  setOldest:
    `insert into ${t.settings} (oldest_code) values ($1) on conflict (one) do update set oldest_code = excluded.oldest_code`
})
