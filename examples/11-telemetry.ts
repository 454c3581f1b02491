/**
 * Metrics and traces are Effect's own, so one layer exports them.
 *
 * The consumer's span is linked to the publisher's span, across the store and across processes.
 * For OTLP use `Otlp.layerJson` of `effect/observability` in place of the tracer here.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Exit, Option, Schema, Tracer } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { Memory, Pipeline, Telemetry, Topic, Worker } from "millrace"

const Payments = Topic.make("payments", {
  schema: Schema.Struct({ id: Schema.String }),
  id: (payment) => payment.id
})

const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.tap(() => Effect.void))

const names = new Map<string, string>()
const spans: Array<string> = []

/** Takes the place of an exporter: keeps the names of spans and of their links. */
const tracer = Tracer.make({
  span: (options) => {
    const span = new Tracer.NativeSpan(options)
    names.set(span.spanId, span.name)
    const end = span.end.bind(span)
    span.end = (time, exit) => {
      const linked = span.links.map((link) => ` <- ${names.get(link.span.spanId)}`).join("")
      const parent = Option.isSome(span.parent) ? ` in ${names.get(span.parent.value.spanId)}` : ""
      spans.push(`${span.name}${parent}${linked}${Exit.isSuccess(exit) ? "" : " failed"}`)
      end(time, exit)
    }
    return span
  }
})

const program = Effect.gen(function*() {
  yield* Effect.withSpan(Topic.publish(Payments, { id: "p1" }), "POST /payments")
  yield* Worker.drain(ledger)
  yield* Console.log(spans.filter((span) => !span.startsWith("receive")).join("\n"))

  const metrics = yield* PrometheusMetrics.format({ metricNameMapper: Telemetry.prometheusName })
  const committed = metrics.split("\n").filter((line) => line.includes("outcome=\"committed\""))
  yield* Console.log(committed.join("\n").replaceAll(/\{.*,/g, "{..., "))
})

NodeRuntime.runMain(program.pipe(Effect.provide(Memory.layer), Effect.withTracer(tracer)))

// Output:
// publish payments in POST /payments
// POST /payments
// process payments <- publish payments
// commit ledger <- process payments
// millrace_message_outcomes_total{..., millrace_outcome="committed"} 1
