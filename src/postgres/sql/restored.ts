/**
 * Transaction ids from the future: those of the cluster from which this database was restored.
 *
 * A row that a snapshot shows was written by a transaction below the snapshot's xmax. An id at or above it comes from
 * elsewhere. Each poll would find such a message late again, until the ids of this cluster have passed it. A dead
 * letter with such an id would be in no frozen set.
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
   * Returns whether there are such rows. The order makes it look at the right end of an index, which is usually
   * empty, and never scan a table.
   *
   * Indexes: messages_xid, dead_letters_opened. No locks.
   */
  look: `select (select true from ${t.consumers} c cross join lateral (
    select from ${t.messages} where queue_id::bigint = c.id and xid >= ${next} order by xid limit 1) m limit 1) is not null
  or (select true from ${t.deadLetters} where opened >= ${next} order by opened limit 1) is not null as found`,

  /** Makes concurrent starts take turns: the second one sees what the first one did. $1 channel */
  alone: `select pg_advisory_xact_lock(hashtextextended($1, 7249))`,

  /**
   * Gives the rows an id of this cluster. It passes over rows that are locked, since those are about to be deleted.
   *
   * Index: messages_xid. Locks the rows. $1 rows
   */
  messages: `update ${t.messages} set xid = pg_current_xact_id() where ctid = any(array(
  select m.ctid from ${t.consumers} c join ${t.messages} m on m.queue_id::bigint = c.id and m.xid >= ${next}
  limit $1 for update of m skip locked))
returning 1`,

  /** Does the same for dead letters. Index: dead_letters_opened. $1 rows */
  deadLetters: `update ${t.deadLetters} set opened = pg_current_xact_id() where ctid = any(array(
  select ctid from ${t.deadLetters} where opened >= ${next} limit $1 for update skip locked))
returning 1`
})
