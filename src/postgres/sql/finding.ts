/**
 * The statements that look for one message id in every place. Inbox, dead letters, delayed and unrouted messages have
 * an index by id. The queue has none, since it would make each publish slower. So it is read, up to a bound. No locks.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import { retried } from "./holds.ts"
import type { Names } from "./names.ts"

/** The conditions of a message `m` with the hold `h` of its key and its lane `l`. */
const held = "h.key is not null and h.from_seq <= m.seq"
const due = "h.paused_by is null and h.until <= clock_timestamp()"
const inFlight = "l.lease_until > clock_timestamp() and m.seq <= l.fetched_to"

/** The state of such a message. */
export const state = `case when ${held} then case when ${due} then 'due' else 'held' end
    when ${inFlight} then 'inFlight' else 'waiting' end`

/** Lists messages with their holds and the owners of their lanes. */
const waiting = (t: Names, messages: string) =>
  `select m.id, m.topic, m.key, m.lane, m.seq::text as seq, ${
    millis("m.published_at")
  } as published, m.crash_count, m.redriven,
  json_array_length(coalesce(m.attempts, '[]')::json) as attempts, ${held} as held,
  ${state} as state,
  case when l.lease_until > clock_timestamp() then l.owner end as worker
from ${t.consumers} c cross join lateral (${messages}) m left join ${t.lanes} l on l.queue_id = m.queue_id and l.lane = m.lane
left join ${t.holds} h on h.queue_id = m.queue_id and h.key = m.key where c.name = $1 and c.lanes > 0 order by m.lane, m.seq`

export const make = (t: Names) => ({
  /**
   * Lists all consumers with their topics, and the outcome that the inbox has for the id. `Inbox.once` has names
   * without lanes. Index: primary key of the inbox. $1 id
   */
  inbox: `select c.id as queue, c.name as consumer, c.lanes, i.outcome,
  array(select topic from ${t.subscriptions} s where s.queue_id = c.id) as topics, ${millis("i.at")} as at
from ${t.consumers} c left join ${t.inbox} i on i.queue_id = c.id and i.id = $1 order by c.name`,

  /** Finds delayed messages. Index: delayed_id. $1 id */
  delayed: `select topic, key, ${millis("due_at")} as due from ${t.delayed} where id = $1 order by due_at limit 100`,

  /** Finds unrouted messages. Index: unrouted_id. $1 id */
  unrouted: `select topic, key, ${
    millis("published_at")
  } as published from ${t.unrouted} where id = $1 order by seq limit 100`,

  /**
   * Finds the id in all queues, by one read of the table. One statement has one snapshot, so a row that is updated
   * meanwhile is not missed. Several processes of Postgres may read the whole table. One reads it if the statement has
   * an end. $1 id $2 the end, as `(block,0)`
   */
  inQueues: (bounded: boolean) =>
    `select queue_id as queue, lane, seq from ${t.messages} where id = $1${
      bounded ? " and ctid < $2::text::tid" : ""
    } limit 100`,

  /** Returns the bytes of the table of messages, in blocks of 8 KiB. */
  size: `select pg_relation_size('${t.messages}')::float8 as bytes`,

  /**
   * Finds the id in the lanes of its key, in the first $3 messages of each. Returns whether a lane may have more.
   * Index: primary key. $1 id $2 hash of the key $3 messages
   */
  inLanes: `select l.queue_id as queue, l.lane, found.seq, found.looked >= $3::int as more from (
  select id as queue_id, $2::int % lanes as lane from ${t.consumers} where lanes > 0) l cross join lateral (
  select max(seq) filter (where id = $1) as seq, count(*) as looked from (
    select id, seq from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane order by m.seq limit $3) m) found`,

  /**
   * Lists waiting messages, lane after lane. Index: primary key. $1 consumer $2 after this lane $3 and this seq
   * $4 messages
   */
  waiting: waiting(
    t,
    `select * from ${t.messages} where queue_id = c.id and (lane, seq) > ($2::int, $3::bigint) order by lane, seq limit $4`
  ),

  /**
   * Lists waiting messages of one key in their order, among the next 100,000 of its lane. Index: primary key.
   *
   * $1 consumer $2 hash of the key $3 after this seq $4 messages $5 key
   */
  waitingOfKey: waiting(
    t,
    `select * from (select * from ${t.messages} where queue_id = c.id and lane = $2::int % c.lanes and seq > $3::bigint
    order by seq limit 100000) m where key = $5 order by seq limit $4`
  ),

  /**
   * Reads one place of a queue, with the hold of its key and what the hold waits for. Index: primary keys,
   * dead_letters_key. $1 queue $2 lane $3 seq
   */
  place: `select m.topic, m.key, m.lane, m.seq::text as seq, ${
    millis("m.published_at")
  } as published, m.crash_count, m.redriven,
  json_array_length(coalesce(m.attempts, '[]')::json) as attempts, case when l.lease_until > clock_timestamp() then l.owner end as worker,
  ${held} as held, h.until = 'infinity' as parked, h.paused_by,
  case when h.until < 'infinity' and (h.paused_by is null or h.until > statement_timestamp()) then ${
    millis("h.until")
  } end as retry_at, lpad(d.id::text, 16, '0') as dead_letter_id, d.message_id as dead_id, d.tag as dead_tag, r.id as retried_id,
  (r.attempts::json -> -1)::text as last_failure
from ${t.messages} m left join ${t.lanes} l on l.queue_id = m.queue_id and l.lane = m.lane
left join ${t.holds} h on h.queue_id = m.queue_id and h.key = m.key
left join lateral (select d.id, d.message_id, d.tag from ${t.deadLetters} d
  where h.until = 'infinity' and d.queue_id = h.queue_id and d.key = h.key and d.parked and d.state = 'open' order by d.id limit 1) d on true
left join lateral (${retried(t, "h")}) r on h.until < 'infinity'
where m.queue_id = $1 and m.lane = $2 and m.seq = $3`
})
