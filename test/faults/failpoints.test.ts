/**
 * The failpoints, on memory: where they are, and what each kind of fault does. A worker keeps its promises at every
 * failing call. The checker rejects a worker that breaks them.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, TxRef } from "effect"
import { TestClock } from "effect/testing"
import { Memory, Pipeline, Retry } from "millrace"
import * as Checker from "../checker/Checker.ts"
import type * as History from "../checker/History.ts"
import { Declined, drain, type Order, order, Orders, publish } from "../worker/support.ts"
import * as Broken from "./broken.ts"
import * as Faults from "./Faults.ts"

const consumer = "ledger"

/** A ledger that rolls back with its transaction, and what became of it, as a history. */
const world = (before: Effect.Effect<void> = Effect.void) => {
  const ledger = TxRef.makeUnsafe<ReadonlyArray<History.Entry>>([])
  const history: Array<History.Entry> = [
    { _tag: "ConsumerRegistered", consumer, topics: [Orders.name], order: "park" },
    { _tag: "ProcessStarted", process: "w" }
  ]
  let draws = 0
  const pipeline = Pipeline.from(Orders, { consumer }).pipe(
    Pipeline.tap(() => before),
    Pipeline.tap(({ account: key, id }, { attempt }) =>
      Effect.sync(() => {
        history.push({ _tag: "HandlerStarted", process: "w", consumer, id, key, attempt, draw: ++draws })
        history.push({ _tag: "HandlerEnded", process: "w", consumer, id, key, outcome: "done", draw: ++draws })
      })
    ),
    Pipeline.commit((value: Order, delivered) =>
      Effect.gen(function*() {
        yield* Faults.commitStep(delivered)
        const { attempt } = delivered
        if (value.account === "flaky" && attempt === 1) return yield* new Declined({ reason: "once" })
        const row = {
          consumer,
          id: value.id,
          key: value.account,
          position: value.n,
          worker: "w",
          attempt,
          draw: ++draws
        }
        yield* TxRef.update(ledger, (rows): ReadonlyArray<History.Entry> => [...rows, { _tag: "Committed", ...row }])
        return value
      })
    ),
    Pipeline.retry(Retry.exponential("20 millis", { attempts: 5 })),
    Pipeline.deadLetter({ order: "park" })
  )
  const values = [order("a", 1), order("a", 2), order("b", 1), order("flaky", 1), order("flaky", 2)]
  const published = Effect.tap(publish(Orders, values), () =>
    Effect.sync(() => {
      for (const { account: key, id, n: position } of values) {
        history.push({ _tag: "PublishTried", process: "p", id, topic: Orders.name, key, position, batch: "1" })
        history.push({ _tag: "PublishAnswered", process: "p", id, answer: "acknowledged" })
      }
    }))
  const judged = Effect.map(
    TxRef.get(ledger),
    (rows) => Checker.check([...history, ...rows, settled, stopped], { redelivered: 0 })
  )
  return { pipeline, published, judged, ledger }
}

const stopped: History.Entry = { _tag: "FaultsStopped", process: "p" }
const settled: History.Entry = { _tag: "Settled", process: "p", millis: 0, boundMillis: 1 }
const onMemory = (plan: Faults.Plan) => Faults.layer(plan).pipe(Layer.provide(Memory.layer))

/** The moments of a worker on memory at which it can go on after a failure. */
const moments: ReadonlyArray<Faults.Moment> = [
  "take.before",
  "take.after",
  "accept.after",
  "group.before",
  "group.begun",
  "group.ended",
  "group.after",
  "removeInTransaction.before",
  "removeInTransaction.after",
  "claim.before",
  "claim.after",
  "acknowledge.before",
  "acknowledge.after"
]

