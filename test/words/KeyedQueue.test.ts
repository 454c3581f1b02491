// One queue with an order per key, against a model that is too simple to be wrong.
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import * as KeyedQueue from "../../src/internal/flow/KeyedQueue.ts"

/** The model: one list of what waits, in order, and the keys that run. */
class Model {
  waiting: Array<{ readonly key: number; readonly value: number }> = []
  running = new Map<number, number>()

  waitingOf(key: number): ReadonlyArray<number> {
    return this.waiting.filter((one) => one.key === key).map((one) => one.value)
  }

  get readyKeys(): ReadonlySet<number> {
    return new Set(this.waiting.map((one) => one.key).filter((key) => !this.running.has(key)))
  }

  removeFirst(key: number): number {
    const index = this.waiting.findIndex((one) => one.key === key)
    return this.waiting.splice(index, 1)[0]!.value
  }
}

type Sut = KeyedQueue.KeyedQueue<number, number>

const check = (queue: Sut, model: Model) => {
  assert.strictEqual(queue.size, model.waiting.length)
  assert.strictEqual(queue.readyKeys, model.readyKeys.size)
  for (let key = 0; key < 4; key++) assert.strictEqual(queue.waitingOf(key), model.waitingOf(key).length)
}

const takeOne = (queue: Sut, model: Model) => {
  const ready = model.readyKeys
  const taken = queue.take()
  if (ready.size === 0) return assert.isUndefined(taken)
  assert.isTrue(ready.has(taken!.key), "a key that runs, or without waiting values, was taken")
  assert.strictEqual(taken!.value, model.removeFirst(taken!.key), "not the oldest of its key")
  model.running.set(taken!.key, taken!.value)
}

const operations = Arbitrary.array(
  Arbitrary.all({
    what: Arbitrary.schema(
      Schema.Literals(["offer", "offer", "offer", "take", "take", "done", "done", "restart", "forget", "remove"])
    ),
    key: Arbitrary.schema(Schema.Literals([0, 1, 2, 3]))
  }),
  { minLength: 1, maxLength: 120 }
)

const apply = (queue: Sut, model: Model, what: string, key: number, value: number) => {
  const running = model.running.get(key)
  switch (what) {
    case "offer":
      queue.offer(key, value)
      return void model.waiting.push({ key, value })
    case "take":
      return takeOne(queue, model)
    case "done":
      if (running === undefined) return
      queue.done(key)
      return void model.running.delete(key)
    case "restart":
      if (running === undefined) return
      queue.restart(key, running)
      model.running.delete(key)
      return void model.waiting.unshift({ key, value: running })
    case "forget":
      assert.deepStrictEqual(queue.forget(key), model.waitingOf(key))
      return void (model.waiting = model.waiting.filter((one) => one.key !== key))
    case "remove": {
      const odd = (one: number) => one % 2 === 1
      const expected = model.waiting.filter((one) => odd(one.value)).map((one) => one.value)
      assert.deepStrictEqual(new Set(queue.remove(odd)), new Set(expected))
      return void (model.waiting = model.waiting.filter((one) => !odd(one.value)))
    }
  }
}

describe("a queue with an order per key", () => {
  it.prop(
    "hands out the oldest value of a key, never two of a key at once, for every order of offers, ends, restarts and removals",
    [operations],
    ([steps]) => {
      const queue: Sut = new KeyedQueue.KeyedQueue()
      const model = new Model()
      steps.forEach(({ key, what }, value) => {
        apply(queue, model, what, key, value)
        check(queue, model)
      })
      // When all values are processed, none is left, and none stays in memory.
      for (const key of model.running.keys()) queue.done(key)
      model.running.clear()
      while (queue.size > 0) {
        takeOne(queue, model)
        for (const key of model.running.keys()) queue.done(key)
        model.running.clear()
      }
      check(queue, model)
      assert.deepStrictEqual(sizes(queue), { waiting: 0, running: 0, ready: 0 })
    },
    { arbitrary: { runs: 400 } }
  )

  it("takes the key that has been ready longest, so that none starves", () => {
    const queue = new KeyedQueue.KeyedQueue<string, number>()
    for (const key of ["a", "b", "c"]) for (let i = 0; i < 3; i++) queue.offer(key, i)
    const order: Array<string> = []
    for (let taken = queue.take(); taken !== undefined; taken = queue.take()) {
      order.push(`${taken.key}${taken.value}`)
      queue.done(taken.key)
    }
    assert.deepStrictEqual(order, ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"])
  })

  it("keeps nothing of a key that is finished: memory follows what waits, not how many keys there were", () => {
    const queue = new KeyedQueue.KeyedQueue<string, number>()
    let handed = 0
    for (let i = 0; i < 200_000; i++) {
      queue.offer(`key-${i}`, i)
      const taken = queue.take()
      if (taken?.value === i) handed++
      queue.done(`key-${i}`)
    }
    assert.strictEqual(handed, 200_000)
    assert.deepStrictEqual(sizes(queue), { waiting: 0, running: 0, ready: 0 })
  })
})

/** How much the queue's own structures hold. */
function sizes(queue: KeyedQueue.KeyedQueue<any, any>) {
  const inner = queue as unknown as Record<"waiting" | "running" | "ready", { readonly size: number }>
  return { waiting: inner.waiting.size, running: inner.running.size, ready: inner.ready.size }
}
