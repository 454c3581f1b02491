/**
 * Runs a pipeline while the process lives.
 *
 * ```text
 *            take               a run of turns                        one transaction a group
 * Transport ------> Fetcher --> flow --> Attempt: decode, steps --> Committer: fence, inbox, steps, outbox, COMMIT
 *      ^                         |          |
 *      |                     InFlight       +-- failed: RetryDecision: wait here | hold the key | dead letter
 *      +-- renew -- LeaseRenewer +-- CrashIsolation: suspects run alone
 * ```
 *
 * A delivery passes `fetch/`, `attempt/` and `commit/`; `start/Stages.ts` opens them, and `session` below connects
 * them. A worker knows only the two ports `Store` and `Transport`. Interruption is a graceful stop. The worker lets
 * running attempts finish within the grace period, and gives its other messages back.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Runtime from "effect/Runtime"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { randomUUID } from "node:crypto"
import {
  type ConsumerConflict,
  type ConsumerRemoved,
  ForeignSqlClient,
  type InvalidName,
  type InvalidSetting,
  type StoreFailure,
  type SubscriptionLost,
  type TransportError,
  Unsupported
} from "../Errors.ts"
import * as Backoff from "../internal/Backoff.ts"
import * as SqlData from "../internal/pipeline/SqlData.ts"
import type * as Pipeline from "../Pipeline.ts"
import { Store } from "../Store.ts"
import { Transport } from "../Transport.ts"
import type { Entry } from "./fetch/InFlight.ts"
import { type Outcome, Outcomes } from "./observe/Outcomes.ts"
import * as Opening from "./start/Opening.ts"
import { RelayTarget } from "./start/RelayTarget.ts"
import type { WorkerOptions } from "./start/Settings.ts"
import * as Stages from "./start/Stages.ts"
import { check, otherLanes, refuse, shortWindow } from "./start/StartupChecks.ts"

export type { Outcome } from "./observe/Outcomes.ts"
export { defaults, type WorkerOptions } from "./start/Settings.ts"

/**
 * The errors with which a worker refuses to start, or stops. A worker waits while a failure is temporary (the database
 * is unavailable, say), so no temporary failure ends it.
 *
 * @since 0.1.0
 */
export type WorkerError =
  | InvalidName
  | InvalidSetting
  | ConsumerConflict
  | ConsumerRemoved
  | Unsupported
  | ForeignSqlClient
  | StoreFailure
  | TransportError

/**
 * Runs the pipeline until it is interrupted, or until it fails with an error that waiting cannot fix.
 *
 * Interruption stops gracefully. Nothing more is fetched, and running attempts may finish within `grace`. The other
 * messages are given back at once, and no attempt is counted for them. Make `run` the last effect of the program: then
 * the process ends when its worker fails.
 *
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import { Effect, Schema } from "effect"
 * import { Memory, Pipeline, Topic, Worker } from "millrace"
 *
 * const Greetings = Topic.make("greetings", { schema: Schema.String, id: "random" })
 * const greeter = Pipeline.from(Greetings, { consumer: "greeter" }).pipe(
 *   Pipeline.tap((name) => Effect.log(`hello ${name}`))
 * )
 * const program = Worker.run(greeter, { concurrency: 64 }).pipe(Effect.provide(Memory.layer))
 * const main = () => NodeRuntime.runMain(program, { teardown: Worker.teardown })
 * ```
 *
 * @since 0.1.0
 */
export const run = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: WorkerOptions
): Effect.Effect<never, WorkerError, R | Store | Transport> =>
  Effect.andThen(start(pipeline, options ?? {}), Effect.never)

/**
 * Runs the pipeline until no message can be taken and none is in progress, then stops. It is meant for tests and for
 * cron jobs. Messages of held keys stay in the queue for the next run.
 *
 * ```ts
 * import { Effect, Schema } from "effect"
 * import { Memory, Pipeline, Topic, Worker } from "millrace"
 *
 * const Greetings = Topic.make("greetings", { schema: Schema.String, id: "random" })
 * const greeter = Pipeline.from(Greetings, { consumer: "greeter" }).pipe(
 *   Pipeline.tap((name) => Effect.log(`hello ${name}`))
 * )
 * const program = Effect.gen(function*() {
 *   yield* Topic.publish(Greetings, "ada")
 *   yield* Worker.drain(greeter)
 * }).pipe(Effect.provide(Memory.layer))
 * ```
 *
 * @since 0.1.0
 */
