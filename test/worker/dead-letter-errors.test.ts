// A dead letter keeps the errors: the typed error where the pipeline has a Schema for it, tag, message and JSON always.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Option, Schedule, Schema, SchemaGetter } from "effect"
import { TestClock } from "effect/testing"
import { DeadLetter, DeadLetters, Memory, MessageId, Pipeline, Retry, Topic } from "millrace"
import { deadLetters, Declined, drain, order, Orders, publish } from "./support.ts"

/** JSON alone would make texts of its date and of its number. */
class Late extends Schema.TaggedError<Late>()("Late", { since: Schema.Date, tries: Schema.BigInt }) {}
const Errors = Schema.Union([Late, Declined])
const late = new Late({ since: new Date(1_700_000_000_000), tries: 3n })

const failing = (error: Late | Declined) =>
  Pipeline.from(Orders, { consumer: "ledger" }).pipe(
    Pipeline.tap(() => Effect.fail(error)),
    Pipeline.retry(Retry.exponential("2 seconds", { attempts: 2, jitter: false }))
  )

const deadLettered = Effect.fnUntraced(function*() {
  const [deadLetter] = yield* deadLetters("ledger")
  return (yield* Effect.orDie(DeadLetters.get(deadLetter!.id))).attempts
})

/** A Schema that cannot encode what it claims to. */
const cannot = (encode: Effect.Effect<never>) =>
  Schema.String.pipe(
    Schema.decodeTo(Schema.Unknown, {
      decode: SchemaGetter.passthrough({ strict: false }),
      encode: SchemaGetter.transformEffect(() => encode)
    })
  )

describe("the errors of a dead letter", () => {
  it.effect("decode back to the typed errors of each attempt, across restarts", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      const pipeline = failing(late).pipe(Pipeline.deadLetter({ order: "continue", errors: Errors }))
      // The first attempt is written down with the message; another run of the worker makes the second one.
      yield* drain(pipeline)
      yield* TestClock.adjust("3 seconds")
      yield* drain(pipeline)
      const attempts = yield* deadLettered()
      assert.lengthOf(attempts, 2)
      for (const attempt of attempts) {
        const error = yield* DeadLetter.decodeError(attempt, Errors)
        assert.isTrue(Option.isSome(error) && error.value instanceof Late)
        assert.deepInclude(Option.getOrThrow(error), { since: late.since, tries: 3n })
        assert.deepInclude(attempt, { tag: "Late", step: "steps", encoded: true })
        assert.deepInclude(attempt.error, { _tag: "Late", since: "2023-11-14T22:13:20.000Z", tries: "3" })
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("keep tag, message and JSON without a Schema", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(failing(new Declined({ reason: "limit" })).pipe(Pipeline.retry(Retry.never)))
      const [attempt] = yield* deadLettered()
      assert.deepInclude(attempt, { tag: "Declined", message: "declined: limit" })
      assert.deepInclude(attempt!.error, { _tag: "Declined", reason: "limit" })
      assert.isUndefined(attempt!.encoded)
      assert.isTrue(Option.isNone(yield* DeadLetter.decodeError(attempt!, Errors)))
    }).pipe(Effect.provide(Memory.layer)))

  it.effect.each([
    { what: "refuses", schema: Schema.Literal("something else") as Schema.Codec<unknown> },
    { what: "throws", schema: cannot(Effect.die(new Error("boom"))) },
    { what: "never ends", schema: cannot(Effect.never) },
    {
      what: "writes too much",
      schema: cannot(Effect.succeed("x".repeat(10_000)) as unknown as Effect.Effect<never>)
    }
  ])("do not lose the message when the Schema $what: tag and message are kept", ({ schema }) =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      const pipeline = failing(new Declined({ reason: "limit" })).pipe(
        Pipeline.retry(Retry.never),
        Pipeline.deadLetter({ order: "continue", errors: schema as typeof Schema.Unknown })
      )
      yield* drain(pipeline)
      const [attempt, ...more] = yield* deadLettered()
      assert.deepInclude(attempt, { tag: "Declined", message: "declined: limit" })
      assert.isUndefined(attempt!.encoded)
      assert.lengthOf(more, 0)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("leave failures of the runtime as they are, for any Schema", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        Pipeline.from(Orders, { consumer: "ledger" }).pipe(
          Pipeline.tap(() => Effect.die(new Error("boom"))),
          Pipeline.retry(Retry.never),
          Pipeline.deadLetter({ order: "continue", errors: Schema.Struct({ _tag: Schema.String }) })
        )
      )
      const [attempt] = yield* deadLettered()
      assert.deepInclude(attempt, { tag: "Defect" })
      assert.isUndefined(attempt!.encoded)
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that another Schema cannot read say so", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      yield* drain(
        failing(late).pipe(Pipeline.retry(Retry.never), Pipeline.deadLetter({ order: "continue", errors: Errors }))
      )
      const error = yield* Effect.flip(
        DeadLetter.decodeError((yield* deadLettered())[0]!, Schema.Struct({ other: Schema.Int }))
      )
      assert.strictEqual(error._tag, "SchemaError")
    }).pipe(Effect.provide(Memory.layer)))
})

