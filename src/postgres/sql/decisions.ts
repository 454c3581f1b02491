/**
 * Operator actions on dead letters. An action covers one, or the next ones of a frozen set, in one transaction with
 * its audit.
 *
 * Lock order: the dead letters by id, then the holds of their keys, by key. A worker locks lanes, inbox, dead
 * letters, holds. It only touches dead letters that are being redriven, and an operator only the others, so the two
 * cannot deadlock.
 *
 * @since 0.1.0
 */
import { filter, millis, parks } from "./deadLetters.ts"
import type { Names } from "./names.ts"

const seen = `d.id, d.state, d.parked, d.queue_id, d.changed_by, coalesce(${millis("d.changed_at")}, 0) as changed_at`

const dueUnlessParked = (t: Names) => `case when ${parks(t)} then until else statement_timestamp() end`

export const make = (t: Names) => ({
  ...changes(t),
  ...keys(t),

  /**
   * Locks a dead letter. The second of two operators sees what the first one did. Index: primary key. $1 dead letter
   */
  lock: `select ${seen} from ${t.deadLetters} d where d.id = $1 for update`,

  /**
   * Locks the next dead letters of a frozen set: those that are open, and were opened last by a transaction that the
   * set's snapshot shows. Waits for an operator action on one of them, and passes over that one if it is not open
   * afterwards.
   *
   * Index: (queue, state, id), or primary key. $1 to $9 filter $10 snapshot $11 after $12 most
   */
  lockNext: `select ${seen} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where d.state = 'open' and ${filter} and pg_visible_in_snapshot(d.opened, $10::text::pg_snapshot) and d.id > $11::bigint
order by d.id limit $12 for update of d`,

  /** Reads the payload as it was published. Index: primary key. $1 dead letter */
  publishedPayload:
    `select queue_id, message_id, topic, coalesce(original, payload) as payload from ${t.deadLetters} where id = $1`,

  /**
   * Marks the id of a restored dead letter as dead: it may have been forgotten while the dead letter was discarded.
   * An id that is known gets a new time and is locked. Otherwise a retention whose snapshot shows the dead letter as
   * discarded would delete it.
   *
   * Index: primary key. $1 queue $2 id $3 fingerprint $4 dead letter
   */
  markDead: `insert into ${t.inbox} (queue_id, id, outcome, fingerprint, dead_letter_id) values ($1, $2, 'dead', $3, $4)
on conflict (queue_id, id) do update set at = statement_timestamp()`,

  /** Writes the audit entries. $1 dead letters $2 operator $3 action $4 note */
  audit: `insert into ${t.audit} (who, action, consumer, dead_letter_id, topic, key, note)
select $2, $3, c.name, d.id, d.topic, d.key, $4 from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where d.id = any($1::bigint[]) order by d.id`
})

/** Changes of dead letters, and the return of their messages. */
const changes = (t: Names) => ({
  /**
   * Writes the new state of dead letters, and who decided it. Index: primary key.
   *
   * $1 dead letters $2 state $3 operator $4 redrives to add
   */
  decide:
    `update ${t.deadLetters} set state = $2, changed_by = $3, changed_at = statement_timestamp(), redriven = redriven + $4
where id = any($1::bigint[])`,

  /** Replaces the payload, and keeps the published one. Index: primary key. $1 dead letter $2 payload $3 version */
  edit: `update ${t.deadLetters} set original = coalesce(original, payload), payload = $2, version = $3 where id = $1`,

  /** Lets the key of an open dead letter continue without it. Index: primary key. $1 dead letters */
  unpark: `update ${t.deadLetters} set parked = false where id = any($1::bigint[])`,

  /** Takes a reopened dead letter out of all sets that were frozen before. Index: primary key. $1 dead letters */
  reopen: `update ${t.deadLetters} set opened = pg_current_xact_id() where id = any($1::bigint[])`,

  /**
   * Puts the messages back into the queue: a parked one at its old place, another one at the end. At the old place
   * the new xid makes it a late row, so the reader finds it. The message starts without attempts; its dead letter
   * keeps the earlier ones. $1 dead letters
   */
  putBack:
    `insert into ${t.messages} (queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at,
  dead_letter_id, redriven)
select queue_id, lane, case when parked then seq else nextval('${t.messageSeq}') end, message_id, topic, key, keyed, payload,
  headers, version, published_at, id, redriven
from (select * from ${t.deadLetters} where id = any($1::bigint[]) order by id offset 0) d`
})

/** The keys of dead letters: continued or parked. */
const keys = (t: Names) => ({
  /**
   * Locks the holds of the keys. The look for other parked dead letters is a later statement: such a dead letter may
   * be written while this one waits. Index: primary key. $1 dead letters
   */
  lockHolds: `select h.key from ${t.holds} h where (h.queue_id, h.key) in (
  select queue_id, key from ${t.deadLetters} where id = any($1::bigint[])) order by h.queue_id, h.key for update`,

  /**
   * Lets keys continue that have no other open parked dead letter: their hold is due now, and the lane's owner ends
   * it.
   *
   * The hold of a key that stays parked is written, too. So a decision under an older snapshot, which still shows
   * this dead letter as open, fails with 40001. Indexes: holds by primary key, dead_letters_key. $1 dead letters
   */
  continueKeys: `update ${t.holds} h set until = ${dueUnlessParked(t)} where until = 'infinity'
  and (queue_id, key) in (select queue_id, key from ${t.deadLetters} where id = any($1::bigint[]))`,

  /**
   * Parks the keys again, with all their messages that were not read yet. Index: primary key. Locks the holds. $1
   * dead letters
   */
  park: `insert into ${t.holds} (queue_id, key, lane, until, from_seq)
select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from ${t.deadLetters} where id = any($1::bigint[]) and parked
on conflict (queue_id, key) do update set until = 'infinity', from_seq = 0`
})
