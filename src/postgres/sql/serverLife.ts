/**
 * The life of the server: the time from one loss of its recent memory to the next.
 *
 * A crash empties an unlogged table, and so does a promotion; a clean restart keeps it. So the row's id identifies
 * what the server still remembers. A row that came with a copy of the database is not valid: its cluster, or its
 * table, is another one.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

/** Where the row was written. 20 µs: it reads the control file. */
const here = `tableoid || '/' || (select system_identifier from pg_control_system())`

/**
 * The present life; null before one was begun. A scalar for any statement, by one row. A hot standby refuses to read
 * it.
 */
export const life = (t: Names): string => `(select id from ${t.serverLife} where cluster = ${here})`

/**
 * A condition that turns flushing off for this statement's commit. Each use is in the list of
 * `src/postgres/README.md`, with its reason.
 */
export const unflushed = `(select set_config('synchronous_commit', 'off', true)) is not null`

/** How many ids of dead letters a new life passes over: a server that is lost can have lost no more of them. */
const gap = 1_000_000

export const make = (t: Names) => ({
  /** Reads the present life. */
  read: `select ${life(t)} as life`,

  /** Returns whether this role may begin a life. Workers ask for it at their start. */
  rights: `select has_table_privilege('${t.serverLife}', 'insert') and has_table_privilege('${t.serverLife}', 'update')
  and has_sequence_privilege('${t.deadLetterSeq}', 'update') as begins`,

  /**
   * Begins a life if there is none, and passes over the ids of dead letters that the last life may have given. If two
   * sessions begin at once, one of them does. Index: primary key.
   */
  begin: `with begun as (
  insert into ${t.serverLife} as l (id, cluster)
  select gen_random_uuid()::text, '${t.serverLife}'::regclass::oid || '/' || system_identifier from pg_control_system()
  on conflict (the_one) do update set id = excluded.id, cluster = excluded.cluster where l.cluster <> excluded.cluster
  returning 1
)
select setval('${t.deadLetterSeq}', nextval('${t.deadLetterSeq}') + ${gap}) from begun`
})

/** Begins the first life, before which no id was given. */
export const first = (t: Names): string =>
  `insert into ${t.serverLife} (id, cluster)
select gen_random_uuid()::text, '${t.serverLife}'::regclass::oid || '/' || system_identifier from pg_control_system()`
