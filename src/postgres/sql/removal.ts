/**
 * Removes a consumer, or one of its subscriptions.
 *
 * Lock order: subscriptions (the table), the consumer, its lanes, then its rows. A removal deletes dead letters before
 * messages. If an operator is redriving a dead letter, this delete waits until the message is in the queue, and the
 * next delete finds the message. Publishers wait during a removal, so a removal must be short. The consumer's message
 * ids may be millions, so the removal leaves them to retention. The number of a consumer's queue is never used again.
 *
 * @since 0.1.0
 */
import { locked } from "./consumerOperations.ts"
import { joined } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import * as RedriveRuns from "./redriveRuns.ts"

export const make = (t: Names) => ({
  /** Locks a consumer so that no other row can refer to it. Index: (name). $1 name */
  lock: locked(t, "for update"),

  /**
   * Locks all lanes of a queue. This waits for the commits of its workers, and no further commit can begin. Index:
   * primary key. $1 queue
   */
  lockLanes: `select lane from ${t.lanes} where queue_id = $1 order by lane for update`,

  /**
   * Counts the live workers, waiting messages and open dead letters. Only the messages are counted by topic. Indexes:
   * primary keys. No locks. $1 queue $2 topic, or null for all
   */
  count:
    `select (select count(*)::int from ${t.workers} where queue_id = $1 and alive_until > clock_timestamp()) as workers,
  (select count(*)::int from ${t.messages} where queue_id = $1 and ($2::text is null or topic = $2)) as waiting,
  (select count(*)::int from ${t.deadLetters} where queue_id = $1 and state in ('open', 'redriving')) as dead_letters`,

  /** Deletes what a removal deletes, in this order. Each statement has the parameter $1 queue. */
  remove: [
    `delete from ${t.deadLetters} where queue_id = $1`,
    `delete from ${t.messages} where queue_id = $1`,
    `delete from ${t.subscriptions} where queue_id = $1`,
    `delete from ${t.holds} where queue_id = $1`,
    `delete from ${t.redriveOutcomes} where run_id in (select id from ${t.redriveRuns} where queue_id = $1)`,
    `delete from ${t.redriveRuns} where queue_id = $1`,
    `delete from ${t.workers} where queue_id = $1`,
    `delete from ${t.series} where queue_id = $1`,
    `delete from ${t.logs} where queue_id = $1`,
    `delete from ${t.lanes} where queue_id = $1`,
    `delete from ${t.consumers} where id = $1`
  ],

  /** Ends a subscription. $1 queue $2 topic */
  unsubscribe: `delete from ${t.subscriptions} where queue_id = $1 and topic = $2 returning topic`,

  /**
   * Dead-letters the waiting messages of a topic that the consumer does not read any more. $1 queue $2 topic $3 the
   * failure, as JSON $4 its tag
   */
  deadLetterTopic: deadLetter(t, "topic = $2", "false"),

  /**
   * Dead-letters one waiting message. $1 queue $2 lane $3 the failure, as JSON $4 its tag $5 seq $6 id $7 whether its
   * key is parked
   */
  deadLetterMessage: deadLetter(t, "lane = $2::int and seq = $5::bigint and id = $6", "$7::boolean"),

  /** Parks the key of a message. Index: primary key. Locks the hold. $1 queue $2 key $3 lane $4 seq */
  park:
    `insert into ${t.holds} as h (queue_id, key, lane, until, from_seq) values ($1::int, $2, $3::int, 'infinity', $4::bigint)
on conflict (queue_id, key) do update set until = 'infinity', from_seq = least(h.from_seq, excluded.from_seq), through = null`,

  /**
   * Finds a message in the lane of its key, and the order of its consumer. Index: primary key, from the lane's
   * beginning. $1 queue $2 lane $3 id
   */
  waiting:
    `select m.seq, m.topic, m.key, c.dead_letter_order from ${t.consumers} c join ${t.messages} m on m.queue_id = c.id
where c.id = $1::int and m.lane = $2::int and m.id = $3 order by m.seq limit 1`
})

/**
 * Returns a statement that dead-letters waiting messages, as a worker would. The inbox marks their ids as dead. A
 * message is a duplicate, and is dropped, if the inbox has its id with the same content. With other content it becomes
 * a dead letter of its own. A redriven message reopens its dead letter.
 *
 * Indexes: primary keys. Locks the rows. $1 queue $3 the failure, as JSON $4 its tag
 */
const deadLetter = (t: Names, which: string, parked: string): string =>
  `with removed as materialized (
  delete from ${t.messages} where queue_id = $1 and ${which} returning *
), failed as materialized (
  select g.*, case when coalesce(attempts, '[]') = '[]' then '[' else left(attempts, -1) || ',' end || $3::text || ']' as history,
    left(encode(sha256(convert_to(topic || E'\\n' || payload, 'UTF8')), 'hex'), 32) as print,
    row_number() over (partition by id, dead_letter_id is null order by seq) as nth
  from removed g order by seq
), numbered as materialized (
  select *, nextval('${t.deadLetterSeq}') as number from (select * from failed where dead_letter_id is null order by seq offset 0) n
), fresh as (
  insert into ${t.inbox} (queue_id, id, outcome, fingerprint, dead_letter_id)
  select queue_id, id, 'dead', print, number from numbered where nth = 1 order by id on conflict do nothing
  returning id, fingerprint, dead_letter_id
), dead as (
  insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version, published_at,
    reason, parked, attempts, tag, fingerprint)
  select n.number, n.queue_id, n.lane, n.seq, n.id, n.topic, n.key, n.keyed, n.payload, n.headers, n.version, n.published_at,
    'rejected', ${parked}, n.history, $4, $4
  from numbered n left join fresh f on f.id = n.id left join ${t.inbox} i on i.queue_id = n.queue_id and i.id = n.id
  where f.dead_letter_id = n.number or coalesce(f.fingerprint, i.fingerprint) is distinct from n.print
  returning id
), reopened as (
  update ${t.deadLetters} d set state = 'open', reason = 'rejected', parked = ${parked}, tag = $4, code_version = '', fingerprint = $4, lane = o.lane,
    seq = o.seq, opened = pg_current_xact_id(), died_at = statement_timestamp(),
    attempts = ${joined("d.attempts", "o.history")}
  from failed o where d.id = o.dead_letter_id returning d.id
), counted as (
  ${RedriveRuns.settle(t, "'failed'", "from failed f where o.dead_letter_id = f.dead_letter_id", "$4")}
)
select count(*)::int as waiting, (select lpad(id::text, 16, '0') from (select id from dead union all select id from reopened) d limit 1)
  as dead_letter from removed`
