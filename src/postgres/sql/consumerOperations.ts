/**
 * What people do with consumers that stay: look, pause, resume.
 *
 * @since 0.1.0
 */
import { millis, parks } from "./deadLetters.ts"
import type { Names } from "./names.ts"

/** $1 name */
export const locked = (t: Names, mode: "for no key update" | "for update") =>
  `select id, lanes, paused_by, ${
    millis("paused_at")
  } as paused_at from ${t.consumers} where name = $1 and lanes > 0 ${mode}`

export const make = (t: Names) => {
  /** A key that is parked although no open dead letter parks it: no decision about a dead letter would end its hold. */
  const stray = `(h.until = 'infinity' and not ${parks(t)})`
  const upTo = (from: string) => `(select count(*)::int from (select from ${from} limit $2::int + 1) seen)`
  return {
    /** Names that only callers without a pipeline use have no lanes, and no queue to look at. Counting ends at $2. Indexes: primary keys; (queue, state, id). $1 name, or null for all $2 count to */
    list: `select c.name as consumer, c.lanes, c.dead_letter_order, ${
      millis("c.registered_at")
    } as registered_at, c.paused_by,
  ${millis("c.paused_at")} as paused_at, c.paused_note,
  to_json(array(select topic from ${t.subscriptions} where queue_id = c.id order by topic)) as topics,
  (select count(*)::int from ${t.workers} where queue_id = c.id and alive_until > clock_timestamp()) as workers,
  ${upTo(`${t.messages} where queue_id = c.id`)} as waiting, ${upTo(`${t.holds} where queue_id = c.id`)} as held,
  ${upTo(`${t.deadLetters} where queue_id = c.id and state in ('open', 'redriving')`)} as dead_letters
from ${t.consumers} c where c.lanes > 0 and ($1::text is null or c.name = $1) order by c.name`,

    /** In the primary key's order. A pause outlives the time of its hold. $1 queue $2 after, or null $3 limit */
    heldKeys: `select key, until = 'infinity' as parked, paused_by, ${millis("paused_at")} as paused_at,
  case when until < 'infinity' and (paused_by is null or until > statement_timestamp()) then ${
      millis("until")
    } end as retry_at
from ${t.holds} where queue_id = $1 and ($2::text is null or key > $2) order by key limit $3`,

    /**
     * One person at a time. Not as a removal: what refers to the consumer (a dead-lettering does, for key share) goes on, however long the
     * person's transaction is open. $1 name
     */
    lock: locked(t, "for no key update"),

    /** Keeps it from being removed; workers may say that they wait meanwhile. $1 name */
    keep: `select id, lanes from ${t.consumers} where name = $1 and lanes > 0 for key share`,

    /** $1 name */
    queue: `select id from ${t.consumers} where name = $1 and lanes > 0`,

    /** $1 queue $2 who, or null $3 note */
    pause: `update ${t.consumers} set paused_by = $2::text, paused_note = $3,
  paused_at = case when $2::text is null then null else statement_timestamp() end where id = $1`,

    /** Answers nothing if somebody has paused it already. All of the key, whatever else holds it. $1 queue $2 key $3 lane $4 who */
    pauseKey: `insert into ${t.holds} as h (queue_id, key, lane, until, from_seq, paused_by, paused_at)
values ($1, $2, $3, statement_timestamp(), 0, $4, statement_timestamp())
on conflict (queue_id, key) do update set from_seq = 0, paused_by = $4, paused_at = statement_timestamp()
where h.paused_by is null returning key`,

    /** $1 queue $2 key */
    pausedKey: `select paused_by, ${millis("paused_at")} as paused_at from ${t.holds} where queue_id = $1 and key = $2`,

    /** Before the look at its dead letters, in a statement of its own: while this waits, one may be written. $1 queue $2 key */
    lockKey: `select from ${t.holds} where queue_id = $1 and key = $2 for update`,

    /**
     * Its hold may be due now, and the lane's owner ends it. It returns nothing if the key is neither paused nor parked without a dead letter.
     * Indexes: primary key, dead_letters_key. $1 queue $2 key
     */
    resumeKey: `update ${t.holds} h set paused_by = null, paused_at = null,
  until = case when ${stray} then statement_timestamp() else until end
where queue_id = $1 and key = $2 and (paused_by is not null or ${stray}) returning key`
  }
}
