/** Guarantees of the memory store only. TxRefs commit with it, and no write comes between check and commit. */
import { assert, describe, it } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Fiber, Layer, References, type Scope, TxRef } from "effect"
import { TestClock } from "effect/testing"
import type { Delivery } from "../../src/Delivery.ts"
import * as Memory from "../../src/memory/index.ts"
import * as Message from "../../src/Message.ts"
import { Store } from "../../src/Store.ts"
import { type Subscription, Transport } from "../../src/Transport.ts"

const lease = Duration.seconds(30)
const roomy = { messages: 100, bytes: 1_000_000, perKey: 100 }

const open = Effect.flatMap(Transport, (transport) =>
  transport.open({
    consumer: "ledger",
    topics: ["payments"],
    worker: "worker",
    lanes: 1,
    lease,
    idlePoll: Duration.seconds(1)
  }))

const publish = (...ids: ReadonlyArray<string>) =>
  Effect.flatMap(Store, (store) =>
    Effect.flatMap(
      Effect.forEach(ids, (id) => Message.make({ id, topic: "payments", key: "k", payload: "{}" })),
      store.outbox.write
    ))

const take = (subscription: Subscription) =>
  Effect.gen(function*() {
    const got: Array<Delivery> = []
    const taking = yield* Effect.forkChild(
      subscription.take(roomy, (deliveries) => {
        got.push(...deliveries)
      }),
      { startImmediately: true }
    )
    if (taking.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
    yield* Fiber.join(taking)
    return got
  })

const ids = (deliveries: ReadonlyArray<Delivery>) => deliveries.map(({ message }) => message.id)

/** Each test has a store of its own, in which "ledger" reads "payments". */
const test = <A, E>(promise: string, body: Effect.Effect<A, E, Store | Transport | Scope.Scope>) =>
  it.effect(promise, () =>
    Effect.gen(function*() {
      const store = yield* Store
      yield* store.consumers.register({ consumer: "ledger", topics: ["payments"], lanes: 1, order: "park" })
      return yield* body
    }).pipe(Effect.provide(Memory.layer)))

describe("a fake that lives in a TxRef", () => {
  test(
    "commits with the transaction, and is rolled back with it",
    Effect.gen(function*() {
      const store = yield* Store
      const balance = yield* TxRef.make(0)
      const deposit = TxRef.update(balance, (cents) => cents + 100)
      yield* Effect.flip(store.transact(Effect.andThen(deposit, Effect.fail("declined" as const))))
      assert.strictEqual(yield* TxRef.get(balance), 0)
      yield* Effect.exit(store.transact(Effect.andThen(deposit, Effect.die("bug"))))
      assert.strictEqual(yield* TxRef.get(balance), 0)
      yield* store.transact(deposit)
      assert.strictEqual(yield* TxRef.get(balance), 100)
    })
  )

  test(
    "is rolled back when the lease was taken over before the commit",
    Effect.gen(function*() {
      const store = yield* Store
      const [first, second] = [yield* open, yield* open]
      const balance = yield* TxRef.make(0)
      yield* publish("a")
      const stale = yield* take(first)
      const [paused, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const committing = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        assert.deepStrictEqual(ids(yield* first.removeInTransaction(stale)), ["a"])
        yield* TxRef.set(balance, 100)
        yield* Deferred.succeed(paused, undefined)
        yield* Deferred.await(go)
      })))
      yield* Deferred.await(paused)
      yield* TestClock.adjust("31 seconds")
      const got = yield* take(second)
      assert.deepStrictEqual(ids(got), ["a"])
      yield* Deferred.succeed(go, undefined)
      const error = yield* Effect.flip(Fiber.join(committing))
      assert.strictEqual(error._tag, "TransientFailure")
      assert.strictEqual(yield* TxRef.get(balance), 0)
      assert.deepStrictEqual(ids(yield* store.transact(second.removeInTransaction(got))), ["a"])
    })
  )

  test(
    "makes the transaction run again, with nothing staged twice, when another fiber has changed it",
    Effect.gen(function*() {
      const store = yield* Store
      const subscription = yield* open
      const balance = yield* TxRef.make(0)
      const [read, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      let runs = 0
      const committing = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        runs++
        const seen = yield* TxRef.get(balance)
        yield* publish(`${runs} saw ${seen}`)
        yield* store.inbox.claim("ledger", [{ id: "a", fingerprint: "f" }])
        yield* Deferred.succeed(read, undefined)
        yield* Deferred.await(go)
        yield* TxRef.set(balance, seen + 1)
      })))
      yield* Deferred.await(read)
      yield* TxRef.set(balance, 10)
      yield* Deferred.succeed(go, undefined)
      yield* Fiber.join(committing)
      assert.strictEqual(runs, 2)
      assert.strictEqual(yield* TxRef.get(balance), 11)
      assert.deepStrictEqual(ids(yield* take(subscription)), ["2 saw 10"])
    })
  )
})

