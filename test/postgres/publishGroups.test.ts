/** Publishes of concurrent callers: they share statements, and no caller gets the failure of another one's message. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Duration, Effect, Exit, Fiber, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import { Errors, Pipeline, type Store, Topic, type Transport, Worker } from "millrace"
import { inject } from "vitest"
import * as PgOutbox from "../../src/postgres/store/PgOutbox.ts"
import * as PublishGroups from "../../src/postgres/store/PublishGroups.ts"
import { tracing } from "../ops/collectors.ts"
import { freshSchema, message, postgres } from "./kit.ts"

const url = inject("databaseUrl")

const sqlError = (code: string | undefined) => {
  const cause = Object.assign(new Error(`code ${code}`), code === undefined ? {} : { code })
  const reason = code === undefined
    ? new SqlError.ConnectionError({ cause, message: "gone", operation: "query" })
    : new SqlError.UnknownError({ cause, message: "refused", operation: "query" })
  return new SqlError.SqlError({ reason })
}
const timedOut = sqlError("57014")

/** A statement of the fake database: its ids, and how it ends. */
interface Statement {
  readonly ids: ReadonlyArray<string>
  readonly end: (exit: Exit.Exit<void, SqlError.SqlError>) => void
}

/** Groups before a fake database. Each statement stays under way until the test ends it. */
const stage = (mostUnderWay = 1) => {
  const statements: Array<Statement> = []
  const groups = new PublishGroups.PublishGroups({
    insert: (messages) =>
      Effect.suspend(() => {
        const ended = Deferred.makeUnsafe<void, SqlError.SqlError>()
        statements.push({ ids: messages.map(({ id }) => id), end: (exit) => Deferred.doneUnsafe(ended, exit) })
        return Deferred.await(ended)
      }),
    chunks: PgOutbox.chunks,
    mostUnderWay,
    acquireTimeout: Duration.seconds(10),
    timedOut: Effect.fail(timedOut),
    commitTimeout: Duration.seconds(5)
  })
  const publish = Effect.fnUntraced(function*(id: string, payload?: string) {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(message(id, undefined, "t", payload), (message) => groups.publish(message)),
      { startImmediately: true }
    )
    yield* Effect.yieldNow
    return fiber
  })
  const all = (...ids: ReadonlyArray<string>) => Effect.forEach(ids, (id) => publish(id))
  /** Ends the statements in their order, and lets the callers continue. */
  const end = Effect.fnUntraced(function*(...exits: ReadonlyArray<Exit.Exit<void, SqlError.SqlError>>) {
    for (const exit of exits) {
      statements[ended++]!.end(exit)
      for (let i = 0; i < 10; i++) yield* Effect.yieldNow
    }
  })
  let ended = 0
  const sent = () => statements.map(({ ids }) => ids.join(" "))
  return { all, end, publish, sent }
}

const outcomes = (fibers: ReadonlyArray<Fiber.Fiber<void, SqlError.SqlError>>) =>
  Effect.map(
    Effect.forEach(fibers, Fiber.await),
    (exits) =>
      exits.map((exit) =>
        Exit.isSuccess(exit) ? "published" : Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "failed"
      )
  )

const endOf = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() === undefined ? "waits" : "ended"

