// A handler ends before another worker begins, however its renewals end.
import { assert, describe, it } from "@effect/vitest"
import { Clock, Deferred, Effect } from "effect"
import { type Delivery, Errors, Pipeline, type Transport } from "millrace"
import { eventually, order, Orders, ports, publish, start, until } from "./support.ts"

const unreachable = Effect.fail(
  new Errors.TransportError({ engine: "memory", operation: "renew", kind: "temporary", detail: "unreachable" })
)

/** A worker reads once, and its leases are what the test makes of them; another worker takes its message over. */
const takenOver = (change: (inner: Transport.Subscription) => Partial<Transport.Subscription>) => {
  let reads = 0
  return Effect.gen(function*() {
    const began: Array<{ readonly by: string; readonly at: number }> = []
    const ended: Array<number> = []
    const pipeline = (by: string) =>
      Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap(() =>
          Effect.gen(function*() {
            began.push({ by, at: yield* Clock.currentTimeMillis })
            return yield* Effect.onInterrupt(
              Effect.never,
              () => Effect.map(Clock.currentTimeMillis, (now) => void ended.push(now))
            )
          })
        )
      )
    yield* publish(Orders, [order("a", 1)])
    yield* start(pipeline("one"), { name: "one", lease: "30 seconds", lanes: 1 })
    yield* until("it runs", () => began.length === 1)
    yield* start(pipeline("two"), { name: "two", lease: "30 seconds", lanes: 1 })
    yield* eventually("the other one has it", () => began.length === 2, 90_000)
    assert.deepStrictEqual(began.map(({ by }) => by), ["one", "two"])
    assert.strictEqual(ended.length, 1, "the first one has ended")
    assert.isBelow(ended[0]!, began[1]!.at)
  }).pipe(Effect.provide(ports({
    subscription: (inner, spec) =>
      !spec.worker.startsWith("one#") ? {} : {
        take: (room, accept) => Effect.suspend(() => reads++ === 0 ? inner.take(room, accept) : Effect.never),
        ...change(inner)
      }
  })))
}

describe("a handler is interrupted before another worker begins", () => {
  it.effect("although its last renewal was answered late", () => {
    let renewals = 0
    // The first renewal reaches the store, and its answer comes 9 seconds later; then nothing gets through any more.
    return Effect.andThen(
      takenOver((inner) => ({
        renew: (leases) =>
          renewals++ === 0
            ? Effect.flatMap(inner.renew(leases), (kept) => Effect.as(Effect.sleep("9 seconds"), kept))
            : unreachable
      })),
      Effect.sync(() => assert.isAbove(renewals, 1))
    )
  })

  it.effect("although a lease that was claimed later ends later", () => {
    let later: Delivery.HeldLease | undefined
    return takenOver((inner) => ({
      renew: () => unreachable,
      held: () => {
        const [first] = inner.held()
        if (first === undefined) return []
        later ??= { ...first, name: "later", claimedAt: first.claimedAt + 20_000_000_000n, lost: Deferred.makeUnsafe() }
        return [first, later]
      }
    }))
  })
})
