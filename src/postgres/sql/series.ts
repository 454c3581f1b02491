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
 * Index: primary key. Locks the two points, in the order of their lengths. Deletes at most 100 old points of each
 * length.
 *
 * $1 queue $2 unsettled $3 lag (ms) $4 delayed keys $5 parked keys $6 dead letters $7 committed $8 duplicates $9 dead
 * $10 retried
 */
export const record = (t: Names): string =>
  `with old as (
  delete from ${t.series} where ctid = any(array(
    select o.ctid from (values (10, interval '1 day'), (60, interval '7 days')) kept(seconds, time) cross join lateral (
      select ctid from ${t.series} s where s.queue_id = $1 and s.seconds = kept.seconds and s.at < statement_timestamp() - kept.time
      order by s.at limit 100 for update skip locked) o))
)
insert into ${t.series} as s (queue_id, seconds, at, unsettled, lag_millis, delayed_keys, parked_keys, dead_letters,
  committed, duplicates, dead, retried)
select c.id, p.seconds, date_bin(p.seconds * interval '1 s', statement_timestamp(), timestamptz '2000-01-01 00:00:00+00'),
  $2::int, $3::float8, $4::int, $5::int, $6::int, $7::bigint, $8::bigint, $9::bigint, $10::bigint
from ${t.consumers} c cross join (values (10), (60)) p(seconds) where c.id = $1 and ${unflushed} order by p.seconds
on conflict (queue_id, seconds, at) do update set unsettled = greatest(s.unsettled, excluded.unsettled),
  lag_millis = greatest(s.lag_millis, excluded.lag_millis),
  delayed_keys = greatest(s.delayed_keys, excluded.delayed_keys), parked_keys = greatest(s.parked_keys, excluded.parked_keys),
  dead_letters = greatest(s.dead_letters, excluded.dead_letters), committed = s.committed + excluded.committed,
  duplicates = s.duplicates + excluded.duplicates, dead = s.dead + excluded.dead, retried = s.retried + excluded.retried`
