// A message of a topic that no consumer reads yet waits for one, unless an operator's setting deletes it.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { inject } from "vitest"
import { logging } from "../ops/collectors.ts"
import { Journal } from "../worker/support.ts"
import { note, Notes, notes, older, settings, sweeping, world } from "./retentionKit.ts"

const waiting = (schema: string) =>
  Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const rows = yield* sql<{ readonly id: string }>`select id from ${sql(schema)}.unrouted order by seq`
    return rows.map((row) => row.id)
  })

describe("messages of a topic without a consumer", () => {
  it.live("are kept at any age, and handled by the consumer that comes", () =>
    world((schema) =>
      Effect.gen(function*() {
        const sweep = yield* sweeping(schema)
        yield* Topic.publishAll(Notes, [note("a1", "a"), note("a2", "a")])
        yield* older(schema, "unrouted", "published_at", 3650)
        assert.strictEqual(yield* sweep, 0)
        assert.deepStrictEqual(yield* waiting(schema), ["a1", "a2"])
        const seen = new Journal<{ readonly id: string }>()
        yield* Worker.drain(Pipeline.from(Notes, { consumer: "late" }).pipe(Pipeline.tap(seen.write)))
        assert.deepStrictEqual(seen.values.map((one) => one.id), ["a1", "a2"])
      })
    ))

  it.live("are deleted after the time that an operator has set", () =>
    world((schema) =>
      Effect.gen(function*() {
        const week = 7 * 86_400_000
        const sweep = yield* sweeping(schema, inject("databaseUrl"), { ...settings, unrouted: week })
        yield* Topic.publish(Notes, note("old", "a"))
        yield* older(schema, "unrouted", "published_at", 8)
        yield* Topic.publish(Notes, note("new", "a"))
        assert.strictEqual(yield* sweep, 1)
        assert.deepStrictEqual(yield* waiting(schema), ["new"])
        yield* Worker.drain(notes)
      })
    ))

  it.live("have one warning by name for each topic, after the commit of the publish", () => {
    const { layer, lines } = logging()
    return world(() =>
      Effect.gen(function*() {
        const warned = () =>
          lines.map(({ message }) => message).filter((line) => line.startsWith("No consumer reads topic"))
        const sql = yield* SqlClient.SqlClient
        yield* Effect.ignore(
          sql.withTransaction(Effect.andThen(Topic.publish(Notes, note("undone", "a")), Effect.fail("undone" as const)))
        )
        assert.deepStrictEqual(warned(), [])
        yield* Topic.publishAll(Notes, [note("a1", "a"), note("a2", "a")])
        yield* Topic.publish(Notes, note("a3", "a"))
        assert.lengthOf(warned(), 1)
        assert.match(warned()[0]!, new RegExp(`^No consumer reads topic "${Notes.name}"\\. Its messages wait`))
        const Later = Topic.make("later-topic", { schema: Schema.String, id: "random" })
        yield* Topic.publish(Later, "x", { delay: "1 hour" })
        assert.lengthOf(warned(), 2)
        yield* Worker.drain(notes)
      })
    ).pipe(Effect.provide(layer))
  })
})
