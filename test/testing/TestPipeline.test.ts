// The kit for users: what it shows of a run, what it makes go wrong, and that it goes red for handlers that are wrong.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Effect, Layer, Ref, Schema, TxRef } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Pipeline, Retry, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
  key: (payment) => payment.account,
  id: (payment) => payment.id
})
const Receipts = Topic.make("receipts", { schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }) })
const payment = (id: string, cents = 1) => ({ id, account: id.slice(0, 1), cents })

class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
class Rates extends Context.Service<Rates, {
  readonly convert: (cents: number) => Effect.Effect<number, Declined>
}>()("Rates") {}
class Balance extends Context.Service<Balance, TxRef.TxRef<number>>()("Balance") {}

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
  Pipeline.mapEffect((p) => Effect.map(Rates.use((rates) => rates.convert(p.cents)), (cents) => ({ id: p.id, cents }))),
  Pipeline.commit((p) => Effect.as(Balance.use((balance) => TxRef.update(balance, (sum) => sum + p.cents)), p)),
  Pipeline.emit(Receipts, (p) => p),
  Pipeline.timeout("5 seconds"),
  Pipeline.retry(Retry.exponential("100 millis", { cap: "1 hour", factor: 20, attempts: 4, jitter: false }))
)
const TestRates = Layer.succeed(Rates, { convert: (cents) => Effect.succeed(cents * 2) })
const TestBalance = Layer.effect(Balance, TxRef.make(0))
const services = Layer.mergeAll(TestRates, TestBalance, Memory.layer)
const balance = Balance.use(TxRef.get)

describe("a run", () => {
  it.effect("shows what was committed and emitted, in order, and when", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1", 3))
        yield* test.advance("5 minutes")
        yield* test.publish(Payments, payment("b1", 4))
        assert.deepStrictEqual(test.committed, ["a1"])
        yield* test.settle
        assert.deepStrictEqual(test.committed, ["a1", "b1"])
        assert.deepStrictEqual(yield* test.emitted(Receipts), [{ id: "a1", cents: 6 }, { id: "b1", cents: 8 }])
        assert.strictEqual(yield* balance, 14)
        assert.strictEqual(
          test.story,
          "a1: published at 0 ms, emitted to receipts, committed at 0 ms\n"
            + "b1: published at 300000 ms, emitted to receipts, committed at 300000 ms"
        )
      })).pipe(Effect.provide(services)))

  it.effect("counts time from its begin, on the clock of the test around it", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("1 day")
      yield* TestPipeline.run(ledger, (test) =>
        Effect.gen(function*() {
          yield* test.publish(Payments, payment("a1"))
          yield* test.settle
          yield* TestClock.adjust("1 second")
          assert.strictEqual(test.life("a1"), "published at 0 ms, emitted to receipts, committed at 0 ms")
          assert.strictEqual(yield* Clock.currentTimeMillis, 86_401_000)
        }))
    }).pipe(Effect.provide(services)))

  it.effect("shows retries in place, holds and the times of attempts", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1" }, TestPipeline.fail(new Declined()))
        yield* test.inject({ id: "a1", attempt: 2 }, TestPipeline.fail(new Declined()))
        yield* test.publishAll(Payments, [payment("a1"), payment("a2")])
        yield* test.advance(99)
        assert.deepStrictEqual(test.attempts("a1"), [0])
        yield* test.advance(1)
        assert.deepStrictEqual(test.attempts("a1"), [0, 100])
        assert.deepStrictEqual(test.held, [{ key: "a", until: 2100 }])
        assert.deepStrictEqual(test.committed, [])
        yield* test.drain()
        assert.deepStrictEqual(test.committed, ["a1", "a2"])
        assert.deepStrictEqual(test.held, [])
        assert.strictEqual(
          test.life("a1"),
          "published at 0 ms, attempt 1 failed Declined at 0 ms, retry at 100 ms, attempt 2 failed Declined at 100 ms, "
            + "retry at 2100 ms, key a held until 2100 ms, emitted to receipts, committed at 2100 ms"
        )
      })).pipe(Effect.provide(services)))

  it.effect("shows dead letters, parked keys, and what a person decides about them", () =>
    TestPipeline.run(ledger.pipe(Pipeline.deadLetter({ order: "park" })), (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", attempt: "every", step: "commit" }, TestPipeline.die("no such account"))
        yield* test.publishAll(Payments, [payment("a1"), payment("a2"), payment("b1")])
        yield* test.drain()
        assert.deepStrictEqual(test.committed, ["b1"])
        assert.deepStrictEqual(test.dead, [{ id: "a1", reason: "exhausted", tag: "Defect" }])
        assert.deepStrictEqual(test.held, [{ key: "a", until: "parked" }])
        assert.deepStrictEqual(test.attempts("a1"), [0, 100, 2100, 42_100])
        assert.strictEqual(test.life("a2"), "published at 0 ms")
        yield* test.redrive("a1")
        yield* test.drain()
        assert.deepStrictEqual(test.committed, ["b1", "a1", "a2"])
        assert.deepStrictEqual(test.dead, [])
        assert.match(
          test.life("a1"),
          /key a parked, redriven at \d+ ms, emitted to receipts, committed at \d+ ms$/,
          test.story
        )
      })).pipe(Effect.provide(services)))

  it.effect("lets a parked key go on when its letter is discarded", () =>
    TestPipeline.run(ledger.pipe(Pipeline.deadLetter({ order: "park" })), (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", attempt: "every" }, TestPipeline.fail(new Declined()))
        yield* test.publishAll(Payments, [payment("a1"), payment("a2")])
        yield* test.drain()
        yield* test.discard("a1")
        yield* test.drain()
        assert.deepStrictEqual(test.committed, ["a2"])
        assert.strictEqual((yield* Effect.flip(test.redrive("a1")))._tag, "DeadLetterNotFound")
      })).pipe(Effect.provide(services)))

  it.effect("shows a message whose id was committed before, and one with other content under it", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.publishAll(Payments, [payment("a1", 1), payment("a1", 1), payment("a1", 2)])
        yield* test.drain()
        assert.deepStrictEqual(test.committed, ["a1"])
        assert.deepStrictEqual(test.dead, [{ id: "a1", reason: "rejected", tag: "IdempotencyConflict" }])
        assert.match(test.life("a1"), /duplicate at 0 ms/)
      })).pipe(Effect.provide(services)))

  it.effect("shows what was published past it", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* Topic.publish(Payments, payment("a1"))
        yield* test.drain()
        assert.strictEqual(test.life("a1"), "published at 0 ms, emitted to receipts, committed at 0 ms")
      })).pipe(Effect.provide(services)))

  it.effect("tells what still waits when time is up", () =>
    TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.tap(() => Effect.never)),
      (test) =>
        Effect.gen(function*() {
          yield* test.publish(Payments, payment("a1"))
          const error = yield* Effect.flip(test.drain("1 minute"))
          assert(error._tag === "NotDrained")
          assert.match(
            error.message,
            /still wait after 60000 ms: a1\.[^]*a1: published at 0 ms, attempt 1 began at 0 ms$/
          )
        })
    ).pipe(Effect.provide(Memory.layer)))

  it.effect("repeats itself with one seed, jitter and all, and goes another way with another", () => {
    const jittered = ledger.pipe(Pipeline.retry(Retry.exponential("10 seconds", { attempts: 6 })))
    const story = (seed: string) =>
      TestPipeline.run(jittered, (test) =>
        Effect.gen(function*() {
          yield* test.inject({ attempt: "every" }, TestPipeline.fail(new Declined()))
          yield* test.publishAll(Payments, ["a1", "b1", "c1", "a2"].map((id) => payment(id)))
          yield* test.drain()
          return test.story
        }), { seed }).pipe(Effect.provide(services, { local: true }))
    return Effect.gen(function*() {
      const one = yield* story("one")
      assert.strictEqual(yield* story("one"), one)
      assert.notStrictEqual(yield* story("two"), one)
    })
  })

  it.effect("fails as the worker does when that cannot start", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(TestPipeline.run(ledger, (test) => test.drain(), { lanes: 0 }))
      assert.strictEqual(error._tag, "InvalidSetting")
    }).pipe(Effect.provide(services)))
})

