// The start check refuses what an engine cannot do for a pipeline, before anything is opened.
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Duration, Effect, Fiber, Option, Schema } from "effect"
import { type Errors, Health, Pipeline, Retry, Topic, type Transport, Worker } from "millrace"
import { TransportError } from "../../src/Errors.ts"
import { capabilities as memory } from "../../src/memory/MemoryTransport.ts"
import { refuse } from "../../src/worker/start/StartupChecks.ts"
import { drain, eventually, Orders, ports, publish } from "./support.ts"

/** The memory engine under another name, with other capabilities. It keeps order in any case. */
const engine = (change: Partial<Transport.Capabilities>) =>
  ports({
    transport: (inner) => ({
      capabilities: Effect.map(inner.capabilities, (can) => ({ ...can, engine: "toy", ...change }))
    })
  })

const ordered = Pipeline.from(Orders, { consumer: "ledger" })
const unordered = Pipeline.from(Orders, { consumer: "ledger", order: "none" })

const refusal = (pipeline: Pipeline.Pipeline<unknown>, options?: Worker.WorkerOptions) =>
  Effect.flip(Worker.run(pipeline, options)) as Effect.Effect<Errors.Unsupported, never, never>

/** A pipeline that an engine refuses, what the refusal asks for and advises, and a pipeline that starts there. */
interface Case {
  readonly can: Partial<Transport.Capabilities>
  readonly pipeline: Pipeline.Pipeline<unknown>
  readonly options?: Worker.WorkerOptions
  readonly asked: string
  readonly instead: string
  readonly starts: Pipeline.Pipeline<unknown>
  readonly startsWith?: Worker.WorkerOptions
}

const ceiling: Partial<Transport.Capabilities> = {
  lease: { unit: "message", ceiling: Option.some(Duration.hours(12)) }
}

const cases: Readonly<Record<string, Case>> = {
  "order per key, on an engine that keeps none": {
    can: { order: "none" },
    pipeline: ordered,
    asked: "order per key",
    instead: "declare order none in Pipeline.from",
    starts: unordered
  },
  "order with atLeastOnce, where only the inbox refuses a stale owner": {
    can: { order: "group", fence: "inbox" },
    pipeline: Pipeline.from(Orders, { consumer: "ledger", delivery: "atLeastOnce" }),
    asked: "order per key with atLeastOnce",
    instead: "use effectivelyOnce",
    starts: Pipeline.from(Orders, { consumer: "ledger", delivery: "atLeastOnce", order: "none" })
  },
  "parked keys, where a message is only hidden for a time": {
    can: { hold: "timed" },
    pipeline: ordered.pipe(Pipeline.deadLetter({ order: "park" })),
    asked: "parked keys",
    instead: "use order continue",
    starts: ordered
  },
  "crashes, on an engine that drops messages before they could become dead letters": {
    can: { discardsAfter: Option.some(5), order: "none" },
    pipeline: unordered,
    asked: "maxCrashes 3",
    instead: "raise its limit above 6",
    starts: unordered,
    startsWith: { maxCrashes: 2 }
  },
  "a lease of more than half of the engine's longest": {
    can: ceiling,
    pipeline: ordered,
    options: { lease: "361 minutes" },
    asked: "a lease of 6h 1m",
    instead: "use a lease of at most 6h",
    starts: ordered,
    startsWith: { lease: "6 hours" }
  },
  "a timeout that ends with its lease after the engine's longest lease": {
    can: ceiling,
    pipeline: ordered.pipe(Pipeline.timeout("661 minutes")),
    options: { lease: "1 hour" },
    asked: "a timeout of 11h 1m with a lease of 1h",
    instead: "use a timeout of at most 11h",
    starts: ordered.pipe(Pipeline.timeout("11 hours")),
    startsWith: { lease: "1 hour" }
  }
}

describe("a worker is refused, with the reason and a way out,", () => {
  it.effect.each(Object.entries(cases))(
    "for %s",
    ([, { asked, can, instead, options, pipeline, starts, startsWith }]) =>
      Effect.gen(function*() {
        const error = yield* refusal(pipeline, options)
        assert.deepInclude(error, { _tag: "Unsupported", engine: "toy", asked })
        assert.include(error.instead, instead)
        assert.include(error.message, `toy cannot do what was asked (${asked})`)
        yield* drain(starts, startsWith)
      }).pipe(Effect.provide(engine(can)))
  )
})

