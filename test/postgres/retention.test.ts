/**
 * Retention: which rows are deleted, and which never are.
 */
import { assert, it } from "@effect/vitest"
import { Duration, Effect, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { Consumers, DeadLetters, Errors, Inbox, Memory, Pipeline, Store, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { freshSchema, idsOf, open, receive, register } from "./kit.ts"
import { ids, note, Notes, notes, older, sweeping, world } from "./retentionKit.ts"

const url = Redacted.make(inject("databaseUrl"))

it.live("forgets ids that are older than the deduplication window, and no younger one", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      yield* Topic.publishAll(Notes, [note("a1", "a"), note("a2", "a")])
      yield* Worker.drain(notes)
      yield* older(schema, "inbox", "at", 8)
      yield* Topic.publish(Notes, note("b1", "b"))
      yield* Worker.drain(notes)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["b1"])
    })
  ))

it.live("forgets the ids of a consumer that was removed, which has left them, and those of others at their time", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const [first, last] = ["first", "last"].map((consumer) => Pipeline.from(Notes, { consumer }))
      for (const one of [first!, notes, last!]) yield* Worker.drain(one)
      yield* Topic.publish(Notes, note("a1", "a"))
      for (const one of [first!, notes, last!]) yield* Worker.drain(one)
      yield* Consumers.remove("notes", { by: "anna" })
      assert.deepStrictEqual(yield* ids(schema), ["a1", "a1", "a1"])
      const sql = yield* SqlClient.SqlClient
      yield* older(schema, "inbox", "at", 8)
      yield* sql`update ${sql(schema)}.inbox set at = now() where queue_id = (
        select id from ${sql(schema)}.consumers where name = 'first')`
      assert.strictEqual(yield* sweep, 2)
      const left = yield* sql`select c.name from ${sql(schema)}.inbox i join ${
        sql(schema)
      }.consumers c on c.id = i.queue_id`
      assert.deepStrictEqual(left, [{ name: "first" }])
    })
  ))

it.live("remembers an id while a message waits that was published within its deduplication window", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      yield* Topic.publish(Notes, note("a1", "a"))
      yield* Worker.drain(notes)
      // Its key is parked, and the same message is sent again: it waits behind the broken one.
      yield* Topic.publishAll(Notes, [note("broken", "a", true), note("a1", "a")])
      yield* Worker.drain(notes)
      // Months pass.
      yield* older(schema, "inbox", "at", 80)
      yield* older(schema, "messages", "published_at", 80)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["a1", "broken"])
    })
  ))

it.live("remembers an id while a delayed message waits under it", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      yield* Topic.publishAll(Notes, [note("a1", "a"), note("b1", "b")])
      yield* Worker.drain(notes)
      yield* Topic.publish(Notes, note("a1", "a"), { delay: "300 days", name: "again" })
      yield* older(schema, "inbox", "at", 80)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["a1"])
      assert.isTrue(yield* Topic.cancel(Notes, { key: "a", name: "again" }))
      yield* older(schema, "inbox", "at", 8)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), [])
    })
  ))

it.live("remembers an id while a message waits under it that no consumer reads", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      yield* Topic.publishAll(Notes, [note("a1", "a"), note("b1", "b")])
      yield* Worker.drain(notes)
      yield* Consumers.unsubscribe("notes", "notes", { by: "anna" })
      yield* Topic.publish(Notes, note("a1", "a"))
      yield* older(schema, "inbox", "at", 80)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["a1"])
      // The consumer reads it again, and knows it.
      yield* Worker.drain(notes)
      yield* older(schema, "inbox", "at", 8)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), [])
    })
  ))

const Others = Topic.make("others", { schema: Schema.String, id: (other) => other })

/** A consumer of two topics, and its subscription: nothing is handled unless it is taken. */
const holding = Effect.fnUntraced(function*() {
  const both = { consumer: "notes", topics: ["notes", "others"], lanes: 1 }
  yield* register(both)
  return { both, sub: yield* open("worker", both) }
})

