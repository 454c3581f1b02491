/**
 * The positions of logs, and the entries that move into the lanes. A lane's owner is the only writer. Each statement
 * checks its token, and locks the lanes in lane order.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

/** Returns a subquery that locks and returns the lanes whose token is still valid, with the positions to write. */
const mine = (t: Names, which: string) =>
  `mine as materialized (
  select l.lane, g.settled, g.handed from ${t.lanes} l join unnest($2::int[], $3::bigint[], $5::text[], $6::text[]) g(lane, token, settled, handed)
    on l.lane = g.lane and l.token = g.token
  where l.queue_id = $1 and ${life(t)} = $4::text ${which} order by l.lane for no key update of l
), noted as (
  insert into ${t.logs} as p (queue_id, lane, log, settled, handed) select $1::int, lane, $7::text, settled, handed from mine
  on conflict (queue_id, lane) do update set settled = excluded.settled, handed = excluded.handed
)`

/**
 * Returns a message that moves, as parameters of a statement: eight arrays, and those of `more` by name and type.
 * `extra` names the further columns that the insert fills.
 */
export const moving = (t: Names, from: number, extra: string, more: Readonly<Record<string, string>>) => {
  const columns = "id, topic, key, keyed, payload, headers, version, published_at"
  const types = ["text", "text", "text", "boolean", "text", "text", "int", "float8", ...Object.values(more)]
  return {
    insert: `insert into ${t.messages} (queue_id, lane, ${columns}, moved, ${extra})`,
    select: "g.id, g.topic, g.key, g.keyed, g.payload, g.headers, g.version, to_timestamp(g.published_at / 1000), true",
    rows: `unnest(${types.map((type, i) => `$${from + i}::${type}[]`).join(", ")}) with ordinality g(${columns}, `
      + `${Object.keys(more).join(", ")}, nth)`
  }
}

export const make = (t: Names) => {
  const moved = moving(t, 8, "crash_count", { crash_count: "int", print: "text", lane: "int" })
  const held = moving(t, 7, "attempts", { attempts: "text" })
  return {
    /** Reads the positions of lanes. Index: primary key. No locks. $1 queue $2 lanes */
    positions: `select lane, log, settled, handed from ${t.logs} where queue_id = $1 and lane = any($2::int[])`,

    /**
     * Lists the keys of lanes that have a message or a hold in the store. Indexes: primary key of messages, holds_due.
     * No locks. $1 queue $2 lanes
     */
    diverted: `select lane, key from ${t.messages} where queue_id = $1 and lane = any($2::int[])
union select lane, key from ${t.holds} where queue_id::bigint = $1::int and lane = any($2::int[])`,

    /**
     * Writes positions, and returns the lanes whose token is valid. Index: primary key.
     *
     * $1 queue $2 lanes $3 tokens $4 life $5 settled $6 handed $7 log
     */
    note: `with ${mine(t, `and ${unflushed}`)} select lane from mine`,

    /**
     * Writes positions, and moves entries into the lanes in their order. An entry whose id and content the inbox knows
     * is settled, so it does not move. Also returns a row without a lane, with the keys of what moved. Indexes: primary
     * keys.
     *
     * $1 to $7 as above $8 ids $9 topics $10 keys $11 keyed $12 payloads $13 headers.
     * $14 versions $15 published (ms) $16 how many of its key count a crash $17 fingerprints $18 their lanes.
     * The fingerprint of an entry that was not handed out is empty.
     */
    move: `with ${mine(t, "")}, moved as (
  ${moved.insert}
  select $1::int, mine.lane, ${moved.select},
    (row_number() over (partition by g.key order by g.nth) <= g.crash_count)::int from ${moved.rows} join mine on mine.lane = g.lane
  where g.print = '' or not exists (
    select from ${t.inbox} i where i.queue_id = $1 and i.id = g.id and i.fingerprint = g.print offset 0)
  order by g.nth returning key
)
select lane, null as keys from mine union all select null, json_agg(key) from moved having count(*) > 0`,

    /**
     * Holds a key, and moves its entries in flight into the lane behind the hold. Returns nothing if the token is
     * stale. The statement waits for a locked hold for one second only, like the one of `holds.put`. Index: primary
     * keys.
     *
     * $1 queue $2 lane $3 token $4 life $5 key $6 milliseconds, or null for parked.
     * $7 ids $8 topics $9 keys $10 keyed $11 payloads $12 headers $13 versions.
     * $14 published (ms) $15 attempts, or empty
     */
    hold: `with mine as materialized (
  select lane, set_config('lock_timeout', '1s', true) from ${t.lanes}
  where queue_id = $1 and lane = $2 and token = $3 and ${life(t)} = $4::text for key share
), moved as (
  ${held.insert}
  select $1::int, mine.lane, ${held.select}, nullif(g.attempts, '') from mine cross join ${held.rows} order by g.nth
)
insert into ${t.holds} as h (queue_id, key, lane, until, from_seq)
select $1::int, $5::text, lane, coalesce(clock_timestamp() + $6::float8 * interval '1 ms', 'infinity'), 0 from mine
on conflict (queue_id, key) do update
set until = greatest(h.until, excluded.until), from_seq = least(h.from_seq, excluded.from_seq), through = null returning lane`
  }
}
