// The metrics: their names, their values, and their export.
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Exit, Layer, Metric, Scope } from "effect"
import { FetchHttpClient } from "effect/http"
import { Otlp, PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { Consumers, DeadLetters, Errors, Memory, Pipeline, Retry, Store, Telemetry, Topic, Worker } from "millrace"
import { readdirSync, readFileSync } from "node:fs"
import {
  Declined,
  drain,
  eventually,
  order,
  Orders,
  orders,
  publish,
  runReadyFibers,
  start,
  stop
} from "../worker/support.ts"
import { collector } from "./collectors.ts"
import { everyMetric, labelsOf } from "./everyMetric.ts"

const prometheus = PrometheusMetrics.format({ metricNameMapper: Telemetry.prometheusName })

/** The value of a series, by its name and some of its labels. An empty value means that it must lack the label. */
const valueOf = (text: string, name: string, labels: Readonly<Record<string, string>>): number | undefined => {
  for (const line of text.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name} `)) continue
    if (
      Object.entries(labels).every(([label, value]) =>
        value === "" ? !line.includes(`${label}=`) : line.includes(`${label}="${value}"`)
      )
    ) {
      return Number(line.split(" ").at(-1))
    }
  }
  return undefined
}

/** The table of metrics in src/README.md. */
const table = [
  ...readFileSync(new URL("../../src/README.md", import.meta.url), "utf8")
    .matchAll(/^\| `((?:millrace|messaging)\.[a-z_.]+)` \| (\w+) \| (\S+) \| ([^|]+) \|/gm)
].map(([, name = "", kind, unit, labels = ""]) => ({
  name,
  kind,
  unit,
  labels: labels.split(", ").map((label) => label.replaceAll("`", ""))
}))

/** The labels that the table does not call by the last part of their name. */
const shortLabels: Readonly<Record<string, string>> = {
  topic: "messaging.destination.name",
  consumer: "messaging.consumer.group.name",
  action: "messaging.operation.name",
  "error.type": "error.type"
}

/** A memory store, and counts that begin at 0: those that other files of this process made stay out. */
const counting = Memory.layer.pipe(Layer.provideMerge(Layer.sync(Metric.MetricRegistry, () => new Map())))

