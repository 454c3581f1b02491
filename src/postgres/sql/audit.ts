/**
 * The audit: which operator did what, and when. Each entry commits together with its operator action.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"

/**
 * Returns the entries of a filter. A parameter that is null matches all entries.
 *
 * $1 what the entries are about $2 consumer $3 dead letter $4 operator $5 action $6 before $8 run
 */
export const matching = (t: Names) =>
  `select * from ${t.audit} where ($1::text is null or $1 = case when dead_letter_id is not null then 'deadLetters'
    when run_id is not null then 'redriveRuns' else 'consumers' end) and ($2::text is null or consumer = $2)
  and ($3::bigint is null or dead_letter_id = $3) and ($4::text is null or who = $4) and ($5::text is null or action = $5)
  and ($6::bigint is null or id < $6) and ($8::bigint is null or run_id = $8)`

export const make = (t: Names) => ({
  /**
   * Writes what an operator did to a consumer.
   * $1 operator $2 action $3 consumer $4 topic $5 key $6 note $7 detail
   */
  insert:
    `insert into ${t.audit} (who, action, consumer, topic, key, note, detail) values ($1, $2, $3, $4, $5, $6, $7)`,

  /**
   * Lists audit entries, newest first. Indexes: primary key, (dead letter), (run). No locks. $1 to $8 as in `matching`
   * $7 limit
   */
  list: `select lpad(id::text, 16, '0') as entry, ${millis("at")} as at, who, action, consumer,
  coalesce(lpad(dead_letter_id::text, 16, '0'), '') as dead_letter_id, coalesce(lpad(run_id::text, 16, '0'), '') as run_id,
  topic, key, note, detail
from (${matching(t)}) e order by id desc limit $7`
})
