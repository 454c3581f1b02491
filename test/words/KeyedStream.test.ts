// Concurrency with order, on any stream.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, References, Schema, Stream } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { KeyedStream } from "millrace"
import { settle, until } from "../worker/support.ts"

interface Item {
  readonly key: string
  readonly n: number
}
const item = (key: string, n: number): Item => ({ key, n })
const byKey = { key: (one: Item) => one.key }

/** Per key, the numbers in the order in which they came. */
const grouped = (items: Iterable<Item>) => {
  const keys: Record<string, Array<number>> = {}
  for (const { key, n } of items) (keys[key] ??= []).push(n)
  return keys
}

/** A handler that the test finishes by hand, and that notes what runs. */
const controlled = () => {
  const running = new Map<string, Deferred.Deferred<void>>()
  const started: Array<string> = []
  const interrupted: Array<string> = []
  const handle = (one: Item) =>
    Effect.suspend(() => {
      const name = `${one.key}${one.n}`
      const end = Deferred.makeUnsafe<void>()
      running.set(name, end)
      started.push(name)
      return Deferred.await(end).pipe(
        Effect.as(one),
        Effect.onInterrupt(() => Effect.sync(() => interrupted.push(name))),
        Effect.ensuring(Effect.sync(() => running.delete(name)))
      )
    })
  const finish = (name: string) => Effect.suspend(() => Deferred.succeed(running.get(name)!, undefined))
  return { running, started, interrupted, handle, finish }
}

const items = Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "b", "c", "d"])), { maxLength: 60 })

