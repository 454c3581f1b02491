/** The suspect of a crash loop is named, and an operator dead-letters it before its next crash. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Audit, Consumers, DeadLetters, Pipeline, Topic, Worker } from "millrace"
import { Operations } from "millrace/ops"
import { inject } from "vitest"
import { freshSchema, postgres } from "../postgres/kit.ts"
import { pglite } from "../setup/pglite.ts"

const by = { by: "anna", note: "INC-9" }
const quick = { idlePoll: "50 millis", lanes: 1 } as const
const schema = freshSchema()
const engines: ReadonlyArray<readonly [string, Layer.Layer<any, any>]> = [
  ["postgres", postgres(inject("databaseUrl"), {}, schema)],
  ["pglite", pglite({ schema })]
]

for (const [engine, services] of engines) {
  const ports = services as ReturnType<typeof pglite>
  layer(Operations.layer({ schema }).pipe(Layer.provideMerge(ports)), { excludeTestServices: true, timeout: 60_000 })(
    `suspects on ${engine}`,
    (it) => {
      for (const order of ["park", "continue"] as const) {
        it.effect(`are named, dead-lettered once, and redriven in their place or behind it: ${order}`, () =>
          Effect.gen(function*() {
            const ops = yield* Operations.Operations
            const sql = yield* SqlClient.SqlClient
            const consumer = `crashing-${order}`
            const Notes = Topic.make(consumer, {
              schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
              key: ({ key }) => key,
              id: ({ id }) => id
            })
            const handled: Array<string> = []
            const pipeline = Pipeline.from(Notes, { consumer }).pipe(
              Pipeline.tap(({ id }) => Effect.sync(() => handled.push(id))),
              Pipeline.deadLetter({ order })
            )
            yield* Worker.drain(pipeline, quick)
            const id = (n: string) => `${order}-${n}`
            yield* Topic.publishAll(Notes, ["a", "b", "c"].map((n) => ({ id: id(n), key: order })))
            // Two workers died: b was in flight both times, and a once.
            yield* sql`update ${sql(`${schema}.messages`)} set crash_count = case id when ${id("b")} then 2 else 1 end
              where id in ${sql.in([id("a"), id("b")])}`
            const suspects = yield* ops.suspects(consumer)
            assert.deepStrictEqual(suspects.map(({ crashCount, id, inEveryCrash }) => [id, crashCount, inEveryCrash]), [
              [id("b"), 2, true],
              [id("a"), 1, false]
            ])
            const deadLetterId = yield* ops.deadLetterMessage(consumer, { id: id("b"), key: order }, by)
            const again = yield* Effect.flip(ops.deadLetterMessage(consumer, { id: id("b"), key: order }, by))
            assert.strictEqual(again._tag, "MessageNotWaiting")
            const deadLetter = yield* DeadLetters.get(deadLetterId!)
            assert.deepInclude(deadLetter, {
              reason: "rejected",
              tag: "DeadLetteredByOperator",
              parked: order === "park"
            })
            yield* Worker.drain(pipeline, quick)
            assert.deepStrictEqual(handled, order === "park" ? [] : [id("a"), id("c")])
            yield* DeadLetters.redrive(deadLetterId!, by)
            yield* Worker.drain(pipeline, quick)
            assert.deepStrictEqual(handled, (order === "park" ? ["a", "b", "c"] : ["a", "c", "b"]).map(id))
            const [entry] = yield* Audit.list({ consumer, action: "deadLettered" })
            assert.deepInclude(entry, { by: "anna", note: "INC-9", key: order })
            assert.include(entry!.detail, deadLetterId!)
            assert.lengthOf(yield* Consumers.heldKeys(consumer), 0)
            assert.lengthOf(yield* ops.suspects(consumer), 0)
          }))
      }
    }
  )
}
