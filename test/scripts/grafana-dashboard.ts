/**
 * `npm run docs:dashboard`: writes the Grafana dashboard of `src/ops/artefacts` from the panels below. A test compares
 * the written file with them, and each metric and label with those that the library emits.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { root } from "./run.ts"

const consumerLabel = "messaging_consumer_group_name"
const topicLabel = "messaging_destination_name"
const ofConsumer = `${consumerLabel}=~"$consumer"`
const ofTopic = `${topicLabel}=~"$topic"`
const datasource = { type: "prometheus", uid: "${datasource}" }

/** The series of a metric for the chosen consumers, and for those labels. */
const series = (metric: string, ...more: ReadonlyArray<string>): string =>
  `${metric}{${[ofConsumer, ...more].join(",")}}`

const rate = (selected: string, by: string): string => `sum by (${by}) (rate(${selected}[$__rate_interval]))`
const outcomes = (...more: ReadonlyArray<string>): string => series("millrace_message_outcomes_total", ofTopic, ...more)
const quantiles = (metric: string, at: ReadonlyArray<number>, ...more: ReadonlyArray<string>): ReadonlyArray<Query> =>
  at.map((q) => [
    `histogram_quantile(${q}, ${rate(series(`${metric}_bucket`, ...more), "le")})`,
    `p${q * 100}`
  ])

/** An expression, and the legend of its series. */
type Query = readonly [expr: string, legend: string]

interface Panel {
  readonly title: string
  /** Says what the panel shows, and when to worry. */
  readonly description: string
  readonly unit: string
  readonly queries: ReadonlyArray<Query>
  /** A number in the first row, instead of a chart. The value from which it is orange, and from which it is red. */
  readonly stat?: { readonly warn?: number; readonly bad?: number }
}

const first: ReadonlyArray<Panel> = [
  {
    title: "Lag",
    description: "Age of the oldest message that could be processed now. Messages of held keys do not count.",
    unit: "s",
    queries: [[`max(${series("millrace_queue_lag_seconds")})`, "lag"]],
    stat: { warn: 60, bad: 300 }
  },
  {
    title: "Waiting",
    description: "Messages that could be processed now, counted to 10,000 for each consumer.",
    unit: "short",
    queries: [[`sum(max by (${consumerLabel}) (${series("millrace_queue_waiting_messages")}))`, "waiting"]],
    stat: {}
  },
  {
    title: "Dead letters",
    description: "Open dead letters, counted to 10,000 for each consumer.",
    unit: "short",
    queries: [[`sum(max by (${consumerLabel}) (${series("millrace_dead_letters")}))`, "open"]],
    stat: { bad: 1 }
  },
  {
    title: "Parked keys",
    description: "Keys that wait for an operator.",
    unit: "short",
    queries: [[
      `sum(max by (${consumerLabel}) (${series("millrace_held_keys", "millrace_hold=\"parked\"")}))`,
      "parked"
    ]],
    stat: { warn: 1 }
  },
  {
    title: "Committed, 1 h",
    description: "Share of the messages of the last hour that were committed and did not become dead letters.",
    unit: "percentunit",
    queries: [[
      `sum(increase(${outcomes("millrace_outcome=\"committed\"")}[1h])) / clamp_min(sum(increase(${
        outcomes("millrace_outcome=~\"committed|dead\"")
      }[1h])), 1)`,
      "committed"
    ]],
    stat: {}
  },
  {
    title: "Workers",
    description: "Processes with a worker of the chosen consumers.",
    unit: "short",
    queries: [[`count(count by (instance) (${series("millrace_inflight_messages")}))`, "processes"]],
    stat: {}
  }
]

