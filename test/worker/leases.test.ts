// The lease: renewed while the worker lives, lost when that cannot be confirmed, and never brought back.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, type Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { type Delivery, Errors, Memory, Pipeline, type Store, type Transport } from "millrace"
import {
  deadLetters,
  drain,
  eventually,
  Journal,
  type Order,
  order,
  Orders,
  orders,
  ports,
  publish,
  runReadyFibers,
  start,
  until
} from "./support.ts"

type Renew = Transport.Subscription["renew"]

/** Memory in which the named worker's renewals go through `renew`. */
const renewals = (worker: string, renew: (inner: Renew) => Renew): Layer.Layer<Store.Store | Transport.Transport> =>
  ports({ subscription: (inner, spec) => spec.worker.startsWith(`${worker}#`) ? { renew: renew(inner.renew) } : {} })

const unreachable = Effect.fail(
  new Errors.TransportError({ engine: "memory", operation: "renew", kind: "temporary", detail: "unreachable" })
)

/** Memory in which the named worker reads once, and then neither reads nor renews: a cut network. */
const cut = (
  worker: string,
  renewal: Effect.Effect<never, Errors.TransportError>
): Layer.Layer<Store.Store | Transport.Transport> => {
  let reads = 0
  return ports({
    subscription: (inner, spec) =>
      !spec.worker.startsWith(`${worker}#`) ? {} : {
        renew: () => renewal,
        take: (room, accept) => Effect.suspend(() => reads++ === 0 ? inner.take(room, accept) : Effect.never)
      }
  })
}

/** A pipeline that waits for the test outside of the transaction and commits afterwards, with its times. */
const latched = () => {
  const latch = Deferred.makeUnsafe<void>()
  const began = new Journal<Order>()
  const done: Array<{ readonly id: string; readonly by: string }> = []
  const interruptedAt: Array<number> = []
  const pipeline = (by: string) =>
    Pipeline.from(Orders, { consumer: "ledger" }).pipe(
      Pipeline.tap(began.write),
      Pipeline.tap(() =>
        Effect.onInterrupt(Deferred.await(latch), () =>
          Effect.map(Clock.currentTimeMillis, (now) => interruptedAt.push(now)))
      ),
      Pipeline.commit((one) =>
        Effect.sync(() => done.push({ id: one.id, by }))
      )
    )
  return { latch, began, done, interruptedAt, pipeline }
}

