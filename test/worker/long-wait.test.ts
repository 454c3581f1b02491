// A committer that waits says so: its silence would look like a queue that is empty.
import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Pipeline } from "millrace"
import { emitting, eventually, groups, order, Orders, publish, runReadyFibers, start, until } from "./support.ts"

const away = new Errors.TransientFailure({ kind: "unavailable", code: "26000", detail: "the session is not as it was" })

/** The lines that say that a group waits. */
const noted = () => {
  const lines: Array<string> = []
  const layer = Logger.layer([Logger.make(({ message }) => {
    if (String(message).includes("has been under way")) lines.push(String(message))
  })])
  return { lines, layer }
}

it.effect("a transaction that is never over is named within 15 seconds, and then once a minute", () => {
  const { layer, lines } = noted()
  let begun = 0
  const latch = Deferred.makeUnsafe<void>()
  return Effect.gen(function*() {
    yield* publish(Orders, [order("a", 1)])
    yield* start(emitting().pipeline, { committers: 1, lanes: 4 })
    yield* until("it is under way", () => begun === 1)
    yield* TestClock.adjust("9 seconds")
    yield* runReadyFibers
    assert.deepStrictEqual(lines, [])
    yield* TestClock.adjust("6 seconds")
    yield* runReadyFibers
    assert.lengthOf(lines, 1)
    assert.include(lines[0], "A group of 1 messages")
    yield* eventually("it is named again", () => lines.length === 2, 65_000)
  }).pipe(
    Effect.ensuring(Effect.andThen(Deferred.succeed(latch, undefined), runReadyFibers)),
    Effect.provide([
      groups((body, transact) =>
        Effect.suspend(() => {
          begun++
          // Nothing can interrupt it.
          return Effect.andThen(Effect.uninterruptible(Deferred.await(latch)), transact(body))
        })
      ),
      layer
    ])
  )
})

it.effect("a message alone whose transaction is repeated again and again is named with the reason", () => {
  const { layer, lines } = noted()
  return Effect.gen(function*() {
    yield* publish(Orders, [order("a", 1)])
    yield* start(emitting().pipeline.pipe(Pipeline.group(1)), { committers: 1, lanes: 4 })
    yield* eventually("it is named", () => lines.length === 1, 20_000)
    assert.include(lines[0], "the session is not as it was (SQLSTATE 26000)")
  }).pipe(Effect.provide([groups(() => Effect.fail(away)), layer]))
})

it.effect("a committer that has nothing to do is silent, and so is one whose groups come through", () => {
  const { layer, lines } = noted()
  return Effect.gen(function*() {
    yield* start(emitting().pipeline, { committers: 1, lanes: 4 })
    for (let n = 1; n <= 4; n++) {
      yield* publish(Orders, [order("a", n)])
      yield* runReadyFibers
      yield* TestClock.adjust("20 seconds")
      yield* runReadyFibers
    }
    assert.deepStrictEqual(lines, [])
  }).pipe(Effect.provide([groups((body, transact) => transact(body)), layer]))
})
