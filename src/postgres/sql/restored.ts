/**
 * Transaction ids from the future: those of the cluster from which this database was restored.
 *
 * A row that a snapshot shows was written by a transaction below the snapshot's xmax. One at or above it comes from elsewhere: a
 * poll would take the message for a late one each time, until the ids of this cluster have got there, and a dead letter would be in no set.
 *
 * @since 0.1.0
 */
import type { Names } from "./names.ts"

const next = "pg_snapshot_xmax(pg_current_snapshot())"

export const make = (t: Names) => ({
  /** What this role may do about it. $1 messages $2 dead letters $3 consumers */
  rights:
    `select look, look and has_column_privilege($1, 'xid', 'update') and has_column_privilege($2, 'opened', 'update') as repair
from (select has_column_privilege($1, 'xid', 'select') and has_column_privilege($1, 'queue_id', 'select')
  and has_column_privilege($2, 'opened', 'select') and has_column_privilege($3, 'id', 'select') as look) l`,

  /**
   * Whether there are any. The order has it look at the right end of an index, where usually nothing is, and never scan a table;
   * no locks. Indexes: messages_xid, dead_letters_opened.
   */
  look: `select (select true from ${t.consumers} c cross join lateral (
    select from ${t.messages} where queue_id::bigint = c.id and xid >= ${next} order by xid limit 1) m limit 1) is not null
  or (select true from ${t.deadLetters} where opened >= ${next} order by opened limit 1) is not null as found`,

  /** Starts that find some at the same time take turns: who waits sees what the other one has done, or left. $1 channel */
  alone: `select pg_advisory_xact_lock(hashtextextended($1, 7249))`,

  /** They get an id of this cluster; what somebody has locked is about to go. Indexes as above. Locks the rows. $1 rows */
  messages: `update ${t.messages} set xid = pg_current_xact_id() where ctid = any(array(
  select m.ctid from ${t.consumers} c join ${t.messages} m on m.queue_id::bigint = c.id and m.xid >= ${next}
  limit $1 for update of m skip locked))
returning 1`,

  /** $1 rows */
  deadLetters: `update ${t.deadLetters} set opened = pg_current_xact_id() where ctid = any(array(
  select ctid from ${t.deadLetters} where opened >= ${next} limit $1 for update skip locked))
returning 1`
})
