/**
 * The statements of `millrace/ops` about queues and failures. They only read, take no locks, and have a bounded cost.
 * Those about consumers, failure groups and unrouted messages read the views.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import { recent } from "./failureHistory.ts"
import { retried } from "./holds.ts"
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  ...queue(t),
  ...stuck(t),

  /** Returns whether a consumer exists. Index: (name). $1 name */
  exists: `select from ${t.consumers} where name = $1 and lanes > 0`,

  /** Lists consumers. $1 name, or null for all */
  consumers: `select v.*, ${millis("registered_at")} as registered, ${millis("paused_at")} as paused_since, ${
    millis("paused_until")
  } as pause_ends,
  ${millis("oldest_at")} as oldest from ${t.vConsumers} v where $1::text is null or consumer = $1 order by consumer`,

  /**
   * Lists failure groups, newest first. $1 consumer, or null $2 fingerprint, or null $3 groups
   */
  failures: `select v.*, lpad(sample_id::text, 16, '0') as sample, ${millis("first_at")} as first, ${
    millis("last_at")
  } as last, ${millis("noted_at")} as noted, recent.recent
from (select * from ${t.vFailures} where ($1::text is null or consumer = $1) and ($2::text is null or fingerprint = $2)
order by last_at desc limit $3) v ${recent(t)} order by last_at desc`,

  /** Lists topics without a consumer. */
  unrouted: `select topic, messages, ${millis("first_at")} as first, ${
    millis("last_at")
  } as last from ${t.vUnrouted} order by topic`,

  /**
   * Counts what is not due, by topic. Reads at most $1 + 1 rows, those that are due first. Index: delayed_due.
   */
  delayed: `select topic, count(*)::int as messages, ${
    millis("min(due_at)")
  } as next, sum(count(*)) over ()::int as looked
from (select topic, due_at from ${t.delayed} order by due_at, seq limit $1::int + 1) d group by topic order by topic`,

  /**
   * Lists the messages that were in flight when a worker died, those with the most crashes first. Looks at the first
   * messages of each lane, since messages in flight stand there: 1,000 of each, but 32,000 in all. Index: primary key.
   * $1 consumer, or null
   */
  suspects: `select l.name as consumer, m.id, m.topic, m.key, m.lane, m.crash_count, m.crashed_alone,
  ${
    millis("m.published_at")
  } as published, m.crash_count = max(m.crash_count) over (partition by m.queue_id, m.lane) as most,
  case when l.lease_until > clock_timestamp() then l.owner end as worker
from (select c.id, c.name, l.lane, l.owner, l.lease_until, least(1000, 32000 / count(*) over ()) as most
  from ${t.consumers} c join ${t.lanes} l on l.queue_id = c.id where $1::text is null or c.name = $1) l cross join lateral (
  select * from (select queue_id, lane, seq, id, topic, key, crash_count, crashed_alone, published_at from ${t.messages} m
    where m.queue_id = l.id and m.lane = l.lane order by m.seq limit greatest(1, l.most)) m where m.crash_count > 0) m
order by m.crash_count desc, m.seq limit 100`,

  /** Lists workers. Retention deletes those that died more than an hour ago. Indexes: primary keys. */
  workers: `select c.name as consumer, w.worker, w.code_version, ${millis("w.started_at")} as started,
  ${millis("w.alive_until")} as alive_until, w.alive_until > clock_timestamp() as alive,
  (select count(*)::int from ${t.lanes} l where l.queue_id = w.queue_id and l.owner = w.worker and l.lease_until > clock_timestamp()) as lanes
from ${t.workers} w join ${t.consumers} c on c.id = w.queue_id order by c.name, w.worker`,

  /**
   * Groups the latest redrives by operator and note, with the present states of the dead letters. Looks at the latest
   * 50,000 audit entries, and at 10,001 redrives of them. Indexes: primary keys. With the lane in its condition, the
   * join needs the row itself, and probes no second index that has the state, too.
   *
   * $1 consumer, or null $2 operator, or null $3 since (ms), or null
   */
  redrives: `with actions as materialized (
  select dead_letter_id, done_by, note, consumer, at from (select * from ${t.audit} order by id desc limit 50000) a
  where action in ('redriven', 'edited') and ($1::text is null or consumer = $1) and ($2::text is null or done_by = $2)
    and ($3::float8 is null or at >= to_timestamp($3::float8 / 1000)) order by id desc limit 10001
), each as (
  select consumer, done_by, note, dead_letter_id, min(at) as first, max(at) as last from actions group by 1, 2, 3, 4
)
select e.consumer, e.done_by, e.note, ${millis("min(e.first)")} as first, ${millis("max(e.last)")} as last,
  count(*)::int as dead_letters, count(*) filter (where d.state = 'resolved')::int as committed,
  count(*) filter (where d.state = 'redriving')::int as waiting, count(*) filter (where d.state = 'open')::int as failed_again,
  count(*) filter (where d.state = 'discarded')::int as discarded, count(*) filter (where d.id is null)::int as gone,
  (select count(*) > 10000 from actions) as more
from each e left join ${t.deadLetters} d on d.id = e.dead_letter_id and d.lane >= 0 group by 1, 2, 3 order by max(e.last) desc`,

  /**
   * Reads a part of a consumer's series. Index: primary key. $1 consumer $2 seconds $3 from (ms), or null
   * $4 until (ms), or null
   */
  series: `select s.*, ${millis("s.at")} as begins from ${t.series} s
where queue_id = (select id from ${t.consumers} where name = $1 and lanes > 0) and seconds = $2::int
  and at >= coalesce(to_timestamp($3::float8 / 1000), statement_timestamp() - interval '1 hour')
  and ($4::float8 is null or at < to_timestamp($4::float8 / 1000)) order by at`
})

