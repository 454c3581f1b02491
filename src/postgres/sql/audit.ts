/**
 * The audit: which operator did what, and when. Each entry commits together with its operator action.
 *
 * @since 0.1.0
 */
import type { Query } from "../../Audit.ts"
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"

const facet = ["about", "done_by", "action", "consumer"]

const rest = `($3::bigint is null or dead_letter_id = $3) and ($8::bigint is null or run_id = $8)`

const columns = facet.join(", ")

/** Returns whether entries are found by what they are about, operator, action or consumer, and by nothing narrower. */
export const isFaceted = ({ about, action, by, consumer, deadLetterId, redriveRunId }: Query): boolean =>
  deadLetterId === undefined && redriveRunId === undefined
  && [about, by, action, consumer].some((one) => one !== undefined)

/**
 * Returns the combinations of what an entry is about, operator, action and consumer. The statement steps from one to
 * the next in the index, as in `narrowing.ts`. Index: audit_facet.
 */
const facets = (t: Names) =>
  `(with recursive step as (
    (select ${columns} from ${t.audit} order by ${columns} limit 1)
    union all
    select n.* from step s cross join lateral (
      select ${columns} from ${t.audit} where (${columns}) > (${facet.map((one) => `s.${one}`).join(", ")})
      order by ${columns} limit 1) n)
  select * from step where ($1::text is null or about = $1) and ($2::text is null or consumer = $2)
    and ($4::text is null or done_by = $4) and ($5::text is null or action = $5)) f`

/**
 * Returns the entries of a filter, the newest first, or in any order for a count. A parameter that is null matches all
 * entries. No statistics make the planner walk all entries for a filter that fits few.
 *
 * $1 what the entries are about $2 consumer $3 dead letter $4 operator $5 action $6 before $7 limit $8 run
 */
export const matching = (t: Names, faceted: boolean, order: "newest" | "any"): string => {
  const sorted = order === "any" ? "" : "order by id desc "
  const row = facet.map((one) => `f.${one}`).join(", ")
  return faceted
    ? `select e.* from ${facets(t)} cross join lateral (
  select * from ${t.audit} where (${columns}) >= (${row})
    and (${columns}, id) < (${row}, coalesce($6::bigint, 9223372036854775807)) and ${rest}
  order by ${facet.map((one) => `${one} desc`).join(", ")}, id desc limit $7::bigint) e ${sorted}limit $7::bigint`
    : `select * from ${t.audit} where ($1::text is null or about = $1) and ($2::text is null or consumer = $2)
  and ($4::text is null or done_by = $4) and ($5::text is null or action = $5) and ${rest}
  and ($6::bigint is null or id < $6) ${sorted}limit $7::bigint`
}

export const make = (t: Names) => ({
  /**
   * Writes what an operator did to a consumer.
   * $1 operator $2 action $3 consumer $4 topic $5 key $6 note $7 detail
   */
  insert:
    `insert into ${t.audit} (done_by, action, consumer, topic, key, note, detail) values ($1, $2, $3, $4, $5, $6, $7)`,

  /**
   * Lists audit entries, newest first. Indexes: primary key, (dead letter), (run), audit_facet. No locks. $1 to $8 as
   * in `matching`
   */
  list: (faceted: boolean) =>
    `select lpad(id::text, 16, '0') as entry, ${millis("at")} as at, done_by, action, consumer,
  coalesce(lpad(dead_letter_id::text, 16, '0'), '') as dead_letter_id, coalesce(lpad(run_id::text, 16, '0'), '') as run_id,
  topic, key, note, detail
from (${matching(t, faceted, "newest")}) e order by id desc`
})