it.live("remembers an id while a message waits under it behind newer ones, after its topic was taken over", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const store = yield* Store.Store
      const { both, sub } = yield* holding()
      yield* store.transact(store.inbox.claim("notes", [{ id: "a1", fingerprint: "" }, { id: "b1", fingerprint: "" }]))
      yield* Consumers.unsubscribe("notes", "notes", { by: "anna" })
      yield* Topic.publish(Notes, note("a1", "a"))
      yield* older(schema, "unrouted", "published_at", 80)
      yield* older(schema, "inbox", "at", 80)
      yield* Topic.publish(Others, "newer")
      yield* register(both)
      assert.deepStrictEqual(idsOf(yield* receive(sub, 2)), ["newer", "a1"])
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["a1"])
    })
  ))

it.live("remembers an id while a message waits under it that was delayed and is due", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const store = yield* Store.Store
      const { sub } = yield* holding()
      yield* store.transact(store.inbox.claim("notes", [{ id: "a1", fingerprint: "" }, { id: "b1", fingerprint: "" }]))
      yield* Topic.publish(Notes, note("a1", "a"), { delay: "300 days" })
      yield* older(schema, "delayed", "due_at", 300)
      yield* older(schema, "inbox", "at", 300)
      assert.deepStrictEqual(idsOf(yield* receive(sub, 1)), ["a1"])
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["a1"])
    })
  ))

it.live("forgets the result of a caller without a pipeline together with its id, and no younger one", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const ask = (id: string, n: number) =>
        Inbox.once({ consumer: "api", id }, Effect.succeed(n), { result: Schema.Int })
      yield* ask("old", 1)
      yield* older(schema, "inbox", "at", 8)
      yield* ask("young", 1)
      yield* sweep
      assert.deepStrictEqual([yield* ask("old", 2), yield* ask("young", 2)], [2, 1])
    })
  ))

it.live("never forgets the id of an open dead letter, and forgets dead letters that are over with their ids", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      yield* Topic.publishAll(Notes, [note("open", "a", true), note("given up", "b", true)])
      yield* Worker.drain(notes)
      const deadLetters = yield* DeadLetters.list({ consumer: "notes" })
      const letterOf = (id: string) => deadLetters.find((deadLetter) => deadLetter.message.id === id)!.id
      yield* DeadLetters.discard(letterOf("given up"), { by: "anna" })
      yield* older(schema, "inbox", "at", 40)
      yield* older(schema, "dead_letters", "changed_at", 40)
      yield* older(schema, "dead_letters", "died_at", 40)
      yield* older(schema, "audit", "at", 40)
      yield* sweep
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["open"])
      assert.deepStrictEqual((yield* DeadLetters.list({})).map((deadLetter) => deadLetter.message.id), ["open"])
      const sql = yield* SqlClient.SqlClient
      assert.lengthOf(yield* sql`select from ${sql(schema)}.audit`, 0)
    })
  ))

/** A consumer that does something once a message, and how many times it has. */
const effects = Effect.fnUntraced(function*(schema: string) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`create table ${sql(schema)}.effects (id text not null)`
  const acting = Pipeline.from(Notes, { consumer: "acting" }).pipe(
    Pipeline.tap((one) => one.bad ? Effect.fail({ _tag: "Bad", retryable: false }) : Effect.void),
    Pipeline.commitSql((one, sql) => sql`insert into ${sql(schema)}.effects (id) values (${one.id})`)
  )
  yield* Worker.drain(acting)
  const sent = Effect.fnUntraced(function*(...sent: ReadonlyArray<ReturnType<typeof note>>) {
    for (const one of sent) {
      yield* Topic.publish(Notes, one)
      yield* Worker.drain(acting)
    }
  })
  const count = Effect.map(sql`select from ${sql(schema)}.effects`, (rows) => rows.length)
  return { acting, sent, count, deadLetters: DeadLetters.list({ consumer: "acting" }) }
})

it.live("never forgets the id of an open dead letter of another message under it, so that its redrive has no effect", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const { acting, count, deadLetters, sent } = yield* effects(schema)
      yield* sent(note("x", "a"), note("x", "b"), note("y", "a"))
      const [deadLetter] = yield* deadLetters
      yield* older(schema, "inbox", "at", 8)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), ["x"])
      yield* DeadLetters.redrive(deadLetter!.id, { by: "anna" })
      // It is being redriven.
      yield* older(schema, "inbox", "at", 8)
      yield* older(schema, "messages", "published_at", 8)
      yield* sweep
      yield* Worker.drain(acting)
      assert.strictEqual((yield* DeadLetters.get(deadLetter!.id)).state, "open")
      assert.strictEqual(yield* count, 2)
    })
  ))

