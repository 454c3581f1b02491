// What the worker tests share: a worker in a fiber, waiting without sleeping, and a record of what handlers saw.
import { assert } from "@effect/vitest"
import { Effect, Fiber, type Schema } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetters, type Delivery, type Pipeline, type Store, Topic, type Transport, Worker } from "millrace"

type Ports = Store.Store | Transport.Transport

/** Lets every fiber run that can, without any time passing. */
export const settle: Effect.Effect<void> = Effect.repeat(Effect.yieldNow, { times: 400 }).pipe(Effect.asVoid)

/** Waits until something is so, without any time passing. */
export const until = (what: string, condition: () => boolean): Effect.Effect<void> =>
  Effect.gen(function*() {
    for (let i = 0; i < 20_000 && !condition(); i++) yield* Effect.yieldNow
    assert.isTrue(condition(), `still not so: ${what}`)
  })

/** Lets time pass in steps of 100 ms until something is so. */
export const eventually = (what: string, condition: () => boolean, within = 60_000): Effect.Effect<void> =>
  Effect.gen(function*() {
    yield* settle
    for (let passed = 0; passed < within && !condition(); passed += 100) {
      yield* TestClock.adjust("100 millis")
      yield* settle
    }
    assert.isTrue(condition(), `not so within ${within} ms: ${what}`)
  })

/** A running worker. */
export const start = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: Worker.WorkerOptions
) => Effect.forkChild(Worker.run(pipeline, options), { startImmediately: true })

/** Stops a worker as SIGTERM does, and lets the time pass that it needs for that. */
export const stop = Effect.fnUntraced(function*<A, E>(worker: Fiber.Fiber<A, E>) {
  const stopping = yield* Effect.forkChild(Fiber.interrupt(worker), { startImmediately: true })
  yield* eventually("the worker has stopped", () => stopping.pollUnsafe() !== undefined)
})

/** Works off what is there, and lets the time pass that this needs. */
export const drain = Effect.fnUntraced(function*<A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: Worker.WorkerOptions
) {
  const worker = yield* Effect.forkChild(Worker.drain(pipeline, { idlePoll: "100 millis", ...options }), {
    startImmediately: true
  })
  yield* eventually("nothing is left", () => worker.pollUnsafe() !== undefined)
  return yield* Fiber.join(worker)
})

/** What handlers saw, in the order in which it happened. */
export class Journal<A> {
  readonly entries: Array<{ readonly value: A; readonly delivered: Delivery.Delivered }> = []

  readonly write = (value: A, delivered: Delivery.Delivered): Effect.Effect<void> =>
    Effect.sync(() => {
      this.entries.push({ value, delivered })
    })

  get values(): ReadonlyArray<A> {
    return this.entries.map((entry) => entry.value)
  }

  get attempts(): ReadonlyArray<number> {
    return this.entries.map((entry) => entry.delivered.attempt)
  }

  get size(): number {
    return this.entries.length
  }
}

/** The open letters of a consumer, oldest first. */
export const letters = (consumer: string): Effect.Effect<ReadonlyArray<DeadLetter>, never, Store.Store> =>
  Effect.map(Effect.orDie(DeadLetters.list({ consumer })), (found) => found.toReversed())

type DeadLetter = Effect.Success<ReturnType<typeof DeadLetters.list>>[number]

/** Publishes, failing the test if that fails. */
export const publish = <S extends Schema.Constraint>(
  topic: Topic.Topic<string, S>,
  values: ReadonlyArray<S["Type"]>
): Effect.Effect<ReadonlyArray<string>, never, Ports | S["EncodingServices"]> =>
  Effect.orDie(Topic.publishAll(topic, values))
