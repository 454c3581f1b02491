/**
 * Dead letters: the statements that write them in the transaction that settles the message, and those with which
 * operators read them. The statements of operators' decisions are in `decisions.ts`.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { filterOfOne, ids, tags, type Way, withoutTag } from "./narrowing.ts"
import * as RedriveRuns from "./redriveRuns.ts"
import { life } from "./serverLife.ts"

/** Returns a column's time in milliseconds since the epoch. */
export const millis = (column: string) => `(extract(epoch from ${column}) * 1000)::float8`

/** The columns of a dead letter as operators see it. The id is padded with zeros, so that ids sort as text. */
export const selected =
  `select lpad(d.id::text, 16, '0') as dead_letter_id, c.name as consumer, d.message_id as id, d.topic, d.key, d.keyed,
  d.payload, d.original, d.headers, d.version, ${
    millis("d.published_at")
  } as published_at, d.reason, d.state, d.parked, d.attempts,
  d.tag, d.fingerprint, d.redriven, ${millis("d.died_at")} as died_at, d.changed_by,
  coalesce(${millis("d.changed_at")}, 0) as changed_at`

/** The condition of an operator's filter over all consumers. The parameters are those of `filterOfOne`. */
export const filter = `($1::text is null or c.name = $1) and ${filterOfOne}`

/**
 * Returns the condition that a dead letter `d` belongs to the consumer $1 and has this state. It compares rows, as in
 * `status.ts`. With two equalities the planner might walk all dead letters of other consumers by the primary key. The
 * statement orders by queue, state and id then. Index: (queue, state, id).
 */
export const ofOne = (t: Names, state: string): string => {
  const place = `((select id from ${t.consumers} where name = $1), ${state})`
  return `(d.queue_id, d.state) >= ${place} and (d.queue_id, d.state) <= ${place}`
}

/** Returns whether the key of a hold `h` has an open dead letter that parks it. Index: dead_letters_key. */
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
   * Lists dead letters, newest first. Index: that of the way. No locks. $1 to $9 filter $10 state $11 before $12
   * version $13 limit
   */
  list: (way: Way) =>
    `${selected} from (${ids(t, way, { most: "$13::int", order: "newest" })}) x
cross join lateral (select * from ${t.deadLetters} where id = x.id offset 0) d join ${t.consumers} c on c.id = d.queue_id
order by d.id desc`,

  /** Reads a dead letter. Index: primary key. No locks. $1 dead letter */
  get: `${selected} from ${t.deadLetters} d join ${t.consumers} c on c.id = d.queue_id where d.id = $1`,

  /**
   * Freezes a set: counts the open dead letters that match, and returns the server life and the snapshot that saw them.
   * With the filter, these two define the frozen set.
   *
   * Index: that of the way. No locks. $1 to $12 as in `list` $13 count to
   */
  freeze: (way: Way) =>
    `select count(*)::int as n, ${life(t)} || ' ' || pg_current_snapshot()::text as cutoff
from (${ids(t, way, { most: "$13::int + 1", order: "any" })}) seen`
})

/** The dead letters that are counted in all groups of an answer together. They take less than a tenth of a second. */
const mostCounted = 150_000

const rest = withoutTag.join(" and ")

/** Returns the statements that group dead letters by cause. */
const grouping = (t: Names) => {
  const next = (after: string) =>
    `select queue_id, fingerprint from ${t.deadLetters} where ${after} and state <= $10 order by state, queue_id, fingerprint limit 1`
  /**
   * Returns the dead letters of a group `g` by time. It compares rows, so only dead_letters_group has its order. The
   * count compares fewer columns, since it reads many rows.
   */
  const ofGroup = (columns: string, direction: "" | " desc", also: string) => {
    const names = ["d.state", "d.queue_id", "d.fingerprint", "d.died_at"]
    const at = (param: string, none: string) =>
      `($10, g.queue_id, g.fingerprint, coalesce(to_timestamp(${param}::float8 / 1000), '${none}'))`
    return `select ${columns} from ${t.deadLetters} d where (${names.join(", ")}) >= ${at("$8", "-infinity")}
    and (${names.join(", ")}) < ${at("$9", "infinity")} and ${also} order by ${
      names.map((name) => name + direction).join(", ")
    }`
  }
  return {
    /**
     * Lists failure groups. The statement steps from group to group in the index, and not from dead letter to dead
     * letter. All dead letters of a group have one tag, since the tag is a part of the fingerprint. Before it looks
     * into a group, it looks whether any dead letter of its queue and tag has the topic and the reason. Counting stops
     * at $13 + 1, or earlier if the answer has many groups. There is no stored counter, since all failing messages of a
     * group would wait for its row. Groups without a matching dead letter are left out.
     *
     * Index: (state, queue, fingerprint, died_at), dead_letters_facet. No locks. $1 to $9 filter $10 state $11, $12
     * null $13 count to $14 groups
     */
    groups: `with recursive step as (
  (${next("state >= $10")})
  union all
  select n.* from step s cross join lateral (${
      next("(state, queue_id, fingerprint) > ($10, s.queue_id, s.fingerprint)")
    }) n
), matching as materialized (select distinct queue_id, tag from (${tags(t)}) f where $11::bigint is null
), groups as materialized (
  select g.queue_id, g.fingerprint, least($13::int, ${mostCounted} / count(*) over ()) as most from step g
  where ($6::text[] is null or g.fingerprint = any($6)) and (g.queue_id, (
    ${ofGroup("d.tag", " desc", "true")} limit 1)) in (select queue_id, tag from matching)
), counted as materialized (
  select g.*, n.n, n.last from groups g cross join lateral (select count(*)::int as n, max(died_at) as last from (
    select d.died_at from ${t.deadLetters} d where (d.state, d.queue_id, d.fingerprint) >= ($10, g.queue_id, g.fingerprint)
    and (d.state, d.queue_id, d.fingerprint) <= ($10, g.queue_id, g.fingerprint) and ${rest}
    order by d.state desc, d.queue_id desc, d.fingerprint desc, d.died_at desc limit g.most + 1) seen) n
  where n.n > 0 order by n.last desc limit $14::int
)
${selected}, least(g.n, g.most) as n, g.n > g.most as more, ${millis("first.died_at")} as first_at, ${
      millis("g.last")
    } as last_at
from counted g join ${t.consumers} c on c.id = g.queue_id
cross join lateral (${ofGroup("d.died_at", "", rest)} limit 1) first
cross join lateral (${ofGroup("d.*", " desc", rest)} limit 1) d
order by g.last desc`,

    /**
     * Lists the failure groups of a key or a message id. Reads at most $13 + 1 dead letters. Index: (key) or
     * (message_id). No locks. $1 to $14 as in `groups`
     */
    groupsOfFew: (way: Way) =>
      `with found as materialized (
  ${ids(t, way, { columns: "d.id, d.queue_id, d.fingerprint, d.died_at", most: "$13::int + 1", order: "any" })}
), counted as (
  select count(*)::int as n, min(died_at) as first_at, max(died_at) as last_at, (array_agg(id order by died_at desc))[1] as sample
  from found group by queue_id, fingerprint
)
${selected}, least(g.n, $13::int) as n, g.n > $13 as more, ${millis("g.first_at")} as first_at, ${
        millis("g.last_at")
      } as last_at
from counted g join ${t.deadLetters} d on d.id = g.sample join ${t.consumers} c on c.id = d.queue_id
order by g.last_at desc limit $14`
  }
}
