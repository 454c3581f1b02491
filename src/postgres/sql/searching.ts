/**
 * Searches of dead letters. No index has texts and values in payloads. So a search for one looks at the newest dead
 * letters that match all other filters.
 *
 * @since 0.1.0
 */
import { selected } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import { ids, type Way } from "./narrowing.ts"

/**
 * The kinds of searches, by what they look for in a dead letter. `ascii` are texts that have only characters of ASCII,
 * which Postgres compares ten times faster.
 */
export type Sought = "nothing" | "ascii" | "text" | "value" | "ascii and value" | "text and value"

/** The most bytes that a search for a text or a value reads. They take about a tenth of a second. */
const mostBytes = { text: 32 * 2 ** 20, value: 8 * 2 ** 20 }

/**
 * Returns the condition that a dead letter has a text, or the same text as it stands in JSON. `payload` is a lower-case
 * text, and so are the others.
 */
const hasText = (lower: (text: string) => string) =>
  ["$15", "$16"].flatMap((text) =>
    ["key", "message_id", "payload", "attempts"].map((column) =>
      `strpos(${lower(`d.${column}`)}, ${lower(`${text}::text`)}) > 0`
    )
  ).join(" or ")

/**
 * The condition that a payload has a value at a path. A payload that is no jsonb has none, for example one with a NUL.
 * Needs Postgres 16.
 */
const hasValue = `case when pg_input_is_valid(d.payload, 'jsonb') then coalesce(
    d.payload::jsonb #>> $17::text[], case when d.payload::jsonb #> $17::text[] = 'null' then 'null' end) = $18 end`

const conditions = (sought: Sought): string => {
  const text = sought.startsWith("ascii")
    ? hasText((text) => `lower(${text} collate "C")`)
    : sought.startsWith("text")
    ? hasText((text) => `lower(${text})`)
    : "$15::text is null and $16::text is null"
  return `(${text})${sought.endsWith("value") ? ` and ${hasValue}` : ""}`
}

/**
 * Selects the candidates of a search, newest first: the newest $13 that match all filters but text and value. A
 * candidate is `near` while the bytes before it are below the limit. A candidate is a `hit` if it is `near` and matches
 * text and value.
 *
 * With `offset 0` the statement reads the candidates one by one, and not the whole table.
 *
 * Index: the one that `way` names, and the primary key. $1 to $12 as in `list` $13 the most candidates $15 text, or
 * null $16 text in JSON, or null $17 path $18 value
 */
export const candidates = (t: Names, way: Way, sought: Sought): string =>
  `select id, nth, near, case when near then ${conditions(sought)} else false end as hit from (
    select x.id, d.*, row_number() over w as nth, sum(d.bytes) over w - d.bytes < ${
    sought.endsWith("value") ? mostBytes.value : mostBytes.text
  } as near
    from (${ids(t, way, { most: "$13::int", order: "newest" })}) x cross join lateral (
      select key, message_id, payload, attempts, ${
    sought === "nothing" ? "0" : "octet_length(payload)::bigint + octet_length(attempts)"
  } as bytes from ${t.deadLetters} where id = x.id offset 0) d
    window w as (order by x.id desc rows unbounded preceding)) d`

export const make = (t: Names) => ({
  /**
   * Lists dead letters, newest first, among the candidates. Each row says how many it looked at, down to which one, and
   * whether these were all. Without a dead letter there is one row of nulls.
   *
   * The rows of `seen` come in the order of its window, so `hits` needs no order of its own. It reads no further
   * candidate once it has $14, and a `case` that is not reached asks for none either.
   *
   * No locks. The parameters are those of `candidates`; $14 is the limit.
   */
  search: (way: Way, sought: Sought) =>
    `with seen as materialized (
  ${candidates(t, way, sought)}
), hits as materialized (
  select id, nth from seen where hit limit $14::int
), looked as materialized (
  select case when n < $14 then (select count(*) from seen where near) else nth end::int as looked,
    lpad(case when n < $14 then (select min(id) from seen where near) else id end::text, 16, '0') as last,
    case when n < $14 then (select count(*) < $13::int and coalesce(bool_and(near), true) from seen) else false end as complete
  from (select count(*) as n, max(nth) as nth, min(id) as id from hits) h
)
select l.looked, l.last, l.complete, d.*
from looked l left join (${selected} from hits h cross join lateral (select * from ${t.deadLetters} where id = h.id offset 0) d
  join ${t.consumers} c on c.id = d.queue_id) d on true
order by d.dead_letter_id desc`
})