describe("a stream mapped by key", () => {
  it.effect.prop(
    "keeps the order of each key, never runs two of a key at once nor more than it may, and loses nothing",
    {
      keys: items,
      concurrency: Schema.Literals([1, 2, 3, 16]),
      buffer: Schema.Literals([1, 2, 8]),
      yields: Schema.Literals([7, 11, 16, 23, 64, 2048])
    },
    ({ buffer, concurrency, keys, yields }) =>
      Effect.gen(function*() {
        const values = keys.map((key, n) => item(key, n))
        const running = new Set<string>()
        let most = 0
        const seen = yield* Stream.fromIterable(values).pipe(
          Stream.rechunk(3),
          KeyedStream.mapEffect(
            (one) =>
              Effect.gen(function*() {
                assert.isFalse(running.has(one.key), "two of a key at once")
                running.add(one.key)
                most = Math.max(most, running.size)
                for (let i = 0; i < one.n % 4; i++) yield* Effect.yieldNow
                running.delete(one.key)
                return one
              }),
            { ...byKey, concurrency, buffer }
          ),
          Stream.runCollect
        )
        assert.deepStrictEqual(grouped(seen), grouped(values))
        assert.isAtMost(most, concurrency)
      }).pipe(
        // Fibers give way after so few steps that every interleaving comes up sooner or later.
        Effect.provideService(References.MaxOpsBeforeYield, yields)
      ),
    { arbitrary: { runs: 400 } }
  )

  it.effect("runs different keys at the same time", () =>
    Effect.gen(function*() {
      const test = controlled()
      const fiber = yield* Stream.make(item("a", 1), item("b", 1), item("c", 1)).pipe(
        KeyedStream.mapEffect(test.handle, byKey),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* until("all three run", () => test.running.size === 3)
      for (const name of ["c1", "a1", "b1"]) yield* test.finish(name)
      assert.lengthOf(yield* Fiber.join(fiber), 3)
    }))

  it.effect("lets other keys go on while one is slow", () =>
    Effect.gen(function*() {
      const slow = Deferred.makeUnsafe<void>()
      const seen: Array<string> = []
      const values = Array.from({ length: 500 }, (_, n) => item(n === 0 ? "slow" : `k${n % 7}`, n))
      const fiber = yield* Stream.fromIterable(values).pipe(
        KeyedStream.mapEffect(
          (one) => one.key === "slow" ? Deferred.await(slow) : Effect.sync(() => seen.push(one.key)),
          {
            ...byKey,
            concurrency: 2
          }
        ),
        Stream.runDrain,
        Effect.forkChild
      )
      yield* until("all the others are done", () => seen.length === 499)
      yield* Deferred.succeed(slow, undefined)
      yield* Fiber.join(fiber)
    }))

  it.effect("starts the next of a key only when the one before is finished", () =>
    Effect.gen(function*() {
      const test = controlled()
      const fiber = yield* Stream.make(item("a", 1), item("a", 2), item("b", 1)).pipe(
        KeyedStream.mapEffect(test.handle, byKey),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* until("a1 and b1 run", () => test.running.size === 2)
      yield* test.finish("b1")
      yield* settle
      assert.deepStrictEqual(test.started, ["a1", "b1"])
      yield* test.finish("a1")
      yield* until("a2 runs", () => test.running.has("a2"))
      yield* test.finish("a2")
      assert.deepStrictEqual(grouped(yield* Fiber.join(fiber)), { a: [1, 2], b: [1] })
    }))

  it.effect("fails with the first failure and interrupts what runs", () =>
    Effect.gen(function*() {
      const test = controlled()
      const fiber = yield* Stream.make(item("a", 1), item("b", 1), item("bad", 1)).pipe(
        KeyedStream.mapEffect((one) => one.key === "bad" ? Effect.fail("no" as const) : test.handle(one), byKey),
        Stream.runCollect,
        Effect.flip,
        Effect.forkChild
      )
      assert.strictEqual(yield* Fiber.join(fiber), "no")
      assert.deepStrictEqual(test.interrupted.toSorted(), test.started.toSorted())
      assert.strictEqual(test.running.size, 0)
    }))

  it.effect("fails with the defect of a handler or of a key function that throws", () =>
    Effect.gen(function*() {
      const boom = (): never => {
        throw new Error("boom")
      }
      const inHandlerOf = (): Effect.Effect<void> => boom()
      const inHandler = Stream.make(1, 2).pipe(KeyedStream.mapEffect(inHandlerOf, { key: (n) => n }), Stream.runDrain)
      const inKey = Stream.make(1, 2).pipe(KeyedStream.mapEffect(Effect.succeed, { key: boom }), Stream.runDrain)
      for (const run of [inHandler, inKey]) {
        const exit = yield* Effect.exit(run)
        assert.isTrue(exit._tag === "Failure" && exit.cause.reasons.some((reason) => reason._tag === "Die"))
      }
    }))

  it.effect("fails with the failure of the stream it reads", () =>
    Effect.gen(function*() {
      const test = controlled()
      const error = yield* Stream.make(item("a", 1)).pipe(
        Stream.concat(Stream.fail("broken" as const)),
        KeyedStream.mapEffect(test.handle, byKey),
        Stream.runDrain,
        Effect.flip
      )
      assert.strictEqual(error, "broken")
      assert.strictEqual(test.running.size, 0)
    }))

  it.effect("stops what runs when it is interrupted, or when the reader wants no more", () =>
    Effect.gen(function*() {
      const test = controlled()
      const endless = Stream.fromIterable(Array.from({ length: 9 }, (_, n) => item(`k${n}-`, n)))
      const fiber = yield* endless.pipe(
        KeyedStream.mapEffect(test.handle, { ...byKey, concurrency: 4 }),
        Stream.runDrain,
        Effect.forkChild
      )
      yield* until("four run", () => test.running.size === 4)
      yield* Fiber.interrupt(fiber)
      assert.lengthOf(test.interrupted, 4)

      const taken = yield* endless.pipe(
        KeyedStream.mapEffect((one) => one.n === 3 ? Effect.succeed(one) : Effect.never, { ...byKey, concurrency: 4 }),
        Stream.take(1),
        Stream.runCollect
      )
      assert.lengthOf(taken, 1)
    }))

  it.effect("reads no further ahead than its concurrency and its buffer", () =>
    Effect.gen(function*() {
      let pulled = 0
      const test = controlled()
      const fiber = yield* Stream.fromIterable(Array.from({ length: 1_000 }, (_, n) => item(`k${n}-`, n))).pipe(
        Stream.rechunk(1),
        Stream.tap(() => Effect.sync(() => pulled++)),
        KeyedStream.mapEffect(test.handle, { ...byKey, concurrency: 4, buffer: 6 }),
        Stream.runDrain,
        Effect.forkChild
      )
      yield* until("four run", () => test.running.size === 4)
      yield* settle
      assert.strictEqual(test.running.size, 4)
      assert.isAtLeast(pulled, 10)
      assert.isAtMost(pulled, 12)
      yield* Fiber.interrupt(fiber)
    }))

  it.effect("handles no more values than the reader takes results", () =>
    Effect.gen(function*() {
      let handled = 0
      const reader = Deferred.makeUnsafe<void>()
      const fiber = yield* Stream.range(1, 1_000).pipe(
        KeyedStream.mapEffect((n) => Effect.sync(() => handled++ + n), { key: (n) => n, concurrency: 4 }),
        Stream.rechunk(1),
        Stream.runForEach(() => Deferred.await(reader)),
        Effect.forkChild
      )
      yield* settle
      assert.isAtMost(handled, 4 * 4)
      yield* Deferred.succeed(reader, undefined)
      yield* Fiber.join(fiber)
      assert.strictEqual(handled, 1_000)
    }))

  it.effect("ends only when everything that runs has ended", () =>
    Effect.gen(function*() {
      const test = controlled()
      const fiber = yield* Stream.make(item("a", 1), item("a", 2)).pipe(
        KeyedStream.mapEffect(test.handle, byKey),
        Stream.runCollect,
        Effect.forkChild
      )
      yield* until("a1 runs", () => test.running.has("a1"))
      yield* test.finish("a1")
      yield* until("a2 runs", () => test.running.has("a2"))
      yield* settle
      assert.isUndefined(fiber.pollUnsafe())
      yield* test.finish("a2")
      assert.lengthOf(yield* Fiber.join(fiber), 2)
      assert.deepStrictEqual(yield* Stream.runCollect(KeyedStream.mapEffect(Stream.empty, Effect.succeed, byKey)), [])
    }))
})
