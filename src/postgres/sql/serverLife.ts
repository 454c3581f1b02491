/**
 * The server life: the time between two losses of the server's recent commits.
 *
 * A crash or a promotion empties an unlogged table, and a clean restart keeps it. So while the one row of `server_life`
 * has the same id, the server has lost nothing. A row that came with a copy of the database is not valid. Its column
 * `cluster` shows that: the row was written in another table or cluster.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

/** The table and the cluster in which this row stands now. It reads the control file, which takes 20 µs. */
const here = `tableoid || '/' || (select system_identifier from pg_control_system())`

/**
 * Returns a subquery that returns the id of the present server life, or null if none has begun. A hot standby refuses
 * to read this table.
 */
export const life = (t: Names): string => `(select id from ${t.serverLife} where cluster = ${here})`

/**
 * Returns a subquery that returns the present table and cluster. It stays the same over a crash and a failover, and is
 * another one in a copy of the database.
 */
export const cluster = (t: Names): string =>
  `(select '${t.serverLife}'::regclass::oid || '/' || system_identifier from pg_control_system())`

/**
 * A condition that is always true, and turns flushing to disk off for this transaction's commit.
 * `src/postgres/README.md` lists each use with its reason.
 */
export const unflushed = `(select set_config('synchronous_commit', 'off', true)) is not null`

/** How many ids of dead letters a new server life passes over. A crash cannot lose more recent ids than that. */
const gap = 1_000_000

export const make = (t: Names) => ({
  /** Returns the id of the present server life. */
  read: `select ${life(t)} as life`,

  /** Returns whether this role may begin a server life. Each worker checks this at its start. */
  rights: `select has_table_privilege('${t.serverLife}', 'insert') and has_table_privilege('${t.serverLife}', 'update')
  and has_sequence_privilege('${t.deadLetterSeq}', 'update') as begins`,

  /**
   * Begins a server life if there is none. Also passes over ids of dead letters that were drawn in the last server life
   * and may be lost. If two sessions do this at once, only one of them begins it. Index: primary key.
   */
  begin: `with begun as (
  insert into ${t.serverLife} as l (id, cluster) select gen_random_uuid()::text, ${cluster(t)}
  on conflict (the_one) do update set id = excluded.id, cluster = excluded.cluster where l.cluster <> excluded.cluster
  returning 1
)
select setval('${t.deadLetterSeq}', nextval('${t.deadLetterSeq}') + ${gap}) from begun`
})

/** Begins the first server life, in the migration that creates the table. No id was drawn before. */
export const first = (t: Names): string =>
  `insert into ${t.serverLife} (id, cluster) select gen_random_uuid()::text, ${cluster(t)}`
