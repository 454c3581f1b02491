/**
 * What is forgotten, in small batches. Each statement deletes at most `$n` rows by their place (`ctid`), so that no lock and no
 * transaction is long; rows that somebody holds are skipped and found at the next round.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /** One process at a time; the lock ends with the transaction. $1 channel */
  alone: `select pg_try_advisory_xact_lock(hashtextextended($1, 7247)) as mine`,

  /**
   * Ids that nobody can ask about any more. A duplicate that was published within the horizon may wait longer than that (behind a
   * parked key, say): its queue's horizon then counts from the oldest message that waits. Ids of open letters stay, also where another
   * message was committed under the id, and ids of messages that are not due yet, or wait for a consumer of their topic.
   * Indexes: inbox_at (brin); the oldest row of each lane by primary key; dead_letters_message (`offset 0`: no other one); delayed_id;
   * unrouted_id.
   * $1 milliseconds $2 rows
   */
  inbox: `with horizon as materialized (
  select c.id as queue_id, least(statement_timestamp(), (
    select min(m.published_at) from ${t.lanes} l cross join lateral (
      select published_at from ${t.messages} where queue_id = c.id and lane = l.lane order by seq limit 1) m
    where l.queue_id = c.id)) - $1::float8 * interval '1 ms' as before
  from ${t.consumers} c
)
delete from ${t.inbox} where ctid = any(array(
  select i.ctid from ${t.inbox} i join horizon h on h.queue_id = i.queue_id
  where i.at < statement_timestamp() - $1::float8 * interval '1 ms' and i.at < h.before
    and not exists (
      select from (select queue_id, state from ${t.deadLetters} where message_id = i.id offset 0) d
      where d.queue_id = i.queue_id and d.state in ('open', 'redriving'))
    and not exists (select from ${t.delayed} d where d.id = i.id)
    and not exists (select from ${t.unrouted} u where u.id = i.id)
  limit $2 for update of i skip locked))
returning 1`,

  /** $1 milliseconds for resolved $2 milliseconds for discarded $3 rows */
  letters: `delete from ${t.deadLetters} where ctid = any(array(
  select ctid from ${t.deadLetters}
  where (state = 'resolved' and changed_at < statement_timestamp() - $1::float8 * interval '1 ms')
    or (state = 'discarded' and changed_at < statement_timestamp() - $2::float8 * interval '1 ms')
  limit $3 for update skip locked))
returning 1`,

  /** $1 milliseconds $2 rows */
  audit: `delete from ${t.audit} where ctid = any(array(
  select ctid from ${t.audit} where at < statement_timestamp() - $1::float8 * interval '1 ms' limit $2 for update skip locked))
returning 1`,

  /** What no consumer came for. $1 milliseconds $2 rows */
  unrouted: `delete from ${t.unrouted} where ctid = any(array(
  select ctid from ${t.unrouted} where published_at < statement_timestamp() - $1::float8 * interval '1 ms'
  limit $2 for update skip locked))
returning topic`,

  /** Workers that died long ago. */
  workers: `delete from ${t.workers} where alive_until < statement_timestamp() - interval '1 hour'`
})
