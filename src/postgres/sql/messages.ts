/**
 * Messages: the poll, and their removal by the commit. A message that succeeds at once is never updated.
 *
 * @since 0.1.0
 */
import { limits } from "../../Message.ts"
import type { Names } from "./names.ts"
import { life } from "./serverLife.ts"

export const make = (t: Names) => {
  const fence = `with mine as materialized (
  select l.lane from ${t.lanes} l join unnest($2::int[], $3::bigint[]) g(lane, token) on l.lane = g.lane and l.token = g.token
  where l.queue_id = $1 and ${life(t)} = $4::text order by l.lane for key share of l
)`
  const places = `queue_id = $1 and lane = any(array(select lane from mine)) and seq = any($5::bigint[])`
  const named = `(seq, id, redriven) in (select * from unnest($5::bigint[], $6::text[], $7::int[]))`
  return {
    poll: poll(t),

    /**
     * Checks the fencing tokens of a whole group, and removes its rows. The rows that it returns were ours. It locks
     * the lanes for key share, in lane order: a claim waits for our commit, and we wait for a claim under way.
     *
     * The lanes are in an init plan, so that the delete is one index scan under any statistics. A join with unnest
     * took 1,376 ms for 500 rows. Within one life of the server only a redrive puts a message where another one was:
     * `settleRedriven` settles those.
     *
     * Indexes: primary keys. $1 queue $2 lanes $3 tokens $4 life $5 seqs
     */
    settle: `${fence}
delete from ${t.messages} where ${places} and redriven = 0
returning lane, seq, id`,

    /** Does the same for redriven messages, which may have their old place. $1 to $5 as above $6 ids $7 redrives */
    settleRedriven: `${fence}
delete from ${t.messages} where ${places} and ${named}
returning lane, seq, id, redriven`,

    /** Does the same for rows that are too large, which stay until they are dead letters. $1 to $7 as above */
    settleLarge: `${fence}
select lane, seq, id, redriven from ${t.messages} where ${places} and ${named} for update`,

    /**
     * Counts a crash for the messages that a dead owner may have had in flight. These are the first ones of each key,
     * up to where it had read. Messages that a hold covers were not in flight.
     *
     * Only a message that ran alone gets `crashed_alone`, and it had been counted before it was isolated. A redriven
     * message that came back to its place since then begins with 0.
     *
     * Index: primary key. $1 queue $2 lane $3 fetched_to $4 the only one that counts, or null $5 most of a key
     */
    countCrashes: `with counted as materialized (
  select seq from (
    select m.seq, m.key, row_number() over (partition by m.key order by m.seq) as nth from ${t.messages} m
    where m.queue_id = $1 and m.lane = $2 and m.seq <= $3 and ($4::bigint is null or m.seq = $4::bigint)) m
  where nth <= $5::int
    and not exists (select from ${t.holds} h where h.queue_id = $1 and h.key = m.key and h.from_seq <= m.seq offset 0)
)
update ${t.messages} set crash_count = crash_count + 1, crashed_alone = crashed_alone or (crash_count > 0 and seq = $4::bigint) is true
where queue_id = $1 and lane = $2 and seq = any(array(select seq from counted))`
  }
}

/**
 * Polls all lanes of a worker in one snapshot. See `QueueReader.ts`.
 *
 * Parts of the result, in order:
 *
 * - 0: the state of the snapshot and the holds that are due, as one row.
 * - 1: late rows, their keys only. If there are more than 100 keys, their lanes only.
 * - 2: rows of lagging keys, up to the mark.
 * - 3: fresh rows, above the mark.
 *
 * A hold that covers a row hides it. A hold that begins above the row is returned, to be lowered. A paused
 * consumer's poll returns no rows. Payloads come until their bytes exceed $12, the first one always.
 *
 * Indexes: messages_xid (late), primary key (lagging and fresh, upwards by seq), holds by primary key, holds_due.
 * No locks.
 *
 * - `in (select unnest())` is hashed, and `= any()` in a generic plan is a linear search.
 * - `offset 0` keeps each of these a probe per row. The statistics of a queue that was nearly empty ask for a
 *   join with all of it, 2 s for a poll of 40,000 messages.
 * - `queue_id::bigint` finds messages_xid and holds_due, and `queue_id` finds the primary keys, never each
 *   other's.
 * - A volatile clock would not use holds_due.
 *
 * $1 queue $2 lanes $3 marks $4 rows a lane $5 running $6 xmax $7 keys to pass over.
 * $8 lagging: lanes $9 from $10 keys $11 rows in all $12 bytes
 */
