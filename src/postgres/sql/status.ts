/**
 * The state of a queue, in one look of bounded cost: every part ends at 10,000 rows, or 200 a lane.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

const most = 10_000

/**
 * Counts what waits, what is held and what is dead, with the oldest times. Messages of held keys are passed over,
 * since they are not late.
 *
 * `offset 0` keeps that a probe per row, and not a look at all holds per lane. A time is null where nothing waits,
 * and `greatest` passes over it.
 *
 * Indexes: the primary keys of messages (upwards) and holds, `holds_due`, `dead_letters_queue`. No locks. $1 queue
 */
export const make = (t: Names): string => {
  const notHeld = `not exists (select from ${t.holds} h where h.queue_id = $1 and h.key = m.key offset 0)`
  return `with
waiting as (
  select count(*) as n from (
    select key from ${t.messages} where queue_id = $1 limit ${most}
  ) m where ${notHeld}
),
oldest as (
  select min(first.published_at) as at from ${t.lanes} l cross join lateral (
    select m.published_at from (
      select key, published_at, seq from ${t.messages} m where m.queue_id = $1 and m.lane = l.lane order by seq limit 200
    ) m where ${notHeld} order by m.seq limit 1
  ) first where l.queue_id = $1
),
eldest as (
  select min(first.published_at) as at from ${t.lanes} l cross join lateral (
    select published_at from ${t.messages} m where m.queue_id = $1 and m.lane = l.lane order by seq limit 1
  ) first where l.queue_id = $1
),
free as (
  select count(*) as n from ${t.lanes} l where l.queue_id = $1 and l.lease_until < clock_timestamp()
    and exists (select from ${t.messages} m where m.queue_id = $1 and m.lane = l.lane offset 0)
),
held as (
  select count(*) filter (where h.until = 'infinity') as parked, count(*) filter (where h.until <> 'infinity') as delayed
  from (select until from ${t.holds} where queue_id = $1 limit ${most}) h
),
dead_letters as (
  select count(*) as n, min(d.died_at) filter (where d.parked) as parked_since, min(d.died_at) as at
  from (select parked, died_at from ${t.deadLetters} where queue_id = $1 and state = 'open' order by id limit ${most}) d
)
select waiting.n::int as waiting, held.parked::int as parked, held.delayed::int as delayed, dead_letters.n::int as dead_letters,
  free.n::int as free,
  greatest(0, extract(epoch from clock_timestamp() - oldest.at) * 1000)::float8 as lag,
  greatest(0, extract(epoch from clock_timestamp() - dead_letters.parked_since) * 1000)::float8 as parked_for,
  greatest(0, extract(epoch from clock_timestamp() - least(eldest.at, dead_letters.at)) * 1000)::float8 as eldest,
  (select paused_by is not null from ${t.consumers} where id = $1) as paused,
  coalesce((select pipeline from ${t.consumers} where id = $1), '') as pipeline
from waiting, oldest, eldest, free, held, dead_letters`
}
