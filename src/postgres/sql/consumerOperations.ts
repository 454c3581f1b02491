/**
 * Operator actions on consumers: list, pause, resume. Removing and unsubscribing are in `removal.ts`.
 *
 * @since 0.1.0
 */
import { millis, parks } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import { firstDeadLetters } from "./status.ts"

/**
 * Returns the condition that the time of a consumer's pause is over. Its value is null if only an operator ends the
 * pause.
 */
export const over = (consumer = ""): string => `${consumer}paused_until <= clock_timestamp()`

/** Returns a statement that selects a consumer with lanes, and locks its row in this mode. Index: (name). $1 name */
export const locked = (t: Names, mode: "for no key update" | "for update") =>
  `select id, lanes, paused_by, ${millis("paused_at")} as paused_at, coalesce(${over()}, false) as pause_over
from ${t.consumers} where name = $1 and lanes > 0 ${mode}`

export const make = (t: Names) => {
  const upTo = (from: string) => `(select count(*)::int from (select from ${from} limit $2::int + 1) seen)`
  // Without an order, a scan of the whole table looks cheap for a queue that has nothing.
  const first = (table: string, columns: string) => `${table} where queue_id = c.id order by ${columns}`
  return {
    ...keys(t),

    /**
     * Lists consumers with lanes. A name that only `Inbox.once` uses has none, and is not listed. Each count stops at
     * $2 + 1.
     *
     * Indexes: primary keys, and (queue, state, id). No locks. $1 name, or null for all $2 count to
     */
    list: `select c.name as consumer, c.lanes, c.dead_letter_order, ${
      millis("c.registered_at")
    } as registered_at, c.paused_by,
  ${millis("c.paused_at")} as paused_at, c.paused_note, ${millis("c.paused_until")} as paused_until,
  to_json(array(select topic from ${t.subscriptions} where queue_id = c.id order by topic)) as topics,
  (select count(*)::int from ${t.workers} where queue_id = c.id and alive_until > clock_timestamp()) as workers,
  ${upTo(first(t.messages, "lane, seq"))} as waiting, ${upTo(first(t.holds, "key"))} as held,
  (select count(*)::int from (${
      ["open", "redriving"].map((state) => `(${firstDeadLetters(t, "id", "c.id", state, "$2::int + 1")})`).join(
        " union all "
      )
    } limit $2::int + 1) seen) as dead_letters
from ${t.consumers} c where c.lanes > 0 and ($1::text is null or c.name = $1) order by c.name`,

    /**
     * Lists held keys in the order of the primary key. A paused key has no `retry_at` once its hold's time has come,
     * since only an operator resumes it. $1 queue $2 after, or null $3 limit
     */
    heldKeys: `select key, until = 'infinity' as parked, paused_by, ${millis("paused_at")} as paused_at,
  case when until < 'infinity' and (paused_by is null or until > statement_timestamp()) then ${
      millis("until")
    } end as retry_at
from ${t.holds} where queue_id = $1 and ($2::text is null or key > $2) order by key limit $3`,

    /**
     * Locks a consumer for one operator at a time. A worker that dead-letters a message locks this row for key share.
     * The lock here does not block that worker, even if the operator's transaction stays open. A removal's lock would.
     * Index: (name). $1 name
     */
    lock: locked(t, "for no key update"),

    /**
     * Locks a consumer, so that it cannot be removed. Workers can still update its row to announce that they wait.
     * Index: (name). $1 name
     */
    keepConsumer: `select id, lanes from ${t.consumers} where name = $1 and lanes > 0 for key share`,

    /** Finds a consumer's queue. Index: (name). No locks. $1 name */
    queue: `select id from ${t.consumers} where name = $1 and lanes > 0`,

    /**
     * Pauses or resumes a locked and checked consumer. $1 queue $2 action $3 operator $4 note $5 milliseconds of the
     * pause, or null
     */
    pause: `select ${t.setPaused}($1, $2, $3, $4, $5)`,

    /** Ends the pause of a consumer if its time is over. Index: (name). Locks the consumer then. $1 name */
    resumeDue: resumeDue(t, "name = $1")
  }
}

