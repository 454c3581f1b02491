// `crashed` takes a proof: the message ran alone when its process died. Crashes while other messages ran make suspects,
// however many they are.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect } from "effect"
import { Memory, Pipeline } from "millrace"
import { crashStatus, leasesAlone } from "../../src/worker/lease/CrashStatus.ts"
import { die, lanes, register } from "./dying.ts"
import {
  deadLetters,
  drain,
  eventually,
  Journal,
  type Order,
  order,
  Orders,
  ports,
  publish,
  start,
  until
} from "./support.ts"

const ledger = (done: Journal<Order>) => Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write))

/**
 * A message of the ledger that hangs, and one of another consumer that comes meanwhile: how long does that one wait?
 */
const waitsBesideSuspect = (deaths: number) =>
  Effect.gen(function*() {
    yield* register
    yield* publish(Orders, [order("a", 1)])
    for (let death = 0; death < deaths; death++) yield* die("ledger")
    const hanging = yield* Deferred.make<void>()
    let runs = false
    const suspect = Pipeline.tap(() => Effect.andThen(Effect.sync(() => runs = true), Deferred.await(hanging)))
    yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(suspect), { lanes, lease: "10 seconds" })
    yield* until("the suspect runs", () => runs)
    const began = yield* Clock.currentTimeMillis
    const others = new Journal<Order>()
    const other = Pipeline.from(Orders, { consumer: "other" }).pipe(Pipeline.commit(others.write))
    yield* start(other, { lanes, lease: "10 seconds" })
    yield* eventually("another key is done", () => others.size === 1, 100_000)
    return Math.floor(((yield* Clock.currentTimeMillis) - began) / 10_000)
  }).pipe(Effect.provide(Memory.layer))

describe("the crash status of a message", () => {
  it("is crashed only with a proof, and suspect without one, however many crashed and for any setting now", () => {
    const of = (received: number, crashedAlone: boolean, maxCrashes = 3) =>
      crashStatus({ crashCount: received, crashedAlone: crashedAlone }, { maxCrashes })
    assert.deepStrictEqual([0, 1, 2, 3, 100].map((received) => of(received, false)), [
      "clear",
      "clear",
      "suspect",
      "suspect",
      "suspect"
    ])
    assert.deepStrictEqual([2, 3, 4].map((received) => of(received, true)), ["suspect", "crashed", "crashed"])
    assert.strictEqual(of(7, false, 2), "suspect")
    assert.strictEqual(of(3, true, 10), "clear")
  })

  it("gives a suspect one lease's time alone, and one more for each further death, up to eight", () => {
    const leases = [2, 3, 4, 9, 10, 100].map((received) => leasesAlone({ crashCount: received }, { maxCrashes: 3 }))
    assert.deepStrictEqual(leases, [1, 2, 3, 8, 8, 8])
  })
})

describe("a message that was merely read when processes died", () => {
  it.effect("is never `crashed`: it runs alone and is committed, with all others", () =>
    Effect.gen(function*() {
      yield* register
      const all = Array.from({ length: 40 }, (_, n) => order(`k${n}-`, 1))
      yield* publish(Orders, all)
      for (let death = 0; death < 6; death++) yield* die("ledger")
      const done = new Journal<Order>()
      yield* drain(ledger(done), { lanes })
      assert.strictEqual(done.size, 40)
      assert.isTrue(done.attempts.every((attempt) => attempt === 1))
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is not `crashed` either by the proof against another one, which is", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1), order("b", 1), order("c", 1)])
      for (const alone of [undefined, undefined, undefined, "b1", undefined]) yield* die("ledger", alone)
      const done = new Journal<Order>()
      yield* drain(ledger(done), { lanes })
      assert.deepStrictEqual(done.values.map(({ id }) => id).toSorted(), ["a1", "c1"])
      const [deadLetter, ...more] = yield* deadLetters("ledger")
      assert.deepStrictEqual([deadLetter?.message.id, deadLetter?.reason, more.length], ["b1", "crashed", 0])
      assert.include(deadLetter!.attempts.at(-1)!.message, "5 times")
    }).pipe(Effect.provide(Memory.layer)))

  for (const [deaths, leases] of [[2, 1], [3, 2], [30, 8]] as const) {
    it.effect(`after ${deaths} deaths lets other keys wait for ${leases} leases at most, if it hangs`, () =>
      Effect.map(waitsBesideSuspect(deaths), (waited) => assert.strictEqual(waited, leases)))
  }
})

describe("messages that hang alone", () => {
  it.effect("one after the other leave the others half of the time: what runs beside them is not interrupted for each", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1), order("b", 1), order("c", 1)])
      yield* die("ledger")
      yield* die("ledger")
      const began: Array<string> = []
      const hanging = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap((one) => Effect.andThen(Effect.sync(() => began.push(one.id)), Effect.never))
      )
      yield* start(hanging, { lanes, lease: "10 seconds" })
      yield* until("the first one runs", () => began.length === 1)
      const starts = new Journal<Order>()
      const done = new Journal<Order>()
      const slow = Pipeline.from(Orders, { consumer: "other" }).pipe(
        Pipeline.tap(starts.write),
        Pipeline.tap(() => Effect.sleep("8 seconds")),
        Pipeline.commit(done.write)
      )
      yield* start(slow, { lanes, lease: "10 seconds" })
      yield* eventually("the others are done", () => done.size === 3, 20_000)
      assert.deepStrictEqual([starts.size, began.length], [3, 1])
      yield* eventually("all suspects had their time", () => new Set(began).size === 3, 60_000)
    }).pipe(Effect.provide(Memory.layer)))
})

describe("the record that a message runs alone", () => {
  /** The records of the store and the messages that ran, in order. */
  const told: Array<string> = []
  const over = Deferred.makeUnsafe<void>()
  const engine = ports({
    subscription: ({ isolate }, { consumer }) => ({
      isolate: (delivery) =>
        Effect.andThen(
          Effect.addFinalizer(() =>
            Effect.andThen(Effect.sync(() => told.push(`${consumer}: ends`)), Deferred.await(over))
          ),
          Effect.tap(isolate(delivery), () =>
            Effect.sync(() => told.push(`${consumer}: ${delivery?.message.id ?? "nothing"}`)))
        )
    })
  })

  it.effect("is the last one before it starts, and nothing starts beside it or after it until it is taken back", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1)])
      yield* die("ledger")
      yield* die("ledger")
      const note = (consumer: string) =>
        Pipeline.from(Orders, { consumer }).pipe(
          Pipeline.tap(({ id }) => Effect.sync(() => told.push(`${consumer} runs ${id}`)))
        )
      yield* start(note("ledger"), { lanes })
      yield* start(note("other"), { lanes })
      yield* eventually("the suspect has run", () => told.some((line) => line.endsWith("ends")))
      yield* publish(Orders, [order("b", 1)])
      yield* eventually("time passes", () => told.length > 0, 30_000)
      const before = [...told]
      yield* Deferred.succeed(over, undefined)
      yield* eventually("the others go on", () => told.filter((line) => line.endsWith("runs b1")).length === 2)
      // The other worker may have run a1 before its flow was in quarantine.
      const suspect = before.indexOf("ledger runs a1")
      assert.strictEqual(before[suspect - 1], "ledger: a1")
      assert.deepStrictEqual(before.slice(suspect + 1), ["ledger: ends"])
    }).pipe(Effect.provide(engine)))
})
