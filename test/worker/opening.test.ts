/** A worker whose subscription was lost, and that cannot open another one: it handles nothing, and is seen. */
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Errors, Health, Pipeline } from "millrace"
import { Orders, ports, runReadyFibers, start, stop } from "./support.ts"

const passing = (seconds: number) =>
  Effect.repeat(Effect.andThen(TestClock.adjust("1 second"), runReadyFibers), { times: seconds })

it.effect("a worker that cannot open its subscription again is said by Health, and no more once it can", () => {
  let lost = false
  let able = true
  const away = new Errors.TransportError({ engine: "t", operation: "open", kind: "temporary", detail: "starting up" })
  const ended = new Errors.SubscriptionLost({ consumer: "c", reason: "a failover" })
  const memory = ports({
    transport: (transport) => ({
      open: (spec) =>
        Effect.map(Effect.suspend(() => able ? transport.open(spec) : Effect.fail(away)), (subscription) => ({
          ...subscription,
          take: (...args) => Effect.suspend(() => lost ? Effect.fail(ended) : subscription.take(...args))
        }))
    })
  })
  const alone = Layer.sync(Health.Workers, () => new Set<Health.WorkerState>())
  const workers = Effect.flatMap(Health.Health, (health) => Effect.map(health.report, ({ checks }) => checks.workers))
  return Effect.gen(function*() {
    const worker = yield* start(Pipeline.from(Orders, { consumer: "c" }))
    yield* runReadyFibers
    assert.strictEqual((yield* workers).reason, "1 worker runs in this process.")
    able = false
    lost = true
    yield* passing(20)
    const { reason, status } = yield* workers
    assert.strictEqual(status, "down")
    assert.match(reason, /^Consumer "c" has not been able to read its messages for .*starting up/)
    able = true
    lost = false
    yield* passing(10)
    assert.deepStrictEqual(yield* workers, { status: "ok", reason: "1 worker runs in this process." })
    yield* stop(worker)
    assert.strictEqual((yield* workers).reason, "0 workers run in this process.")
  }).pipe(Effect.provide(Health.layer().pipe(Layer.provideMerge(memory), Layer.provideMerge(alone))))
})