/**
 * Makes the function that pauses and resumes a consumer, from TypeScript and from SQL. Its caller has locked and
 * checked the consumer. It writes the audit entry, too, and runs with the rights of its caller. A pause whose time is
 * over ends before another one begins, with an entry of its own. Index: primary key. $1 queue $2 action $3 operator $4
 * note $5 milliseconds of the pause, or null
 */
export const setPaused = (t: Names): string =>
  `create function ${t.setPaused}(int, text, text, text, float8 default null) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $body$
begin
  insert into ${t.audit} (done_by, action, consumer, note, detail)
  select a.done_by, a.action, c.name, a.note, a.detail from ${t.consumers} c cross join lateral (values
    ('millrace', 'resumed', '', ${ended}, $2 = 'paused' and ${over("c.")}),
    ($3, $2, $4, case when $3 = 'millrace' then ${ended} when $5 is not null then 'until ' || ${
    utc("statement_timestamp() + $5 * interval '1 ms'")
  } else '' end, true)
  ) a(done_by, action, note, detail, applies) where c.id = $1 and a.applies;
  update ${t.consumers} set paused_by = case when $2 = 'paused' then $3 end, paused_note = case when $2 = 'paused' then $4 else '' end,
    paused_at = case when $2 = 'paused' then statement_timestamp() end,
    paused_until = case when $2 = 'paused' then statement_timestamp() + $5 * interval '1 ms' end where id = $1;
end $body$`

/** Returns an expression of SQL for a time as text in UTC. */
export const utc = (time: string): string => `to_char((${time}) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`

const ended = `'the pause of ' || c.paused_by || ' lasted until ' || ${utc("c.paused_until")}`

/**
 * Returns a statement that ends the pause of the consumer of the condition, if the pause is over. Locks the consumer
 * then.
 */
export const resumeDue = (t: Names, which: string): string =>
  `select ${t.setPaused}(c.id, 'resumed', 'millrace', '')
from (select id from ${t.consumers} where ${which} and ${over()} for no key update) c`

/** Returns the statements that pause and resume a key. */
const keys = (t: Names) => {
  /**
   * Whether the key of a hold `h` is parked although no open dead letter parks it. No decision about a dead letter
   * would end such a hold, so resuming the key ends it.
   */
  const stray = `(h.until = 'infinity' and not ${parks(t)})`
  return {
    /**
     * Pauses all messages of a key, even if the key is held already. Returns nothing if an operator has paused it
     * before.
     *
     * Index: primary key. Locks the hold. $1 queue $2 key $3 lane $4 operator
     */
    pauseKey: `insert into ${t.holds} as h (queue_id, key, lane, until, from_seq, paused_by, paused_at)
values ($1, $2, $3, statement_timestamp(), 0, $4, statement_timestamp())
on conflict (queue_id, key) do update set from_seq = 0, paused_by = $4, paused_at = statement_timestamp()
where h.paused_by is null returning key`,

    /** Returns which operator paused a key, and when. Index: primary key. No locks. $1 queue $2 key */
    pausedKey: `select paused_by, ${millis("paused_at")} as paused_at from ${t.holds} where queue_id = $1 and key = $2`,

    /**
     * Locks a key's hold. `resumeKey` is a separate, later statement, since it must see a dead letter that was written
     * while this statement waited.
     *
     * Index: primary key. $1 queue $2 key
     */
    lockKey: `select from ${t.holds} where queue_id = $1 and key = $2 for update`,

    /**
     * Resumes a key. The lane's owner ends the key's hold when the hold is due, perhaps at once. Returns nothing if the
     * key is neither paused nor parked without a dead letter.
     *
     * Indexes: primary key, dead_letters_key. Locks the hold. $1 queue $2 key
     */
    resumeKey: `update ${t.holds} h set paused_by = null, paused_at = null,
  until = case when ${stray} then statement_timestamp() else until end
where queue_id = $1 and key = $2 and (paused_by is not null or ${stray}) returning key`
  }
}
