/**
 * A run in which each metric of the library gets a value. The documents that name metrics and labels are compared with
 * it.
 */
import { Duration, Effect, Layer, Metric } from "effect"
import { TestClock } from "effect/testing"
import { Consumers, DeadLetters, Errors, Pipeline, Retry, Store, Topic } from "millrace"
import {
  Declined,
  drain,
  eventually,
  order,
  Orders,
  orders,
  ports,
  publish,
  Receipts,
  runReadyFibers,
  start,
  stop,
  until
} from "../worker/support.ts"

const unreachable = Effect.fail(
  new Errors.TransportError({ engine: "memory", operation: "renew", kind: "temporary", detail: "unreachable" })
)
const down = Effect.fail(
  new Errors.StoreFailure({ operation: "publish", kind: "unavailable", code: "", detail: "down", hint: "" })
)

/** Memory with a deduplication window, in which the first subscription of worker "cut" cannot renew its leases. */
const engine = Effect.sync(() => {
  let reads = 0
  return ports({
    store: () => ({ deduplicationWindow: Duration.days(7) }),
    subscription: (inner, { worker }) =>
      !worker.startsWith("cut#") ? {} : {
        renew: () => unreachable,
        take: (room, accept) => Effect.suspend(() => reads++ === 0 ? inner.take(room, accept) : Effect.never)
      }
  })
})

/** Commits, duplicates, retries, a hold, dead letters of both kinds, and the gauges of the queue. */
const worked = Effect.gen(function*() {
  const books = Pipeline.from(Orders, { consumer: "books" }).pipe(
    Pipeline.tap(({ account }) =>
      account === "bad" || account === "held" ? Effect.fail(new Declined({ reason: "no" })) : Effect.void
    ),
    Pipeline.retry(Retry.exponential("10 millis", { attempts: 3 }), {
      while: () => true
    }),
    Pipeline.deadLetter({ order: "park" })
  )
  const slow = Pipeline.from(Orders, { consumer: "slow" }).pipe(
    Pipeline.tap(() => Effect.fail(new Declined({ reason: "no" }))),
    Pipeline.retry(Retry.exponential("1 hour", { attempts: 3 }))
  )
  const never = Pipeline.from(Orders, { consumer: "never" }).pipe(Pipeline.tap(() => Effect.never))
  const once = Pipeline.from(Orders, { consumer: "once", delivery: "atMostOnce" }).pipe(
    Pipeline.tap(({ account }) => account === "bad" ? Effect.fail(new Declined({ reason: "no" })) : Effect.void)
  )
  for (const pipeline of [books, slow, never, once]) yield* drain(pipeline as typeof books)
  yield* publish(Orders, [...orders("a", 2), order("a", 1), ...orders("bad", 1)])
  yield* publish(Receipts, [{ of: "nothing" }])
  const workers = [yield* start(books, { statsEvery: "1 second" }), yield* start(never)]
  yield* drain(slow)
  yield* drain(once)
  for (let i = 0; i < 30; i++) yield* Effect.andThen(TestClock.adjust("1 second"), runReadyFibers)
  for (const worker of workers) yield* stop(worker)
})

/** A worker that loses its lease, and another one that takes its lane over. */
const cut = Effect.gen(function*() {
  const began: Array<string> = []
  const pipeline = (by: string) =>
    Pipeline.from(Orders, { consumer: "cut" }).pipe(
      Pipeline.tap(() => Effect.suspend(() => (began.push(by), Effect.never)))
    )
  yield* drain(pipeline("first"), { lanes: 1 })
  yield* publish(Orders, [order("cut", 1)])
  const one = yield* start(pipeline("one"), { name: "cut", lanes: 1 })
  yield* until("it runs", () => began.length === 1)
  const two = yield* start(pipeline("two"), { name: "two", lanes: 1 })
  yield* eventually("the other one has it", () => began.length === 2, 90_000)
  yield* stop(one)
  yield* stop(two)
})

const operated = Effect.gen(function*() {
  const [deadLetter] = yield* DeadLetters.list({ consumer: "books" })
  yield* DeadLetters.discard(deadLetter!.id, { by: "ann" })
  yield* Consumers.pause("books", { by: "ann" })
})

const failed = Effect.gen(function*() {
  const store = yield* Store.Store
  const broken = { ...store, outbox: { ...store.outbox, write: () => down } }
  yield* Effect.ignore(Effect.provideService(Topic.publish(Orders, order("a", 9)), Store.Store, broken))
})

/** Runs all of it, in a registry of its own. Returns the registry, and the metrics that got a value. */
export const everyMetric = Effect.gen(function*() {
  const registry: Metric.MetricRegistry = new Map()
  const layer = Layer.merge(yield* engine, Layer.succeed(Metric.MetricRegistry, registry))
  return yield* Effect.provide(
    Effect.gen(function*() {
      yield* worked
      yield* cut
      yield* operated
      yield* failed
      return { registry, snapshot: yield* Metric.snapshot }
    }),
    layer
  )
})

/** The values of each label of a metric, over its series. The unit is no label. */
export const labelsOf = (
  snapshot: ReadonlyArray<Metric.Metric.Snapshot>
): ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>> => {
  const all = new Map<string, Map<string, Set<string>>>()
  for (const { attributes, id } of snapshot) {
    const labels = all.get(id) ?? new Map<string, Set<string>>()
    all.set(id, labels)
    for (const [label, value] of Object.entries(attributes ?? {})) {
      if (label === "unit") continue
      labels.set(label, (labels.get(label) ?? new Set()).add(value))
    }
  }
  return all
}
