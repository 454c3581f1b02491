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
import * as OperatorDecision from "../../internal/OperatorDecision.ts"
import { filter, millis, ofOne, parks } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import { filterOfOne } from "./narrowing.ts"

const seen = `d.id, d.state, d.parked, d.queue_id, d.changed_by, coalesce(${millis("d.changed_at")}, 0) as changed_at`

/** Whether the snapshot of a frozen set shows the transaction that opened a dead letter last. */
const visible = "pg_visible_in_snapshot(d.opened, $10::text::pg_snapshot)"

const dueUnlessParked = (t: Names) => `case when ${parks(t)} then until else statement_timestamp() end`

export const make = (t: Names) => ({
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
where d.state = 'open' and ${filter} and ${visible} and d.id > $11::bigint
order by d.id limit $12 for update of d`,

  /**
   * Locks the next dead letters of a frozen set of one consumer, as `lockNext`. Index: (queue, state, id), or one of
   * the filter. $1 to $12 as above
   */
  lockNextOfOne: `select ${seen} from ${t.deadLetters} d
where ${ofOne(t, "'open'")} and ${filterOfOne} and ${visible} and d.id > $11::bigint
order by d.queue_id, d.state, d.id limit $12 for update of d`,

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

  /**
   * Replaces the payload, and keeps the published payload in `original`. Index: primary key. $1 dead letter $2 payload
   * $3 version
   */
  edit: `update ${t.deadLetters} set original = coalesce(original, payload), payload = $2, version = $3 where id = $1`,

  /** Carries out a decision about locked and checked dead letters. $1 dead letters $2 action $3 operator $4 note */
  decide: `select ${t.decide}($1::bigint[], $2, $3, $4)`,

  /** Redrives locked and checked dead letters for a redrive run. $1 dead letters $2 operator $3 note $4 run */
  decideInRun: `select ${t.decide}($1::bigint[], 'redriven', $2, $3, $4::bigint)`
})

const next = [
  OperatorDecision.redriven,
  OperatorDecision.edited,
  OperatorDecision.discarded,
  OperatorDecision.restored,
  OperatorDecision.released
].map(({ action, next }) => `when '${action}' then '${next}'`).join(" ")

/**
 * Makes the function that carries out every decision about dead letters, from TypeScript and from SQL. Its caller has
 * locked and checked them. It writes the new state, the operator that decided it, and the audit entries. Then it moves
 * messages and holds. It runs with the rights of its caller.
 *
 * Indexes: primary keys, dead_letters_key. Locks the holds of the keys. $1 dead letters $2 action $3 operator $4 note
 * $5 redrive run, or null
 */
export const decide = (t: Names): string =>
  `create function ${t.decide}(bigint[], text, text, text, bigint default null) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $body$
begin
  update ${t.deadLetters} set state = case $2 ${next} end, changed_by = $3, changed_at = statement_timestamp(),
    redriven = redriven + ($2 in ('redriven', 'edited'))::int where id = any($1);
  ${audit(t)};
  if $2 in ('redriven', 'edited') then
    ${putBack(t)};
  elsif $2 = 'released' then
    update ${t.deadLetters} set parked = false where id = any($1);
  elsif $2 = 'restored' then
    -- A reopened dead letter is in no set that was frozen before.
    update ${t.deadLetters} set opened = pg_current_xact_id() where id = any($1);
    ${park(t)};
  end if;
  if $2 <> 'restored' then
    ${lockHolds(t)};
    ${continueKeys(t)};
  end if;
end $body$`

const audit = (t: Names) =>
  `insert into ${t.audit} (done_by, action, consumer, dead_letter_id, topic, key, note, run_id)
  select $3, $2, c.name, d.id, d.topic, d.key, $4, $5 from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
  where d.id = any($1) order by d.id`

/**
 * Puts the messages back into the queue. A parked message gets its old seq, and any other message a new one. At an old
 * seq the new xid makes the message a late row, so the reader finds it. The message starts without attempts; the dead
 * letter keeps the earlier attempts.
 */
const putBack = (t: Names) =>
  `insert into ${t.messages} (queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at,
      dead_letter_id, redriven)
    select queue_id, lane, case when parked then seq else nextval('${t.messageSeq}') end, message_id, topic, key, keyed, payload,
      headers, version, published_at, id, redriven
    from (select * from ${t.deadLetters} where id = any($1) order by id offset 0) d`

/**
 * Locks the holds of the dead letters' keys. `continueKeys` is a separate, later statement, since it must see a parked
 * dead letter that was written while this statement waited.
 */
const lockHolds = (t: Names) =>
  `perform from ${t.holds} h where (h.queue_id, h.key) in (
      select queue_id, key from ${t.deadLetters} where id = any($1)) order by h.queue_id, h.key for update`

/**
 * Makes the holds of these dead letters' keys due, unless another open dead letter parks the key. The lane's owner then
 * ends the hold.
 *
 * The hold of a key that stays parked is updated without a change. So a decision under an older snapshot, which still
 * shows these dead letters as open, fails with 40001.
 */
const continueKeys = (t: Names) =>
  `update ${t.holds} h set until = ${dueUnlessParked(t)} where until = 'infinity'
      and (queue_id, key) in (select queue_id, key from ${t.deadLetters} where id = any($1))`

/** Parks the keys of parked dead letters again, with all messages of these keys. Locks the holds. */
const park = (t: Names) =>
  `insert into ${t.holds} (queue_id, key, lane, until, from_seq)
    select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from ${t.deadLetters} where id = any($1) and parked
    on conflict (queue_id, key) do update set until = 'infinity', from_seq = 0`
