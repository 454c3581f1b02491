// The worker's pure decisions: sizes, settings, refusals, what a failure becomes, and what of it is written down.
import { assert, describe, it } from "@effect/vitest"
import { Cause, Duration, Effect, Schedule, Schema } from "effect"
import * as Arbitrary from "effect/Arbitrary"
import { TestClock } from "effect/testing"
import { type Delivery, Errors, Pipeline, Retry, Topic, Worker } from "millrace"
import * as FailureRecord from "../../src/worker/attempt/FailureRecord.ts"
import * as RetryDecision from "../../src/worker/attempt/RetryDecision.ts"
import * as CommitTries from "../../src/worker/commit/CommitTries.ts"
import * as Settings from "../../src/worker/start/Settings.ts"
import { Declined } from "./support.ts"

const whole = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("the size of a group", () => {
  it.prop(
    "stays between one and its maximum, halves after a conflict, and grows back in the end",
    { most: whole(1, 1_000), events: Arbitrary.array(Arbitrary.schema(Schema.Boolean), { maxLength: 60 }) },
    ({ events, most }) => {
      let size = CommitTries.sizeUpTo(most)
      for (const conflict of events) {
        const before = size.current
        size = conflict ? CommitTries.afterConflict(size) : CommitTries.afterSuccess(size)
        assert.isTrue(size.current >= 1 && size.current <= most && Number.isInteger(size.current))
        if (conflict) assert.strictEqual(size.current, Math.max(1, Math.floor(before / 2)))
        else assert.isTrue(size.current > before || before === most)
      }
      for (let i = 0; i < 100 && size.current < most; i++) size = CommitTries.afterSuccess(size)
      assert.strictEqual(size.current, most)
    }
  )
})

const Texts = Topic.make("texts", { schema: Schema.String })
const settings = (change: Partial<Pipeline.Settings>): Pipeline.Settings => ({
  ...Pipeline.from(Texts, { consumer: "c" }).settings,
  ...change
})
const failure = (attempt: number): Delivery.Failure =>
  FailureRecord.make({ attempt, at: 0, error: "x", step: "steps", worker: "w", codeVersion: "" })

describe("after a failed attempt", () => {
  it.effect.prop(
    "the message is rejected, given up, waits here or is held, by its error, its policy and the length of the delay",
    {
      retryable: Schema.UndefinedOr(Schema.Boolean),
      refused: Schema.Boolean,
      recorded: whole(0, 6),
      attempts: whole(1, 6),
      base: whole(1, 5_000),
      retryAfter: Schema.UndefinedOr(Schema.Literals([1, 900, 60_000])),
      holdAfter: Schema.Literals([0, 500, 1_000, 10_000])
    },
    ({ attempts, base, holdAfter, recorded, refused, retryAfter, retryable }) =>
      Effect.gen(function*() {
        const decision = yield* RetryDecision.decide({
          settings: settings({
            retry: Retry.exponential(base, { attempts, factor: 1, jitter: false }) as Retry.Policy<never>,
            retryWhile: refused ? () => false : undefined
          }),
          holdAfterMillis: holdAfter,
          recorded: Array.from({ length: recorded }, (_, i) => failure(i + 1)),
          error: { retryable, retryAfter },
          now: 0
        })
        const delay = retryAfter ?? base
        if (retryable === false || refused) assert.deepStrictEqual(decision, { _tag: "DeadLetter", reason: "rejected" })
        else if (recorded + 1 >= attempts) assert.deepStrictEqual(decision, { _tag: "DeadLetter", reason: "exhausted" })
        else {
          assert.strictEqual(decision._tag, delay <= holdAfter ? "Wait" : "Hold")
          if (decision._tag !== "DeadLetter") assert.strictEqual(Duration.toMillis(decision.delay), delay)
        }
      }),
    { arbitrary: { runs: 400 } }
  )

  it.effect("a rule that throws does not lose the message", () =>
    Effect.gen(function*() {
      const decide = (change: Partial<Pipeline.Settings>) =>
        Effect.exit(
          RetryDecision.decide({ settings: settings(change), holdAfterMillis: 0, recorded: [], error: 1, now: 0 })
        )
      const thrown = () => {
        throw new Error("in the rule")
      }
      const failing = Schedule.recurs(3).pipe(Schedule.while(thrown)) as Retry.Policy<never>
      for (const change of [{ retryWhile: thrown }, { retry: failing }]) {
        const exit = yield* decide(change)
        assert.strictEqual(exit._tag, "Success")
      }
    }))

  it.effect("a rule that returns a promise leaves the decision to the schedule, and its rejection ends no process", () =>
    Effect.gen(function*() {
      const retryWhile = (() => Promise.reject(new Error("late"))) as unknown as () => boolean
      const { _tag } = yield* RetryDecision.decide({
        settings: settings({ retryWhile }),
        holdAfterMillis: 60_000,
        recorded: [],
        error: 1,
        now: 0
      })
      assert.strictEqual(_tag, "Wait")
      yield* TestClock.withLive(Effect.sleep(1))
    }))
})