/** Returns the statements about one queue. */
const queue = (t: Names) => ({
  /**
   * Lists the lanes of a queue. Counting ends at 1,001 messages a lane. Index: primary keys. $1 consumer
   */
  lanes: `select l.lane, l.owner, ${millis("l.lease_until")} as lease_until, l.lease_until > clock_timestamp() as owned,
  l.alone is not null and l.alone > 0 as alone, ${millis("first.published_at")} as oldest,
  (select count(*)::int from (select from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane limit 1001) seen) as waiting
from ${t.lanes} l left join lateral (
  select m.published_at from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane order by m.seq limit 1) first on true
where l.queue_id = (select id from ${t.consumers} where name = $1 and lanes > 0) order by l.lane`,

  /**
   * Finds the key that has most messages in a sample of about 200 blocks of the table. Also returns its share of the
   * queue's part of the sample. Returns nothing if that part has fewer than 10 messages. A table of up to 200 blocks is
   * read as a whole. $1 consumer
   */
  oneKey:
    `select key, share from (select key, count(*) as n, (count(*) / sum(count(*)) over ())::float8 as share, sum(count(*)) over () as seen
from ${t.messages} tablesample system (least(100, 163840000.0 / greatest(pg_relation_size('${t.messages}'), 1)))
where queue_id = (select id from ${t.consumers} where name = $1 and lanes > 0) group by key) sample
where seen >= 10 order by n desc limit 1`
})

/** The statement about held keys. */
/** The condition that a hold `h` has the reason $2, or that $2 is null. */
export const isHeld =
  `($2::text is null or $2 = 'parked' and h.until = 'infinity' or $2 = 'paused' and h.paused_by is not null
        or $2 = 'delayed' and h.until < 'infinity' and (h.paused_by is null or h.until > statement_timestamp()))`

const stuck = (t: Names) => ({
  /**
   * Lists a page of held keys, and counts what waits behind each. Looks at the next 1,000,000 held keys of a consumer
   * at most. The lanes of the page share 25,000 messages, which are read from their beginnings. Indexes: the primary
   * keys of holds and messages, dead_letters_key.
   *
   * $1 consumer, or null $2 hold, or null $3 after this consumer, or null $4 and this key $5 keys $6 key, or null
   */
  stuckKeys: `with page as materialized (
  select c.name as consumer, h.* from ${t.consumers} c cross join lateral (
    select * from (select * from ${t.holds} where queue_id = c.id and (c.name <> $3::text or $3::text is null or key > $4::text)
        and ($6::text is null or key = $6) order by key limit 1000000) h
    where ${isHeld}
    order by h.key limit $5) h
  where ($1::text is null or c.name = $1) and ($3::text is null or c.name >= $3) order by c.name, h.key limit $5
), read as materialized (
  select l.queue_id, l.lane, m.key, m.n, m.oldest, sum(m.n) over (partition by l.queue_id, l.lane) >= l.most as more
  from (select queue_id, lane, 25000 / count(*) over () as most from (select distinct queue_id, lane from page) p) l
  cross join lateral (
    select case when m.key in (select p.key from page p) then m.key end as key, count(*) as n, min(m.published_at) as oldest
    from (select key, published_at from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane order by m.seq limit l.most) m
    group by 1) m
)
select p.consumer, p.key, p.lane, p.until = 'infinity' as parked, p.paused_by, ${millis("p.paused_at")} as paused_at,
  case when p.until < 'infinity' and (p.paused_by is null or p.until > statement_timestamp()) then ${
    millis("p.until")
  } end as retry_at,
  coalesce(r.n, 0)::int as behind, ${millis("r.oldest")} as oldest,
  coalesce((select bool_or(l.more) from read l where l.queue_id = p.queue_id and l.lane = p.lane), false) as more,
  lpad(d.id::text, 16, '0') as dead_letter_id, d.tag, d.fingerprint, ${millis("d.died_at")} as died_at,
  (coalesce(d.attempts, f.attempts)::json -> -1)::text as last_failure
from page p left join read r on r.queue_id = p.queue_id and r.lane = p.lane and r.key = p.key
left join lateral (select d.id, d.tag, d.fingerprint, d.died_at, d.attempts from ${t.deadLetters} d
  where d.queue_id = p.queue_id and d.key = p.key and d.parked and d.state = 'open' order by d.id limit 1) d on true
left join lateral (${retried(t, "p")}) f on p.until < 'infinity'
order by p.consumer, p.key`
})
