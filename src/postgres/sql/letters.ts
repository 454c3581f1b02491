/**
 * Dead letters: written by the transaction that settles their message, read and decided on by people.
 *
 * Lock order: the letter, then its key's hold. A worker locks lanes, inbox, letters, holds, and touches only letters that
 * are being redriven, a person only open ones: they never wait for each other in a circle.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

const millis = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`

/** A letter as people see it; its number sorts as text. */
const columns = `lpad(d.id::text, 16, '0') as letter, c.name as consumer, d.message_id as id, d.topic, d.key, d.keyed,
  d.payload, d.headers, d.version, ${millis("d.published_at")} as published_at, d.reason, d.state, d.parked, d.attempts,
  d.fingerprint, d.redriven, ${millis("d.died_at")} as died_at, d.changed_by,
  coalesce(${millis("d.changed_at")}, 0) as changed_at`

export const make = (t: Names) => ({
  /** A number for a letter beside the inbox: its id is known there by another message. */
  number: `select nextval('${t.letterSeq}') as letter`,

  /**
   * $1 letter $2 queue $3 lane $4 seq $5 id $6 topic $7 key $8 keyed $9 payload $10 headers $11 version
   * $12 published (ms) $13 reason $14 parked $15 attempts $16 fingerprint
   */
  insert:
    `insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
  published_at, reason, parked, attempts, fingerprint)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::float8 / 1000), $13, $14, $15, $16)`,

  /**
   * A row whose payload was too large to be handed over: it goes from table to table. Index: primary key.
   * $1 letter $2 queue $3 lane $4 seq $5 reason $6 parked $7 attempts $8 fingerprint
   */
  insertLarge: `with gone as (delete from ${t.messages} where queue_id = $2 and lane = $3 and seq = $4 returning *)
insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
  published_at, reason, parked, attempts, fingerprint)
select $1, queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at, $5, $6, $7, $8 from gone`,

  /**
   * A redriven message goes back to its own letter, which keeps the attempts of all its lives: two JSON arrays joined.
   * $1 letter $2 reason $3 parked $4 attempts $5 fingerprint $6 lane $7 seq
   */
  reopen: `update ${t.deadLetters} set state = 'open', reason = $2, parked = $3, fingerprint = $5, lane = $6, seq = $7,
  attempts = case when attempts = '[]' then $4::text when $4::text = '[]' then attempts
    else left(attempts, -1) || ',' || substr($4::text, 2) end,
  died_at = statement_timestamp() where id = $1`,

  /** Index: primary key, or (queue, state, id). $1 consumer or null $2 state or null $3 before or null $4 limit */
  list: `select ${columns} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where ($1::text is null or c.name = $1) and ($2::text is null or d.state = $2) and ($3::bigint is null or d.id < $3)
order by d.id desc limit $4`,

  /** $1 letter */
  get: `select ${columns} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id where d.id = $1`,

  /** Two people at once: the second one sees what the first did. $1 letter */
  lock: `select state, parked, queue_id, key, changed_by, coalesce(${millis("changed_at")}, 0) as changed_at
from ${t.deadLetters} where id = $1 for update`,

  /** $1 letter $2 state $3 who $4 redrives to add */
  decide:
    `update ${t.deadLetters} set state = $2, changed_by = $3, changed_at = statement_timestamp(), redriven = redriven + $4
where id = $1`,

  /**
   * Back into the queue: a parked one at its old place (its new xid makes it a late row, so it is found), another one at
   * the end. It is retried anew; its letter keeps the earlier attempts. $1 letter
   */
  putBack:
    `insert into ${t.messages} (queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at,
  letter, redriven)
select queue_id, lane, case when parked then seq else nextval('${t.messageSeq}') end, message_id, topic, key, keyed, payload,
  headers, version, published_at, id, redriven from ${t.deadLetters} where id = $1`,

  /** The key goes on: its hold is due now, and the lane's owner ends it. $1 queue $2 key */
  unpark: `update ${t.holds} set until = statement_timestamp() where queue_id = $1 and key = $2 and until = 'infinity'`,

  /** $1 who $2 action $3 letter */
  audit: `insert into ${t.audit} (who, action, letter) values ($1, $2, $3)`
})
