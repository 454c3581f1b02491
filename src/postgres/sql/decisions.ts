/**
 * What people decide about dead letters: one, or the next ones of a set, in one transaction with its audit.
 *
 * Lock order: the dead letters in the order of their numbers, then the holds of their keys, in the order of keys. A worker locks lanes,
 * inbox, dead letters, holds, and touches only dead letters that are being redriven, a person the others: they never wait for each other in
 * a circle.
 *
 * @since 0.1.0
 */
import { filter, millis, parks } from "./deadLetters.ts"
import type { Names } from "./names.ts"

const seen = `d.id, d.state, d.parked, d.queue_id, d.changed_by, coalesce(${millis("d.changed_at")}, 0) as changed_at`

const dueUnlessParked = (t: Names) => `case when ${parks(t)} then until else statement_timestamp() end`

export const make = (t: Names) => ({
  /** Two people at once: the second one sees what the first did. $1 dead letter */
  lock: `select ${seen} from ${t.deadLetters} d where d.id = $1 for update`,

  /**
   * The next dead letters of a set: open, and opened last by a transaction that its snapshot had seen. Whoever decides about one of them
   * at the same time is waited for; if it is not open then, it is passed over. Index: (queue, state, id), or primary key.
   * $1 to $9 filter $10 snapshot $11 after $12 most
   */
  lockSome: `select ${seen} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where d.state = 'open' and ${filter} and pg_visible_in_snapshot(d.opened, $10::text::pg_snapshot) and d.id > $11::bigint
order by d.id limit $12 for update of d`,

  /** $1 dead letters $2 state $3 who $4 redrives to add */
  decide:
    `update ${t.deadLetters} set state = $2, changed_by = $3, changed_at = statement_timestamp(), redriven = redriven + $4
where id = any($1::bigint[])`,

  /** The payload that was published is kept. $1 dead letter $2 payload $3 version */
  edit: `update ${t.deadLetters} set original = coalesce(original, payload), payload = $2, version = $3 where id = $1`,

  /** Open, but its key waits for it no more. $1 dead letters */
  unpark: `update ${t.deadLetters} set parked = false where id = any($1::bigint[])`,

  /** Open anew: it is in no set that was frozen before. $1 dead letters */
  reopened: `update ${t.deadLetters} set opened = pg_current_xact_id() where id = any($1::bigint[])`,

  /**
   * Back into the queue: a parked one at its old place (its new xid makes it a late row, so it is found), another one at
   * the end. It is retried anew; its dead letter keeps the earlier attempts. $1 dead letters
   */
  putBack:
    `insert into ${t.messages} (queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at,
  dead_letter_id, redriven)
select queue_id, lane, case when parked then seq else nextval('${t.messageSeq}') end, message_id, topic, key, keyed, payload,
  headers, version, published_at, id, redriven
from (select * from ${t.deadLetters} where id = any($1::bigint[]) order by id offset 0) d`,

  /** Before one looks whether a key has another parked dead letter, in a statement of its own: while this waits, one may be written. $1 dead letters */
  lockHolds: `select h.key from ${t.holds} h where (h.queue_id, h.key) in (
  select queue_id, key from ${t.deadLetters} where id = any($1::bigint[])) order by h.queue_id, h.key for update`,

  /**
   * Their keys go on, those without another open parked dead letter: the hold is due now, and the lane's owner ends it. The hold of a key
   * that does not go on is written, too. A decision under an older snapshot, which shows this dead letter as it was, then fails with 40001. Index: holds by primary key, (key). $1 dead letters
   */
  goOn: `update ${t.holds} h set until = ${dueUnlessParked(t)} where until = 'infinity'
  and (queue_id, key) in (select queue_id, key from ${t.deadLetters} where id = any($1::bigint[]))`,

  /** The key waits again, all of it that has not been read. $1 dead letters */
  park: `insert into ${t.holds} (queue_id, key, lane, until, from_seq)
select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from ${t.deadLetters} where id = any($1::bigint[]) and parked
on conflict (queue_id, key) do update set until = 'infinity', from_seq = 0`,

  /** $1 dead letter */
  published:
    `select queue_id, message_id, topic, coalesce(original, payload) as payload from ${t.deadLetters} where id = $1`,

  /**
   * Its id may have been forgotten while it was discarded. One that is known is remembered from now on, and locked: a retention whose
   * snapshot shows the dead letter as discarded would take it away. $1 queue $2 id $3 fingerprint $4 dead letter
   */
  dead: `insert into ${t.inbox} (queue_id, id, outcome, fingerprint, dead_letter_id) values ($1, $2, 'dead', $3, $4)
on conflict (queue_id, id) do update set at = statement_timestamp()`,

  /** $1 dead letters $2 who $3 action $4 note */
  audit: `insert into ${t.audit} (who, action, consumer, dead_letter_id, topic, key, note)
select $2, $3, c.name, d.id, d.topic, d.key, $4 from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where d.id = any($1::bigint[]) order by d.id`
})
