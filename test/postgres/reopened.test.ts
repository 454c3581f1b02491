/**
 * Workers beside one another, and a subscription that is lost beside a layer that closes.
 */
import { assert, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Redacted, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { eventually, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")
const Notes = Topic.make("notes", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const named = Pipeline.from(Notes, { consumer: "c" })

const logged = () => {
  const lines: Array<string> = []
  return { lines, logger: Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))]) }
}

it.live("two different pipelines of one name that start together are warned of", () => {
  const { lines, logger } = logged()
  return Effect.gen(function*() {
    const one = yield* Effect.forkChild(Worker.run(named.pipe(Pipeline.map(({ id }) => id)), { grace: 0 }))
    const two = yield* Effect.forkChild(Worker.run(named.pipe(Pipeline.map(({ id }) => `${id}!`)), { grace: 0 }))
    yield* eventually(Effect.map(Consumers.list, (all) => all[0]?.workers === 2))
    assert.lengthOf(lines.filter((line) => line.includes("Two different pipelines")), 1)
    yield* Fiber.interruptAll([one, two])
  }).pipe(Effect.provide(postgres(url)), Effect.provide(logger), Effect.scoped)
})

it.live("a layer that closes while the server's life ends ends its worker", () =>
  Effect.gen(function*() {
    const schema = freshSchema()
    const scope = yield* Scope.make()
    const context = yield* Scope.provide(Layer.build(Postgres.layer({ url: Redacted.make(url), schema })), scope)
    yield* Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const worker = yield* Effect.forkDetach(
        Effect.provide(Worker.run(named.pipe(Pipeline.map(({ id }) => id)), { grace: 0 }), context)
      )
      yield* eventually(
        Effect.map(Effect.provide(Consumers.list, context), (all) => all[0]?.workers === 1)
      )
      yield* sql.unsafe(`delete from "${schema}".server_life`)
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Effect.timeout(Fiber.await(worker), "10 seconds")
      assert.strictEqual(exit._tag, "Failure")
      if (exit._tag === "Failure") assert.include(Cause.pretty(exit.cause), "layer was closed")
    }).pipe(Effect.provide(postgres(url, {}, schema)))
  }).pipe(Effect.scoped, Effect.timeout("30 seconds")))
