// Worker.stream: how each delivery ended, as a stream that a slow reader may slow and never block.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Memory, Pipeline, Retry, Store, Worker } from "millrace"
import {
  deadLetters,
  Declined,
  drain,
  eventually,
  groups,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  ports,
  publish,
  runReadyFibers,
  stop,
  until
} from "./support.ts"

type Read = Worker.Outcome<unknown>

/** Reads a stream of outcomes in a fiber, as fast as they come. */
const reading = Effect.fnUntraced(function*<A, E, R>(outcomes: Stream.Stream<Worker.Outcome<A>, E, R>) {
  const read: Array<Worker.Outcome<A>> = []
  const fiber = yield* Effect.forkChild(Stream.runForEach(outcomes, (one) => Effect.sync(() => read.push(one))), {
    startImmediately: true
  })
  return { read, fiber }
})

const shown = ({ _tag, context }: Read) => `${context.message.id} ${_tag} ${context.attempt}`
const quick = { grace: 0, idlePoll: "100 millis" } as const

const declining = (one: Order, attempt: number) =>
  one.account === "bad" || (one.account === "late" && attempt === 1)
    ? Effect.fail(new Declined({ reason: "busy" }))
    : Effect.succeed(`paid ${one.id}`)

const mixed = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
  Pipeline.filter((one) => one.account !== "skipped"),
  Pipeline.mapEffect((one, { attempt }) => declining(one, attempt)),
  Pipeline.retry(Retry.exponential("1 minute", { attempts: 2, jitter: false }))
)

/** Ids that the store of this test has committed before. */
const committedBefore = Effect.fnUntraced(function*(ids: ReadonlyArray<string>) {
  const before = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(() => Effect.void))
  yield* publish(Orders, ids.map((id) => ({ id, account: "again", n: 0 })))
  yield* drain(before)
})

