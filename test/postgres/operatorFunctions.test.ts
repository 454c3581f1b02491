/**
 * The functions for operators with psql do what `DeadLetters` and `Consumers` do, for a role without other rights.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, it, layer } from "@effect/vitest"
import { Duration, Effect, Fiber, type Layer, Redacted, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { Audit, Consumers, DeadLetters, Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { pglite } from "../setup/pglite.ts"
import { asleep, eventually, freshSchema, open, postgres, publish, receive, register } from "./kit.ts"

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  key: ({ key }) => key,
  id: ({ id }) => id
})

/** A pipeline that fails for messages with this beginning, and parks their keys. */
const reader = (consumer: string, fails: string) =>
  Pipeline.from(Notes, { consumer }).pipe(
    Pipeline.tap(({ id }) => id.startsWith(fails) ? Effect.fail({ retryable: false }) : Effect.void),
    Pipeline.deadLetter({ order: "park" })
  )

const schema = freshSchema()
const call = (action: string, ...args: ReadonlyArray<unknown>) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql.unsafe(`select "${schema}".${action}(${args.map((_, i) => `$${i + 1}`).join(", ")})`, args)
  )
const refusal = (error: SqlError.SqlError) => {
  const { code, hint, message } = error.reason.cause as { code: string; hint: string; message: string }
  return { code, hint, message }
}

const dead = Effect.fnUntraced(function*(consumer: string) {
  yield* Worker.drain(reader(consumer, "bad"))
  yield* Topic.publishAll(Notes, ["bad", "after"].map((id) => ({ id: `${id}-${consumer}`, key: consumer })))
  yield* Worker.drain(reader(consumer, "bad"))
  const [deadLetter] = yield* DeadLetters.list({ consumer, state: "open" })
  return deadLetter!
})

const engines: ReadonlyArray<readonly [string, Layer.Layer<any, any>]> = [
  ["postgres", postgres(inject("databaseUrl"), {}, schema)],
  ["pglite", pglite({ schema })]
]

for (const [engine, services] of engines) {
  layer(services as ReturnType<typeof pglite>, { excludeTestServices: true, timeout: 60_000 })(
    `SQL functions for operators on ${engine}`,
    (it) => {
      it.effect("redrive a dead letter in its place, audited, once", () =>
        Effect.gen(function*() {
          const deadLetter = yield* dead("redrives")
          yield* call("redrive", BigInt(deadLetter.id), "anna", "INC-812")
          const again = refusal(yield* Effect.flip(call("redrive", BigInt(deadLetter.id), "ben")))
          assert.strictEqual(again.code, "MR003")
          assert.match(
            again.message,
            /^Dead letter \d+ cannot be redriven: it is redriving, by anna at 2\d\d\d-.*Z\. Nothing was changed\.$/
          )
          const [entry] = yield* Audit.list({ deadLetterId: deadLetter.id })
          assert.deepStrictEqual([entry!.action, entry!.by, entry!.note], ["redriven", "anna", "INC-812"])
          const seen: Array<string> = []
          yield* Worker.drain(
            Pipeline.from(Notes, { consumer: "redrives" }).pipe(
              Pipeline.tap(({ id }) => Effect.sync(() => seen.push(id))),
              Pipeline.deadLetter({ order: "park" })
            )
          )
          assert.deepStrictEqual(seen, ["bad-redrives", "after-redrives"])
          assert.strictEqual((yield* DeadLetters.get(deadLetter.id)).state, "resolved")
        }))

      it.effect("release the key of a dead letter that stays open", () =>
        Effect.gen(function*() {
          const deadLetter = yield* dead("releases")
          yield* call("release", BigInt(deadLetter.id), "anna")
          yield* Worker.drain(reader("releases", "bad"))
          assert.deepStrictEqual(yield* Consumers.heldKeys("releases"), [])
          assert.strictEqual((yield* Consumers.get("releases")).waiting.count, 0)
          const again = refusal(yield* Effect.flip(call("release", BigInt(deadLetter.id), "anna")))
          assert.match(again.message, /cannot be released: it is not parked, by anna at/)
        }))

      it.effect("pause and resume a consumer, with the name of the session's role by default", () =>
        Effect.gen(function*() {
          yield* Worker.drain(reader("pauses", "bad"))
          yield* call("pause", "pauses")
          const { paused } = yield* Consumers.get("pauses")
          const [role] = yield* Effect.flatMap(
            SqlClient.SqlClient,
            (sql) => sql<{ me: string }>`select session_user as me`
          )
          assert.strictEqual(paused?.by, role!.me)
          const twice = refusal(yield* Effect.flip(call("pause", "pauses", "ben")))
          assert.strictEqual(twice.code, "MR003")
          assert.match(
            twice.message,
            /^Consumer 'pauses' cannot be paused: it is paused, by .* at .*Z\. Nothing was changed\.$/
          )
          yield* call("resume", "pauses", "ben", "done")
          assert.isUndefined((yield* Consumers.get("pauses")).paused)
          assert.match(refusal(yield* Effect.flip(call("resume", "pauses"))).message, /it is not paused\. Nothing/)
          const entries = yield* Audit.list({ consumer: "pauses" })
          assert.deepStrictEqual(entries.map(({ action, note }) => [action, note]), [["resumed", "done"], [
            "paused",
            ""
          ]])
        }))

      it.effect("pause a consumer for a time, and refuse a time that makes no sense", () =>
        Effect.gen(function*() {
          yield* Worker.drain(reader("pausesFor", "bad"))
          const sql = yield* SqlClient.SqlClient
          const pause = (duration: string) =>
            sql.unsafe(`select ${schema}.pause('pausesFor', 'anna', duration => interval '${duration}')`)
          for (const bad of ["0", "-1 hour", "367 days"]) {
            const refused = refusal(yield* Effect.flip(pause(bad)))
            assert.deepStrictEqual([refused.code, /its duration is not above zero/.test(refused.message)], [
              "MR005",
              true
            ])
          }
          yield* pause("2 hours")
          const { paused } = yield* Consumers.get("pausesFor")
          assert.strictEqual(paused!.until! - paused!.at, 7_200_000)
          yield* call("resume", "pausesFor", "anna")
        }))

      it.effect("refuse what does not exist, and an action without a usable name or note", () =>
        Effect.gen(function*() {
          const codes = yield* Effect.forEach([
            call("redrive", 1_000_000_000_000n),
            call("pause", "unknown"),
            call("resume", "redrives", "  "),
            call("resume", "redrives", "\t\n"),
            call("pause", "redrives", "x".repeat(513)),
            call("pause", "redrives", "anna", "x".repeat(4097))
          ], (act) => Effect.map(Effect.flip(act), (error) => refusal(error).code))
          assert.deepStrictEqual(codes, ["MR004", "MR004", "MR005", "MR005", "MR005", "MR005"])
        }))
    }
  )
}

