/**
 * Lanes: claimed, renewed, recorded, given back. Several lanes are locked in lane order, and lanes before holds.
 * Every statement uses `clock_timestamp()`, since `now()` is when the transaction began.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import { life, unflushed } from "./serverLife.ts"

/**
 * A token above the last one, and above any that an earlier life of the server can have given: milliseconds since the
 * epoch.
 */
export const nextToken = `greatest(token + 1, (extract(epoch from clock_timestamp()) * 1000)::bigint)`

/** The lanes that these tokens still own, in the server's life $4. */
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
   * Locks free lanes, those with messages first. A plain update of the token does not wait for a commit's `for key
   * share`, and this lock does. It skips a lane that is busy with a commit, and the next look finds it.
   *
   * A lane that still has the asker's own name has no dead owner: a worker that was stopped for a while is alive. A
   * record of an earlier life of the server says nothing about the messages of this one. Index: primary key. $1
   * queue $2 how many $3 owner $4 life
   */
  lockFree: `select lane, owner is not null and owner <> $3 and l.life = $4 as died, fetched_to, alone from ${t.lanes} l
where queue_id = $1 and lease_until < clock_timestamp() and ${life(t)} = $4::text
order by (exists (select from ${t.messages} m where m.queue_id = l.queue_id and m.lane = l.lane offset 0)) desc, random()
limit $2 for update skip locked`,

  /**
   * Claims lanes that this transaction has locked. A token grows with the clock, too: a server that forgot a claim
   * must not give its token again. Index: primary key.
   *
   * $1 queue $2 lanes $3 owner $4 milliseconds $5 alone $6 life
   */
  claim: `update ${t.lanes} set token = ${nextToken}, owner = $3, life = $6, fetched_to = 0, alone = $5::bigint,
  lease_until = clock_timestamp() + $4::float8 * interval '1 ms' where queue_id = $1 and lane = any($2::int[]) returning lane, token`,

  /**
   * Gives back all lanes under an owner's name, including those that the owner had given up. Index: primary key. $1
   * queue $2 owner
   */
  releaseAll: `with mine as materialized (
  select lane from ${t.lanes} where queue_id = $1 and owner = $2 and ${unflushed} order by lane for no key update
)
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`
})

/** Statements of a lane's owner: they do nothing unless its token is valid. */
const owned = (t: Names) => ({
  /**
   * Returns the lanes whose token is valid. A claim waits for our commit. Index: primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 life
   */
  fence: `${mine(t, "", ") g(lane, token)", "key share")} select lane from mine`,

  /**
   * Shows why a commit found fewer rows than it should. Returns one row: the server's life, and the lanes that are
   * still ours. Index and parameters as for `fence`.
   */
  stillOwned: `${mine(t, "", ") g(lane, token)", "key share")} select ${
    life(t)
  } as life, array(select lane from mine) as lanes`,

  /**
   * Extends leases. It changes `lease_until` only, which conflicts with no commit. It skips lanes that were given
   * back: renewed, they would have no owner and not be free.
   *
   * Returns one row: the server's life, and the renewed lanes. Index: primary key. $1 queue $2 lanes $3 tokens $4
   * life $5 milliseconds
   */
  renew: `${mine(t, "", ") g(lane, token)", "no key update", "and l.owner is not null")}, renewed as (
  update ${t.lanes} l set lease_until = clock_timestamp() + $5::float8 * interval '1 ms' from mine
  where l.queue_id = $1 and l.lane = mine.lane returning l.lane
)
select ${life(t)} as life, array(select lane from renewed) as lanes`,

  /**
   * Records how far this owner has read, before anything of it is handed out. Returns the lanes that are still
   * ours. Index: primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 life $5 seqs
   */
  record: `${mine(t, ", g.seq", ", $5::bigint[]) g(lane, token, seq)", "no key update", `and ${unflushed}`)}
update ${t.lanes} l set fetched_to = greatest(l.fetched_to, mine.seq) from mine
where l.queue_id = $1 and l.lane = mine.lane returning l.lane`,

  /**
   * Gives lanes back in good order: the next claim counts no crash. Index: primary key. $1 queue $2 lanes $3 tokens
   * $4 life
   */
  release: `${mine(t, "", ") g(lane, token)", "no key update", `and ${unflushed}`)}
update ${t.lanes} l set owner = null, lease_until = '-infinity', alone = null from mine
where l.queue_id = $1 and l.lane = mine.lane`,

  /**
   * Records for each lane which message alone can crash the process: -1 for any, 0 for none. Index: primary key.
   *
   * $1 queue $2 lanes $3 tokens $4 life $5 seqs
   */
  isolate: `${mine(t, ", g.seq", ", $5::bigint[]) g(lane, token, seq)", "no key update")}
update ${t.lanes} l set alone = nullif(mine.seq, -1) from mine where l.queue_id = $1 and l.lane = mine.lane returning l.lane`
})
