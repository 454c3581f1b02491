/**
 * The breaks of metrics, spans, alerts and of what a newcomer must see of a failing handler.
 */
import type { Mutant } from "./types.ts"

const metrics = "test/ops/metrics.test.ts"
const names = "test/ops/metricNames.test.ts"

export const observabilityMutants: ReadonlyArray<Mutant> = [
  {
    name: "a publish that failed counted as one that succeeded",
    guarantee: "observability",
    file: "src/Topic.ts",
    from: "...errorType(exit) }",
    to: "...(errorType(exit), {}) }",
    test: metrics,
    named: "name the error of a publish that failed"
  },
  {
    name: "failed attempts timed as those that committed",
    guarantee: "observability",
    file: "src/worker/observe/Counters.ts",
    from: "failed === undefined ? this.of(message.topic).process",
    to: "failed !== \"\" ? this.of(message.topic).process",
    test: metrics,
    named: "tell Prometheus what a worker met"
  },
  {
    name: "a histogram for every error tag",
    guarantee: "bounded",
    file: "src/worker/observe/Counters.ts",
    from: "failed.size < maxErrorTypesTimed ? tag",
    to: "failed.size >= 0 ? tag",
    test: metrics,
    named: "under one name from the 51st on"
  },
  {
    name: "the key of a message in every span",
    guarantee: "observability",
    file: "src/worker/observe/Spans.ts",
    from: "withKey && message.keyed",
    to: "(withKey || message.keyed)",
    test: "test/ops/spans.test.ts",
    named: "link each attempt to the span that published"
  },
  {
    name: "counters without _total in Prometheus",
    guarantee: "observability",
    file: "src/Telemetry.ts",
    from: "metric.type === \"Counter\" ? \"_total\" : \"\"",
    to: "metric.type === \"Gauge\" ? \"\" : \"\"",
    test: names,
    named: "are those that OTLP sends"
  }
]
