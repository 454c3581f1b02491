// The flow under the worker and under KeyedStream: order and exclusion whether a fiber or a batch runs a turn, and its
// modes.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Schema, Stream } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { Capacity } from "../../src/internal/flow/Capacity.ts"
import * as Flow from "../../src/internal/flow/Flow.ts"
import { runReadyFibers, until } from "./support.ts"

interface Item extends Flow.Turn<string> {
  readonly n: number
}
const item = (key: string, n: number): Item => ({ key, bytes: 1, n })
const nameOf = ({ key, n }: Item) => `${key}${n}`

const make = (rules: Partial<Flow.Rules<Item>> = {}, messages = 100) => {
  const capacity = new Capacity({ messages, bytes: 1_000 })
  return { capacity, flow: new Flow.Flow<string, Item>({ concurrency: 16, ...rules }, capacity) }
}

const offer = (flow: Flow.Flow<string, Item>, ...items: ReadonlyArray<Item>) =>
  Effect.sync(() => {
    for (const one of items) flow.offer(one)
    flow.wake()
  })

/** Runs the flow's turns in a fiber of the test. */
const running = (flow: Flow.Flow<string, Item>, runner: Flow.Runner<Item, never>) =>
  Stream.fromPull(Effect.succeed(flow.turns)).pipe(
    Stream.runForEachArray(flow.start(runner)),
    Effect.forkChild({ startImmediately: true })
  )

/** Work that the test ends by hand. */
const latched = () => {
  const latches = new Map<string, Deferred.Deferred<void>>()
  const began: Array<string> = []
  const interrupted: Array<string> = []
  const work = (one: Item): Flow.Work<never> => ({
    run: Effect.suspend(() => {
      began.push(nameOf(one))
      const latch = Deferred.makeUnsafe<void>()
      latches.set(nameOf(one), latch)
      return Effect.onInterrupt(Deferred.await(latch), () => Effect.sync(() => interrupted.push(nameOf(one))))
    }),
    resume: () => undefined
  })
  const open = (name: string) => Deferred.succeed(latches.get(name)!, undefined)
  return { work, began, interrupted, open }
}

