/**
 * The records of messages that wait at a broker. Each statement finds its rows by the primary key, in the order of the
 * ids, so that two workers cannot deadlock.
 *
 * No settlement checks the server life for these messages, so each statement finds the queue by the consumer's name. A
 * remembered number may belong to another consumer, whose messages may have the same ids.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /** Reads the records of these ids. No locks. $1 consumer $2 ids */
  read: `select id, attempts, crash_count, explained, alone,
  greatest(0, extract(epoch from due_at - clock_timestamp()) * 1000)::float8 as wait
from ${t.unsettled} where queue_id = (select id from ${t.consumers} where name = $1) and id = any($2::text[])`,

  /**
   * Writes what is known of deliveries. Locks the rows. $1 consumer $2 ids $3 crash counts $4 explained deliveries $5
   * whether each runs alone
   */
  count: `insert into ${t.unsettled} as u (queue_id, id, crash_count, explained, alone)
select q.id, c.id, c.crash_count, c.explained, c.alone from ${t.consumers} q,
  unnest($2::text[], $3::int[], $4::int[], $5::boolean[]) c(id, crash_count, explained, alone)
where q.name = $1 order by c.id
on conflict (queue_id, id) do update set crash_count = excluded.crash_count, explained = excluded.explained,
  alone = excluded.alone, at = statement_timestamp()`,

  /** Explains the delivery of a message that ran alone. Locks the row. $1 consumer $2 id $3 the delivery's count */
  endAlone: `update ${t.unsettled} set alone = false, explained = $3::int, at = statement_timestamp()
where queue_id = (select id from ${t.consumers} where name = $1) and id = $2::text and alone and explained < $3::int`,

  /**
   * Records failed attempts, and when the next one is due. Locks the row. $1 to $5 as above, of one message $6
   * attempts $7 milliseconds
   */
  hold: `insert into ${t.unsettled} as u (queue_id, id, crash_count, explained, alone, attempts, due_at)
select q.id, c.id, c.crash_count, c.explained, c.alone, $6::text, clock_timestamp() + $7::float8 * interval '1 ms'
from ${t.consumers} q, unnest($2::text[], $3::int[], $4::int[], $5::boolean[]) c(id, crash_count, explained, alone)
where q.name = $1
on conflict (queue_id, id) do update set crash_count = excluded.crash_count, explained = excluded.explained,
  alone = excluded.alone, attempts = excluded.attempts, due_at = excluded.due_at, at = statement_timestamp()`,

  /**
   * Deletes the records of messages that are settled, and returns the queue. Locks the consumer for key share, so that
   * a removal waits for the commit.
   *
   * The commit is flushed, even if the session's default is off. A broker deletes a message after the commit, so a
   * commit that a crash forgets would lose the message. Index: (name). $1 consumer $2 ids
   */
  settle: `with ${registered(t, "")}, gone as (
  delete from ${t.unsettled} where queue_id = (select id from q) and id = any($2::text[])
)
select id from q`,

  /**
   * Begins a settlement as `settle` does, for messages without records. Fails with `MR006` if the consumer has another
   * queue by now, or none. Index: (name). $1 consumer $2 queue
   */
  settleAll: `with ${registered(t, "and id = $2::int")} select ${t.requireAll}(count(*) = 1)::text from q`
})

/** Returns a subquery that locks and returns the consumer $1, and turns flushing on. */
const registered = (t: Names, which: string) =>
  `q as materialized (
  select id, case when current_setting('synchronous_commit') = 'off'
    then set_config('synchronous_commit', 'on', true) end as flushed
  from ${t.consumers} where name = $1 ${which} for key share
)`
