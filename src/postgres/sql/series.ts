/**
 * The series of consumers: points of 10 seconds for a day, and of a minute for a week. Each worker adds its counts to
 * the two present points, and deletes old ones. So a consumer has at most 8,640 and 10,080 points.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { unflushed } from "./serverLife.ts"

/**
 * Adds counts and a reading of the status to the points of this moment. Does nothing for a removed consumer. Its commit
 * is not flushed: a crash of the server loses the last counts, which only charts show.
 *
 * Index: primary key. Locks the two points, in the order of their lengths.
 *
 * $1 queue $2 unsettled $3 waiting $4 lag (ms) $5 delayed keys $6 parked keys $7 dead letters. $8 committed
 * $9 duplicates $10 dead $11 retried
 */
export const record = (t: Names): string =>
  `with old as (
  delete from ${t.series} where queue_id = $1 and (step = 10 and at < statement_timestamp() - interval '1 day'
    or step = 60 and at < statement_timestamp() - interval '7 days')
)
insert into ${t.series} as s (queue_id, step, at, unsettled, waiting, lag_millis, delayed_keys, parked_keys, dead_letters,
  committed, duplicates, dead, retried)
select c.id, p.step, date_bin(p.step * interval '1 s', statement_timestamp(), timestamptz '2000-01-01 00:00:00+00'),
  $2::int, $3::int, $4::float8, $5::int, $6::int, $7::int, $8::bigint, $9::bigint, $10::bigint, $11::bigint
from ${t.consumers} c cross join (values (10), (60)) p(step) where c.id = $1 and ${unflushed} order by p.step
on conflict (queue_id, step, at) do update set unsettled = greatest(s.unsettled, excluded.unsettled),
  waiting = greatest(s.waiting, excluded.waiting), lag_millis = greatest(s.lag_millis, excluded.lag_millis),
  delayed_keys = greatest(s.delayed_keys, excluded.delayed_keys), parked_keys = greatest(s.parked_keys, excluded.parked_keys),
  dead_letters = greatest(s.dead_letters, excluded.dead_letters), committed = s.committed + excluded.committed,
  duplicates = s.duplicates + excluded.duplicates, dead = s.dead + excluded.dead, retried = s.retried + excluded.retried`
