/**
 * Deletes old data, in small batches. The last parameter of a statement limits the rows that it deletes, so no lock and
 * no transaction is long. Locked rows are skipped, and the next round finds them.
 *
 * Each statement reads an index from its oldest entry, and looks at no more rows than a batch has. So no batch reads
 * again the rows that stay.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { open } from "./redriveRuns.ts"

export const make = (t: Names) => ({
  /**
   * Tries the lock that keeps other processes out. Also makes Postgres read the index of the following statement in
   * order, under any statistics. A sort would first read all old rows. Lock and settings end with the transaction. $1
   * channel
   */
  alone:
    `select pg_try_advisory_xact_lock(hashtextextended($1, 7247)) as mine, set_config('enable_seqscan', 'off', true),
  set_config('enable_sort', 'off', true)`,

  inbox: inbox(t),

  /**
   * Deletes resolved and discarded dead letters. Index: dead_letters_over. $1 milliseconds for resolved $2 milliseconds
   * for discarded $3 rows
   */
  deadLetters: `delete from ${t.deadLetters} where ctid = any(array(
  select d.ctid from (values ('resolved', $1::float8), ('discarded', $2::float8)) kept(state, millis) cross join lateral (
    select ctid from ${t.deadLetters} where state = kept.state and state in ('resolved', 'discarded')
      and changed_at < statement_timestamp() - kept.millis * interval '1 ms'
    order by changed_at limit $3 for update skip locked) d
  limit $3))
returning true as deleted`,

  /**
   * Deletes old audit entries. Their ids and times grow together, so the statement reads only the lowest ids. Index:
   * primary key.
   * $1 milliseconds $2 rows
   */
  audit: `delete from ${t.audit} where ctid = any(array(
  select ctid from ${t.audit} where id = any(array(
    select id from (select id, at from ${t.audit} order by id limit $2) a
    where at < statement_timestamp() - $1::float8 * interval '1 ms')) for update skip locked))
returning true as deleted`,

  /**
   * Deletes redrive runs that have been over for as long, with their outcomes. There are few. Locks the runs. $1
   * milliseconds
   */
  redriveRuns: `with gone as (
  delete from ${t.redriveRuns} where not (${open}) and changed_at < statement_timestamp() - $1::float8 * interval '1 ms' returning id
)
delete from ${t.redriveOutcomes} where run_id in (select id from gone)`,

  /** Deletes old messages that no consumer has read. Index: unrouted_published. $1 milliseconds $2 rows */
  unrouted: `delete from ${t.unrouted} where ctid = any(array(
  select ctid from ${t.unrouted} where published_at < statement_timestamp() - $1::float8 * interval '1 ms'
  order by published_at limit $2 for update skip locked))
returning true as deleted`,

  /**
   * Deletes old records of a broker's messages. The broker has dropped these messages, or an operator has. Index:
   * unsettled_at. $1 milliseconds $2 rows
   */
  unsettled: `delete from ${t.unsettled} where ctid = any(array(
  select ctid from ${t.unsettled} where at < statement_timestamp() - $1::float8 * interval '1 ms'
  order by at limit $2 for update skip locked))
returning true as deleted`,

  /** Deletes the rows of workers that have been dead for more than an hour. */
  workers: `delete from ${t.workers} where alive_until < statement_timestamp() - interval '1 hour'`
})

/**
 * Deletes ids that are outside of the deduplication window. Returns a row for each id that it looked at.
 *
 * - A duplicate that was published within the window may wait in the queue for longer, for example under a parked key.
 *   So the window of a queue counts back from the time at which its oldest waiting message was published.
 * - Ids of open dead letters stay, even if another message was committed under the id. So do ids of messages that are
 *   not due yet, or that wait for a consumer of their topic. Such ids get a new time, so that the next batch begins
 *   behind them.
 * - The statement finds the queues in the inbox and not in `consumers`, since a removed consumer has left its ids.
 *
 * Indexes: inbox_at (from each queue's oldest id), the primary key of messages (the oldest row of each lane),
 * delayed_id, unrouted_id and dead_letters_message. `offset 0` lets the planner use no other one. $1 milliseconds $2
 * rows
 */
const inbox = (t: Names): string =>
  `with recursive queues as (
  (select queue_id::bigint as id from ${t.inbox} order by queue_id::bigint limit 1)
  union all
  select n.id from queues q cross join lateral (
    select queue_id::bigint as id from ${t.inbox} where queue_id::bigint > q.id order by queue_id::bigint limit 1) n
), deduplication as materialized (
  select q.id as queue_id, least(statement_timestamp(), (
    select min(m.published_at) from ${t.lanes} l cross join lateral (
      select published_at from ${t.messages} where queue_id = q.id::int and lane = l.lane order by seq limit 1) m
    where l.queue_id = q.id::int)) - $1::float8 * interval '1 ms' as before
  from queues q
), old as materialized (
  select i.ctid as place, i.queue_id, i.id from deduplication h cross join lateral (
    select ctid, queue_id, id from ${t.inbox} where queue_id::bigint = h.queue_id and at < h.before
    order by at limit $2 for update skip locked) i
  limit $2
), seen as materialized (
  select place, exists (
      select from (select queue_id, state from ${t.deadLetters} where message_id = i.id offset 0) d
      where d.queue_id = i.queue_id and d.state in ('open', 'redriving'))
    or exists (select from ${t.delayed} d where d.id = i.id offset 0)
    or exists (select from ${t.unrouted} u where u.id = i.id offset 0) as needed
  from old i
), kept as (
  update ${t.inbox} set at = statement_timestamp() where ctid = any(array(select place from seen where needed))
), forgotten as (
  delete from ${t.inbox} where ctid = any(array(select place from seen where not needed))
)
select not needed as deleted from seen`