describe("failpoints", () => {
  it.effect("are passed by a message from its publish to its end, in this order", () => {
    const { pipeline, published } = world()
    return Effect.gen(function*() {
      yield* published
      yield* drain(pipeline)
      const { passed } = yield* Faults.Faults
      const path = [...passed.keys()].filter((moment) => !/^(take|renew|hold|transact)/.test(moment))
      assert.deepStrictEqual(path.slice(0, 14), [
        "write.before",
        "write.after",
        "register.before",
        "register.after",
        "accept.after",
        "group.before",
        "group.begun",
        "removeInTransaction.before",
        "removeInTransaction.after",
        "claim.before",
        "claim.after",
        "commitStep.first",
        "group.ended",
        "group.after"
      ])
      assert.isTrue(
        ["acknowledge.after", "group.rolledBack", "close.after"].every((one) => path.includes(one as Faults.Moment))
      )
    }).pipe(Effect.provide(onMemory({ faults: [] })))
  })

  it.effect("kill at the n-th passing, and say so before", () => {
    const happened: Array<string> = []
    const plan: Faults.Plan = {
      faults: [{ at: "claim.after", nth: 3, action: { _tag: "Kill" } }],
      note: (hit) => happened.push(`${hit.action} ${hit.moment} ${hit.nth}`),
      kill: () => happened.push("killed")
    }
    const faults = Faults.make(plan)
    return Effect.gen(function*() {
      yield* faults.at("claim.after")
      yield* faults.at("claim.after")
      const died = yield* Effect.forkChild(faults.at("claim.after"), { startImmediately: true })
      assert.deepStrictEqual(happened, ["Kill claim.after 3", "killed"])
      assert.isUndefined(died.pollUnsafe())
    })
  })

  for (const action of [{ _tag: "Fail" }, { _tag: "Delay", duration: "300 millis" }] as const) {
    for (const at of moments) {
      it.effect(`${action._tag} at ${at}, the first three times: all is handled once, in order`, () =>
        Effect.forEach([1, 2, 3], (nth) => {
          const hits: Array<number> = []
          const { judged, published, pipeline } = world()
          return Effect.gen(function*() {
            yield* published
            yield* drain(pipeline)
            const report = yield* judged
            assert.isTrue(report.ok, `${nth}: ${Checker.render(report)}`)
            if (nth === 1) assert.deepStrictEqual(hits, [1])
          }).pipe(Effect.provide(onMemory({ faults: [{ at, nth, action }], note: (hit) => hits.push(hit.nth) })))
        }))
    }
  }

  for (const tag of ["Fail", "Stall"] as const) {
    it.effect(`${tag} at every renewal: the lease is lost, its work is interrupted, and all is handled once`, () => {
      let begun = 0
      const slowAtFirst = Effect.suspend(() => begun++ === 0 ? Effect.sleep("1 minute") : Effect.void)
      const { judged, published, pipeline } = world(slowAtFirst)
      return Effect.gen(function*() {
        yield* published
        yield* drain(pipeline, { lease: "3 seconds" })
        // The drain ended when nothing more could be taken; what it lost is taken by the next one.
        yield* TestClock.adjust("3 seconds")
        yield* drain(pipeline)
        const { passed } = yield* Faults.Faults
        assert.isAbove(passed.get("renew.before") ?? 0, 0)
        // Five messages, one of them tried twice, and the slow one started again.
        assert.isAtLeast(begun, 7)
        assert.isTrue((yield* judged).ok)
      }).pipe(Effect.provide(onMemory({ faults: [{ at: "renew.before", always: true, action: { _tag: tag } }] })))
    })
  }
})

describe("the checker", () => {
  const once: Faults.Plan = { faults: [{ at: "group.after", action: { _tag: "Fail" } }] }

  it.effect("lets a worker pass whose COMMIT was not answered", () => {
    const { judged, published, pipeline } = world()
    return Effect.gen(function*() {
      yield* published
      yield* drain(pipeline)
      assert.isTrue((yield* judged).ok)
    }).pipe(Effect.provide(onMemory(once)))
  })

  it.effect("catches: inbox that calls every id fresh, fence that lets everything pass", () => {
    const { judged, published, pipeline } = world()
    return Effect.gen(function*() {
      yield* published
      yield* drain(pipeline)
      const report = yield* judged
      assert.isAbove(report.found.effectivelyOnce, 0, Checker.render(report))
      assert.isAbove(report.violations[0]!.lifeLine.length, 2)
    }).pipe(Effect.provide(Faults.layer(once).pipe(Layer.provide(Broken.layer), Layer.provide(Memory.layer))))
  })
})
