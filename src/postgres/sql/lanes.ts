/**
 * The statements that claim, renew and give back lanes, and that record how far they were read. A statement locks
 * several lanes in lane order, and a transaction locks lanes before holds. Every statement uses `clock_timestamp()`,
 * since `now()` is the time at which the transaction began.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

/**
 * The token of the next claim. It is above the lane's last token, and at least the milliseconds since the epoch. So it
 * is also above any token that the server gave in an earlier server life and has forgotten.
 */
export const nextToken = `greatest(token + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`

/** Returns a subquery that locks and returns the lanes whose token is still valid, if the server life is $4. */
const mine = (t: Names, columns: string, extra: string, lock: string, which = "") =>
  `with mine as materialized (
select l.lane${columns} from ${t.lanes} l join unnest($2::int[], $3::bigint[]${extra} on l.lane = g.lane and l.token = g.token
where l.queue_id = $1 and ${life(t)} = $4::text ${which} order by l.lane for ${lock} of l
)`

export const make = (t: Names) => ({
  ...owned(t),

  /** Counts the lanes of a queue. $1 queue */
  count: `select count(*)::int as lanes from ${t.lanes} where queue_id = $1`,

  /**
   * Locks free lanes, those with messages first. A plain update of the token would not conflict with a commit's `for
   * key share`, but this lock does. So a lane with a commit under way is skipped, and the next poll finds it.
   *
   * `died` says whether a dead owner left the lane. A lane with the claiming worker's own name has no dead owner: that
   * worker was only stopped for a while. A lane that was claimed in an earlier server life does not count either, since
   * its record is about other messages. Index: primary key. $1 queue $2 how many $3 owner $4 life
   */
  lockFree: `select lane, owner is not null and owner <> $3 and l.life = $4 as died, fetched_to, alone from ${t.lanes} l
where queue_id = $1 and lease_until < clock_timestamp() and ${life(t)} = $4::text
order by (exists (select from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane offset 0)) desc, random()
limit $2 for update skip locked`,

  /**
   * Claims lanes that this transaction has locked, and returns their new tokens. Index: primary key.
   *
   * $1 queue $2 lanes $3 owner $4 milliseconds $5 alone $6 life
   */
  claim: `update ${t.lanes} set token = ${nextToken}, owner = $3, life = $6, fetched_to = 0, alone = $5::bigint,
  lease_until = clock_timestamp() + $4::float8 * interval '1 ms' where queue_id = $1 and lane = any($2::int[]) returning lane, token`,

  /**
   * Ends the leases of a live worker, and its life. The token rises, so its commits and renewals are refused. The owner
   * stays in the row, so the next claim counts a crash, as after a lease that has expired.
   *
   * A lane that an open transaction has locked is passed over. Returns one row with the numbers of freed lanes, of
   * lanes that were passed over, and of live workers with this name. Indexes: primary keys. $1 queue $2 worker
   */
  evict: `with owned as materialized (
  select count(*)::int as lanes from ${t.lanes} where queue_id = $1 and owner = $2 and lease_until > clock_timestamp()
), mine as materialized (
  select lane from ${t.lanes} where queue_id = $1 and owner = $2 and lease_until > clock_timestamp() order by lane for update skip locked
), freed as (
  update ${t.lanes} l set token = ${nextToken}, lease_until = clock_timestamp() from mine
  where l.queue_id = $1 and l.lane = mine.lane returning l.lane
), ended as (
  update ${t.workers} set alive_until = clock_timestamp() where queue_id = $1 and worker = $2 and alive_until > clock_timestamp()
  returning worker
)
select (select count(*)::int from freed) as freed, (select lanes from owned) - (select count(*)::int from mine) as busy,
  (select count(*)::int from ended) as workers`,

  /**
   * Gives back all lanes under an owner's name, under any token. Index: primary key. $1 queue $2 owner
   */
  releaseAll: `with mine as materialized (
  select lane from ${t.lanes} where queue_id = $1 and owner = $2 and ${unflushed} order by lane for no key update
)
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`
})

/** Returns the statements of a lane's owner. Each does nothing for a lane whose token is not valid any more. */
const owned = (t: Names) => ({
  /**
   * Returns the lanes whose token is valid, and locks them. So no other worker can claim them until the transaction
   * ends. Index: primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 life
   */
  fence: `${mine(t, "", ") g(lane, token)", "key share")} select lane from mine`,

  /**
   * Locks lanes as `fence` does, or fails with `MR006` if the token of any of them is not valid. Index and parameters
   * as for `fence`.
   */
  fenceAll: `${mine(t, "", ") g(lane, token)", "key share")}
select ${t.requireAll}(count(*) = cardinality($2::int[]))::text from mine`,

  /**
   * Returns one row: the server life, and the lanes whose token is still valid. It is used when a commit has found
   * fewer rows than were handed out. Index and parameters as for `fence`.
   */
  stillOwned: `${mine(t, "", ") g(lane, token)", "key share")} select ${
    life(t)
  } as life, array(select lane from mine) as lanes`,

  /**
   * Extends leases. The statement changes `lease_until` only, so it conflicts with no commit. It skips lanes that were
   * given back, since such a lane must stay free.
   *
   * Returns one row: the server life, and the renewed lanes. Index: primary key. $1 queue $2 lanes $3 tokens $4 life $5
   * milliseconds
   */
  renew: `${mine(t, "", ") g(lane, token)", "no key update", "and l.owner is not null")}, renewed as (
  update ${t.lanes} l set lease_until = clock_timestamp() + $5::float8 * interval '1 ms' from mine
  where l.queue_id = $1 and l.lane = mine.lane returning l.lane
)
select ${life(t)} as life, array(select lane from renewed) as lanes`,

  /**
   * Records how far this owner has read its lanes, before it hands any of these messages out. Returns the lanes whose
   * token is valid. Index: primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 life $5 seqs
   */
  record: `${mine(t, ", g.seq", ", $5::bigint[]) g(lane, token, seq)", "no key update", `and ${unflushed}`)}
update ${t.lanes} l set fetched_to = greatest(l.fetched_to, mine.seq) from mine
where l.queue_id = $1 and l.lane = mine.lane returning l.lane`,

  /**
   * Gives lanes back. Without an owner in the row, the next claim counts no crash. Index: primary key. $1 queue $2
   * lanes $3 tokens $4 life
   */
  release: `${mine(t, "", ") g(lane, token)", "no key update", `and ${unflushed}`)}
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`,

  /**
   * Records for each lane the seq of the only message that can crash the process: -1 for any, 0 for none. Index:
   * primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 life $5 seqs
   */
  isolate: `${mine(t, ", g.seq", ", $5::bigint[]) g(lane, token, seq)", "no key update")}
update ${t.lanes} l set alone = nullif(mine.seq, -1) from mine where l.queue_id = $1 and l.lane = mine.lane returning l.lane`
})