const rows: ReadonlyArray<readonly [title: string, panels: ReadonlyArray<Panel>]> = [
  ["Flow", [
    {
      title: "Published, taken and committed",
      description: "Messages a second. A publish that failed counts as failed.",
      unit: "cps",
      queries: [
        [
          rate(`messaging_client_sent_messages_total{${ofTopic},error_type=""}`, topicLabel),
          `published {{${topicLabel}}}`
        ],
        [
          `sum(rate(messaging_client_sent_messages_total{${ofTopic},error_type!=""}[$__rate_interval]))`,
          "failed publishes"
        ],
        [rate(series("messaging_client_consumed_messages_total"), consumerLabel), `taken {{${consumerLabel}}}`],
        [rate(outcomes("millrace_outcome=\"committed\""), consumerLabel), `committed {{${consumerLabel}}}`]
      ]
    },
    {
      title: "Lag",
      description: "Age of the oldest message that could be processed now.",
      unit: "s",
      queries: [[`max by (${consumerLabel}) (${series("millrace_queue_lag_seconds")})`, `{{${consumerLabel}}}`]]
    },
    {
      title: "Waiting and paused",
      description:
        "Messages that could be processed now, counted to 10,000. 1 while an operator has paused the consumer, or while a redrive run has stopped itself.",
      unit: "short",
      queries: [
        [`max by (${consumerLabel}) (${series("millrace_queue_waiting_messages")})`, `waiting {{${consumerLabel}}}`],
        [`max by (${consumerLabel}) (${series("millrace_queue_paused")})`, `paused {{${consumerLabel}}}`],
        [
          `max by (${consumerLabel}) (${series("millrace_redrive_run_stopped")})`,
          `redrive stopped {{${consumerLabel}}}`
        ]
      ]
    }
  ]],
  ["Latency", [
    {
      title: "From publish to commit",
      description: "Quantiles over the chosen consumers.",
      unit: "s",
      queries: quantiles("millrace_delivery_latency_seconds", [0.5, 0.95, 0.99], ofTopic)
    },
    {
      title: "Attempts",
      description: "From decoding to the commit. The largest bucket ends at 10 seconds.",
      unit: "s",
      queries: quantiles("messaging_process_duration_seconds", [0.5, 0.95, 0.99], ofTopic)
    },
    {
      title: "Commit transactions and publishes",
      description: "A slow commit with fast attempts means a slow database, or locks.",
      unit: "s",
      queries: [
        ...quantiles("millrace_commit_duration_seconds", [0.5, 0.99]),
        [
          `histogram_quantile(0.99, ${rate(`messaging_client_operation_duration_seconds_bucket{${ofTopic}}`, "le")})`,
          "publish p99"
        ]
      ]
    }
  ]],
  ["Failures", [
    {
      title: "Outcomes other than committed",
      description: "Messages a second by outcome. After retried, held and released a message comes again.",
      unit: "cps",
      queries: [[rate(outcomes("millrace_outcome!=\"committed\""), "millrace_outcome"), "{{millrace_outcome}}"]]
    },
    {
      title: "Dead letters by reason",
      description: "New dead letters a second.",
      unit: "cps",
      queries: [[rate(outcomes("millrace_outcome=\"dead\""), "millrace_reason"), "{{millrace_reason}}"]]
    },
    {
      title: "Retries by error",
      description: "The eight most frequent tags of errors that are retried.",
      unit: "cps",
      queries: [[`topk(8, ${rate(outcomes("millrace_outcome=\"retried\""), "error_type")})`, "{{error_type}}"]]
    },
    {
      title: "Held keys",
      description: "Keys that wait for a retry (delayed) or for an operator (parked).",
      unit: "short",
      queries: [[
        `sum by (millrace_hold) (max by (${consumerLabel}, millrace_hold) (${series("millrace_held_keys")}))`,
        "{{millrace_hold}}"
      ]]
    },
    {
      title: "Age of the oldest parked key",
      description: "How long its messages have waited for an operator.",
      unit: "s",
      queries: [[`max by (${consumerLabel}) (${series("millrace_parked_age_seconds")})`, `{{${consumerLabel}}}`]]
    },
    {
      title: "Messages without a consumer",
      description: "Messages a second that are published to a topic that no consumer reads.",
      unit: "cps",
      queries: [[rate(`millrace_unrouted_messages_total{${ofTopic}}`, topicLabel), `{{${topicLabel}}}`]]
    }
  ]],
  ["Ownership", [
    {
      title: "Lanes by process",
      description: "A process without lanes while messages wait cannot claim any.",
      unit: "short",
      queries: [[`sum by (instance) (${series("millrace_lanes_owned")})`, "{{instance}}"]]
    },
    {
      title: "Lanes claimed and leases lost",
      description: "expired: the owner died, or was stopped for too long. lost: a lease ended before its work did.",
      unit: "short",
      queries: [
        [`sum by (millrace_cause) (increase(${series("millrace_lane_takeovers_total")}[15m]))`, "{{millrace_cause}}"],
        [`sum(increase(${series("millrace_lease_losses_total")}[15m]))`, "lost"]
      ]
    },
    {
      title: "Least time left on leases",
      description:
        "When they were renewed. Near 0, leases are about to be lost: a blocked event loop, or a slow database.",
      unit: "s",
      queries: [[`min by (instance) (${series("millrace_lease_slack_seconds")})`, "{{instance}}"]]
    }
  ]],
  ["Runtime", [
    {
      title: "In flight",
      description: "Messages in memory: prefetched, running, or waiting for their commit.",
      unit: "short",
      queries: [[`sum by (instance) (${series("millrace_inflight_messages")})`, "{{instance}}"]]
    },
    {
      title: "Members of a commit",
      description: "Messages that share a transaction. Groups grow under load.",
      unit: "short",
      queries: quantiles("millrace_commit_group_size", [0.5, 0.95])
    },
    {
      title: "Renewals, and the age of the gauges",
      description: "Renewal requests a second. The gauges of a queue should be younger than a minute.",
      unit: "short",
      queries: [
        [rate(series("millrace_lease_renewals_total"), "instance"), "renewals {{instance}}"],
        [`min by (${consumerLabel}) (${series("millrace_stats_age_seconds")})`, `age (s) {{${consumerLabel}}}`]
      ]
    },
    {
      title: "Left of the deduplication window",
      description: "Below 0 ids are kept for longer than the window, and the inbox grows.",
      unit: "s",
      queries: [[
        `min by (${consumerLabel}) (${series("millrace_deduplication_window_slack_seconds")})`,
        `{{${consumerLabel}}}`
      ]]
    },
    {
      title: "Operator actions",
      description: "Dead letters, consumers and keys changed, by action, through processes that are scraped.",
      unit: "short",
      queries: [[
        "sum by (millrace_operation) (increase(millrace_operation_items_total[5m]))",
        "{{millrace_operation}}"
      ]]
    }
  ]]
]

