// The record of failed attempts is stored with the message and comes with every delivery of it.
import { assert, describe, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Logger, Schedule, Schema } from "effect"
import { type Delivery, Memory, Pipeline, Retry } from "millrace"
import { defaults } from "../../src/internal/Step.ts"
import * as FailureRecord from "../../src/worker/attempt/FailureRecord.ts"
import * as RetryDecision from "../../src/worker/attempt/RetryDecision.ts"
import { deadLetters, drain, order, Orders, publish } from "./support.ts"

const minutes = 60_000

/** As large as a failure can be. */
const failure = (attempt: number) => {
  const error = Object.assign(new Error("m".repeat(3000)), { _tag: "Away", body: "b".repeat(7000) })
  error.stack = "s".repeat(6000)
  return FailureRecord.make({ attempt, at: attempt * minutes, error, step: "steps", worker: "w", codeVersion: "1" })
}

const recorded = (attempts: number) => {
  let failures: ReadonlyArray<Delivery.Failure> = []
  for (let attempt = 1; attempt <= attempts; attempt++) failures = FailureRecord.append(failures, failure(attempt))
  return failures
}

const decide = (policy: Retry.Policy<unknown>, failures: ReadonlyArray<Delivery.Failure>, error: unknown = "away") =>
  RetryDecision.decide({
    settings: { ...defaults, retry: policy },
    holdAfterMillis: 1000,
    recorded: failures,
    error,
    now: (failures.length + 1) * minutes
  })

describe("the failures of a message", () => {
  it("are kept whole while they are few", () => {
    const failures = recorded(40)
    assert.isTrue(failures.every(({ message, stack }) => message !== "" && stack !== ""))
  })

  it("stay small however many they are: the first and the newest whole, of the others their times and tags", () => {
    const failures = recorded(2000)
    assert.deepStrictEqual(
      failures.map(({ at, attempt, tag }) => [at, attempt, tag]),
      Array.from({ length: 2000 }, (_, i) => [(i + 1) * minutes, i + 1, "Away"])
    )
    const whole = failures.filter(({ stack }) => stack !== "").map(({ attempt }) => attempt)
    assert.deepStrictEqual(whole, [
      ...Array.from({ length: 10 }, (_, i) => i + 1),
      ...Array.from({ length: 30 }, (_, i) => 1971 + i)
    ])
    assert.isBelow(JSON.stringify(failures).length, 1_000_000)
    assert.isAbove(FailureRecord.weight(failures), 600_000)
  })

  it.effect("are replayed by a schedule that looks at the errors' tags as if all were whole", () =>
    Effect.gen(function*() {
      const whileAway = Schedule.spaced("1 minute").pipe(
        Schedule.setInputType<unknown>(),
        Schedule.while(({ input }) => Effect.succeed((input as { readonly _tag?: string })._tag === "Away"))
      )
      const decision = yield* decide(whileAway, recorded(500), { _tag: "Away" })
      assert.deepStrictEqual(decision, { _tag: "Hold", delay: Duration.minutes(1) })
    }))

  it.effect("end with the 10,000th attempt, for any schedule", () =>
    Effect.gen(function*() {
      const forever = Schedule.spaced("1 minute")
      const failures = Array.from({ length: Retry.mostAttempts - 1 }, (_, i) => ({ ...failure(1), attempt: i + 1 }))
      assert.strictEqual((yield* decide(forever, failures.slice(1)))._tag, "Hold")
      assert.deepStrictEqual(yield* decide(forever, failures), { _tag: "DeadLetter", reason: "exhausted" })
    }))

  it.effect("are followed by no longer a delay than a clock can add up to", () =>
    Effect.gen(function*() {
      const nanoseconds = { retryAfter: 1_700_000_000_000_000_000 }
      const decision = yield* decide(Retry.standard, [], nanoseconds)
      assert.deepStrictEqual(decision, { _tag: "Hold", delay: Duration.days(36_525) })
    }))
})

/** Its fields become its own, `message` among them. */
class Odd extends Data.Error<{ readonly message: unknown; readonly name?: unknown }> {}

