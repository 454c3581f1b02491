/**
 * Messages of a broker that move into the lanes. Any worker of the consumer moves them, as a publisher would insert
 * them, so no statement checks a token. Each finds the consumer by its name, and locks it for key share, so that a
 * removal waits.
 *
 * The broker deletes a message after the commit that has moved it, so that commit must be flushed. `divert` runs in a
 * session of the machinery, which flushes. `hold` follows `unsettled.settle`, which turns flushing on.
 *
 * @since 0.1.0
 */
import { moving } from "./logs.ts"
import type { Names } from "./names.ts"

/** Whether a message `m` is one that diverts its key. */
const diverts = "(m.moved or m.redriven > 0)"

/** Returns a subquery that locks and returns the consumer with the name $1. */
const consumer = (t: Names, more = "") =>
  `q as materialized (select id, lanes${more} from ${t.consumers} where name = $1 for key share)`

/**
 * Returns whether a message `g` of the consumer `q` needs no move. The inbox has its outcome for the same content, or
 * it waits in the lanes already. Indexes: primary key of the inbox, messages_moved.
 */
const known = (t: Names) =>
  `(exists (select from ${t.inbox} i where i.queue_id = q.id and i.id = g.id and i.fingerprint = g.print offset 0)
    or exists (select from ${t.messages} m where m.queue_id::bigint = q.id::bigint and m.key = g.key and ${diverts}
      and m.id = g.id and m.payload = g.payload))`

const held = (t: Names) => `exists (select from ${t.holds} h where h.queue_id = q.id and h.key = k.key)`

const more = { attempts: "text", crash_count: "int", crashed_alone: "boolean", print: "text", hash: "int" }
const extra = "attempts, crash_count, crashed_alone"
const columns = "nullif(g.attempts, '[]'), g.crash_count, g.crashed_alone"

export const make = (t: Names) => {
  const joins = moving(t, 3, extra, more)
  const behind = moving(t, 7, extra, more)
  const diverted = `select k.key from ${t.consumers} q cross join unnest($2::text[]) k(key) where q.name = $1 and (${
    held(t)
  } or exists (
  select from ${t.messages} m where m.queue_id::bigint = q.id::bigint and m.key = k.key and ${diverts}))`
  return {
    /**
     * Moves messages into the lanes, in their order, and returns these messages, each with whether there was room. With
     * `diverted` it moves those of diverted keys, and with `all` each of them, above the limit. With `none` it moves
     * none, and returns those that need no move. Indexes: messages_moved, primary keys. Locks the consumer for key
     * share.
     *
     * $1 consumer $2 most messages of a key.
     * $3 ids $4 topics $5 keys $6 keyed $7 payloads $8 headers $9 versions $10 published (ms).
     * $11 attempts $12 crash counts $13 whether each crashed alone $14 fingerprints $15 hashes of the keys.
     * $16 diverted, all or none
     */
    divert: `with ${consumer(t)}, given as materialized (
  select g.*, ${known(t)} as known from q cross join ${joins.rows}
), found as materialized (
  select k.key, n.n, ${held(t)} as held from q cross join (select distinct key from given) k cross join lateral (
    select count(*)::int as n from (
      select from ${t.messages} m where m.queue_id::bigint = q.id::bigint and m.key = k.key and ${diverts} limit $2::int) seen) n
), moved as (
  ${joins.insert}
  select q.id, g.hash % q.lanes, ${joins.select}, ${columns} from q cross join given g join found k on k.key = g.key
  where not g.known and ($16::text = 'all' or $16 = 'diverted' and (k.n > 0 or k.held) and k.n < $2::int) order by g.nth
)
select g.nth::int as nth, g.known or $16 = 'all' or k.n < $2::int as room, q.id as queue
from q cross join given g join found k on k.key = g.key
where $16::text = 'all' or (k.n > 0 or k.held) and ($16 = 'diverted' or g.known)`,

    /**
     * Returns which of these keys are diverted. Indexes: messages_moved, primary key of holds. No locks. $1 consumer
     * $2 keys
     */
    diverted,

    /** Fails with `MR006` if any of these keys is diverted. Indexes and parameters as for `diverted`. */
    undiverted: `select ${t.requireAll}(count(*) = 0)::text from (${diverted}) d`,

    /**
     * Holds a key, and moves messages behind the hold. Returns nothing if the consumer was removed, or if the inbox has
     * the outcome of the message, unless it is parked. The statement waits for a locked hold for one second only, like
     * the one of `holds.put`. Indexes: primary keys, messages_moved.
     *
     * $1 consumer $2 key $3 its hash $4 milliseconds, or null for parked $5 id $6 fingerprint.
     * $7 and the next ones as the arrays of `divert`
     */
    hold: `with ${consumer(t, ", set_config('lock_timeout', '1s', true)")}, mine as materialized (
  select q.id, $3::int % q.lanes as lane from q where $4::float8 is null or not exists (
    select from ${t.inbox} i where i.queue_id = q.id and i.id = $5 and i.fingerprint = $6 offset 0)
), moved as (
  ${behind.insert}
  select q.id, q.lane, ${behind.select}, ${columns} from mine q cross join ${behind.rows} where not ${
      known(t)
    } order by g.nth
)
insert into ${t.holds} as h (queue_id, key, lane, until, from_seq)
select id, $2::text, lane, coalesce(clock_timestamp() + $4::float8 * interval '1 ms', 'infinity'), 0 from mine
on conflict (queue_id, key) do update
set until = greatest(h.until, excluded.until), from_seq = 0, through = null returning queue_id`
  }
}
