/**
 * Operator actions on dead letters. An action is about one dead letter, or about the next ones of a frozen set. One
 * transaction does the action and writes its audit entries.
 *
 * Lock order: the dead letters by id, then the holds of their keys, by key. A worker locks lanes, inbox, dead
 * letters, holds. A worker locks only dead letters that are being redriven, and an operator only other ones. So the two
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
   * Locks a dead letter. So the second of two operators waits, and sees the decision of the first one. Index: primary
   * key. $1 dead letter
   */
  lock: `select ${seen} from ${t.deadLetters} d where d.id = $1 for update`,

  /**
   * Locks the next dead letters of a frozen set. They are open, and the set's snapshot shows the transaction that
   * opened them last. If another operator has locked one, the statement waits, and leaves that one out if it is not
   * open any more.
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
   * Marks the message id of a restored dead letter as dead in the inbox. The inbox may have forgotten the id while the
   * dead letter was discarded. An id that is still known gets a new time and is locked. Otherwise a retention whose
   * snapshot shows the dead letter as discarded would delete the id.
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

/** The statements that change dead letters, and the one that puts their messages back into the queue. */
const changes = (t: Names) => ({
  /**
   * Writes the new state of dead letters, and who decided it. Index: primary key.
   *
   * $1 dead letters $2 state $3 operator $4 redrives to add
   */
  decide:
    `update ${t.deadLetters} set state = $2, changed_by = $3, changed_at = statement_timestamp(), redriven = redriven + $4
where id = any($1::bigint[])`,

  /**
   * Replaces the payload, and keeps the published payload in `original`. Index: primary key. $1 dead letter $2 payload
   * $3 version
   */
  edit: `update ${t.deadLetters} set original = coalesce(original, payload), payload = $2, version = $3 where id = $1`,

  /** Marks open dead letters as not parked, so that their keys can continue. Index: primary key. $1 dead letters */
  unpark: `update ${t.deadLetters} set parked = false where id = any($1::bigint[])`,

  /** Takes a reopened dead letter out of all sets that were frozen before. Index: primary key. $1 dead letters */
  reopen: `update ${t.deadLetters} set opened = pg_current_xact_id() where id = any($1::bigint[])`,

  /**
   * Puts the messages back into the queue. A parked message gets its old seq, and any other message a new one. At an
   * old seq the new xid makes the message a late row, so the reader finds it. The message starts without attempts; the
   * dead letter keeps the earlier attempts. $1 dead letters
   */
  putBack:
    `insert into ${t.messages} (queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at,
  dead_letter_id, redriven)
select queue_id, lane, case when parked then seq else nextval('${t.messageSeq}') end, message_id, topic, key, keyed, payload,
  headers, version, published_at, id, redriven
from (select * from ${t.deadLetters} where id = any($1::bigint[]) order by id offset 0) d`
})

/** The statements that let the keys of dead letters continue, or park them. */
const keys = (t: Names) => ({
  /**
   * Locks the holds of the dead letters' keys. `continueKeys` is a separate, later statement, since it must see a
   * parked dead letter that was written while this statement waited. Index: primary key. $1 dead letters
   */
  lockHolds: `select h.key from ${t.holds} h where (h.queue_id, h.key) in (
  select queue_id, key from ${t.deadLetters} where id = any($1::bigint[])) order by h.queue_id, h.key for update`,

  /**
   * Makes the holds of these dead letters' keys due, unless another open dead letter parks the key. The lane's owner
   * then ends the hold.
   *
   * The hold of a key that stays parked is updated without a change. So a decision under an older snapshot, which still
   * shows these dead letters as open, fails with 40001. Indexes: holds by primary key, dead_letters_key. $1 dead
   * letters
   */
  continueKeys: `update ${t.holds} h set until = ${dueUnlessParked(t)} where until = 'infinity'
  and (queue_id, key) in (select queue_id, key from ${t.deadLetters} where id = any($1::bigint[]))`,

  /**
   * Parks the keys of parked dead letters again, with all messages of these keys. Index: primary key. Locks the holds.
   * $1 dead letters
   */
  park: `insert into ${t.holds} (queue_id, key, lane, until, from_seq)
select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from ${t.deadLetters} where id = any($1::bigint[]) and parked
on conflict (queue_id, key) do update set until = 'infinity', from_seq = 0`
})
