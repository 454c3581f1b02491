/**
 * The cost of a round of retention, and its failures: batches, and statements that read no more rows than they must.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Logger, Result } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, Topic, Worker } from "millrace"
import { inject } from "vitest"
import * as Names from "../../src/postgres/sql/names.ts"
import * as RetentionSql from "../../src/postgres/sql/retention.ts"
import { freshDatabase } from "../setup/database.ts"
import { register } from "./kit.ts"
import { ids, note, Notes, notes, older, settings, sweeping, world } from "./retentionKit.ts"

it.live("forgets in batches, and lets only one process do it at a time", () =>
  world((schema) =>
    Effect.gen(function*() {
      const [one, two] = [yield* sweeping(schema), yield* sweeping(schema)]
      yield* Worker.drain(notes)
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into ${sql(schema)}.inbox (queue_id, id, outcome, fingerprint, at)
        select 1, 'n' || g, 'done', '', now() - interval '8 days' from generate_series(1, 3500) g`
      const forgotten = yield* Effect.all([one, two], { concurrency: 2 })
      assert.strictEqual(forgotten[0] + forgotten[1], 3500)
      assert.lengthOf(yield* ids(schema), 0)
    })
  ))

it.live("forgets what is behind more ids than it looks at in a round that must stay", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      const sql = yield* SqlClient.SqlClient
      yield* sql`insert into ${sql(schema)}.inbox (queue_id, id, outcome, fingerprint, at)
        select 1, 'n' || g, 'done', '', now() - interval '9 days' + g * interval '1 ms' from generate_series(1, 2500) g`
      yield* sql`insert into ${sql(schema)}.delayed (due_at, id, topic, key, keyed, hash, payload, headers, version)
        select now() + interval '1 day', 'n' || g, 'notes', 'k', true, 1, '{}', '{}', 1 from generate_series(1, 2400) g`
      assert.strictEqual(yield* sweep, 100)
      assert.lengthOf(yield* ids(schema), 2400)
    })
  ))

type Plan = { readonly [field: string]: number } & { readonly Plans?: ReadonlyArray<Plan> }

/** The most rows that any part of a plan gave. */
const most = (plan: Plan): number => Math.max(plan["Actual Rows"]!, ...(plan.Plans ?? []).map(most))

/** The plan of one batch of a part, as it ran: a generic one, in a transaction of the retention. */
const explained = Effect.fnUntraced(function*(
  schema: string,
  part: "inbox" | "deadLetters" | "audit" | "unrouted",
  params: ReadonlyArray<number>
) {
  const sql = yield* SqlClient.SqlClient
  const names = Result.getOrThrow(Names.make(schema))
  const text = RetentionSql.make(names)
  const [row] = yield* sql.withTransaction(Effect.gen(function*() {
    yield* sql`set local plan_cache_mode = force_generic_plan`
    yield* sql.unsafe(text.alone, [names.channel])
    return yield* sql.unsafe<{ "QUERY PLAN": ReadonlyArray<{ Plan: Plan }> }>(
      `explain (analyze, buffers, format json) ${text[part]}`,
      [...params, 1000]
    )
  }))
  const plan = row!["QUERY PLAN"][0]!.Plan
  return { rows: most(plan), blocks: plan["Shared Hit Blocks"]! + plan["Shared Read Blocks"]! }
})

/** A database of its own. Deleted rows stay in indexes while any transaction in the database has an older snapshot. */
const alone = <A, E, R>(test: (schema: string, url: string) => Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.flatMap(
    freshDatabase(inject("databaseUrl")),
    (url) => world((schema) => test(schema, url), url)
  ))

