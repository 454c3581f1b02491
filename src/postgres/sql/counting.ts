/**
 * Counts of lists, up to a number of rows. The rows are those that the list would show.
 *
 * @since 0.1.0
 */
import { matching } from "./audit.ts"
import { isHeld } from "./facts.ts"
import type { Names } from "./names.ts"
import { ids, type Way } from "./narrowing.ts"

const counted = (rows: string) => `select count(*)::float8 as n from (${rows}) seen`

export const make = (t: Names) => ({
  /** Counts dead letters. Index: that of the way. $1 to $12 as in the list $13 count to, or null. */
  deadLetters: (way: Way, all: boolean) => counted(ids(t, way, { most: "$13::bigint", order: all ? "each" : "any" })),

  /**
   * Counts held keys. Index: primary key of holds.
   *
   * $1 consumer, or null $2 hold, or null $3 key, or null $4 count to, or null
   */
  keys: counted(`select from ${t.holds} h join ${t.consumers} c on c.id = h.queue_id
  where ($1::text is null or c.name = $1) and ${isHeld} and ($3::text is null or h.key = $3) limit $4::bigint`),

  /** Counts waiting messages. Index: primary key. $1 consumer $2 count to, or null */
  waiting: counted(
    `select from ${t.messages} where queue_id = (select id from ${t.consumers} where name = $1) limit $2::bigint`
  ),

  /**
   * Reads $4 messages of its lane at most. Index: primary key.
   *
   * $1 consumer $2 hash of the key $3 key $4 messages, or null $5 count to, or null
   */
  waitingOfKey: counted(`select from ${t.consumers} c cross join lateral (
    select key from ${t.messages} where queue_id = c.id and lane = $2::int % c.lanes order by seq limit $4::bigint) m
  where c.name = $1 and m.key = $3 limit $5::bigint`),

  /** Counts entries. Indexes: those of the list. $1 to $8 as in `list`, without $6 and with $7 as count to, or null. */
  audit: (faceted: boolean) => counted(matching(t, faceted, "any"))
})
