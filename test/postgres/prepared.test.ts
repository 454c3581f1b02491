/**
 * Two-phase commit around `millrace.publish`, on a server of its own: only a setting at its start makes that
 * possible.
 */
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Fiber, type Scope } from "effect"
import { SqlClient } from "effect/sql"
import type { SqlError } from "effect/sql/SqlError"
import { start } from "../setup/server.ts"
import { eventually, freshSchema, idsOf, open, postgres, receive, register } from "./kit.ts"

const server = Effect.acquireRelease(
  Effect.promise(() => start({ settings: ["max_prepared_transactions=5", "max_connections=60"] })),
  ({ stop }) => Effect.promise(stop)
)

it.live(
  "a prepared transaction publishes when it is committed, and wakes a worker by its poll",
  () =>
    Effect.gen(function*() {
      const { url } = yield* server
      const schema = freshSchema()
      yield* Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* register()
        const subscription = yield* open("w", { idlePoll: Duration.seconds(1) })
        const taking = yield* Effect.forkChild(receive(subscription, 1))
        const waits = sql`select from ${sql(`${schema}.consumers`)} where waiting_until > clock_timestamp()`
        yield* eventually(Effect.map(waits, (rows) => rows.length > 0))
        const prepared = (id: string): Effect.Effect<void, SqlError, Scope.Scope> =>
          Effect.gen(function*() {
            const session = yield* sql.reserve
            const run = (text: string) => session.executeUnprepared(text, [], undefined)
            yield* run("begin")
            yield* run(`select "${schema}".publish('t', null, '1', '${id}')`)
            yield* run(`prepare transaction '${id}'`)
          })
        yield* Effect.scoped(prepared("undone"))
        yield* Effect.scoped(prepared("done"))
        yield* sql.unsafe("rollback prepared 'undone'")
        yield* sql.unsafe("commit prepared 'done'")
        assert.deepStrictEqual(idsOf(yield* Fiber.join(taking)), ["done"])
      }).pipe(Effect.scoped, Effect.provide(postgres(url, {}, schema)))
    }).pipe(Effect.scoped)
)
