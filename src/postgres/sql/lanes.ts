/**
 * Lanes: claimed, renewed, recorded, given back. Whoever locks several lanes locks them in lane order, and lanes before
 * holds. `clock_timestamp()` everywhere: `now()` is when a transaction began.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

export const make = (t: Names) => {
  const mine = (columns: string, extra: string, lock: string, which = "") =>
    `with mine as materialized (
  select l.lane${columns} from ${t.lanes} l join unnest($2::int[], $3::bigint[]${extra} on l.lane = g.lane and l.token = g.token
  where l.queue_id = $1 ${which} order by l.lane for ${lock} of l
)`
  return {
    /** $1 queue */
    count: `select count(*)::int as lanes from ${t.lanes} where queue_id = $1`,

    /**
     * Free lanes, those with work first. A plain update of the token is not held back by a commit's `for key share`; this
     * lock is. A lane that is busy with a commit is skipped and found at the next look. One that still stands under the asker's own
     * name has no dead owner: a worker that was stopped for a while lives. $1 queue $2 how many $3 who asks
     */
    free:
      `select lane, owner is not null and owner <> $3 as died, fetched_to, alone, token + 1 as token from ${t.lanes} l
where queue_id = $1 and lease_until < clock_timestamp()
order by (exists (select from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane offset 0)) desc, random()
limit $2 for update skip locked`,

    /** The token, and with it the lane, must survive a crash of the database. */
    durably: `set local synchronous_commit = on`,

    /** The rows are locked by us. $1 queue $2 lanes $3 owner $4 milliseconds $5 alone */
    take: `update ${t.lanes} set token = token + 1, owner = $3, fetched_to = 0, alone = $5::bigint,
  lease_until = clock_timestamp() + $4::float8 * interval '1 ms' where queue_id = $1 and lane = any($2::int[])`,

    /** Which tokens still hold; a claim waits for our commit. Index: primary key. $1 queue $2 lanes $3 tokens */
    fence: `${mine("", ") g(lane, token)", "key share")} select lane from mine`,

    /**
     * Changes lease_until only, which conflicts with no commit. What was given back meanwhile nobody has: it would be free for nobody.
     * $1 queue $2 lanes $3 tokens $4 milliseconds
     */
    renew: `${mine("", ") g(lane, token)", "no key update", "and l.owner is not null")}
update ${t.lanes} l set lease_until = clock_timestamp() + $4::float8 * interval '1 ms' from mine
where l.queue_id = $1 and l.lane = mine.lane returning l.lane`,

    /**
     * How far this owner has read, before anything of it is handed out; shows lost lanes on the way.
     * $1 queue $2 lanes $3 tokens $4 seqs
     */
    record: `${mine(", g.seq", ", $4::bigint[]) g(lane, token, seq)", "no key update")}
update ${t.lanes} l set fetched_to = greatest(l.fetched_to, mine.seq) from mine
where l.queue_id = $1 and l.lane = mine.lane returning l.lane`,

    /** Given back in good order: nothing is counted. $1 queue $2 lanes $3 tokens */
    release: `${mine("", ") g(lane, token)", "no key update")}
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`,

    /** All that stand under its name, those included that it had given up. $1 queue $2 owner */
    releaseAll: `with mine as materialized (
  select lane from ${t.lanes} where queue_id = $1 and owner = $2 order by lane for no key update
)
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`,

    /** Which message of each lane alone can kill the process: -1 all, 0 none. $1 queue $2 lanes $3 tokens $4 seqs */
    isolate: `${mine(", g.seq", ", $4::bigint[]) g(lane, token, seq)", "no key update")}
update ${t.lanes} l set alone = nullif(mine.seq, -1) from mine where l.queue_id = $1 and l.lane = mine.lane returning l.lane`
  }
}
