/**
 * Consumers, their subscriptions, which of them wait for a wake-up, and which workers are alive.
 *
 * Lock order: subscriptions (the table, by a registration), then consumers, then lanes.
 *
 * @since 0.1.0
 */
import { over, resumeDue } from "./consumerOperations.ts"
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

export const make = (t: Names) => ({
  ...living(t),

  /** Finds a consumer by its name. Index: (name). No locks. $1 name */
  find: `select id, lanes, dead_letter_order, pipeline from ${t.consumers} where name = $1`,

  /**
   * Writes the description of the latest registered pipeline, if it changed. If an operator's transaction has locked
   * the row, the statement skips it.
   *
   * Index: (name). Locks the row. $1 name $2 pipeline
   */
  describe: `update ${t.consumers} set pipeline = $2 where id =
  (select id from ${t.consumers} where name = $1 and pipeline <> $2 for no key update skip locked)`,

  /** Lists the topics that a consumer reads. $1 queue */
  topics: `select topic from ${t.subscriptions} where queue_id = $1`,

  /**
   * Locks the subscriptions. Every publishing insert reads this table, and keeps its own lock on the table until its
   * transaction ends. So once the lock here is held, every earlier publish has ended, and its messages are visible. New
   * publishers wait behind a transaction that waits for this lock. So each wait is short, and is repeated.
   */
  lockTimeout: `set local lock_timeout = '200ms'`,
  lock: `lock table ${t.subscriptions} in access exclusive mode`,

  /**
   * Records, after `lock`, that this transaction changes the subscriptions. A transaction with an older snapshot would
   * read the earlier subscriptions, so it cannot publish any more. See `sees_subscriptions` in `functions.ts`.
   */
  recordChange: `select setval('${t.subscriptionsChanged}', pg_current_xact_id()::text::bigint)`,

  /**
   * Registers a consumer. If only `Inbox.once` has used the name so far, its row gets lanes now. Index: (name).
   * $1 name $2 lanes $3 order
   */
  insert: `insert into ${t.consumers} as c (name, lanes, dead_letter_order) values ($1, $2, $3)
on conflict (name) do update set lanes = excluded.lanes, dead_letter_order = excluded.dead_letter_order where c.lanes = 0`,

  /** Registers a name without lanes, under which `Inbox.once` keeps ids. Index: (name). $1 name */
  name:
    `insert into ${t.consumers} (name, lanes, dead_letter_order) values ($1, 0, 'continue') on conflict (name) do nothing`,

  /** Makes the lanes of a queue. $1 queue $2 lanes */
  insertLanes: `insert into ${t.lanes} (queue_id, lane) select $1::int, l from generate_series(0, $2::int - 1) l
on conflict do nothing`,

  /** Subscribes a consumer to topics. $1 queue $2 topics */
  subscribe:
    `insert into ${t.subscriptions} (topic, queue_id) select u, $1::int from unnest($2::text[]) u on conflict do nothing`,

  /**
   * Moves unrouted messages of these topics to the queue, in the order of publishing.
   *
   * An id that the inbox knows gets a new time, so that retention keeps the id while its message waits. Otherwise
   * retention could delete the id. It takes the first message of each lane for the oldest one, and a moved message
   * waits behind newer ones. Indexes: primary keys of unrouted and inbox. Locks the rows. $1 queue $2 topics $3 lanes
   */
  moveUnrouted: `with taken as (delete from ${t.unrouted} where topic = any($2::text[]) returning *), known as (
  update ${t.inbox} set at = statement_timestamp() where queue_id = $1::int and id = any(array(select id from taken))
)
insert into ${t.messages} (queue_id, lane, id, topic, key, keyed, payload, headers, version, published_at)
select $1::int, hash % $3::int, id, topic, key, keyed, payload, headers, version, published_at from taken order by seq`
})

/**
 * Lists at most 10 consumers that have messages and no live worker, and at most 10 topics that no consumer reads.
 * Indexes: the primary keys of consumers, workers, messages and unrouted (from topic to topic). No locks.
 */