describe("a retry schedule, after a restart", () => {
  it.effect("reads the typed errors of the attempts before it", () =>
    Effect.gen(function*() {
      const read: Array<unknown> = []
      const policy = Schedule.max([Schedule.spaced("2 seconds"), Schedule.recurs(2)]).pipe(
        Schedule.setInputType<unknown>(),
        Schedule.while(({ input }) => Effect.sync(() => read.push(input) > 0))
      )
      const pipeline = failing(late).pipe(
        Pipeline.retry(policy),
        Pipeline.deadLetter({ order: "continue", errors: Errors })
      )
      yield* publish(Orders, [order("a", 1)])
      yield* drain(pipeline)
      read.length = 0
      yield* TestClock.adjust("3 seconds")
      yield* drain(pipeline)
      assert.isAtLeast(read.length, 2)
      assert.isTrue(read.every((error) => error instanceof Late && error.since.getTime() === late.since.getTime()))
    }).pipe(Effect.provide(Memory.layer)))
})

describe("emitted messages", () => {
  const Receipts = Topic.make("receipts", { schema: Schema.Struct({ of: Schema.String, n: Schema.Int }) })
  const Audits = Topic.make("audits", { schema: Schema.String, id: "random" })

  it.effect("of several emits, to any topics, are numbered through, have own ids where asked, and the same in every run", () =>
    Effect.gen(function*() {
      const runs: Array<Array<string>> = []
      const ids = Pipeline.fromAll([Receipts, Audits], { consumer: "auditor" }).pipe(
        Pipeline.map((_, { message }) => {
          runs.at(-1)!.push(message.id)
        })
      )
      const emitting = (consumer: string, attempts: { n: number }) =>
        Pipeline.from(Orders, { consumer }).pipe(
          Pipeline.emitAll(Receipts, (one) => [{ of: one.id, n: 1 }, { of: one.id, n: 2 }]),
          Pipeline.emit(Audits, (one) => one.id),
          Pipeline.emitAll(Receipts, (one) => [{ of: one.id, n: 3 }, { of: one.id, n: 4 }], {
            id: (out, one, { attempt }) => `${one.account}/${out.n}/${attempt > 0}`
          }),
          Pipeline.emit(Audits, (one) => `${one.id}!`),
          Pipeline.commit(() => attempts.n++ === 0 ? Effect.fail("once") : Effect.void),
          Pipeline.retry(Retry.exponential("10 millis", { attempts: 3 }))
        )
      yield* publish(Orders, [order("a", 1)])
      runs.push([])
      yield* drain(ids)
      yield* drain(emitting("ledger", { n: 0 }))
      yield* drain(ids)
      assert.deepStrictEqual(
        runs[0]!.toSorted(),
        [...[0, 1, 2, 5].map((n) => MessageId.ofEmit("ledger", "a1", n)), "a/3/true", "a/4/true"].toSorted()
      )
    }).pipe(Effect.provide(Memory.layer)))
})
