// A named lease: one owner that renews it, and whose work is interrupted before another owner can hold it.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Context, Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Lease, Memory, Store } from "millrace"
import { runReadyFibers, until } from "../worker/support.ts"

type Leases = Store.Store["Service"]["leases"]

/** The memory store, with what it does about leases changed. */
const memory = (change: (leases: Leases) => Partial<Leases>) =>
  Layer.effectContext(
    Effect.map(Store.Store, (store) =>
      Context.make(Store.Store, { ...store, leases: { ...store.leases, ...change(store.leases) } }))
  ).pipe(
    Layer.provide(Memory.layer)
  )

const down = new Errors.StoreFailure({ operation: "renew", kind: "unavailable", code: "", detail: "down", hint: "" })

const nanos = (millis: number) => BigInt(millis) * 1_000_000n

describe("a named lease", () => {
  it.effect("renews itself at a third of its time, and its deadline moves with it", () =>
    Effect.gen(function*() {
      const lease = yield* Lease.acquire("leader", { duration: "30 seconds" })
      const began = yield* Clock.monotonicTimeNanos
      assert.strictEqual(yield* lease.deadline, began + nanos(30_000))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* lease.deadline, began + nanos(40_000))
      yield* TestClock.adjust("5 minutes")
      const error = yield* Effect.flip(Lease.acquire("leader", { wait: 0 }))
      assert.strictEqual(error._tag, "LeaseTaken")
      if (error._tag === "LeaseTaken") assert.deepStrictEqual([error.lease, error.holder], ["leader", lease.holder])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is had at once by who waits, when its owner's scope closes", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const first = yield* Scope.provide(Lease.acquire("leader"), scope)
      const waiting = yield* Effect.forkChild(Lease.acquire("leader"), { startImmediately: true })
      yield* runReadyFibers
      assert.isUndefined(waiting.pollUnsafe())
      yield* Scope.close(scope, Exit.void)
      // No time passes.
      const second = yield* Fiber.join(waiting)
      assert.isTrue(second.token > first.token)
    }).pipe(Effect.scoped, Effect.provide(Memory.layer)))

  it.effect("waits no longer than its limit, and names the holder", () =>
    Effect.gen(function*() {
      yield* Lease.acquire("leader", { holder: "ann" })
      const waiting = yield* Effect.forkChild(Effect.flip(Lease.acquire("leader", { wait: "7 seconds" })), {
        startImmediately: true
      })
      yield* TestClock.adjust("6900 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("200 millis")
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error._tag, "LeaseTaken")
      if (error._tag === "LeaseTaken") assert.match(error.holder, /^ann#/)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("interrupts its work before another owner can hold it, when it cannot be renewed", () => {
    let able = true
    return Effect.gen(function*() {
      const [began, stopped] = [Deferred.makeUnsafe<void>(), Deferred.makeUnsafe<number>()]
      const work = Effect.andThen(Deferred.succeed(began, undefined), Effect.never).pipe(
        Effect.onInterrupt(() => Effect.flatMap(Clock.currentTimeMillis, (now) => Deferred.succeed(stopped, now)))
      )
      const using = yield* Effect.forkChild(Lease.use("leader", () => work, { duration: "30 seconds" }), {
        startImmediately: true
      })
      yield* Deferred.await(began)
      yield* TestClock.adjust("25 seconds")
      able = false
      // Renewed last at 20 s. With a margin of a twentieth the work ends at 48.5 s.
      const successor = yield* Effect.forkChild(Lease.acquire("leader"), { startImmediately: true })
      yield* TestClock.adjust("23 seconds")
      assert.isUndefined(using.pollUnsafe())
      yield* TestClock.adjust("600 millis")
      const exit = yield* Fiber.await(using)
      assert.isTrue(
        Exit.isFailure(exit) &&
          exit.cause.reasons.some((reason) => reason._tag === "Fail" && reason.error._tag === "LeaseLost")
      )
      assert.isTrue((yield* Deferred.await(stopped)) <= 48_600)
      yield* Fiber.join(successor)
    }).pipe(
      Effect.scoped,
      Effect.provide(memory((leases) => ({
        renew: (...args) => able ? leases.renew(...args) : Effect.fail(down),
        // Not given back either: only its time ends it.
        release: (...args) => able ? leases.release(...args) : Effect.fail(down)
      })))
    )
  })

  it.effect("is lost before its deadline when a renewal hangs", () =>
    Effect.gen(function*() {
      const lease = yield* Lease.acquire("leader", { duration: "30 seconds" })
      const lost = yield* Effect.forkChild(lease.lost, { startImmediately: true })
      yield* TestClock.adjust("28400 millis")
      assert.isUndefined(lost.pollUnsafe())
      yield* TestClock.adjust("100 millis")
      assert.strictEqual((yield* Fiber.join(lost)).token, String(lease.token))
    }).pipe(Effect.provide(memory(() => ({ renew: () => Effect.never })))))

  it.effect("stays lost, though a renewal comes through later", () => {
    let able = true
    return Effect.gen(function*() {
      const store = yield* Store.Store
      const lease = yield* Lease.acquire("leader", { duration: "30 seconds" })
      able = false
      yield* TestClock.adjust("29 seconds")
      able = true
      const deadline = yield* lease.deadline
      yield* TestClock.adjust("2 seconds")
      yield* lease.lost
      assert.strictEqual(yield* lease.deadline, deadline)
      const error = yield* Effect.flip(store.transact(lease.check))
      assert.strictEqual(error._tag, "LeaseLost")
      // Nothing renews it behind our back: its time is over, and it can be had.
      yield* Lease.acquire("leader", { wait: 0 })
    }).pipe(
      Effect.provide(memory((leases) => ({
        renew: (...args) => able ? leases.renew(...args) : Effect.fail(down)
      })))
    )
  })

  it.effect("keeps the lease when renewals fail for a while, and asks again sooner", () => {
    let failures = 2
    return Effect.gen(function*() {
      const lease = yield* Lease.acquire("leader", { duration: "30 seconds" })
      const began = yield* Clock.monotonicTimeNanos
      // Due at 10 s; fails at 10 and 12.5 s.
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* lease.deadline, began + nanos(45_000))
    }).pipe(Effect.provide(memory((leases) => ({
      renew: (...args) => failures-- > 0 ? Effect.fail(down) : leases.renew(...args)
    }))))
  })

  it.effect("refuses writes of its owner after another owner has held it", () => {
    let able = true
    return Effect.gen(function*() {
      const stale = yield* Lease.acquire("leader", { duration: "30 seconds" })
      let writes = 0
      const write = Effect.sync(() => ++writes)
      assert.strictEqual(yield* Lease.fenced(stale, write), 1)
      able = false
      // A frozen process would not see its own deadline pass: here, only the store knows.
      const store = yield* Store.Store
      yield* store.leases.release("leader", stale.holder)
      const successor = yield* Lease.acquire("leader", { wait: 0 })
      assert.isTrue(successor.token > stale.token)
      assert.strictEqual((yield* Effect.flip(Lease.fenced(stale, write)))._tag, "LeaseLost")
      assert.strictEqual((yield* stale.lost).token, String(stale.token))
      assert.strictEqual(yield* Lease.fenced(successor, write), 2)
    }).pipe(Effect.provide(memory((leases) => ({
      renew: (...args) => able ? leases.renew(...args) : Effect.fail(down)
    }))))
  })

  it.effect("waits while the store is away, and fails at once when it refuses", () => {
    let kind: "unavailable" | "refused" | undefined = "unavailable"
    const failure = () => new Errors.StoreFailure({ operation: "claim", kind: kind!, code: "", detail: "no", hint: "" })
    return Effect.gen(function*() {
      const waiting = yield* Effect.forkChild(Lease.acquire("leader"), { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(waiting.pollUnsafe())
      assert.strictEqual((yield* Effect.flip(Lease.acquire("leader", { wait: 0 })))._tag, "StoreFailure")
      kind = undefined
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
      kind = "refused"
      assert.strictEqual((yield* Effect.flip(Lease.acquire("other")))._tag, "StoreFailure")
    }).pipe(
      Effect.scoped,
      Effect.provide(memory((leases) => ({
        claim: (...args) => kind === undefined ? leases.claim(...args) : Effect.fail(failure())
      })))
    )
  })

  it.effect("waits no longer than its limit for a store that answers late, and leaves no lease behind", () => {
    let [slow, asked] = [true, 0]
    return Effect.gen(function*() {
      const acquire = (wait: Lease.LeaseOptions["wait"]) =>
        Effect.forkChild(Effect.flip(Effect.scoped(Lease.acquire("leader", { duration: "1 second", wait }))), {
          startImmediately: true
        })
      for (const [wait, claims] of [[0, 1], ["2 seconds", 4]] as const) {
        asked = 0
        const waiting = yield* acquire(wait)
        yield* TestClock.adjust("10 seconds")
        yield* runReadyFibers
        assert.isDefined(waiting.pollUnsafe())
        const error = yield* Fiber.join(waiting)
        assert.deepInclude(error, { _tag: "StoreFailure", kind: "timeout" })
        assert.strictEqual(asked, claims)
      }
      slow = false
      yield* Lease.acquire("leader", { wait: 0 })
    }).pipe(
      Effect.scoped,
      Effect.provide(memory((leases) => ({
        claim: (...args) =>
          Effect.suspend(() => {
            asked++
            return slow ? Effect.delay(leases.claim(...args), "600 millis") : leases.claim(...args)
          })
      })))
    )
  })

  it.effect("leaves nothing behind when it is interrupted while it asks", () => {
    let asked = 0
    return Effect.gen(function*() {
      const asking = yield* Effect.forkChild(Effect.scoped(Lease.acquire("leader")), { startImmediately: true })
      yield* until("it was claimed, but the answer did not come", () => asked === 1)
      yield* Fiber.interrupt(asking)
      assert.strictEqual((yield* Lease.acquire("leader", { wait: 0 })).token, 2n)
    }).pipe(Effect.provide(memory((leases) => ({
      claim: (...args) =>
        Effect.flatMap(leases.claim(...args), (got) => ++asked === 1 ? Effect.never : Effect.succeed(got))
    }))))
  })

  it.effect("refuses names and settings that make no sense", () =>
    Effect.gen(function*() {
      const tag = (options: Lease.LeaseOptions, name = "leader") =>
        Effect.map(Effect.flip(Lease.acquire(name, options)), (error) =>
          error._tag === "InvalidSetting" ? error.setting : error._tag)
      assert.deepStrictEqual(
        [
          yield* tag({}, "a b"),
          yield* tag({ duration: "299 millis" }),
          yield* tag({ duration: "2 days" }),
          yield* tag({ wait: "soon" as "1 second" }),
          yield* tag({ poll: 0 }),
          yield* tag({ holder: "" })
        ],
        ["InvalidName", "duration", "duration", "wait", "poll", "holder"]
      )
    }).pipe(Effect.provide(Memory.layer)))
})
