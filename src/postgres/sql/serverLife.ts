/**
 * The life of the server: from one loss of its recent memory to the next.
 *
 * A crash empties an unlogged table, and so does a promotion; a clean restart keeps it. The row's id therefore names what the server still
 * remembers. A row that came with a copy of the database names nothing: its cluster, or its table, is another one.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

/** Where the row was written. 20 µs: it reads the control file. */
const here = `tableoid || '/' || (select system_identifier from pg_control_system())`

/** The present life; null before it was begun. A scalar for any statement: one row. A hot standby refuses to read it. */
export const life = (t: Names): string => `(select id from ${t.serverLife} where cluster = ${here})`

/** A condition: this statement's commit is not flushed. Each use stands in the list of `src/postgres/README.md`, with its reason. */
export const unflushed = `(select set_config('synchronous_commit', 'off', true)) is not null`

/** How many numbers of dead letters a new life passes over: no more may be lost with a server. */
const gap = 1_000_000

export const make = (t: Names) => ({
  read: `select ${life(t)} as life`,

  /** Whether this role may begin a life. It is asked for before there is need. */
  rights: `select has_table_privilege('${t.serverLife}', 'insert') and has_table_privilege('${t.serverLife}', 'update')
  and has_sequence_privilege('${t.deadLetterSeq}', 'update') as begins`,

  /**
   * Begins a life where there is none, and passes over the numbers of dead letters that the last one may have given. Of two that
   * begin at the same time, one does. Index: primary key.
   */
  begin: `with begun as (
  insert into ${t.serverLife} as l (id, cluster)
  select gen_random_uuid()::text, '${t.serverLife}'::regclass::oid || '/' || system_identifier from pg_control_system()
  on conflict (the_one) do update set id = excluded.id, cluster = excluded.cluster where l.cluster <> excluded.cluster
  returning 1
)
select setval('${t.deadLetterSeq}', nextval('${t.deadLetterSeq}') + ${gap}) from begun`
})

/** The first life: no number was given before it. */
export const first = (t: Names): string =>
  `insert into ${t.serverLife} (id, cluster)
select gen_random_uuid()::text, '${t.serverLife}'::regclass::oid || '/' || system_identifier from pg_control_system()`
