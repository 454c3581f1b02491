/**
 * Holds: each is the pause of one key. A hold hides the key's messages from `from_seq` on, even after the hold's time
 * has come. Only the lane's owner ends a hold. A hold that an operator has paused is not due until an operator resumes
 * it.
 *
 * Statements lock the lane for key share, and then the hold. An operator who pauses a key also locks its hold. A reader
 * never waits for a hold that another transaction has locked, because all other keys would wait, too.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

/**
 * Selects the message that a hold waits for, with its attempts. A late row may stand before it. So it is the first one
 * of the key with failed attempts, among the next 100 of the lane. Index: primary key.
 */
export const retried = (t: Names, hold: string) =>
  `select m.id, m.attempts from (select key, id, attempts from ${t.messages} m
  where m.queue_id = ${hold}.queue_id and m.lane = ${hold}.lane and m.seq >= ${hold}.from_seq order by m.seq limit 100) m
  where m.key = ${hold}.key and m.attempts is not null limit 1`

export const make = (t: Names) => ({
  /**
   * Holds a key and stores the message's attempts. Returns nothing if the token is stale. If the key has a hold (an
   * operator's, for example), that hold gets the later time and the lower `from_seq`. It then lets no message through.
   * The statement waits for a locked hold for one second only, since the worker reads nothing meanwhile.
   *
   * Index: primary keys. $1 queue $2 lane $3 token $4 key $5 milliseconds, or null for parked $6 from_seq. $7 seq $8
   * attempts, or null
   * $9 life $10 id $11 redrives
   */
  put: `with mine as materialized (
  select lane, set_config('lock_timeout', '1s', true) from ${t.lanes}
  where queue_id = $1 and lane = $2 and token = $3 and ${life(t)} = $9::text for key share
), noted as (
  update ${t.messages} m set attempts = $8::text from mine
  where m.queue_id = $1 and m.lane = mine.lane and m.seq = $7 and m.id = $10 and m.redriven = $11 and $8::text is not null
)
insert into ${t.holds} as h (queue_id, key, lane, until, from_seq)
select $1::int, $4::text, lane, coalesce(clock_timestamp() + $5::float8 * interval '1 ms', 'infinity'), $6::bigint from mine
on conflict (queue_id, key) do update
set until = greatest(h.until, excluded.until), from_seq = least(h.from_seq, excluded.from_seq), through = null returning lane`,

  /**
   * Ends holds whose time has come; no other statement of a worker ends holds. A locked hold stays, and stays due.
   * Index: primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 keys $5 life
   */
  endDue: `with mine as materialized (
  select l.lane from ${t.lanes} l join unnest($2::int[], $3::bigint[]) g(lane, token) on l.lane = g.lane and l.token = g.token
  where l.queue_id = $1 and ${life(t)} = $5::text and ${unflushed} order by l.lane for key share of l
), due as materialized (
  select h.key from ${t.holds} h where h.queue_id = $1 and h.lane = any(array(select lane from mine)) and h.key = any($4::text[])
    and h.until <= clock_timestamp() and h.paused_by is null order by h.key for update of h skip locked
)
delete from ${t.holds} h using due where h.queue_id = $1 and h.key = due.key returning h.key, h.lane, h.from_seq`,

  /**
   * Lowers holds that have a late row below `from_seq`, so that the hold hides that row, too. Returns the keys of the
   * lowered holds; locked ones are skipped.
   *
   * Index: primary key. $1 queue $2 keys $3 seqs $4 life
   */
  lower: `with free as materialized (
  select h.key, s.seq from unnest($2::text[], $3::bigint[]) s(key, seq) join ${t.holds} h on h.queue_id = $1 and h.key = s.key
  where ${life(t)} = $4::text and ${unflushed} order by h.key for no key update of h skip locked
)
update ${t.holds} h set from_seq = least(h.from_seq, free.seq) from free where h.queue_id = $1 and h.key = free.key returning h.key`,

  /**
   * Returns the milliseconds until the next hold of these lanes ends, and until the next delayed message is due. A
   * worker without messages sleeps until the earlier of these times at most. A hold that is due and locked is not
   * counted.
   *
   * Indexes: holds_due (two probes a lane), delayed_due. $1 queue $2 lanes
   */
  next: `select min((extract(epoch from h.until - statement_timestamp()) * 1000)::float8) as millis,
  (select (extract(epoch from due_at - statement_timestamp()) * 1000)::float8 from ${t.delayed} order by due_at limit 1) as delayed
from unnest($2::int[]) l(lane) cross join lateral (
  (select until from ${t.holds} where queue_id::bigint = $1::int and lane = l.lane and until > statement_timestamp() and until < 'infinity'
    and paused_by is null order by until limit 1)
  union all select until from (select until from ${t.holds} where queue_id::bigint = $1::int and lane = l.lane
    and until <= statement_timestamp() and paused_by is null order by until limit 1 for update skip locked) due) h`
})
