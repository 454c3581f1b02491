/**
 * Runs one pipeline under test: starts the worker again after each crash, lets time pass, and gives the test its
 * functions. The public page is `TestPipeline.ts`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import type { Reason } from "../DeadLetter.ts"
import type {
  DeadLetterConflict,
  DeadLetterNotFound,
  DecodeFailed,
  EncodeFailed,
  InvalidMessage,
  InvalidName,
  StoreFailure
} from "../Errors.ts"
import * as Health from "../Health.ts"
import type * as Pipeline from "../Pipeline.ts"
import { Store } from "../Store.ts"
import * as Topic from "../Topic.ts"
import { Transport } from "../Transport.ts"
import * as CrashIsolation from "../worker/lease/CrashIsolation.ts"
import type { WorkerOptions } from "../worker/start/Settings.ts"
import * as Worker from "../worker/Worker.ts"
import * as HookedPorts from "./HookedPorts.ts"
import { ofTransaction, stepOf, type What, type Where } from "./Injection.ts"
import { NeverStruck, NoSuchStep, NotDrained } from "./KitErrors.ts"
import { decide, seen } from "./SeenStore.ts"
import { deadIn, delayedIn, type Entry, lifeLine, lifeLines, Tape } from "./Tape.ts"
import * as TapeHooks from "./TapeHooks.ts"
import { inTime, realTime, type Time, virtualTime } from "./TestTime.ts"
import { type Stage, watch, WorkerLife } from "./WorkerLife.ts"

/**
 * The options of a test: the worker's options, and a seed.
 *
 * @since 0.1.0
 */
export interface Options extends Omit<WorkerOptions, "grace" | "name"> {
  /**
   * The seed of `Random`, which randomises retry delays. In virtual time the same seed gives the same run. Default 1.
   */
  readonly seed?: string | number | undefined
  /**
   * Whether the worker and the pipeline log to the loggers of the context. Default false, since `story` shows what
   * happened.
   */
  readonly logs?: boolean | undefined
}

type Refused = InvalidName | InvalidMessage | EncodeFailed | StoreFailure

/**
 * Lets a test act on its pipeline and see the results. Times are milliseconds since the test began.
 *
 * @since 0.1.0
 */
export interface Test<in E = never> {
  /**
   * Publishes a value now and returns its id. The worker processes the message when the test calls `runReady`,
   * `advance` or `drain`.
   */
  readonly publish: <Name extends string, S extends Schema.Constraint>(
    topic: Topic.Topic<Name, S>,
    value: S["Type"],
    options?: Topic.PublishOptions
  ) => Effect.Effect<string, Refused, S["EncodingServices"]>
  /** Publishes many values, in order, all or none. */
  readonly publishAll: <Name extends string, S extends Schema.Constraint>(
    topic: Topic.Topic<Name, S>,
    values: Iterable<S["Type"]>
  ) => Effect.Effect<ReadonlyArray<string>, Refused, S["EncodingServices"]>
  /**
   * Lets the worker process everything that it can without time passing. Where time is real, this takes 10 seconds at
   * most.
   */
  readonly runReady: Effect.Effect<void, Worker.WorkerError>
  /**
   * Lets this much time pass, with everything that happens in it. An idle worker polls each virtual second, so many
   * days take long. For days, set longer `idlePoll`, `statsEvery` and `lease`.
   */
  readonly advance: (duration: Duration.Input) => Effect.Effect<void, Worker.WorkerError>
  /**
   * Lets time pass until every message is committed or dead, also messages that other code published. `drain` does not
   * wait for messages behind a parked dead letter. Nor does it wait for delayed messages that are not due: use
   * `advance` for these.
   *
   * After the time `within` it fails with `NotDrained`, which shows the lives of the messages. The default is 1 hour,
   * or 30 seconds where time is real.
   */
  readonly drain: (within?: Duration.Input) => Effect.Effect<void, NotDrained | Worker.WorkerError>
  /**
   * Injects a failure from now on. `TestPipeline.fail` and the constructors beside it make failures. If a failure has
   * struck no message when the scenario has succeeded, the test fails (`NeverStruck`).
   */
  readonly inject: (where: Where, what: What<E>) => Effect.Effect<void, NoSuchStep>
  /** Makes the process die now, and another one start, as `TestPipeline.crash` does. */
  readonly crash: Effect.Effect<void>
  /** Redrives the dead letter of this message, as an operator would. */
  readonly redrive: (id: string) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>
  /**
   * Discards the dead letter of this message, as an operator would. The messages behind a parked dead letter continue.
   */
  readonly discard: (id: string) => Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict>