it.live("a resume from psql wakes a worker that waits", () => {
  const own = freshSchema()
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    const act = (name: string) => sql.unsafe(`select ${own}.${name}('c')`)
    yield* register()
    yield* publish(["m"])
    yield* act("pause")
    const sub = yield* open("sleeper", { idlePoll: Duration.seconds(20), lease: Duration.minutes(5) })
    const taking = yield* Effect.forkChild(receive(sub, 1))
    yield* eventually(Effect.map(
      sql.unsafe(`select from ${own}.consumers where waiting_until > clock_timestamp()`),
      (rows) => rows.length > 0
    ))
    yield* asleep(own)
    assert.isTrue(sub.paused())
    const [time] = yield* Effect.timed(Effect.andThen(act("resume"), Fiber.join(taking)))
    assert.isBelow(Duration.toMillis(time), 3_000)
  }).pipe(Effect.scoped, Effect.provide(postgres(inject("databaseUrl"), {}, own)))
})

it.live("a role with execute on the functions and select on the views needs no right on a table", () => {
  const own = freshSchema()
  const role = `${own}_operator`
  const address = new URL(inject("databaseUrl"))
  address.username = role
  address.password = "x"
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe(`create role ${role} login password 'x'`)
    yield* Effect.addFinalizer(() =>
      Effect.ignore(sql.unsafe(`drop schema ${own} cascade; drop owned by ${role}; drop role ${role}`))
    )
    yield* sql.unsafe(`grant usage on schema ${own} to ${role}`)
    yield* Worker.drain(reader("granted", "bad"))
    const run = (statement: string) =>
      Effect.provide(
        Effect.flatMap(SqlClient.SqlClient, (theirs) => theirs.unsafe(statement)),
        PgClient.layer({ url: Redacted.make(address.href), maxConnections: 1 })
      )
    const denied = refusal(yield* Effect.flip(run(`select ${own}.pause('granted')`)))
    assert.strictEqual(denied.code, "42501")
    yield* sql.unsafe(
      `grant execute on function ${own}.redrive, ${own}.release, ${own}.pause, ${own}.resume to ${role}`
    )
    yield* sql.unsafe(
      `grant select on ${own}.v_consumers, ${own}.v_stuck_keys, ${own}.v_failures, ${own}.v_unrouted to ${role}`
    )
    yield* run(`select ${own}.pause('granted', note => 'looking')`)
    const rows = yield* run(`select consumer, paused_by from ${own}.v_consumers`)
    assert.deepStrictEqual(rows, [{ consumer: "granted", paused_by: role }])
    for (const view of ["v_stuck_keys", "v_failures", "v_unrouted"]) yield* run(`select * from ${own}.${view}`)
    const table = refusal(yield* Effect.flip(run(`select * from ${own}.dead_letters`)))
    assert.strictEqual(table.code, "42501")
    yield* eventually(Effect.map(Consumers.get("granted"), ({ paused }) => paused?.note === "looking"))
  }).pipe(Effect.scoped, Effect.provide(Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema: own })))
})
