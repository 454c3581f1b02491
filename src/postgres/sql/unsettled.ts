/**
 * The records of messages that wait at a broker. Each statement finds its rows by the primary key, in the order of the
 * ids, so that two workers cannot deadlock.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /** Reads the records of these ids. No locks. $1 queue $2 ids */
  read: `select id, attempts, crash_count, explained, alone,
  greatest(0, extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as wait
from ${t.unsettled} where queue_id = $1 and id = any($2::text[])`,

  /**
   * Writes what is known of deliveries. Locks the rows. $1 queue $2 ids $3 crash counts $4 explained deliveries $5
   * whether each runs alone
   */
  count: `insert into ${t.unsettled} as u (queue_id, id, crash_count, explained, alone)
select $1::int, c.id, c.crash_count, c.explained, c.alone
from unnest($2::text[], $3::int[], $4::int[], $5::boolean[]) c(id, crash_count, explained, alone) order by c.id
on conflict (queue_id, id) do update set crash_count = excluded.crash_count, explained = excluded.explained,
  alone = excluded.alone, at = statement_timestamp()`,

  /**
   * Records failed attempts, and when the next one is due. Locks the row. $1 to $5 as above, of one message $6
   * attempts $7 milliseconds
   */
  hold: `insert into ${t.unsettled} as u (queue_id, id, crash_count, explained, alone, attempts, due_at)
select $1::int, c.id, c.crash_count, c.explained, c.alone, $6::text, clock_timestamp() + $7::float8 * interval '1 ms'
from unnest($2::text[], $3::int[], $4::int[], $5::boolean[]) c(id, crash_count, explained, alone)
on conflict (queue_id, id) do update set crash_count = excluded.crash_count, explained = excluded.explained,
  alone = excluded.alone, attempts = excluded.attempts, due_at = excluded.due_at, at = statement_timestamp()`,

  /** Deletes the records of settled messages. $1 queue $2 ids */
  forget: `delete from ${t.unsettled} where queue_id = $1 and id = any($2::text[])`
})
