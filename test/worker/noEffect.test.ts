// Functions that do not return what they should: a promise, nothing, or an effect that hides one of these. TypeScript
// refuses most of them; JavaScript, `any` and a forgotten `return` do not. An effect that is none ends its fiber past
// every handler.
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule, Schema, SchemaGetter, Stream } from "effect"
import { Consumers, KeyedStream, Memory, Pipeline, Retry, Store, Topic } from "millrace"
import { deadLetters, drain, groups, type Order, order, Orders, ports, publish, Receipts, receipts } from "./support.ts"

const retry = Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false }))
type Returned = Effect.Effect<Order>
const wrong = (value: unknown): Returned => value as Returned

const returned: ReadonlyArray<{ readonly what: string; readonly f: (one: Order) => Returned; readonly says: string }> =
  [
    { what: "a promise", f: (one) => wrong(Promise.resolve(one)), says: "returned a promise" },
    { what: "a promise that fails", f: () => wrong(Promise.reject(new Error("async"))), says: "returned a promise" },
    { what: "nothing", f: () => wrong(undefined), says: "returned nothing" },
    { what: "a value", f: () => wrong(42), says: "type number" },
    {
      what: "nothing, within its effect",
      f: () => Effect.flatMap(Effect.void, () => wrong(undefined)),
      says: "Not a valid effect"
    },
    {
      what: "a promise, within its effect",
      f: (one) => Effect.flatMap(Effect.yieldNow, () => wrong(Promise.resolve(one))),
      says: "Not a valid effect"
    },
    {
      what: "its own end",
      f: () =>
        Effect.flatMap(Effect.fiber, (fiber) => Effect.as(Effect.sync(() => fiber.interruptUnsafe()), order("", 0)))
          .pipe(Effect.andThen(Effect.never)),
      says: "interrupted"
    }
  ]

/** The pipeline, and in which order its messages had their steps and commits. */
const watched = (where: string, f: (one: Order) => Returned) => {
  const seen: Array<string> = []
  const ran = (one: Order) => {
    seen.push(one.id)
    return one.n === 1 ? f(one) : Effect.succeed(one)
  }
  const from = Pipeline.from(Orders, { consumer: "ledger" })
  const emit = Pipeline.emit(Receipts, (one: unknown) => ({ of: (one as Order).id }))
  const pipelines = {
    mapEffect: from.pipe(Pipeline.mapEffect(ran), emit, retry),
    tap: from.pipe(Pipeline.tap(ran), emit, retry),
    commit: from.pipe(Pipeline.commit(ran), emit, retry),
    commitBatch: from.pipe(
      Pipeline.commitBatch((ones) => {
        const first = ones.find((one) => one.n === 1)
        return first === undefined ? Effect.void : f(first) as Effect.Effect<never>
      }),
      emit,
      retry
    )
  }
  return { seen, pipeline: pipelines[where as keyof typeof pipelines] }
}

const all = Pipeline.from(Orders, { consumer: "ledger" })
const places = ["mapEffect", "tap", "commit", "commitBatch"]
const cases = returned.flatMap(({ f, says, what }) => places.map((where) => ({ f, says, what, where })))

describe("a function that returns no effect is a failed attempt like any other defect, and nothing of its key runs ahead", () => {
  for (
    const [engine, layer] of [["memory", Memory.layer], [
      "groups",
      groups((body, transact) => transact(body))
    ]] as const
  ) {
    it.effect.each(cases)(`${engine}: $where, $what`, ({ f, says, where }) =>
      Effect.gen(function*() {
        const { pipeline, seen } = watched(where, f)
        yield* publish(Orders, [order("a", 1), order("a", 2), order("b", 2)])
        yield* drain(pipeline, { committers: 1 })
        const [deadLetter, ...others] = yield* deadLetters("ledger")
        assert.deepStrictEqual([deadLetter?.message.id, others.length], ["a1", 0])
        assert.deepStrictEqual(deadLetter!.attempts.map(({ tag }) => tag), ["Defect", "Defect"])
        assert.deepStrictEqual(deadLetter!.attempts.map(({ attempt }) => attempt), [1, 2])
        assert.include(deadLetter!.attempts[0]!.message, says)
        assert.strictEqual(deadLetter!.attempts[0]!.step, where.startsWith("commit") ? "commit" : "steps")
        assert.deepStrictEqual((yield* receipts()).toSorted(), ["a2", "b2"])
        if (where !== "commitBatch") {
          const ofA = seen.filter((id) => id.startsWith("a"))
          assert.strictEqual(ofA.lastIndexOf("a1") < ofA.lastIndexOf("a2"), true, ofA.join())
        }
        assert.deepStrictEqual((yield* Effect.orDie(Consumers.list))[0]!.waiting, { count: 0, more: false })
      }).pipe(Effect.provide(layer)))
  }
})

