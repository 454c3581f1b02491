// The fibers and resources of a handler end with the step that started them.
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Memory, Pipeline, Topic } from "millrace"
import { drain, order, Orders } from "./support.ts"

describe("a handler", () => {
  it.effect("that starts a fiber which outlives it: the fiber is interrupted with it", () =>
    Effect.gen(function*() {
      const ended: Array<string> = []
      const leaving = (name: string) =>
        Effect.forkScoped(Effect.never.pipe(Effect.onInterrupt(() => Effect.sync(() => ended.push(name)))), {
          startImmediately: true
        })
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.tap(() => leaving("before")),
        Pipeline.tap(() => Effect.sync(() => assert.deepStrictEqual(ended, ["before"]))),
        Pipeline.commit(() => leaving("within")),
        Pipeline.commit(() => Effect.sync(() => assert.deepStrictEqual(ended, ["before", "within"])))
      )
      yield* drain(pipeline)
      yield* Topic.publish(Orders, order("a", 1))
      yield* drain(pipeline)
      assert.deepStrictEqual(ended, ["before", "within"])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that opens a resource in its scope: it is released when the step ends, also when it fails", () =>
    Effect.gen(function*() {
      let open = 0
      const resource = Effect.acquireRelease(Effect.sync(() => ++open), () => Effect.sync(() => --open))
      const pipeline = Pipeline.from(Orders, { consumer: "ledger" }).pipe(
        Pipeline.mapEffect((one) => Effect.as(resource, one)),
        Pipeline.commit((one) =>
          Effect.andThen(resource, one.n === 1 ? Effect.fail({ retryable: false }) : Effect.void)
        )
      )
      yield* drain(pipeline)
      yield* Topic.publishAll(Orders, [order("a", 1), order("a", 2)])
      yield* drain(pipeline)
      assert.strictEqual(open, 0)
    }).pipe(Effect.provide(Memory.layer)))
})
