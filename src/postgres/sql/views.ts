/**
 * The views for operators with psql: consumers, held keys, failure groups, redrive runs, and topics without a
 * consumer.
 *
 * A view needs no right on the tables, and shows no payload. Counting ends at the number that the view's comment names,
 * so each row has a bounded cost. Groups and topics are bounded in number, too. Held keys are not, so a query of
 * `v_stuck_keys` needs a limit. `millrace/ops` reads the other three views.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import * as Status from "./status.ts"

/**
 * Returns the rates of a consumer over the last minute. The first point has counts from before, so it gives only the
 * beginning. The messages that came in are not known while the queue is too long to be counted. Index: primary key.
 */
const rates = (t: Names, queue: string) =>
  `select case when seconds > 0 then settled / seconds end as out_per_second,
  case when seconds > 0 and longest < 10000 then greatest(0, settled + last - first) / seconds end as in_per_second
from (
  select extract(epoch from max(at) - min(at))::float8 as seconds, max(unsettled) as longest,
    sum(case when nth > 1 then committed + duplicates + dead end)::float8 as settled,
    max(case when nth = 1 then unsettled end) as first, max(case when nth = n then unsettled end) as last
  from (select *, row_number() over (order by at) as nth, count(*) over () as n from ${t.series}
    where queue_id = ${queue} and seconds = 10 and at >= statement_timestamp() - interval '70 s') s) r`

/**
 * Makes the view of each consumer with its queue. Indexes: those of the status, the primary keys of lanes, workers,
 * holds, messages and series, and dead_letters_queue. No locks.
 */
const consumers = (t: Names) =>
  `create view ${t.vConsumers} as
select c.name as consumer, array(select topic from ${t.subscriptions} where queue_id = c.id order by topic) as topics,
  c.lanes, c.dead_letter_order, c.registered_at, c.paused_by, c.paused_at, c.paused_note, c.paused_until,
  (select count(*)::int from ${t.workers} w where w.queue_id = c.id and w.alive_until > clock_timestamp()) as workers,
  array(select distinct w.code_version from ${t.workers} w
    where w.queue_id = c.id and w.alive_until > clock_timestamp() and w.code_version <> '' order by 1) as code_versions,
  (select count(*)::int from ${t.lanes} l where l.queue_id = c.id and l.owner is not null and l.lease_until > clock_timestamp())
    as owned_lanes,
  s.free as free_lanes, s.unsettled, s.waiting, s.lag as lag_millis, (select min(first.published_at) from ${t.lanes} l cross join lateral (
    select m.published_at from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane order by m.seq limit 1) first
    where l.queue_id = c.id) as oldest_at,
  s.delayed as delayed_keys, s.parked as parked_keys,
  (select count(*)::int from (select paused_by from ${t.holds} h where h.queue_id = c.id limit 10000) h where paused_by is not null)
    as paused_keys,
  r.in_per_second, r.out_per_second, s.dead_letters,
  (select count(*)::int from (${Status.firstDeadLetters(t, "", "c.id", "redriving", 10_001)}) seen) as redriving
from ${t.consumers} c cross join lateral (${Status.make(t, "c.id")}) s
cross join lateral (${rates(t, "c.id")}) r where c.lanes > 0`

/**
 * Makes the view of each held key with the messages that wait behind it. `waiting` counts only among the first 10,000
 * messages of the lane. Indexes: the primary keys of holds and messages, dead_letters_key. No locks.
 */
const stuckKeys = (t: Names) =>
  `create view ${t.vStuckKeys} as
select c.name as consumer, h.key, h.lane, h.until = 'infinity' as parked, h.paused_by, h.paused_at,
  case when h.until < 'infinity' and (h.paused_by is null or h.until > statement_timestamp()) then h.until end as retry_at,
  behind.waiting, behind.oldest_at, d.id as dead_letter_id, d.tag, d.fingerprint, d.died_at
from ${t.holds} h join ${t.consumers} c on c.id = h.queue_id
cross join lateral (select count(*)::int as waiting, min(m.published_at) as oldest_at from (
  select m.key, m.published_at from ${t.messages} m where m.queue_id = h.queue_id and m.lane = h.lane order by m.seq limit 10000) m
  where m.key = h.key) behind
left join lateral (select d.id, d.tag, d.fingerprint, d.died_at from ${t.deadLetters} d
  where d.queue_id = h.queue_id and d.key = h.key and d.parked and d.state = 'open' order by d.id limit 1) d on true`

/** The most failure groups of a consumer, and the most topics without a consumer, that the views list. */
const mostRows = 1_000

/** Returns the versions that run now for the consumer of a failure group, and a join with the newest note about it. */
export const ofGroup = (t: Names, queue: string, consumer: string, fingerprint: string) => ({
  running: `array(select distinct w.code_version from ${t.workers} w
    where w.queue_id = ${queue} and w.alive_until > clock_timestamp() and w.code_version <> '' order by 1)`,
  noted: `left join lateral (select a.done_by, a.note, a.at from ${t.audit} a
  where a.action = 'noted' and a.consumer = ${consumer} and a.detail = ${fingerprint} order by a.id desc limit 1) noted on noted.note <> ''`
})

