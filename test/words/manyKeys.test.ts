// A keyed stream over far more keys than it may hold. It takes seconds, so it has a file of its own.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { KeyedStream } from "millrace"
import * as KeyedQueue from "../../src/internal/flow/KeyedQueue.ts"

describe("a stream mapped by key", () => {
  it.effect("holds what is in flight and nothing of keys that are gone, through 200,000 keys", () =>
    Effect.gen(function*() {
      const queues = new Set<KeyedQueue.KeyedQueue<unknown, unknown>>()
      let most = 0
      const inner = (queue: unknown) => queue as Record<"waiting" | "running" | "ready", { readonly size: number }>
      const prototype = KeyedQueue.KeyedQueue.prototype
      const original = Object.getOwnPropertyDescriptor(prototype, "offer")!
      prototype.offer = function(key, value) {
        queues.add(this)
        original.value.call(this, key, value)
        most = Math.max(most, inner(this).waiting.size + inner(this).running.size)
      }
      const count = yield* Stream.range(1, 200_000).pipe(
        KeyedStream.mapEffect((n) => Effect.succeed(n), { key: (n) => `key-${n}`, concurrency: 16, buffer: 32 }),
        Stream.runCount
      ).pipe(Effect.ensuring(Effect.sync(() => {
        Object.defineProperty(prototype, "offer", original)
      })))
      assert.strictEqual(count, 200_000)
      assert.strictEqual(queues.size, 1)
      assert.isAtMost(most, 16 + 32 + 1)
      for (const queue of queues) {
        assert.deepStrictEqual(
          [inner(queue).waiting.size, inner(queue).running.size, inner(queue).ready.size],
          [0, 0, 0]
        )
      }
    }))
})
