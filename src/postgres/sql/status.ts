/**
 * The state of a queue, by one statement of bounded cost. Each count reads at most 10,000 rows, and the search for the
 * oldest message at most 200 rows of each lane.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

const most = 10_000

/**
 * Returns the oldest dead letters of a queue in a state. The comparison of rows is an equality, which the planner does
 * not know. So only dead_letters_queue gives this order. With two equalities the primary key does, too, and a queue
 * with few dead letters would walk all dead letters of other queues.
 */
export const firstDeadLetters = (
  t: Names,
  columns: string,
  queue: string,
  state: string,
  limit: number | string
): string =>
  `select ${columns} from ${t.deadLetters}
    where (queue_id, state) >= (${queue}, '${state}') and (queue_id, state) <= (${queue}, '${state}')
    order by queue_id, state, id limit ${limit}`

/**
 * Counts waiting messages, held keys and open dead letters, and returns the ages of the oldest. Messages of held keys
 * do not count as waiting, and not for the lag.
 *
 * `offset 0` makes Postgres probe the holds once per message, and not read all holds for each lane. If no message
 * waits, the oldest time is null, and `greatest` returns 0 for the age.
 *
 * `queue` is $1, or an expression of the statement around this one. Indexes: the primary keys of messages (upwards) and
 * holds, `dead_letters_queue`, `redrive_runs_open`. No locks.
 */
export const make = (t: Names, queue = "$1"): string => {
  const notHeld = `not exists (select from ${t.holds} h where h.queue_id = ${queue} and h.key = m.key offset 0)`
  return `with
waiting as (
  select count(*) filter (where ${notHeld}) as n, count(*) as unsettled from (
    select key from ${t.messages} where queue_id = ${queue} order by lane, seq limit ${most}
  ) m
),
oldest as (
  select min(first.published_at) as at from ${t.lanes} l cross join lateral (
    select m.published_at from (
      select key, published_at, seq from ${t.messages} m where m.queue_id = ${queue} and m.lane = l.lane order by seq limit 200
    ) m where ${notHeld} order by m.seq limit 1
  ) first where l.queue_id = ${queue}
),
eldest as (
  select min(first.published_at) as at from ${t.lanes} l cross join lateral (
    select published_at from ${t.messages} m where m.queue_id = ${queue} and m.lane = l.lane order by seq limit 1
  ) first where l.queue_id = ${queue}
),
free as (
  select count(*) as n from ${t.lanes} l where l.queue_id = ${queue} and l.lease_until < clock_timestamp()
    and exists (select from ${t.messages} m where m.queue_id = ${queue} and m.lane = l.lane offset 0)
),
held as (
  select count(*) filter (where h.until = 'infinity') as parked, count(*) filter (where h.until <> 'infinity') as delayed
  from (select until from ${t.holds} where queue_id = ${queue} limit ${most}) h
),
dead_letters as (
  select count(*) as n, min(d.died_at) filter (where d.parked) as parked_since, min(d.died_at) as at
  from (${firstDeadLetters(t, "parked, died_at", queue, "open", most)}) d
)
select waiting.n::int as waiting, waiting.unsettled::int as unsettled, held.parked::int as parked, held.delayed::int as delayed, dead_letters.n::int as dead_letters,
  free.n::int as free,
  greatest(0, extract(epoch from clock_timestamp() - oldest.at) * 1000)::float8 as lag,
  greatest(0, extract(epoch from clock_timestamp() - dead_letters.parked_since) * 1000)::float8 as parked_for,
  greatest(0, extract(epoch from clock_timestamp() - least(eldest.at, dead_letters.at)) * 1000)::float8 as eldest,
  (select paused_by is not null from ${t.consumers} where id = ${queue}) as paused,
  exists (select from ${t.redriveRuns} where queue_id = ${queue} and state = 'stopped') as redrive_stopped,
  coalesce((select pipeline from ${t.consumers} where id = ${queue}), '') as pipeline
from waiting, oldest, eldest, free, held, dead_letters`
}
