/**
 * The statements that look for one message id in every place. Inbox, dead letters, delayed and unrouted messages have
 * an index by id. The queue has none, since it would make each publish slower, so it is read in pages. No locks.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /**
   * Lists all consumers with the outcome that the inbox has for the id. `Inbox.once` has names without lanes. Index:
   * primary key of the inbox. $1 id
   */
  inbox: `select c.id as queue, c.name as consumer, c.lanes, i.outcome, ${millis("i.at")} as at
from ${t.consumers} c left join ${t.inbox} i on i.queue_id = c.id and i.id = $1 order by c.name`,

  /** Finds delayed messages. Index: delayed_id. $1 id */
  delayed: `select topic, key, ${millis("due_at")} as due from ${t.delayed} where id = $1 order by due_at limit 100`,

  /** Finds unrouted messages. Index: unrouted_id. $1 id */
  unrouted: `select topic, key, ${
    millis("published_at")
  } as published from ${t.unrouted} where id = $1 order by seq limit 100`,

  /**
   * Reads a page of a queue, in the order of the primary key. Returns the place where the id was found, if it was, and
   * the last place of the page with the number of messages. $1 queue $2 after this lane $3 and this seq
   * $4 last lane $5 id $6 messages
   */
  page: `with page as materialized (
  select lane, seq, id from ${t.messages} where queue_id = $1 and (lane, seq) > ($2::int, $3::bigint) and lane <= $4
  order by lane, seq limit $6
)
select p.lane, p.seq, p.id = $5 as found, (select count(*)::int from page) as looked from page p
where p.id = $5 or (p.lane, p.seq) = (select lane, seq from page order by lane desc, seq desc limit 1) order by p.lane, p.seq`,

  /** Reads one place of a queue, with the hold of its key. Index: primary keys. $1 queue $2 lane $3 seq */
  place: `select m.topic, m.key, m.lane, ${millis("m.published_at")} as published, m.crash_count, m.redriven,
  json_array_length(coalesce(m.attempts, '[]')::json) as attempts, case when l.lease_until > clock_timestamp() then l.owner end as worker,
  h.key is not null and h.from_seq <= m.seq as held, h.until = 'infinity' as parked, h.paused_by,
  case when h.until < 'infinity' and (h.paused_by is null or h.until > statement_timestamp()) then ${
    millis("h.until")
  } end as retry_at
from ${t.messages} m left join ${t.lanes} l on l.queue_id = m.queue_id and l.lane = m.lane
left join ${t.holds} h on h.queue_id = m.queue_id and h.key = m.key
where m.queue_id = $1 and m.lane = $2 and m.seq = $3`
})
