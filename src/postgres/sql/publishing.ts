/**
 * The publishing insert. It reads the subscriptions inside of the statement, and no process caches them. So a publish
 * comes either wholly before a registration or wholly after it.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

/**
 * Returns a condition that is true if this statement sees the current subscriptions, and else fails with 40001. At READ
 * COMMITTED it is always true, since the statement's snapshot is younger than its lock on the subscriptions.
 */
export const seesSubscriptions = (t: Names): string =>
  `(current_setting('transaction_isolation') not in ('repeatable read', 'serializable') or ${t.seesSubscriptions}())`

const routing = (t: Names): string =>
  `with m as materialized (
  select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::int[], $6::text[], $7::text[], $8::int[])
    with ordinality m(id, topic, key, keyed, hash, payload, headers, version, n)
  where ${seesSubscriptions(t)}
), routed as (
  insert into ${t.messages} (queue_id, lane, id, topic, key, keyed, payload, headers, version)
  select s.queue_id, m.hash % c.lanes, m.id, m.topic, m.key, m.keyed, m.payload, m.headers, m.version
  from m join ${t.subscriptions} s on s.topic = m.topic join ${t.consumers} c on c.id = s.queue_id
  order by m.n, s.queue_id returning queue_id
), unrouted as (
  insert into ${t.unrouted} (topic, id, key, keyed, hash, payload, headers, version)
  select m.topic, m.id, m.key, m.keyed, m.hash, m.payload, m.headers, m.version from m
  where not exists (select from ${t.subscriptions} s where s.topic = m.topic) order by m.n returning topic
)`

export const make = (t: Names) => ({
  /**
   * Publishes as `write` does. Returns the same facts as one JSON text: the queues, and the unrouted messages by topic.
   * $1 to $8 as below
   */
  writeInBatch: `${routing(t)}
select json_build_object('queues', (select coalesce(json_agg(distinct queue_id), '[]') from routed),
  'unrouted', (select coalesce(json_object_agg(topic, n), '{}') from (
    select topic, count(*)::int as n from unrouted group by topic) u))::text`,

  /**
   * Inserts each message once for every consumer of its topic, or once into `unrouted`. Returns the queues that got
   * messages, and the number of unrouted messages by topic. Postgres computes column defaults after the sort, so the
   * seqs are in the given order.
   *
   * Index: primary key of subscriptions, of consumers. Locks: access share on subscriptions until the transaction
   * ends.
   *
   * $1 ids $2 topics $3 keys $4 keyed $5 hashes $6 payloads $7 headers $8 versions
   */
  write: `${routing(t)}
select distinct queue_id, null as topic, 0 as n from routed
union all select null, topic, count(*)::int from unrouted group by topic`
})