const record = (error: unknown) =>
  FailureRecord.make({ attempt: 1, at: 7, error, step: "steps", worker: "w", codeVersion: "v" })

describe("the record of a failed attempt", () => {
  it("keeps tag, message and fields of a typed error, and who failed where", () => {
    assert.deepInclude(record(new Declined({ reason: "no funds" })), {
      attempt: 1,
      at: 7,
      tag: "Declined",
      message: "declined: no funds",
      error: { _tag: "Declined", reason: "no funds", message: "declined: no funds" },
      step: "steps",
      worker: "w",
      codeVersion: "v"
    })
  })

  it("keeps plain errors, texts, numbers and nothing at all", () => {
    assert.deepInclude(record(new TypeError("x is no function")), { tag: "TypeError", message: "x is no function" })
    assert.deepInclude(record("plain"), { tag: "string", message: "plain", error: "plain", stack: "", frame: "" })
    for (const odd of [undefined, null, 42, Symbol("s"), () => 1, NaN]) {
      const kept = record(odd)
      assert.isAtLeast(kept.tag.length, 1)
      assert.doesNotThrow(() => JSON.parse(JSON.stringify(kept)))
    }
  })

  it("keeps a cause, and big numbers as text", () => {
    const kept = record(new Error("outer", { cause: new Error("inner") }))
    assert.include(kept.stack, "Caused by: Error: inner")
    assert.deepStrictEqual(record({ amount: 12345678901234567890n }).error, { amount: "12345678901234567890" })
  })

  it("is bounded and plain JSON, even for errors that are cyclic, huge, hostile or deep", () => {
    const cyclic: Record<string, unknown> = { _tag: "Cyclic" }
    cyclic["self"] = cyclic
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i++) deep = { deep }
    const hostile = Object.defineProperty(new Error("hostile"), "field", {
      enumerable: true,
      get() {
        throw new Error("getter")
      }
    })
    const long = new Error("m".repeat(100_000))
    long.stack = "s".repeat(100_000)
    const likeFrames = new Error("one line\nat " + "s".repeat(100_000))
    const huge = Object.assign(new Error("huge"), { rows: Array.from({ length: 10_000 }, (_, i) => ({ i })) })
    for (
      const error of [cyclic, deep, hostile, long, likeFrames, huge, { toJSON: () => deep }, {
        toJSON: () => undefined
      }]
    ) {
      const kept = record(error)
      const text = JSON.stringify(kept)
      assert.isAtMost(text.length, 16_384)
      assert.isAtLeast(kept.tag.length, 1)
      assert.deepStrictEqual(JSON.parse(text), kept)
    }
    assert.strictEqual(record(cyclic).tag, "Cyclic")
  })

  it.prop("is bounded for any error", [Schema.Unknown], ([error]) => {
    assert.isAtMost(JSON.stringify(record(error)).length, 16_384)
  })

  it("prefers a typed failure to a defect, and knows an interruption", () => {
    const both = Cause.combine(Cause.die("bug"), Cause.fail("typed"))
    assert.strictEqual(FailureRecord.errorOf(both), "typed")
    const defect = FailureRecord.errorOf(Cause.die(new RangeError("too far")))
    assert.instanceOf(defect, Errors.Defect)
    assert.include((defect as Errors.Defect).message, "RangeError: too far")
    assert.include((defect as Errors.Defect).stack, "decisions.test.ts")
    assert.include((FailureRecord.errorOf(Cause.interrupt(1)) as Errors.Defect).message, "interrupted")
  })

  it("names the first frame of the user's own code", () => {
    const error = new Error("x")
    error.stack = [
      "Error: x",
      "    at inner (/app/node_modules/effect/dist/Effect.js:1:2)",
      "    at node:internal/process/task_queues:105:5",
      "    at Ledger.post (file:///app/src/ledger.ts:88:13)",
      "    at handler (/app/src/main.ts:9:1)"
    ].join("\n")
    assert.strictEqual(record(error).frame, "Ledger.post ledger.ts")
    error.stack = "Error: x\n    at async post (/app/src/ledger.ts:88:13)"
    assert.strictEqual(record(error).frame, "post ledger.ts")
    error.stack = "Error: x\n    at async file:///app/src/ledger.ts:88:13"
    assert.strictEqual(record(error).frame, "ledger.ts")
    error.stack = "Error: x\n    at C:\\app\\src\\ledger.ts:88:13"
    assert.strictEqual(record(error).frame, "ledger.ts")
    error.stack = "Error: x"
    assert.strictEqual(record(error).frame, "")
    // A message of many lines, as SQL has them, stands above the frames.
    const sql = new Error("select 1\n".repeat(100))
    sql.stack = `Error: ${sql.message}\n    at Ledger.post (/app/src/ledger.ts:88:13)`
    assert.strictEqual(record(sql).frame, "Ledger.post ledger.ts")
  })

  it("looks for the frame in time that does not grow with what the error says", () => {
    for (const piece of ["\n", " ", "at (", "    at a (b:1:1)\n", "::"]) {
      const error = new Error(piece.repeat(1_048_576 / piece.length))
      // The best of a few: others use the machine, too.
      const times = Array.from({ length: 5 }, () => {
        const started = performance.now()
        record(error)
        return performance.now() - started
      })
      assert.isBelow(Math.min(...times), 50, JSON.stringify(piece))
    }
  })
})

