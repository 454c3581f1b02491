/**
 * Messages: the poll that reads them, and the statements that remove them in the commit. The row of a message that
 * succeeds at its first attempt is never updated.
 *
 * @since 0.1.0
 */
import { limits } from "../../Message.ts"
import type { Names } from "./names.ts"
import { life } from "./serverLife.ts"

/** The condition of a hold `h` that hides the message `m` of its key. */
const hides = "h.from_seq <= m.seq and h.through is distinct from m.seq"

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
     * Checks the fencing tokens of a whole group, and removes the group's rows under valid tokens. Returns the removed
     * rows. It locks the lanes for key share, in lane order. So a claim cannot pass this commit, and the commit waits
     * for a claim under way.
     *
     * The lanes are in an init plan, so that the delete is one index scan under any statistics. A join with unnest took
     * 1,376 ms for 500 rows. Within one server life only a redrive can put a message where another one was, and
     * `settleRedriven` settles redriven messages.
     *
     * Indexes: primary keys. $1 queue $2 lanes $3 tokens $4 life $5 seqs
     */
    settle: `${fence}
delete from ${t.messages} where ${places} and redriven = 0
returning lane, seq, id`,

    /**
     * Removes a whole group as `settle` does, or fails with `MR006`. The ids must be those of the removed rows, in the
     * order of the seqs. Indexes: primary keys. $1 to $5 as above, the seqs ascending $6 their ids
     */
    settleAll: `${fence}, removed as (
  delete from ${t.messages} where ${places}
    and redriven = 0 returning seq, id
)
select ${t.requireAll}(array_agg(id order by seq) = $6::text[])::text from removed`,

    /**
     * Removes redriven messages, as `settle` does. A redriven message may have its old seq, so id and redrives are
     * compared, too. $1 to $5 as above $6 ids $7 redrives
     */
    settleRedriven: `${fence}
delete from ${t.messages} where ${places} and ${named}
returning lane, seq, id, redriven`,

    /**
     * Checks and locks rows that are too large, as `settle` does, but lets dead-lettering remove them. $1 to $7 as
     * above
     */
    settleLarge: `${fence}
select lane, seq, id, redriven from ${t.messages} where ${places} and ${named} for update`,

    /**
     * Counts a crash for the messages that a dead owner may have had in flight. These are the first $5 messages of each
     * key, up to the seq that the owner had read. Messages that a hold hides were not in flight.
     *
     * Only a message that ran alone gets `crashed_alone`. Such a message has a crash count above 0 already, or it would
     * not have been isolated. A message with 0 was redriven to the same seq since then, so it is not the isolated one.
     *
     * Index: primary key. $1 queue $2 lane $3 fetched_to $4 the only one that counts, or null $5 most of a key
     */
    countCrashes: `with counted as materialized (
  select seq from (
    select m.seq, m.key, row_number() over (partition by m.key order by m.seq) as nth from ${t.messages} m
    where m.queue_id = $1 and m.lane = $2 and m.seq <= $3 and ($4::bigint is null or m.seq = $4::bigint)) m
  where nth <= $5::int
    and not exists (select from ${t.holds} h where h.queue_id = $1 and h.key = m.key and ${hides} offset 0)
)
update ${t.messages} set crash_count = crash_count + 1, crashed_alone = crashed_alone or (crash_count > 0 and seq = $4::bigint) is true
where queue_id = $1 and lane = $2 and seq = any(array(select seq from counted))`
  }
}