export const drain = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: WorkerOptions
): Effect.Effect<void, WorkerError, R | Store | Transport> => start(pipeline, options ?? {}, { untilEmpty: true })

/**
 * The options of {@link stream}.
 *
 * @since 0.1.0
 */
export interface StreamOptions extends WorkerOptions {
  /**
   * When this effect completes, the worker stops gracefully, as at SIGTERM. The stream emits the outcomes of the stop,
   * and then ends. The default is an effect that never completes.
   */
  readonly stopWhen?: Effect.Effect<unknown> | undefined
}

/**
 * Runs the pipeline like {@link run}, and emits how each delivery ended: for live views, for tests, and for metrics of
 * your own.
 *
 * An outcome comes after COMMIT and before the next message of its key starts, so the outcomes of one key are in order.
 * An outcome is an observation: it is emitted at most once, and is lost when the process dies. So put every effect that
 * a message must have into the pipeline, and not behind this stream.
 *
 * Each unread outcome occupies a place of `prefetch`, so a slow reader slows the fetching. A slow reader delays no
 * COMMIT and no renewal of a lease. When the stream is cancelled, the worker stops gracefully, as at SIGTERM. The
 * outcomes of that stop are not emitted.
 *
 * ```ts
 * import { Console, Effect, Schema, Stream } from "effect"
 * import { Memory, Pipeline, Topic, Worker } from "millrace"
 *
 * const Payments = Topic.make("payments", { schema: Schema.Struct({ cents: Schema.Int }), id: "random" })
 * const ledger = Pipeline.from(Payments, { consumer: "ledger" }).pipe(Pipeline.map(({ cents }) => cents))
 *
 * const program = Worker.stream(ledger).pipe(
 *   Stream.filter((outcome) => outcome._tag === "Committed"),
 *   Stream.runForEach(({ context, value }) => Console.log(`${context.message.id}: ${value} cents`)),
 *   Effect.provide(Memory.layer)
 * )
 * ```
 *
 * @since 0.1.0
 */
export const stream = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: StreamOptions
): Stream.Stream<Outcome<A>, WorkerError, R | Store | Transport> =>
  Stream.unwrap(Effect.gen(function*() {
    const { stopWhen, ...workerOptions } = options ?? {}
    const settings = yield* check(pipeline as AnyPipeline, workerOptions)
    const outcomes = new Outcomes<WorkerError>({ messages: settings.prefetch, bytes: settings.prefetchBytes })
    const working = start(pipeline, workerOptions, { outcomes })
    const running = yield* Effect.forkScoped(stopWhen === undefined ? working : Effect.raceFirst(working, stopWhen))
    running.addObserver((exit) => outcomes.end(Exit.asVoid(exit)))
    return Stream.fromPull(Effect.succeed(outcomes.pull)) as Stream.Stream<Outcome<A>, WorkerError>
  }))

/**
 * The options of {@link layer}.
 *
 * @since 0.1.0
 */
export interface LayerOptions extends WorkerOptions {
  /**
   * This function is called once if the worker fails after its layer was built. The failure is logged in any case. The
   * default does nothing.
   */
  readonly onFatal?: ((cause: Cause.Cause<WorkerError>) => Effect.Effect<void>) | undefined
}

/**
 * Returns a layer that runs the pipeline until its scope closes. A failure at the start fails the layer. If that
 * failure is temporary, the layer tries again until it passes, and logs a warning with the reason.
 *
 * A built layer cannot fail any more. A later failure is logged, `onFatal` is called with it, and the program of {@link
 * launch} fails with it.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { Memory, Pipeline, Topic, Worker } from "millrace"
 *
 * const Greetings = Topic.make("greetings", { schema: Schema.String, id: "random" })
 * const greeter = Pipeline.from(Greetings, { consumer: "greeter" }).pipe(
 *   Pipeline.tap((name) => Effect.log(`hello ${name}`))
 * )
 * const workers = Worker.layer(greeter, {
 *   lease: "1 minute",
 *   onFatal: (cause) => Effect.logError("the greeter has stopped", cause)
 * }).pipe(Layer.provide(Memory.layer))
 * ```
 *
 * @since 0.1.0
 */