describe("single publishes", () => {
  it.effect("go at once while few are under way", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage(2)
      const fibers = yield* all("a", "b")
      assert.deepStrictEqual(sent(), ["a", "b"])
      yield* end(Exit.void, Exit.void)
      fibers.push(...(yield* all("c")))
      assert.deepStrictEqual(sent(), ["a", "b", "c"])
      yield* end(Exit.void)
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "published", "published"])
    }))

  it.effect("that come meanwhile share one statement, in the order in which they came", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "c", "d")
      assert.deepStrictEqual(sent(), ["a"])
      yield* end(Exit.void)
      fibers.push(...(yield* all("e", "f")))
      yield* end(Exit.void)
      assert.deepStrictEqual(sent(), ["a", "b c d", "e f"])
      assert.deepStrictEqual(fibers.map(endOf), ["ended", "ended", "ended", "ended", "waits", "waits"])
      yield* end(Exit.void)
      assert.deepStrictEqual(yield* outcomes(fibers), Array(6).fill("published"))
    }))

  it.effect("share statements of a bounded size", () =>
    Effect.gen(function*() {
      const { all, end, publish, sent } = stage()
      const fibers = yield* all("a")
      const large = JSON.stringify("x".repeat(1_000_000))
      for (const id of ["1", "2", "3", "4", "5", "6"]) fibers.push(yield* publish(id, large))
      yield* end(Exit.void, Exit.void, Exit.void)
      assert.deepStrictEqual(sent(), ["a", "1 2 3 4 5", "6"])
      assert.deepStrictEqual(yield* outcomes(fibers), Array(7).fill("published"))
    }))

  it.effect("are published each by itself where the server refuses their statement, and only the bad one fails", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "bad", "c")
      const refused = Exit.fail(sqlError("23514"))
      yield* end(Exit.void, refused, Exit.void, refused, Exit.void)
      assert.deepStrictEqual(sent(), ["a", "b bad c", "b", "bad", "c"])
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "published", "failed", "published"])
    }))

  it.effect.each([
    { what: "the connection ends under way", code: undefined },
    { what: "the server ends the session", code: "57P01" },
    { what: "the disk is full", code: "53100" }
  ])("all get the failure, and none is repeated, if $what", ({ code }) =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "c")
      yield* end(Exit.void, Exit.fail(sqlError(code)))
      assert.deepStrictEqual(sent(), ["a", "b c"])
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "failed", "failed"])
    }))

  it.effect("get the failure at once if the database goes while each is published by itself", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "c", "d")
      yield* end(Exit.void, Exit.fail(sqlError("23514")), Exit.void, Exit.fail(sqlError(undefined)))
      assert.deepStrictEqual(sent(), ["a", "b c d", "b", "c"])
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "published", "failed", "failed"])
    }))

  it.effect("publish nothing if they are interrupted while they wait", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "c")
      yield* Fiber.interrupt(fibers[1]!)
      yield* end(Exit.void, Exit.void)
      assert.deepStrictEqual(sent(), ["a", "c"])
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "interrupted", "published"])
    }))

  it.effect("end after their statement if they are interrupted while it is under way, and their neighbours go on", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "c")
      yield* end(Exit.void)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fibers[1]!), { startImmediately: true })
      yield* Effect.yieldNow
      assert.deepStrictEqual(fibers.map(endOf), ["ended", "waits", "waits"])
      yield* end(Exit.void)
      yield* Fiber.join(interrupting)
      assert.deepStrictEqual(sent(), ["a", "b c"])
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "interrupted", "published"])
    }))

  it.effect("end in time if they are interrupted and the statement does not end", () =>
    Effect.gen(function*() {
      const { all, end } = stage()
      const fibers = yield* all("a", "b")
      yield* end(Exit.void)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fibers[1]!), { startImmediately: true })
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(endOf(interrupting), "waits")
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(interrupting)
    }))

  it.effect("leave their place to the next group if they are interrupted", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b", "c")
      yield* Fiber.interrupt(fibers[0]!)
      assert.deepStrictEqual(sent(), ["a", "b c"])
      yield* Effect.andThen(end(Exit.void), end(Exit.void))
      assert.deepStrictEqual(yield* outcomes(fibers), ["interrupted", "published", "published"])
    }))

  it.effect("fail if no place becomes free in time, and are not published later", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all("a", "b")
      yield* TestClock.adjust("9 seconds")
      fibers.push(...(yield* all("c")))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Effect.flip(Fiber.join(fibers[1]!)), timedOut)
      yield* end(Exit.void, Exit.void)
      assert.deepStrictEqual(sent(), ["a", "c"])
      assert.deepStrictEqual(yield* outcomes(fibers), ["published", "failed", "published"])
    }))

  it.effect("go by themselves where too many wait", () =>
    Effect.gen(function*() {
      const { all, end, sent } = stage()
      const fibers = yield* all(...Array.from({ length: PublishGroups.mostWaiting + 1 }, (_, i) => `m${i}`), "further")
      assert.deepStrictEqual(sent(), ["m0", "further"])
      yield* end(Exit.void, Exit.void, Exit.void)
      assert.deepStrictEqual(yield* outcomes(fibers), Array(fibers.length).fill("published"))
    }))
})

