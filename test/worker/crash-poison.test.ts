// Messages that crashed processes held: the one that kills is found, and no other is counted with it.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { TestClock } from "effect/testing"
import { Consumers, DeadLetters, Errors, Memory, Pipeline } from "millrace"
import { die, lanes, register } from "./dying.ts"
import {
  deadLetters,
  drain,
  eventually,
  groups,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  publish,
  runReadyFibers,
  start,
  stop,
  until
} from "./support.ts"

/** A pipeline whose handlers note what runs in this process, and wait for the test where it wants. */
const watched = (consumer: string, shared: { readonly running: Set<string>; readonly log: Array<string> }) => {
  const latches = new Map<string, Deferred.Deferred<void>>()
  const done = new Journal<Order>()
  const pipeline = Pipeline.from(Orders, { consumer }).pipe(
    Pipeline.tap((one) =>
      Effect.suspend(() => {
        const name = `${consumer}:${one.id}`
        shared.log.push(`${name} with ${[...shared.running].join(",") || "nothing"}`)
        shared.running.add(name)
        const latch = latches.get(one.id)
        return Effect.ensuring(
          latch === undefined ? Effect.yieldNow : Deferred.await(latch),
          Effect.sync(() => shared.running.delete(name))
        )
      })
    ),
    Pipeline.commit(done.write)
  )
  const latch = (id: string) => {
    const one = Deferred.makeUnsafe<void>()
    latches.set(id, one)
    return one
  }
  return { pipeline, latch, done }
}

/** A suspect of the ledger, while a handler of another worker runs and waits for its latch. */
const besideAnother = Effect.gen(function*() {
  yield* register
  const shared = { running: new Set<string>(), log: [] as Array<string> }
  const other = watched("other", shared)
  const latch = other.latch("a1")
  yield* publish(Orders, [order("a", 1)])
  yield* die("ledger")
  yield* die("ledger")
  yield* start(other.pipeline, { lanes })
  yield* until("another worker's handler runs", () => shared.running.size === 1)
  return { shared, other, latch, ledger: watched("ledger", shared) }
})

/** Starts two workers of a process. The first one's messages were in flight when two processes crashed. */
const twoSuspects = Effect.fnUntraced(function*(options?: Parameters<typeof start>[1]) {
  yield* register
  yield* publish(Orders, [order("a", 1), order("b", 1)])
  yield* die("ledger")
  yield* die("ledger")
  const shared = { running: new Set<string>(), log: [] as Array<string> }
  const ledger = watched("ledger", shared)
  const other = watched("other", shared)
  const latches = ["a1", "b1"].map(ledger.latch)
  yield* start(ledger.pipeline, { lanes, ...options })
  yield* start(other.pipeline, { lanes })
  return { latches, ledger, other, shared }
})

