/** What one poll of the queue reads. */
import { assert, layer } from "@effect/vitest"
import { Duration, Effect, Result } from "effect"
import { SqlClient } from "effect/sql"
import { Hold, Store } from "millrace"
import { inject } from "vitest"
import * as MessagesSql from "../../src/postgres/sql/messages.ts"
import * as Names from "../../src/postgres/sql/names.ts"
import { freshSchema, open, postgres, publish, receive, register } from "./kit.ts"

const schema = freshSchema()

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })("a poll", (it) => {
  it.effect("reads past the backlog of a held key in one poll", () =>
    Effect.gen(function*() {
      const store = yield* Store.Store
      const sql = yield* SqlClient.SqlClient
      yield* register({ lanes: 1 })
      yield* publish(["head", "held"])
      const sub = yield* open("w", { lanes: 1 })
      const [head] = yield* receive(sub, 1)
      yield* sub.whileNotReading(head!, store.transact(sub.hold(head!, [], Hold.delayed(Duration.hours(1)))))
      yield* publish(...Array.from({ length: 20 }, (_, i) => [`h${i}`, "held"] as const), ["other", "free"])
      const [queue] = yield* sql<{ readonly id: number }>`select id from ${sql(`${schema}.consumers`)}`
      const { poll } = MessagesSql.make(Result.getOrThrow(Names.make(schema)))
      const fewRows = [queue!.id, [0], [0n], [5], [], "18446744073709551615", [], [], [], [], 5, 16_000_000n]
      const rows = yield* sql.unsafe<{ readonly part: number; readonly id: string | null }>(poll, fewRows)
      assert.deepStrictEqual(rows.filter(({ part }) => part > 0).map(({ id }) => id), ["other"])
    }))
})
