/**
 * Lanes: claimed, renewed, recorded, given back. Whoever locks several lanes locks them in lane order, and lanes before
 * holds. `clock_timestamp()` everywhere: `now()` is when a transaction began.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

/** Above the last one, and above any that an earlier life of the server can have given: milliseconds since the epoch. */
export const nextToken = `greatest(token + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`

export const make = (t: Names) => {
  /** The lanes that these tokens still own, in the server's life $4. */
  const mine = (columns: string, extra: string, lock: string, which = "") =>
    `with mine as materialized (
  select l.lane${columns} from ${t.lanes} l join unnest($2::int[], $3::bigint[]${extra} on l.lane = g.lane and l.token = g.token
  where l.queue_id = $1 and ${life(t)} = $4::text ${which} order by l.lane for ${lock} of l
)`
  return {
    /** $1 queue */
    count: `select count(*)::int as lanes from ${t.lanes} where queue_id = $1`,

    /**
     * Free lanes, those with work first. A plain update of the token is not held back by a commit's `for key share`; this
     * lock is. A lane that is busy with a commit is skipped and found at the next look. One that still stands under the asker's own
     * name has no dead owner: a worker that was stopped for a while lives. What was recorded in an earlier life of the server
     * says nothing about the messages of this one. $1 queue $2 how many $3 who asks $4 life
     */
    free: `select lane, owner is not null and owner <> $3 and l.life = $4 as died, fetched_to, alone from ${t.lanes} l
where queue_id = $1 and lease_until < clock_timestamp() and ${life(t)} = $4::text
order by (exists (select from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane offset 0)) desc, random()
limit $2 for update skip locked`,

    /**
     * The rows are locked by us. A token grows with the clock, too: a server that forgot a claim must not give its token again.
     * $1 queue $2 lanes $3 owner $4 milliseconds $5 alone $6 life
     */
    take: `update ${t.lanes} set token = ${nextToken}, owner = $3, life = $6, fetched_to = 0, alone = $5::bigint,
  lease_until = clock_timestamp() + $4::float8 * interval '1 ms' where queue_id = $1 and lane = any($2::int[]) returning lane, token`,

    /** Which tokens still hold; a claim waits for our commit. Index: primary key. $1 queue $2 lanes $3 tokens $4 life */
    fence: `${mine("", ") g(lane, token)", "key share")} select lane from mine`,

    /** Why a commit found less than it should: returns one row, the server's life and the lanes that are still ours. Parameters as of `fence` */
    stand: `${mine("", ") g(lane, token)", "key share")} select ${
      life(t)
    } as life, array(select lane from mine) as lanes`,

    /**
     * Changes lease_until only, which conflicts with no commit. What was given back meanwhile nobody has: it would be free for nobody.
     * Returns one row: the server's life, and the lanes that were renewed. $1 queue $2 lanes $3 tokens $4 life $5 milliseconds
     */
    renew: `${mine("", ") g(lane, token)", "no key update", "and l.owner is not null")}, renewed as (
  update ${t.lanes} l set lease_until = clock_timestamp() + $5::float8 * interval '1 ms' from mine
  where l.queue_id = $1 and l.lane = mine.lane returning l.lane
)
select ${life(t)} as life, array(select lane from renewed) as lanes`,

    /**
     * How far this owner has read, before anything of it is handed out; shows lost lanes on the way.
     * $1 queue $2 lanes $3 tokens $4 life $5 seqs
     */
    record: `${mine(", g.seq", ", $5::bigint[]) g(lane, token, seq)", "no key update", `and ${unflushed}`)}
update ${t.lanes} l set fetched_to = greatest(l.fetched_to, mine.seq) from mine
where l.queue_id = $1 and l.lane = mine.lane returning l.lane`,

    /** Given back in good order: nothing is counted. $1 queue $2 lanes $3 tokens $4 life */
    release: `${mine("", ") g(lane, token)", "no key update", `and ${unflushed}`)}
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`,

    /** All that stand under its name, those included that it had given up. $1 queue $2 owner */
    releaseAll: `with mine as materialized (
  select lane from ${t.lanes} where queue_id = $1 and owner = $2 and ${unflushed} order by lane for no key update
)
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`,

    /** Which message of each lane alone can kill the process: -1 all, 0 none. $1 queue $2 lanes $3 tokens $4 life $5 seqs */
    isolate: `${mine(", g.seq", ", $5::bigint[]) g(lane, token, seq)", "no key update")}
update ${t.lanes} l set alone = nullif(mine.seq, -1) from mine where l.queue_id = $1 and l.lane = mine.lane returning l.lane`
  }
}
