/**
 * The statements that read one message with its payload: in a queue, among delayed messages, and among messages without
 * a consumer. They only read, and take no locks.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import { state } from "./finding.ts"
import type { Names } from "./names.ts"

const envelope = (row: string) =>
  ["id", "topic", "key", "keyed", "payload", "headers", "version"].map((column) => `${row}.${column}`).join(", ")

export const make = (t: Names) => ({
  /**
   * Reads the message at one place of a queue. Counts the messages of its key among the 10,000 that stand before it in
   * the lane. Index: primary keys. $1 consumer $2 lane $3 seq
   */
  inQueue: `select ${envelope("m")}, ${millis("m.published_at")} as published_at, m.attempts, m.crash_count, m.redriven,
  ${state} as state, before.n as ahead, before.looked >= 10000 as more
from ${t.consumers} c join ${t.messages} m on m.queue_id = c.id
left join ${t.lanes} l on l.queue_id = m.queue_id and l.lane = m.lane
left join ${t.holds} h on h.queue_id = m.queue_id and h.key = m.key
cross join lateral (select count(*) filter (where b.key = m.key)::int as n, count(*)::int as looked from (
  select b.key from ${t.messages} b where b.queue_id = m.queue_id and b.lane = m.lane and b.seq < m.seq
  order by b.seq desc limit 10000) b) before
where c.name = $1 and m.lane = $2::int and m.seq = $3::bigint`,

  /** Reads delayed messages with this id. Index: delayed_id. $1 id */
  delayed: `select ${envelope("d")}, d.name, ${
    millis("d.due_at")
  } as due from ${t.delayed} d where d.id = $1 order by d.due_at, d.seq limit 10`,

  /** Reads unrouted messages with this id. Index: unrouted_id. $1 id */
  unrouted: `select ${envelope("u")}, ${
    millis("u.published_at")
  } as published_at from ${t.unrouted} u where u.id = $1 order by u.seq limit 10`
})
