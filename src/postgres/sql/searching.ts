/**
 * Searches of dead letters. No index has texts and values in payloads. So a search for one looks at the newest dead
 * letters that match the rest.
 *
 * @since 0.1.0
 */
import { filter, filterOfOne, ofOne, selected } from "./deadLetters.ts"
import type { Names } from "./names.ts"

const states = "(values ('open'), ('redriving'), ('resolved'), ('discarded')) s(state)"

/**
 * The ids of dead letters that match everything but the text and the value, newest first. $1 to $9 filter $10 state
 * $11 before $12 version; `most` is a parameter. Index: primary key, (queue, state, id), (key) or (message_id).
 */
export const newest = (t: Names, oneConsumer: boolean, most: string): string => {
  const rest = "($11::bigint is null or d.id < $11) and ($12::text is null or d.code_version = $12)"
  return oneConsumer
    ? `select d.id from ${states} cross join lateral (
  select d.id from ${t.deadLetters} d where ${ofOne(t, "s.state")} and ${filterOfOne} and ${rest}
  order by d.queue_id desc, d.state desc, d.id desc limit ${most}) d
where $10::text is null or s.state = $10 order by d.id desc limit ${most}`
    : `select d.id from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where ${filter} and ($10::text is null or d.state = $10) and ${rest} order by d.id desc limit ${most}`
}

/**
 * The condition that a payload has a value at a path. A payload that is no jsonb has none, for example one with a NUL.
 * Needs Postgres 16.
 */
const hasValue = `case when pg_input_is_valid(d.payload, 'jsonb') then coalesce(
    d.payload::jsonb #>> $16::text[], case when d.payload::jsonb #> $16::text[] = 'null' then 'null' end) = $17 end`

/** The condition of a search by text and value. $15 patterns, or null $16 path $17 value */
export const matches = (byValue: boolean): string =>
  `($15::text[] is null or d.payload ilike any($15) or d.attempts ilike any($15) or d.key ilike any($15) or d.message_id ilike any($15))
  ${byValue ? `and ${hasValue}` : ""}`

export const make = (t: Names) => ({
  /**
   * Lists dead letters, newest first, among the newest $13 that match the rest. Each row says how many it looked at,
   * down to which one, and whether these were all. Without a dead letter there is one row of nulls.
   *
   * No locks. $1 to $12 as in `newest` $13 looked at $14 limit $15 patterns, or null $16 path $17 value
   */
  search: (oneConsumer: boolean, byValue: boolean) =>
    `with candidates as materialized (
${newest(t, oneConsumer, "$13::int")}
), hits as materialized (
  select d.id from candidates x join ${t.deadLetters} d on d.id = x.id
  where ${matches(byValue)} order by d.id desc limit $14
), looked as materialized (
  select count(*)::int as looked, lpad(min(x.id)::text, 16, '0') as last from candidates x
  where (select count(*) from hits) < $14 or x.id >= (select min(id) from hits)
)
select l.looked, l.last, (select count(*) from hits) < $14 and (select count(*) from candidates) < $13::int as complete, d.*
from looked l left join (${selected} from hits h join ${t.deadLetters} d on d.id = h.id join ${t.consumers} c on c.id = d.queue_id) d on true
order by d.dead_letter_id desc`
})