describe("a flow", () => {
  it.effect.prop(
    "keeps the order of each key and runs one of a key at a time, whether a fiber or a batch runs the turn",
    {
      keys: Arbitrary.array(Arbitrary.schema(Schema.Literals(["a", "b", "c", "d"])), { maxLength: 40 }),
      concurrency: Schema.Literals([1, 2, 16]),
      batched: Arbitrary.array(Arbitrary.schema(Schema.Boolean), { minLength: 40, maxLength: 40 })
    },
    ({ batched, concurrency, keys }) =>
      Effect.gen(function*() {
        const { capacity, flow } = make({ concurrency })
        const items = keys.map((key, n) => item(key, n))
        const active = new Set<string>()
        const done: Array<Item> = []
        const begin = ({ key }: Item) => {
          assert.isFalse(active.has(key), "two of a key at a time")
          active.add(key)
          assert.isAtMost(active.size, concurrency)
        }
        const end = (one: Item) => {
          active.delete(one.key)
          done.push(one)
        }
        const taken: Array<Item> = []
        const fiber = yield* running(flow, {
          work: (one) => ({
            run: Effect.gen(function*() {
              begin(one)
              for (let i = 0; i < one.n % 3; i++) yield* Effect.yieldNow
              end(one)
            }),
            resume: () => undefined
          }),
          // The batch takes a third of its turns later, but at least one of them now.
          batch: (turns) => {
            const now = turns.slice(0, Math.max(1, turns.length - Math.ceil(turns.length / 3)))
            const fibers = now.filter((one) => {
              if (!batched[one.n]!) return true
              begin(one)
              flow.held(one, () => {})
              taken.push(one)
              return false
            })
            return { fibers, later: turns.slice(now.length) }
          }
        })
        yield* offer(flow, ...items)
        for (let i = 0; i < 2_000 && done.length < items.length; i++) {
          yield* Effect.yieldNow
          for (const one of taken.splice(0)) {
            end(one)
            flow.end(one)
          }
        }
        yield* flow.empty
        flow.finish(Exit.void)
        yield* Fiber.join(fiber)
        const ofKey = (all: ReadonlyArray<Item>, key: string) =>
          all.filter((one) => one.key === key).map((one) => one.n)
        for (const key of ["a", "b", "c", "d"]) assert.deepStrictEqual(ofKey(done, key), ofKey(items, key))
        assert.deepStrictEqual([flow.size, capacity.freeMessages, capacity.freeBytes], [0, 100, 1_000])
      }),
    { arbitrary: { runs: 200 } }
  )

  it.effect("hands a batch all turns that are ready in one run, and forks a fiber only for those that it leaves", () =>
    Effect.gen(function*() {
      const { flow } = make()
      const runs: Array<ReadonlyArray<string>> = []
      const { began, open, work } = latched()
      const fiber = yield* running(flow, {
        work,
        batch: (turns) => {
          runs.push(turns.map(nameOf))
          const fibers = turns.filter((one) => {
            if (one.key === "c") return true
            flow.held(one, () => {})
            return false
          })
          return { fibers, later: [] }
        }
      })
      const [a1, a2, b1, c1] = [item("a", 1), item("a", 2), item("b", 1), item("c", 1)]
      yield* offer(flow, a1, a2, b1, c1)
      yield* until("the batch and a fiber run", () => began.length === 1)
      assert.deepStrictEqual([runs, began], [[["a1", "b1", "c1"]], ["c1"]])
      flow.end(a1)
      yield* until("the next of the key", () => runs.length === 2)
      assert.deepStrictEqual(runs[1], ["a2"])
      for (const one of [a2, b1]) flow.end(one)
      yield* open("c1")
      yield* flow.empty
      flow.finish(Exit.void)
      yield* Fiber.join(fiber)
    }))

  it.effect("withdraws a turn from its batch as it interrupts one in a fiber, and waits for both", () =>
    Effect.gen(function*() {
      const { flow } = make()
      const { began, interrupted, work } = latched()
      const withdrawn: Array<string> = []
      yield* running(flow, {
        work,
        batch: (turns) => {
          const fibers = turns.filter((one) => {
            if (one.key !== "batched") return true
            flow.held(one, () => {
              withdrawn.push(nameOf(one))
              flow.end(one)
            })
            return false
          })
          return { fibers, later: [] }
        }
      })
      yield* offer(flow, item("batched", 1), item("a", 1))
      yield* until("both run", () => flow.running.size === 2 && began.length === 1)
      yield* flow.withdraw([...flow.running.keys()])
      assert.deepStrictEqual([withdrawn, interrupted, flow.running.size], [["batched1"], ["a1"], 0])
    }))

  it.effect("offers what a batch leaves for later again, after other fibers have run", () =>
    Effect.gen(function*() {
      const { flow } = make()
      const seen: Array<string> = []
      const fiber = yield* running(flow, {
        work: latched().work,
        batch: ([first, ...later]) => {
          seen.push(nameOf(first!))
          flow.held(first!, () => {})
          return { fibers: [], later }
        }
      })
      const items = [item("a", 1), item("b", 1), item("c", 1)]
      yield* offer(flow, ...items)
      const other = yield* Effect.forkChild(Effect.sync(() => void seen.push("another fiber")))
      yield* until("all are taken", () => flow.running.size === 3 && seen.length === 4)
      assert.notStrictEqual(seen.indexOf("another fiber"), 3)
      yield* Fiber.join(other)
      for (const one of items) flow.end(one)
      flow.finish(Exit.void)
      yield* Fiber.join(fiber)
    }))

  it.effect("asks for more where batches run once a quarter of its places is free, and not before", () =>
    Effect.gen(function*() {
      const { flow } = make({ batches: true })
      yield* offer(flow, ...Array.from({ length: 76 }, (_, n) => item(`k${n}`, n)))
      assert.isFalse(flow.wantsMore)
      flow.forget("k0")
      assert.isTrue(flow.wantsMore)
    }))

  it.effect("starts nothing in quarantine but what is started alone, and lets what runs end", () =>
    Effect.gen(function*() {
      const { flow } = make({ admit: ({ key }) => key === "suspect" ? "quarantine" : "run" })
      const { began, open, work } = latched()
      yield* running(flow, { work })
      yield* offer(flow, item("a", 1), item("suspect", 1), item("suspect", 2))
      yield* until("a1 runs", () => began.length === 1)
      flow.quarantine()
      assert.strictEqual(flow.mode, "quarantine")
      yield* offer(flow, item("b", 1))
      yield* open("a1")
      yield* flow.idle
      yield* runReadyFibers
      assert.deepStrictEqual([began, flow.wantsMore], [["a1"], false])
      const suspect = flow.nextAlone()!
      flow.startAlone(suspect)
      yield* until("it runs", () => began.length === 2)
      assert.deepStrictEqual([began, flow.nextAlone()], [["a1", "suspect1"], undefined])
      yield* open("suspect1")
      yield* flow.ended(suspect)
      flow.endQuarantine()
      yield* until("the others run", () => began.length === 3)
      assert.deepStrictEqual([began[2], flow.mode], ["b1", "running"])
    }))

  it.effect("starts nothing while it is paused, and asks for more, since only an answer tells that the pause is over", () =>
    Effect.gen(function*() {
      let paused = true
      const { flow } = make({ paused: () => paused }, 1)
      const { began, work } = latched()
      yield* running(flow, { work })
      yield* offer(flow, item("a", 1))
      yield* runReadyFibers
      assert.deepStrictEqual([flow.mode, began, flow.wantsMore], ["paused", [], true])
      paused = false
      flow.wake()
      yield* until("it runs", () => began.length === 1)
      assert.isFalse(flow.wantsMore)
    }))

  it.effect("a stop drops what waits and what was handed out and never began, and waits for what runs only", () =>
    Effect.gen(function*() {
      const { capacity, flow } = make({ concurrency: 2 })
      const { began, interrupted, work } = latched()
      const fiber = yield* running(flow, { work })
      yield* offer(flow, item("a", 1), item("a", 2))
      yield* until("a1 runs", () => began.length === 1)
      yield* Fiber.interrupt(fiber)
      yield* offer(flow, item("b", 1), item("c", 1))
      // Handed out to a reader that does not start it.
      assert.deepStrictEqual((yield* flow.turns).map(nameOf), ["b1"])
      assert.deepStrictEqual(flow.beginStop().map(nameOf).toSorted(), ["a2", "b1", "c1"])
      assert.deepStrictEqual([flow.mode, flow.size, capacity.freeMessages], ["stopping", 1, 99])
      yield* flow.withdraw([...flow.running.keys()])
      yield* flow.idle
      flow.stop()
      assert.deepStrictEqual([interrupted, flow.mode, flow.size], [["a1"], "stopped", 0])
    }))

  it.effect("never starts a turn that was withdrawn before it began", () =>
    Effect.gen(function*() {
      const { flow } = make()
      const { began, work } = latched()
      yield* offer(flow, item("a", 1), item("b", 1))
      const [a1, b1] = yield* flow.turns
      yield* flow.withdraw([a1])
      yield* flow.start({ work })([a1, b1!])
      yield* until("the other one runs", () => began.length === 1)
      yield* runReadyFibers
      assert.deepStrictEqual([began, flow.running.size], [["b1"], 1])
    }))
})