describe("a message held by processes that crashed", () => {
  it.effect("once is an ordinary message: no message runs alone after one ordinary crash", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1), order("b", 1)])
      yield* die("ledger")
      const shared = { running: new Set<string>(), log: [] }
      const { done, latch, pipeline } = watched("ledger", shared)
      const latches = ["a1", "b1"].map(latch)
      yield* start(pipeline, { lanes })
      yield* until("both run together", () => shared.running.size === 2)
      for (const one of latches) yield* Deferred.succeed(one, undefined)
      yield* until("both are done", () => done.size === 2)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("again runs alone in its process, other workers included, and clears the messages that did not kill", () =>
    Effect.gen(function*() {
      const { latches, ledger, other, shared } = yield* twoSuspects()
      yield* until("the first suspect runs", () => [...shared.running].some((name) => name.startsWith("ledger")))
      yield* publish(Orders, [order("c", 1), ...orders("d", 2)])
      yield* TestClock.adjust("4 seconds")
      yield* runReadyFibers
      assert.strictEqual(shared.running.size, 1)
      for (const one of latches) yield* Deferred.succeed(one, undefined)
      yield* eventually("everything is done", () => ledger.done.size === 5 && other.done.size === 5, 5_000)
      for (const id of ["a1", "b1"]) {
        assert.include(shared.log, `ledger:${id} with nothing`)
        // Nothing began while it ran.
        assert.isFalse(shared.log.some((line) => line.endsWith(`ledger:${id}`) || line.includes(`ledger:${id},`)))
      }
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
      assert.isTrue(ledger.done.attempts.every((attempt) => attempt === 1))
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("again does not wait indefinitely: what runs beside it is interrupted after a while and run again, uncounted", () =>
    Effect.gen(function*() {
      const { latch, ledger, other, shared } = yield* besideAnother
      yield* start(ledger.pipeline, { lanes })
      yield* runReadyFibers
      assert.strictEqual(ledger.done.size, 0)
      yield* eventually("the suspect is done", () => ledger.done.size === 1, 6_000)
      assert.include(shared.log, "ledger:a1 with nothing")
      yield* until("the interrupted one runs again", () => shared.running.has("other:a1"))
      yield* Deferred.succeed(latch, undefined)
      yield* until("and is done", () => other.done.size === 1)
      assert.deepStrictEqual(other.done.attempts, [1])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("again does not wait for a store that does not commit what another worker has", () => {
    const store = { commits: false, failed: 0, committed: 0 }
    const away = new Errors.TransientFailure({ kind: "unavailable", code: "53100", detail: "disk full" })
    return Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1)])
      yield* die("ledger")
      yield* die("ledger")
      const beside = new Journal<Order>()
      yield* start(Pipeline.from(Orders, { consumer: "other" }).pipe(Pipeline.commit(beside.write)), { lanes })
      yield* until("another worker's transaction has failed", () => store.failed > 0)
      const suspect = new Journal<Order>()
      yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.tap(suspect.write)), { lanes })
      yield* eventually("the suspect runs", () => suspect.size === 1, 6_000)
      store.commits = true
      yield* eventually("both are committed", () => store.committed === 2, 6_000)
      assert.deepStrictEqual(new Set(beside.attempts), new Set([1]))
    }).pipe(Effect.provide(groups((body, transact) =>
      Effect.suspend(() => {
        if (store.commits) return Effect.tap(transact(body), () => Effect.sync(() => store.committed++))
        store.failed++
        return transact(Effect.andThen(body, Effect.fail(away)))
      })
    )))
  })

  it.effect("again has nothing committed beside it: who waited for a transaction is withdrawn and runs again", () => {
    const latch = Deferred.makeUnsafe<void>()
    const log: Array<string> = []
    return Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("s", 1)])
      yield* die("ledger")
      yield* die("ledger")
      // Another worker of the process: one message is in its transaction, one waits for the next.
      const tried = new Journal<Order>()
      yield* publish(Orders, [order("x", 1), order("y", 1)])
      yield* start(
        Pipeline.from(Orders, { consumer: "other" }).pipe(
          Pipeline.filter((one) => one.account !== "s"),
          Pipeline.tap(tried.write),
          Pipeline.commit((one) =>
            Effect.andThen(
              one.account === "x" ? Deferred.await(latch) : Effect.void,
              Effect.sync(() => log.push(one.id))
            )
          )
        ),
        { lanes, committers: 1 }
      )
      yield* until("both are ready", () => tried.size === 2)
      const suspect = Deferred.makeUnsafe<void>()
      yield* start(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.filter((one) => one.account === "s"),
          Pipeline.tap(() => Effect.andThen(Effect.sync(() => log.push("suspect begins")), Deferred.await(suspect))),
          Pipeline.commit(() => Effect.sync(() => log.push("suspect ends")))
        ),
        { lanes }
      )
      yield* TestClock.adjust("6 seconds")
      yield* runReadyFibers
      yield* Deferred.succeed(latch, undefined)
      yield* until("the suspect runs", () => log.includes("suspect begins"))
      yield* runReadyFibers
      yield* Deferred.succeed(suspect, undefined)
      yield* until("all are done", () => log.length === 4)
      assert.deepStrictEqual(log, ["x1", "suspect begins", "suspect ends", "y1"])
    }).pipe(Effect.provide(Memory.layer))
  })

  it.effect("again has its process to itself for one lease's time: one that hangs continues beside the others", () =>
    Effect.gen(function*() {
      const { latches, ledger, other, shared } = yield* twoSuspects({ lease: "10 seconds" })
      yield* until("the first suspect runs", () => shared.running.size === 1)
      yield* publish(Orders, orders("c", 1))
      yield* TestClock.adjust("9 seconds")
      yield* runReadyFibers
      assert.strictEqual(shared.running.size, 1)
      assert.isFalse(other.done.values.some((one) => one.id === "c1"))
      // Both hang. Each had its lease's time, the first was interrupted once for the second, and now none waits for
      // them.
      yield* eventually("the others are done", () => other.done.size === 3 && ledger.done.size === 1, 40_000)
      yield* eventually("both suspects go on", () => shared.running.size === 2, 40_000)
      const began = shared.log.length
      yield* publish(Orders, orders("d", 1))
      yield* eventually("what comes later is done", () => other.done.size === 4 && ledger.done.size === 2, 2_000)
      yield* TestClock.adjust("10 minutes")
      yield* runReadyFibers
      assert.strictEqual(shared.log.length, began + 2)
      for (const one of latches) yield* Deferred.succeed(one, undefined)
      yield* until("they are done", () => ledger.done.size === 4)
      assert.isTrue(ledger.done.attempts.every((attempt) => attempt === 1))
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("again has nothing beside it that starts later: another worker of its process waits for its end", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, orders("a", 1))
      yield* die("ledger")
      yield* die("ledger")
      const shared = { running: new Set<string>(), log: [] as Array<string> }
      const ledger = watched("ledger", shared)
      const latch = ledger.latch("a1")
      yield* start(ledger.pipeline, { lanes })
      yield* until("the suspect runs alone", () => shared.running.size === 1)
      const other = watched("other", shared)
      yield* start(other.pipeline, { lanes })
      yield* TestClock.adjust("2 seconds")
      yield* runReadyFibers
      assert.deepStrictEqual(shared.log, ["ledger:a1 with nothing"])
      Deferred.doneUnsafe(latch, Effect.void)
      yield* until("the other one continues", () => shared.log.length === 2)
      assert.deepStrictEqual(shared.log, ["ledger:a1 with nothing", "other:a1 with nothing"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("again is given back by a stop after it continued beside the others, uncounted", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1)])
      yield* die("ledger")
      yield* die("ledger")
      const shared = { running: new Set<string>(), log: [] as Array<string> }
      const ledger = watched("ledger", shared)
      const latch = ledger.latch("a1")
      const worker = yield* start(ledger.pipeline, { lanes, grace: "5 seconds" })
      yield* until("the suspect runs", () => shared.running.size === 1)
      yield* publish(Orders, [order("b", 1)])
      yield* eventually("the others go on", () => ledger.done.size === 1, 40_000)
      yield* stop(worker)
      assert.strictEqual(shared.running.size, 0)
      yield* Deferred.succeed(latch, undefined)
      yield* drain(ledger.pipeline, { lanes })
      assert.deepStrictEqual(ledger.done.attempts, [1, 1])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("again does not start in a consumer that an operator paused while it waited for others to be quiet", () =>
    Effect.gen(function*() {
      const { latch, ledger, other, shared } = yield* besideAnother
      yield* start(ledger.pipeline, { lanes, lease: "1 second", idlePoll: "100 millis" })
      yield* runReadyFibers
      yield* Consumers.pause("ledger", { by: "anna" })
      // The other one is interrupted after 5 s, and begins again: it does not wait for a suspect that must not run.
      yield* eventually("the other one begins again", () => shared.log.length === 2, 8_000)
      yield* Deferred.succeed(latch, undefined)
      yield* until("and is done", () => other.done.size === 1)
      yield* TestClock.adjust("30 seconds")
      yield* runReadyFibers
      assert.deepStrictEqual(shared.log, ["other:a1 with nothing", "other:a1 with nothing"])
      yield* Consumers.resume("ledger", { by: "anna" })
      yield* eventually("the suspect is done", () => ledger.done.size === 1)
      assert.strictEqual(shared.log.at(-1), "ledger:a1 with nothing")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("maxCrashes times becomes a dead letter `crashed` without running once more, and its key continues", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1)])
      for (const alone of [undefined, undefined, "a1"]) yield* die("ledger", alone)
      yield* publish(Orders, [order("a", 2), order("b", 1)])
      const shared = { running: new Set<string>(), log: [] as Array<string> }
      const { done, pipeline } = watched("ledger", shared)
      yield* start(pipeline, { lanes, name: "survivor" })
      yield* until("the others are done", () => done.size === 2)
      assert.isFalse(shared.log.some((line) => line.startsWith("ledger:a1")))
      const [deadLetter] = yield* deadLetters("ledger")
      assert.deepInclude(deadLetter, { reason: "crashed", state: "open" })
      assert.deepInclude(deadLetter!.attempts.at(-1), { tag: "WorkerCrashed", step: "process", worker: "survivor" })
      assert.include(deadLetter!.attempts.at(-1)!.message, "3 times")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is run again when an operator redrives it", () =>
    Effect.gen(function*() {
      yield* register
      yield* publish(Orders, [order("a", 1)])
      for (const alone of [undefined, undefined, "a1"]) yield* die("ledger", alone)
      const { done, pipeline } = watched("ledger", { running: new Set(), log: [] })
      yield* drain(pipeline, { lanes })
      yield* DeadLetters.redrive((yield* deadLetters("ledger"))[0]!.id, { by: "anna" })
      yield* drain(pipeline, { lanes })
      assert.strictEqual(done.size, 1)
      assert.deepInclude((yield* deadLetters("ledger"))[0], { state: "resolved" })
    }).pipe(Effect.provide(Memory.layer)))
})
