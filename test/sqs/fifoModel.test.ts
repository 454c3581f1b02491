// Random schedules of FIFO groups: crashes, stale owners, lost answers and failing batches, on a model of SQS.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Logger, TxRef } from "effect"
import { TestClock } from "effect/testing"
import { Pipeline, Retry, Store, Worker } from "millrace"
import { Dice } from "../faults/dice.ts"
import { limit } from "../harness/patience.ts"
import { Declined, type Order, order, Orders, runReadyFibers } from "../worker/support.ts"
import { type Process, processOn, send, sqs } from "./sqsKit.ts"

const keys = ["a", "b", "c"]
const perKey = 4

/** The lives of a seed: workers that commit, fail, crash and freeze, until the queue is empty. */
const live = (seed: number, fifo: boolean) => {
  const dice = new Dice(seed)
  const chance = (percent: number) => dice.next() * 100 < percent
  const { layer, model } = sqs({ fifo, strict: chance(50) })
  const calm = { now: false }
  /** The ids that are committed, in order. A transaction that is rolled back leaves no id. */
  const committed = TxRef.makeUnsafe<ReadonlyArray<string>>([])
  const pipeline = (process: Process) =>
    Pipeline.from(Orders, { consumer: "ledger", ...(fifo ? {} : { order: "none" as never }) }).pipe(
      Pipeline.tap((one: Order) =>
        Effect.suspend(() => {
          if (calm.now) return Effect.void
          if (chance(4)) process.dead = true
          if (chance(15)) return Effect.fail(new Declined({ reason: `seed ${seed} at ${one.id}` }))
          return chance(30) ? Effect.sleep(dice.whole(0, 4_000)) : Effect.void
        })
      ),
      Pipeline.commit((one: Order) => TxRef.update(committed, (ids) => [...ids, one.id])),
      Pipeline.retry(Retry.exponential("2 seconds", { attempts: 100, cap: "10 seconds" }))
    )
  const start = Effect.gen(function*() {
    const process = yield* processOn(model)
    process.beforeCommit = Effect.suspend(() => {
      if (calm.now || !chance(4)) return Effect.void
      return Effect.andThen(Effect.sleep("200 millis"), Effect.sync(() => process.dead = true))
    })
    const worker = Worker.run(pipeline(process), { lease: "3 seconds", grace: "1 second", holdAfter: "1 second" })
    yield* Effect.forkDetach(process.run(worker))
    return process
  })
  return Effect.gen(function*() {
    const store = yield* Store.Store
    const sent = keys.flatMap((key) => Array.from({ length: perKey }, (_, i) => order(key, i + 1)))
    yield* send(sent)
    model.weather = {
      fails: (operation) => !calm.now && operation !== "settings" && chance(5),
      losesAnswer: (operation) => !calm.now && operation !== "receive" && operation !== "settings" && chance(5),
      skips: () => !calm.now && chance(5)
    }
    const processes = [yield* start, yield* start]
    for (let step = 0; step < 400 && model.size > 0; step++) {
      if (step === 60) calm.now = true
      for (let i = 0; i < processes.length; i++) if (processes[i]!.dead) processes[i] = yield* start
      const frozen = !calm.now && chance(4) ? dice.pick(processes) : undefined
      if (frozen !== undefined) frozen.thawed.closeUnsafe()
      yield* TestClock.adjust(frozen === undefined ? "500 millis" : "5 seconds")
      frozen?.thawed.openUnsafe()
      yield* runReadyFibers
    }
    assert.strictEqual(model.size, 0, "the queue is empty in the end")
    const dead = yield* store.deadLetters.list({ consumer: "ledger" })
    return { committed: yield* TxRef.get(committed), sent, dead: dead.map(({ message }) => message.id) }
  }).pipe(Effect.provide(Layer.mergeAll(layer, Logger.layer([])).pipe(Layer.provideMerge(TestClock.layer()))))
}

/** Every message is committed once, or is a dead letter; with order, those of a key are committed in order. */
const check = (
  { committed, dead, sent }: Effect.Success<ReturnType<typeof live>>,
  ordered: boolean
): void => {
  const ended = [...committed, ...dead].toSorted()
  assert.deepStrictEqual(ended, sent.map(({ id }) => id).toSorted(), "each message ended once")
  if (!ordered) return
  for (const key of keys) {
    const ofKey = committed.filter((id) => id.startsWith(key)).map((id) => Number(id.slice(1)))
    assert.deepStrictEqual(ofKey, ofKey.toSorted((a, b) => a - b), `the order of key ${key}`)
  }
}

const seeds = Number(process.env["SQS_SEEDS"] ?? 60)
const first = Number(process.env["SQS_SEED"] ?? 1)

describe("random schedules on SQS", () => {
  for (const [name, fifo] of [["FIFO", true], ["standard", false]] as const) {
    it.live(
      `commit every message of a ${name} queue once${fifo ? ", in the order of its key" : ""}`,
      () =>
        Effect.gen(function*() {
          for (let seed = first; seed < first + seeds; seed++) {
            const result = yield* live(seed, fifo)
            try {
              check(result, fifo)
            } catch (error) {
              throw new Error(`seed ${seed} (repeat it by SQS_SEED=${seed} SQS_SEEDS=1): ${String(error)}`)
            }
          }
        }),
      limit(60_000 + seeds * 500)
    )
  }
})
