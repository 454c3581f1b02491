/**
 * The most that Postgres allows without any queue: the effect of one message (inbox record and ledger row), 100
 * messages a transaction. Four connections send one statement after another.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export const ceiling = Effect.fnUntraced(function*(messages: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`drop table if exists ceiling_inbox, ceiling_ledger`
  yield* sql`create table ceiling_inbox (consumer text, message_id text, at timestamptz default now(), primary key (consumer, message_id))`
  yield* sql`create table ceiling_ledger (id bigserial primary key, message_id text, key text, amount int)`
  const group = 100
  const started = performance.now()
  yield* Effect.forEach(
    Array.from({ length: messages / group }, (_, g) => g),
    (g) =>
      sql.withTransaction(Effect.gen(function*() {
        const ids = Array.from({ length: group }, (_, i) => `m${g * group + i}`)
        yield* sql`insert into ceiling_inbox (consumer, message_id) select 'c', unnest(${ids}::text[]) on conflict do nothing`
        for (const id of ids) yield* sql`insert into ceiling_ledger (message_id, key, amount) values (${id}, ${id}, 1)`
      })),
    { concurrency: 4, discard: true }
  )
  return messages / (performance.now() - started) * 1000
})
