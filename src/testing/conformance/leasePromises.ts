/**
 * Promises of leases. A lease is kept while it is renewed, and else lost permanently. Messages are given back in order,
 * and crashes are counted.
 *
 * @since 0.1.0
 */
import { assert } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { LeaseLost } from "../../Errors.ts"
import * as Hold from "../../Hold.ts"
import { assertIds, bench, ids, type Options, requires, type Tests } from "./kit.ts"

const three = [{ id: "a", key: "k" }, { id: "b", key: "k" }, { id: "c", key: "k" }]

/** Makes a consumer whose first owner lost its leases with three messages. The second owner has received them since. */
const takenOver = Effect.fnUntraced(function*(options: Options) {
  const kit = yield* bench(options)
  const [first, second] = [yield* kit.open(), yield* kit.open()]
  yield* kit.publish(three)
  const stale = yield* kit.receive(first, 3)
  yield* kit.expire
  return { ...kit, first, second, stale, got: yield* kit.receive(second, 3) }
})

/** Registers the promises about renewal and loss of leases. */
const ownership = (it: Tests, options: Options) => {
  requires(it, options, "several").effect(
    "keeps work of three leases' length to itself while it renews",
    () =>
      Effect.gen(function*() {
        const { can, lease, nothing, open, publish, receive, settle, working } = yield* bench(options)
        const [first, second] = [yield* open(), yield* open()]
        yield* publish(three)
        const got = yield* receive(first, 3)
        for (let i = 0; i < 3; i++) {
          const confirmed = yield* working(first, lease)
          assert.isTrue(confirmed.has(got[0]!.lease))
          yield* nothing(second)
        }
        assertIds(can, yield* settle(first, got), ["a", "b", "c"])
      })
  )

  requires(it, options, "several").effect("lists and confirms the leases it holds", () =>
    Effect.gen(function*() {
      const { open, publish, receive } = yield* bench(options)
      const subscription = yield* open()
      assert.deepStrictEqual(subscription.held(), [])
      yield* publish(three)
      const [delivery] = yield* receive(subscription, 3)
      assert.isTrue(subscription.held().includes(delivery!.lease))
      const confirmed = yield* subscription.renew(subscription.held())
      assert.deepStrictEqual([...confirmed], [...subscription.held()])
      assert.deepStrictEqual([...yield* subscription.renew(subscription.held())], [...confirmed])
    }))

  requires(it, options, "several").effect(
    "hands the work of an owner that does not renew to another one, with a higher token",
    () =>
      Effect.gen(function*() {
        const { can, got, second, settle, stale } = yield* takenOver(options)
        assertIds(can, got, ["a", "b", "c"])
        if (can.fence === "token") assert.isTrue(got[0]!.lease.token > stale[0]!.lease.token)
        assertIds(can, yield* settle(second, got), ["a", "b", "c"])
      })
  )

  requires(it, options, "token", "several").effect(
    "lets an owner that has lost its lease neither settle nor hold",
    () =>
      Effect.gen(function*() {
        const { first, got, nothing, second, settle, stale, store } = yield* takenOver(options)
        assert.deepStrictEqual(ids(yield* settle(first, stale)), [])
        const hold = first.hold(stale[0]!, [], Hold.delayed(Duration.hours(1)))
        const error = yield* Effect.flip(first.whileNotReading(stale[0]!, store.transact(hold)))
        assert.strictEqual(error._tag, "LeaseLost")
        yield* nothing(second)
        assert.deepStrictEqual(ids(yield* settle(second, got)), ["a", "b", "c"])
      })
  )

  requires(it, options, "token", "several").effect(
    "brings no lost lease back by a late renewal",
    () =>
      Effect.gen(function*() {
        const { first, got, second, settle, stale } = yield* takenOver(options)
        const confirmed = yield* first.renew([stale[0]!.lease])
        assert.strictEqual(confirmed.size, 0)
        assert.deepStrictEqual(ids(yield* settle(first, stale)), [])
        assert.deepStrictEqual(ids(yield* settle(second, got)), ["a", "b", "c"])
      })
  )
}

/** Registers the promises about giving leases back. */
const release = (it: Tests, options: Options) => {
  requires(it, options, "several").effect(
    "gives released leases back in order, without counting anything",
    () =>
      Effect.gen(function*() {
        const { can, open, publish, receive, settle } = yield* bench(options)
        const first = yield* open()
        yield* publish(three)
        const [a, ...rest] = yield* receive(first, 3)
        yield* settle(first, [a!])
        yield* first.release(first.held())
        yield* first.release(first.held())
        assert.deepStrictEqual(ids(yield* settle(first, rest)), [])
        const got = yield* receive(yield* open(), 2)
        assertIds(can, got, ids(rest))
        assert.deepStrictEqual(got.map((delivery) => delivery.crashCount), [0, 0])
      })
  )

  requires(it, options, "several").effect(
    "gives everything back in order when its scope closes, without counting anything",
    () =>
      Effect.gen(function*() {
        const { can, open, publish, receive } = yield* bench(options)
        const scope = yield* Scope.make()
        const first = yield* Scope.provide(open(), scope)
        yield* publish(three)
        yield* receive(first, 3)
        yield* Scope.close(scope, Exit.void)
        const got = yield* receive(yield* open(), 3)
        assertIds(can, got, ["a", "b", "c"])
        assert.deepStrictEqual(got.map((delivery) => delivery.crashCount), [0, 0, 0])
      })
  )
}

