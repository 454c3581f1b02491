/**
 * Tests a pipeline in virtual time. The test uses the same pipeline value as production. A test publishes, lets time
 * pass, and reads what was committed, retried, held, emitted or dead-lettered. A test can also make steps, transactions
 * and the process fail.
 *
 * The test chooses the engine by a layer. `Memory.layer` gives virtual time, and `Embedded.layer()`
 * (`millrace/embedded`) runs steps with SQL. Services are swapped by layers as in any Effect test. Share one
 * `Embedded.layer` among tests, since each start of PGlite takes seconds. Its option `loadDataDir` makes it faster.
 *
 * To test two pipelines together, nest the runs: `TestPipeline.run(a, (t) => TestPipeline.run(b, (u) => ...))`. Then
 * `t` belongs to the worker of `a`, and `u` to the worker of `b`. No test framework is needed. In virtual time the same
 * seed gives the same order of events.
 *
 * ```ts
 * import { Effect, Layer, Schema, Context } from "effect"
 * import { Memory, Pipeline, Retry, Topic } from "millrace"
 * import { TestPipeline } from "millrace/testing"
 *
 * const Payments = Topic.make("payments", {
 *   schema: Schema.Struct({ id: Schema.String, account: Schema.String, cents: Schema.Int }),
 *   key: (payment) => payment.account,
 *   id: (payment) => payment.id
 * })
 * const Receipts = Topic.make("receipts", { schema: Schema.Struct({ cents: Schema.Int }) })
 * class Declined extends Schema.TaggedError<Declined>()("Declined", {}) {}
 * class Bank extends Context.Service<Bank, {
 *   readonly convert: (cents: number) => Effect.Effect<number, Declined>
 * }>()("Bank") {}
 *
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(
 *   Pipeline.mapEffect((payment) => Bank.use((bank) => bank.convert(payment.cents))),
 *   Pipeline.emit(Receipts, (cents) => ({ cents })),
 *   Pipeline.retry(Retry.exponential("100 millis", { jitter: false }))
 * )
 * const TestBank = Layer.succeed(Bank, { convert: (cents) => Effect.succeed(cents * 2) })
 *
 * // In vitest: it.effect("a declined payment is tried again", () => declined)
 * // In node:test: test("a declined payment is tried again", () => Effect.runPromise(declined))
 * const declined = TestPipeline.run(ledger, (test) =>
 *   Effect.gen(function*() {
 *     yield* test.inject({ id: "p1" }, TestPipeline.fail(new Declined()))
 *     yield* test.publish(Payments, { id: "p1", account: "a", cents: 5 })
 *     yield* test.advance("5 minutes")
 *     yield* test.publish(Payments, { id: "p2", account: "a", cents: 7 })
 *     yield* test.drain()
 *     return { committed: test.committed, receipts: yield* test.emitted(Receipts), p1: test.life("p1") }
 *   })
 * ).pipe(Effect.provide([TestBank, Memory.layer]))
 *
 * const { committed, receipts, p1 } = await Effect.runPromise(declined)
 * committed // => [ 'p1', 'p2' ]
 * receipts // => [ { cents: 10 }, { cents: 14 } ]
 * p1.slice(0, 59) // => "published at 0 ms, attempt 1 failed Declined at 0 ms, retry"
 * ```
 *
 * **Where memory differs from Postgres**
 *
 * - On memory a transaction has one message. So a test cannot show a deadlock, or other effects of messages that share
 *   a transaction.
 * - On memory only state in `TxRef`s rolls back. A fake that keeps its rows in a `Ref` or a `Map` behaves like an
 *   external system: a failed commit step does not undo them.
 * - Memory has no SQL. A pipeline with `commitSql`, or with a service that needs `SqlClient`, does not compile on
 *   `Memory.layer`. Provide `Embedded.layer()` instead. The database of `Embedded.layer()` has a clock of its own, so
 *   time is real there. `advance` waits, leases default to 1 second, and retries should be short.
 * - On every engine, ids of `id: "random"` are new in every run. Publish with `{ id }` where an assertion names an id.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { What } from "./Injection.ts"

export { crashEverywhere, type CrashOptions, type Survived } from "./CrashEverywhere.ts"
export type { What, Where } from "./Injection.ts"
export { CrashDiverged, NeverStruck, NoSuchStep, NotDrained, NothingToCrash } from "./KitErrors.ts"
export type { Entry } from "./Tape.ts"
export { type Options, run, type Test } from "./TestRun.ts"
export { around } from "./WorkerLife.ts"

/**
 * Lets the step fail with this error of the pipeline.
 *
 * @since 0.1.0
 */
export const fail = <E>(error: E): What<E> => ({ _tag: "Fail", error })

/**
 * Lets the step end in a defect, an exception outside of its error type.
 *
 * @since 0.1.0
 */
export const die = (defect: unknown): What => ({ _tag: "Die", defect })

/**
 * The step never returns, until `Pipeline.timeout` (before the transaction) or `Pipeline.commitTimeout` (inside of it)
 * ends it.
 *
 * @since 0.1.0
 */
export const stall: What = { _tag: "Stall" }

/**
 * Lets the step take this much longer.
 *
 * @since 0.1.0
 */
export const delay = (duration: Duration.Input): What => ({ _tag: "Delay", duration })

/**
 * The process dies at the step, before the step runs. Another process starts at once, and takes the messages over when
 * the lease has expired (30 seconds unless the options say otherwise). A message is struck once. With `attempt:
 * "every"` it is struck each time it comes to the step, until it is a dead letter `crashed`.
 *
 * @since 0.1.0
 */
export const crash: What = { _tag: "Crash" }

/**
 * Lets the transaction meet a conflict with another one, this many times (default 1). It runs again, and no attempt is
 * counted. After 10 conflicts the attempt fails with `TransientFailure`.
 *
 * @since 0.1.0
 */
export const transientFailure = (times = 1): What => ({ _tag: "TransientFailure", times })

/**
 * COMMIT succeeds, but its answer does not come. The worker does not know the outcome, and finds it out by running the
 * transaction again.
 *
 * @since 0.1.0
 */
export const lostAnswer: What = { _tag: "LostAnswer" }

/**
 * COMMIT is sent and has no effect, and no answer comes. For the worker this looks the same as {@link lostAnswer}.
 *
 * @since 0.1.0
 */
export const lostCommit: What = { _tag: "LostCommit" }
