/** The history of a failure group: deaths, new versions and redrives. Also filters of several groups. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { DeadLetters } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { writeDead, writeMany } from "./deadRows.ts"

const schema = freshSchema()
const minute = 60_000

layer(
  Operations.layer({ schema }).pipe(
    Layer.provideMerge(postgres(inject("databaseUrl"), { retention: false }, schema))
  ),
  { excludeTestServices: true, timeout: 60_000 }
)("a failure group", (it) => {
  it.effect("has its deaths by time, each new version, and who redrove what", () =>
    Effect.gen(function*() {
      const { failureHistory, failures } = yield* Operations.Operations
      yield* writeDead(schema, "told", [
        { id: "a" },
        { id: "b" },
        { id: "c", version: "1.4.3" },
        { id: "old" },
        { id: "other" }
      ])
      const sql = yield* SqlClient.SqlClient
      const died = (id: string, minutes: number) =>
        sql`update ${sql(`${schema}.dead_letters`)} set died_at = now() - ${minutes}::int * interval '1 minute'
          where message_id = ${`told-${id}`}`
      yield* died("a", 61)
      yield* died("b", 61)
      yield* died("c", 1)
      yield* died("old", 300)
      yield* sql`update ${sql(`${schema}.dead_letters`)} set fingerprint = 'other' where message_id = 'told-other'`
      const [open] = yield* DeadLetters.list({ consumer: "told", id: "told-a" })
      yield* DeadLetters.redrive(open!.id, { by: "anna", note: "try one" })
      const { more, points, redrives, versions } = yield* failureHistory("told", "Declined@steps")
      assert.deepStrictEqual([points.map(({ dead }) => dead), more], [[2, 1], false])
      assert.isAtLeast(points[1]!.at - points[0]!.at, 59 * minute)
      assert.deepStrictEqual(versions.map(({ version }) => version), ["1.4.2", "1.4.3"])
      assert.deepStrictEqual(redrives.map(({ at: _at, ...rest }) => rest), [
        { by: "anna", note: "try one", redriveRunId: "", deadLetters: 1 }
      ])
      const whole = yield* failureHistory("told", "Declined@steps", { since: Date.now() - 400 * minute, seconds: 600 })
      assert.strictEqual(whole.points.reduce((sum, { dead }) => sum + dead, 0), 4)
      // The groups show open dead letters of the last 3 hours: one is back in the queue, and one is older.
      const group = (yield* failures({ consumer: "told", fingerprint: "Declined@steps" }))[0]!
      assert.deepStrictEqual([group.recent.length, group.recent[36 - 13], group.recent[35]], [36, 1, 1])
      assert.strictEqual(group.recent.reduce((sum, n) => sum + n, 0), 2)
    }))

  it.effect("of 30,000 dead letters is counted up to the newest ones, and says that there are more", () =>
    Effect.gen(function*() {
      const { failureHistory, failures } = yield* Operations.Operations
      yield* writeMany(schema, "full", 30_000)
      const { more, points } = yield* failureHistory("full", "f")
      assert.deepStrictEqual([more, points.reduce((sum, { dead }) => sum + dead, 0)], [true, 10_000])
      assert.strictEqual((yield* failures({ consumer: "full" }))[0]!.recent[35], 1_000)
    }))

  it.effect("is one of several of a set, and a dead letter of none of them stays out", () =>
    Effect.gen(function*() {
      yield* writeDead(schema, "set", [{ id: "a" }, { id: "b" }, { id: "c" }])
      const sql = yield* SqlClient.SqlClient
      for (const id of ["b", "c"]) {
        yield* sql`update ${sql(`${schema}.dead_letters`)} set fingerprint = ${id} where message_id = ${`set-${id}`}`
      }
      const { previewRedrive } = yield* Operations.Operations
      const filter = { consumer: "set", fingerprint: ["Declined@steps", "b"] }
      const preview = yield* previewRedrive(filter)
      assert.strictEqual(preview.deadLetters.value, 2)
      assert.deepStrictEqual((yield* DeadLetters.groups(filter)).map(({ fingerprint }) => fingerprint).toSorted(), [
        "Declined@steps",
        "b"
      ])
      yield* DeadLetters.discardAll(preview.set, { by: "anna" })
      const left = yield* DeadLetters.list({ consumer: "set", state: "open" })
      assert.deepStrictEqual(left.map(({ message }) => message.id), ["set-c"])
    }))
})
