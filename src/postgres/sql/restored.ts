/**
 * Finds and repairs rows with transaction ids from the future: ids of another cluster, from which this database was
 * restored.
 *
 * A visible row of this cluster was written by a transaction below the snapshot's xmax. So a visible row with an id at
 * or above the xmax comes from another cluster. Each poll would find such a message as a late row again, until this
 * cluster's transaction ids have passed that id. No frozen set would contain such a dead letter.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

const next = "pg_snapshot_xmax(pg_current_snapshot())"

export const make = (t: Names) => ({
  /** Returns whether this role may look, and whether it may repair. $1 messages $2 dead letters $3 consumers */
  rights:
    `select look, look and has_column_privilege($1, 'xid', 'update') and has_column_privilege($2, 'opened', 'update') as repair
from (select has_column_privilege($1, 'xid', 'select') and has_column_privilege($1, 'queue_id', 'select')
  and has_column_privilege($2, 'opened', 'select') and has_column_privilege($3, 'id', 'select') as look) l`,

  /**
   * Returns whether there are rows with an id from the future. The `order by` makes Postgres look at the right end of
   * an index, where usually no such entry is, and never scan a table.
   *
   * Indexes: messages_xid, dead_letters_opened. No locks.
   */
  look: `select (select true from ${t.consumers} c cross join lateral (
    select from ${t.messages} where queue_id::bigint = c.id and xid >= ${next} order by xid limit 1) m limit 1) is not null
  or (select true from ${t.deadLetters} where opened >= ${next} order by opened limit 1) is not null as found`,

  /**
   * Takes a lock that makes concurrent starts wait for each other. The second one sees the first one's repairs. $1
   * channel
   */
  alone: `select pg_advisory_xact_lock(hashtextextended($1, 7249))`,

  /**
   * Gives messages with an id from the future the id of this transaction. Passes over locked rows, since commits are
   * about to delete them.
   *
   * Index: messages_xid. Locks the rows. $1 rows
   */
  messages: `update ${t.messages} set xid = pg_current_xact_id() where ctid = any(array(
  select m.ctid from ${t.consumers} c join ${t.messages} m on m.queue_id::bigint = c.id and m.xid >= ${next}
  limit $1 for update of m skip locked))
returning 1`,

  /** Gives dead letters with an id from the future the id of this transaction. Index: dead_letters_opened. $1 rows */
  deadLetters: `update ${t.deadLetters} set opened = pg_current_xact_id() where ctid = any(array(
  select ctid from ${t.deadLetters} where opened >= ${next} limit $1 for update skip locked))
returning 1`
})
