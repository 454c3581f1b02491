// Messages that join the transaction of the message ahead of them in their key, and messages that must not.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect } from "effect"
import { type Delivery, Errors, Pipeline, Retry, type Transport } from "millrace"
import {
  deadLetters,
  drain,
  groups,
  type Order,
  Orders,
  orders,
  ports,
  publish,
  runReadyFibers,
  start,
  until
} from "./support.ts"

describe("a message that waits behind another one of its key", () => {
  it.effect("does not go along with one that has failed, which would be rolled back for its sake", () => {
    const ran: Array<string> = []
    return Effect.gen(function*() {
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.commit((one, { attempt }) =>
          Effect.suspend(() => {
            ran.push(`${one.id} ${attempt}`)
            const fails = one.id === "a1" ? attempt === 1 : one.id === "a2"
            return fails ? Effect.fail("no") : Effect.void
          })
        ),
        Pipeline.retry(Retry.exponential("100 millis", { attempts: 2, jitter: false }))
      )
      yield* publish(Orders, orders("a", 2))
      yield* drain(pipeline)
      assert.strictEqual(ran.filter((run) => run === "a1 2").length, 1, "its second attempt runs its commit step once")
      assert.deepStrictEqual((yield* deadLetters("ledger")).map(({ message }) => message.id), ["a2"])
    }).pipe(Effect.provide(groups((body, transact) => transact(body))))
  })

  it.effect("does not go along under another lease: once that is lost, nothing of it runs", () => {
    const own = new Map<string, Delivery.HeldLease>()
    return Effect.gen(function*() {
      const ran: Array<string> = []
      const latch = Deferred.makeUnsafe<void>()
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.commit((one: Order) =>
          Effect.suspend(() => {
            ran.push(one.id)
            return Deferred.await(latch)
          })
        )
      )
      yield* publish(Orders, orders("a", 2))
      yield* start(pipeline)
      yield* until("the first one runs", () => ran.length === 1)
      const { lost, name, token } = own.get("a2")!
      yield* Deferred.succeed(lost, new Errors.LeaseLost({ lease: name, token: String(token), reason: "a test" }))
      yield* Deferred.succeed(latch, undefined)
      yield* runReadyFibers
      assert.deepStrictEqual(ran, ["a1"])
    }).pipe(Effect.provide(leasedApart(own)))
  })
})

/** Memory with groups, that leases each message apart, as a broker does. */
const leasedApart = (own: Map<string, Delivery.HeldLease>) =>
  ports({
    store: () => ({ maxGroup: 250 }),
    subscription: (inner) => {
      const given = new Map<Delivery.Delivery, Delivery.Delivery>()
      const apart = (delivery: Delivery.Delivery) => {
        const lease = { ...delivery.lease, name: delivery.message.id, lost: Deferred.makeUnsafe<Errors.LeaseLost>() }
        own.set(delivery.message.id, lease)
        const one = { ...delivery, lease }
        given.set(one, delivery)
        return one
      }
      const change: Partial<Transport.Subscription> = {
        held: () => [...own.values()],
        renew: (leases) => Effect.as(inner.renew(inner.held()), new Set(leases)),
        take: (room, accept) => inner.take(room, (deliveries) => accept(deliveries.map(apart))),
        removeInTransaction: (all) =>
          Effect.map(inner.removeInTransaction(all.map((one) => given.get(one)!)), (ours) =>
            all.filter((one) => ours.includes(given.get(one)!))),
        acknowledge: (all) =>
          inner.acknowledge(all.map((one) => given.get(one)!))
      }
      return change
    }
  })