describe("a limit of deliveries of the engine", () => {
  const cases: Readonly<Record<string, Partial<Transport.Capabilities>>> = {
    "keeps order, which a message taken away would break": { order: "group" },
    "has no lanes for a message at its limit": { order: "none", hold: "timed" }
  }
  it.effect.each(Object.entries(cases))(
    "is refused, however high, where the engine %s",
    ([, can]) =>
      Effect.gen(function*() {
        const error = yield* refusal(unordered)
        assert.deepInclude(error, { _tag: "Unsupported", asked: "a queue with a limit of 1000 deliveries" })
        assert.include(error.instead, "remove the redrive policy of the queue")
      }).pipe(Effect.provide(engine({ ...can, discardsAfter: Option.some(1000) })))
  )
})

describe("a pipeline that needs no order", () => {
  it.effect("processes every message where the engine has order, too", () =>
    Effect.gen(function*() {
      const seen: Array<number> = []
      const pipeline = unordered.pipe(Pipeline.tap((one) => Effect.sync(() => seen.push(one.n))))
      yield* publish(Orders, [{ id: "a1", account: "a", n: 1 }, { id: "a2", account: "a", n: 2 }])
      yield* drain(pipeline)
      assert.deepStrictEqual(seen, [1, 2])
    }).pipe(Effect.provide(engine({}))))

  it("says so when it is printed", () => {
    assert.deepInclude(unordered.toJSON(), { keyOrder: "none", order: "continue" })
    assert.deepInclude(ordered.toJSON(), { keyOrder: "key" })
  })
})

describe("an engine that cannot say what it can do", () => {
  it.effect("is asked again while its failure passes, and health shows the worker meanwhile", () => {
    const up = Deferred.makeUnsafe<void>()
    return Effect.gen(function*() {
      const worker = yield* Effect.forkChild(Worker.drain(ordered, { idlePoll: "100 millis" }))
      const workers = yield* Health.Workers
      const failing = () => JSON.stringify([...workers].map((state) => state.failing()))
      yield* eventually("health shows the failure", () => failing().includes("the broker is down"))
      assert.isUndefined(worker.pollUnsafe())
      yield* Deferred.succeed(up, undefined)
      yield* eventually("it starts", () => worker.pollUnsafe() !== undefined)
      yield* Fiber.join(worker)
    }).pipe(Effect.provide(failing("temporary", up)))
  })

  it.effect("ends the worker when the failure does not pass", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Worker.run(ordered))
      assert.deepInclude(error, { _tag: "TransportError", kind: "permanent" })
    }).pipe(Effect.provide(failing("permanent", Deferred.makeUnsafe<void>()))))

  const failing = (kind: "temporary" | "permanent", up: Deferred.Deferred<void>) =>
    ports({
      transport: (inner) => ({
        capabilities: Effect.suspend(() =>
          Deferred.isDoneUnsafe(up)
            ? inner.capabilities
            : Effect.fail(
              new TransportError({ engine: "toy", operation: "read its settings", kind, detail: "the broker is down" })
            )
        )
      })
    })
})

describe("a capability that an engine lacks", () => {
  const able: Transport.Capabilities = { ...memory, engine: "toy" }
  const Texts = Topic.make("texts", { schema: Schema.String })
  const base = Pipeline.from(Texts, { consumer: "c" }).settings

  it.prop(
    "is refused where the pipeline needs it, and nothing else is",
    {
      order: Schema.Literals(["none", "group", "lane"]),
      fence: Schema.Literals(["token", "inbox"]),
      hold: Schema.Literals(["inPlace", "timed"]),
      keyOrder: Schema.Literals(["key", "none"]),
      delivery: Schema.Literals(["effectivelyOnce", "atLeastOnce", "atMostOnce"]),
      parks: Schema.Boolean,
      attempts: Schema.Literals([1, 30, 900]),
      discards: Schema.UndefinedOr(Schema.Literals([1, 6, 7, 100, 1000])),
      maxCrashes: Schema.Literals([2, 3, 10])
    },
    ({ attempts, delivery, discards, fence, hold, keyOrder, maxCrashes, order, parks }) => {
      const refused = refuse(
        { ...able, order, fence, hold, discardsAfter: Option.fromUndefinedOr(discards) },
        {
          settings: {
            ...base,
            delivery,
            keyOrder,
            order: parks ? "park" : "continue",
            retry: Retry.exponential("1 second", { attempts })
          }
        },
        { leaseMillis: 30_000, maxCrashes }
      )
      const needsOrder = keyOrder === "key"
      const expected = (needsOrder && order === "none")
        || (needsOrder && fence === "inbox" && delivery === "atLeastOnce")
        || (hold !== "inPlace" && parks)
        || (discards !== undefined && (order !== "none" || hold !== "inPlace" || discards <= maxCrashes * 2))
      assert.strictEqual(refused !== undefined, expected)
      if (refused !== undefined) assert.strictEqual(refused.engine, "toy")
    }
  )
})