it.live("looks at no more than it forgets, and at next to nothing in a large table whose pages were used before", () =>
  alone((schema, url) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema, url)
      yield* register({ lanes: 1 })
      const sql = yield* SqlClient.SqlClient
      const fill = (prefix: string, days: number) =>
        sql`insert into ${sql(schema)}.inbox (queue_id, id, outcome, fingerprint, at)
          select 1, ${prefix} || g, 'done', md5(g::text), now() - ${days} * interval '1 day' from generate_series(1, 100000) g`
      yield* fill("old", 8)
      assert.strictEqual((yield* explained(schema, "inbox", [settings.inbox])).rows, 1000)
      assert.strictEqual(yield* sweep, 99_000)
      yield* sql`vacuum ${sql(schema)}.inbox`
      yield* fill("fresh", 0)
      assert.isAtMost((yield* explained(schema, "inbox", [settings.inbox])).blocks, 50)
    })
  ))

it.live("looks at no more dead letters, audit entries and unrouted messages than it forgets", () =>
  alone((schema, url) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema, url, { ...settings, unrouted: settings.discarded })
      yield* register({ lanes: 1 })
      const sql = yield* SqlClient.SqlClient
      const fill = Effect.fnUntraced(function*(days: number) {
        const at = sql`now() - ${days} * interval '1 day'`
        yield* sql`insert into ${
          sql(schema)
        }.dead_letters (queue_id, lane, seq, message_id, topic, key, keyed, payload, headers,
            version, published_at, reason, parked, attempts, tag, fingerprint, state, changed_at)
          select 1, 0, g, 'm' || g, 't', 'k', true, '{}', '{}', 1, now(), 'rejected', false, '[]', '', '',
            (array['open', 'resolved', 'discarded'])[g % 3 + 1], ${at} from generate_series(1, 9000) g`
        yield* sql`insert into ${sql(schema)}.audit (at, done_by, action, consumer)
          select ${at}, 'anna', 'paused', 'c' from generate_series(1, 9000)`
        yield* sql`insert into ${
          sql(schema)
        }.unrouted (topic, id, key, keyed, hash, payload, headers, version, published_at)
          select 'u', 'u' || g, 'k', true, 1, '{}', '{}', 1, ${at} from generate_series(1, 9000) g`
      })
      const looked = Effect.forEach(
        [
          ["deadLetters", [settings.resolved, settings.discarded]],
          ["audit", [settings.audit]],
          ["unrouted", [settings.discarded]]
        ] as const,
        ([part, params]) => explained(schema, part, params)
      )
      yield* fill(40)
      for (const { rows } of yield* looked) assert.strictEqual(rows, 1000)
      yield* sweep
      for (const table of ["dead_letters", "audit", "unrouted"]) yield* sql`vacuum ${sql(schema)}.${sql(table)}`
      yield* fill(0)
      for (const { blocks } of yield* looked) assert.isAtMost(blocks, 50)
    })
  ))

it.live("forgets everything else while one table cannot be deleted from, and warns of it once when that lasts", () =>
  world((schema) =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      const logger = Logger.layer([Logger.make(({ logLevel, message }) => {
        if (logLevel === "Warn") lines.push(String(message))
      })])
      const sweep = Effect.provide(yield* sweeping(schema), logger)
      yield* Worker.drain(notes)
      yield* Topic.publish(Notes, note("a1", "a"))
      yield* Worker.drain(notes)
      yield* Consumers.pause("notes", { by: "anna" })
      yield* older(schema, "inbox", "at", 8)
      yield* older(schema, "audit", "at", 40)
      const sql = yield* SqlClient.SqlClient
      yield* sql`create function ${sql(schema)}.refuse() returns trigger language plpgsql as
        $$ begin raise exception 'ids are kept here'; end $$`
      yield* sql`create trigger refuse before delete on ${sql(schema)}.inbox for each row execute function ${
        sql(schema)
      }.refuse()`
      yield* sweep
      assert.lengthOf(yield* sql`select from ${sql(schema)}.audit`, 0)
      assert.deepStrictEqual(yield* ids(schema), ["a1"])
      yield* sweep
      assert.deepStrictEqual(lines, [])
      yield* sweep
      yield* sweep
      assert.lengthOf(lines, 1)
      for (const part of ["inbox", "ids are kept here", "no trigger must refuse it"]) assert.include(lines[0], part)
      yield* sql`drop trigger refuse on ${sql(schema)}.inbox`
      assert.strictEqual(yield* sweep, 1)
    })
  ))
