/**
 * Delayed messages. They wait in a table of their own until they are due. Then the move inserts them into `messages`,
 * as if they were published at that moment. So the reader's promise about order is true for them, too.
 *
 * A transaction that replaces or cancels a delayed message locks the message's row until the transaction ends. The move
 * passes over a locked row, and over later messages of the same key.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { seesSubscriptions } from "./publishing.ts"

const columns = "id, topic, key, keyed, hash, payload, headers, version"

/** Deletes a delayed message. Waits for a move that has locked the row, and then finds none. Index: delayed_name. */
const cancel = (t: Names) => (topic: string, key: string, name: string) =>
  `delete from ${t.delayed} d where d.topic = ${topic} and d.key = ${key} and d.name = ${name}`

export const make = (t: Names) => {
  /**
   * Routes the rows of `m` to every consumer of their topic, or to `unrouted`, in the given order. The publishing
   * insert does the same.
   */
  const routed = (where: string, order: string, at: string) =>
    `routed as (
  insert into ${t.messages} (queue_id, lane, id, topic, key, keyed, payload, headers, version, published_at)
  select s.queue_id, m.hash % c.lanes, m.id, m.topic, m.key, m.keyed, m.payload, m.headers, m.version, ${at}
  from m join ${t.subscriptions} s on s.topic = m.topic join ${t.consumers} c on c.id = s.queue_id
  where ${where} order by ${order}, s.queue_id returning queue_id, id
), unrouted as (
  insert into ${t.unrouted} (topic, id, key, keyed, hash, payload, headers, version, published_at)
  select m.topic, m.id, m.key, m.keyed, m.hash, m.payload, m.headers, m.version, ${at} from m
  where ${where} and not exists (select from ${t.subscriptions} s where s.topic = m.topic) order by ${order}
)`

  /**
   * Publishes the rows of `m` (with `due`, `name`, `n`). Rows that are due go into the queues, and the others wait. If
   * a message waits under the same name, it is replaced, or deleted if the new message is due at once. A call with a
   * name has one message.
   *
   * Returns the queues to wake. Some of them got a message. Others read the topic of a message that is due before all
   * waiting messages, so their workers would otherwise sleep too long. `also` returns further rows.
   *
   * Indexes: delayed_name, delayed_due, those of the publishing insert. Locks: access share on subscriptions, and the
   * row under the name, until the transaction ends. If a move has locked that row, the statement waits.
   */
  const publish = (m: string, answer: string, also = "") =>
    `with given as (
  ${m}
), m as materialized (
  select * from given where ${seesSubscriptions(t)}
), named as materialized (
  select topic, key, name from m where name is not null and due <= statement_timestamp()
), replaced as (
  delete from ${t.delayed} d where d.topic = (select topic from named) and d.key = (select key from named) and d.name = (select name from named)
  returning 1
), ${
      // The new message's seq is drawn only after the delete of the replaced message. So a move under way has either
      // given the replaced message a smaller seq, or finds it deleted.
      routed(
        "(select count(*) from replaced) >= 0 and m.due <= statement_timestamp()",
        "m.n",
        "statement_timestamp()"
      )}, waiting as (
  insert into ${t.delayed} as d (due_at, name, ${columns})
  select m.due, m.name, m.id, m.topic, m.key, m.keyed, m.hash, m.payload, m.headers, m.version
  from m where m.due > statement_timestamp() order by m.n
  on conflict (topic, key, name) where name is not null do update
  set seq = excluded.seq, due_at = excluded.due_at, id = excluded.id, keyed = excluded.keyed, hash = excluded.hash,
    payload = excluded.payload, headers = excluded.headers, version = excluded.version
), woken as (
  select queue_id from routed
  union select s.queue_id from m join ${t.subscriptions} s on s.topic = m.topic
  where m.due > statement_timestamp() and not exists (select from ${t.delayed} d where d.due_at <= m.due)
)
select ${answer} from woken${also}`

  return {
    publish,

    /**
     * Publishes messages later.
     *
     * $1 ids $2 topics $3 keys $4 keyed $5 hashes $6 payloads $7 headers $8 versions. $9 at, or null $10 delay (ms)
     * $11 name, or null
     */
    write: publish(
      `select m.*, $11::text as name,
    coalesce(to_timestamp($9::float8 / 1000), statement_timestamp() + $10::float8 * interval '1 ms') as due
  from unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::int[], $6::text[], $7::text[], $8::int[])
    with ordinality m(id, topic, key, keyed, hash, payload, headers, version, n)`,
      "queue_id, null as topic, 0 as n",
      ` union all select null, m.topic, count(*)::int from m
where not exists (select from ${t.subscriptions} s where s.topic = m.topic) group by m.topic`
    ),

    cancelWhere: cancel(t),

    /** Cancels a delayed message. $1 topic $2 key $3 name */
    cancel: `${cancel(t)("$1", "$2", "$3")} returning 1`,

    /**
     * Moves delayed messages that are due into the queues, the earliest first. Returns how many messages it saw and
     * moved, the queues that got some, and the milliseconds until the next message is due.
     *
     * - A row that another transaction has locked stays. The lock may be that of a replacement, of a cancellation that
     *   may still roll back, or of another move. Later messages of its key stay, too. So a later message is moved only
     *   in a snapshot that shows the move of the earlier one, and its seq is larger.
     * - One process moves at a time, since the others would only find locked rows. The advisory lock ends when this
     *   statement has committed.
     * - The move is one statement, so after any crash a message is in exactly one of the two tables.
     * - An id that the inbox knows gets a new time, so that retention keeps the id while its message waits. Otherwise
     *   retention could delete the id. It takes the first message of each lane for the oldest one, and a moved message
     *   waits behind newer ones.
     *
     * Indexes: delayed_due (upwards), primary key (delete), inbox by primary key. Locks: an advisory one, the rows,
     * access share on subscriptions. Ids that another transaction has locked are passed over.
     *
     * $1 channel $2 rows
     */
    move: `with alone as materialized (
  select pg_try_advisory_xact_lock(hashtextextended($1, 7248)) as mine where ${seesSubscriptions(t)}
), picked as materialized (
  select seq, due_at, key from ${t.delayed} where (select mine from alone) and due_at <= statement_timestamp()
  order by due_at, seq limit $2 for update skip locked
), held as materialized (
  select d.key, d.due_at, d.seq from ${t.delayed} d
  where d.due_at <= (select max(due_at) from picked) and d.seq not in (select seq from picked)
), m as (
  delete from ${t.delayed} where seq = any(array(
    select p.seq from picked p
    where not exists (select from held h where h.key = p.key and (h.due_at, h.seq) < (p.due_at, p.seq))))
  returning *
), ${routed("true", "m.due_at, m.seq", "m.due_at")}, known as (
  update ${t.inbox} set at = statement_timestamp() where ctid = any(array(
    select i.ctid from routed r cross join lateral (
      select ctid from ${t.inbox} where queue_id = r.queue_id and id = r.id offset 0 for no key update skip locked) i))
)
select (select count(*)::int from picked) as seen, (select count(*)::int from m) as moved,
  array(select distinct queue_id from routed) as queues,
  (select (extract(epoch from due_at - statement_timestamp()) * 1000)::float8 from ${t.delayed}
    where due_at > statement_timestamp() order by due_at limit 1) as millis`
  }
}
