// When a failed message is tried again.
import { assert, describe, it } from "@effect/vitest"
import { Duration, Effect, Pull, Random, Schedule, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { type Delivery, Retry } from "millrace"

const failure = (attempt: number, error: unknown = null, at = 0): Delivery.Failure => ({
  attempt,
  at,
  tag: "Failed",
  error,
  message: "",
  stack: "",
  step: "steps",
  frame: "",
  worker: "w",
  codeVersion: ""
})
/** Chance that always falls so. */
const diceOf = (dice: number): typeof Random.Random["Service"] => ({
  nextDoubleUnsafe: () => dice,
  nextIntUnsafe: () => Math.floor(dice * 2 ** 31)
})
const failures = (count: number) => Array.from({ length: count }, (_, i) => failure(i + 1))

/** The delays in milliseconds after the first, second, ... failure, until the schedule ends or `most` are known. */
const delays = Effect.fnUntraced(function*(policy: Retry.Policy<never>, most = 12) {
  const found: Array<number> = []
  while (found.length < most) {
    const delay = yield* Retry.replay(policy, failures(found.length), null, 0)
    if (delay === undefined) break
    found.push(Duration.toMillis(delay))
  }
  return found
})

describe("the delay between attempts", () => {
  it.effect("grows exponentially, and the attempts are counted with the first one", () =>
    Effect.gen(function*() {
      const policy = Retry.exponential("100 millis", { attempts: 5, jitter: false })
      assert.deepStrictEqual(yield* delays(policy), [100, 200, 400, 800])
    }))

  it.effect("is that of an object of its settings, with the defaults of the exponential policy", () =>
    Effect.gen(function*() {
      const exact = Effect.provideService(Random.Random, diceOf(0.5))
      const settings = { attempts: 5, base: "1 second", cap: "3 seconds" } as const
      assert.deepStrictEqual(yield* exact(delays(Retry.policy(settings))), [1000, 2000, 3000, 3000])
      assert.deepStrictEqual(yield* exact(delays(Retry.policy({ attempts: 3 }))), [100, 200])
      assert.deepStrictEqual(yield* exact(delays(Retry.policy({}), 30)), yield* exact(delays(Retry.standard, 30)))
      const tripled = Retry.policy({ attempts: 4, base: "1 second", factor: 3, jitter: false })
      assert.deepStrictEqual(yield* delays(tripled), [1000, 3000, 9000])
      assert.strictEqual(Retry.policy(Retry.never), Retry.never)
    }))

  it.effect("grows by the factor that was asked for", () =>
    Effect.gen(function*() {
      const policy = Retry.exponential("1 second", { factor: 3, attempts: 4, jitter: false })
      assert.deepStrictEqual(yield* delays(policy), [1000, 3000, 9000])
      const constant = Retry.exponential("1 second", { factor: 1, attempts: 4, jitter: false })
      assert.deepStrictEqual(yield* delays(constant), [1000, 1000, 1000])
    }))

  it.effect("is never longer than the cap", () =>
    Effect.gen(function*() {
      const policy = Retry.exponential("10 seconds", { cap: "25 seconds", attempts: 6, jitter: false })
      assert.deepStrictEqual(yield* delays(policy), [10_000, 20_000, 25_000, 25_000, 25_000])
      const standard = yield* delays(Retry.exponential("1 second", { attempts: 12, jitter: false }))
      assert.strictEqual(Math.max(...standard), 60_000)
    }))

  it.effect("differs by at most 20 % from message to message", () =>
    Effect.gen(function*() {
      const seen = new Set<number>()
      for (let i = 0; i < 200; i++) {
        const [first, second] = yield* delays(Retry.exponential("100 millis", { attempts: 3 }))
        seen.add(first!)
        assert.isTrue(first! >= 80 && first! <= 120, `${first}`)
        assert.isTrue(second! >= 160 && second! <= 240, `${second}`)
      }
      assert.isAbove(seen.size, 50)
    }))

  it.effect("is from 100 ms to a minute in 30 attempts unless a pipeline says otherwise", () =>
    Effect.gen(function*() {
      const found = yield* delays(Retry.standard, 40)
      assert.lengthOf(found, 29)
      found.forEach((delay, i) =>
        assert.isTrue(Math.abs(delay / Math.min(60_000, 100 * 2 ** i) - 1) <= 0.2001, `${delay}`)
      )
    }))

  it.effect("is so long by default that an outage of a quarter of an hour ends before, for every jitter", () =>
    Effect.gen(function*() {
      for (const [dice, least] of [[0, 16.5 * 60_000], [0.9999, 24.8 * 60_000]] as const) {
        const total = (yield* delays(Retry.standard, 40).pipe(
          Effect.provideService(Random.Random, diceOf(dice))
        )).reduce((sum, delay) => sum + delay, 0)
        assert.isAbove(total, least)
        assert.isBelow(total, 25 * 60_000)
      }
    }))

  it.effect("does not exist where every failure is final, or where one attempt is all", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* delays(Retry.never), [])
      assert.deepStrictEqual(yield* delays(Retry.exponential("1 second", { attempts: 1 })), [])
    }))
})

