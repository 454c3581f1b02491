/**
 * The inbox: the message ids that a consumer has committed or dead-lettered. A group's ids are inserted in sorted
 * order, so that two groups with the same ids cannot deadlock.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"
import * as RedriveRuns from "./redriveRuns.ts"

/**
 * Claims message ids as `claim` does, or fails with `MR006` if any of them is not fresh. Index: primary key.
 *
 * $1 queue $2 ids $3 fingerprints $4 their number
 */
export const claimAll = (t: Names): string =>
  `with fresh as (
  insert into ${t.inbox} (queue_id, id, outcome, fingerprint)
  select $1::int, c.id, 'done', c.fingerprint from unnest($2::text[], $3::text[]) c(id, fingerprint) order by c.id
  on conflict do nothing returning 1
)
select ${t.requireAll}(count(*) = $4::int)::text from fresh`

export const make = (t: Names) => ({
  /**
   * Claims message ids, and returns those that are fresh. If another open transaction has claimed one of them, the
   * statement waits for that transaction. Index: primary key.
   *
   * $1 queue $2 ids $3 fingerprints
   */
  claim: `insert into ${t.inbox} (queue_id, id, outcome, fingerprint)
select $1::int, c.id, 'done', c.fingerprint from unnest($2::text[], $3::text[]) c(id, fingerprint) order by c.id
on conflict do nothing returning id`,

  /**
   * Marks ids of redriven messages as done, if the inbox has them as dead under the same dead letter. Resolves these
   * dead letters. Returns the ids. Indexes: primary keys.
   *
   * $1 queue $2 ids $3 dead letters
   */
  commitRedriven:
    `with c as materialized (select * from unnest($2::text[], $3::bigint[]) c(id, dead_letter_id) order by id),
revived as (
  update ${t.inbox} i set outcome = 'done', dead_letter_id = null, at = statement_timestamp() from c
  where i.queue_id = $1 and i.id = c.id and i.outcome = 'dead' and i.dead_letter_id = c.dead_letter_id returning i.id, c.dead_letter_id
), resolved as (
  update ${t.deadLetters} d set state = 'resolved', changed_at = statement_timestamp()
  from revived r where d.id = r.dead_letter_id and d.state = 'redriving'
), counted as (
  ${RedriveRuns.settle(t, "'committed'", "from revived r where o.dead_letter_id = r.dead_letter_id")}
)
select id from revived`,

  /**
   * Resolves dead letters of redriven messages that `commitRedriven` did not find. Their ids were committed by another
   * delivery, or the inbox had forgotten them. Index: primary key.
   *
   * $1 dead letters $2 the outcome of each one: `committed`, or `duplicate`
   */
  resolve: `with counted as (
  ${
    RedriveRuns.settle(
      t,
      "c.outcome",
      "from unnest($1::bigint[], $2::text[]) c(id, outcome) where o.dead_letter_id = c.id"
    )
  }
)
update ${t.deadLetters} set state = 'resolved', changed_at = statement_timestamp()
where id = any($1::bigint[]) and state = 'redriving'`,

  /**
   * Returns the outcome and fingerprint of the ids that the inbox has. Index: primary key. No locks. $1 queue $2 ids
   */
  known: `select id, outcome, fingerprint from ${t.inbox} where queue_id = $1 and id = any($2::text[])`,

  /**
   * Claims one id for `Inbox.once`. The statement tries the advisory lock and never waits for it. A caller that does
   * not get the lock leaves its transaction, so that no waiting caller keeps a connection. The lock ends with the
   * transaction, when the row is already visible. The statement waits only for a worker that is committing the same id.
   * If the name does not belong to this queue any more, it claims nothing and returns no row.
   *
   * Index: primary key. $1 queue $2 id $3 fingerprint $4 schema's channel $5 consumer
   */
  claimOnce: `with l as materialized (
  select pg_try_advisory_xact_lock(hashtextextended($4::text || ' ' || $2::text, $1::int)) as mine
  where exists (select from ${t.consumers} where id = $1::int and name = $5::text)
), i as (
  insert into ${t.inbox} (queue_id, id, outcome, fingerprint) select $1::int, $2::text, 'done', $3::text from l where mine
  on conflict do nothing returning 1
)
select mine, exists (select from i) as fresh from l`,

  /** Returns the outcome of an id, with its stored result. Index: primary key. $1 queue $2 id */
  stored: `select outcome, fingerprint, result, lpad(dead_letter_id::text, 16, '0') as dead_letter_id from ${t.inbox}
where queue_id = $1 and id = $2`,

  /** Stores the result in the row that this transaction has inserted. Index: primary key. $1 queue $2 id $3 result */
  remember: `update ${t.inbox} set result = $3 where queue_id = $1 and id = $2`,

  /** Returns the outcome of an id, or no row for an unknown consumer. Indexes: name, primary key. $1 consumer $2 id */
  settled: `select outcome, lpad(dead_letter_id::text, 16, '0') as dead_letter_id from ${t.inbox}
where queue_id = (select id from ${t.consumers} where name = $1) and id = $2`,

  /**
   * Marks an id as dead. The row names the dead letter from which the message was redriven, or a new one. If the id
   * exists, the statement locks its row and returns it unchanged. Index: primary key.
   *
   * $1 queue $2 id $3 fingerprint $4 the dead letter from which it was redriven, or null
   */
  markDead: `insert into ${t.inbox} as i (queue_id, id, outcome, fingerprint, dead_letter_id)
values ($1, $2, 'dead', $3, coalesce($4::bigint, nextval('${t.deadLetterSeq}')))
on conflict (queue_id, id) do update set outcome = i.outcome
returning i.outcome, i.fingerprint, i.dead_letter_id, (i.xmax = 0) as fresh`
})