describe("a lease", () => {
  it.effect("is renewed while a handler runs", () =>
    Effect.gen(function*() {
      const { began, done, latch, interruptedAt, pipeline } = latched()
      yield* publish(Orders, [order("a", 1)])
      yield* start(pipeline("one"), { lease: "30 seconds" })
      yield* until("it runs", () => began.size === 1)
      yield* start(pipeline("two"), { lease: "30 seconds" })
      yield* TestClock.adjust("10 minutes")
      yield* runReadyFibers
      assert.deepStrictEqual([began.size, interruptedAt.length], [1, 0])
      yield* Deferred.succeed(latch, undefined)
      yield* until("it commits", () => done.length === 1)
      assert.deepStrictEqual(done, [{ id: "a1", by: "one" }])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is kept when its renewals fail a few times and then work", () => {
    let failures = 0
    return Effect.gen(function*() {
      const { began, done, latch, interruptedAt, pipeline } = latched()
      yield* publish(Orders, [order("a", 1)])
      yield* start(pipeline("one"), { lease: "30 seconds", name: "one" })
      yield* until("it runs", () => began.size === 1)
      yield* TestClock.adjust("5 minutes")
      yield* runReadyFibers
      yield* Deferred.succeed(latch, undefined)
      yield* until("it commits", () => done.length === 1)
      assert.deepStrictEqual([interruptedAt.length, began.size], [0, 1])
      assert.isAbove(failures, 10)
    }).pipe(
      Effect.provide(
        renewals("one", (inner) => (leases) => Effect.suspend(() => ++failures % 3 !== 0 ? unreachable : inner(leases)))
      )
    )
  })

  it.effect("that cannot be renewed is lost: its handler is interrupted before the deadline, and another worker continues", () =>
    Effect.gen(function*() {
      const { began, done, interruptedAt, pipeline } = latched()
      yield* publish(Orders, [...orders("a", 2)])
      const started = yield* Clock.currentTimeMillis
      const one = yield* start(pipeline("one"), { lease: "30 seconds", name: "one", lanes: 1 })
      yield* until("it runs", () => began.size === 1)
      const two = new Journal<Order>()
      yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(two.write)), {
        name: "two",
        lanes: 1
      })
      yield* eventually("it is interrupted", () => interruptedAt.length === 1, 31_000)
      assert.isBelow(interruptedAt[0]! - started, 30_000)
      assert.isAbove(interruptedAt[0]! - started, 25_000)
      yield* eventually("the other one has done both", () => two.size === 2, 15_000)
      assert.isBelow((yield* Clock.currentTimeMillis) - started, 1.5 * 30_000)
      assert.deepStrictEqual(two.values.map((one) => one.n), [1, 2])
      assert.deepStrictEqual(two.attempts, [1, 1])
      assert.deepStrictEqual(done, [])
      assert.isUndefined(one.pollUnsafe(), "the worker that lost it continues")
    }).pipe(Effect.provide(cut("one", unreachable))))

  it.effect("that is lost while a stop waits for its handler ends that handler, and the stop", () =>
    Effect.gen(function*() {
      const { began, interruptedAt, pipeline } = latched()
      yield* publish(Orders, [order("a", 1)])
      const one = yield* start(pipeline("one"), { lease: "10 seconds", grace: "1 hour", name: "one" })
      yield* until("it runs", () => began.size === 1)
      const stop = yield* Effect.forkChild(Fiber.interrupt(one))
      yield* eventually("it is interrupted", () => interruptedAt.length === 1, 11_000)
      yield* until("it has stopped", () => stop.pollUnsafe() !== undefined)
    }).pipe(Effect.provide(cut("one", unreachable))))

  it.effect("that is lost together with others shares one warning", () => {
    const warned: Array<string> = []
    const logger = Logger.make(({ message }) => void warned.push(String(message)))
    return Effect.gen(function*() {
      const { began, interruptedAt, pipeline } = latched()
      yield* publish(Orders, Array.from({ length: 40 }, (_, i) => order(`k${i}`, 1)))
      yield* start(pipeline("one"), { lease: "30 seconds", name: "one", lanes: 16 })
      yield* until("they run", () => began.size === 40)
      yield* eventually("they are interrupted", () => interruptedAt.length === 40, 31_000)
      const told = warned.filter((line) => line.startsWith("Lost "))
      assert.lengthOf(told, 1)
      assert.match(told[0]!, /^Lost lane-\d+ .*could not be renewed in time.* 15 more were lost with it[.]$/)
    }).pipe(Effect.provide([cut("one", Effect.never), Logger.layer([logger])]))
  })

  it.effect("is lost before its deadline when the network is cut and nothing answers any more", () =>
    Effect.gen(function*() {
      const { began, done, interruptedAt, pipeline } = latched()
      yield* publish(Orders, [order("a", 1)])
      const started = yield* Clock.currentTimeMillis
      yield* start(pipeline("one"), { lease: "30 seconds", name: "one", lanes: 1 })
      yield* until("it runs", () => began.size === 1)
      yield* eventually("it is interrupted", () => interruptedAt.length === 1, 31_000)
      assert.isBelow(interruptedAt[0]! - started, 30_000)
      assert.deepStrictEqual(done, [])
    }).pipe(Effect.provide(cut("one", Effect.never))))

  it.effect("once lost is not brought back by a renewal that answers late", () => {
    let late = 0
    return Effect.gen(function*() {
      const { began, done, latch, interruptedAt, pipeline } = latched()
      yield* publish(Orders, [order("a", 1)])
      yield* start(pipeline("one"), { lease: "30 seconds", name: "one", lanes: 1 })
      yield* until("it runs", () => began.size === 1)
      yield* eventually("it is interrupted", () => interruptedAt.length === 1, 31_000)
      yield* eventually("the late answer has come", () => late === 2, 10_000)
      assert.strictEqual(done.length, 0)
      // It claims its lane again, and runs the message again from its beginning.
      yield* eventually("it runs again", () => began.size === 2, 40_000)
      yield* Deferred.succeed(latch, undefined)
      yield* eventually("it commits", () => done.length === 1, 5_000)
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(done.length, 1)
    }).pipe(Effect.provide(renewals("one", (inner) => (leases) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        if (now < 22_000) return unreachable
        if (late > 0) return inner(leases)
        late = 1
        return Effect.sync(() => (late = 2, new Set(leases))).pipe(Effect.delay("9 seconds"))
      }))))
  })

  it.effect("taken over by another worker commits nothing: the fence refuses a worker that noticed nothing", () => {
    // A worker stopped as a whole, as by SIGSTOP: it neither renews nor notices, and then goes straight to its commit.
    let reads = 0
    return Effect.gen(function*() {
      const one = latched()
      const two = latched()
      yield* publish(Orders, [order("a", 1)])
      yield* start(one.pipeline("one"), { lease: "30 seconds", name: "one", lanes: 1 })
      yield* until("it runs", () => one.began.size === 1)
      yield* TestClock.adjust("31 seconds")
      yield* start(two.pipeline("two"), { name: "two", lanes: 1 })
      yield* eventually("the other one has it, and has not committed", () => two.began.size === 1, 15_000)
      yield* Deferred.succeed(one.latch, undefined)
      yield* TestClock.adjust("5 seconds")
      yield* runReadyFibers
      assert.deepStrictEqual(one.done, [])
      yield* Deferred.succeed(two.latch, undefined)
      yield* until("the owner commits", () => two.done.length === 1)
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(Effect.provide(ports({
      subscription: (inner, spec) =>
        !spec.worker.startsWith("one#") ? {} : {
          renew: () => Effect.never,
          take: (room, accept) => Effect.suspend(() => reads++ === 0 ? inner.take(room, accept) : Effect.never),
          held: () => inner.held().map(blind)
        }
    })))
  })
})