export const neglected = (t: Names): string =>
  `with recursive step as (
  (select topic, 1 as nth from ${t.unrouted} order by topic limit 1)
  union all
  select n.topic, s.nth + 1 from step s cross join lateral (
    select topic from ${t.unrouted} where topic > s.topic order by topic limit 1) n where s.nth < 10
)
select to_json(array(select topic from step order by topic)) as topics, to_json(array(
  select c.name from ${t.consumers} c where c.lanes > 0 and c.paused_by is null
    and not exists (select from ${t.workers} w where w.queue_id = c.id and w.alive_until > clock_timestamp())
    and exists (select from ${t.messages} m where m.queue_id = c.id offset 0) order by c.name limit 10)) as consumers`

/** Returns the statements about live workers, and about workers that wait for a wake-up. */
const living = (t: Names) => ({
  /**
   * Records that the worker is alive. Returns one row: the server life, whether the queue exists in it, and the number
   * of other live workers. Also returns whether the consumer is paused, whether the time of the pause is over, and
   * whether a redrive run of it is running.
   *
   * Index: primary keys, redrive_runs_open. Locks the worker's row. $1 queue $2 worker $3 milliseconds $4 life $5 code
   * version
   */
  heartbeat: `with beat as (
  insert into ${t.workers} (queue_id, worker, alive_until, code_version)
  select c.id, $2::text, clock_timestamp() + $3::float8 * interval '1 ms', $5::text from ${t.consumers} c
  where c.id = $1 and ${life(t)} = $4::text and ${unflushed}
  on conflict (queue_id, worker) do update set alive_until = excluded.alive_until returning 1
)
select ${life(t)} as life, exists (select from beat) as known, (select count(*)::int from ${t.workers} w
  where w.queue_id = $1 and w.worker <> $2 and w.alive_until > clock_timestamp()) as others,
  (select paused_by is not null from ${t.consumers} where id = $1) as paused,
  coalesce((select ${over()} from ${t.consumers} where id = $1), false) as pause_over,
  exists (select from ${t.redriveRuns} where queue_id = $1 and state = 'running') as redrives`,

  /** Ends the pause of a consumer if its time is over. Index: primary key. Locks the consumer then. $1 queue */
  resumeDue: resumeDue(t, "id = $1"),

  /** Deletes a worker's row, and the rows of workers that died more than an hour ago. $1 queue $2 worker */
  leave: `delete from ${t.workers} where queue_id = $1 and ${unflushed}
and (worker = $2 or alive_until < clock_timestamp() - interval '1 hour')`,

  /**
   * Announces that a worker wants to be woken. If another transaction has locked the row, the statement skips it, and
   * the worker finds messages at its idle poll. Index: primary key. $1 queue $2 milliseconds
   */
  wait:
    `with free as materialized (select id from ${t.consumers} where id = $1 and ${unflushed} for no key update skip locked)
update ${t.consumers} c set waiting_until = clock_timestamp() + $2::float8 * interval '1 ms' from free where c.id = free.id`,

  /**
   * Notifies the queues where a worker waits, and no others, since NOTIFY takes a lock on the whole database server at
   * commit. Also clears the announcements, so that a burst of publishes notifies once. A locked row is skipped. Then
   * another publisher is waking the queue's workers, or a worker is announcing itself and will poll once more.
   * Index: primary key. $1 queues $2 channel
   */
  wake: `with free as materialized (
  select id from ${t.consumers} where id = any($1::int[]) and waiting_until > clock_timestamp() and ${unflushed}
  order by id for no key update skip locked
)
update ${t.consumers} c set waiting_until = '-infinity' from free where c.id = free.id returning pg_notify($2, c.id::text)`,

  /**
   * Returns whether this session receives notifications: it listens, and publishers can write to its server. Reads no
   * table.
   */
  isListening: `select current_setting('transaction_read_only') = 'off'
and exists (select from pg_listening_channels() c where c = '${t.channel}') as listening`,

  /** Sends notes to all processes that listen. $1 notes $2 channel */
  notify: `select pg_notify($2, note) from unnest($1::text[]) note`
})
