/**
 * The breaks of metrics, spans, alerts and of what a newcomer must see of a failing handler.
 */
import type { Mutant } from "./types.ts"

const metrics = "test/ops/metrics.test.ts"
const names = "test/ops/metricNames.test.ts"
const artefacts = "test/ops/artefacts.test.ts"
const first = "test/worker/first-failures.test.ts"

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
  },
  {
    name: "counters that begin with their first value",
    guarantee: "observability",
    file: "src/worker/observe/Counters.ts",
    from: "this.metric(name, \"dead\", reason).updateUnsafe(0, context)",
    to: "this.of(name)",
    test: metrics,
    named: "begin at 0 where alerts need"
  },
  {
    name: "a paused queue pages",
    guarantee: "observability",
    file: "src/ops/artefacts/millrace.rules.yml",
    from:
      "(millrace_queue_lag_seconds) > 300\n          unless on (messaging_consumer_group_name) max by (messaging_consumer_group_name) (millrace_queue_paused) == 1",
    to: "(millrace_queue_lag_seconds) > 300",
    test: artefacts,
    named: "queues that stand still"
  },
  {
    name: "an alert on a metric that no worker emits",
    guarantee: "observability",
    file: "src/ops/artefacts/millrace.rules.yml",
    from: "min by (messaging_consumer_group_name) (millrace_deduplication_window_slack_seconds)",
    to: "min by (messaging_consumer_group_name) (millrace_deduplication_window_left_seconds)",
    test: artefacts,
    named: "that a rule, a test of a rule or a panel uses are emitted"
  },
  {
    name: "a panel by a label that the metric lacks",
    guarantee: "observability",
    file: "src/ops/artefacts/millrace.grafana.json",
    from: "sum by (millrace_reason)",
    to: "sum by (millrace_cause)",
    test: artefacts,
    named: "that a rule, a test of a rule or a panel uses are emitted"
  },
  {
    name: "an alert whose command the command line does not know",
    guarantee: "observability",
    file: "src/ops/artefacts/millrace.rules.yml",
    from: "cli: \"millrace unrouted\"",
    to: "cli: \"millrace unrouted --since 1h\"",
    test: "test/ops/runbook.test.ts",
    named: "are those of the command line"
  },
  {
    name: "a failing handler silent until its message dies",
    guarantee: "observability",
    file: "src/worker/attempt/Disposition.ts",
    from: "last === undefined || delivery.attempts.length > 0",
    to: "last === undefined || failures.length > 0",
    test: first,
    named: "is in the log when a message is first held"
  },
  {
    name: "a line for each message that is held",
    guarantee: "bounded",
    file: "src/worker/observe/Warnings.ts",
    from: "now - lines.at < quietMillis",
    to: "now - lines.at < 0",
    test: first,
    named: "is in the log once a minute for each tag"
  },
  {
    name: "a line for each error tag that is made of data",
    guarantee: "bounded",
    file: "src/worker/observe/Warnings.ts",
    from: "this.tags.size < maxTags ? tag",
    to: "this.tags.size >= 0 ? tag",
    test: first,
    named: "where the tags of its errors are made of data"
  },
  {
    name: "the error of a held message left out of its outcome",
    guarantee: "observability",
    file: "src/worker/attempt/Disposition.ts",
    from: "until: Math.ceil(now + Duration.toMillis(delay)), error }",
    to: "until: Math.ceil(now + Duration.toMillis(delay)), error: undefined }",
    test: first,
    named: "gives its error to the outcome"
  },
  {
    name: "a dead letter without the step that failed in the commit",
    guarantee: "observability",
    file: "src/worker/commit/GroupCommit.ts",
    from: "index: error instanceof StepFailed ? error.index : undefined",
    to: "index: undefined",
    test: first,
    named: "by its step and its position"
  },
  {
    name: "a dead letter without the step that failed before the commit",
    guarantee: "observability",
    file: "src/worker/attempt/Steps.ts",
    from: "progress.index = index",
    to: "progress.index = steps.length",
    test: first,
    named: "by its step and its position"
  },
  {
    name: "SQL on memory starts, and dead-letters every message",
    guarantee: "poison cannot block",
    file: "src/worker/Worker.ts",
    from: "SqlData.lackClient(pipeline.steps, context)",
    to: "SqlData.lackClient([], context)",
    test: first,
    named: "is refused before the worker starts"
  },
  {
    name: "a held key without its last failure",
    guarantee: "observability",
    file: "src/postgres/sql/facts.ts",
    from: "(coalesce(d.attempts, f.attempts)::json -> -1)::text",
    to: "(d.attempts::json -> -1)::text",
    test: "test/ops/facts.test.ts",
    named: "count what waits behind each held key"
  },
  {
    name: "a message behind a parked key without the dead letter that it waits for",
    guarantee: "observability",
    file: "src/postgres/sql/finding.ts",
    from: "where h.until = 'infinity' and d.queue_id",
    to: "where h.until < 'infinity' and d.queue_id",
    test: "test/ops/facts.test.ts",
    named: "answer whether a message was handled"
  }
]
