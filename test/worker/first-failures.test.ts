// A handler that fails is seen in the log, the outcomes and the dead letters, from its first failure on.
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema, Stream } from "effect"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { Memory, Pipeline, Retry, Topic, Worker } from "millrace"
import { logging } from "../ops/collectors.ts"
import { deadLetters, Declined, drain, order, Orders, orders, publish, Receipts, runReadyFibers } from "./support.ts"

const slowly = Pipeline.retry(Retry.exponential("10 seconds", { attempts: 3, jitter: false }))
const once = Pipeline.retry(Retry.never)

const refusing = Pipeline.from(Orders, { consumer: "books" }).pipe(
  Pipeline.map((one) => one),
  Pipeline.tap(({ account }) => Effect.fail(new Declined({ reason: account === "b" ? "other" : "no" }))),
  slowly
)

/** The pipelines of one test have different types, and need nothing. */
type Refusing = Pipeline.Pipeline<unknown, never, never, "steps">

/** Runs it with what is logged. Returns the lines about messages that are held. */
const held = <A, E, R>(run: (lines: () => ReadonlyArray<string>) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const { layer, lines } = logging()
    const of = () => lines.filter(({ message }) => message.includes("is held for a retry"))
    return Effect.as(run(() => of().map(({ message }) => message)), of).pipe(
      Effect.provide(Layer.merge(Memory.layer, layer))
    )
  })

