// Two pipelines under one consumer name: warned of by name, and only where they differ.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Redacted } from "effect"
import { TestClock } from "effect/testing"
import { Consumers, Memory, Pipeline, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { inject } from "vitest"
import { freshSchema } from "../postgres/kit.ts"
import { Orders, ports, Receipts, runReadyFibers, start, stop } from "./support.ts"

const named = Pipeline.from(Orders, { consumer: "ledger" })
/** Made again in each call, as a function of a program makes it. */
const booking = (amount: number) => named.pipe(Pipeline.map((one) => one.n * amount), Pipeline.tap(() => Effect.void))
const others = {
  "another step": named.pipe(Pipeline.map((one) => one.n), Pipeline.commit(() => Effect.void)),
  "another function": named.pipe(Pipeline.map((one) => one.n + 1), Pipeline.tap(() => Effect.void)),
  "another promise": Pipeline.from(Orders, { consumer: "ledger", delivery: "atLeastOnce" }).pipe(
    Pipeline.map((one) => one.n),
    Pipeline.tap(() => Effect.void)
  ),
  "another topic": Pipeline.from(Receipts, { consumer: "ledger" }).pipe(
    Pipeline.map((one) => one.of),
    Pipeline.tap(() => Effect.void)
  )
}

const warnings = () => {
  const lines: Array<string> = []
  const logger = Logger.layer([Logger.make(({ message }) => void lines.push(String(message)))])
  return { logger, found: () => lines.filter((line) => line.includes("Two different pipelines")) }
}

describe("two pipelines of one consumer in one process", () => {
  for (const [what, other] of Object.entries(others)) {
    it.effect(`are warned of once, by name (${what})`, () => {
      const { found, logger } = warnings()
      return Effect.gen(function*() {
        yield* start(booking(1))
        yield* start<unknown, never, never, Pipeline.Phase>(other)
        yield* start<unknown, never, never, Pipeline.Phase>(other)
        yield* runReadyFibers
        assert.lengthOf(found(), 1)
        assert.include(found()[0], "under consumer \"ledger\" in this process: [")
        assert.include(found()[0], "[orders -> Map -> Tap -> effectivelyOnce]")
      }).pipe(Effect.provide(Layer.merge(Memory.layer, logger)))
    })
  }

  it.effect("are warned of once also where both start at one time, and never as of another process", () => {
    const { found, logger } = warnings()
    const slow = ports({
      store: ({ consumers }) => ({
        consumers: {
          ...consumers,
          register: (given) => Effect.andThen(Effect.sleep("1 second"), consumers.register(given))
        }
      })
    })
    return Effect.gen(function*() {
      yield* start(booking(1))
      yield* start(others["another step"])
      yield* TestClock.adjust("1 minute")
      assert.lengthOf(found(), 1)
      assert.include(found()[0], "under consumer \"ledger\" in this process: [")
    }).pipe(Effect.provide(Layer.merge(slow, logger)))
  })

  it.effect("tell the functions apart of emits and of statements that are data", () => {
    const { found, logger } = warnings()
    const emitting = (pipeline: Pipeline.Pipeline<unknown, never, never, "commit">) => start(pipeline)
    return Effect.gen(function*() {
      yield* emitting(named.pipe(Pipeline.emit(Receipts, (one) => ({ of: one.id }))))
      yield* emitting(named.pipe(Pipeline.emit(Receipts, (one) => ({ of: one.account }))))
      yield* runReadyFibers
      assert.lengthOf(found(), 1)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, logger)))
  })

  it.effect("are not warned of where they are the same, made again, one after the other, or of another store", () => {
    const { found, logger } = warnings()
    return Effect.gen(function*() {
      yield* start(booking(1))
      const second = yield* start(booking(2))
      yield* stop(second)
      yield* Effect.provide(start(others["another step"]), Memory.layer, { local: true })
      yield* runReadyFibers
      assert.deepStrictEqual(found(), [])
    }).pipe(Effect.provide(Layer.merge(Memory.layer, logger)))
  })

  it.effect("are not warned of when the first has ended", () => {
    const { found, logger } = warnings()
    return Effect.gen(function*() {
      yield* stop(yield* start(booking(1)))
      yield* start(others["another step"])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(found(), [])
    }).pipe(Effect.provide(Layer.merge(Memory.layer, logger)))
  })
})

describe("two pipelines of one consumer in two processes", () => {
  it.live("are warned of by one of the two, with both shapes", () => {
    const { found, logger } = warnings()
    const schema = freshSchema()
    const process = Postgres.layer({ url: Redacted.make(inject("databaseUrl")), schema, migrate: "auto" })
    const run = (pipeline: Pipeline.Pipeline<unknown, never, never>) =>
      Effect.forkChild(
        Effect.provide(Worker.run(pipeline, { statsEvery: "100 millis", grace: 0 }), process, { local: true })
      )
    return Effect.gen(function*() {
      const same = [yield* run(booking(1)), yield* run(booking(2))]
      // Registered and alive: the first look of each comes after it.
      const alive = Effect.map(Consumers.list, (all) => all.find((one) => one.consumer === "ledger")?.workers)
      while ((yield* alive) !== 2) yield* Effect.sleep("20 millis")
      const other = yield* run(others["another step"])
      while (found().length === 0) yield* Effect.sleep("20 millis")
      // Usually the first one warns. A start writes no description while another statement locks the row of the
      // consumer. Then the one that started last reads the old description, and warns.
      for (const line of found()) {
        assert.include(line, "in this process and in another one: [")
        assert.include(line, "[orders -> Map -> Tap -> effectivelyOnce]")
        assert.include(line, "[orders -> Map -> Commit -> effectivelyOnce]")
      }
      yield* Fiber.interruptAll([...same, other])
    }).pipe(Effect.provide(Layer.merge(process, logger)))
  })
})