type Failed = { readonly _tag: "Throttled"; readonly seconds: number } | { readonly _tag: "Broken" }
const branching = Schedule.recurs(10).pipe(
  Schedule.setInputType<Failed>(),
  Schedule.while(({ input }) => Effect.succeed(input._tag === "Throttled")),
  Schedule.addDelay(() => Effect.succeed("1 second"))
)

describe("a policy that reads the error", () => {
  it.effect("decides by the typed error of the newest failure", () =>
    Effect.gen(function*() {
      const after = (error: Failed) => Retry.replay(branching as Retry.Policy<never>, failures(0), error, 0)
      assert.isUndefined(yield* after({ _tag: "Broken" }))
      assert.isDefined(yield* after({ _tag: "Throttled", seconds: 3 }))
    }))

  it.effect("meets the recorded errors again, as JSON kept them", () =>
    Effect.gen(function*() {
      const inputs: Array<unknown> = []
      const spy = Schedule.recurs(10).pipe(
        Schedule.setInputType<unknown>(),
        Schedule.while(({ input }) => Effect.sync(() => inputs.push(input) > 0))
      )
      const recorded = [failure(1, { _tag: "Throttled", seconds: 1 }), failure(2, { _tag: "Throttled", seconds: 2 })]
      const newest = new Error("newest")
      yield* Retry.replay(spy as Retry.Policy<never>, recorded, newest, 0)
      assert.deepStrictEqual(inputs, [...recorded.map((one) => one.error), newest])
    }))
})

/** Delays of one schedule that lives on between its failures, as if nothing ever restarted. */
const uninterrupted = Effect.fnUntraced(function*(policy: Retry.Policy<unknown>, times: ReadonlyArray<number>) {
  const step = yield* Schedule.toStep(policy)
  const found: Array<number | undefined> = []
  for (const at of times) {
    const next = yield* Pull.catchDone(step(at, null), () => Effect.succeed(undefined))
    found.push(next === undefined ? undefined : Duration.toMillis(next[1]))
    if (next === undefined) break
  }
  return found
})

it.effect.prop(
  "a schedule replayed over recorded failures continues as if its worker had never been restarted",
  {
    base: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000 })),
    attempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 })),
    kind: Schema.Literals(["exponential", "fibonacci", "spaced", "bounded in time"]),
    gaps: Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))), {
      minLength: 1,
      maxLength: 14
    })
  },
  ({ attempts, base, gaps, kind }) =>
    Effect.gen(function*() {
      const policy: Retry.Policy<unknown> = kind === "exponential"
        ? Retry.exponential(base, { attempts, jitter: false, cap: "20 seconds" })
        : kind === "fibonacci"
        ? Schedule.max([Schedule.fibonacci(base), Schedule.recurs(attempts)])
        : kind === "spaced"
        ? Schedule.max([Schedule.spaced(base), Schedule.recurs(attempts)])
        : Schedule.spaced(base).pipe(Schedule.upTo({ duration: "2 minutes" }))
      let now = 1_700_000_000_000
      const times = gaps.map((gap) => now += gap)
      const expected = yield* uninterrupted(policy, times)
      for (let n = 0; n < expected.length; n++) {
        const recorded = times.slice(0, n).map((at, i) => failure(i + 1, null, at))
        const delay = yield* Retry.replay(policy, recorded, null, times[n]!)
        assert.strictEqual(delay === undefined ? undefined : Duration.toMillis(delay), expected[n])
      }
    }),
  { arbitrary: { runs: 200 } }
)

describe("an error's own say", () => {
  it("is final only where it says so", () => {
    assert.isTrue(Retry.isFinal({ retryable: false }))
    for (const error of [{ retryable: true }, { retryable: 0 }, {}, null, undefined, "retryable", new Error("x")]) {
      assert.isFalse(Retry.isFinal(error))
    }
  })

  it.each([
    [{ retryAfter: 1500 }, 1500],
    [{ retryAfter: "30 seconds" }, 30_000],
    [{ retryAfter: Duration.minutes(2) }, 120_000],
    [{ retryAfter: 0 }, 0]
  ])("in %j asks for a delay of %d ms", (error, expected) => {
    assert.strictEqual(Duration.toMillis(Retry.retryAfter(error)!), expected)
  })

  it("that makes no sense is not heard", () => {
    for (const retryAfter of ["soon", "", null, undefined, NaN, Infinity, {}, [], true, "Infinity"]) {
      assert.isUndefined(Retry.retryAfter({ retryAfter }), JSON.stringify(retryAfter))
    }
    for (const error of [null, undefined, 1, "30 seconds", {}]) assert.isUndefined(Retry.retryAfter(error))
  })

  it.prop("is read from anything without failing", [Schema.Unknown], ([value]) => {
    Retry.isFinal(value)
    const after = Retry.retryAfter({ retryAfter: value })
    assert.isTrue(after === undefined || Duration.toMillis(after) >= 0)
  })
})
