// The promises of a subscription on SQS, on a model of it: leases, handles, groups, holds, and what SQS counts.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { type Delivery, Hold, MessageId, Pipeline, Store, Transport, Worker } from "millrace"
import { failure, makeMessage } from "../../src/testing/conformance/kit.ts"
import { deadLetters, eventually, order, Orders, orders, runReadyFibers, start, stop } from "../worker/support.ts"
import { send, sqs, transportOn } from "./sqsKit.ts"

const spec: Transport.SubscriptionSpec = {
  consumer: "ledger",
  topics: ["orders"],
  worker: "w",
  lanes: 4,
  lease: Duration.seconds(30),
  idlePoll: Duration.millis(100)
}

const roomy: Transport.Demand = { messages: 100, bytes: 1e9, perKey: 100 }

const register = Effect.flatMap(
  Store.Store,
  (store) => store.consumers.register({ consumer: "ledger", topics: [], lanes: 4, order: "continue" })
)

/** Opens a subscription, and lets time pass while it takes. */
const openedFor = Effect.fnUntraced(function*(lease: Duration.Duration) {
  yield* register
  const transport = yield* Transport.Transport
  const subscription = yield* transport.open({ ...spec, lease })
  const receive = Effect.fnUntraced(function*(n: number, demand = roomy) {
    const got: Array<Delivery.Delivery> = []
    while (got.length < n) {
      const taking = yield* Effect.forkChild(subscription.take(demand, (some) => got.push(...some)))
      yield* eventually("a poll ends", () => taking.pollUnsafe() !== undefined, 10_000)
      yield* Fiber.join(taking)
    }
    return got
  })
  return { subscription, receive }
})

const opened = Effect.suspend(() => openedFor(spec.lease))

const idsOf = (deliveries: ReadonlyArray<Delivery.Delivery>) => deliveries.map(({ message }) => message.id)
const now = TestClock.testClockWith((clock) => Effect.sync(() => clock.currentTimeMillisUnsafe()))
const isLost = ({ lease }: Delivery.Delivery) => Deferred.isDoneUnsafe(lease.lost)

