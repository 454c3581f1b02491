/** Writes dead letters into the tables, for tests that look at many of them. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"
import type { DeadLetter } from "millrace"
import { register } from "../postgres/kit.ts"

export interface DeadRow {
  readonly id: string
  readonly payload?: string
  readonly message?: string
  readonly version?: string
  readonly state?: DeadLetter.State
}

const attempts = (message: string, codeVersion: string) => {
  const where = { stack: "", step: "steps", frame: "", worker: "w", codeVersion }
  return JSON.stringify([{ attempt: 1, at: 1, tag: "Declined", error: { code: "51" }, message, ...where }])
}

/** Writes dead letters of a consumer of its own, oldest first. The id of a message begins with the consumer's name. */
export const writeDead = Effect.fnUntraced(function*(schema: string, consumer: string, rows: ReadonlyArray<DeadRow>) {
  const sql = yield* SqlClient.SqlClient
  yield* register({ consumer, lanes: 4 })
  for (const { id, message = "declined", payload = "{}", state = "open", version = "1.4.2" } of rows) {
    yield* sql`insert into ${
      sql(`${schema}.dead_letters`)
    } (queue_id, lane, seq, message_id, topic, key, keyed, payload,
        headers, version, published_at, reason, parked, attempts, tag, fingerprint, code_version, state)
      select id, 0, 0, ${`${consumer}-${id}`}, 't', ${`key of ${id}`}, true, ${payload}, '{}', 1, now(), 'exhausted', false,
        ${attempts(message, version)}, 'Declined', 'Declined@steps', ${version}, ${state}
      from ${sql(`${schema}.consumers`)} where name = ${consumer}`
  }
})

/** Writes so many dead letters without a text to find. */
export const writeMany = Effect.fnUntraced(function*(schema: string, consumer: string, many: number) {
  const sql = yield* SqlClient.SqlClient
  yield* register({ consumer, lanes: 4 })
  yield* sql`insert into ${sql(`${schema}.dead_letters`)} (queue_id, lane, seq, message_id, topic, key, keyed, payload,
      headers, version, published_at, reason, parked, attempts, tag, fingerprint)
    select c.id, 0, 0, ${`${consumer}-`} || n, 't', 'k', true, '{}', '{}', 1, now(), 'exhausted', false, '[]', 'T', 'f'
    from generate_series(1, ${many}::int) n, ${sql(`${schema}.consumers`)} c where c.name = ${consumer}`
})
