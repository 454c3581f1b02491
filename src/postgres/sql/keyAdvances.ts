/**
 * Advances a held key: lets its first message through, and keeps the key held for the others.
 *
 * The hold names that one message, and the poll treats it as if its key had no hold. Every other row stays hidden. The
 * message gets the transaction id of the advance, so a reader whose mark is behind it finds it as a late row. When the
 * message fails and its key is held again, the hold lets nothing through any more.
 *
 * Lock order: the consumer, the dead letter, the message, the hold.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => ({
  /** Finds the lane of a held key. Index: primary key. No locks. $1 queue $2 key */
  held: `select lane from ${t.holds} where queue_id = $1::int and key = $2`,

  /** Locks the first dead letter that parks the key. Index: dead_letters_key. $1 queue $2 key */
  parked: `select id, seq, message_id from ${t.deadLetters}
where queue_id = $1::int and key = $2 and parked and state = 'open' order by seq limit 1 for update`,

  /**
   * Finds the key's first message in the queue. Index: primary key, from the lane's beginning. $1 queue $2 lane $3 key
   */
  first:
    `select seq, id from ${t.messages} where queue_id = $1::int and lane = $2::int and key = $3 order by seq limit 1`,

  /** Makes a message a late row. Index: primary key. $1 queue $2 lane $3 seq $4 id */
  touch: `update ${t.messages} set xid = pg_current_xact_id()
where queue_id = $1::int and lane = $2::int and seq = $3::bigint and id = $4 returning seq`,

  /**
   * Lets one message through, and pauses the key for the others until an operator resumes it. Index: primary key. Locks
   * the hold. $1 queue $2 key $3 seq $4 operator
   */
  through: `update ${t.holds} set through = $3::bigint, paused_by = coalesce(paused_by, $4),
  paused_at = coalesce(paused_at, statement_timestamp()) where queue_id = $1::int and key = $2 returning lane`
})
