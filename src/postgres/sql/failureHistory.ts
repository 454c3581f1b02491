/**
 * The history of a failure group: when its messages died, and what changed meanwhile.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"

/**
 * Returns a lateral join that counts open dead letters of group `v`. It counts them in each 5 minutes of the last 3
 * hours: `{"0": 12}` are the last 5 minutes. Reads the newest 1,000. Index: (state, queue, fingerprint, died_at).
 */
export const recent = (t: Names) =>
  `cross join lateral (select coalesce(json_object_agg(part, n), '{}')::text as recent from (
  select floor(date_part('epoch', statement_timestamp() - died_at) / 300)::int as part, count(*)::int as n from (
    select d.died_at from ${t.deadLetters} d where d.state = 'open' and d.queue_id = (select id from ${t.consumers} where name = v.consumer)
      and d.fingerprint = v.fingerprint and d.died_at > statement_timestamp() - interval '3 hours' order by d.died_at desc limit 1000) newest
  group by 1) parts) recent`

export const make = (t: Names) => ({
  /**
   * Lists dead letters of a group by time, in any state, among the newest $5. Also lists the first time of each
   * version, and redrives of the newest 1,000. Indexes: (state, queue, fingerprint, died_at), audit (dead letter).
   *
   * $1 consumer $2 fingerprint $3 since (ms) $4 seconds of a point $5 dead letters
   */
  history: `with one as materialized (select id from ${t.consumers} where name = $1),
died as materialized (
  select d.* from (values ('open'), ('redriving'), ('resolved'), ('discarded')) s(state) cross join one cross join lateral (
    select d.id, d.died_at, d.code_version, d.redriven from ${t.deadLetters} d where d.state = s.state and d.queue_id = one.id
      and d.fingerprint = $2 and d.died_at >= to_timestamp($3::float8 / 1000) order by d.died_at desc limit $5) d
  order by d.died_at desc limit $5
), redriven as (
  select a.done_by, max(a.note) as note, coalesce(lpad(a.run_id::text, 16, '0'), '') as run, min(a.at) as at, count(*) as n
  from (select id from died where redriven > 0 order by died_at desc limit 1000) d join ${t.audit} a on a.dead_letter_id = d.id
  where a.action in ('redriven', 'edited') and a.at >= to_timestamp($3::float8 / 1000)
  group by a.done_by, 3, case when a.run_id is null then floor(extract(epoch from a.at) / $4::int) end order by min(a.at) desc limit 50
)
select 'dead' as about, (floor(date_part('epoch', died_at) / $4::int) * $4::int * 1000)::float8 as at, count(*)::int as n,
  '' as version, '' as done_by, '' as note, '' as run from died group by 2
union all select 'version', ${millis("min(v.at)")}, 0, v.version, '', '', '' from (
  select code_version as version, died_at as at from died union all
  select w.code_version, w.started_at from ${t.workers} w join one on one.id = w.queue_id where w.started_at >= to_timestamp($3::float8 / 1000)
) v where v.version <> '' group by v.version
union all select 'redrive', ${millis("at")}, n::int, '', done_by, note, run from redriven order by 2`
})