export const layer = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: LayerOptions
): Layer.Layer<never, WorkerError, R | Store | Transport> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const { onFatal, ...workerOptions } = options ?? {}
    const program = yield* Launched
    const started = Deferred.makeUnsafe<void, WorkerError>()
    const fatal = Effect.fnUntraced(function*(cause: Cause.Cause<WorkerError>) {
      yield* Effect.logFatal(
        `The worker of consumer "${pipeline.consumer}" failed and stopped. Its messages wait.`,
        cause
      )
      // The program ends even if `onFatal` fails, because a process without its worker must not look alive.
      yield* Effect.ensuring(
        onFatal === undefined ? Effect.void : onFatal(cause),
        program === undefined ? Effect.void : Deferred.failCause(program, cause)
      )
    })
    yield* Effect.forkScoped(Effect.catchCause(start(pipeline, workerOptions, { started }), (cause) =>
      Effect.flatMap(Deferred.failCause(started, cause), (atStart) =>
        atStart || Cause.hasInterruptsOnly(cause) ? Effect.void : fatal(cause))))
    yield* Deferred.await(started)
  }))

/**
 * The Deferred that `launch` waits for. The first worker of the launched layer that fails after its start completes the
 * Deferred with its failure.
 */
const Launched: Context.Reference<Deferred.Deferred<never, WorkerError> | undefined> = Context.Reference<
  Deferred.Deferred<never, WorkerError> | undefined
>("millrace/worker/Launched", { defaultValue: () => undefined })

/**
 * Builds the layer and runs until it is interrupted, or until one of the layer's workers fails. When one fails, the
 * other workers stop gracefully, and the program fails with the error of that worker. With `NodeRuntime.runMain` the
 * process exits with 1, so an orchestrator starts it again.
 *
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import { Effect, Layer, Schema } from "effect"
 * import { Memory, Pipeline, Topic, Worker } from "millrace"
 *
 * const Greetings = Topic.make("greetings", { schema: Schema.String, id: "random" })
 * const greeter = Pipeline.from(Greetings, { consumer: "greeter" }).pipe(
 *   Pipeline.tap((name) => Effect.log(`hello ${name}`))
 * )
 * const program = Worker.launch(Worker.layer(greeter).pipe(Layer.provide(Memory.layer)))
 * const main = () => NodeRuntime.runMain(program, { teardown: Worker.teardown })
 * ```
 *
 * @since 0.1.0
 */
export const launch = <A, E, R>(layer: Layer.Layer<A, E, R>): Effect.Effect<never, E | WorkerError, R> =>
  Effect.suspend(() => {
    const failed = Deferred.makeUnsafe<never, WorkerError>()
    return Effect.raceFirst(Effect.provideService(Layer.launch(layer), Launched, failed), Deferred.await(failed))
  })

/**
 * Chooses the exit code in `NodeRuntime.runMain(program, { teardown: Worker.teardown })`. A program that was
 * interrupted by a signal exits with 0 after its graceful stop, where Effect's default is 130. A program that fails
 * still exits with 1.
 *
 * ```ts
 * import { NodeRuntime } from "@effect/platform-node"
 * import type { Effect } from "effect"
 * import { Worker } from "millrace"
 *
 * declare const program: Effect.Effect<never>
 * const main = () => NodeRuntime.runMain(program, { teardown: Worker.teardown })
 * ```
 *
 * @since 0.1.0
 */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)
    ? onExit(Number(process.exitCode ?? 0))
    : Runtime.defaultTeardown(exit, onExit)

/**
 * Returns the refusal of a pipeline with SQL that has no client. The types ask for the client, but a program that runs
 * without a type check would dead-letter every message.
 */
const withoutSql = (engine: string): Unsupported =>
  new Unsupported({
    engine,
    asked: "Pipeline.commitSql",
    because: "there is no SqlClient around the worker",
    instead: engine === "memory"
      ? "use Embedded.layer, which is Postgres inside of the process, or a service of yours in Pipeline.commit"
      : "provide the layer of the store around the worker with Layer.provideMerge, so that its SqlClient is there, too"
  })

type AnyPipeline = Pipeline.Pipeline<unknown, unknown, unknown>

/** The options of `start` beside the settings: `drain`, `stream` and `layer` differ in them. */
interface Mode {
  /** Whether the worker ends when no message can be taken and none is in progress. */
  readonly untilEmpty?: boolean | undefined
  /** The worker completes this Deferred when its subscription is open, just before the first fetch. */
  readonly started?: Deferred.Deferred<void, WorkerError> | undefined
  /** The worker puts its outcomes here. Undefined if the program does not read outcomes. */
  readonly outcomes?: Outcomes<WorkerError> | undefined
}

