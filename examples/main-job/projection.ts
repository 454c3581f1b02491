/**
 * The projection: the webhooks of each source, in its order.
 *
 * Every applied webhook gets the next sequence number of its source and a link in a hash chain.
 * A webhook that is lost, doubled or swapped therefore changes every later link.
 * These statements run inside the transaction of the message.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as Activity from "./activity.ts"
import type { Tables } from "./tables.ts"
import type { Webhook } from "./topics.ts"

/** Applies one webhook and returns its sequence number. It need not check for duplicates, because the inbox does. */
export const apply = Effect.fnUntraced(function*(tables: Tables, webhook: Webhook) {
  const sql = yield* SqlClient.SqlClient
  const { delivery, kind, position, source } = webhook
  const [applied] = yield* sql<{ readonly sequence: number }>`
    with head as (
      insert into ${sql(tables.sources)} as known (source, sequence, head)
      values (${source}, 1, encode(sha256(convert_to(${delivery}::text, 'UTF8')), 'hex'))
      on conflict (source) do update set
        sequence = known.sequence + 1,
        head = encode(sha256(convert_to(known.head || ${delivery}::text, 'UTF8')), 'hex')
      returning sequence, head
    )
    insert into ${sql(tables.activity)} (source, sequence, hash, delivery, position, kind, action)
    select ${source}, sequence, head, ${delivery}, ${position}, ${kind}, ${Activity.action(webhook.payload) ?? null}
    from head
    returning sequence`
  const change = Activity.stateChange(kind, webhook.payload)
  if (change !== undefined) {
    yield* sql`
      insert into ${
      sql(tables.subjects)
    } (source, subject, state) values (${source}, ${change.subject}, ${change.state})
      on conflict (source, subject) do update set state = excluded.state`
  }
  return applied!.sequence
})