  /** The ids of committed messages, in the order of their commits. */
  readonly committed: ReadonlyArray<string>
  /** The messages that are dead letters now, in the order of their deaths. `tag` is the tag of the last error. */
  readonly dead: ReadonlyArray<{ readonly id: string; readonly reason: Reason; readonly tag: string }>
  /** The keys that are held now, and until when. `parked` means until an operator decides. */
  readonly held: ReadonlyArray<{ readonly key: string; readonly until: number | "parked" }>
  /**
   * Returns the messages that commits published to a topic, decoded, in order. Delayed messages are in {@link
   * Test.delayed} instead. Messages that a step published before the transaction are in neither list.
   */
  readonly emitted: <Name extends string, S extends Schema.Constraint>(
    topic: Topic.Topic<Name, S>
  ) => Effect.Effect<ReadonlyArray<S["Type"]>, DecodeFailed, S["DecodingServices"]>
  /**
   * Returns the messages that wait to be published to a topic, decoded, in the order of their due times. They were
   * published with `delay` or `at`, by commits or by the test. Cancelled and replaced messages are not among them.
   */
  readonly delayed: <Name extends string, S extends Schema.Constraint>(
    topic: Topic.Topic<Name, S>
  ) => Effect.Effect<
    ReadonlyArray<{
      readonly id: string
      readonly value: S["Type"]
      readonly due: number
      readonly name: string | undefined
    }>,
    DecodeFailed,
    S["DecodingServices"]
  >
  /** Returns when the attempts of a message began. */
  readonly attempts: (id: string) => ReadonlyArray<number>
  /**
   * Returns the life of a message as a sentence: `published at 0 ms, attempt 1 failed Declined at 12 ms, retry at 112
   * ms, committed at 112 ms`.
   */
  readonly life: (id: string) => string
  /** The lives of all messages, one on each line. Use it as the message of an assertion. */
  readonly story: string
  /** Everything that happened, in order. */
  readonly entries: ReadonlyArray<Entry>
}

/**
 * Runs a scenario against a pipeline and its worker. The worker runs from before the scenario's first step until after
 * its last. The worker counts as alone in its process, even if other runs exist beside it. So a message that crashes
 * this worker stops no other run. A `Health` layer that the scenario builds knows only this worker.
 *
 * The run uses the ambient `TestClock` (as `it.effect` provides), or a `TestClock` of its own. It fails as the worker
 * does if the worker cannot start, and with `NeverStruck` if an injected failure struck no message.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Memory, Pipeline, Topic } from "millrace"
 * import { TestPipeline } from "millrace/testing"
 *
 * const Numbers = Topic.make("numbers", { schema: Schema.Int, id: (n) => String(n) })
 * const pipeline = Pipeline.from(Numbers, { consumer: "even" }).pipe(
 *   Pipeline.mapEffect((n) => n % 2 === 0 ? Effect.succeed(n) : Effect.fail({ retryable: false }))
 * )
 * const odd = TestPipeline.run(pipeline, (test) =>
 *   Effect.gen(function*() {
 *     yield* test.publishAll(Numbers, [1, 2, 3])
 *     yield* test.drain()
 *     return [test.committed, test.dead.map((deadLetter) => deadLetter.id)]
 *   }))
 * await Effect.runPromise(Effect.provide(odd, Memory.layer)) // => [ [ '2' ], [ '1', '3' ] ]
 * ```
 *
 * @since 0.1.0
 */
export const run = <A, E, R, P extends Pipeline.Phase, B, E2, R2>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  scenario: (test: Test<E>) => Effect.Effect<B, E2, R2>,
  options?: Options
): Effect.Effect<B, E2 | NeverStruck | Worker.WorkerError, R | Exclude<R2, Scope.Scope> | Store | Transport> =>
  Effect.map(stagedRun(pipeline, scenario, options ?? {}, undefined), ({ result }) => result)

/**
 * Runs a scenario as {@link run} does, with a process that dies at one point. Also returns the points that the scenario
 * passed.
 */
export const stagedRun = <A, E, R, P extends Pipeline.Phase, B, E2, R2>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  scenario: (test: Test<E>) => Effect.Effect<B, E2, R2>,
  options: Options,
  crashAt: number | undefined
): Effect.Effect<
  { readonly result: B; readonly points: ReadonlyArray<string>; readonly test: Test<E> },
  E2 | NeverStruck | Worker.WorkerError,
  R | Exclude<R2, Scope.Scope> | Store | Transport
