// The kit for users: what it shows of messages that are published later.
import { assert, it } from "@effect/vitest"
import { Effect } from "effect"
import { DeadLetters, Memory, Pipeline, Retry, Store, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"
import { payment, Payments, Receipts } from "./ledger.ts"

it.effect("shows what commits published for later, until it is replaced, cancelled or due", () => {
  const Reminders = Topic.make("reminders", { schema: Receipts.schema, key: (p) => p.id, id: "random" })
  const name = "unpaid"
  const reminding = Pipeline.from(Payments, { consumer: "reminding" }).pipe(
    Pipeline.commit((p, { attempt }) =>
      Effect.andThen(
        p.cents === 0
          ? Effect.asVoid(Topic.cancel(Reminders, { key: "receipt", name }))
          : Effect.asVoid(Topic.publish(Reminders, { id: "receipt", cents: p.cents }, { delay: "1 hour", name })),
        p.id === "a1" && attempt === 1 ? Effect.die("not now") : Effect.void
      )
    ),
    Pipeline.retry(Retry.exponential("1 second", { jitter: false }))
  )
  return TestPipeline.run(reminding, (test) =>
    Effect.gen(function*() {
      const delayed = Effect.map(test.delayed(Reminders), (all) => all.map(({ due, value }) => [value.cents, due]))
      yield* test.publish(Payments, payment("a1", 5))
      yield* test.runReady
      assert.deepStrictEqual(yield* delayed, [])
      yield* test.advance("1 second")
      assert.deepStrictEqual(yield* delayed, [[5, 3_601_000]])
      yield* test.publish(Payments, payment("a2", 6))
      yield* test.advance("9 seconds")
      assert.deepStrictEqual(yield* delayed, [[6, 3_601_000]])
      assert.deepStrictEqual(yield* test.emitted(Reminders), [])
      yield* test.publish(Payments, payment("a3", 0))
      yield* test.runReady
      assert.deepStrictEqual(yield* delayed, [])
      assert.match(test.life("a1"), /delayed to reminders until 3601000 ms, committed at 1000 ms$/)
      yield* test.publish(Reminders, { id: "receipt", cents: 7 }, { delay: "1 minute", name })
      yield* test.publish(Reminders, { id: "other", cents: 8 }, { at: 1, name })
      assert.deepStrictEqual(yield* delayed, [[7, 70_000]])
      yield* test.advance("1 minute")
      assert.deepStrictEqual(yield* delayed, [])
      yield* test.publish(Reminders, { id: "receipt", cents: 9 }, { delay: "1 minute", name })
      yield* test.publish(Reminders, { id: "receipt", cents: 10 }, { name })
      assert.deepStrictEqual(yield* delayed, [])
    })).pipe(Effect.provide(Memory.layer))
})

it.effect("shows what the scenario did in a transaction of its own once that has committed, unless it undid it", () =>
  TestPipeline.run(
    Pipeline.from(Payments, { consumer: "failing" }).pipe(
      Pipeline.tap(() => Effect.fail({ retryable: false } as const))
    ),
    (test) =>
      Effect.gen(function*() {
        const store = yield* Store.Store
        const later = (id: string) => test.publish(Payments, payment(id), { delay: "1 hour", name: "later" })
        const no = Effect.fail("no" as const)
        const waiting = Effect.map(test.delayed(Payments), (all) => all.map(({ id }) => id))
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        const [deadLetter] = yield* DeadLetters.list()
        yield* Effect.flip(store.transact(Effect.andThen(later("b1"), no)))
        assert.deepStrictEqual(yield* waiting, [])
        yield* store.transact(Effect.gen(function*() {
          yield* later("b2")
          yield* DeadLetters.discard(deadLetter!.id, { by: "anna" })
          yield* Effect.ignore(store.transact(Effect.andThen(later("b3"), no)))
          yield* Effect.ignore(store.savepoint(Effect.andThen(Topic.cancel(Payments, { key: "b", name: "later" }), no)))
          assert.deepStrictEqual([yield* waiting, test.dead.length], [[], 1])
        }))
        assert.deepStrictEqual([yield* waiting, test.dead.length], [["b2"], 0], test.story)
      })
  ).pipe(Effect.provide(Memory.layer)))
