/**
 * Counts crashes when an owner dies while the database fails. The conformance suite has the cases of every transport.
 */
import { assert, layer } from "@effect/vitest"
import { Deferred, Duration, Effect, Exit, Fiber, Scope } from "effect"
import { SqlClient } from "effect/sql"
import { Errors } from "millrace"
import { inject } from "vitest"
import { freshSchema, open, postgres, publish, receive, register } from "./kit.ts"

const schema = freshSchema()
const lease = Duration.millis(400)

/** An owner read `a` and died. The next one has it alone, and says when that is over. */
const isolated = Effect.gen(function*() {
  yield* register({ lanes: 1 })
  yield* publish(["a", "a"])
  yield* receive(yield* open("first", { lanes: 1, lease }), 1)
  const owner = yield* open("second", { lanes: 1, lease })
  const [suspect] = yield* receive(owner, 1)
  assert.strictEqual(suspect!.crashCount, 1)
  const scope = yield* Scope.make()
  yield* Scope.provide(owner.isolate(suspect), scope)
  return { owner, over: Scope.close(scope, Exit.void) }
})

const alone = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql<{ readonly alone: bigint | null }>`select alone from ${sql(`${schema}.lanes`)}`
  return row!.alone
})

/** Empty again for the next test. */
const clean = Effect.gen(function*() {
  const sql = yield* SqlClient.SqlClient
  for (const name of ["messages", "workers"]) yield* sql`delete from ${sql(`${schema}.${name}`)}`
  yield* sql`update ${sql(`${schema}.lanes`)} set owner = null, lease_until = '-infinity', alone = null`
})

const next = Effect.gen(function*() {
  const [delivery] = yield* receive(yield* open("successor", { lanes: 1 }), 1)
  return { received: delivery!.crashCount, crashedAlone: delivery!.crashedAlone }
})

layer(postgres(inject("databaseUrl"), {}, schema), { excludeTestServices: true })("a message that runs alone", (it) => {
  it.effect("gets crashed_alone by the death of its process, alone and permanently", () =>
    Effect.gen(function*() {
      yield* register({ lanes: 1 })
      yield* publish(["a", "a"], ["suspect", "s"], ["b", "b"])
      for (const alone of [false, false, true, false]) {
        const owner = yield* open(`dies${Math.random()}`, { lanes: 1, lease })
        const got = yield* receive(owner, 3)
        if (alone) yield* owner.isolate(got.find(({ message }) => message.id === "suspect"))
      }
      const got = yield* receive(yield* open("successor", { lanes: 1 }), 3)
      assert.deepStrictEqual(
        got.map((
          { crashedAlone, message, crashCount: received }
        ) => [message.id, received, crashedAlone]),
        [
          ["a", 3, false],
          ["suspect", 4, true],
          ["b", 3, false]
        ]
      )
    }).pipe(Effect.scoped, Effect.andThen(clean)))

  it.effect("has no company before the store knows: the end of its isolation is written again until it is", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      const { over } = yield* isolated
      const lanes = sql(`${schema}.lanes`)
      yield* sql`alter table ${lanes} rename column alone to gone`
      const ending = yield* Effect.forkChild(over, { startImmediately: true })
      yield* Effect.sleep("300 millis")
      assert.isUndefined(ending.pollUnsafe())
      yield* sql`alter table ${lanes} rename column gone to alone`
      yield* Fiber.join(ending)
      assert.isNull(yield* alone)
      assert.deepStrictEqual(yield* next, { received: 2, crashedAlone: false })
    }).pipe(Effect.scoped, Effect.andThen(clean)))

  it.effect("has its record taken back from a lane that was given up meanwhile, too", () =>
    Effect.gen(function*() {
      const { over, owner } = yield* isolated
      // As the worker does at the deadline: its process is alive, and continues with other lanes.
      for (const { lost, name, token } of owner.held()) {
        yield* Deferred.succeed(lost, new Errors.LeaseLost({ lease: name, token: String(token), reason: "too late" }))
      }
      yield* over
      assert.isNull(yield* alone)
      assert.deepStrictEqual(yield* next, { received: 2, crashedAlone: false })
    }).pipe(Effect.scoped, Effect.andThen(clean)))

  it.effect("that the store does not know of does not keep lanes from being counted that are claimed later", () =>
    Effect.gen(function*() {
      const sql = yield* SqlClient.SqlClient
      yield* register({ lanes: 1 })
      yield* publish(["a", "a"])
      const lanes = sql(`${schema}.lanes`)
      const owner = yield* open("first", { lanes: 1, lease })
      const [a] = yield* receive(owner, 1)
      yield* sql`alter table ${lanes} rename column alone to gone`
      yield* Effect.flip(Effect.scoped(owner.isolate(a)))
      yield* sql`alter table ${lanes} rename column gone to alone`
      yield* owner.release(owner.held())
      yield* receive(owner, 1)
      assert.deepStrictEqual(yield* next, { received: 1, crashedAlone: false })
    }).pipe(Effect.scoped, Effect.andThen(clean)))
})
