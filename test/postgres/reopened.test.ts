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
  }).pipe(Effect.provide([postgres(url), logger]), Effect.scoped)
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

it.live("a role that cannot begin a life of the server is warned of before there is need, with what to grant", () => {
  const { lines, logger } = logged()
  const [schema, role] = [freshSchema(), freshSchema()]
  const others = new URL(url)
  others.username = role
  others.password = "x"
  const table = `"${schema}"."server_life"`
  const warned = () => lines.filter((line) => line.includes("will stop after the next crash"))
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const pipeline = named.pipe(Pipeline.map(({ id }) => id))
    yield* Worker.drain(pipeline)
    assert.deepStrictEqual(warned(), [])
    yield* sql.unsafe(`create role ${role} login password 'x'`)
    yield* Effect.addFinalizer(() => Effect.ignore(sql.unsafe(`drop owned by ${role}; drop role ${role}`)))
    yield* sql.unsafe(`grant usage on schema "${schema}" to ${role}`)
    yield* sql.unsafe(`grant select, insert, update, delete on all tables in schema "${schema}" to ${role}`)
    yield* sql.unsafe(`grant usage, select on all sequences in schema "${schema}" to ${role}`)
    const through = Postgres.layer({ url: Redacted.make(others.href), schema, migrate: "check" })
    yield* Effect.provide(Worker.drain(pipeline), through)
    assert.lengthOf(warned(), 1)
    assert.include(warned()[0], `insert and update on ${table}, and update on sequence "${schema}"."dead_letter_seq"`)
    yield* sql.unsafe(`grant update on all sequences in schema "${schema}" to ${role}`)
    yield* Effect.provide(Worker.drain(pipeline), through)
    yield* sql.unsafe(`delete from ${table}`)
    yield* Effect.provide(Worker.drain(pipeline), through)
    assert.lengthOf(warned(), 1)
  }).pipe(Effect.scoped, Effect.provide([postgres(url, {}, schema), logger]))
})
