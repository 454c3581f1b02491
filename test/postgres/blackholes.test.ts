/** Connections that swallow answers: what waits on them ends, and its connection is given up with the locks that it holds. */
import { assert, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { inject } from "vitest"
import { idsOf, open, postgres, publish, receive, register, roomy } from "./kit.ts"
import { proxy } from "./proxy.ts"

const url = inject("databaseUrl")

it.live("a claim of lanes whose answer never comes ends in time, and the next one finds the lanes free", () =>
  Effect.gen(function*() {
    const between = yield* proxy(url)
    const program = Effect.gen(function*() {
      yield* register()
      yield* publish(["m1", "k"])
      const subscription = yield* open("worker")
      // The lanes are locked by then, and the worker does not hear of it.
      between.deafen = (chunk) => {
        if (!chunk.includes("lease_until < clock_timestamp()")) return false
        between.deafen = undefined
        return true
      }
      const [time, error] = yield* Effect.timed(Effect.flip(subscription.take(roomy, () => {})))
      assert.strictEqual(error._tag, "TransportError")
      assert.isBelow(Duration.toMillis(time), 20_000)
      assert.deepStrictEqual(idsOf(yield* receive(subscription, 1)), ["m1"])
    })
    yield* Effect.provide(Effect.scoped(program), postgres(between.url)).pipe(Effect.timeout("40 seconds"))
  }))
