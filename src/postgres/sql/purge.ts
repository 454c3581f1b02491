/**
 * The purge of a queue: the statements that look at its messages, and that delete them.
 *
 * A purge is about the messages that a snapshot shows. A message that is published later, or that is written again
 * later, is not among them. Lock order: the consumer, its lanes, messages, then as for every decision about a dead
 * letter.
 *
 * @since 0.1.0
 */
import { millis } from "./deadLetters.ts"
import type { Names } from "./names.ts"
import * as RedriveRuns from "./redriveRuns.ts"
import { life } from "./serverLife.ts"

export const make = (t: Names) => {
  const queue = `(select id from ${t.consumers} where name = $1 and lanes > 0)`
  return {
    /** Counts the messages of a queue, and returns the snapshot that shows them. Index: primary key. $1 consumer */
    preview: `select count(*)::int as n, count(dead_letter_id)::int as redriven, ${
      millis("min(published_at)")
    } as oldest,
  ${life(t)} || ' ' || pg_current_snapshot()::text as cutoff from ${t.messages} where queue_id = ${queue}`,

    /**
     * Reads a page of the messages that the snapshot shows. Index: primary key. $1 consumer $2 snapshot $3 lane $4 seq
     * $5 limit
     */
    page: `select id, topic, key, keyed, payload, headers, version, ${millis("published_at")} as published, lane, seq
from ${t.messages} where queue_id = ${queue} and pg_visible_in_snapshot(xid, $2::text::pg_snapshot)
  and (lane, seq) > ($3::int, $4::bigint) order by lane, seq limit $5::int`,

    /**
     * Deletes the messages that the snapshot shows. A redrive run that awaits one of them learns that it failed. Index:
     * primary key. Locks the rows. $1 queue $2 snapshot
     */
    purge: `with gone as (
  delete from ${t.messages} where queue_id = $1::int and pg_visible_in_snapshot(xid, $2::text::pg_snapshot) returning dead_letter_id
), counted as (
  ${RedriveRuns.settle(t, "'failed'", "from gone g where o.dead_letter_id = g.dead_letter_id", "'Purged'")}
)
select count(*)::int as n, coalesce(array_agg(dead_letter_id) filter (where dead_letter_id is not null), '{}') as redriven from gone`
  }
}
