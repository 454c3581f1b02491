/**
 * Dead letters: the statements that write them in the transaction that settles the message, and those with which
 * operators read them. The statements of operators' decisions are in `decisions.ts`.
 *
 * @since 0.1.0
 */
import type { Filter } from "../../DeadLetter.ts"
import type { Names } from "./names.ts"
import * as RedriveRuns from "./redriveRuns.ts"
import { life } from "./serverLife.ts"

/** A column's time in milliseconds since the epoch. */
export const millis = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`

/** The columns of a dead letter as operators see it. The id is padded with zeros, so that ids sort as text. */
export const selected =
  `select lpad(d.id::text, 16, '0') as dead_letter_id, c.name as consumer, d.message_id as id, d.topic, d.key, d.keyed,
  d.payload, d.original, d.headers, d.version, ${
    millis("d.published_at")
  } as published_at, d.reason, d.state, d.parked, d.attempts,
  d.tag, d.fingerprint, d.redriven, ${millis("d.died_at")} as died_at, d.changed_by,
  coalesce(${millis("d.changed_at")}, 0) as changed_at`

const withoutTag = [
  "($2::text is null or d.reason = $2)",
  "($3::text is null or d.topic = $3)",
  "($4::text is null or d.key = $4)",
  "($5::text is null or d.message_id = $5)",
  "($6::text[] is null or d.fingerprint = any($6))",
  "($8::float8 is null or d.died_at >= to_timestamp($8::float8 / 1000))",
  "($9::float8 is null or d.died_at < to_timestamp($9::float8 / 1000))"
]

/**
 * The condition of an operator's filter, without the state and the consumer. A parameter that is null matches all dead
 * letters.
 *
 * $1 consumer $2 reason $3 topic $4 key $5 message id $6 fingerprints $7 tag $8 since $9 until (ms)
 */
export const filterOfOne = [...withoutTag, "($7::text is null or d.tag = $7)"].join(" and ")

/** The condition of an operator's filter over all consumers. The parameters are those of `filterOfOne`. */
export const filter = `($1::text is null or c.name = $1) and ${filterOfOne}`

/**
 * The condition that a dead letter `d` belongs to the consumer $1 and has this state. It compares rows, as in
 * `status.ts`. With two equalities the planner might walk all dead letters of other consumers by the primary key. The
 * statement orders by queue, state and id then. Index: (queue, state, id).
 */
export const ofOne = (t: Names, state: string): string => {
  const place = `((select id from ${t.consumers} where name = $1), ${state})`
  return `(d.queue_id, d.state) >= ${place} and (d.queue_id, d.state) <= ${place}`
}

/** Returns parameters $1 to $9 of every statement that uses `filter`. */
export const filterOf = (filter: Filter): ReadonlyArray<unknown> => [
  filter.consumer ?? null,
  filter.reason ?? null,
  filter.topic ?? null,
  filter.key ?? null,
  filter.id ?? null,
  filter.fingerprint === undefined ? null : [filter.fingerprint].flat(),
  filter.tag ?? null,
  filter.since ?? null,
  filter.until ?? null
]

/** Whether the key of a hold `h` has an open dead letter that parks it. Index: dead_letters_key. */
export const parks = (t: Names) =>
  `exists (select from ${t.deadLetters} d where d.queue_id = h.queue_id and d.key = h.key and d.parked and d.state = 'open')`

/**
 * Joins the earlier and the later attempts, two JSON arrays. If the earlier attempts have more than 4 MiB, they are
 * dropped. Without this bound, a dead letter that is redriven again and again would become too large to be read.
 */
export const joined = (earlier: string, later: string) =>
  `case when ${earlier} = '[]' or octet_length(${earlier}) > 4194304 then ${later} when ${later} = '[]' then ${earlier}
    else left(${earlier}, -1) || ',' || substr(${later}, 2) end`

/**
 * Reopens the dead letter of a redriven message that failed again. The dead letter keeps the attempts of all
 * redrives. Index: primary key.
 *
 * $1 dead letter $2 reason $3 parked $4 attempts $5 fingerprint $6 lane $7 seq $8 tag $9 code version
 */
const reopen = (t: Names, before = "") =>
  `with ${before}counted as (${RedriveRuns.settle(t, "'failed'", "where o.dead_letter_id = $1", "$5")})
update ${t.deadLetters} set state = 'open', reason = $2, parked = $3, fingerprint = $5, lane = $6, seq = $7,
  tag = $8, code_version = $9, opened = pg_current_xact_id(),
  attempts = ${joined("attempts", "$4::text")},
  died_at = statement_timestamp() where id = $1`

export const make = (t: Names) => ({
  ...grouping(t),

  /** Draws an id for a dead letter whose message id the inbox has for another message. */
  number: `select nextval('${t.deadLetterSeq}') as dead_letter_id`,

  /** Returns the place that a message of a broker gets in the queue when it is redriven. $1 queue $2 hash of the key */
  place: `select $2::int % lanes as lane, nextval('${t.messageSeq}') as seq from ${t.consumers} where id = $1`,

  /**
   * Writes a dead letter.
   *
   * $1 dead letter $2 queue $3 lane $4 seq $5 id $6 topic $7 key $8 keyed $9 payload. $10 headers $11 version
   * $12 published (ms) $13 reason $14 parked $15 attempts $16 fingerprint $17 tag $18 code version
   */
  insert:
    `insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
  published_at, reason, parked, attempts, fingerprint, tag, code_version)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, to_timestamp($12::float8 / 1000), $13, $14, $15, $16, $17, $18)`,

  /**
   * Makes a dead letter of a message that is too large to be read: moves its row inside of the database. Index: primary
   * key. Locks the row.
   *
   * $1 dead letter $2 queue $3 lane $4 seq $5 reason $6 parked $7 attempts $8 fingerprint $9 tag $10 code version
   */
  insertLarge: `with removed as (delete from ${t.messages} where queue_id = $2 and lane = $3 and seq = $4 returning *)