const Notes = Topic.make("notes", {
  schema: Schema.Struct({ id: Schema.String, key: Schema.String }),
  key: (note) => note.key,
  id: (note) => note.id
})
const notes = Array.from({ length: 60 }, (_, i) => ({ id: `n${i}`, key: `k${i}` }))
const reading = Pipeline.from(Notes, { consumer: "c" }).pipe(Pipeline.map((note) => note))

describe("concurrent publishes to Postgres", () => {
  const on = <A, E>(
    within: string,
    body: Effect.Effect<A, E, SqlClient.SqlClient | Store.Store | Transport.Transport>
  ) => Effect.provide(Effect.andThen(Worker.drain(reading), body), postgres(url, {}, within))

  it.live("share transactions, and each message keeps its own trace", () => {
    const within = freshSchema()
    const { layer, named } = tracing()
    return on(
      within,
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* Effect.forEach(notes, (note) => Topic.publish(Notes, note), { concurrency: "unbounded" })
        const rows = yield* sql<{ id: string; xid: string; traceparent: string }>`
          select id, xmin::text as xid, headers::jsonb ->> 'traceparent' as traceparent from ${
          sql(`${within}.messages`)
        }`
        assert.sameMembers(rows.map(({ id }) => id), notes.map(({ id }) => id))
        assert.isBelow(new Set(rows.map(({ xid }) => xid)).size, 10)
        const spans = new Map(named("publish notes").map((span) => [span.attributes.get("messaging.message.id"), span]))
        for (const { id, traceparent } of rows) assert.include(traceparent, spans.get(id)!.spanId)
      })
    ).pipe(Effect.provide(layer))
  })

  it.live("fail only for the message that the server refuses", () => {
    const within = freshSchema()
    return on(
      within,
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        yield* sql`alter table ${sql(`${within}.messages`)} add constraint no_17 check (id <> 'n17')`
        const exits = yield* Effect.forEach(notes, (note) => Effect.exit(Topic.publish(Notes, note)), {
          concurrency: "unbounded"
        })
        const failures = exits.flatMap((exit, i) =>
          Exit.isFailure(exit) ? [[i, Cause.squash(exit.cause)] as const] : []
        )
        assert.deepStrictEqual(failures.map(([i]) => i), [17])
        assert.instanceOf(failures[0]![1], Errors.StoreFailure)
        const rows = yield* sql<{ id: string }>`select id from ${sql(`${within}.messages`)}`
        assert.sameMembers(rows.map(({ id }) => id), notes.map(({ id }) => id).filter((id) => id !== "n17"))
      })
    )
  })

  it.live("stay in their transactions if they have one", () => {
    const within = freshSchema()
    return on(
      within,
      Effect.gen(function*() {
        const sql = yield* SqlClient.SqlClient
        const eight = notes.slice(0, 8)
        const allBegan = yield* Deferred.make<void>()
        let began = 0
        const publish = (note: typeof notes[number], i: number) =>
          Effect.ignore(sql.withTransaction(Effect.gen(function*() {
            if (++began === eight.length) yield* Deferred.succeed(allBegan, undefined)
            yield* Deferred.await(allBegan)
            yield* Topic.publish(Notes, note)
            if (i % 2 === 1) return yield* Effect.fail("rolled back")
          })))
        yield* Effect.forEach(eight, publish, { concurrency: "unbounded" })
        const rows = yield* sql<{ id: string }>`select id from ${sql(`${within}.messages`)}`
        assert.sameMembers(rows.map(({ id }) => id), ["n0", "n2", "n4", "n6"])
      })
    )
  })
})
