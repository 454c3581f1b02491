// Untyped times, durations and numbers: an invalid one is refused by its name, and never means "at once".
import { assert, describe, it } from "@effect/vitest"
import { DateTime, type Duration, Effect, Layer, Redacted, Schema } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetters, Errors, Health, Inbox, Lease, Memory, Pipeline, Retry, Topic, Worker } from "millrace"
import { Postgres } from "millrace/postgres"
import { runInNewContext } from "node:vm"
import { Journal, order, Orders } from "../worker/support.ts"

/** Durations with mistakes from JSON, a form or a keyboard. None of them may be taken for zero. */
const noDurations: ReadonlyArray<readonly [shown: string, given: unknown]> = [
  ["\"soon\"", "soon"],
  ["\"2030-01-01\"", "2030-01-01"],
  ["\"5\"", "5"],
  ["\"\"", ""],
  ["{}", {}],
  ["{\"minute\":5}", { minute: 5 }],
  ["{\"minutes\":\"5\"}", { minutes: "5" }],
  ["{\"minutes\":5,\"second\":1}", { minutes: 5, second: 1 }],
  ["{\"minutes\":null}", { minutes: Number.NaN }],
  ["\"1970-01-01T00:00:00.000Z\"", new Date(0)],
  ["[]", []],
  ["[null,0]", [Number.NaN, 0]],
  ["NaN", Number.NaN],
  ["true", true],
  ["Symbol(soon)", Symbol("soon")],
  ["() => 5", () => 5]
]
/** Of a setting, null means that it is not given; of a message's time it is a mistake. */
const noTimes: ReadonlyArray<readonly [shown: string, given: unknown]> = [...noDurations, ["null", null]]
const cyclic: Record<string, unknown> = {}
cyclic["self"] = cyclic
const hostile: ReadonlyArray<unknown> = [
  cyclic,
  { minutes: 5n },
  new Proxy({}, {
    ownKeys: () => {
      throw new Error("hostile")
    }
  })
]
const asDuration = (given: unknown) => given as Duration.Input

const recorder = () => {
  const seen = new Journal<(typeof Orders)["schema"]["Type"]>()
  return { seen, pipeline: Pipeline.from(Orders, { consumer: "recorder" }).pipe(Pipeline.tap(seen.write)) }
}