> =>
  Effect.flatMap(Store, (inner) => {
    const live = inner.engine !== "memory"
    const staged = Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const stage: Stage = {
        tape: new Tape(pipeline.topics.map((topic) => topic.name), () => clock.currentTimeMillisUnsafe()),
        consumer: pipeline.consumer,
        steps: pipeline.steps,
        injections: [],
        points: [],
        emitters: new Map(),
        crashAt
      }
      const time = live ? realTime(stage, inner) : virtualTime(stage.tape)
      const lives = yield* startLives(pipeline, stage, time, { ...(live ? { lease: "1 second" } : {}), ...options })
      const test = makeTest<E>(stage, time, lives, inner)
      yield* test.runReady
      const result = yield* Effect.provideService(scenario(test), Store, seen(stage, inner))
      // In a run with a crash, an injected failure may strike no message. So only a run without a crash is checked.
      if (crashAt === undefined) yield* allStruck(stage)
      return { result, points: stage.points.slice(), test }
    })
    const alone = Effect.provideService(Effect.scoped(staged), Health.Workers, new Set())
    return Random.withSeed(inTime(alone, live), String(options.seed ?? 1))
  })

/** The processes of the worker, one after the other. */
interface Lives {
  readonly crash: Effect.Effect<void>
  /** Fails if the worker has stopped by itself. */
  readonly check: Effect.Effect<void, Worker.WorkerError>
}

const startLives = Effect.fnUntraced(function*<A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  stage: Stage,
  time: Time,
  options: Options
): Effect.fn.Return<Lives, never, R | Store | Transport | Scope.Scope> {
  const store = yield* Store
  const transport = yield* Transport
  const { logs = false, ...workerOptions } = options
  const loggers = logs ? [...yield* Logger.CurrentLoggers] : []
  const loggersOf = (life: WorkerLife) => new Set(loggers.map((logger) => whileAlive(life, logger)))
  const abandoned: Array<Scope.Closeable> = []
  const fibers: Array<Fiber.Fiber<never, Worker.WorkerError>> = []
  let current: WorkerLife | undefined
  let stopped: Exit.Exit<never, Worker.WorkerError> | undefined

  const life = Effect.suspend(() => {
    const life = current = new WorkerLife(stage)
    const watched = watch(life, pipeline as Pipeline.Pipeline<unknown, unknown, unknown>) as typeof pipeline
    const hooks = TapeHooks.hooks(life, store, abandoned)
    const worker = Worker.run(watched, { ...workerOptions, name: "test", grace: 0 }).pipe(
      Effect.provideService(Logger.CurrentLoggers, loggersOf(life)),
      Effect.provideService(CrashIsolation.Process, new CrashIsolation.ProcessWorkers()),
      Effect.provideService(Store, HookedPorts.store(store, hooks)),
      Effect.provideService(Transport, HookedPorts.transport(transport, hooks))
    )
    return Effect.flatMap(Effect.forkDetach(worker), (fiber) => {
      life.fiber = fiber
      fibers.push(fiber)
      fiber.addObserver((exit) => {
        if (!life.dead) stopped = exit
      })
      return Deferred.await(life.death)
    })
  })

  // The worker must end with its test. Its remaining work ends by timeouts, so time has to pass.
  yield* Effect.addFinalizer((exit) => {
    stage.tape.close()
    for (const fiber of fibers) fiber.interruptUnsafe()
    let steps = 0
    return Effect.whileLoop({
      while: () => fibers.some((fiber) => fiber.pollUnsafe() === undefined) && steps++ < 3000,
      body: () => Effect.andThen(time.runReadyWithin(0), time.pass(time.step(0))),
      step: () => {}
    }).pipe(Effect.andThen(Effect.forEach(abandoned, (scope) => Scope.close(scope, exit), { discard: true })))
  })
  yield* Effect.forkScoped(Effect.forever(life), { startImmediately: true })
  return {
    crash: Effect.sync(() => current?.end("by the test")),
    check: Effect.suspend(() => stopped ?? Effect.void)
  }
})

/**
 * Returns a logger that drops the lines of a worker that has died or was ended by its test. The test caused those
 * failures on purpose.
 */
const whileAlive = (life: WorkerLife, logger: Logger.Logger<unknown, unknown>): Logger.Logger<unknown, unknown> =>
  Logger.make((line) => life.dead || life.stage.tape.isClosed ? undefined : logger.log(line))

