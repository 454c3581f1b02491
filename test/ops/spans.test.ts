// Spans link a processed message to its publish across the store. Without a tracer there are none.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, type Tracer } from "effect"
import { Memory, Pipeline, Retry, Topic, Worker } from "millrace"
import { Declined, drain, order, Orders, publish } from "../worker/support.ts"
import { failed, tracing } from "./collectors.ts"

const Receipts = Topic.make("receipts", { schema: Schema.String, id: "random" })

const consumer = "books"
const books = Pipeline.from(Orders, { consumer })

describe("spans", () => {
  it.effect("link each attempt to the span that published its message, and the commit to the attempts", () => {
    const { layer, named } = tracing()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(books, { name: "w" })
      const [sent] = named("publish orders")
      const [attempt] = named("process orders")
      const [commit] = named(`commit ${consumer}`)
      const [receive] = named(`receive ${consumer}`).filter(({ status }) => status._tag === "Ended")
      assert.deepStrictEqual([sent!.kind, receive!.kind, attempt!.kind, commit!.kind], [
        "producer",
        "client",
        "consumer",
        "client"
      ])
      assert.deepStrictEqual(attempt!.links.map(({ span }) => span.spanId), [sent!.spanId])
      assert.deepStrictEqual(receive!.links.map(({ span }) => span.spanId), [sent!.spanId])
      assert.deepStrictEqual(commit!.links.map(({ span }) => span.spanId), [attempt!.spanId])
      assert.notStrictEqual(attempt!.traceId, sent!.traceId)
      assert.deepStrictEqual(Object.fromEntries(attempt!.attributes), {
        "messaging.system": "millrace",
        "messaging.consumer.group.name": consumer,
        "messaging.client.id": "w",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": attempt!.attributes.get("messaging.destination.partition.id"),
        "messaging.message.id": "a1",
        "millrace.attempt": 1
      })
      assert.isTrue([sent!, receive!, attempt!, commit!].every(({ status }) => status._tag === "Ended"))
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("have the topic where all their messages are of one, and key and size only where the worker says so", () => {
    const { layer, named } = tracing()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(books, { spanAttributes: ["key", "bodySize"] })
      const [attempt] = named("process orders")
      assert.strictEqual(attempt!.attributes.get("millrace.message.key"), "a")
      assert.strictEqual(attempt!.attributes.get("messaging.message.body.size"), JSON.stringify(order("a", 1)).length)
      const groupsOf = () =>
        [...named(`receive ${consumer}`), ...named(`commit ${consumer}`)]
          .filter(({ status }) => status._tag === "Ended")
          .map(({ attributes }) => attributes.get("messaging.destination.name"))
      assert.deepStrictEqual(groupsOf(), ["orders", "orders"])
      const both = Pipeline.fromAll([Orders, Receipts], { consumer })
      yield* drain(both)
      yield* publish(Orders, [order("b", 1)])
      yield* drain(both)
      assert.deepStrictEqual(groupsOf(), ["orders", undefined, "orders", undefined])
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("go on in the publisher's trace where the worker says so", () => {
    const { layer, named } = tracing()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(books, { tracing: "parent" })
      const [sent] = named("publish orders")
      const [attempt] = named("process orders")
      assert.strictEqual(attempt!.traceId, sent!.traceId)
      assert.strictEqual(attempt!.parent._tag === "Some" && attempt!.parent.value.spanId, sent!.spanId)
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("are one for each attempt, with the tag of its error and nothing that it says", () => {
    const { layer, named, spans } = tracing()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(books.pipe(
        Pipeline.tap(() => Effect.fail(new Declined({ reason: "marker-4711" }))),
        Pipeline.retry(Retry.exponential("10 millis", { attempts: 3 }))
      ))
      const attempts = named("process orders")
      assert.deepStrictEqual(attempts.map(({ attributes }) => attributes.get("millrace.attempt")), [1, 2, 3])
      assert.isTrue(attempts.every(failed))
      assert.deepStrictEqual(attempts.map(({ attributes }) => attributes.get("error.type")), Array(3).fill("Declined"))
      const exits = spans.map(({ status }) =>
        status._tag === "Ended" ? JSON.stringify(status.exit) + String(status.exit) : ""
      )
      assert.notInclude(exits.join(), "marker-4711")
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("carry what is emitted and published in a step on, and what a handler spans is within", () => {
    const { layer, named } = tracing()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      const receipts = Pipeline.from(Receipts, { consumer: "printer" })
      yield* drain(receipts)
      yield* drain(books.pipe(
        Pipeline.tap(() => Effect.withSpan(Effect.void, "ask the rates")),
        Pipeline.commit((value) => Effect.as(Effect.withSpan(Effect.void, "post"), value)),
        Pipeline.emit(Receipts, ({ id }) => `receipt ${id}`)
      ))
      yield* drain(receipts)
      const [attempt] = named("process orders")
      for (const name of ["ask the rates", "post"]) {
        const [inner] = named(name)
        assert.strictEqual(inner!.parent._tag === "Some" && inner!.parent.value.spanId, attempt!.spanId)
      }
      assert.deepStrictEqual(named("process receipts").map(({ links }) => links[0]?.span.spanId), [attempt!.spanId])
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("are not made for a message whose trace was not sampled", () => {
    const { layer, named } = tracing()
    return Effect.gen(function*() {
      const headers = { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-00` }
      yield* Topic.publish(Orders, order("a", 1), { headers })
      yield* drain(books)
      assert.deepStrictEqual(named("process orders"), [])
      assert.deepStrictEqual(named(`commit ${consumer}`), [])
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })

  it.effect("are not made where only Effect's own tracer is there", () => {
    let current: Tracer.AnySpan | undefined
    let seen = 0
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(books.pipe(
        Pipeline.tap(() =>
          Effect.map(Effect.option(Effect.currentParentSpan), (span) => {
            seen++
            current = span._tag === "Some" ? span.value : undefined
          })
        )
      ))
      assert.strictEqual(seen, 1)
      assert.isUndefined(current)
    }).pipe(Effect.provide(Memory.layer))
  })

  it.effect("end, as no error, when an attempt is interrupted by a stop", () => {
    const { layer, named } = tracing()
    return Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      const hangs = books.pipe(Pipeline.tap(() => Effect.never))
      yield* Effect.ignore(Effect.timeout(
        Effect.scoped(Effect.gen(function*() {
          const running = yield* Effect.forkScoped(Worker.run(hangs, { grace: 0 }))
          while (named("process orders").length === 0) yield* Effect.yieldNow
          running.interruptUnsafe()
          yield* Effect.yieldNow
        })),
        "1 minute"
      ))
      const [attempt] = named("process orders")
      assert.strictEqual(attempt!.status._tag, "Ended")
      assert.isUndefined(attempt!.attributes.get("error.type"))
    }).pipe(Effect.provide(Layer.merge(Memory.layer, layer)))
  })
})