describe("metrics", () => {
  it.effect("tell Prometheus what a worker met, under the names of the conventions", () =>
    Effect.gen(function*() {
      const consumer = "prom"
      const of = { messaging_consumer_group_name: consumer }
      const both = { ...of, messaging_destination_name: "orders" }
      const books = Pipeline.from(Orders, { consumer }).pipe(
        Pipeline.tap(({ account, n }) =>
          account === "bad" && n === 1 ? Effect.fail(new Declined({ reason: "no" })) : Effect.void
        ),
        Pipeline.retry(Retry.exponential("10 millis", { attempts: 3 })),
        Pipeline.deadLetter({ order: "park" })
      )
      yield* drain(books)
      yield* publish(Orders, [...orders("a", 3), ...orders("bad", 2), ...orders("later", 1)])
      const worker = yield* start(books, { statsEvery: "1 second", lease: "3 seconds", idlePoll: "100 millis" })
      yield* eventually("all is handled", () => true)
      for (let i = 0; i < 40; i++) yield* Effect.andThen(TestClock.adjust("100 millis"), runReadyFibers)
      const text = yield* prometheus
      const expected: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, number]> = [
        ["messaging_client_sent_messages_total", { messaging_destination_name: "orders" }, 6],
        ["messaging_client_consumed_messages_total", of, 6],
        ["millrace_message_outcomes_total", { ...both, millrace_outcome: "committed" }, 4],
        ["millrace_message_outcomes_total", { ...both, millrace_outcome: "retried", error_type: "Declined" }, 2],
        ["millrace_message_outcomes_total", { ...both, millrace_outcome: "dead", millrace_reason: "exhausted" }, 1],
        ["messaging_process_duration_seconds_count", { ...both, error_type: "" }, 4],
        ["messaging_process_duration_seconds_count", { ...both, error_type: "Declined" }, 3],
        ["millrace_delivery_latency_seconds_count", both, 4],
        ["millrace_queue_waiting_messages", of, 0],
        ["millrace_queue_lag_seconds", of, 0],
        ["millrace_held_keys", { ...of, millrace_hold: "parked" }, 1],
        ["millrace_held_keys", { ...of, millrace_hold: "delayed" }, 0],
        ["millrace_dead_letters", of, 1],
        ["millrace_stats_age_seconds", of, 0],
        ["millrace_inflight_messages", of, 0]
      ]
      for (const [name, labels, value] of expected) {
        const got = valueOf(text, name, labels)
        if (name === "messaging_client_consumed_messages_total") assert.isTrue(got! >= value, name)
        else assert.strictEqual(got, value, name + JSON.stringify(labels))
      }
      for (
        const name of [
          "messaging_client_operation_duration_seconds_count",
          "millrace_commit_duration_seconds_count",
          "millrace_commit_group_size_count",
          "millrace_lease_renewals_total",
          "millrace_lanes_owned"
        ]
      ) assert.isTrue(valueOf(text, name, {})! > 0, name)
      assert.isTrue(valueOf(text, "millrace_lane_takeovers_total", { ...of, millrace_cause: "free" })! > 0)
      assert.isTrue(valueOf(text, "millrace_parked_age_seconds", of)! > 0)
      const slack = valueOf(text, "millrace_lease_slack_seconds", of)!
      assert.isTrue(slack > 1 && slack <= 3, `slack ${slack}`)
      yield* stop(worker)
    }).pipe(Effect.provide(counting)))

  it.effect("name the error of a publish that failed, and count no message of one that was refused before", () =>
    Effect.gen(function*() {
      const down = Effect.fail(
        new Errors.StoreFailure({ operation: "publish", kind: "unavailable", code: "", detail: "down", hint: "" })
      )
      const store = yield* Store.Store
      const publishing = (values: ReadonlyArray<unknown>, write: Store.Store["Service"]["outbox"]["write"]) =>
        Effect.provideService(Effect.exit(Topic.publishAll(Orders, values as never)), Store.Store, {
          ...store,
          outbox: { ...store.outbox, write }
        })
      yield* publishing(orders("a", 2), () => down)
      yield* publishing([{ id: 1 }], () => Effect.void)
      yield* publishing(orders("a", 1), () => Effect.die(new Error("of any name")))
      yield* publishing([], () => Effect.void)
      const text = yield* prometheus
      const count = (name: string, error_type: string) => valueOf(text, name, { error_type })
      const types = ["StoreFailure", "EncodeFailed", "_OTHER", ""]
      assert.deepStrictEqual(
        types.map((type) => count("messaging_client_sent_messages_total", type)),
        [2, undefined, 1, undefined]
      )
      assert.deepStrictEqual(
        types.map((type) => count("messaging_client_operation_duration_seconds_count", type)),
        [1, 1, 1, undefined]
      )
    }).pipe(Effect.provide(counting)))

  it.effect("time the attempts of a message that is handled at most once", () =>
    Effect.gen(function*() {
      const books = Pipeline.from(Orders, { consumer: "once", delivery: "atMostOnce" }).pipe(
        Pipeline.tap(({ account }) => account === "bad" ? Effect.fail(new Declined({ reason: "no" })) : Effect.void)
      )
      yield* drain(books)
      yield* publish(Orders, [...orders("a", 2), ...orders("bad", 1)])
      yield* drain(books)
      const text = yield* prometheus
      const timed = (error_type: string) => valueOf(text, "messaging_process_duration_seconds_count", { error_type })
      assert.deepStrictEqual([timed(""), timed("Declined")], [2, 1])
    }).pipe(Effect.provide(counting)))

  it.effect("begin at 0 where alerts need their first increase", () =>
    Effect.gen(function*() {
      const worker = yield* start(Pipeline.from(Orders, { consumer: "zero" }))
      yield* runReadyFibers
      const text = yield* prometheus
      const of = { messaging_consumer_group_name: "zero" }
      for (const millrace_reason of ["exhausted", "rejected", "undecodable", "crashed"]) {
        const dead = { ...of, messaging_destination_name: "orders", millrace_outcome: "dead", millrace_reason }
        assert.strictEqual(valueOf(text, "millrace_message_outcomes_total", dead), 0)
      }
      const expired = { ...of, millrace_cause: "expired" }
      assert.strictEqual(valueOf(text, "millrace_lane_takeovers_total", expired), 0)
      yield* stop(worker)
    }).pipe(Effect.provide(counting)))

  it.effect("count what is given back", () =>
    Effect.gen(function*() {
      const consumer = "lost"
      const slow = Pipeline.from(Orders, { consumer }).pipe(Pipeline.tap(() => Effect.never))
      yield* drain(slow)
      yield* publish(Orders, orders("a", 3))
      const worker = yield* start(slow, { statsEvery: Duration.infinity })
      yield* runReadyFibers
      yield* stop(worker)
      assert.strictEqual(yield* Telemetry.counted(consumer, "released"), 3)
    }).pipe(Effect.provide(counting)))

  it.effect("have no key, id or lane as a label, and as many series as topics and consumers ask for", () =>
    Effect.gen(function*() {
      const consumer = "series"
      const books = Pipeline.from(Orders, { consumer })
      yield* drain(books)
      const series = Effect.map(
        prometheus,
        (text) => text.split("\n").filter((line) => line.includes(`"${consumer}"`)).map((line) => line.split(" ")[0])
      )
      yield* publish(Orders, Array.from({ length: 50 }, (_, i) => order(`first-${i}`, i)))
      yield* drain(books)
      const before = yield* series
      yield* publish(Orders, Array.from({ length: 50 }, (_, i) => order(`key-${i}`, i)))
      yield* drain(books)
      const after = yield* series
      assert.deepStrictEqual(after, before)
      assert.notMatch(after.join("\n"), /key-|lane-|first/)
    }).pipe(Effect.provide(counting)))

  it.effect("count errors with tags that are made of data under one name from the 51st on", () =>
    Effect.gen(function*() {
      const consumer = "tags"
      const books = Pipeline.from(Orders, { consumer }).pipe(
        Pipeline.tap(({ id }) => Effect.fail({ _tag: `Tag-${id}` })),
        Pipeline.retry(Retry.exponential("10 millis", { attempts: 2 }))
      )
      yield* drain(books)
      yield* publish(Orders, Array.from({ length: 60 }, (_, i) => order(`k${i}`, 1)))
      yield* drain(books)
      const text = yield* prometheus
      const named = (name: string) =>
        text.split("\n").filter((line) =>
          line.startsWith(name) && line.includes(`"${consumer}"`) && line.includes("error_type")
        )
      assert.strictEqual(named("millrace_message_outcomes_total").length, 51)
      // A histogram has a series for each of its bounds, so it names fewer.
      assert.strictEqual(named("messaging_process_duration_seconds_count").length, 11)
      const other = { messaging_consumer_group_name: consumer, error_type: "_OTHER" }
      assert.strictEqual(valueOf(text, "millrace_message_outcomes_total", other), 10)
    }).pipe(Effect.provide(counting)))

  it.effect("show that an operator has paused the consumer, and the operator actions", () =>
    Effect.gen(function*() {
      const consumer = "operated"
      const of = { messaging_consumer_group_name: consumer }
      const by = { by: "ann" }
      const books = Pipeline.from(Orders, { consumer }).pipe(
        Pipeline.tap(() => Effect.fail(new Declined({ reason: "no" }))),
        Pipeline.retry(Retry.exponential("10 millis", { attempts: 1 }))
      )
      yield* drain(books)
      yield* publish(Orders, ["a", "b", "c", "d", "e"].map((account) => order(account, 1)))
      yield* drain(books)
      const worker = yield* start(books, { statsEvery: "1 second", idlePoll: "100 millis" })
      const stats = Effect.andThen(TestClock.adjust("1 second"), runReadyFibers)
      const paused = Effect.map(prometheus, (text) => valueOf(text, "millrace_queue_paused", of))
      yield* stats
      assert.strictEqual(yield* paused, 0)
      yield* Consumers.pause(consumer, by)
      yield* stats
      assert.strictEqual(yield* paused, 1)

      const deadLetters = yield* DeadLetters.list({ consumer })
      const [a, b, c] = deadLetters.map(({ id }) => id) as [string, string, string]
      yield* DeadLetters.discard(a, by)
      assert.strictEqual((yield* Effect.flip(DeadLetters.discard(a, by)))._tag, "DeadLetterConflict")
      yield* DeadLetters.restore(a, by)
      yield* DeadLetters.redrive(b, by)
      const payload = JSON.stringify(order("c", 1))
      yield* DeadLetters.redriveEdited(c, { ...by, topic: Orders, payload })
      yield* DeadLetters.discardAll({ consumer }, by)
      yield* Consumers.pauseKey(consumer, "a", by)
      yield* Consumers.resumeKey(consumer, "a", by)
      yield* Consumers.resume(consumer, by)
      yield* stats
      yield* stop(worker)
      yield* Consumers.unsubscribe(consumer, Orders.name, { ...by, force: { messages: true } })
      yield* Consumers.remove(consumer, { ...by, force: { messages: true } })
      const text = yield* prometheus
      const counted = Object.fromEntries(
        ["paused", "resumed", "discarded", "restored", "redriven", "edited", "unsubscribed", "removed"].map((
          operation
        ) => [operation, valueOf(text, "millrace_operation_items_total", { millrace_operation: operation })])
      )
      assert.deepStrictEqual(counted, {
        paused: 2,
        resumed: 2,
        discarded: 4,
        restored: 1,
        redriven: 1,
        edited: 1,
        unsubscribed: 1,
        removed: 1
      })
    }).pipe(Effect.provide(counting)))

  it.effect("tell what the deduplication window has left beyond the oldest message", () =>
    Effect.gen(function*() {
      const consumer = "slack"
      const slow = Pipeline.from(Orders, { consumer }).pipe(Pipeline.tap(() => Effect.never))
      yield* drain(slow)
      const store = yield* Store.Store
      const forgetting = { ...store, deduplicationWindow: Duration.hours(1) }
      const worker = yield* Effect.provideService(start(slow, { statsEvery: "1 second" }), Store.Store, forgetting)
      const slack = Effect.map(
        prometheus,
        (text) =>
          valueOf(text, "millrace_deduplication_window_slack_seconds", { messaging_consumer_group_name: consumer })
      )
      yield* Effect.andThen(TestClock.adjust("1 second"), runReadyFibers)
      assert.strictEqual(yield* slack, 3600)
      yield* publish(Orders, orders("a", 1))
      for (let i = 0; i < 10; i++) yield* Effect.andThen(TestClock.adjust("1 second"), runReadyFibers)
      const left = yield* slack
      assert.isTrue(left! >= 3589 && left! <= 3591, `left ${left}`)
      yield* stop(worker)
    }).pipe(Effect.provide(counting)))

  it("stand in the table of src/README.md, each with its unit and its kind, and no other does", () => {
    const told = table.map(({ kind, name, unit }) => [name, kind, unit].join(" "))
    const made = Object.values(Telemetry).filter((value) => Metric.isMetric(value))
    const metrics = made.map(({ attributes, id, type }) => [id, type.toLowerCase(), attributes?.["unit"]].join(" "))
    assert.isAbove(metrics.length, 20)
    assert.deepStrictEqual(told.toSorted(), metrics.toSorted())
    for (const { attributes, id, type } of made) {
      const suffix = `${attributes?.["unit"] === "s" ? "_seconds" : ""}${type === "Counter" ? "_total" : ""}`
      assert.strictEqual(Telemetry.prometheusName(id), id + suffix)
    }
  })

  it.effect("have the labels that the table of src/README.md lists, and no others", () =>
    Effect.gen(function*() {
      const emitted = labelsOf((yield* everyMetric).snapshot)
      for (const { labels, name } of table) {
        const told = ["messaging.system", ...labels.map((label) => shortLabels[label] ?? `millrace.${label}`)]
        assert.deepStrictEqual(
          [...(emitted.get(name) ?? new Map<string, never>()).keys()].toSorted(),
          told.toSorted(),
          name
        )
      }
    }))

  it("are all documented in one place: no other file of the library names one", () => {
    const root = new URL("../../src/", import.meta.url)
    const named = readdirSync(root, { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && file !== "Telemetry.ts")
      .filter((file) =>
        /Metric\.(counter|gauge|histogram|summary|frequency)\(/.test(readFileSync(new URL(file, root), "utf8"))
      )
    assert.deepStrictEqual(named, [])
  })
})

describe("OTLP", () => {
  it.live("exports publish and process with one layer: linked spans, metrics with units, log lines", () =>
    Effect.gen(function*() {
      const { got, url } = yield* collector
      const scope = yield* Scope.make()
      const Sent = Topic.make("otlp", { schema: Orders.schema, key: ({ account }) => account, id: ({ id }) => id })
      const books = Pipeline.from(Sent, { consumer: "otlp-books" }).pipe(Pipeline.tap(() => Effect.log("handled")))
      const exporter = Otlp.layerJson({ baseUrl: url, resource: { serviceName: "test" } }).pipe(
        Layer.provide(FetchHttpClient.layer)
      )
      const context = yield* Scope.provide(Layer.build(Layer.merge(Memory.layer, exporter)), scope)
      yield* Effect.gen(function*() {
        yield* Topic.publish(Sent, order("a", 1))
        yield* Worker.drain(books)
      }).pipe(Effect.provideContext(context))
      // Everything is sent when the layer closes.
      yield* Scope.close(scope, Exit.void)

      const spans = (got.get("/v1/traces") ?? []).flatMap((sent) => sent.resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans).flatMap(({ spans }) => spans)
      const [sent] = spans.filter(({ name }) => name === "publish otlp")
      const [processed] = spans.filter(({ name }) => name === "process otlp")
      assert.deepStrictEqual(
        processed.links.map(({ spanId, traceId }: any) => [traceId, spanId]),
        [[sent.traceId, sent.spanId]]
      )
      const attributes = new Map(processed.attributes.map(({ key, value }: any) => [key, value.stringValue]))
      assert.deepStrictEqual(
        [attributes.get("messaging.system"), attributes.get("messaging.message.id")],
        ["millrace", "a1"]
      )
      // SPAN_KIND_PRODUCER and SPAN_KIND_CONSUMER
      assert.deepStrictEqual([sent.kind, processed.kind], [4, 5])

      const metrics = (got.get("/v1/metrics") ?? []).flatMap((sent) => sent.resourceMetrics)
        .flatMap(({ scopeMetrics }) => scopeMetrics).flatMap(({ metrics }) => metrics)
      const duration = metrics.find(({ name }) => name === "messaging.process.duration")
      assert.strictEqual(duration.unit, "s")
      const logs = (got.get("/v1/logs") ?? []).flatMap((sent) => sent.resourceLogs)
        .flatMap(({ scopeLogs }) => scopeLogs).flatMap(({ logRecords }) => logRecords)
      const [line] = logs.filter(({ body }) => JSON.stringify(body).includes("handled"))
      assert.deepStrictEqual([line.traceId, line.spanId], [processed.traceId, processed.spanId])
    }).pipe(Effect.scoped))
})
