// The metrics of lost leases and of takeovers.
import { assert, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { Errors, Pipeline, Telemetry } from "millrace"
import { eventually, order, Orders, ports, publish, start, until } from "../worker/support.ts"

const unreachable = Effect.fail(
  new Errors.TransportError({ engine: "memory", operation: "renew", kind: "temporary", detail: "unreachable" })
)

it.effect("metrics count leases that were lost, and lanes taken over from an owner whose time was over", () => {
  let reads = 0
  return Effect.gen(function*() {
    const began: Array<string> = []
    const pipeline = (by: string) =>
      Pipeline.from(Orders, { consumer: "cut" }).pipe(
        Pipeline.tap(() => Effect.suspend(() => (began.push(by), Effect.never)))
      )
    yield* publish(Orders, [order("a", 1)])
    yield* start(pipeline("one"), { name: "one", lease: "30 seconds", lanes: 1 })
    yield* until("it runs", () => began.length === 1)
    yield* start(pipeline("two"), { name: "two", lease: "30 seconds", lanes: 1 })
    yield* eventually("the other one has it", () => began.length === 2, 90_000)
    const lines = (yield* PrometheusMetrics.format({ metricNameMapper: Telemetry.prometheusName })).split("\n")
    const counted = (name: string, label = "") =>
      lines.find((line) => line.startsWith(`${name}{`) && line.includes(label))?.split(" ").at(-1)
    assert.strictEqual(counted("millrace_lease_losses_total"), "1")
    assert.strictEqual(counted("millrace_lane_takeovers_total", "\"expired\""), "1")
  }).pipe(
    // Counts begin at 0: those that other files of this process made stay out.
    Effect.provide([
      ports({
        subscription: (inner, spec) =>
          !spec.worker.startsWith("one#") ? {} : {
            renew: () => unreachable,
            take: (room, accept) => Effect.suspend(() => reads++ === 0 ? inner.take(room, accept) : Effect.never)
          }
      }),
      Layer.sync(Metric.MetricRegistry, () => new Map())
    ])
  )
})
