// The kit for users goes red for handlers that are wrong: a crash at every point, and what a plain test sees.
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Ref, TxRef } from "effect"
import { Memory, Pipeline, Retry, Topic } from "millrace"
import { TestPipeline } from "millrace/testing"
import { balance, Declined, ledger, payment, Payments, Rates, Receipts, services } from "./ledger.ts"

/** Mails that are sent before the transaction, and how the mail server keeps them. */
class Mails extends Context.Service<Mails, { readonly sent: Ref.Ref<ReadonlyArray<string>> }>()("Mails") {}
const mailing = (kept: (sent: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<string>>) =>
  Pipeline.from(Payments, { consumer: "mails" }).pipe(
    Pipeline.tap((p) =>
      Mails.use(({ sent }) =>
        TestPipeline.around(
          "mail",
          Effect.flatMap(
            Ref.get(sent),
            (before) => Effect.flatMap(kept([...before, p.id]), (now) => Ref.set(sent, now))
          )
        )
      )
    )
  )
const mails = {
  state: Mails.use(({ sent }) => Ref.get(sent)),
  layer: Layer.mergeAll(
    Memory.layer,
    Layer.effect(Mails, Effect.map(Ref.make<ReadonlyArray<string>>([]), (sent) => ({ sent })))
  )
}
const one = (test: TestPipeline.Test) => test.publish(Payments, payment("a1"))

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

  it.effect("logs nothing by default, and with `logs` only what a living worker logs", () => {
    const lines: Array<string> = []
    const logger = Logger.make(({ message }) => {
      if (!/^Worker \S+ (started|stopped)|^No consumer reads topic "receipts"/.test(String(message))) {
        lines.push(String(message))
      }
    })
    return Effect.gen(function*() {
      yield* TestPipeline.crashEverywhere(ledger, { scenario, state: balance, layer: services, logs: true })
      assert.deepStrictEqual(lines, [])
      const declined = (logs?: boolean) =>
        TestPipeline.run(ledger, (test) =>
          Effect.gen(function*() {
            yield* test.inject({ id: "a1", attempt: "every" }, TestPipeline.fail(new Declined()))
            yield* test.inject({ id: "b1" }, TestPipeline.stall)
            yield* test.publish(Payments, payment("a1"))
            yield* test.drain()
            yield* test.publish(Payments, payment("b1"))
            yield* test.runReady
          }), { logs }).pipe(Effect.provide(services, { local: true }))
      yield* declined()
      assert.deepStrictEqual(lines, [])
      yield* declined(true)
      assert.lengthOf(lines, 2)
      assert.match(lines[0]!, /^Attempt \d failed, and the message is held for a retry in .*: Declined/)
      assert.match(lines[1]!, /^A message became a dead letter \(exhausted\): Declined.*, after it was tried for /)
    }).pipe(Effect.provide(Logger.layer([logger])))
  })

  it.effect("catches: a mail that is sent again", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        TestPipeline.crashEverywhere(mailing(Effect.succeed), { ...mails, scenario: one })
      )
      assert(error._tag === "CrashDiverged")
      assert.strictEqual(error.point, "a1, attempt 1: after mail")
      assert.include(error.message, "Crash point 4 of")
      assert.include(error.message, `{"state":["a1","a1"],`)
      assert.include(error.message, "move the effect into Pipeline.commit, or make it idempotent")
      assert.include(error.message, "a1: published at 0 ms, attempt 1 began at 0 ms, process crashed at 0 ms")
    }))

  it.effect("and passes one that is kept by the message's id, beside others", () =>
    Effect.gen(function*() {
      const { state } = yield* TestPipeline.crashEverywhere(mailing((sent) => Effect.succeed([...new Set(sent)])), {
        ...mails,
        scenario: (test) => test.publishAll(Payments, [payment("a1"), payment("b1"), payment("a2")])
      })
      assert.deepStrictEqual(state.toSorted(), ["a1", "a2", "b1"])
    }))

  it.effect("catches: a message that is emitted with another content after a crash", () =>
    Effect.gen(function*() {
      let calls = 0
      const counting = Pipeline.from(Payments, { consumer: "counting" }).pipe(
        Pipeline.map((p) => ({ id: p.id, cents: ++calls })),
        Pipeline.emit(Receipts, (p) => p)
      )
      const error = yield* Effect.flip(TestPipeline.crashEverywhere(counting, {
        scenario: (test) => test.publish(Payments, payment("a1")),
        state: Effect.sync(() => calls = 0),
        layer: Memory.layer
      }))
      assert(error._tag === "CrashDiverged")
      assert.include(error.crashed, "\"cents\\\":2")
    }))

  it.effect("catches: a message for later that is published again after a crash", () =>
    Effect.gen(function*() {
      let calls = 0
      const reminding = (name?: string) =>
        Pipeline.from(Payments, { consumer: "reminding" }).pipe(
          Pipeline.tap((p) =>
            Topic.publish(Receipts, { id: "receipt", cents: p.cents }, {
              id: name ?? String(++calls),
              delay: "1 hour",
              name
            })
          )
        )
      const crash = { scenario: one, state: Effect.sync(() => calls = 0), layer: Memory.layer }
      const error = yield* Effect.flip(TestPipeline.crashEverywhere(reminding(), crash))
      assert(error._tag === "CrashDiverged")
      assert.strictEqual(error.point, "a1, attempt 1: after step 1 (Tap)")
    }))

  it.effect("is refused where nothing would be shown", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(
        TestPipeline.crashEverywhere(ledger, { scenario: () => Effect.void, state: balance, layer: services })
      )
      assert.strictEqual(error._tag, "NothingToCrash")
    }))

  it.effect("compares with the given function", () =>
    Effect.map(
      TestPipeline.crashEverywhere(mailing(Effect.succeed), { ...mails, scenario: one, same: () => true }),
      ({ state }) => assert.deepStrictEqual(state, ["a1"])
    ))
})