describe("the commit", () => {
  /** Runs a body that yields at every step, beside a fiber that writes after `turns` steps (a yield takes two). */
  const beside = <A, E, R, E2, R2>(
    turns: number,
    body: Effect.Effect<A, E, R>,
    intruder: Effect.Effect<unknown, E2, R2>
  ) =>
    Effect.gen(function*() {
      const running = yield* Effect.forkChild(
        Effect.provideService(Effect.exit(body), References.MaxOpsBeforeYield, 3)
      )
      for (let i = 0; i < turns; i++) yield* Effect.yieldNow
      yield* intruder
      return yield* Fiber.join(running)
    })

  test(
    "lets no other owner slip in between the look at the token and the writes",
    Effect.gen(function*() {
      const store = yield* Store
      const [first, second] = [yield* open, yield* open]
      const seen = { committed: 0, refused: 0, gone: 0 }
      for (let turns = 0; turns < 150; turns++) {
        const balance = yield* TxRef.make(0)
        yield* publish(`${turns}`)
        const mine = yield* take(first)
        const commit = store.transact(Effect.gen(function*() {
          const settled = yield* first.removeInTransaction(mine)
          yield* TxRef.set(balance, settled.length)
          return settled.length
        }))
        const exit = yield* beside(turns, commit, first.release(first.held()))
        const left = yield* take(second)
        const settled = exit._tag === "Success" ? exit.value : 0
        assert.strictEqual(settled + left.length, 1, `after ${turns} turns`)
        assert.strictEqual(yield* TxRef.get(balance), settled, `after ${turns} turns`)
        seen[exit._tag === "Failure" ? "refused" : settled === 1 ? "committed" : "gone"]++
        yield* store.transact(second.removeInTransaction(left))
        yield* second.release(second.held())
      }
      for (const count of Object.values(seen)) assert.isAbove(count, 2, JSON.stringify(seen))
    })
  )

  test(
    "lets no change of a TxRef slip in between the writes and the TxRefs",
    Effect.gen(function*() {
      const store = yield* Store
      const subscription = yield* open
      const runs = { 1: 0, 2: 0 }
      for (let turns = 0; turns < 150; turns++) {
        const balance = yield* TxRef.make(0)
        let run = 0
        const commit = store.transact(Effect.gen(function*() {
          run++
          yield* TxRef.update(balance, (cents) => cents + 1)
          yield* publish(`${turns}`)
          yield* TxRef.update(balance, (cents) => cents + 1)
        }))
        const exit = yield* beside(turns, commit, TxRef.update(balance, (cents) => cents + 100))
        assert.strictEqual(exit._tag, "Success")
        assert.strictEqual(yield* TxRef.get(balance), 102, `after ${turns} turns`)
        const got = yield* take(subscription)
        assert.deepStrictEqual(ids(got), [`${turns}`], `after ${turns} turns`)
        yield* store.transact(subscription.removeInTransaction(got))
        runs[run as 1 | 2]++
      }
      assert.isAbove(runs[1], 2, JSON.stringify(runs))
      assert.isAbove(runs[2], 2, JSON.stringify(runs))
    })
  )

  test(
    "settles a message once when two transactions settle it at the same time",
    Effect.gen(function*() {
      const store = yield* Store
      const subscription = yield* open
      yield* publish("a")
      const got = yield* take(subscription)
      const settle = store.transact(Effect.tap(subscription.removeInTransaction(got), () => Effect.yieldNow))
      const exits = yield* Effect.all([Effect.exit(settle), Effect.exit(settle)], { concurrency: "unbounded" })
      assert.deepStrictEqual(exits.map((exit) => exit._tag).toSorted(), ["Failure", "Success"])
      assert.deepStrictEqual(yield* settle, [])
    })
  )

  test(
    "gives one of two transactions that wait for each other's ids way, and both succeed in the end",
    Effect.gen(function*() {
      const store = yield* Store
      const claim = (id: string) => store.inbox.claim("ledger", [{ id, fingerprint: "f" }])
      const [one, two] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const first = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        yield* claim("a")
        yield* Deferred.succeed(one, undefined)
        yield* Deferred.await(two)
        return yield* claim("b")
      })))
      yield* Deferred.await(one)
      const second = yield* Effect.exit(store.transact(Effect.gen(function*() {
        yield* claim("b")
        yield* Deferred.succeed(two, undefined)
        yield* Effect.yieldNow
        return yield* claim("a")
      })))
      const exits = [second, yield* Fiber.await(first)]
      assert.deepStrictEqual(exits.map((exit) => exit._tag).toSorted(), ["Failure", "Success"])
      const failed = exits.find((exit) => exit._tag === "Failure")
      assert.include(JSON.stringify(failed), "TransientFailure")
    })
  )

  test(
    "shows staged writes to its own transaction at once, and to no other before the commit",
    Effect.gen(function*() {
      const store = yield* Store
      const subscription = yield* open
      yield* publish("a")
      const got = yield* take(subscription)
      const [staged, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const entry = { delivery: got[0]!, reason: "exhausted", attempts: [], fingerprint: "f", parked: true } as const
      const deadLettering = yield* Effect.forkChild(store.transact(Effect.gen(function*() {
        yield* subscription.removeInTransaction(got)
        const [deadLetterId] = yield* store.deadLetters.add("ledger", [entry])
        assert.deepStrictEqual(yield* store.inbox.claim("ledger", [{ id: "a", fingerprint: "x" }]), ["conflict"])
        yield* Deferred.succeed(staged, undefined)
        yield* Deferred.await(go)
        return deadLetterId
      })))
      yield* Deferred.await(staged)
      assert.deepStrictEqual(yield* store.deadLetters.list({}), [])
      yield* Deferred.succeed(go, undefined)
      const deadLetterId = yield* Fiber.join(deadLettering)
      assert.strictEqual((yield* store.deadLetters.get(deadLetterId!)).state, "open")
    })
  )

  test(
    "refuses to work for a transaction that is over, or for one of another store",
    Effect.gen(function*() {
      const store = yield* Store
      const claim = store.inbox.claim("ledger", [{ id: "a", fingerprint: "f" }])
      const late = yield* store.transact(
        Effect.forkDetach(Effect.andThen(Effect.sleep("1 second"), Effect.exit(claim)))
      )
      yield* TestClock.adjust("1 second")
      assert.include(JSON.stringify(yield* Fiber.join(late)), "its transaction is over")
      const other = Context.get(yield* Layer.build(Layer.fresh(Memory.layer)), Store)
      const foreign = yield* Effect.flip(other.transact(claim))
      assert.strictEqual(foreign._tag, "StoreFailure")
    })
  )

  test(
    "commits on its own inside an outer Effect.tx",
    Effect.gen(function*() {
      const store = yield* Store
      const subscription = yield* open
      yield* Effect.flip(Effect.tx(Effect.andThen(store.transact(publish("a")), Effect.fail("no" as const))))
      assert.deepStrictEqual(ids(yield* take(subscription)), ["a"])
    })
  )
})
