// Worker.layer and Worker.launch: a worker that fails after its start fails its program, and never ends the process by
// itself.
import { assert, describe, it } from "@effect/vitest"
import { Cause, Deferred, Effect, Fiber, Layer, Logger } from "effect"
import { Errors, Memory, Pipeline, Topic, Worker } from "millrace"
import { eventually, Journal, type Order, Orders, orders, ports, publish, runReadyFibers, until } from "./support.ts"

/** An engine whose subscription of this consumer fails permanently when the test says so. */
const breaking = (consumer: string) => {
  const broken = Deferred.makeUnsafe<void>()
  const gone = new Errors.TransportError({ engine: "memory", operation: "read", kind: "permanent", detail: "gone" })
  const layer = ports({
    subscription: (inner, spec) => ({
      take: (room, accept) =>
        spec.consumer === consumer
          ? Effect.raceFirst(inner.take(room, accept), Effect.andThen(Deferred.await(broken), Effect.fail(gone)))
          : inner.take(room, accept)
    })
  })
  return { layer, fail: Deferred.succeed(broken, undefined) }
}

const pipelineOf = (consumer: string, done = new Journal<Order>()) =>
  Pipeline.from(Orders, { consumer }).pipe(Pipeline.commit(done.write))

const logged = () => {
  const lines: Array<string> = []
  return {
    lines,
    layer: Logger.layer([Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${String(message)}`))])
  }
}

describe("a program of workers", () => {
  it.effect("fails with the failure of one of them, after the others have stopped gracefully", () => {
    const { fail, layer } = breaking("ledger")
    const latch = Deferred.makeUnsafe<void>()
    const done = new Journal<Order>()
    const began = new Journal<Order>()
    const slow = Pipeline.from(Orders, { consumer: "slow" }).pipe(
      Pipeline.tap(began.write),
      Pipeline.tap(() => Deferred.await(latch)),
      Pipeline.commit(done.write)
    )
    const workers = Layer.merge(Worker.layer(pipelineOf("ledger")), Worker.layer(slow, { grace: "10 seconds" }))
    return Effect.gen(function*() {
      const program = yield* Effect.forkChild(Worker.launch(workers), { startImmediately: true })
      yield* runReadyFibers
      yield* publish(Orders, orders("a", 1))
      yield* until("the slow one runs", () => began.size === 1)
      yield* fail
      yield* runReadyFibers
      assert.isUndefined(program.pollUnsafe(), "it waits for what runs")
      yield* Deferred.succeed(latch, undefined)
      yield* until("it has ended", () => program.pollUnsafe() !== undefined)
      const error = yield* Effect.flip(Fiber.join(program))
      assert.deepStrictEqual([error._tag, done.size], ["TransportError", 1])
    }).pipe(Effect.provide(layer))
  })

  it.effect("fails with what keeps a worker from starting", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Worker.launch(Worker.layer(pipelineOf("ledger"), { lanes: 0 })))
      assert.strictEqual(error._tag, "InvalidSetting")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that is interrupted stops as a worker does", () => {
    const done = new Journal<Order>()
    return Effect.gen(function*() {
      const program = yield* Effect.forkChild(Worker.launch(Worker.layer(pipelineOf("ledger", done))), {
        startImmediately: true
      })
      yield* runReadyFibers
      yield* publish(Orders, orders("a", 2))
      yield* eventually("it works", () => done.size === 2)
      yield* Fiber.interrupt(program)
      const exit = program.pollUnsafe()
      assert.isTrue(exit?._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause))
    }).pipe(Effect.provide(Memory.layer))
  })
})

describe("a worker's layer", () => {
  it.effect("calls onFatal once with a failure after its start, logs it, and stays built", () => {
    const { fail, layer } = breaking("ledger")
    const { layer: logger, lines } = logged()
    const causes: Array<Cause.Cause<Worker.WorkerError>> = []
    return Effect.gen(function*() {
      const onFatal = (cause: Cause.Cause<Worker.WorkerError>) => Effect.sync(() => causes.push(cause))
      const program = yield* Effect.forkChild(
        Layer.launch(Worker.layer(pipelineOf("ledger"), { onFatal: (cause) => Effect.asVoid(onFatal(cause)) })),
        { startImmediately: true }
      )
      yield* runReadyFibers
      yield* fail
      yield* until("it is reported", () => causes.length > 0)
      yield* runReadyFibers
      assert.deepStrictEqual(causes.map((cause) => (Cause.squash(cause) as Worker.WorkerError)._tag), [
        "TransportError"
      ])
      assert.include(lines.join("\n"), "Fatal The worker of consumer \"ledger\" failed")
      assert.isUndefined(program.pollUnsafe())
      yield* Fiber.interrupt(program)
      assert.lengthOf(causes, 1)
    }).pipe(Effect.provide([layer, logger]))
  })

  it.effect("ends the program of launch although its onFatal dies", () => {
    const { fail, layer } = breaking("ledger")
    return Effect.gen(function*() {
      const broken = Worker.layer(pipelineOf("ledger"), { onFatal: () => Effect.die("broken") })
      const program = yield* Effect.forkChild(Effect.flip(Worker.launch(broken)), { startImmediately: true })
      yield* runReadyFibers
      yield* fail
      yield* until("the program has ended", () => program.pollUnsafe() !== undefined)
      assert.strictEqual((yield* Fiber.join(program))._tag, "TransportError")
    }).pipe(Effect.provide([layer, logged().layer]))
  })

  it.effect("does not call onFatal for a failure at its start, which fails the layer, nor when it is stopped", () => {
    let calls = 0
    const onFatal = () => Effect.sync(() => void calls++)
    return Effect.gen(function*() {
      const bad = Topic.make("", { schema: Orders.schema })
      yield* Effect.flip(Effect.provide(Effect.void, Worker.layer(pipelineOf("ledger"), { lanes: 0, onFatal })))
      yield* Effect.flip(
        Effect.provide(Effect.void, Worker.layer(Pipeline.from(bad, { consumer: "ledger" }), { onFatal }))
      )
      yield* Effect.provide(runReadyFibers, Worker.layer(pipelineOf("ledger"), { onFatal }))
      assert.strictEqual(calls, 0)
    }).pipe(Effect.provide(Memory.layer))
  })
})
