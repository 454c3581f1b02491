// The names of the metrics are the same on both ways to Prometheus: scraped over HTTP, and sent over OTLP.
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric } from "effect"
import { FetchHttpClient, HttpClient, HttpRouter } from "effect/http"
import { Otlp } from "effect/observability"
import { TestClock } from "effect/testing"
import { MetricsEndpoint } from "millrace/ops"
import { collector } from "./collectors.ts"
import { everyMetric } from "./everyMetric.ts"

/** A metric as OTLP sends it, as far as its name in Prometheus depends on it. */
interface Sent {
  readonly name: string
  readonly unit: string
  readonly sum?: { readonly isMonotonic: boolean; readonly dataPoints: ReadonlyArray<Point> }
  readonly gauge?: { readonly dataPoints: ReadonlyArray<Point> }
  readonly histogram?: { readonly dataPoints: ReadonlyArray<Point> }
}

interface Point {
  readonly attributes: ReadonlyArray<{ readonly key: string; readonly value: { readonly stringValue: string } }>
}

/**
 * OpenTelemetry's translation of a name (compatibility/prometheus_and_openmetrics.md). Characters that Prometheus does
 * not allow become `_`. A unit in braces is dropped. Seconds and monotonic sums get their suffix.
 */
const translated = ({ name, sum, unit }: Sent): string => {
  const units: Readonly<Record<string, string>> = { s: "_seconds", ms: "_milliseconds", By: "_bytes" }
  const suffix = unit.startsWith("{") ? "" : units[unit]
  assert.isDefined(suffix, `the unit "${unit}" of ${name} is in the translation`)
  return name.replaceAll(/[^a-zA-Z0-9_:]+/g, "_") + suffix + (sum?.isMonotonic === true ? "_total" : "")
}

const labelName = (label: string): string => label.replaceAll(/[^a-zA-Z0-9_]/g, "_")

/** Each series of the text format: its metric and its labels, without the parts of a histogram. */
const scraped = (text: string): ReadonlySet<string> => {
  const histograms = [...text.matchAll(/^# TYPE (\S+) histogram$/gm)].map(([, name]) => name)
  return new Set(
    [...text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(([, line = "", labels = ""]) => {
      const name = histograms.find((histogram) =>
        [`${histogram}_bucket`, `${histogram}_count`, `${histogram}_sum`].includes(line)
      )
      const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) => `${label}=${value}`)
      return [name ?? line, ...pairs.filter((pair) => !pair.startsWith("le=")).toSorted()].join(" ")
    })
  )
}

const exported = (sent: ReadonlyArray<Sent>): ReadonlySet<string> =>
  new Set(
    sent.flatMap((metric) =>
      (metric.sum ?? metric.gauge ?? metric.histogram)!.dataPoints.map(({ attributes }) =>
        [
          translated(metric),
          ...attributes
            // The exporter of Effect sends the unit as an attribute, too.
            .filter(({ key }) => key !== "unit")
            .map(({ key, value }) => `${labelName(key)}=${value.stringValue}`)
            .toSorted()
        ].join(" ")
      )
    )
  )

describe("metrics", () => {
  it.effect("scraped over HTTP are those that OTLP sends: names and labels, and each that the library defines", () =>
    Effect.gen(function*() {
      const { registry, snapshot } = yield* everyMetric
      const own = Layer.succeed(Metric.MetricRegistry, registry)
      const text = yield* Effect.flatMap(HttpClient.get("/own/metrics"), (response) => response.text).pipe(
        Effect.provide(
          HttpRouter.serve(MetricsEndpoint.layer({ path: "/own/metrics" }), { disableLogger: true }).pipe(
            Layer.provideMerge(NodeHttpServer.layerTest),
            Layer.provide(own)
          )
        ),
        TestClock.withLive
      )
      const { got, url } = yield* collector
      const exporter = Otlp.layerJson({ baseUrl: url, resource: { serviceName: "test" } }).pipe(
        Layer.provide([FetchHttpClient.layer, own])
      )
      yield* TestClock.withLive(Effect.provide(Effect.void, exporter))
      const sent: ReadonlyArray<Sent> = (got.get("/v1/metrics") ?? []).flatMap(({ resourceMetrics }) => resourceMetrics)
        .flatMap(({ scopeMetrics }) => scopeMetrics).flatMap(({ metrics }) => metrics)
      assert.deepStrictEqual([...scraped(text)].toSorted(), [...exported(sent)].toSorted())
      assert.isAbove(scraped(text).size, 30)
      assert.deepStrictEqual(
        [...new Set(sent.map(({ name }) => name))].toSorted(),
        [...new Set(snapshot.map(({ id }) => id))].toSorted()
      )
    }).pipe(Effect.scoped))
})