describe("other functions of the user", () => {
  it.effect("that filter by a promise are a defect, not always true", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.filter(() => Promise.resolve(false) as unknown as boolean),
          Pipeline.emit(Receipts, (one) => ({ of: one.id })),
          retry
        )
      )
      assert.include((yield* deadLetters("ledger"))[0]!.attempts[0]!.message, "a boolean is expected")
      assert.deepStrictEqual(yield* receipts(), [])
    }).pipe(Effect.provide(Memory.layer)))

  const promise = () => Promise.reject(new Error("async")) as never
  const computing: ReadonlyArray<{ readonly where: string; readonly step: (from: typeof all) => typeof all }> = [
    { where: "map", step: Pipeline.map(promise) },
    { where: "emit", step: (from) => from.pipe(Pipeline.emit(Receipts, promise)) as never },
    { where: "emitAll", step: (from) => from.pipe(Pipeline.emitAll(Receipts, promise)) as never }
  ]
  it.effect.each(computing)(
    "that only compute, and return a promise, are a defect: $where",
    ({ step }) =>
      Effect.gen(function*() {
        yield* publish(Orders, [order("a", 1)])
        yield* drain(step(all).pipe(Pipeline.emit(Receipts, (one) => ({ of: one.id })), retry))
        const [deadLetter] = yield* deadLetters("ledger")
        assert.deepStrictEqual(deadLetter?.attempts.map(({ tag }) => tag), ["Defect", "Defect"])
        assert.include(deadLetter!.attempts[0]!.message, "returned a promise, where a value is expected")
        assert.notInclude(deadLetter!.attempts[0]!.message, "..")
        assert.deepStrictEqual(yield* receipts(), [])
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect.each([{ where: "before an effect" }, { where: "in a run of its key" }])(
    "that decode, and return no effect, make the message a dead letter and its key continues in order: $where",
    ({ where }) =>
      Effect.gen(function*() {
        const Broken = Orders.schema.pipe(
          Schema.decodeTo(Orders.schema, {
            decode: SchemaGetter.transformEffect<Order, Order>((one: Order) =>
              one.n === 2 ? Effect.flatMap(Effect.void, () => undefined as never) : Effect.succeed(one)
            ),
            encode: SchemaGetter.passthrough()
          })
        )
        const Old = Topic.make("orders", { schema: Broken, key: (one) => one.account, id: (one) => one.id })
        yield* publish(Orders, [1, 2, 3, 4].map((n) => order("a", n)))
        const from = Pipeline.from(Old, { consumer: "ledger" })
        const [took] = yield* Effect.timed(drain(
          (where === "in a run of its key" ? from : from.pipe(Pipeline.tap(() => Effect.void))).pipe(
            Pipeline.emit(Receipts, (one) => ({ of: one.id })),
            retry
          ) as Pipeline.Pipeline<unknown, unknown, never>,
          { committers: 1 }
        ))
        assert.isBelow(Duration.toMillis(took), 2000, "nothing was held")
        const dead = yield* deadLetters("ledger")
        assert.deepStrictEqual(dead.map((deadLetter) => [deadLetter.message.id, deadLetter.reason]), [[
          "a2",
          "undecodable"
        ]])
        assert.deepStrictEqual(yield* receipts(), ["a1", "a3", "a4"])
      }).pipe(Effect.provide(groups((body, transact) => transact(body))))
  )

  it.effect("that decide about the next attempt, and return no effect, end the attempts", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1), order("a", 2)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap((one) => one.n === 1 ? Effect.fail("no") : Effect.void),
          Pipeline.emit(Receipts, (one) => ({ of: one.id })),
          Pipeline.retry(
            Schedule.fromStep(Effect.succeed(() => Effect.flatMap(Effect.void, () => wrong(undefined) as never)))
          )
        )
      )
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepStrictEqual([deadLetter!.message.id, deadLetter!.reason, deadLetter!.attempts.length], [
        "a1",
        "exhausted",
        1
      ])
      assert.deepStrictEqual(yield* receipts(), ["a2"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that return no effect where a message is handled at most once: the next one continues, and nothing waits", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      yield* publish(Orders, [order("a", 1), order("a", 2)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger", delivery: "atMostOnce" }).pipe(
          Pipeline.tap((one) => {
            seen.push(one.id)
            return one.n === 1 ? Effect.flatMap(Effect.void, () => wrong(undefined)) : Effect.void
          }),
          Pipeline.emit(Receipts, (one) => ({ of: one.id }))
        )
      )
      assert.deepStrictEqual(seen, ["a1", "a2"])
      assert.deepStrictEqual(yield* receipts(), ["a2"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("of a keyed stream fail the stream", () =>
    Effect.gen(function*() {
      for (const f of [() => wrong(undefined), () => Effect.flatMap(Effect.void, () => wrong(undefined))]) {
        const exit = yield* Effect.exit(
          Stream.make(1, 2).pipe(KeyedStream.mapEffect(f, { key: (n) => n }), Stream.runCollect)
        )
        assert.strictEqual(exit._tag, "Failure")
      }
    }))
})

describe("a committer whose store ends its fiber", () => {
  it.effect("has a successor: the attempts of its members have failed, and the next ones commit", () => {
    let broken = 1
    return Effect.gen(function*() {
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.emit(Receipts, (one) => ({ of: one.id })),
        retry
      )
      yield* publish(Orders, [order("a", 1), order("a", 2)])
      yield* drain(pipeline, { committers: 1 })
      assert.deepStrictEqual(yield* receipts(), ["a1", "a2"])
      assert.isBelow(broken, 1)
    }).pipe(Effect.provide(ports({
      store: ({ transact }) => ({
        transact: ((body: Effect.Effect<unknown, unknown, Store.Transaction>) =>
          Effect.flatMap(Store.WorkerTransaction, (worker) =>
            worker !== undefined && worker !== "separate" && broken-- > 0
              ? wrong(undefined) as never
              : transact(body))) as unknown as typeof transact
      })
    })))
  })
})