describe("what is made to go wrong", () => {
  it.effect("a step that never returns ends by its timeout", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1" }, TestPipeline.stall)
        yield* test.inject({ id: "c1", step: 1 }, TestPipeline.delay("2 seconds"))
        yield* test.publishAll(Payments, [payment("a1"), payment("c1")])
        yield* test.drain()
        assert.match(
          test.life("a1"),
          /attempt 1 failed StepTimeout at 5000 ms, retry at 5100 ms, .*committed at 5100 ms/
        )
        assert.match(test.life("c1"), /committed at 2000 ms/)
        assert.strictEqual(yield* balance, 4)
      })).pipe(Effect.provide(services)))

  it.effect("a commit step that never returns ends by its own timeout, and leaves nothing behind", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", step: "commit" }, TestPipeline.stall)
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        // Once with its group and once alone, 10 seconds each.
        assert.match(
          test.life("a1"),
          /^published at 0 ms, attempt 1 failed StepTimeout at 20000 ms, .*committed at 20100 ms$/
        )
        assert.strictEqual(yield* balance, 2)
      })).pipe(Effect.provide(services)))

  it.effect("a hiccup repeats the transaction and counts no attempt", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1" }, TestPipeline.hiccup(2))
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        assert.deepStrictEqual(test.attempts("a1"), [0])
        assert.match(
          test.life("a1"),
          /^published at 0 ms, its transaction met Hiccup at 0 ms, its transaction met Hiccup at \d+ ms, emitted .*committed/
        )
        assert.strictEqual(yield* balance, 2)
      })).pipe(Effect.provide(services)))

  for (const [name, what] of [["happened", TestPipeline.lostAnswer], ["did not", TestPipeline.lostCommit]] as const) {
    it.effect(`a COMMIT without an answer has one effect, if it ${name}`, () =>
      TestPipeline.run(ledger, (test) =>
        Effect.gen(function*() {
          yield* test.inject({ id: "a1" }, what)
          yield* test.publishAll(Payments, [payment("a1"), payment("a2")])
          yield* test.drain()
          assert.deepStrictEqual(test.committed, ["a1", "a2"])
          assert.deepStrictEqual(test.attempts("a1"), [0])
          assert.include(test.life("a1"), "its transaction met UnknownOutcome at 0 ms")
          assert.strictEqual(yield* balance, 4)
          assert.strictEqual((yield* test.emitted(Receipts)).length, 2)
        })).pipe(Effect.provide(services)))
  }

  it.effect("a crash gives its messages to the next process when the lease has run out", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", step: "commit" }, TestPipeline.crash)
        yield* test.publishAll(Payments, [payment("a1"), payment("a2")])
        yield* test.advance("29 seconds")
        assert.deepStrictEqual(test.committed, [])
        yield* test.advance("2 seconds")
        assert.deepStrictEqual(test.committed, ["a1", "a2"])
        assert.deepStrictEqual(test.attempts("a1"), [0, 30_000])
        assert.strictEqual(
          test.life("a1"),
          "published at 0 ms, attempt 1 began at 0 ms, process crashed at 0 ms (a1, attempt 1: in step 2 (Commit)), "
            + "emitted to receipts, committed at 30000 ms"
        )
        assert.strictEqual(yield* balance, 4)
      })).pipe(Effect.provide(services)))

  it.effect("a message that kills the process every time becomes a dead letter, and others are handled", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", attempt: "every" }, TestPipeline.crash)
        yield* test.publishAll(Payments, [payment("a1"), payment("a2"), payment("b1")])
        yield* test.drain()
        assert.deepStrictEqual(test.dead, [{ id: "a1", reason: "crashed", tag: "WorkerCrashed" }])
        assert.deepStrictEqual(test.committed.toSorted(), ["a2", "b1"])
      })).pipe(Effect.provide(services)))

  it.effect("a process that dies between two messages loses nothing, and neither does the one after it", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        yield* test.crash
        yield* test.publish(Payments, payment("a2"))
        yield* test.drain()
        yield* test.crash
        yield* test.publish(Payments, payment("a3"))
        yield* test.drain()
        assert.deepStrictEqual(test.committed, ["a1", "a2", "a3"])
        assert.strictEqual(yield* balance, 6)
      })).pipe(Effect.provide(services)))

  it.effect("a step that the pipeline does not have is refused, and the others are named", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(test.inject({ step: 3 }, TestPipeline.stall))
        assert.strictEqual(error._tag, "NoSuchStep")
        assert.include(error.message, "no step 3 that runs an effect")
        assert.include(error.message, "1 (MapEffect), 2 (Commit)")
      })).pipe(Effect.provide(services)))
})

