/**
 * Consumers, their subscriptions, who waits to be woken, and which workers live.
 *
 * Lock order: subscriptions (the table, by a registration), then consumers, then lanes.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

export const make = (t: Names) => ({
  ...living(t),

  /** Primary key by name. $1 name */
  find: `select id, lanes, dead_letter_order, pipeline from ${t.consumers} where name = $1`,

  /** Who registered last. Written when it changes, and not while a person's transaction has the row. $1 name $2 pipeline */
  describe: `update ${t.consumers} set pipeline = $2 where id =
  (select id from ${t.consumers} where name = $1 and pipeline <> $2 for no key update skip locked)`,

  /** Topics it reads. $1 queue */
  topics: `select topic from ${t.subscriptions} where queue_id = $1`,

  /**
   * Every publishing insert reads this table, and keeps its lock until its transaction ends: once we have this one, all
   * messages that were published without a consumer are visible or gone. Publishers queue up behind us meanwhile, so the
   * wait is short and repeated.
   */
  lockTimeout: `set local lock_timeout = '200ms'`,
  lock: `lock table ${t.subscriptions} in access exclusive mode`,

  /**
   * Behind the lock: a transaction whose snapshot does not show this one may not publish any more, as it would read what was
   * subscribed before. See `sees_subscriptions` in `functions.ts`.
   */
  changed: `select setval('${t.subscriptionsChanged}', pg_current_xact_id()::text::bigint)`,

  /** The first worker settles what was only a name. $1 name $2 lanes $3 order */
  insert: `insert into ${t.consumers} as c (name, lanes, dead_letter_order) values ($1, $2, $3)
on conflict (name) do update set lanes = excluded.lanes, dead_letter_order = excluded.dead_letter_order where c.lanes = 0`,

  /** A consumer that has no worker, so far: a name under which the inbox keeps ids. $1 name */
  name:
    `insert into ${t.consumers} (name, lanes, dead_letter_order) values ($1, 0, 'continue') on conflict (name) do nothing`,

  /** $1 queue $2 lanes */
  insertLanes: `insert into ${t.lanes} (queue_id, lane) select $1::int, l from generate_series(0, $2::int - 1) l
on conflict do nothing`,

  /** $1 queue $2 topics */
  subscribe:
    `insert into ${t.subscriptions} (topic, queue_id) select u, $1::int from unnest($2::text[]) u on conflict do nothing`,

  /**
   * In the order of publishing. An id that is known is remembered from now on: its message was published long ago perhaps, behind newer
   * ones of its lane, by which the retention would not see it. Indexes: primary keys of unrouted, inbox. $1 queue $2 topics $3 lanes
   */
  takeOver: `with taken as (delete from ${t.unrouted} where topic = any($2::text[]) returning *), known as (
  update ${t.inbox} set at = statement_timestamp() where queue_id = $1::int and id = any(array(select id from taken))
)
insert into ${t.messages} (queue_id, lane, id, topic, key, keyed, payload, headers, version, published_at)
select $1::int, hash % $3::int, id, topic, key, keyed, payload, headers, version, published_at from taken order by seq`
})

/** Which workers live, and who is to be woken. */
const living = (t: Names) => ({
  /**
   * The worker is alive. Returns one row: the server's life, whether there is such a queue in it, how many other workers live, and whether
   * the consumer is paused. $1 queue $2 worker $3 milliseconds $4 life
   */
  heartbeat: `with beat as (
  insert into ${t.workers} (queue_id, worker, alive_until)
  select c.id, $2::text, clock_timestamp() + $3::float8 * interval '1 ms' from ${t.consumers} c
  where c.id = $1 and ${life(t)} = $4::text and ${unflushed}
  on conflict (queue_id, worker) do update set alive_until = excluded.alive_until returning 1
)
select ${life(t)} as life, exists (select from beat) as known, (select count(*)::int from ${t.workers} w
  where w.queue_id = $1 and w.worker <> $2 and w.alive_until > clock_timestamp()) as others,
  (select paused_by is not null from ${t.consumers} where id = $1) as paused`,

  /** $1 queue $2 worker; those that died long ago go too */
  leave: `delete from ${t.workers} where queue_id = $1 and ${unflushed}
and (worker = $2 or alive_until < clock_timestamp() - interval '1 hour')`,

  /**
   * A worker wants to be notified from now on. A person who has the row locked in an open transaction costs the idle poll, no more:
   * nobody waits for it. One row, by primary key. $1 queue $2 milliseconds
   */
  wait:
    `with free as materialized (select id from ${t.consumers} where id = $1 and ${unflushed} for no key update skip locked)
update ${t.consumers} c set waiting_until = clock_timestamp() + $2::float8 * interval '1 ms' from free where c.id = free.id`,

  /**
   * Wakes those that wait, and only those: NOTIFY takes a lock on the whole instance at commit. It also says that nobody
   * waits any more, so that a burst of publishes notifies once. Who has the row locked is either another one that wakes it, behind
   * this publish, or a worker that looks once more after it has said that it waits. $1 queues $2 channel
   */
  wake: `with free as materialized (
  select id from ${t.consumers} where id = any($1::int[]) and waiting_until > clock_timestamp() and ${unflushed}
  order by id for no key update skip locked
)
update ${t.consumers} c set waiting_until = '-infinity' from free where c.id = free.id returning pg_notify($2, c.id::text)`,

  /** Whether this session hears what is told: it listens, on a server that publishers can write to. Reads no table. */
  hears: `select current_setting('transaction_read_only') = 'off'
and exists (select from pg_listening_channels() c where c = '${t.channel}') as hears`,

  /** $1 notes $2 channel */
  tell: `select pg_notify($2, note) from unnest($1::text[]) note`
})
