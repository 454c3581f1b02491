// A pipeline is a value: it can be looked at, shared and extended, and does nothing by itself.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { Pipeline, Retry, Topic } from "millrace"
import { sourceOf } from "../../src/internal/Step.ts"

const Payments = Topic.make("payments", { schema: Schema.Struct({ id: Schema.String, cents: Schema.Int }) })
const Refunds = Topic.make("refunds", { schema: Schema.String })
const base = Pipeline.from(Payments, { consumer: "ledger" })

describe("a pipeline", () => {
  it("says in JSON what it reads, what it does, in order, and what happens behind a dead message", () => {
    const full = Pipeline.fromAll([Payments, Refunds], { consumer: "ledger" }).pipe(
      Pipeline.map((message) => message.topic),
      Pipeline.filter((topic) => topic.length > 0),
      Pipeline.mapEffect((topic) => Effect.succeed(topic)),
      Pipeline.tap(() => Effect.void),
      Pipeline.commit((topic) => Effect.succeed(topic)),
      Pipeline.commitBatch((topics) => Effect.succeed(topics)),
      Pipeline.emit(Refunds, (topic) => topic),
      Pipeline.emitAll(Refunds, () => []),
      Pipeline.deadLetter({ order: "park" })
    )
    assert.deepStrictEqual(JSON.parse(JSON.stringify(full)), {
      _id: "Pipeline",
      consumer: "ledger",
      topics: ["payments", "refunds"],
      delivery: "effectivelyOnce",
      keyOrder: "key",
      steps: ["Map", "Filter", "MapEffect", "Tap", "Commit", "CommitBatch", "Emit refunds", "Emit refunds"],
      order: "park"
    })
  })

  it("compares the table and the columns of rows, too", () => {
    const row = () => ({ id: "x" })
    const pipelines = [
      Pipeline.commitRows("a", { id: "text" }, row),
      Pipeline.commitRows("b", { id: "text" }, row),
      Pipeline.commitRows("b", { id: "uuid" }, row)
    ].map((step) => base.pipe(step))
    assert.deepInclude(JSON.parse(JSON.stringify(pipelines[0])), { steps: ["CommitRows"] })
    assert.strictEqual(new Set(pipelines.map(({ steps: [step] }) => sourceOf(step!.f))).size, 3)
  })

  it("is not changed by what is built on it, so that two pipelines can share their beginning", () => {
    const before = JSON.stringify(base)
    const settings = { ...base.settings }
    const one = base.pipe(Pipeline.map((payment) => payment.cents), Pipeline.group(1))
    const two = base.pipe(
      Pipeline.commit(() => Effect.void),
      Pipeline.retry(Retry.never, { while: () => false }),
      Pipeline.timeout("1 second"),
      Pipeline.commitTimeout("2 seconds"),
      Pipeline.deadLetter({ order: "park" })
    )
    assert.strictEqual(JSON.stringify(base), before)
    assert.deepStrictEqual(base.settings, settings)
    assert.deepStrictEqual(one.steps.map((step) => step._tag), ["Map"])
    assert.deepStrictEqual(two.steps.map((step) => step._tag), ["Commit"])
    assert.deepInclude(two.settings, {
      retry: Retry.never,
      timeout: "1 second",
      commitTimeout: "2 seconds",
      order: "park",
      group: 250
    })
  })

  it("has the documented defaults", () => {
    assert.deepInclude(base.settings, {
      retry: Retry.standard,
      retryWhile: undefined,
      timeout: undefined,
      commitTimeout: "10 seconds",
      order: "continue",
      group: 250,
      delivery: "effectivelyOnce",
      errors: undefined
    })
  })

  it("keeps the last word on each setting", () => {
    const twice = base.pipe(Pipeline.group(10), Pipeline.timeout("1 second"), Pipeline.group(20))
    assert.deepInclude(twice.settings, { group: 20, timeout: "1 second" })
  })
})