describe("a message's time or delay that is none", () => {
  it.effect("is refused by its name, and nothing is published", () =>
    Effect.gen(function*() {
      for (const given of [...noTimes.map(([, given]) => given), ...hostile]) {
        for (const field of ["at", "delay"] as const) {
          // A date is no delay, and a time.
          if (field === "at" && given instanceof Date) continue
          const error = yield* Effect.flip(Topic.publish(Orders, order("a", 1), { [field]: given }))
          assert.instanceOf(error, Errors.InvalidMessage)
          assert.strictEqual(error.field, field)
        }
      }
      const { pipeline, seen } = recorder()
      yield* TestClock.adjust("36525 days")
      yield* Worker.drain(pipeline)
      assert.deepStrictEqual(seen.values, [])
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("says what a text is read with", () =>
    Effect.gen(function*() {
      const at = "2030-01-01" as unknown as Date
      const error = yield* Effect.flip(Topic.publishAll(Orders, [order("a", 1)], { at }))
      assert.include(error.message, "its at is not a time. Nothing was published.")
      assert.include(error.message, "new Date(text)")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is none of these: a Date of another realm, a zoned DateTime, a part of a minute", () =>
    Effect.gen(function*() {
      const { pipeline, seen } = recorder()
      yield* Topic.publish(Orders, order("a", 1), { at: runInNewContext("new Date(1000)") as Date })
      yield* Topic.publish(Orders, order("a", 2), { at: DateTime.makeZonedUnsafe(2000, { timeZone: "Europe/Rome" }) })
      yield* Topic.publish(Orders, order("a", 3), { delay: { minutes: 0.05 } })
      yield* Topic.publish(Orders, order("a", 4), { delay: [3, 500_000_000] })
      for (const [millis, due] of [[999, 0], [1, 1], [1000, 2], [1000, 3], [500, 4]] as const) {
        yield* TestClock.adjust(millis)
        yield* Worker.drain(pipeline)
        assert.strictEqual(seen.size, due)
      }
    }).pipe(Effect.provide(Memory.layer)))
})

const refused = <A, R>(asked: string, effect: Effect.Effect<A, unknown, R>, got?: string) =>
  Effect.map(Effect.flip(effect), (error) => {
    assert.instanceOf(error, Errors.InvalidSetting, asked)
    assert.strictEqual(error.setting, asked)
    if (got !== undefined) assert.strictEqual(error.got, got)
  })

describe("a setting that is no duration", () => {
  const places: Readonly<Record<string, (given: Duration.Input) => Effect.Effect<unknown, unknown>>> = {
    lease: (lease) => Effect.provide(Worker.drain(recorder().pipeline, { lease }), Memory.layer),
    grace: (grace) => Effect.provide(Worker.drain(recorder().pipeline, { grace }), Memory.layer),
    idlePoll: (idlePoll) => Effect.provide(Worker.drain(recorder().pipeline, { idlePoll }), Memory.layer),
    holdAfter: (holdAfter) => Effect.provide(Worker.drain(recorder().pipeline, { holdAfter }), Memory.layer),
    unknownTopicHold: (unknownTopicHold) =>
      Effect.provide(Worker.drain(recorder().pipeline, { unknownTopicHold }), Memory.layer),
    statsEvery: (statsEvery) => Effect.provide(Worker.drain(recorder().pipeline, { statsEvery }), Memory.layer),
    timeout: (timeout) =>
      Effect.provide(Worker.drain(recorder().pipeline.pipe(Pipeline.timeout(timeout))), Memory.layer),
    commitTimeout: (timeout) =>
      Effect.provide(Worker.drain(recorder().pipeline.pipe(Pipeline.commitTimeout(timeout))), Memory.layer),
    "retry base": (base) =>
      Effect.provide(Worker.drain(recorder().pipeline.pipe(Pipeline.retry(Retry.exponential(base)))), Memory.layer),
    "retry cap": (cap) =>
      Effect.provide(
        Worker.drain(recorder().pipeline.pipe(Pipeline.retry(Retry.exponential(1, { cap })))),
        Memory.layer
      ),
    "retry base of an object": (base) =>
      Effect.provide(Worker.drain(recorder().pipeline.pipe(Pipeline.retry({ base }))), Memory.layer),
    "retry cap of an object": (cap) =>
      Effect.provide(Worker.drain(recorder().pipeline.pipe(Pipeline.retry({ cap }))), Memory.layer),
    duration: (duration) => Effect.provide(Lease.use("l", () => Effect.void, { duration }), Memory.layer),
    wait: (wait) => Effect.provide(Lease.use("l", () => Effect.void, { wait }), Memory.layer),
    poll: (poll) => Effect.provide(Lease.use("l", () => Effect.void, { poll }), Memory.layer),
    maxLag: (maxLag) => Effect.provide(Health.Health, Layer.provide(Health.layer({ maxLag }), Memory.layer)),
    "retention.inbox": (inbox) => Effect.provide(Effect.void, Postgres.layer({ ...nowhere, retention: { inbox } })),
    acquireTimeout: (acquireTimeout) => Effect.provide(Effect.void, Postgres.layer({ ...nowhere, acquireTimeout }))
  }
  const nowhere = { url: Redacted.make("postgres://user@127.0.0.1:1/none") }
  for (const [setting, ask] of Object.entries(places)) {
    it.effect(`is refused by its name, and shown: ${setting}`, () =>
      Effect.gen(function*() {
        const named = setting.replace(" of an object", "")
        for (const [shown, given] of noDurations) yield* refused(named, ask(asDuration(given)), shown)
        for (const given of hostile) yield* refused(named, ask(asDuration(given)))
      }))
  }

  it.effect("is refused by the callers of the inbox, too, and their effect does not run", () =>
    Effect.gen(function*() {
      let ran = 0
      const key = { consumer: "api", id: "1" }
      const effect = Effect.sync(() => ++ran)
      for (const [shown, given] of noDurations) {
        const timeout = asDuration(given)
        yield* refused("timeout", Inbox.once(key, effect, { result: Schema.Int, timeout }), shown)
        yield* refused("timeout", Inbox.await(key, { timeout }), shown)
      }
      assert.strictEqual(ran, 0)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is refused for the answer to COMMIT, and is shown as text", () =>
    refused(
      "commitTimeout",
      Effect.provide(
        Effect.void,
        Postgres.layer({ url: Redacted.make("postgres://user@127.0.0.1:1/none"), commitTimeout: 0n })
      ),
      "0"
    ))
})

describe("a retry policy that is none", () => {
  const start = (policy: unknown, options?: object) =>
    Effect.provide(Worker.drain(recorder().pipeline.pipe(Pipeline.retry(policy as object, options))), Memory.layer)

  it.effect("is refused when the worker starts: no object, or an object of other settings", () =>
    Effect.gen(function*() {
      for (const [shown, given] of [["5", 5], ["\"1 second\"", "1 second"], ["null", null], ["undefined", undefined]]) {
        yield* refused("retry", start(given), shown as string)
      }
      yield* refused("retry", start({ attemps: 3 }), "{\"attemps\":3}")
      yield* refused("retry attempts", start({ attempts: "3" }), "\"3\"")
      for (const attempts of [0, -5, 2.5]) yield* refused("retry attempts", start({ attempts }), String(attempts))
    }))

  it.effect("is refused when the worker starts: a while that is async, or no function", () =>
    Effect.gen(function*() {
      yield* refused("retry while", start({ attempts: 3 }, { while: async () => false }))
      yield* refused("retry while", start(Retry.standard, { while: true }), "true")
    }))
})

describe("a number that is none", () => {
  it.effect("is refused by its name: a rate, a group, attempts, a factor, a concurrency", () =>
    Effect.gen(function*() {
      for (
        const [shown, given] of [["\"5\"", "5"], ["{}", {}], ["NaN", Number.NaN], ["Symbol(x)", Symbol("x")]] as const
      ) {
        const number = given as unknown as number
        const { pipeline } = recorder()
        yield* refused("rate", DeadLetters.redriveAll({}, { by: "ann", rate: number }), shown)
        yield* refused("group", Worker.drain(pipeline.pipe(Pipeline.group(number))), shown)
        const attempts = pipeline.pipe(Pipeline.retry(Retry.exponential(1, { attempts: number })))
        yield* refused("retry attempts", Worker.drain(attempts), shown)
        const factor = pipeline.pipe(Pipeline.retry(Retry.exponential(1, { factor: number })))
        yield* refused("retry factor", Worker.drain(factor), shown)
        yield* refused("concurrency", Worker.drain(pipeline, { concurrency: number }), shown)
      }
      yield* refused("holder", Lease.use("l", () => Effect.void, { holder: 5 as unknown as string }), "5")
    }).pipe(Effect.provide(Memory.layer)))
})