const start = <A, E, R, P extends Pipeline.Phase>(
  typed: Pipeline.Pipeline<A, E, R, P>,
  options: WorkerOptions,
  mode: Mode = {}
): Effect.Effect<void, WorkerError, R | Store | Transport> =>
  Effect.gen(function*() {
    const pipeline = typed as AnyPipeline
    const checked = yield* check(pipeline, options)
    const store = yield* Store
    const transport = yield* Transport
    const context = yield* Effect.context<never>()
    if (!store.joinsTransactions(context)) {
      return yield* new ForeignSqlClient({ consumer: pipeline.consumer, engine: store.engine })
    }
    if (SqlData.lackClient(pipeline.steps, context)) return yield* withoutSql(store.engine)
    const { consumer } = pipeline
    const can = yield* Opening.run(
      { consumer, settings: checked },
      (patiently) => patiently(transport.capabilities)
    )
    const settings = { ...checked, lanes: can.lanes ?? checked.lanes }
    const refused = otherLanes(can, options) ?? refuse(can, pipeline, settings)
    if (refused !== undefined) return yield* refused
    // A pipeline with `atLeastOnce` does not depend on remembered ids, so any deduplication window is long enough for
    // it.
    const short = pipeline.settings.delivery === "atLeastOnce"
      ? undefined
      : shortWindow(store.deduplicationWindow, can, settings.leaseMillis, settings.maxCrashes)
    if (short !== undefined) return yield* short

    // After a crash a worker may start again under the same name, but its leases must not look like those of the
    // crashed one. So each run adds a random part to the name.
    const worker = `${settings.name}#${randomUUID().slice(0, 8)}`
    const { outcomes, started, untilEmpty = false } = mode
    const opened = session({ pipeline, settings, store, transport, can, worker, untilEmpty, outcomes }, started)
    /**
     * Runs the worker, and opens another subscription each time the server has lost recent data (`SubscriptionLost`).
     * `losses` counts how often that has happened.
     */
    const again = (losses: number): Effect.Effect<void, WorkerError> =>
      Effect.catchTag(opened, "SubscriptionLost", (lost) =>
        Effect.logWarning(lost.message).pipe(
          Effect.annotateLogs({ consumer }),
          Effect.andThen(Backoff.pause(losses, { first: 50, cap: 1000 })),
          Effect.andThen(Effect.suspend(() => again(losses + 1)))
        ))
    yield* Effect.raceFirst(again(0), (yield* RelayTarget).halted)
  }) as Effect.Effect<void, WorkerError, R | Store | Transport>

/**
 * Returns the effect that logs one line when the worker starts to take messages. A worker that has started logs
 * another line when it has stopped and given back its lanes. The short runs of `Worker.drain` have no such lines.
 */
const lifeLines = (
  { pipeline, settings, untilEmpty, worker }: Stages.Options
): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> => {
  if (untilEmpty) return Effect.succeed(Effect.void)
  let running = false
  const line = (what: string) =>
    Effect.annotateLogs(Effect.logInfo(`Worker ${worker} ${what}`), { consumer: pipeline.consumer })
  const topics = pipeline.topics.map(({ name }) => `"${name}"`).join(", ")
  const version = settings.codeVersion === "" ? "" : ` with code ${settings.codeVersion}`
  const started = Effect.suspend(() => {
    running = true
    return line(`started${version}. It reads ${topics}.`)
  })
  return Effect.as(Effect.addFinalizer(() => running ? line("stopped.") : Effect.void), started)
}

/**
 * Runs one subscription from its registration to its end: fetches messages into the flow, and runs the turns that the
 * flow starts.
 */
const session = (
  options: Stages.Options,
  started: Deferred.Deferred<void, WorkerError> | undefined
): Effect.Effect<void, WorkerError | SubscriptionLost> =>
  Effect.scoped(Effect.gen(function*() {
    const logStart = yield* lifeLines(options)
    // Opens the subscription (lanes), the renewer, the committers and the isolation of suspects, in this order.
    const { attempt, batch, fetcher, inFlight, stop } = yield* Stages.open(options)
    yield* logStart
    yield* Effect.addFinalizer(() => stop)
    if (started !== undefined) yield* Deferred.succeed(started, undefined)

    const { flow } = inFlight
    const fetching = yield* Effect.forkScoped(fetcher.run(options.untilEmpty))
    fetching.addObserver((exit) => flow.finish(exit))
    const turns = Stream.fromPull(Effect.succeed(flow.turns))
    const work = (entry: Entry) => inFlight.work(entry, attempt.turn(entry.delivery))
    yield* Stream.runForEachArray(turns, flow.start({ work, batch: batch?.take }))
  }))