interface Place {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
}

const drawn = ({ description, queries, stat, title, unit }: Panel, id: number, gridPos: Place) => ({
  id,
  title,
  description,
  type: stat === undefined ? "timeseries" : "stat",
  datasource,
  gridPos,
  fieldConfig: {
    defaults: {
      unit,
      min: 0,
      ...(stat === undefined
        ? { custom: { fillOpacity: 8, showPoints: "never" } }
        : {
          thresholds: {
            mode: "absolute",
            steps: [
              { color: "green", value: null },
              ...(stat.warn === undefined ? [] : [{ color: "orange", value: stat.warn }]),
              ...(stat.bad === undefined ? [] : [{ color: "red", value: stat.bad }])
            ]
          }
        })
    },
    overrides: []
  },
  options: stat === undefined
    ? { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } }
    : {},
  targets: queries.map(([expr, legendFormat], i) => ({
    expr,
    legendFormat,
    refId: String.fromCharCode(65 + i),
    datasource
  }))
})

const panels = (): ReadonlyArray<object> => {
  const all: Array<object> = []
  let y = 0
  const row = (title: string, content: ReadonlyArray<Panel>, w: number, h: number) => {
    all.push({
      id: all.length + 1,
      type: "row",
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: []
    })
    y++
    content.forEach((panel, i) => {
      const place = { x: (i * w) % 24, y: y + Math.floor((i * w) / 24) * h, w, h }
      all.push(drawn(panel, all.length + 1, place))
    })
    y += Math.ceil((content.length * w) / 24) * h
  }
  row("Is it well?", first, 4, 4)
  for (const [title, content] of rows) row(title, content, 8, 8)
  return all
}

const variable = (name: string, metric: string, label: string) => ({
  name,
  type: "query",
  datasource,
  query: { query: `label_values(${metric}, ${label})`, refId: name },
  includeAll: true,
  multi: true,
  allValue: ".*",
  current: { text: "All", value: "$__all" },
  refresh: 2,
  sort: 1
})

/** The dashboard as JSON, as it is shipped. */
export const dashboard = (): string =>
  `${
    JSON.stringify(
      {
        title: "Millrace",
        uid: "millrace",
        tags: ["millrace", "messaging"],
        schemaVersion: 39,
        editable: true,
        time: { from: "now-3h", to: "now" },
        refresh: "30s",
        timezone: "browser",
        templating: {
          list: [
            { name: "datasource", type: "datasource", query: "prometheus" },
            variable("topic", "millrace_message_outcomes_total", topicLabel),
            variable("consumer", "millrace_message_outcomes_total", consumerLabel)
          ]
        },
        annotations: {
          list: [{
            name: "Operator actions",
            enable: true,
            datasource,
            expr: "sum by (millrace_operation) (increase(millrace_operation_items_total[1m])) > 0",
            titleFormat: "{{millrace_operation}}",
            iconColor: "purple"
          }]
        },
        panels: panels()
      },
      null,
      1
    )
  }\n`

if (import.meta.main) writeFileSync(join(root, "src/ops/artefacts/millrace.grafana.json"), dashboard())