const poll = (t: Names): string => {
  // A row that an operator wrote by hand may have any size, and one of 17 MiB would end the connection at every poll.
  // // octet_length reads the stored length only.
  const large = `(octet_length(payload) > ${limits.payloadBytes} or octet_length(headers) > ${8 * limits.headerBytes})`
  const light =
    `lane, key, seq, redriven, ${large} as large, case when ${large} then 0 else octet_length(payload) end as bytes`
  return `with finished as materialized (
  select x from unnest($5::text[]::xid8[]) x where pg_visible_in_snapshot(x, pg_current_snapshot())
), mine as materialized (
  select * from unnest($2::int[], $3::bigint[], $4::int[]) l(lane, mark, most)
  where not exists (select from ${t.consumers} where id = $1 and paused_by is not null)
), late as materialized (
  select m.lane, m.key, min(m.seq) as seq from (
    select m.* from finished cross join lateral (select lane, key, seq from ${t.messages} where queue_id::bigint = $1::int and xid = x offset 0) m
    union all select lane, key, seq from ${t.messages} where queue_id::bigint = $1::int and xid >= $6::text::xid8 offset 0) m
  join mine l on l.lane = m.lane and m.seq <= l.mark group by m.lane, m.key
), lagging as materialized (
  select s.* from unnest($8::int[], $9::bigint[]) b(lane, first) join mine l using (lane) cross join lateral (
    select ${light} from ${t.messages} m where m.queue_id = $1 and m.lane = b.lane and m.seq between b.first and l.mark
      and m.key in (select unnest($10::text[])) order by m.seq limit $11) s
), fresh as materialized (
  select s.* from mine l cross join lateral (
    select ${light} from ${t.messages} m where m.queue_id = $1 and m.lane = l.lane and m.seq > l.mark
      and m.key not in (select unnest($7::text[]))
      and not exists (select from ${t.holds} h where h.queue_id = $1 and h.key = m.key and h.from_seq <= m.seq offset 0)
      order by m.seq limit l.most) s
  order by s.seq limit $11
), rows as (
  select part, lane, key, seq, redriven, large, before = 0 or before + bytes <= $12::bigint as fits from (
    select *, sum(bytes) over (order by part, seq) - bytes as before from (
      select 2 as part, * from lagging union all select 3, * from fresh) r) r
  union all select 1, l.lane, l.key, min(l.seq), 0, false, false from (
    select lane, case when (select count(*) from late) <= 100 then key end as key, seq from late) l group by l.lane, l.key
)
select r.part, r.lane, r.key, r.seq, r.large, h.from_seq as held, m.id, m.topic, m.keyed, m.version,
  case when r.large then '' else m.payload end as payload, case when r.large then '{}' else m.headers end as headers,
  (extract(epoch from m.published_at) * 1000)::float8 as published_at, m.attempts, m.crash_count, m.crashed_alone, m.dead_letter_id, r.redriven, null as meta
from rows r
left join lateral (
  select * from ${t.messages} m where r.fits and m.queue_id = $1 and m.lane = r.lane and m.seq = r.seq offset 0) m on true
left join lateral (select from_seq from ${t.holds} h where h.queue_id = $1 and h.key = r.key offset 0) h on true
union all select 0, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, null, json_build_object(
  'running', (select array_agg(x::text) from pg_snapshot_xip(pg_current_snapshot()) x),
  'xmax', pg_snapshot_xmax(pg_current_snapshot())::text,
  'top', (select last_value::text from ${t.messageSeq}),
  'due', (select array_agg(key) from (select key from ${t.holds} where queue_id::bigint = $1::int and lane = any($2::int[])
    and until <= statement_timestamp() and paused_by is null limit 100) d),
  'paused', exists (select from ${t.consumers} where id = $1 and paused_by is not null),
  'life', ${life(t)})
order by 1, 4`
}
