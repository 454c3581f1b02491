import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import * as Backoff from "../../src/internal/Backoff.ts"

/** The virtual milliseconds that a pause takes. */
const lengthOf = Effect.fnUntraced(function*(tries: number, seed: string) {
  const fiber = yield* Effect.forkChild(Random.withSeed(Backoff.pause(tries, { first: 8, cap: 200 }), seed))
  for (let millis = 0;; millis++) {
    yield* Effect.yieldNow
    if (fiber.pollUnsafe() !== undefined) return Effect.as(Fiber.join(fiber), millis)
    yield* TestClock.adjust("1 millis")
  }
})
const seeds = Array.from({ length: 20 }, (_, seed) => String(seed))

describe("Backoff", () => {
  it.effect.each([
    { tries: 0, longest: 8 },
    { tries: 1, longest: 16 },
    { tries: 4, longest: 128 },
    { tries: 7, longest: 200 },
    { tries: 2_000, longest: 200 }
  ])(
    "waits at most $longest ms after $tries tries, and at least half of it, each time otherwise",
    ({ longest, tries }) =>
      Effect.gen(function*() {
        const lengths = yield* Effect.forEach(seeds, (seed) => Effect.flatten(lengthOf(tries, seed)))
        assert.isAtMost(Math.max(...lengths), longest)
        assert.isAtLeast(Math.min(...lengths), longest / 2)
        assert.isAbove(new Set(lengths).size, 2)
      })
  )
})