describe("the outcomes of a worker", () => {
  it.effect("say how each delivery ended, with its message's context and the value of its last step", () =>
    Effect.gen(function*() {
      yield* committedBefore(["twice"])
      yield* publish(Orders, [order("a", 1), order("skipped", 1), { id: "twice", account: "again", n: 0 }])
      yield* publish(Orders, [order("late", 1), order("bad", 1), { id: "twice", account: "again", n: 5 }])
      const { fiber, read } = yield* reading(Worker.stream(mixed, quick))
      yield* until("all have ended once", () => read.length === 6)
      assert.deepStrictEqual(read.map(shown).toSorted(), [
        "a1 Committed 1",
        "bad1 Held 1",
        "late1 Held 1",
        "skipped1 Filtered 1",
        "twice DeadLettered 1",
        "twice Duplicate 1"
      ])
      const held = read.filter((one) => one._tag === "Held")
      assert.deepStrictEqual(held.map((one) => one.until), [60_000, 60_000])
      yield* eventually("the retries", () => read.length === 8, 120_000)
      assert.deepStrictEqual(read.slice(6).map(shown).toSorted(), ["bad1 DeadLettered 2", "late1 Committed 2"])
      assert.deepStrictEqual(read.flatMap((one) => one._tag === "Committed" ? [one.value] : []), [
        "paid a1",
        "paid late1"
      ])
      const kept = yield* deadLetters("ledger")
      assert.deepStrictEqual(
        new Set(read.flatMap((one) => one._tag === "DeadLettered" ? [`${one.id} ${one.reason} ${one.parked}`] : [])),
        new Set(kept.map((one) => `${one.id} ${one.reason} false`))
      )
      yield* stop(fiber)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("say of a parked key that it waits for an operator", () =>
    Effect.gen(function*() {
      const parking = mixed.pipe(Pipeline.deadLetter({ order: "park" }), Pipeline.retry(Retry.never))
      yield* publish(Orders, orders("bad", 2))
      const { fiber, read } = yield* reading(Worker.stream(parking, quick))
      yield* until("the first is a dead letter", () => read.length === 1)
      yield* runReadyFibers
      assert.deepStrictEqual(
        read.map((one) => one._tag === "DeadLettered" && [one.context.message.id, one.reason, one.parked]),
        [["bad1", "exhausted", true]]
      )
      yield* stop(fiber)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("of one key come in its order, also where its messages share a transaction", () =>
    Effect.gen(function*() {
      const pure = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.map((one) => one.n))
      for (const account of ["a", "b", "c"]) yield* publish(Orders, orders(account, 30))
      const { fiber, read } = yield* reading(Worker.stream(pure, quick))
      yield* until("all are read", () => read.length === 90)
      for (const account of ["a", "b", "c"]) {
        const of = read.filter((one) => one.context.message.key === account)
        assert.deepStrictEqual(
          of.map((one) => one._tag === "Committed" && one.value),
          Array.from({ length: 30 }, (_, i) => i + 1)
        )
      }
      yield* stop(fiber)
    }).pipe(Effect.provide(groups((body, transact) => transact(body)))))

  it.effect("slow the fetching while they are unread, and delay no commit of what is in flight", () =>
    Effect.gen(function*() {
      const done = new Journal<Order>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write))
      yield* publish(Orders, Array.from({ length: 40 }, (_, n) => order(`key${n}-`, n)))
      const latch = Deferred.makeUnsafe<void>()
      let read = 0
      const fiber = yield* Worker.stream(pipeline, { ...quick, concurrency: 2, prefetch: 4 }).pipe(
        Stream.runForEach(() => Effect.andThen(Effect.sync(() => read++), Deferred.await(latch))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* eventually("it commits what it has places for", () => done.size === 4)
      yield* eventually("and no more", () => true, 5_000)
      assert.deepStrictEqual([read, done.size], [1, 4])
      yield* Deferred.succeed(latch, undefined)
      yield* eventually("the reader has them all", () => read === 40)
      assert.strictEqual(done.size, 40)
      yield* stop(fiber)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a stream of outcomes", () => {
  const latched = () => {
    const latch = Deferred.makeUnsafe<void>()
    const began = new Journal<Order>()
    const done = new Journal<Order>()
    const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
      Pipeline.tap(began.write),
      Pipeline.tap(() => Deferred.await(latch)),
      Pipeline.commit(done.write)
    )
    return { latch, began, done, pipeline }
  }

  it.effect("that is cancelled stops its worker gracefully: what runs may finish, the rest is given back uncounted", () =>
    Effect.gen(function*() {
      const { began, done, latch, pipeline } = latched()
      yield* publish(Orders, orders("a", 2))
      const { fiber, read } = yield* reading(Worker.stream(pipeline, { grace: "10 seconds" }))
      yield* until("one runs", () => began.size === 1)
      const stopping = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust("9 seconds")
      yield* runReadyFibers
      assert.isUndefined(stopping.pollUnsafe(), "it waits for what runs")
      yield* Deferred.succeed(latch, undefined)
      yield* until("it has stopped", () => stopping.pollUnsafe() !== undefined)
      assert.deepStrictEqual([done.values.map((one) => one.id), read], [["a1"], []])
      yield* drain(pipeline)
      assert.deepStrictEqual([done.values.map((one) => one.id), done.attempts], [["a1", "a2"], [1, 1]])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("with stopWhen stops gracefully, emits the outcomes of the stop, and ends", () =>
    Effect.gen(function*() {
      const { began, latch, pipeline } = latched()
      yield* publish(Orders, orders("a", 2))
      const enough = Deferred.makeUnsafe<void>()
      const { fiber, read } = yield* reading(
        Worker.stream(pipeline, { grace: "10 seconds", stopWhen: Deferred.await(enough) })
      )
      yield* until("one runs", () => began.size === 1)
      yield* Deferred.succeed(enough, undefined)
      yield* runReadyFibers
      assert.deepStrictEqual([read, fiber.pollUnsafe()], [[], undefined])
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([read.map(shown), began.size], [["a1 Committed 1"], 1])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("with stopWhen emits what was unread when its worker had stopped", () =>
    Effect.gen(function*() {
      const done = new Journal<Order>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write))
      const latch = Deferred.makeUnsafe<void>()
      const enough = Deferred.makeUnsafe<void>()
      const read: Array<string> = []
      const fiber = yield* Worker.stream(pipeline, { ...quick, stopWhen: Deferred.await(enough) }).pipe(
        Stream.runForEach((one) =>
          Effect.andThen(Effect.sync(() => read.push(one.context.message.id)), Deferred.await(latch))
        ),
        Effect.forkChild({ startImmediately: true })
      )
      yield* runReadyFibers
      yield* publish(Orders, [order("a", 1)])
      yield* eventually("the reader has the first", () => read.length === 1)
      yield* publish(Orders, [order("b", 1)])
      yield* eventually("the second is committed", () => done.size === 2)
      yield* Deferred.succeed(enough, undefined)
      yield* runReadyFibers
      yield* Deferred.succeed(latch, undefined)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(read, ["a1", "b1"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("emits nothing for what is given back: its next delivery has the outcome", () =>
    Effect.gen(function*() {
      const { began, latch, pipeline } = latched()
      yield* publish(Orders, orders("a", 1))
      const enough = Deferred.makeUnsafe<void>()
      const first = yield* reading(Worker.stream(pipeline, { grace: 0, stopWhen: Deferred.await(enough) }))
      yield* until("it runs", () => began.size === 1)
      yield* Deferred.succeed(enough, undefined)
      yield* eventually("it has stopped", () => first.fiber.pollUnsafe() !== undefined)
      assert.deepStrictEqual(first.read, [])
      yield* Deferred.succeed(latch, undefined)
      const second = yield* reading(Worker.stream(pipeline, quick))
      yield* until("it is committed", () => second.read.length === 1)
      assert.deepStrictEqual(second.read.map(shown), ["a1 Committed 1"])
      yield* stop(second.fiber)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("fails with its worker's failure, after what was emitted before", () => {
    let broken = false
    const layer = ports({
      subscription: (inner) => ({
        take: (room, accept) =>
          Effect.suspend(() =>
            broken
              ? Effect.fail(
                new Errors.TransportError({ engine: "memory", operation: "read", kind: "permanent", detail: "gone" })
              )
              : inner.take(room, accept)
          )
      })
    })
    return Effect.gen(function*() {
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(() => Effect.void))
      yield* publish(Orders, orders("a", 2))
      const { fiber, read } = yield* reading(Worker.stream(pipeline, quick))
      yield* until("both are read", () => read.length === 2)
      broken = true
      yield* eventually("it has failed", () => fiber.pollUnsafe() !== undefined)
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.deepStrictEqual([error._tag, read.map(shown)], ["TransportError", ["a1 Committed 1", "a2 Committed 1"]])
    }).pipe(Effect.provide(layer))
  })

  it.effect("fails at once with a setting that cannot be", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Stream.runDrain(Worker.stream(mixed, { lanes: 0 })))
      assert.strictEqual(error._tag, "InvalidSetting")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("of a pipeline that runs at most once says what failed, and what was committed", () =>
    Effect.gen(function*() {
      const pipeline = Pipeline.from(Orders, { consumer: "ledger", delivery: "atMostOnce" }).pipe(
        Pipeline.mapEffect((one) => declining(one, 1))
      )
      yield* publish(Orders, [order("a", 1), order("bad", 1)])
      const { fiber, read } = yield* reading(Worker.stream(pipeline, quick))
      yield* until("both have ended", () => read.length === 2)
      assert.deepStrictEqual(read.map(shown).toSorted(), ["a1 Committed 1", "bad1 Failed 1"])
      const failed = read.find((one) => one._tag === "Failed")
      assert.instanceOf(failed?.error, Declined)
      yield* stop(fiber)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that is drained does what Worker.run and Worker.layer do", () =>
    Effect.gen(function*() {
      const one = Effect.fnUntraced(function*(by: "run" | "layer" | "stream") {
        const done = new Journal<Order>()
        const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.filter(({ n }) => n % 5 !== 0),
          Pipeline.commit((value, context) =>
            value.n % 7 === 0 || (value.n % 3 === 0 && context.attempt === 1)
              ? Effect.fail(new Declined({ reason: "busy" }))
              : done.write(value, context)
          ),
          Pipeline.retry(Retry.exponential("2 seconds", { attempts: 2, jitter: false }))
        )
        for (const account of ["a", "b", "c"]) yield* publish(Orders, orders(account, 20))
        const program = {
          run: Worker.run(pipeline, quick),
          layer: Layer.launch(Worker.layer(pipeline, quick)),
          stream: Stream.runDrain(Worker.stream(pipeline, quick))
        }[by]
        const worker = yield* Effect.forkChild(program, { startImmediately: true })
        yield* runReadyFibers
        const left = Effect.map(Effect.flatMap(Store.Store, (store) => store.consumers.status("ledger")), (status) =>
          status.waiting + status.delayedKeys)
        for (let i = 0; i < 200 && (yield* Effect.orDie(left)) > 0; i++) {
          yield* TestClock.adjust("1 second")
          yield* runReadyFibers
        }
        yield* stop(worker)
        const dead = (yield* deadLetters("ledger")).map((
          deadLetter
        ) => [deadLetter.message.id, deadLetter.reason, deadLetter.attempts.length])
        const committed = ["a", "b", "c"].map((account) =>
          done.entries.filter(({ value }) =>
            value.account === account
          ).map(({ context, value }) => `${value.id} ${context.attempt}`)
        )
        return { committed, dead: dead.map(String).toSorted() }
      })
      const [run, layer, stream] = yield* Effect.all([
        Effect.provide(one("run"), Memory.layer, { local: true }),
        Effect.provide(one("layer"), Memory.layer, { local: true }),
        Effect.provide(one("stream"), Memory.layer, { local: true })
      ])
      assert.deepStrictEqual(stream, run)
      assert.deepStrictEqual(layer, run)
      assert.deepStrictEqual([run.committed.flat().length, run.dead.length], [42, 6])
    }))
})
