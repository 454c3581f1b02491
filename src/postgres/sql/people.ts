/**
 * What people do with consumers: look, pause, unsubscribe, remove.
 *
 * Lock order: subscriptions (the table), the consumer, its lanes, then what it has. A removal deletes letters before messages: a person
 * who redrives one has it locked, and puts its message in before we delete.
 *
 * @since 0.1.0
 */
import { joined, millis } from "./letters.ts"
import type { Names } from "./names.ts"

const locked = (t: Names, mode: "for no key update" | "for update") =>
  `select id, lanes, paused_by, ${
    millis("paused_at")
  } as paused_at from ${t.consumers} where name = $1 and lanes > 0 ${mode}`

export const make = (t: Names) => {
  const upTo = (from: string) => `(select count(*)::int from (select from ${from} limit $2::int + 1) seen)`
  return {
    /** Names that only callers without a pipeline use have no lanes, and no queue to look at. Counting ends at $2. Indexes: primary keys; (queue, state, id). $1 name, or null for all $2 count to */
    list: `select c.name as consumer, c.lanes, c.dead_letter_order, ${
      millis("c.registered_at")
    } as registered_at, c.paused_by,
  ${millis("c.paused_at")} as paused_at, c.paused_note,
  to_json(array(select topic from ${t.subscriptions} where queue_id = c.id order by topic)) as topics,
  (select count(*)::int from ${t.workers} where queue_id = c.id and alive_until > clock_timestamp()) as workers,
  ${upTo(`${t.messages} where queue_id = c.id`)} as waiting, ${upTo(`${t.holds} where queue_id = c.id`)} as held,
  ${upTo(`${t.deadLetters} where queue_id = c.id and state in ('open', 'redriving')`)} as letters
from ${t.consumers} c where c.lanes > 0 and ($1::text is null or c.name = $1) order by c.name`,

    /** In the primary key's order. A pause outlives the time of its hold. $1 queue $2 after, or null $3 limit */
    heldKeys: `select key, until = 'infinity' as parked, paused_by, ${millis("paused_at")} as paused_at,
  case when until < 'infinity' and (paused_by is null or until > statement_timestamp()) then ${
      millis("until")
    } end as retry_at
from ${t.holds} where queue_id = $1 and ($2::text is null or key > $2) order by key limit $3`,

    /**
     * One person at a time. Not as a removal: what refers to the consumer (a burial does, for key share) goes on, however long the
     * person's transaction is open. $1 name
     */
    lock: locked(t, "for no key update"),

    /** Nobody refers to it any more. $1 name */
    lockToRemove: locked(t, "for update"),

    /** Keeps it from being removed; workers may say that they wait meanwhile. $1 name */
    keep: `select id, lanes from ${t.consumers} where name = $1 and lanes > 0 for key share`,

    /** $1 name */
    queue: `select id from ${t.consumers} where name = $1 and lanes > 0`,

    /** $1 queue $2 who, or null $3 note */
    pause: `update ${t.consumers} set paused_by = $2::text, paused_note = $3,
  paused_at = case when $2::text is null then null else statement_timestamp() end where id = $1`,

    /** Answers nothing if somebody has paused it already. All of the key, whatever else holds it. $1 queue $2 key $3 lane $4 who */
    pauseKey: `insert into ${t.holds} as h (queue_id, key, lane, until, from_seq, paused_by, paused_at)
values ($1, $2, $3, statement_timestamp(), 0, $4, statement_timestamp())
on conflict (queue_id, key) do update set from_seq = 0, paused_by = $4, paused_at = statement_timestamp()
where h.paused_by is null returning key`,

    /** $1 queue $2 key */
    pausedKey: `select paused_by, ${millis("paused_at")} as paused_at from ${t.holds} where queue_id = $1 and key = $2`,

    /** Its hold may be due now; the lane's owner ends it. Answers nothing if it is not paused. $1 queue $2 key */
    resumeKey: `update ${t.holds} set paused_by = null, paused_at = null
where queue_id = $1 and key = $2 and paused_by is not null returning key`,

    /** Commits of its workers are over, and no new one begins. $1 queue */
    lockLanes: `select lane from ${t.lanes} where queue_id = $1 order by lane for update`,

    /** $1 queue $2 topic, or null for all */
    census:
      `select (select count(*)::int from ${t.workers} where queue_id = $1 and alive_until > clock_timestamp()) as workers,
  (select count(*)::int from ${t.messages} where queue_id = $1 and ($2::text is null or topic = $2)) as waiting,
  (select count(*)::int from ${t.deadLetters} where queue_id = $1 and state in ('open', 'redriving')) as letters`,

    /** In this order. Each: $1 queue */
    remove: [
      `delete from ${t.deadLetters} where queue_id = $1`,
      `delete from ${t.messages} where queue_id = $1`,
      `delete from ${t.subscriptions} where queue_id = $1`,
      `delete from ${t.holds} where queue_id = $1`,
      `delete from ${t.inbox} where queue_id = $1`,
      `delete from ${t.workers} where queue_id = $1`,
      `delete from ${t.lanes} where queue_id = $1`,
      `delete from ${t.consumers} where id = $1`
    ],

    /** $1 queue $2 topic */
    unsubscribe: `delete from ${t.subscriptions} where queue_id = $1 and topic = $2 returning topic`,

    /**
     * What waits of a topic that is not read any more becomes dead letters, as if a worker had given it up: its id is dead, a known
     * one is a duplicate, other content under a known id is kept beside, a redriven one goes back to its letter.
     * $1 queue $2 topic $3 the failure, as JSON $4 its tag
     */
    giveUp: `with gone as materialized (
  delete from ${t.messages} where queue_id = $1 and topic = $2 returning *
), told as materialized (
  select g.*, case when coalesce(attempts, '[]') = '[]' then '[' else left(attempts, -1) || ',' end || $3::text || ']' as history,
    left(encode(sha256(convert_to(topic || E'\\n' || payload, 'UTF8')), 'hex'), 32) as print,
    row_number() over (partition by id, letter is null order by seq) as nth
  from gone g order by seq
), numbered as materialized (
  select *, nextval('${t.letterSeq}') as number from (select * from told where letter is null order by seq offset 0) n
), fresh as (
  insert into ${t.inbox} (queue_id, id, outcome, fingerprint, letter)
  select queue_id, id, 'dead', print, number from numbered where nth = 1 order by id on conflict do nothing
  returning id, fingerprint, letter
), buried as (
  insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version, published_at,
    reason, parked, attempts, tag, fingerprint)
  select n.number, n.queue_id, n.lane, n.seq, n.id, n.topic, n.key, n.keyed, n.payload, n.headers, n.version, n.published_at,
    'rejected', false, n.history, $4, $4
  from numbered n left join fresh f on f.id = n.id left join ${t.inbox} i on i.queue_id = n.queue_id and i.id = n.id
  where f.letter = n.number or coalesce(f.fingerprint, i.fingerprint) is distinct from n.print
), reopened as (
  update ${t.deadLetters} d set state = 'open', reason = 'rejected', parked = false, tag = $4, fingerprint = $4, lane = o.lane,
    seq = o.seq, opened = pg_current_xact_id(), died_at = statement_timestamp(),
    attempts = ${joined("d.attempts", "o.history")}
  from told o where d.id = o.letter
)
select count(*)::int as waiting from gone`
  }
}