/** Registers the promises about which messages get a crash counted when their owner dies. */
const deaths = (it: Tests, options: Options) => {
  it.effect("counts the messages in flight of a dead owner, once a death, and not those given back", () =>
    Effect.gen(function*() {
      const { expire, open, publish, receive } = yield* bench(options)
      yield* publish([{ id: "a", key: "k" }])
      const received = []
      for (let death = 0; death < 3; death++) {
        received.push((yield* receive(yield* open(), 1))[0]!.crashCount)
        yield* expire
      }
      const scope = yield* Scope.make()
      received.push((yield* receive(yield* Scope.provide(open(), scope), 1))[0]!.crashCount)
      yield* Scope.close(scope, Exit.void)
      received.push((yield* receive(yield* open(), 1))[0]!.crashCount)
      assert.deepStrictEqual(received, [0, 1, 2, 3, 3])
    }))

  requires(it, options, "lanes").effect(
    "counts no death when an owner that was stopped for a while claims its own work again",
    () =>
      Effect.gen(function*() {
        const { expire, open, publish, receive, settle } = yield* bench(options)
        const stopped = yield* open()
        yield* publish([{ id: "a", key: "k" }])
        const received = []
        for (let stop = 0; stop < 3; stop++) {
          const [delivery] = yield* receive(stopped, 1)
          received.push(delivery!.crashCount)
          yield* expire
          // The test marks the leases as lost, as the worker does at the deadline.
          for (const { lost, name, token } of stopped.held()) {
            yield* Deferred.succeed(
              lost,
              new LeaseLost({ lease: name, token: String(token), reason: "it was stopped" })
            )
          }
        }
        const again = yield* receive(stopped, 1)
        received.push(again[0]!.crashCount)
        assert.deepStrictEqual(received, [0, 0, 0, 0])
        assert.deepStrictEqual(ids(yield* settle(stopped, again)), ["a"])
      })
  )

  requires(it, options, "several").effect(
    "counts nothing that was settled or not yet handed over before the death",
    () =>
      Effect.gen(function*() {
        const { expire, open, publish, receive, settle } = yield* bench(options)
        const first = yield* open()
        yield* publish([{ id: "a", key: "k" }, { id: "b", key: "k" }])
        const got = yield* receive(first, 2)
        yield* settle(first, got.filter(({ message }) => message.id === "a"))
        yield* publish([{ id: "c", key: "k" }])
        yield* expire
        const counts = (yield* receive(yield* open(), 2)).map(({ crashCount, message }) => [message.id, crashCount])
        assert.deepStrictEqual(Object.fromEntries(counts), { b: 1, c: 0 })
      })
  )

  requires(it, options, "several", "alone").effect(
    "counts only the isolated delivery when its owner dies",
    () =>
      Effect.gen(function*() {
        const { expire, open, publish, receive } = yield* bench(options)
        const first = yield* open()
        yield* publish([{ id: "clear", key: "1" }, { id: "suspect", key: "2" }, { id: "other", key: "2" }])
        const suspect = (yield* receive(first, 3)).find(({ message }) => message.id === "suspect")
        yield* first.isolate(suspect)
        yield* expire
        const got = new Map(
          (yield* receive(yield* open(), 3)).map(({ message, crashCount: received }) => [message.id, received])
        )
        assert.deepStrictEqual([got.get("clear"), got.get("suspect"), got.get("other")], [0, 1, 0])
      })
  )

  requires(it, options, "several").effect(
    "counts nothing of a worker that runs nothing while another one isolates",
    () =>
      Effect.gen(function*() {
        const { expire, open, publish, receive } = yield* bench(options)
        const first = yield* open()
        yield* publish(three)
        yield* receive(first, 3)
        yield* first.isolate(undefined)
        yield* expire
        const got = yield* receive(yield* open(), 3)
        assert.deepStrictEqual(got.map((delivery) => delivery.crashCount), [0, 0, 0])
      })
  )

  requires(it, options, "several").effect(
    "counts everything again once the isolation has ended",
    () =>
      Effect.gen(function*() {
        const { expire, open, publish, receive } = yield* bench(options)
        const first = yield* open()
        yield* publish(three)
        yield* receive(first, 3)
        yield* Effect.scoped(first.isolate(undefined))
        yield* expire
        const got = yield* receive(yield* open(), 3)
        assert.deepStrictEqual(got.map((delivery) => delivery.crashCount), [1, 1, 1])
      })
  )
}

/** Registers the promises about leases. */
export const leasePromises = (it: Tests, options: Options): void => {
  ownership(it, options)
  release(it, options)
  deaths(it, options)
}