/**
 * Makes the view of the groups of open dead letters with one cause. For each consumer the view steps from group to
 * group in the index, and ends at 1,000 groups. It reads at most 1,001 entries of each. The note is the newest one of
 * the audit. Indexes: dead_letters_group, audit_noted. No locks.
 */
const failures = (t: Names) => {
  const { noted, running } = ofGroup(t, "c.id", "c.name", "g.fingerprint")
  const group = `${t.deadLetters} d where d.state = 'open' and d.queue_id = c.id and d.fingerprint = g.fingerprint`
  const next = (after: string) =>
    `select fingerprint from ${t.deadLetters} where state = 'open' and queue_id = c.id${after} order by fingerprint limit 1`
  return `create view ${t.vFailures} as
select c.name as consumer, g.fingerprint, d.tag, d.reason, counted.n as dead_letters, first.died_at as first_at,
  d.died_at as last_at, d.id as sample_id, counted.versions as died_on,
  ${running} as running_now, noted.note, noted.done_by as noted_by, noted.at as noted_at
from ${t.consumers} c cross join lateral (
  with recursive step as ((${next("")}) union all
    select n.fingerprint from step s cross join lateral (${next(" and fingerprint > s.fingerprint")}) n)
  select fingerprint from step limit ${mostRows}) g
cross join lateral (select sum(v.n)::int as n, array_agg(v.code_version order by v.code_version) filter (where v.code_version <> '') as versions
  from (select code_version, count(*) as n from (select d.code_version from ${group} order by d.died_at desc limit 1001) v group by 1) v) counted
cross join lateral (select d.died_at from ${group} order by d.died_at limit 1) first
cross join lateral (select d.id, d.tag, d.reason, d.died_at from ${group} order by d.died_at desc limit 1) d
${noted}`
}

/**
 * Makes the view of the topics that no consumer reads, with their messages. The view ends at 1,000 topics. Index: the
 * primary key of unrouted, from topic to topic. No locks.
 */
const unrouted = (t: Names) =>
  `create view ${t.vUnrouted} as
with recursive step as (
  (select topic from ${t.unrouted} order by topic limit 1)
  union all
  select n.topic from step s cross join lateral (select topic from ${t.unrouted} where topic > s.topic order by topic limit 1) n
)
select s.topic, (select count(*)::int from (
    select from ${t.unrouted} u where u.topic = s.topic order by u.seq limit 10001) seen) as messages,
  (select published_at from ${t.unrouted} u where u.topic = s.topic order by seq limit 1) as first_at,
  (select published_at from ${t.unrouted} u where u.topic = s.topic order by seq desc limit 1) as last_at
from (select topic from step limit ${mostRows}) s`

/**
 * Makes the view of each redrive run with the outcomes of its messages. Retention deletes runs that are over. Index:
 * the primary keys. No locks.
 */
const redriveRuns = (t: Names) =>
  `create view ${t.vRedriveRuns} as
select r.id as run, c.name as consumer, r.filter, r.state, r.stopped_by, r.stopped_for, r.rate, r.stage + 1 as stage, r.total,
  r.redriven, r.committed + o.committed as committed, r.duplicate + o.duplicate as duplicate, r.failed + o.failed as failed,
  o.waiting, r.started_by, r.started_at, r.note, r.changed_by, r.changed_at
from ${t.redriveRuns} r join ${t.consumers} c on c.id = r.queue_id cross join lateral (
  select count(*) filter (where outcome = 'committed')::int as committed, count(*) filter (where outcome = 'duplicate')::int as duplicate,
    count(*) filter (where outcome = 'failed')::int as failed, count(*) filter (where outcome is null)::int as waiting
  from ${t.redriveOutcomes} o where o.run_id = r.id) o`

/** Returns the statements that create the views, and their comments. */
export const make = (t: Names): ReadonlyArray<string> => [
  consumers(t),
  `comment on view ${t.vConsumers} is 'Consumers and their queues. A count of 10000 means that there may be more.'`,
  `comment on column ${t.vConsumers}.unsettled is 'All messages that are not settled.'`,
  `comment on column ${t.vConsumers}.waiting is 'Messages that can be processed. Those of held keys do not count.'`,
  stuckKeys(t),
  `comment on view ${t.vStuckKeys} is 'Held keys, and how many messages wait behind each. Each key reads the first 10000 messages of its lane, so use limit.'`,
  failures(t),
  `comment on view ${t.vFailures} is 'Open dead letters by cause, at most ${mostRows} causes of a consumer. A count of 1001 means that there are more.'`,
  unrouted(t),
  `comment on view ${t.vUnrouted} is 'Topics that no consumer reads, at most ${mostRows}. A count of 10001 means that there are more.'`,
  redriveRuns(t),
  `comment on view ${t.vRedriveRuns} is 'Redrive runs and the outcomes of their messages. A total of 100000 may mean that the set has more.'`
]
