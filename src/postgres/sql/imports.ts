/**
 * The import of dead letters from an export.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

const time = (column: string) => `to_timestamp(g.${column} / 1000)`

export const make = (t: Names) => ({
  /**
   * Inserts dead letters as they were exported. One exists already if its consumer has a dead letter of the message id,
   * or if the inbox knows that id with another outcome. Such a one is left out.
   *
   * A dead letter keeps its id if that is free and was given before. Otherwise it gets a new one. It belongs to no
   * frozen set of before. The key of an open dead letter that parks is parked again.
   *
   * Indexes: (name), primary keys, dead_letters_message. Locks: the ids in the inbox, then holds. $1 dead letters, as
   * JSON $2 operator $3 note
   */
  add: `with given as materialized (
  select x.*, c.id as queue_id, x.hash % c.lanes as lane, nextval('${t.messageSeq}') as seq,
    case when x.id <= (select last_value from ${t.deadLetterSeq}) and not exists (select from ${t.deadLetters} where id = x.id)
      then x.id else nextval('${t.deadLetterSeq}') end as number
  from json_to_recordset($1::json) x(id bigint, consumer text, hash int, print text, message_id text, topic text, key text,
    keyed boolean, payload text, original text, headers text, version int, published float8, reason text, state text,
    parked boolean, attempts text, tag text, code_version text, fingerprint text, redriven int, died float8, changed_by text,
    changed float8)
  join ${t.consumers} c on c.name = x.consumer and c.lanes > 0
), fresh as (
  insert into ${t.inbox} as i (queue_id, id, outcome, fingerprint, dead_letter_id)
  select queue_id, message_id, case when state = 'resolved' then 'done' else 'dead' end, print,
    case when state <> 'resolved' then number end from given order by queue_id, message_id
  on conflict (queue_id, id) do update set at = statement_timestamp(), dead_letter_id = excluded.dead_letter_id
    where i.outcome = excluded.outcome
      and not exists (select from ${t.deadLetters} d where d.message_id = i.id and d.queue_id = i.queue_id)
  returning queue_id, id
), added as materialized (
  select g.* from given g join fresh f on f.queue_id = g.queue_id and f.id = g.message_id
), dead as (
  insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, original, headers, version,
    published_at, reason, state, parked, attempts, tag, code_version, fingerprint, redriven, died_at, changed_by, changed_at)
  select number, queue_id, lane, seq, message_id, topic, key, keyed, payload, original, headers, version, ${
    time("published")
  },
    reason, state, parked, attempts, tag, code_version, fingerprint, redriven, ${time("died")}, changed_by,
    case when changed > 0 then ${time("changed")} end from added g
), held as (
  insert into ${t.holds} (queue_id, key, lane, until, from_seq)
  select distinct queue_id, key, lane, 'infinity'::timestamptz, 0 from added where parked and state = 'open'
  on conflict (queue_id, key) do update set until = 'infinity', from_seq = 0
), noted as (
  insert into ${t.audit} (done_by, action, consumer, dead_letter_id, topic, key, note)
  select $2, 'imported', consumer, number, topic, key, $3 from added order by number
)
select g.consumer, g.message_id, a.number is not null as added from given g left join added a on a.number = g.number`
})
