// A renewal is worth what it was worth when it was sent: however late its answer comes, a handler ends before another worker begins.
import { assert, it } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { Errors, Pipeline } from "millrace"
import { eventually, order, Orders, ports, publish, start, until } from "./support.ts"

const unreachable = Effect.fail(
  new Errors.TransportError({ engine: "memory", operation: "renew", kind: "temporary", detail: "unreachable" })
)

it.effect("a handler is interrupted before another worker begins, although its last renewal was answered late", () => {
  let [reads, renewals] = [0, 0]
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
    assert.isAbove(renewals, 1)
  }).pipe(Effect.provide(ports({
    // The first renewal reaches the store, and its answer comes 9 seconds later; then nothing gets through any more.
    subscription: (inner, spec) =>
      !spec.worker.startsWith("one#") ? {} : {
        renew: (leases) =>
          renewals++ === 0
            ? Effect.flatMap(inner.renew(leases), (kept) => Effect.as(Effect.sleep("9 seconds"), kept))
            : unreachable,
        take: (room, accept) => Effect.suspend(() => reads++ === 0 ? inner.take(room, accept) : Effect.never)
      }
  })))
})
