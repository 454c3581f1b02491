/** Fills the tables with many waiting messages and dead letters, for tests and for measurements of the facts. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import { register } from "../postgres/kit.ts"

export interface Scale {
  readonly schema: string
  /** Waiting messages, and as many dead letters, audit entries, unrouted and delayed messages. */
  readonly rows: number
  /** Failure groups of the dead letters. */
  readonly groups: number
}

/** Fills the queue of a new consumer `c`, and registers a consumer `other` whose queue is empty. */
export const fill = Effect.fnUntraced(function*({ groups, rows, schema }: Scale) {
  const sql = yield* SqlClient.SqlClient
  const table = (name: string) => sql(`${schema}.${name}`)
  yield* register({ consumer: "c", lanes: 64 })
  yield* register({ consumer: "other", lanes: 64, topics: ["u"] })
  yield* sql`insert into ${table("messages")} (queue_id, lane, id, topic, key, keyed, payload)
    select 1, n % 5000 % 64, 'm' || n, 't', 'k' || n % 5000, true, '{"cents":' || n || '}' from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${
    table("dead_letters")
  } (queue_id, lane, seq, message_id, topic, key, keyed, payload, headers, version,
      published_at, reason, parked, attempts, tag, fingerprint, code_version, died_at)
    select 1, n % 64, n, 'd' || n, 't', 'x' || n, true, '{}', '{}', 1, now(), 'exhausted', false,
      '[{"attempt":1,"at":1,"tag":"Declined","error":{},"message":"no","stack":"","step":"steps","frame":"","worker":"w","codeVersion":"1"}]',
      'Declined', 'Declined@steps f' || n % ${groups}::int, '1.4.' || n % 2, now() - n * interval '1 ms'
    from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("holds")} (queue_id, key, lane, until, from_seq)
    select 1, 'k' || n, n % 64, 'infinity', 0 from generate_series(0, 49) n`
  yield* sql`insert into ${table("audit")} (done_by, action, consumer, dead_letter_id)
    select 'anna', case when n % 2 = 0 then 'redriven' else 'discarded' end, 'c', n from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("unrouted")} (topic, id, key, keyed, hash, payload, headers, version)
    select 'topic' || n % 3, 'u' || n, 'k', true, 1, '{}', '{}', 1 from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("delayed")} (due_at, id, topic, key, keyed, hash, payload, headers, version)
    select now() + n * interval '1 s', 'l' || n, 't', 'k', true, 1, '{}', '{}', 1 from generate_series(1, ${rows}::int) n`
  yield* sql`insert into ${table("series")} (queue_id, seconds, at, unsettled, lag_millis, delayed_keys, parked_keys,
      dead_letters, committed, duplicates, dead, retried)
    select 1, 10, now() - n * interval '10 s', 1, 1, 1, 1, 1, 1, 1, 1, 1 from generate_series(1, 8640) n`
  for (const name of ["messages", "dead_letters", "holds", "audit", "unrouted", "delayed", "series"]) {
    yield* sql`vacuum analyze ${table(name)}`
  }
})