const throwing = (names: ReadonlyArray<string>) => {
  const error = new Error("hostile")
  for (const name of names) {
    Object.defineProperty(error, name, {
      enumerable: true,
      get: () => {
        throw new Error(`the getter of ${name}`)
      }
    })
  }
  return error
}

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const odd: ReadonlyArray<{ readonly what: string; readonly error: () => unknown; readonly message: string }> = [
  { what: "no message at all", error: () => new Odd({ message: undefined }), message: "" },
  { what: "an object for a message", error: () => new Odd({ message: { code: 1 } }), message: "{\"code\":1}" },
  {
    what: "a symbol for a message",
    error: () => Object.assign(new Error("no"), { message: Symbol("s") }),
    message: "symbol"
  },
  { what: "a number for a name", error: () => new Odd({ message: "no", name: 7 }), message: "no" },
  {
    what: "getters that throw",
    error: () => throwing(["_tag", "name", "message", "stack", "cause", "reason", "retryable", "retryAfter", "toJSON"]),
    message: ""
  },
  { what: "a proxy that answers nothing", error: revoked, message: "The failure of this attempt cannot be read." }
]

describe("an error of 1 MiB", () => {
  const mebibyte = 1_048_576
  /** Texts on which a regular expression would backtrack, or a search would begin again at each place. */
  const bombs = [
    " ",
    "(",
    "at ",
    "\n",
    "\n    at a (",
    "at (at :1:1 ",
    ":1",
    "a:1:1)\n",
    "\n    at node_modules (x.ts:1:1)"
  ]

  it.each(bombs)("is recorded in a moment, with the frame behind it: %j", (part) => {
    const message = part.repeat(mebibyte / part.length)
    const error = Object.assign(new Error(message), { stack: `Error: ${message}\n    at post (/app/ledger.ts:88:13)` })
    const before = process.cpuUsage()
    const { frame } = FailureRecord.make({ attempt: 1, at: 1, error, step: "steps", worker: "w", codeVersion: "1" })
    const { system, user } = process.cpuUsage(before)
    assert.strictEqual(frame, "post ledger.ts")
    // It takes 1 to 10 milliseconds of the processor, where a quadratic search takes minutes.
    assert.isBelow(user + system, 500_000)
  })
})

describe("an error that is not as errors are", () => {
  it.effect.each(odd)(
    "is recorded, and retried by the schedule: $what",
    ({ error, message }) =>
      Effect.gen(function*() {
        const failed = error()
        const kept = FailureRecord.make({
          attempt: 3,
          at: 7,
          error: failed,
          step: "steps",
          worker: "w",
          codeVersion: ""
        })
        assert.deepInclude(kept, { attempt: 3, at: 7, step: "steps", message })
        assert.isAtLeast(kept.tag.length, 1)
        assert.deepStrictEqual(JSON.parse(JSON.stringify(kept)), kept)
        assert.isUndefined(yield* FailureRecord.encoder(Schema.Struct({ code: Schema.Int }))(failed))
        const decision = yield* decide(Retry.exponential("1 minute", { jitter: false }), [], failed)
        assert.deepStrictEqual(decision, { _tag: "Hold", delay: Duration.minutes(1) })
      })
  )

  it.effect.each(odd)("is a defect like others where it was thrown: $what", ({ error }) =>
    Effect.sync(() => {
      assert.deepInclude(FailureRecord.errorOf(Cause.die(error())), { _tag: "Defect" })
    }))

  it.effect.each(odd)(
    "ends the attempts of its message, which becomes a dead letter: $what",
    ({ error, message }) =>
      Effect.gen(function*() {
        yield* publish(Orders, [order("a", 1)])
        yield* drain(
          Pipeline.from(Orders, { consumer: "ledger" }).pipe(
            Pipeline.tap((): Effect.Effect<void, unknown> => Effect.fail(error())),
            Pipeline.retry(Retry.never)
          )
        )
        const dead = yield* deadLetters("ledger")
        assert.deepStrictEqual(dead.map(({ attempts }) => attempts.map((attempt) => attempt.message)), [[message]])
      }).pipe(Effect.provide(Memory.layer))
  )

  it.effect.each(odd)("is reported where its message is handled at most once: $what", ({ error }) => {
    const logged: Array<string> = []
    return Effect.gen(function*() {
      const failing = Pipeline.from(Orders, { consumer: "ledger", delivery: "atMostOnce" }).pipe(
        Pipeline.tap(() => Effect.fail(error()))
      )
      yield* drain(failing)
      yield* publish(Orders, [order("a", 1)])
      yield* drain(failing)
      assert.lengthOf(logged, 1)
      assert.include(logged[0], "handled at most once failed: ")
    }).pipe(Effect.provide([
      Memory.layer,
      Logger.layer([Logger.make(({ message }) => void logged.push(String(message)))])
    ]))
  })
})
