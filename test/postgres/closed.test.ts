/** A layer that is closed while it is still used: each caller gets an error, and nothing stays open. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Effect, Exit, Fiber, Layer, Redacted, Schema, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Errors, Inbox, Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { logging } from "../ops/collectors.ts"
import { eventually, freshSchema, postgres } from "./kit.ts"

const url = inject("databaseUrl")
const Notes = Topic.make("notes", { schema: Schema.String, id: (note) => note, key: (note) => note })

/** A layer that can be closed, and another one on its schema that lives on. */
const two = Effect.fnUntraced(function*(options: Partial<Postgres.PostgresOptions> = {}) {
  const schema = freshSchema()
  const other = yield* Layer.build(postgres(url, {}, schema))
  const scope = yield* Scope.make()
  const layer = Postgres.layer({ url: Redacted.make(url), schema, ...options })
  const here = yield* Layer.buildWithScope(layer, scope)
  const sql = Context.get(other, SqlClient.SqlClient)
  return { schema, here, other, sql, close: Scope.close(scope, Exit.void) }
})

describe("a layer that was closed", () => {
  it.live("fails publishers, readers and writers with a typed error, and interrupts none", () =>
    Effect.gen(function*() {
      const { close, here } = yield* two()
      yield* close
      const failures = yield* Effect.all([
        Effect.flip(Topic.publish(Notes, "n")),
        Effect.flip(Topic.publishAll(Notes, ["n", "m"])),
        Effect.flip(Inbox.await({ consumer: "c", id: "n" }))
      ]).pipe(Effect.provide(here))
      for (const failure of failures) {
        assert.instanceOf(failure, Errors.StoreFailure)
        assert.strictEqual(failure.kind, "refused")
        assert.match(failure.message, /its Postgres layer was closed/)
      }
      const sql = Context.get(here, SqlClient.SqlClient)
      assert.strictEqual((yield* Effect.flip(sql`select 1`))._tag, "SqlError")
      assert.strictEqual((yield* Effect.flip(sql.withTransaction(sql`select 1`)))._tag, "SqlError")
    }).pipe(Effect.scoped))

  it.live("tells who waits for a connection meanwhile", () =>
    Effect.gen(function*() {
      const { close, here } = yield* two({ maxConnections: 1 })
      const sql = Context.get(here, SqlClient.SqlClient)
      const held = Deferred.makeUnsafe<void>()
      const release = Deferred.makeUnsafe<void>()
      yield* Effect.forkScoped(Effect.scoped(
        Effect.andThen(sql.reserve, Effect.andThen(Deferred.succeed(held, undefined), Deferred.await(release)))
      ))
      yield* Deferred.await(held)
      const waiting = yield* Effect.forkChild(Effect.exit(Effect.provide(Topic.publish(Notes, "n"), here)), {
        startImmediately: true
      })
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      const exit = yield* Fiber.join(waiting)
      assert.isTrue(Exit.isFailure(exit) && exit.cause.reasons.some(({ _tag }) => _tag === "Fail"))
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(closing)
    }).pipe(Effect.scoped))

  it.live("ends the work of a worker that outlives it, which says so once and has given its lanes back", () => {
    const { layer, lines } = logging()
    return Effect.gen(function*() {
      const { close, here, other, schema, sql } = yield* two()
      const begun = Deferred.makeUnsafe<void>()
      const interrupted = Deferred.makeUnsafe<void>()
      const pipeline = Pipeline.from(Notes, { consumer: "c" }).pipe(
        Pipeline.tap(() =>
          Effect.onInterrupt(
            Effect.andThen(Deferred.succeed(begun, undefined), Effect.never),
            () => Deferred.succeed(interrupted, undefined)
          )
        )
      )
      const worker = yield* Effect.forkChild(Effect.flip(Effect.provide(Worker.run(pipeline), here)))
      const owned = sql`select from ${sql(schema)}.lanes where owner is not null`
      yield* eventually(Effect.map(Effect.orElseSucceed(owned, () => []), (rows) => rows.length > 0))
      yield* Effect.provide(Topic.publish(Notes, "n"), other)
      yield* Deferred.await(begun)
      lines.length = 0
      yield* close
      assert.lengthOf(yield* owned, 0)
      yield* Deferred.await(interrupted)
      const error = yield* Effect.timeout(Fiber.join(worker), "10 seconds")
      assert.instanceOf(error, Errors.TransportError)
      assert.strictEqual(error.kind, "permanent")
      assert.match(error.message, /its Postgres layer was closed/)
      const said = lines.filter(({ message }) => message.includes("closed"))
      assert.lengthOf(said, 1)
      assert.match(said[0]!.message, /the Postgres layer was closed under its worker.* 63 more were lost with it/)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})
