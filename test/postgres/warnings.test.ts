/**
 * The warnings of a worker, each with its remedy: a step that waits in its transaction, effects beside the
 * transaction, a blocked event loop. A takeover has a line, too.
 */
import { assert, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Redacted, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { freshSchema } from "./kit.ts"

const Notes = Topic.make("notes", { schema: Schema.Struct({ n: Schema.Int }), id: (note) => String(note.n) })

const publish = (...ns: ReadonlyArray<number>) => Topic.publishAll(Notes, ns.map((n) => ({ n })))

/** Runs on a schema of its own, and gives what was logged. */
const logged = <E>(
  test: (
    lines: ReadonlyArray<string>,
    schema: string
  ) => Effect.Effect<unknown, E, Layer.Success<typeof Postgres.layerConfig>>
) => {
  const lines: Array<string> = []
  const schema = freshSchema()
  const logger = Logger.make((options) => {
    lines.push(String(options.message))
  })
  return test(lines, schema).pipe(
    Effect.provide(Layer.merge(
      Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema }),
      Logger.layer([logger])
    ))
  )
}

it.live("names a commit step that waits inside of its transaction, once a minute", () =>
  logged((lines) =>
    Effect.gen(function*() {
      const waiting = Pipeline.from(Notes, { consumer: "waiting" }).pipe(
        Pipeline.commit(() =>
          Effect.andThen(Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1`), Effect.sleep(1050))
        )
      )
      yield* Worker.drain(waiting)
      yield* publish(1, 2)
      yield* Worker.drain(waiting)
      const found = lines.filter((line) => line.includes("inside of the transaction"))
      assert.lengthOf(found, 1)
      assert.include(found[0], "move waiting and network calls into mapEffect")
    })
  ))

it.live("names commit steps that ran no statement on the transaction's connection", () =>
  logged((lines) =>
    Effect.gen(function*() {
      const beside = Pipeline.from(Notes, { consumer: "beside" }).pipe(Pipeline.commit(() => Effect.void))
      const within = Pipeline.from(Notes, { consumer: "within" }).pipe(Pipeline.commitSql((_, sql) => sql`select 1`))
      yield* Worker.drain(beside)
      yield* Worker.drain(within)
      yield* publish(1)
      yield* Worker.drain(within)
      assert.isFalse(lines.some((line) => line.includes("no statement")))
      yield* Worker.drain(beside)
      assert.isTrue(lines.some((line) => line.includes("no statement") && line.includes("\"beside\"")))
    })
  ))

it.live("names an event loop that was blocked for a third of the lease, and for how long", () =>
  logged((lines) =>
    Effect.gen(function*() {
      const blocking = Pipeline.from(Notes, { consumer: "blocking" }).pipe(
        Pipeline.map((note) => {
          const end = performance.now() + 700
          while (performance.now() < end);
          return note
        })
      )
      const worker = yield* Effect.forkChild(Worker.run(blocking, { lease: "1500 millis" }))
      yield* publish(1)
      yield* Effect.repeat(Effect.sync(() => lines.some((line) => line.includes("event loop was blocked"))), {
        until: (found) => found,
        schedule: Schedule.spaced("20 millis")
      }).pipe(Effect.timeout("20 seconds"))
      yield* Fiber.interrupt(worker)
      assert.match(
        lines.find((line) => line.includes("event loop was blocked"))!,
        /blocked for \d{3,4} ms; leases of 1500 ms/
      )
    })
  ))

it.live("says with one line that a worker took over the lanes of expired leases, and how many", () =>
  logged((lines, schema) =>
    Effect.gen(function*() {
      const reader = Pipeline.from(Notes, { consumer: "reader" })
      const takeovers = () => lines.filter((line) => line.includes("took over"))
      const sql = yield* SqlClient.SqlClient
      yield* Worker.drain(reader)
      yield* Worker.drain(reader)
      assert.deepStrictEqual(takeovers(), [])
      yield* sql`update ${sql(`${schema}.lanes`)} set owner = 'dead', lease_until = '-infinity',
        life = (select id from ${sql(`${schema}.server_life`)}) where lane < 20`
      yield* Worker.drain(reader)
      assert.lengthOf(takeovers(), 1)
      assert.match(
        takeovers()[0]!,
        /^Worker .* took over 20 of 64 lanes\. Their leases had expired, since .* No message is lost\.$/
      )
    })
  ))
