/** A role with the grants that the README names runs everything with `migrate: "check"`. */
import { assert, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Inbox, Lease, Pipeline, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { randomBytes } from "node:crypto"
import { inject } from "vitest"
import { read } from "../scripts/source.ts"

const url = inject("databaseUrl")

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  key: ({ key }) => key,
  id: ({ id }) => id
})
const Copies = Topic.make("copies", { schema: Schema.String, id: "random" })

const pipeline = Pipeline.from(Notes, { consumer: "reader" }).pipe(
  Pipeline.tap(({ id }) => id === "bad" ? Effect.fail({ retryable: false }) : Effect.void),
  Pipeline.emit(Copies, ({ id }) => id),
  Pipeline.deadLetter({ order: "park" })
)

/** The statements of the README, for another schema and role. */
const grants = (schema: string, role: string): ReadonlyArray<string> => {
  const [, text = ""] = /^```sql\n(grant usage on schema millrace [\s\S]*?)```$/m.exec(read("README.md")) ?? []
  return text.split(";").map((statement) =>
    statement.trim().replaceAll(/\bmillrace\b/g, schema).replace(/\bapp$/, role)
  ).filter((statement) => statement !== "")
}

/** One use of each part of the library. */
const everything = Effect.gen(function*() {
  const by = { by: "the test" }
  yield* Topic.publishAll(Notes, [{ id: "good", key: "a" }, { id: "bad", key: "b" }])
  yield* Topic.publish(Notes, { id: "later", key: "a" }, { delay: "1 hour", name: "later" })
  yield* Topic.publish(Notes, { id: "due", key: "a" }, { delay: "1 milli" })
  assert.isTrue(yield* Topic.cancel(Notes, { key: "a", name: "later" }))
  yield* Worker.drain(pipeline)
  const [deadLetter] = yield* DeadLetters.list({ consumer: "reader" })
  yield* DeadLetters.redrive(deadLetter!.id, by)
  yield* Worker.drain(pipeline)
  yield* DeadLetters.discard(deadLetter!.id, by)
  yield* Consumers.pause("reader", by)
  yield* Consumers.resume("reader", by)
  assert.strictEqual(
    yield* Inbox.once({ consumer: "caller", id: "1" }, Effect.succeed(5), { result: Schema.Int }),
    5
  )
  yield* Lease.use("leader", (lease) => Lease.fenced(lease, Effect.void))
  yield* Consumers.remove("reader", { ...by, force: { messages: true, workers: true } })
  assert.notInclude((yield* Consumers.list).map(({ consumer }) => consumer), "reader")
})

it.live("a role with the grants of the README can do everything but migrate", () => {
  const schema = `test_${randomBytes(5).toString("hex")}`
  const role = `${schema}_role`
  const limited = new URL(url)
  limited.username = role
  limited.password = "x"
  return Effect.gen(function*() {
    const sql = yield* SqlClient.SqlClient
    yield* sql.unsafe(`create role ${role} login password 'x'`)
    yield* Effect.addFinalizer(() =>
      Effect.ignore(sql.unsafe(`drop schema ${schema} cascade; drop owned by ${role}; drop role ${role}`))
    )
    const statements = grants(schema, role)
    assert.lengthOf(statements, 3)
    for (const statement of statements) yield* sql.unsafe(statement)
    const through = Postgres.layer({ url: Redacted.make(limited.href), schema, migrate: "check" })
    yield* Effect.provide(everything, through)
  }).pipe(Effect.scoped, Effect.provide(Postgres.layer({ url: Redacted.make(url), schema })))
})