describe("a handler that is wrong turns its test red", () => {
  /** The test of a user, and whether it passed. */
  const passes = <E, R>(test: Effect.Effect<void, E, R>) =>
    Effect.map(Effect.exit(test), (exit) => exit._tag === "Success")
  const rates = Layer.succeed(Rates, { convert: () => Effect.fail(new Declined()) })

  it.effect("catches: one that swallows its failure", () => {
    const test = (convert: (p: { readonly cents: number }) => Effect.Effect<number, Declined, Rates>) =>
      TestPipeline.run(
        Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.mapEffect(convert), Pipeline.retry(Retry.never)),
        (test) =>
          Effect.gen(function*() {
            yield* test.publish(Payments, payment("a1"))
            yield* test.drain()
            assert.deepStrictEqual(test.dead, [{ id: "a1", reason: "exhausted", tag: "Declined" }], test.story)
          })
      ).pipe(Effect.provide([rates, Memory.layer], { local: true }))
    const convert = (p: { readonly cents: number }) => Rates.use((rates) => rates.convert(p.cents))
    return Effect.gen(function*() {
      assert.isTrue(yield* passes(test(convert)))
      assert.isFalse(yield* passes(test((p) => Effect.catch(convert(p), () => Effect.succeed(0)))))
    })
  })

  it.effect("catches: a topic that has lost its key, and so its order", () => {
    const test = (key: ((p: { readonly account: string }) => string) | undefined) => {
      const topic = Topic.make("payments", { schema: Payments.schema, key, id: (p) => p.id })
      return TestPipeline.run(
        Pipeline.from(topic, { consumer: "ledger" }).pipe(Pipeline.tap(() => Effect.void)),
        (test) =>
          Effect.gen(function*() {
            yield* test.inject({ id: "a1" }, TestPipeline.die("once"))
            yield* test.publishAll(topic, [payment("a1"), payment("a2"), payment("a3")])
            yield* test.drain()
            assert.deepStrictEqual(test.committed, ["a1", "a2", "a3"], test.story)
          })
      ).pipe(Effect.provide(Memory.layer, { local: true }))
    }
    return Effect.gen(function*() {
      assert.isTrue(yield* passes(test((p) => p.account)))
      assert.isFalse(yield* passes(test(undefined)))
    })
  })

  it.effect("catches: a commit step that writes past the transaction", () => {
    const test = (write: (balance: TxRef.TxRef<number>, outside: Ref.Ref<number>) => Effect.Effect<void>) =>
      Effect.gen(function*() {
        const inside = yield* TxRef.make(0)
        const outside = yield* Ref.make(0)
        yield* TestPipeline.run(
          Pipeline.from(Payments, { consumer: "ledger" }).pipe(
            Pipeline.commit(() => write(inside, outside)),
            Pipeline.commit(() => Effect.void)
          ),
          (test) =>
            Effect.gen(function*() {
              yield* test.inject({ id: "a1", step: 2 }, TestPipeline.die("after the first write"))
              yield* test.publish(Payments, payment("a1"))
              yield* test.drain()
              assert.strictEqual((yield* TxRef.get(inside)) + (yield* Ref.get(outside)), 1, test.story)
            })
        )
      }).pipe(Effect.provide(Memory.layer, { local: true }))
    return Effect.gen(function*() {
      assert.isTrue(yield* passes(test((inside) => TxRef.update(inside, (n) => n + 1))))
      assert.isFalse(yield* passes(test((_, outside) => Ref.update(outside, (n) => n + 1))))
    })
  })
})