describe("a handler that fails", () => {
  it.effect("is in the log when a message is first held: its error, its step and its next attempt", () =>
    Effect.gen(function*() {
      const lines = yield* held(() =>
        Effect.gen(function*() {
          yield* publish(Orders, [order("a", 1)])
          yield* drain(refusing)
          // The second attempt holds the message again, and adds no line.
          yield* TestClock.adjust("2 minutes")
          yield* drain(refusing)
        })
      )
      assert.deepStrictEqual(lines().map(({ fields, message }) => ({ fields, message })), [{
        message: "Attempt 1 failed, and the message is held for a retry in 10s: Declined: declined: no (step 2, tap). "
          + "Nothing of it was committed. The next messages of its key wait.",
        fields: { consumer: "books", topic: "orders", id: "a1", key: "a", attempt: 1 }
      }])
    }))

  it.effect("is in the log where it fails with nothing, and where the message has no key", () =>
    Effect.gen(function*() {
      const Loose = Topic.make("loose", { schema: Schema.String, id: (text) => text })
      const lines = yield* held(() =>
        Effect.gen(function*() {
          yield* publish(Loose, ["one"])
          yield* drain(
            Pipeline.from(Loose, { consumer: "books" }).pipe(Pipeline.mapEffect(() => Effect.fail(undefined)), slowly)
          )
        })
      )
      assert.deepStrictEqual(lines().map(({ message }) => message), [
        "Attempt 1 failed, and the message is held for a retry in 10s: undefined (step 1, mapEffect). "
        + "Nothing of it was committed."
      ])
    }))

  it.effect("is in the log once a minute for each tag of its errors, with the number of lines that were left out", () =>
    held((lines) =>
      Effect.gen(function*() {
        yield* publish(Orders, Array.from({ length: 30 }, (_, i) => order(`a${i}`, 1)))
        yield* drain(refusing)
        assert.lengthOf(lines(), 1)
        yield* TestClock.adjust("61 seconds")
        yield* publish(Orders, [order("later", 1)])
        // The worker of this drain is another one, so it begins with a line of its own.
        yield* drain(refusing)
        assert.lengthOf(lines(), 2)
        const running = yield* Effect.forkChild(Worker.run(refusing, { grace: 0 }), { startImmediately: true })
        yield* publish(Orders, orders("x", 1))
        yield* runReadyFibers
        yield* publish(Orders, [...orders("y", 1), ...orders("z", 1)])
        yield* Effect.andThen(TestClock.adjust("2 seconds"), runReadyFibers)
        assert.lengthOf(lines(), 3)
        yield* TestClock.adjust("61 seconds")
        yield* publish(Orders, orders("w", 1))
        yield* Effect.andThen(TestClock.adjust("2 seconds"), runReadyFibers)
        assert.lengthOf(lines(), 4)
        assert.match(
          lines()[3]!,
          / Since the last such line, 2 more messages were first held for errors of this tag\.$/
        )
        running.interruptUnsafe()
        yield* TestClock.adjust("30 seconds")
      })
    ))

  it.effect("is not logged where the tags of its errors are made of data, beyond a number of them", () =>
    held((lines) =>
      Effect.gen(function*() {
        const tagged = Pipeline.from(Orders, { consumer: "books" }).pipe(
          Pipeline.tap(({ id }) => Effect.fail({ _tag: `Tag-${id}` })),
          slowly
        )
        yield* publish(Orders, Array.from({ length: 60 }, (_, i) => order(`a${i}`, 1)))
        yield* drain(tagged)
        assert.lengthOf(lines(), 51)
      })
    ))

  it.effect("gives its error to the outcome of a message that is held, until a whole millisecond", () =>
    Effect.gen(function*() {
      const jittered = Pipeline.from(Orders, { consumer: "books" }).pipe(
        Pipeline.tap(() => Effect.fail(new Declined({ reason: "no" }))),
        Pipeline.retry(Retry.exponential("10 seconds", { attempts: 3, factor: 1.37 }))
      )
      yield* publish(Orders, Array.from({ length: 5 }, (_, i) => order(`a${i}`, 1)))
      const outcomes = yield* Stream.runCollect(Stream.take(Worker.stream(jittered, { grace: 0 }), 5))
      for (const outcome of outcomes) {
        assert(outcome._tag === "Held")
        assert.deepStrictEqual(outcome.error, new Declined({ reason: "no" }))
        assert.isTrue(Number.isInteger(outcome.until), String(outcome.until))
      }
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("is named in the dead letter by its step and its position in the pipeline", () => {
    const no = () => Effect.fail(new Declined({ reason: "no" }))
    const thrown = (): never => {
      throw new Error("no")
    }
    const from = Pipeline.from(Orders, { consumer: "books" })
    const pipelines = [
      ["tap 1", from.pipe(Pipeline.tap(no))],
      ["mapEffect 2", from.pipe(Pipeline.map((one) => one), Pipeline.mapEffect(no), Pipeline.map((one) => one))],
      ["map 1", from.pipe(Pipeline.map(thrown))],
      ["filter 2", from.pipe(Pipeline.map((one) => one), Pipeline.filter(thrown))],
      ["commit 2", from.pipe(Pipeline.tap(() => Effect.void), Pipeline.commit(no))],
      ["commit 1", from.pipe(Pipeline.commit(no))],
      ["map 2", from.pipe(Pipeline.commit(() => Effect.succeed(1)), Pipeline.map(thrown))],
      ["emit 2", from.pipe(Pipeline.commit(() => Effect.succeed(1)), Pipeline.emit(Receipts, thrown))],
      ["emit 1", from.pipe(Pipeline.emit(Receipts, thrown))],
      ["commitBatch 1", from.pipe(Pipeline.commitBatch(no))],
      ["mapEffect 1", from.pipe(Pipeline.mapEffect(() => Effect.never), Pipeline.timeout("1 second"))]
    ] as const
    return Effect.gen(function*() {
      for (const [expected, pipeline] of pipelines) {
        const [deadLetter] = yield* Effect.provide(
          Effect.gen(function*() {
            yield* publish(Orders, [order("a", 1)])
            yield* drain((pipeline as unknown as Refusing).pipe(once))
            return yield* deadLetters("books")
          }),
          Memory.layer,
          { local: true }
        )
        const failedStep = deadLetter!.attempts.at(-1)!.failedStep
        assert.strictEqual(`${failedStep?.name} ${failedStep?.position}`, expected)
      }
    })
  })

  it.effect("has no step in the dead letter where none failed: a payload that does not decode", () =>
    Effect.gen(function*() {
      const Wide = Topic.make("orders", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
      yield* publish(Wide, [{ id: "x" }])
      yield* drain(Pipeline.from(Orders, { consumer: "books" }))
      const [deadLetter] = yield* deadLetters("books")
      assert.strictEqual(deadLetter!.reason, "undecodable")
      assert.notProperty(deadLetter!.attempts[0], "failedStep")
    }).pipe(Effect.provide(Memory.layer)))

  it.effect("that returns nothing where an effect is expected is in the log with what it returned", () =>
    Effect.gen(function*() {
      const lines = yield* held(() =>
        Effect.gen(function*() {
          yield* publish(Orders, [order("a", 1)])
          yield* drain(
            Pipeline.from(Orders, { consumer: "books" }).pipe(
              Pipeline.tap((() => undefined) as unknown as () => Effect.Effect<void>),
              slowly
            )
          )
        })
      )
      assert.match(
        lines()[0]!.message,
        /: Defect: WrongReturn: The function of Pipeline\.tap returned nothing, where an Effect is expected\..* \(step 1, tap\)\./
      )
    }))
})

describe("SQL on an engine without SQL", () => {
  const sql = Pipeline.from(Orders, { consumer: "books" }).pipe(
    Pipeline.commitSql(({ id }, sql) => sql`insert into t values (${id})`)
  )

  it.effect("is refused before the worker starts, with what to use instead", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Worker.drain(sql) as Effect.Effect<void, Worker.WorkerError, never>)
      assert.strictEqual(error._tag, "Unsupported")
      assert.strictEqual(
        error.message,
        "memory cannot do what was asked (Pipeline.commitSql): there is no SqlClient around the worker. Nothing was "
          + "started. Instead: use Embedded.layer, which is Postgres inside of the process, or a service of yours in "
          + "Pipeline.commit."
      )
    }).pipe(Effect.provide(Memory.layer as Layer.Layer<any>)))

  it.effect("is named in the failure of a handler that asks for it", () =>
    Effect.gen(function*() {
      yield* publish(Orders, [order("a", 1)])
      const asking = Pipeline.from(Orders, { consumer: "books" }).pipe(
        Pipeline.commit(() => Effect.flatMap(SqlClient.SqlClient, (sql) => sql`select 1`)),
        once
      )
      yield* drain(asking as unknown as Refusing)
      const [deadLetter] = yield* deadLetters("books")
      assert.include(
        deadLetter!.attempts[0]!.message,
        "Service not found: effect/sql/SqlClient (memory has no SQL, so use Embedded.layer or Postgres.layer, "
      )
    }).pipe(Effect.provide(Memory.layer)))
})