it.live("remembers a dead id while a dead letter of another message under it is open, though its own is gone", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const { acting, count, deadLetters, sent } = yield* effects(schema)
      yield* sent(note("x", "a", true), note("x", "b"))
      const [second, first] = yield* deadLetters
      yield* DeadLetters.discard(first!.id, { by: "anna" })
      yield* older(schema, "inbox", "at", 40)
      yield* older(schema, "dead_letters", "changed_at", 40)
      yield* sweep
      yield* sweep
      assert.deepStrictEqual((yield* deadLetters).map(({ id }) => id), [second!.id])
      assert.deepStrictEqual(yield* ids(schema), ["x"])
      yield* DeadLetters.redrive(second!.id, { by: "anna" })
      yield* Worker.drain(acting)
      assert.strictEqual((yield* DeadLetters.get(second!.id)).state, "open")
      assert.strictEqual(yield* count, 0)
    })
  ))

it.live("does not forget the id of a dead letter that is being restored", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      const { deadLetters, sent } = yield* effects(schema)
      yield* sent(note("x", "a", true))
      const [deadLetter] = yield* deadLetters
      yield* DeadLetters.discard(deadLetter!.id, { by: "anna" })
      yield* older(schema, "inbox", "at", 8)
      const sql = yield* SqlClient.SqlClient
      // To this sweep the dead letter is discarded.
      yield* sql.withTransaction(Effect.andThen(DeadLetters.restore(deadLetter!.id, { by: "anna" }), sweep))
      assert.deepStrictEqual(yield* ids(schema), ["x"])
    })
  ))

it.live("refuses a deduplication window that is shorter than a message can come again", () =>
  Effect.gen(function*() {
    const error = yield* Effect.flip(Worker.drain(notes)).pipe(
      Effect.provide(Postgres.layer({ url, schema: freshSchema(), retention: { inbox: "1 minute" } }))
    )
    assert.instanceOf(error, Errors.InvalidSetting)
    assert.include(error.message, "retention.inbox")
  }))

it.live("refuses a retention that makes no sense, by the setting's name", () =>
  Effect.gen(function*() {
    const layer = Postgres.layer({ url, schema: freshSchema(), retention: { audit: "soon" as "1 day" } })
    const error = yield* Effect.flip(Effect.provide(Store.Store, layer))
    assert.instanceOf(error, Errors.InvalidSetting)
    assert.include(error.message, "retention.audit")
  }))

it.effect("keeps every id in memory", () =>
  Effect.gen(function*() {
    const store = yield* Store.Store
    assert.isFalse(Duration.isFinite(store.deduplicationWindow))
  }).pipe(Effect.provide(Memory.layer)))

it.live("keeps a restored dead letter redrivable although its id was forgotten while it was discarded", () =>
  world((schema) =>
    Effect.gen(function*() {
      const sweep = yield* sweeping(schema)
      yield* Worker.drain(notes)
      yield* Topic.publish(Notes, note("broken", "a", true))
      yield* Worker.drain(notes)
      const [deadLetter] = yield* DeadLetters.list({ consumer: "notes" })
      yield* DeadLetters.discard(deadLetter!.id, { by: "anna" })
      yield* older(schema, "inbox", "at", 8)
      yield* sweep
      assert.deepStrictEqual(yield* ids(schema), [])
      yield* DeadLetters.restore(deadLetter!.id, { by: "anna" })
      assert.deepStrictEqual(yield* ids(schema), ["broken"])
      const payload = JSON.stringify(note("broken", "a"))
      yield* DeadLetters.redriveEdited(deadLetter!.id, { topic: Notes, payload, by: "anna" })
      yield* Worker.drain(notes)
      assert.strictEqual((yield* DeadLetters.get(deadLetter!.id)).state, "resolved")
      // After its retention there is nothing to restore.
      yield* Topic.publish(Notes, note("gone", "a", true))
      yield* Worker.drain(notes)
      const [other] = yield* DeadLetters.list({ consumer: "notes", state: "open" })
      yield* DeadLetters.discard(other!.id, { by: "anna" })
      yield* older(schema, "dead_letters", "changed_at", 8)
      yield* sweep
      assert.strictEqual(
        (yield* Effect.flip(DeadLetters.restore(other!.id, { by: "anna" })))._tag,
        "DeadLetterNotFound"
      )
    })
  ))
