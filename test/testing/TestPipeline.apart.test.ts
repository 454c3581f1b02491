// The kit for users: what is apart stays apart, be it another run or a transaction of a step's own.
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Health, Inbox, Memory, Pipeline, Retry, Store, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"
import { Declined, ledger, payment, Payments, Receipts, services } from "./ledger.ts"

it.effect("shows as published, and not as emitted, what a step before the commit published in a transaction of its own", () => {
  const publish = (id: string) =>
    Effect.andThen(Topic.publish(Receipts, { id, cents: 0 }), Topic.publish(Payments, payment(id)))
  return TestPipeline.run(
    Pipeline.from(Payments, { consumer: "ledger" }).pipe(
      Pipeline.tap((p) =>
        p.id !== "a1" ? Effect.void : Effect.gen(function*() {
          const store = yield* Store.Store
          yield* store.transact(publish("b1"))
          yield* Effect.ignore(store.transact(Effect.andThen(publish("c1"), Effect.fail("no"))))
        }).pipe(Effect.orDie)
      )
    ),
    (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        assert.deepStrictEqual(yield* test.emitted(Receipts), [])
        assert.strictEqual(
          test.story,
          "a1: published at 0 ms, committed at 0 ms\nb1: published at 0 ms, committed at 0 ms"
        )
      })
  ).pipe(Effect.provide(Memory.layer))
})

it.effect("shows nothing of what a commit step undid in a transaction that joined its commit", () => {
  const publish = (id: string) => Topic.publish(Payments, payment(id))
  const undone = (id: string) => Effect.andThen(publish(id), Effect.fail("no" as const))
  return TestPipeline.run(
    Pipeline.from(Payments, { consumer: "ledger" }).pipe(
      Pipeline.commit((p) =>
        p.id !== "a1" ? Effect.void : Effect.gen(function*() {
          const store = yield* Store.Store
          yield* Effect.ignore(store.transact(undone("b1")))
          yield* Effect.ignore(Inbox.once({ consumer: "api", id: "key", payload: "x" }, undone("c1"), {
            result: Schema.Void
          }))
          yield* store.transact(Effect.andThen(publish("d1"), Effect.ignore(store.transact(undone("e1")))))
        }).pipe(Effect.orDie)
      )
    ),
    (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        assert.strictEqual(
          test.story,
          "a1: published at 0 ms, emitted to payments, committed at 0 ms\nd1: published at 0 ms, committed at 0 ms"
        )
      })
  ).pipe(Effect.provide(Memory.layer))
})

it.effect("is a process of its own: what kills another run stops nothing in it, and its health is its own", () =>
  Effect.gen(function*() {
    const running = Deferred.makeUnsafe<void>()
    const dead = Deferred.makeUnsafe<void>()
    const seen = Deferred.makeUnsafe<void>()
    let runs = 0
    const slow = Pipeline.from(Payments, { consumer: "slow" }).pipe(
      Pipeline.tap(() => Effect.andThen(Effect.sync(() => runs++), Effect.sleep("1 second")))
    )
    const living = TestPipeline.run(slow, (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1"))
        yield* test.runReady
        yield* Deferred.succeed(running, undefined)
        yield* Deferred.await(dead)
        const { checks } = yield* Effect.provide(Health.Health.use((health) => health.report), Health.layer())
        assert.strictEqual(checks.workers.reason, "1 worker runs in this process.")
        yield* test.drain()
        assert.strictEqual(test.life("a1"), "published at 0 ms, committed at 1000 ms")
      }))
    const killed = TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* Deferred.await(running)
        yield* test.inject({ id: "b1", attempt: "every" }, TestPipeline.crash)
        yield* test.publish(Payments, payment("b1"))
        yield* test.drain()
        assert.deepStrictEqual(test.dead.map(({ reason }) => reason), ["crashed"])
        yield* Deferred.succeed(dead, undefined)
        // Its worker lives until the other run has looked.
        yield* Deferred.await(seen)
      }))
    const apart = <A, E, R>(run: Effect.Effect<A, E, R>) =>
      run.pipe(Effect.provide(services, { local: true }), Effect.provide(TestClock.layer(), { local: true }))
    const done = Deferred.succeed(seen, undefined)
    yield* Effect.all([Effect.ensuring(apart(living), done), apart(killed)], { concurrency: 2 })
    assert.strictEqual(runs, 1)
  }))

it.effect("of two pipelines shows each its own, of one store and in one time, and either can be made to fail", () => {
  const sent: Array<string> = []
  const mail = Pipeline.from(Receipts, { consumer: "mail" }).pipe(
    Pipeline.mapEffect((receipt) => Effect.sync(() => void sent.push(receipt.id))),
    Pipeline.retry(Retry.exponential("1 second", { jitter: false }))
  )
  return TestPipeline.run(ledger, (payments) =>
    TestPipeline.run(mail, (mails) =>
      Effect.gen(function*() {
        yield* payments.inject({ id: "a1", step: 1 }, TestPipeline.fail(new Declined()))
        yield* mails.inject({ step: 1 }, TestPipeline.crash)
        yield* payments.publishAll(Payments, [payment("a1"), payment("a2"), payment("b1")])
        yield* payments.drain()
        yield* mails.drain()
        assert.deepStrictEqual(payments.committed, ["b1", "a1", "a2"])
        // Steps before the commit run again after a crash.
        assert.sameMembers([...new Set(sent)], ["b1", "a1", "a2"])
        const receipts = yield* payments.emitted(Receipts)
        assert.deepStrictEqual(receipts.map(({ id }) => id), payments.committed)
        assert.strictEqual(mails.committed.length, 3)
        assert.isEmpty(mails.committed.filter((id) => payments.story.includes(id)))
        assert.match(payments.life("a1"), /^published at 0 ms, attempt 1 failed Declined at 0 ms, retry at 100 ms/)
        assert.match(mails.story, /process crashed at 0 ms/)
      }))).pipe(Effect.provide(services))
})