const makeTest = <E>(stage: Stage, time: Time, lives: Lives, store: Store["Service"]): Test<E> => {
  const { tape } = stage
  const runReadyWithin = (most: number) => Effect.andThen(time.runReadyWithin(most), lives.check)
  const runReady = runReadyWithin(10_000)
  const published = seen(stage, store)
  return {
    publish: (topic, value, options) => Effect.provideService(Topic.publish(topic, value, options), Store, published),
    publishAll: (topic, values) => Effect.provideService(Topic.publishAll(topic, values), Store, published),
    runReady,
    advance: (duration) =>
      runReady.pipe(
        Effect.andThen(time.pass(Duration.toMillis(Duration.fromInputUnsafe(duration)))),
        Effect.andThen(runReady)
      ),
    drain: (within = time.patience) =>
      drain(tape, time, runReadyWithin, Duration.toMillis(Duration.fromInputUnsafe(within))),
    inject: (where, what) =>
      Effect.suspend(() => {
        if (!ofTransaction(what) && stepOf(stage.steps, where.step) === undefined) return noSuchStep(stage, where)
        stage.injections.push({ where, what, struck: new Map() })
        return Effect.void
      }),
    crash: lives.crash,
    redrive: (id) => decide(stage, store, id, "redrive"),
    discard: (id) => decide(stage, store, id, "discard"),
    get committed() {
      return tape.entries.flatMap((entry) => entry._tag === "Committed" ? [entry.id] : [])
    },
    get dead() {
      return deadIn(tape.entries).map(({ id, reason, tag }) => ({ id, reason, tag }))
    },
    get held() {
      return tape.paused
    },
    emitted: emittedOn(tape),
    delayed: delayedOn(tape),
    attempts: (id) => tape.entries.flatMap((entry) => entry._tag === "Started" && entry.id === id ? [entry.at] : []),
    life: (id) => lifeLine(tape.entries, id),
    get story() {
      return lifeLines(tape.entries)
    },
    entries: tape.entries
  }
}

const emittedOn = (tape: Tape): Test["emitted"] => (topic) =>
  Effect.suspend(() =>
    Effect.forEach(
      tape.entries.flatMap((entry) =>
        entry._tag === "Emitted" && entry.message.topic === topic.name ? [entry.message] : []
      ),
      (message) => topic.decode(message)
    )
  )

const delayedOn = (tape: Tape): Test["delayed"] => (topic) =>
  Effect.suspend(() =>
    Effect.forEach(
      delayedIn(tape.entries).filter(({ due, message }) => due > tape.now && message.topic === topic.name),
      ({ due, message, name }) => Effect.map(topic.decode(message), (value) => ({ id: message.id, value, due, name }))
    )
  )

const allStruck = ({ injections, tape }: Stage): Effect.Effect<void, NeverStruck> => {
  const missed = injections.filter(({ struck }) => struck.size === 0)
  if (missed.length === 0) return Effect.void
  return Effect.fail(
    new NeverStruck({
      injections: missed.map(({ what, where }) => `${what._tag} at ${JSON.stringify(where)}`),
      story: lifeLines(tape.entries)
    })
  )
}

const noSuchStep = (stage: Stage, where: Where): Effect.Effect<never, NoSuchStep> => {
  const steps = stage.steps.flatMap((step, i) => stepOf(stage.steps, i + 1) === i ? [`${i + 1} (${step._tag})`] : [])
  return Effect.fail(new NoSuchStep({ step: String(where.step ?? ""), steps }))
}

const drain = (
  tape: Tape,
  time: Time,
  runReadyWithin: (most: number) => Effect.Effect<void, Worker.WorkerError>,
  within: number
): Effect.Effect<void, NotDrained | Worker.WorkerError> =>
  Effect.gen(function*() {
    const until = tape.now + within
    let still = 0
    while (true) {
      yield* runReadyWithin(until - tape.now)
      // Before the worker has started, the store perhaps does not know the consumer. So a failure only ends the wait
      // when the time is over.
      const unread = tape.waiting.length > 0 ? Result.succeed(0) : yield* Effect.result(time.unread)
      const { waiting } = tape
      if (waiting.length === 0 && Result.isSuccess(unread) && unread.success === 0) return
      if (tape.now >= until) {
        return yield* new NotDrained({
          waiting,
          unread: yield* Effect.fromResult(unread),
          millis: within,
          story: lifeLines(tape.entries)
        })
      }
      const before = tape.entries.length
      const step = tape.nextDue === undefined ? time.step(still) : tape.nextDue - tape.now
      yield* time.pass(Math.max(1, Math.min(step, until - tape.now)))
      still = tape.entries.length === before ? still + 1 : 0
    }
  })