describe("settings", () => {
  it("have the documented defaults", () => {
    assert.deepStrictEqual(Settings.resolve({}, "me", false), {
      tracing: "link",
      spanAttributes: [],
      statsEveryMillis: 10_000,
      concurrency: 256,
      prefetch: 512,
      prefetchPerKey: 32,
      prefetchBytes: 32 * 1024 * 1024,
      leaseMillis: 30_000,
      graceMillis: 25_000,
      idlePollMillis: 1_000,
      holdAfterMillis: 1_000,
      maxCrashes: 3,
      lanes: 64,
      committers: 4,
      unknownTopicHoldMillis: 30_000,
      name: "me",
      codeVersion: "",
      batches: false
    })
    assert.strictEqual((Settings.resolve({}, "me", true) as Settings.Settings).prefetch, 4_096)
    assert.deepInclude(Worker.defaults, { concurrency: 256, lease: "30 seconds", lanes: 64 })
  })

  it.prop(
    "are taken as they are where they make sense, and refused by name where they do not",
    { concurrency: whole(-5, 200), prefetch: whole(-5, 400), lanes: whole(-5, 1100), committers: whole(-5, 70) },
    (options) => {
      const resolved = Settings.resolve(options, "me", false)
      const within = (value: number, least: number, most: number) => value >= least && value <= most
      const bad = [
        ["concurrency", !within(options.concurrency, 1, 100_000)],
        ["prefetch", !within(options.prefetch, options.concurrency, 1_000_000)],
        ["lanes", !within(options.lanes, 1, 1024)],
        ["committers", !within(options.committers, 1, 64)]
      ].filter(([, isBad]) => isBad).map(([name]) => name)
      if (bad.length === 0) assert.deepInclude(resolved, options)
      else assert.include(bad, (resolved as Errors.InvalidSetting).setting)
    }
  )
})
