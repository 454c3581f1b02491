// The kit for users: what it shows of a run, and what it makes go wrong.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetters, Memory, Pipeline, Retry, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"
import * as Faults from "../faults/Faults.ts"
import { balance, Declined, ledger, payment, Payments, Receipts, services, TestBalance, TestRates } from "./ledger.ts"

describe("a run", () => {
  it.effect("shows what was committed and emitted, in order, and when", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1", 3))
        yield* test.advance("5 minutes")
        yield* test.publish(Payments, payment("b1", 4))
        assert.deepStrictEqual(test.committed, ["a1"])
        yield* test.runReady
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
          yield* test.runReady
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

  it.effect("shows dead letters, parked keys, and the decisions of operators about them", () =>
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

  it.effect("lets a parked key go on when its dead letter is discarded", () =>
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

  it.effect("finds the dead letter of a message behind a thousand newer ones", () =>
    TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(
        Pipeline.tap((_, { redriven }) => redriven > 0 ? Effect.void : Effect.fail({ retryable: false } as const))
      ),
      (test) =>
        Effect.gen(function*() {
          yield* test.publishAll(Payments, Array.from({ length: 1001 }, (_, i) => payment(`a${i}`)))
          yield* test.drain()
          assert.strictEqual(test.dead.length, 1001)
          yield* test.redrive("a0")
          yield* test.drain()
          assert.deepStrictEqual(test.committed, ["a0"])
        })
    ).pipe(Effect.provide(Memory.layer)))

  it.effect("shows an operator's decisions past it, and nothing that the store refuses", () =>
    TestPipeline.run(ledger.pipe(Pipeline.deadLetter({ order: "park" })), (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1", attempt: "every" }, TestPipeline.fail(new Declined()))
        yield* test.publishAll(Payments, [payment("a1"), payment("a2")])
        yield* test.drain()
        const [deadLetter] = yield* DeadLetters.list()
        yield* DeadLetters.discard(deadLetter!.id, { by: "anna" })
        assert.deepStrictEqual([test.dead, test.held], [[], []])
        assert.strictEqual(
          (yield* Effect.flip(DeadLetters.redrive(deadLetter!.id, { by: "bob" })))._tag,
          "DeadLetterConflict"
        )
        assert.match(test.life("a1"), /dead \(exhausted, Declined\) at \d+ ms, key a parked, discarded at \d+ ms$/)
        yield* DeadLetters.restore(deadLetter!.id, { by: "anna" })
        assert.deepStrictEqual(test.dead, [{ id: "a1", reason: "exhausted", tag: "Declined" }])
        assert.deepStrictEqual(test.held, [{ key: "a", until: "parked" }])
        yield* DeadLetters.redriveAll({}, { by: "anna" })
        yield* test.drain()
        assert.match(
          test.life("a1"),
          /discarded at \d+ ms, restored at \d+ ms, redriven at \d+ ms, emitted .* committed/
        )
        assert.deepStrictEqual(test.committed, ["a2", "a1"])
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

  it.effect("shows what a commit step published by itself, and what an emit named", () =>
    TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(
        Pipeline.commit((p) => Effect.as(Topic.publish(Receipts, { id: "by hand", cents: 0 }), p)),
        Pipeline.emit(Receipts, (p) => p, { id: (p) => `receipt-${p.id}` }),
        Pipeline.emitAll(Payments, (p) => p.id === "a1" ? [payment("a2")] : [])
      ),
      (test) =>
        Effect.gen(function*() {
          yield* test.publish(Payments, payment("a1"))
          yield* test.drain()
          assert.deepStrictEqual(test.committed.length, 2)
          assert.deepStrictEqual((yield* test.emitted(Receipts)).map((receipt) => receipt.id), [
            "by hand",
            "a1",
            "by hand",
            "a2"
          ])
          assert.strictEqual(
            test.life("a1"),
            "published at 0 ms, emitted to receipts, emitted to receipts, emitted to payments, committed at 0 ms"
          )
        })
    ).pipe(Effect.provide(Memory.layer)))

  it.effect("shows nothing of a commit step that fails behind its own publish", () =>
    TestPipeline.run(
      Pipeline.from(Payments, { consumer: "ledger" }).pipe(
        Pipeline.commit((p, { attempt }) =>
          Effect.andThen(
            Topic.publish(Payments, payment(`${p.id}-again`)),
            attempt === 1 || p.id !== "a1" ? Effect.die("not now") : Effect.void
          )
        ),
        Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false }))
      ),
      (test) =>
        Effect.gen(function*() {
          yield* test.publish(Payments, payment("a1"))
          yield* test.drain()
          assert.strictEqual(
            test.story,
            "a1: published at 0 ms, attempt 1 failed Defect at 0 ms, retry at 100 ms, emitted to payments, committed at 100 ms\n"
              + "a1-again: published at 100 ms, attempt 1 failed Defect at 100 ms, retry at 200 ms, "
              + "attempt 2 failed Defect at 200 ms, dead (exhausted, Defect) at 200 ms"
          )
        })
    ).pipe(Effect.provide(Memory.layer)))

  it.effect("shows a message that was published for later when its time has come", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.publish(Payments, payment("a1"), { delay: "1 hour" })
        yield* test.advance("59 minutes")
        assert.deepStrictEqual(yield* test.delayed(Payments), [
          { id: "a1", value: payment("a1"), due: 3_600_000, name: undefined }
        ])
        assert.strictEqual(test.life("a1"), "delayed until 3600000 ms")
        assert.deepStrictEqual(test.committed, [])
        yield* test.advance("2 minutes")
        assert.deepStrictEqual(yield* test.delayed(Payments), [])
        assert.match(
          test.life("a1"),
          /^delayed until 3600000 ms, published at 3600000 ms, emitted to receipts, committed at \d+ ms$/
        )
      })).pipe(Effect.provide(services)))

  it.effect("shows every failure of a message that is redriven and fails again at once", () =>
    TestPipeline.run(ledger.pipe(Pipeline.retry(Retry.never)), (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1" }, TestPipeline.fail(new Declined()))
        yield* test.inject({ id: "a1", redriven: 1 }, TestPipeline.fail(new Declined()))
        yield* test.publish(Payments, payment("a1"))
        yield* test.runReady
        yield* test.redrive("a1")
        yield* test.runReady
        const once = "attempt 1 failed Declined at 0 ms, dead (exhausted, Declined) at 0 ms"
        assert.strictEqual(test.life("a1"), `published at 0 ms, ${once}, redriven at 0 ms, ${once}`)
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
            /1 message still waits after 60000 ms: a1\.[^]*a1: published at 0 ms, attempt 1 began at 0 ms$/
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
      // Every held key continued when its time had come, to the millisecond.
      const attempts = [...one.matchAll(/held until (\d+) ms, attempt \d failed Declined at (\d+) ms/g)]
      assert.strictEqual(attempts.length, 20)
      for (const [found, until, at] of attempts) assert.isAtMost(Math.abs(Number(at) - Number(until)), 1, found)
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

describe("an injected failure", () => {
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
        // It is alone from the start, so that it runs once.
        assert.match(
          test.life("a1"),
          /^published at 0 ms, attempt 1 failed StepTimeout at 10000 ms, .*committed at 10100 ms$/
        )
        assert.strictEqual(yield* balance, 2)
      })).pipe(Effect.provide(services)))

  it.effect("a transient failure repeats the transaction and counts no attempt", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1" }, TestPipeline.transientFailure(2))
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        assert.deepStrictEqual(test.attempts("a1"), [0])
        assert.match(
          test.life("a1"),
          /^published at 0 ms, its transaction met TransientFailure at 0 ms, its transaction met TransientFailure at \d+ ms, emitted .*committed/
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

  it.effect("a fault that strikes the calls of a port comes with the layer", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        yield* test.inject({ id: "a1" }, TestPipeline.fail(new Declined()))
        yield* test.inject({ id: "a1", attempt: 2 }, TestPipeline.fail(new Declined()))
        yield* test.publish(Payments, payment("a1"))
        yield* test.drain()
        assert.match(
          test.life("a1"),
          /its transaction met TransientFailure at \d+ ms, key a held until \d+ ms, .*committed/
        )
        assert.deepStrictEqual(test.committed, ["a1"])
      })).pipe(Effect.provide([
        TestRates,
        TestBalance,
        Faults.layer({ faults: [{ at: "transact.ended", action: { _tag: "Fail" } }] }).pipe(Layer.provide(Memory.layer))
      ])))

  it.effect("an injection that strikes nothing fails the test, if nothing else does", () =>
    Effect.gen(function*() {
      const test = <E>(after: Effect.Effect<void, E>) =>
        TestPipeline.run(ledger, (test) =>
          Effect.gen(function*() {
            yield* test.inject({ id: "typo" }, TestPipeline.stall)
            yield* test.inject({ id: "a1" }, TestPipeline.transientFailure())
            yield* test.publish(Payments, payment("a1"))
            yield* test.drain()
            yield* after
          }))
      const error = yield* Effect.flip(test(Effect.void))
      assert(error._tag === "NeverStruck")
      assert.deepStrictEqual(error.injections, [`Stall at {"id":"typo"}`])
      assert.include(error.message, "a1: published at 0 ms, its transaction met TransientFailure")
      assert.strictEqual(yield* Effect.flip(test(Effect.fail("its own"))), "its own")
    }).pipe(Effect.provide(services)))

  it.effect("a step that the pipeline does not have is refused, and the others are named", () =>
    TestPipeline.run(ledger, (test) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(test.inject({ step: 3 }, TestPipeline.stall))
        assert.strictEqual(error._tag, "NoSuchStep")
        assert.include(error.message, "no step 3 that runs an effect")
        assert.include(error.message, "1 (MapEffect), 2 (Commit)")
        const none = Pipeline.from(Payments, { consumer: "none" }).pipe(Pipeline.map((p) => p))
        const said = (step: "steps" | "commit" | undefined) =>
          TestPipeline.run(none, (test) => Effect.flip(test.inject({ step }, TestPipeline.stall))).pipe(
            Effect.map((error) => error.message.split(".")[0])
          )
        assert.deepStrictEqual([yield* said("steps"), yield* said("commit"), yield* said(undefined)], [
          "The pipeline has no step before the transaction that runs an effect",
          "The pipeline has no step inside of the transaction that runs an effect",
          "The pipeline has no step that runs an effect"
        ])
      })).pipe(Effect.provide(services)))
})