/**
 * Polls all lanes of a worker in one snapshot. `QueueReader.ts` explains marks, late rows and lagging keys.
 *
 * Parts of the result, in order:
 *
 * - 0: the state of the snapshot and the holds that are due, as one row.
 * - 1: the keys of late rows, each with its first seq. If there are more than 100 keys, only the lanes.
 * - 2: rows of lagging keys, up to the mark.
 * - 3: fresh rows, which are above the mark.
 *
 * Each row of parts 1 to 3 comes with the seq from which a hold hides its key. If that seq is above the row, the reader
 * lowers the hold. A row that an operator lets through comes as if its key had no hold. The poll of a paused consumer
 * returns part 0 only. Payloads are returned until their bytes exceed $12, but the first payload always.
 *
 * Indexes: messages_xid (late), primary key (lagging and fresh, upwards by seq), holds by primary key, holds_due. No
 * locks.
 *
 * - One scan reads the rows with their payloads. The holds are probed only if the queue has one. With a second probe
 *   for each payload and each hold, 500 rows touched 5,534 blocks and not 988.
 * - Postgres hashes `in (select unnest())`, but searches `= any()` linearly in a generic plan.
 * - `offset 0` makes Postgres probe an index once per row. With statistics of a nearly empty queue, it would join the
 *   whole table instead, and a poll of 40,000 messages took 2 s.
 * - `queue_id::bigint` matches only the indexes messages_xid and holds_due, and `queue_id` only the primary keys. So
 *   Postgres cannot confuse them.
 * - The poll compares holds with `statement_timestamp()`. A volatile clock could not use holds_due.
 *
 * $1 queue $2 lanes $3 marks $4 rows a lane $5 running $6 xmax $7 keys to pass over. $8 lagging: lanes $9 from $10 keys
 * $11 rows in all $12 bytes
 */
const poll = (t: Names): string => {
  // A row that an operator wrote by hand may have any size, and a row of 17 MiB would end the connection at every poll.
  // So the payload of a large row is not returned. octet_length reads only the stored length, so it costs little.
  const large = `(octet_length(payload) > ${limits.payloadBytes} or octet_length(headers) > ${8 * limits.headerBytes})`
  const columns = [
    "lane",
    "key",
    "seq",
    "redriven",
    "id",
    "topic",
    "keyed",
    "version",
    "payload",
    "headers",
    "published_at"
  ]
    .concat(["attempts", "crash_count", "crashed_alone", "dead_letter_id"]).map((name) => `m.${name}`)
  const row = `${columns.join(", ")}, h.from_seq as held, ${large} as large,
      case when ${large} then 0 else octet_length(payload) end as bytes`
  const hold = `left join lateral (select from_seq from ${t.holds} h
      where (select some_held from holding) and h.queue_id = $1 and h.key = m.key and h.through is distinct from m.seq offset 0) h on true`
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
), holding as materialized (
  select exists (select from ${t.holds} where queue_id::bigint = $1::int) as some_held
), lagging as materialized (
  select s.* from unnest($8::int[], $9::bigint[]) b(lane, first) join mine l using (lane) cross join lateral (
    select ${row} from ${t.messages} m ${hold} where m.queue_id = $1 and m.lane = b.lane and m.seq between b.first and l.mark
      and m.key in (select unnest($10::text[])) order by m.seq limit $11) s
), fresh as materialized (
  select s.* from mine l cross join lateral (
    select ${row} from ${t.messages} m ${hold} where m.queue_id = $1 and m.lane = l.lane and m.seq > l.mark
      and m.key not in (select unnest($7::text[]))
      and (h.from_seq is null or h.from_seq > m.seq)
      order by m.seq limit l.most) s
  order by s.seq limit $11
), rows as (
  select *, before = 0 or before + bytes <= $12::bigint as fits from (
    select *, sum(bytes) over (order by part, seq) - bytes as before from (
      select 2 as part, * from lagging union all select 3, * from fresh) r) r
)
select part, lane, key, seq, large, held, case when fits then id end as id, topic, keyed, version,
  case when large then '' when fits then payload end as payload, case when large then '{}' when fits then headers end as headers,
  (extract(epoch from published_at) * 1000)::float8 as published_at, attempts, crash_count, crashed_alone, dead_letter_id, redriven, null::json as meta
from rows
union all select 1, l.lane, l.key, min(l.seq), false, min(h.from_seq), null, null, null, null, null, null, null, null, null, null, null, 0, null from (
    select lane, case when (select count(*) from late) <= 100 then key end as key, seq from late) l
  left join lateral (select from_seq from ${t.holds} h where h.queue_id = $1 and h.key = l.key
    and h.through is distinct from l.seq offset 0) h on true
  group by l.lane, l.key
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
