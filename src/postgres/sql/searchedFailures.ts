/**
 * Failure groups of a search: the open dead letters that match, by cause. They are among the newest that match all but
 * the text and the value, as in `searching.ts`.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import type { Way } from "./narrowing.ts"
import { candidates, type Sought } from "./searching.ts"
import { ofGroup } from "./views.ts"

/**
 * Lists the groups, the newest first. `more` says that there may be older dead letters than the $13 that it looked at.
 * No locks. The parameters are those of `searching.ts`; $14 is the most groups.
 */
export const groups = (t: Names, way: Way, sought: Sought): string => {
  const { noted, running } = ofGroup(t, "g.queue_id", "c.name", "g.fingerprint")
  return `with seen as materialized (
  ${candidates(t, way, sought)}
), hits as materialized (
  select d.* from seen x cross join lateral (
    select id, queue_id, fingerprint, tag, reason, died_at, code_version from ${t.deadLetters} where id = x.id offset 0) d
  where x.hit
), groups as materialized (
  select queue_id, fingerprint, count(*)::int as n, min(died_at) as first_at, max(died_at) as last_at,
    (array_agg(id order by died_at desc))[1] as sample, (array_agg(tag order by died_at desc))[1] as tag,
    (array_agg(reason order by died_at desc))[1] as reason,
    array_agg(distinct code_version) filter (where code_version <> '') as versions
  from hits group by queue_id, fingerprint order by max(died_at) desc limit $14::int
)
select c.name as consumer, g.fingerprint, g.tag, g.reason, g.n as dead_letters, g.versions as died_on, ${running} as running_now,
  noted.note, noted.done_by as noted_by, ${millis("noted.at")} as noted, lpad(g.sample::text, 16, '0') as sample,
  ${millis("g.first_at")} as first, ${
    millis("g.last_at")
  } as last, (select count(*) >= $13::int or not coalesce(bool_and(near), true) from seen) as more,
  (select coalesce(json_object_agg(part, n), '{}')::text from (
    select floor(extract(epoch from statement_timestamp() - h.died_at) / 300)::int as part, count(*)::int as n from hits h
    where h.queue_id = g.queue_id and h.fingerprint = g.fingerprint and h.died_at > statement_timestamp() - interval '3 hours'
    group by 1) parts) as recent
from groups g join ${t.consumers} c on c.id = g.queue_id ${noted} order by g.last_at desc`
}
