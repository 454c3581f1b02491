/** The memory adapter as a layer, under a TestClock. */
import { assert, it } from "@effect/vitest"
import { Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { TestClock } from "effect/testing"
import type { Delivery } from "../../src/Delivery.ts"
import * as Hold from "../../src/Hold.ts"
import * as Memory from "../../src/memory/index.ts"
import * as Message from "../../src/Message.ts"
import { Store } from "../../src/Store.ts"
import { type Subscription, Transport } from "../../src/Transport.ts"

const roomy = { messages: 1000, bytes: 10_000_000, perKey: 1000 }

const ready = (lanes = 4) =>
  Effect.gen(function*() {
    const store = yield* Store
    const transport = yield* Transport
    yield* store.consumers.register({ consumer: "ledger", topics: ["payments"], lanes, order: "park" })
    const open = (idlePoll: Duration.Duration = Duration.seconds(1)) =>
      transport.open({
        consumer: "ledger",
        topics: ["payments"],
        worker: "worker",
        lanes,
        lease: Duration.seconds(30),
        idlePoll
      })
    const publish = (...drafts: ReadonlyArray<readonly [id: string, key?: string]>) =>
      Effect.flatMap(
        Effect.forEach(drafts, ([id, key]) => Message.make({ id, topic: "payments", key, payload: "{}" })),
        store.outbox.write
      )
    return { store, transport, open, publish }
  })

const taking = (subscription: Subscription) =>
  Effect.gen(function*() {
    const got: Array<Delivery> = []
    const fiber = yield* Effect.forkChild(
      subscription.take(roomy, (deliveries) => {
        got.push(...deliveries)
      }),
      { startImmediately: true }
    )
    return { fiber, got }
  })

const ids = (deliveries: ReadonlyArray<Delivery>) => deliveries.map(({ message }) => message.id)

it.effect("gives two stores when it is built twice", () =>
  Effect.gen(function*() {
    const stores = yield* Effect.all(
      [1, 2].map(() => Effect.map(Layer.build(Layer.fresh(Memory.layer)), (context) => Context.get(context, Store)))
    )
    const claim = (store: Store["Service"]) =>
      store.transact(store.inbox.claim("ledger", [{ id: "a", fingerprint: "f" }]))
    assert.deepStrictEqual([yield* claim(stores[0]!), yield* claim(stores[1]!)], [["fresh"], ["fresh"]])
  }))

it.effect("does not join the statements of an SqlClient", () =>
  Effect.gen(function*() {
    const store = yield* Store
    assert.isTrue(store.joinsTransactions(Context.empty()))
    assert.isFalse(
      store.joinsTransactions(
        Context.make(Context.Service<unknown>("effect/sql/SqlClient"), {}) as Context.Context<never>
      )
    )
  }).pipe(Effect.provide(Memory.layer)))

it.effect("ends a hold exactly when the TestClock has come to it, and wakes the waiting take", () =>
  Effect.gen(function*() {
    const { open, publish, store } = yield* ready()
    const subscription = yield* open(Duration.hours(1))
    yield* publish(["a", "k"], ["b", "k"])
    const first = yield* taking(subscription)
    yield* Fiber.join(first.fiber)
    const [a] = first.got
    yield* subscription.whileNotReading(
      a!,
      store.transact(subscription.hold(a!, [], Hold.delayed(Duration.seconds(20))))
    )
    const second = yield* taking(subscription)
    yield* TestClock.adjust(Duration.millis(19_999))
    assert.isUndefined(second.fiber.pollUnsafe())
    yield* TestClock.adjust(Duration.millis(1))
    yield* Fiber.join(second.fiber)
    assert.deepStrictEqual(ids(second.got), ["a", "b"])
  }).pipe(Effect.provide(Memory.layer)))

it.effect("wakes a waiting take within the tick of the publish, without time passing", () =>
  Effect.gen(function*() {
    const { open, publish } = yield* ready()
    const waiting = yield* taking(yield* open(Duration.hours(1)))
    yield* publish(["a"])
    yield* Fiber.join(waiting.fiber)
    assert.deepStrictEqual(ids(waiting.got), ["a"])
  }).pipe(Effect.provide(Memory.layer)))

it.effect("reads nothing while a hold is written", () =>
  Effect.gen(function*() {
    const { open, publish, store } = yield* ready(1)
    const subscription = yield* open(Duration.hours(1))
    yield* publish(["a", "k"])
    const first = yield* taking(subscription)
    yield* Fiber.join(first.fiber)
    const [a] = first.got
    const [begun, go] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
    const holding = yield* Effect.forkChild(subscription.whileNotReading(
      a!,
      store.transact(Effect.gen(function*() {
        yield* Deferred.succeed(begun, undefined)
        yield* Deferred.await(go)
        yield* subscription.hold(a!, [], Hold.delayed(Duration.seconds(5)))
      }))
    ))
    yield* Deferred.await(begun)
    yield* publish(["b", "k"])
    const second = yield* taking(subscription)
    assert.deepStrictEqual(ids(second.got), [])
    yield* Deferred.succeed(go, undefined)
    yield* Fiber.join(holding)
    yield* TestClock.adjust("5 seconds")
    yield* Fiber.join(second.fiber)
    assert.deepStrictEqual(ids(second.got), ["a", "b"])
  }).pipe(Effect.provide(Memory.layer)))

it.effect("reads a key again after its hold although the one who held it was interrupted right after the commit", () =>
  Effect.gen(function*() {
    const { open, publish, store } = yield* ready(1)
    const subscription = yield* open(Duration.hours(1))
    yield* publish(["a", "k"], ["b", "k"])
    const first = yield* taking(subscription)
    yield* Fiber.join(first.fiber)
    const [a] = first.got
    const committed = yield* Deferred.make<void>()
    const holding = yield* Effect.forkChild(subscription.whileNotReading(
      a!,
      store.transact(subscription.hold(a!, [], Hold.delayed(Duration.seconds(5)))).pipe(
        Effect.andThen(Deferred.succeed(committed, undefined)),
        Effect.andThen(Effect.never)
      )
    ))
    yield* Deferred.await(committed)
    yield* Fiber.interrupt(holding)
    const second = yield* taking(subscription)
    yield* TestClock.adjust("5 seconds")
    yield* Fiber.join(second.fiber)
    assert.deepStrictEqual(ids(second.got), ["a", "b"])
  }).pipe(Effect.provide(Memory.layer)))

it.effect("tells an owner of its loss when it next asks, and not before", () =>
  Effect.gen(function*() {
    const { open, publish } = yield* ready(1)
    const [first, second] = [yield* open(), yield* open()]
    yield* publish(["a"])
    const mine = yield* taking(first)
    yield* Fiber.join(mine.fiber)
    const { lease } = mine.got[0]!
    yield* TestClock.adjust("31 seconds")
    const theirs = yield* taking(second)
    yield* Fiber.join(theirs.fiber)
    assert.deepStrictEqual(ids(theirs.got), ["a"])
    assert.isFalse(Deferred.isDoneUnsafe(lease.lost))
    assert.strictEqual((yield* first.renew(first.held())).size, 0)
    const lost = yield* Deferred.await(lease.lost)
    assert.strictEqual(lost._tag, "LeaseLost")
    assert.deepStrictEqual(first.held(), [])
  }).pipe(Effect.provide(Memory.layer)))

it.effect("hands out again what the receiver did not accept", () =>
  Effect.gen(function*() {
    const { open, publish } = yield* ready()
    const subscription = yield* open()
    yield* publish(["a", "k"], ["b", "k"])
    const refused = yield* Effect.exit(subscription.take(roomy, () => assert.fail("no room after all")))
    assert.isTrue(Exit.hasDies(refused))
    const again = yield* taking(subscription)
    yield* Fiber.join(again.fiber)
    assert.deepStrictEqual(ids(again.got), ["a", "b"])
  }).pipe(Effect.provide(Memory.layer)))

it.effect("refuses to open for an unknown consumer, or with other lanes", () =>
  Effect.gen(function*() {
    const { transport } = yield* ready(4)
    const spec = { topics: [], worker: "w", lease: Duration.seconds(30), idlePoll: Duration.seconds(1) }
    const refused = yield* Effect.flip(transport.open({ ...spec, consumer: "unknown", lanes: 4 }))
    assert.include(refused.message, "consumer \"unknown\" is not registered")
    const lanes = yield* Effect.flip(transport.open({ ...spec, consumer: "ledger", lanes: 5 }))
    assert.include(lanes.message, "has 4 lanes, not 5")
  }).pipe(Effect.provide(Memory.layer)))

it.effect("works 50,000 messages of one key off in linear time", () =>
  Effect.gen(function*() {
    const { open, publish, store } = yield* ready()
    const subscription = yield* open()
    const count = 50_000
    yield* publish(...Array.from({ length: count }, (_, i) => [`${i}`, "hot"] as const))
    let next = 0
    while (next < count) {
      const { fiber, got } = yield* taking(subscription)
      yield* Fiber.join(fiber)
      for (const delivery of got) assert.strictEqual(delivery.message.id, `${next++}`)
      yield* store.transact(subscription.removeInTransaction(got))
    }
  }).pipe(Effect.provide(Memory.layer)))

it.effect("gives a stopped worker's messages to the next one in order, many keys at once", () =>
  Effect.gen(function*() {
    const { open, publish } = yield* ready(8)
    const drafts = Array.from({ length: 300 }, (_, i) => [`${i}`.padStart(3, "0"), `key-${i % 30}`] as const)
    const scope = yield* Scope.make()
    const first = yield* Scope.provide(open(), scope)
    yield* publish(...drafts)
    const mine = yield* taking(first)
    yield* Fiber.join(mine.fiber)
    assert.strictEqual(mine.got.length, 300)
    yield* Scope.close(scope, Exit.void)
    const theirs = yield* taking(yield* open())
    yield* Fiber.join(theirs.fiber)
    for (let key = 0; key < 30; key++) {
      const got = ids(theirs.got.filter(({ message }) => message.key === `key-${key}`))
      assert.deepStrictEqual(got, drafts.filter((draft) => draft[1] === `key-${key}`).map(([id]) => id))
    }
  }).pipe(Effect.provide(Memory.layer)))