/** One stand-in a lease, whose `lost` stays open and whose deadline is far away. */
const stands = new WeakMap<Delivery.HeldLease, Delivery.HeldLease>()
const blind = (lease: Delivery.HeldLease): Delivery.HeldLease => {
  let stand = stands.get(lease)
  if (stand === undefined) {
    stand = { ...lease, claimedAt: lease.claimedAt + 10n ** 15n, lost: Deferred.makeUnsafe() }
    stands.set(lease, stand)
  }
  return stand
}

describe("a worker whose store or transport is away for a while", () => {
  it.effect("continues by itself when reading works again, and counts nothing", () => {
    let failures = 20
    return Effect.gen(function*() {
      const done = new Journal<Order>()
      yield* publish(Orders, orders("a", 3))
      const worker = yield* start(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write)))
      yield* eventually("all are done", () => done.size === 3, 120_000)
      assert.deepStrictEqual([failures, done.attempts], [0, [1, 1, 1]])
      assert.isUndefined(worker.pollUnsafe())
    }).pipe(Effect.provide(ports({
      subscription: (inner) => ({
        take: (room, accept) =>
          Effect.suspend(() => failures > 0 ? (failures--, unreachable) : inner.take(room, accept))
      })
    })))
  })

  it.effect("ends and says why when waiting cannot fix it", () =>
    Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "ledger" }))
      const error = yield* Effect.flip(Fiber.join(worker))
      assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
      assert.include(error.message, "fix it")
    }).pipe(Effect.provide(ports({
      subscription: () => ({
        take: () =>
          Effect.fail(
            new Errors.TransportError({
              engine: "memory",
              operation: "read",
              kind: "permanent",
              detail: "no such queue"
            })
          )
      })
    }))))

  it.effect("holds and dead-letters again and again until it is written, without another attempt", () => {
    let failures = 6
    return Effect.gen(function*() {
      const tried = new Journal<Order>()
      yield* publish(Orders, [order("a", 1)])
      yield* start(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(tried.write),
          Pipeline.tap(() => Effect.fail({ retryable: false }))
        )
      )
      yield* eventually("it could not be dead-lettered six times", () => failures === 0, 30_000)
      yield* TestClock.adjust("10 seconds")
      yield* runReadyFibers
      assert.deepStrictEqual([tried.size, (yield* deadLetters("ledger")).length], [1, 1])
    }).pipe(Effect.provide(ports({
      store: (inner) => ({
        transact: (body) =>
          Effect.suspend(() =>
            failures-- > 0
              ? Effect.fail(new Errors.TransientFailure({ kind: "unavailable", code: "57P01", detail: "down" }))
              : inner.transact(body)
          ) as never
      })
    })))
  })
})

it.effect("a worker's wall clock, off by hours, changes nothing", () =>
  Effect.gen(function*() {
    const done = new Journal<Order>()
    const clock = yield* Clock.Clock
    const off: Clock.Clock = Object.create(clock, {
      currentTimeMillisUnsafe: { value: () => clock.currentTimeMillisUnsafe() - 7 * 3_600_000 },
      currentTimeMillis: { value: Effect.sync(() => clock.currentTimeMillisUnsafe() - 7 * 3_600_000) }
    })
    yield* publish(Orders, orders("a", 3))
    const worker = yield* Effect.forkChild(Effect.provideService(
      drain(Pipeline.from(Orders, { consumer: "ledger" }).pipe(Pipeline.commit(done.write))),
      Clock.Clock,
      off
    ))
    yield* eventually("all are done", () => worker.pollUnsafe() !== undefined)
    assert.strictEqual(done.size, 3)
  }).pipe(Effect.provide(Memory.layer)))