insert into ${t.deadLetters} (id, queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
  published_at, reason, parked, attempts, fingerprint, tag, code_version)
select $1, queue_id, lane, seq, id, topic, key, keyed, payload, headers, version, published_at, $5, $6, $7, $8, $9, $10 from removed`,

  reopen: reopen(t),

  /**
   * Reopens the dead letter of a message that is too large to be read. The dead letter has the payload already, so the
   * message's row is deleted.
   *
   * Index: primary key. $1 to $9 as above $10 queue
   */
  reopenLarge: reopen(t, `removed as (delete from ${t.messages} where queue_id = $10 and lane = $6 and seq = $7), `),

  /**
   * Lists dead letters, newest first. Index: primary key, (queue, state, id), (key) or (message_id). No locks.
   * $1 to $9 filter $10 state $11 before $12 limit
   */
  list: `${selected} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
where ${filter} and ($10::text is null or d.state = $10) and ($11::bigint is null or d.id < $11) order by d.id desc limit $12`,

  /**
   * Lists dead letters of one consumer, newest first, state by state. Index: (queue, state, id), (key) or (message_id).
   * No locks. $1 consumer $2 to $12 as above
   */
  listOfOne:
    `${selected} from (values ('open'), ('redriving'), ('resolved'), ('discarded')) s(state) cross join lateral (
  select * from ${t.deadLetters} d where ${
      ofOne(t, "s.state")
    } and ${filterOfOne} and ($11::bigint is null or d.id < $11)
  order by d.queue_id desc, d.state desc, d.id desc limit $12) d
join ${t.consumers} c on c.id = d.queue_id where $10::text is null or s.state = $10 order by d.id desc limit $12`,

  /** Reads a dead letter. Index: primary key. No locks. $1 dead letter */
  get: `${selected} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id where d.id = $1`,

  /**
   * Freezes a set: counts the open dead letters that match, and returns the server life and the snapshot that saw them.
   * With the filter, these two define the frozen set.
   *
   * No locks. $1 to $9 filter $10 count to
   */
  freeze: `select count(*)::int as n, ${life(t)} || ' ' || pg_current_snapshot()::text as cutoff from (
  select from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id where d.state = 'open' and ${filter}
  limit $10::int + 1) seen`
})

/** The statements that group dead letters by cause. */
const grouping = (t: Names) => ({
  /**
   * Lists failure groups. The statement steps from group to group in the index, and not from dead letter to dead
   * letter. All dead letters of a group have one tag, since the tag is a part of the fingerprint.
   * Counting stops at $11 + 1. There is no stored counter, since all failing messages of a group would wait for
   * its row. Groups without a matching dead letter are left out.
   *
   * Index: (state, queue, fingerprint, died_at). No locks. $1 to $9 filter $10 state $11 count to $12 groups
   */
  groups: `with recursive step as (
  (select queue_id, fingerprint from ${t.deadLetters} where state = $10 order by queue_id, fingerprint limit 1)
  union all
  select n.queue_id, n.fingerprint from step s cross join lateral (
    select queue_id, fingerprint from ${t.deadLetters} where state = $10 and (queue_id, fingerprint) > (s.queue_id, s.fingerprint)
    order by queue_id, fingerprint limit 1) n
), groups as materialized (
  select s.queue_id, s.fingerprint from step s join ${t.consumers} c on c.id = s.queue_id
  where ($1::text is null or c.name = $1) and ($6::text[] is null or s.fingerprint = any($6)) and ($7::text is null or $7 = (
    select tag from ${t.deadLetters} d where d.state = $10 and d.queue_id = s.queue_id and d.fingerprint = s.fingerprint
    order by d.died_at desc limit 1))
)
${selected}, counted.n, ${millis("first.died_at")} as first_at, ${millis("d.died_at")} as last_at
from groups g join ${t.consumers} c on c.id = g.queue_id
cross join lateral (select count(*)::int as n from (
  select from ${t.deadLetters} d where d.state = $10 and d.queue_id = g.queue_id and d.fingerprint = g.fingerprint and ${
    withoutTag.join(" and ")
  }
  limit $11::int + 1) seen) counted
cross join lateral (select d.died_at from ${t.deadLetters} d where d.state = $10 and d.queue_id = g.queue_id
  and d.fingerprint = g.fingerprint and ${withoutTag.join(" and ")} order by d.died_at limit 1) first
cross join lateral (select d.* from ${t.deadLetters} d where d.state = $10 and d.queue_id = g.queue_id
  and d.fingerprint = g.fingerprint and ${withoutTag.join(" and ")} order by d.died_at desc limit 1) d
order by d.died_at desc limit $12`,

  /**
   * Lists the failure groups of a key or a message id. Reads at most $11 + 1 dead letters. Index: (key) or
   * (message_id). No locks. $1 to $12 as in `groups`
   */
  groupsOfFew: `with found as materialized (
  select d.id, d.queue_id, d.fingerprint, d.died_at from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id
  where d.state = $10 and ${filter} limit $11::int + 1
), counted as (
  select count(*)::int as n, min(died_at) as first_at, max(died_at) as last_at, (array_agg(id order by died_at desc))[1] as sample
  from found group by queue_id, fingerprint
)
${selected}, g.n, ${millis("g.first_at")} as first_at, ${millis("g.last_at")} as last_at
from counted g join ${t.deadLetters} d on d.id = g.sample join ${t.consumers} c on c.id = d.queue_id
order by g.last_at desc limit $12`
})