describe("a crash at every point", () => {
  const scenario = (test: TestPipeline.Test<Declined>) =>
    Effect.gen(function*() {
      yield* test.inject({ id: "a1" }, TestPipeline.fail(new Declined()))
      yield* test.publishAll(Payments, [payment("a1", 5), payment("a2", 7), payment("b1", 9)])
    })

  it.effect("changes nothing where effects are in the transaction", () =>
    Effect.gen(function*() {
      const survived = yield* TestPipeline.crashEverywhere(ledger, { scenario, state: balance, layer: services })
      assert.strictEqual(survived.state, 42)
      assert.isAbove(survived.points.length, 20)
      for (
        const place of [
          "read, not started",
          "b1, attempt 1: before step 1 (MapEffect)",
          "b1, attempt 1: after step 1 (MapEffect)",
          "b1: after fence and removal",
          "b1, attempt 1: after step 2 (Commit)",
          "after the emits",
          "b1: before COMMIT of the commit",
          "b1: after COMMIT of the commit, before it is acknowledged"
        ]
      ) assert.isTrue(survived.points.some((point) => point.endsWith(place)), place)
    }))

  it.effect("catches: an effect outside of the transaction that is not idempotent", () =>
    Effect.gen(function*() {
      class Sent extends Context.Service<Sent, Ref.Ref<ReadonlyArray<string>>>()("Sent") {}
      const mailing = Pipeline.from(Payments, { consumer: "mails" }).pipe(
        Pipeline.tap((p) => Sent.use(Ref.update((sent) => [...sent, p.id])))
      )
      const error = yield* Effect.flip(TestPipeline.crashEverywhere(mailing, {
        scenario: (test) => test.publish(Payments, payment("a1")),
        state: Sent.use(Ref.get),
        layer: Layer.mergeAll(Memory.layer, Layer.effect(Sent, Ref.make<ReadonlyArray<string>>([])))
      }))
      assert(error._tag === "CrashDiverged")
      assert.strictEqual(error.point, "a1, attempt 1: after step 1 (Tap)")
      assert.include(error.message, `{"state":["a1","a1"],`)
      assert.include(error.message, "move it into Pipeline.commit, or make it idempotent")
    }))
})