describe("a lease on SQS", () => {
  it.effect("of a FIFO queue that is lost with one message takes its whole group with it, and no other", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      yield* send(orders("a", 3).concat(orders("b", 1)))
      const { receive, subscription } = yield* opened
      const got = yield* receive(4)
      assert.deepStrictEqual(idsOf(got).toSorted(), ["a1", "a2", "a3", "b1"])
      const ofA = got.filter(({ message }) => message.key === "a")
      assert.strictEqual(new Set(ofA.map(({ lease }) => lease)).size, 1)
      model.expire("a2")
      const kept = yield* subscription.renew(subscription.held())
      assert.deepStrictEqual(got.map(isLost), got.map(({ message }) => message.key === "a"))
      assert.deepStrictEqual([...kept], subscription.held())
      const store = yield* Store.Store
      const ours = yield* store.transact(subscription.removeInTransaction(got))
      assert.deepStrictEqual(idsOf(ours), ["b1"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("is lost at once when SQS refuses its handle, and kept when its request only failed", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      yield* send(orders("a", 12))
      const { receive, subscription } = yield* opened
      const got = yield* receive(12)
      model.expire("a3")
      let requests = 0
      model.weather = { fails: () => requests++ === 0 }
      const kept = yield* subscription.renew(subscription.held())
      assert.isTrue(kept.size === 2 || kept.size === 9 || kept.size === 10, `${kept.size} confirmed`)
      model.weather = {}
      yield* subscription.renew(subscription.held())
      assert.deepStrictEqual(got.filter(isLost).map(({ message }) => message.id), ["a3"])
      assert.strictEqual((yield* subscription.renew(subscription.held())).size, 11)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("ends before 12 hours, however often it is renewed", () => {
    const { layer } = sqs({ fifo: false })
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      const { receive, subscription } = yield* opened
      const [got] = yield* receive(1)
      let passed = 0
      while ((yield* subscription.renew(subscription.held())).size === 1) {
        yield* TestClock.adjust("20 seconds")
        passed += 20
      }
      const last = passed - 20
      assert.isTrue(last > 43_200 - 60 && last < 43_200, `renewed for the last time after ${last} s`)
      assert.isTrue(isLost(got!))
      assert.include((yield* Deferred.await(got!.lease.lost)).message, "12 hours")
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect.each([3, 12])("of %s hours is kept until shortly before 12 hours", (hours) => {
    const { layer } = sqs({ fifo: true })
    return Effect.gen(function*() {
      yield* send(orders("a", 2))
      const { receive, subscription } = yield* openedFor(Duration.hours(hours))
      const [got] = yield* receive(2)
      for (let hour = 1; hour <= 11; hour++) {
        yield* TestClock.adjust("1 hour")
        assert.strictEqual((yield* subscription.renew(subscription.held())).size, 1, `kept after ${hour} hours`)
      }
      const margin = hours * 60 / 20
      yield* TestClock.adjust(Duration.minutes(60 - margin - 2))
      yield* runReadyFibers
      assert.isFalse(isLost(got!))
      yield* TestClock.adjust("2 minutes")
      yield* runReadyFibers
      assert.isTrue(isLost(got!))
      assert.include((yield* Deferred.await(got!.lease.lost)).message, "12 hours")
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("of a message that comes again is not handed out twice, and its newest handle counts", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      const { receive, subscription } = yield* opened
      const [got] = yield* receive(1)
      model.expire("a1")
      yield* send([order("b", 1)])
      assert.deepStrictEqual(idsOf(yield* receive(1)), ["b1"])
      assert.strictEqual(model.countOf("a1"), 2)
      assert.strictEqual((yield* subscription.renew(subscription.held())).size, 2)
      yield* subscription.acknowledge([got!])
      yield* eventually("it is deleted", () => model.size === 1)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})

describe("a held message on SQS", () => {
  it.effect("is hidden again when it comes too early, and its attempts come with it when it is due", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      yield* send(orders("a", 2))
      const { receive, subscription } = yield* opened
      const [first] = yield* receive(2)
      const store = yield* Store.Store
      const hold = store.transact(subscription.hold(first!, [failure(1)], Hold.delayed(Duration.minutes(10))))
      model.weather = { fails: (operation) => operation === "hide" }
      const holding = yield* Effect.forkChild(subscription.whileNotReading(first!, hold))
      yield* eventually("it is held", () => holding.pollUnsafe() !== undefined)
      model.weather = {}
      assert.deepStrictEqual(subscription.held(), [])
      // SQS did not hide it, so it comes when its lease has ended. It is not handed out.
      yield* TestClock.adjust("35 seconds")
      const early: Array<Delivery.Delivery> = []
      const looking = yield* Effect.forkChild(subscription.take(roomy, (some) => early.push(...some)))
      yield* eventually("the poll ends", () => looking.pollUnsafe() !== undefined)
      assert.strictEqual(model.countOf("a1"), 2, "it came")
      assert.deepStrictEqual(idsOf(early), [])
      yield* TestClock.adjust("9 minutes")
      const due = yield* receive(2)
      assert.deepStrictEqual(idsOf(due), ["a1", "a2"])
      assert.deepStrictEqual(due[0]!.attempts, [failure(1)])
      assert.deepStrictEqual(due.map(({ crashCount }) => crashCount), [0, 0])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("is forgotten by the store when it is settled", () => {
    const { layer } = sqs({ fifo: false })
    return Effect.gen(function*() {
      yield* send([order("a", 1)])
      const { receive, subscription } = yield* opened
      const store = yield* Store.Store
      const [first] = yield* receive(1)
      const hold = store.transact(subscription.hold(first!, [failure(1)], Hold.delayed(Duration.seconds(5))))
      yield* subscription.whileNotReading(first!, hold)
      const [second] = yield* receive(1)
      assert.lengthOf(yield* store.unsettled.read("ledger", ["a1"]), 1)
      yield* store.transact(subscription.removeInTransaction([second!]))
      assert.deepStrictEqual(yield* store.unsettled.read("ledger", ["a1"]), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})

describe("a message on SQS", () => {
  it.effect("is a suspect however often SQS has handed it out, and no dead letter", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      const runs: Array<string> = []
      yield* send([order("a", 1)])
      model.handOut("a1", 9)
      const pipeline = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
        Pipeline.tap((one) => Effect.sync(() => runs.push(one.id)))
      )
      const worker = yield* start(pipeline)
      yield* eventually("it is committed", () => model.size === 0)
      yield* stop(worker)
      assert.deepStrictEqual(runs, ["a1"])
      assert.deepStrictEqual(yield* deadLetters("ledger"), [])
    }).pipe(Effect.provide(layer))
  })

  it.effect("is not deleted when it could not be dead-lettered, because its lease was lost", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      const store = yield* Store.Store
      const inner = yield* Transport.Transport
      let opens = 0
      // The first worker loses the lease of the message while it dead-letters it.
      const transport: Transport.Transport["Service"] = {
        ...inner,
        open: (given) =>
          Effect.map(inner.open(given), (subscription) =>
            opens++ > 0 ? subscription : {
              ...subscription,
              removeInTransaction: (deliveries) =>
                Effect.as(Effect.asVoid(subscription.removeInTransaction(deliveries)), [])
            })
      }
      yield* send([order("a", 1)])
      const failing = Pipeline.from(Orders, { consumer: "ledger", order: "none" }).pipe(
        Pipeline.tap(() => Effect.fail("no" as const)),
        Pipeline.retry({ attempts: 1 })
      )
      const worker = Worker.run(failing, { grace: 0 }).pipe(Effect.provideService(Transport.Transport, transport))
      const first = yield* Effect.forkChild(worker, { startImmediately: true })
      yield* TestClock.adjust("5 seconds")
      yield* runReadyFibers
      assert.strictEqual(model.size, 1, "it is still there")
      assert.deepStrictEqual(yield* store.deadLetters.list({ consumer: "ledger" }), [])
      yield* stop(first)
      const second = yield* Effect.forkChild(worker, { startImmediately: true })
      yield* eventually("it is dead-lettered", () => model.size === 0)
      yield* stop(second)
      assert.lengthOf(yield* deadLetters("ledger"), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("of a stale owner has no second effect", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      yield* register
      const store = yield* Store.Store
      const { receive, subscription } = yield* opened
      yield* send([order("a", 1)])
      const [stale] = yield* receive(1)
      // Nothing renews this lease, and this owner does not notice that it has ended.
      yield* TestClock.adjust("31 seconds")
      const effects: Array<string> = []
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.commit((one) => Effect.sync(() => effects.push(one.id)))
      )
      const worker = yield* start(pipeline, { lanes: 4 })
      yield* eventually("the next owner commits", () => effects.length === 1)
      const claimed = yield* store.transact(Effect.andThen(
        subscription.removeInTransaction([stale!]),
        store.inbox.claim("ledger", [{ id: "a1", fingerprint: MessageId.ofMessage(stale!.message) }])
      ))
      assert.deepStrictEqual(claimed, ["duplicate"])
      yield* eventually("it is deleted", () => model.size === 0)
      yield* stop(worker)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})

describe("a publish to SQS", () => {
  it.effect("names each message that was not stored, and sends none of a key behind one that failed", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      let sent = 0
      model.weather = { skips: (operation) => operation === "send" && ++sent === 2 }
      const error = yield* Effect.flip(
        send([order("a", 1), order("b", 1), order("b", 2), order("a", 2), order("b", 3)])
      )
      assert(error._tag === "PublishFailed")
      assert.deepStrictEqual(error.failed.map(({ id, outcome }) => [id, outcome]), [
        ["b1", "notStored"],
        ["b2", "notStored"],
        ["b3", "notStored"]
      ])
      assert.strictEqual(model.size, 2)
      model.weather = { losesAnswer: () => true }
      const unknown = yield* Effect.flip(send(orders("b", 3)))
      assert(unknown._tag === "PublishFailed")
      assert.strictEqual(unknown.failed[0]?.outcome, "unknown")
      model.weather = {}
      // The same publish again stores each message once, although the answer to the first one was lost.
      yield* send(orders("b", 3))
      assert.strictEqual(model.size, 5)
    }).pipe(Effect.provide(layer))
  })
})

describe("a take on SQS", () => {
  it.effect("hands out no more than the demand, and an interrupted one loses nothing", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      const { receive, subscription } = yield* opened
      const taking = yield* Effect.forkChild(subscription.take(roomy, () => assert.fail("it was interrupted")))
      yield* runReadyFibers
      yield* Fiber.interrupt(taking)
      yield* send(orders("a", 10))
      yield* TestClock.adjust("1 second")
      const few = { ...roomy, messages: 3 }
      const sizes: Array<number> = []
      const got: Array<string> = []
      while (got.length < 10) {
        const some = yield* receive(1, few)
        sizes.push(some.length)
        got.push(...idsOf(some))
      }
      assert.isAtMost(Math.max(...sizes), 3)
      assert.deepStrictEqual(got.toSorted(), orders("a", 10).map(({ id }) => id).toSorted())
      assert.isBelow(model.requests.get("receive")!, 60, "it does not spin")
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("receives no more bytes than the demand has room for, as soon as it knows the size of messages", () => {
    const { layer, model } = sqs({ fifo: false })
    return Effect.gen(function*() {
      const { receive, subscription } = yield* opened
      const transport = yield* Transport.Transport
      const payload = JSON.stringify("x".repeat(200_000))
      const messages = yield* Effect.forEach(
        orders("a", 150),
        ({ id }) => makeMessage({ topic: "orders", id, payload })
      )
      yield* transport.publish(messages)
      const most: Array<number> = []
      for (let got = 0; got < 150;) {
        const some = yield* receive(1, { messages: 100, bytes: 2_000_000, perKey: 100 })
        most.push(model.hidden(yield* now).length)
        yield* subscription.acknowledge(some)
        got += some.length
        yield* TestClock.adjust("100 millis")
        yield* runReadyFibers
      }
      // 2 MB are ten messages. As many may wait, and a group of requests brings up to ten.
      assert.isAtMost(Math.max(...most), 30)
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("receives nothing while the messages that wait for their keys have as many bytes as the demand", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      const { receive, subscription } = yield* opened
      const transport = yield* Transport.Transport
      const payload = JSON.stringify("x".repeat(300_000))
      for (const key of ["a", "b"]) {
        const messages = yield* Effect.forEach(
          orders(key, 10),
          ({ id }) => makeMessage({ topic: "orders", key, id, payload })
        )
        yield* transport.publish(messages)
      }
      const demand = { messages: 100, bytes: 1_000_000, perKey: 1 }
      const [first] = yield* receive(1, demand)
      const taking = yield* Effect.forkChild(subscription.take(demand, () => {}))
      yield* TestClock.adjust("3 seconds")
      yield* runReadyFibers
      assert.isDefined(taking.pollUnsafe())
      assert.strictEqual(model.hidden(yield* now).length, 10)
      yield* subscription.acknowledge([first!])
      assert.deepStrictEqual(idsOf(yield* receive(1, demand)), ["a2"])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })

  it.effect("gives everything back when it closes, what it had not handed out as well", () => {
    const { layer, model } = sqs({ fifo: true })
    return Effect.gen(function*() {
      yield* send(orders("a", 3).concat(orders("b", 3)))
      yield* Effect.scoped(Effect.gen(function*() {
        const { receive } = yield* opened
        yield* receive(1, { ...roomy, messages: 2 })
        assert.isAbove(model.hidden(yield* now).length, 0)
      }))
      assert.deepStrictEqual(model.hidden(yield* now), [])
      const store = yield* Store.Store
      const other = yield* transportOn(model, store).open(spec)
      assert.deepStrictEqual(other.held(), [])
    }).pipe(Effect.scoped, Effect.provide(layer))
  })
})
