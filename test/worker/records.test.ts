// What is kept of failed attempts, which is stored with the message and goes along with every delivery of it.
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Schedule } from "effect"
import { type Delivery, Retry } from "millrace"
import { defaults } from "../../src/Operator.ts"
import * as FailureRecord from "../../src/worker/FailureRecord.ts"
import * as Settling from "../../src/worker/Settling.ts"

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
  Settling.decide({
    settings: { ...defaults, retry: policy },
    holdAfterMillis: 1000,
    recorded: failures,
    error,
    now: (failures.length + 1) * minutes
  })

describe("the failures of a message", () => {
  it("are kept whole as long as they are few", () => {
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

  it.effect("end with the 10,000th attempt, whatever the schedule says", () =>
    Effect.gen(function*() {
      const forever = Schedule.spaced("1 minute")
      const failures = Array.from({ length: Retry.mostAttempts - 1 }, (_, i) => ({ ...failure(1), attempt: i + 1 }))
      assert.strictEqual((yield* decide(forever, failures.slice(1)))._tag, "Hold")
      assert.deepStrictEqual(yield* decide(forever, failures), { _tag: "Bury", reason: "exhausted" })
    }))

  it.effect("are followed by no longer a delay than a clock can add up to", () =>
    Effect.gen(function*() {
      const nanoseconds = { retryAfter: 1_700_000_000_000_000_000 }
      const decision = yield* decide(Retry.standard, [], nanoseconds)
      assert.deepStrictEqual(decision, { _tag: "Hold", delay: Duration.days(36_525) })
    }))
})
