/**
 * Runs a pipeline, for as long as the process lives.
 *
 * ```text
 *            take                  per key, in order                     one transaction a group
 * Transport ------> Fetcher -----> Attempt: decode, steps ------------> Committer: fence, inbox, steps, outbox, COMMIT
 *      ^               |              |  failed: Settling: wait here | hold the key | dead letter
 *      |            InFlight          |
 *      +-- renew -- LeaseRenewer -----+-- CrashPoison: suspects run alone -- Drain: the graceful stop
 * ```
 *
 * Files in the order in which a delivery passes them: `Fetcher`, `InFlight`, `Attempt`, `Steps`, `Committer`, `Settling`.
 * A worker knows the two ports only. Interruption is a graceful stop: it drains within the grace period, then gives back.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Runtime from "effect/Runtime"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import { hostname } from "node:os"
import {
  type ConsumerConflict,
  type ConsumerRemoved,
  ForeignSqlClient,
  type InvalidName,
  type InvalidSetting,
  type StoreFailure,
  type SubscriptionLost,
  type TransportError,
  type Unsupported
} from "../Errors.ts"
import * as Backoff from "../internal/Backoff.ts"
import type * as Pipeline from "../Pipeline.ts"
import { Store } from "../Store.ts"
import { nameProblem } from "../Topic.ts"
import { Transport } from "../Transport.ts"
import * as AtMostOnce from "./attempt/AtMostOnce.ts"
import * as Attempt from "./attempt/Attempt.ts"
import * as Committer from "./commit/Committer.ts"
import { drain as drainInFlight } from "./fetch/Drain.ts"
import * as Fetcher from "./fetch/Fetcher.ts"
import { InFlight } from "./fetch/InFlight.ts"
import * as CrashIsolation from "./lease/CrashIsolation.ts"
import * as LeaseRenewer from "./lease/LeaseRenewer.ts"
import { Counters } from "./observe/Counters.ts"
import * as FailingSince from "./observe/FailingSince.ts"
import * as Spans from "./observe/Spans.ts"
import * as Stats from "./observe/Stats.ts"
import { Warnings } from "./observe/Warnings.ts"
import * as Opening from "./start/Opening.ts"
import * as PipelineNames from "./start/PipelineNames.ts"
import { resolve, type Settings, type WorkerOptions } from "./start/Settings.ts"
import { badSetting, refuse, shortWindow } from "./start/StartupChecks.ts"

export { defaults, type WorkerOptions } from "./start/Settings.ts"

/**
 * Why a worker did not start, or stopped. Failures that pass (a database that is away) are waited for, not reported here.
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
 * Runs the pipeline until it is interrupted, or until something happens that waiting cannot fix.
 *
 * Interruption stops gracefully: nothing more is fetched, running attempts may finish within `grace`, and the rest is given
 * back at once, without an attempt counted. Put it last in the program, so that a worker that must stop stops its process.
 *
 * @since 0.1.0
 */
export const run = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: WorkerOptions
): Effect.Effect<never, WorkerError, R | Store | Transport> =>
  Effect.andThen(start(pipeline, options ?? {}, false), Effect.never)

/**
 * Runs the pipeline until nothing can be taken and nothing runs, then stops. For tests and for cron. Keys that are held wait for
 * the next run.
 *
 * @since 0.1.0
 */
export const drain = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: WorkerOptions
): Effect.Effect<void, WorkerError, R | Store | Transport> => start(pipeline, options ?? {}, true)

/**
 * Runs the pipeline as long as the layer lives. A failure at the start fails the layer, unless it passes: then the layer waits, and a
 * warning says for what. A failure later is logged, and ends the
 * program as an orchestrator would: the process gets SIGTERM, on which `NodeRuntime.runMain` drains everything and exits.
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
 * const program = Worker.layer(greeter).pipe(Layer.provide(Memory.layer), Layer.launch)
 * const main = () => NodeRuntime.runMain(program)
 * ```
 *
 * @since 0.1.0
 */
export const layer = <A, E, R, P extends Pipeline.Phase>(
  pipeline: Pipeline.Pipeline<A, E, R, P>,
  options?: WorkerOptions
): Layer.Layer<never, WorkerError, R | Store | Transport> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const started = Deferred.makeUnsafe<void, WorkerError>()
    const running = start(pipeline, options ?? {}, false, started)
    yield* Effect.forkScoped(Effect.catchCause(running, (cause) =>
      Effect.flatMap(Deferred.failCause(started, cause), (atStart) =>
        atStart || Cause.hasInterruptsOnly(cause) ? Effect.void : endProgram(pipeline.consumer, cause))))
    yield* Deferred.await(started)
  }))

/** A layer cannot fail any more once it is built, and a process whose worker is dead must not look alive. */
const endProgram = (consumer: string, cause: Cause.Cause<WorkerError>): Effect.Effect<void> =>
  Effect.andThen(
    Effect.logFatal(`The worker of consumer "${consumer}" stopped; the program ends`, cause),
    Effect.sync(() => {
      process.exitCode = 1
      process.kill(process.pid, "SIGTERM")
    })
  )

/**
 * For `NodeRuntime.runMain(program, { teardown: Worker.teardown })`: a program that was told to stop and has drained exits with 0,
 * where Effect's default says 130. A worker that stopped by itself, or a failure, still exits with another code.
 *
 * @since 0.1.0
 */
export const teardown: Runtime.Teardown = (exit, onExit) =>
  exit._tag === "Failure" && Cause.hasInterruptsOnly(exit.cause)
    ? onExit(Number(process.exitCode ?? 0))
    : Runtime.defaultTeardown(exit, onExit)

const start = <A, E, R, P extends Pipeline.Phase>(
  typed: Pipeline.Pipeline<A, E, R, P>,
  options: WorkerOptions,
  untilEmpty: boolean,
  started?: Deferred.Deferred<void, WorkerError>
): Effect.Effect<void, WorkerError, R | Store | Transport> =>
  Effect.gen(function*() {
    const pipeline = typed as Pipeline.Pipeline<unknown, unknown, unknown>
    const settings = yield* check(pipeline, options)
    const store = yield* Store
    const transport = yield* Transport
    const context = yield* Effect.context<never>()
    if (!store.joinsTransactions(context)) {
      return yield* new ForeignSqlClient({ consumer: pipeline.consumer, engine: store.engine })
    }
    const refused = refuse(transport.capabilities, pipeline, settings.maxCrashes)
    if (refused !== undefined) {
      return yield* refused
    }
    // At least once, nobody counts on remembered ids.
    const short = pipeline.settings.delivery === "atLeastOnce"
      ? undefined
      : shortWindow(store.deduplicationWindow, transport.capabilities, settings.leaseMillis, settings.maxCrashes)
    if (short !== undefined) return yield* short

    // A name that people gave may come again after a crash, and that one must count as dead: each run is somebody else.
    const worker = `${settings.name}#${randomUUID().slice(0, 8)}`
    const opened = session({ pipeline, settings, store, transport, worker, untilEmpty, started })
    /** A subscription that was lost with its server's memory is opened again, however long the server is away. */
    const again = (losses: number): Effect.Effect<void, WorkerError> =>
      Effect.catchTag(opened, "SubscriptionLost", (lost) =>
        Effect.logWarning(lost.message).pipe(
          Effect.annotateLogs({ consumer: pipeline.consumer }),
          Effect.andThen(Backoff.pause(losses, { first: 50, cap: 1000 })),
          Effect.andThen(Effect.suspend(() => again(losses + 1)))
        ))
    yield* again(0)
  }) as Effect.Effect<void, WorkerError, R | Store | Transport>

/** One subscription, from its registration to its end. */
const session = (options: {
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly settings: Settings
  readonly store: Store["Service"]
  readonly transport: Transport["Service"]
  readonly worker: string
  readonly untilEmpty: boolean
  readonly started: Deferred.Deferred<void, WorkerError> | undefined
}): Effect.Effect<void, WorkerError | SubscriptionLost> =>
  Effect.scoped(Effect.gen(function*() {
    const { pipeline, settings, started, store, transport, untilEmpty, worker } = options
    const topics = pipeline.topics.map((topic) => topic.name)
    const { consumer } = pipeline
    const opened = transport.open({
      consumer,
      topics,
      worker,
      lanes: settings.lanes,
      lease: Duration.millis(settings.leaseMillis),
      // A drain that finds nothing is done: it waits for nobody.
      idlePoll: Duration.millis(untilEmpty ? 0 : settings.idlePollMillis)
    })
    const subscription = yield* Opening.run(
      { consumer, settings },
      (patiently) => Effect.andThen(patiently(register(store, pipeline, settings.lanes)), patiently(opened))
    )

    // Finalizers run in reverse: first the drain, then suspects, committers and the renewer end, last the subscription.
    const inFlight = new InFlight(settings, subscription.paused)
    const draining = Deferred.makeUnsafe<void>()
    const warnings = new Warnings(consumer)
    const spans = yield* Spans.make(consumer, settings)
    const counters = new Counters(consumer)
    const renewer = yield* LeaseRenewer.make({ consumer, settings, subscription, inFlight, warnings })
    const { codeVersion, name } = settings
    const commits = { consumer, worker: name, codeVersion, pipeline, store, subscription, warnings }
    const transactions = Math.min(settings.committers, store.maxTransactions)
    const committer = yield* Committer.make({ ...commits, renewer, spans, committers: transactions })
    const atMostOnce = pipeline.settings.delivery === "atMostOnce"
      ? AtMostOnce.make({ ...commits, transactions })
      : undefined
    const acknowledge = transport.capabilities.acknowledge
    const attempt = Attempt.make({
      pipeline,
      settings,
      store,
      subscription,
      inFlight,
      committer,
      atMostOnce,
      acknowledge,
      spans,
      counters,
      draining
    })
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
    const fetcher = Fetcher.make({ consumer, subscription, inFlight, attempt, renewer, spans, scope })
    const failing = FailingSince.report(renewer.now, { read: fetcher.failing, commit: committer.failing })
    yield* Stats.make({ consumer, settings, store, pipeline, renewer, draining, failing, looks: !untilEmpty })
    yield* CrashIsolation.make({ consumer, settings, inFlight, subscription, fetcher })
    yield* Effect.addFinalizer(() => drainInFlight({ consumer, settings, inFlight, counters, draining }))

    if (started !== undefined) yield* Deferred.succeed(started, undefined)
    yield* fetcher.run(untilEmpty)
  }))

/** Makes the consumer known, and says where another pipeline has its name. */
const register = (
  store: Store["Service"],
  pipeline: Pipeline.Pipeline<unknown, unknown, unknown>,
  lanes: number
): Effect.Effect<void, ConsumerConflict | StoreFailure, Scope.Scope> => {
  const { consumer, settings: { order } } = pipeline
  const topics = pipeline.topics.map((topic) => topic.name)
  const known = store.consumers.register({ consumer, topics, lanes, order, pipeline: PipelineNames.shapeOf(pipeline) })
  return Effect.andThen(known, PipelineNames.enter(store, pipeline))
}

/** The topics that it reads, and those that it emits to. */
const named = (
  { steps: operators, topics }: Pipeline.Pipeline<unknown, unknown, unknown>
): ReadonlyArray<Pipeline.AnyTopic> => [
  ...topics,
  ...operators.flatMap((operator) => operator._tag === "Emit" ? [operator.topic] : [])
]

/** What can be refused without asking anybody. */
const check = Effect.fnUntraced(function*(
  pipeline: Pipeline.Pipeline<unknown, unknown, unknown>,
  options: WorkerOptions
): Effect.fn.Return<Settings, InvalidName | InvalidSetting> {
  const badName = nameProblem("consumer", pipeline.consumer)
    ?? named(pipeline).map((topic) => nameProblem("topic", topic.name)).find((problem) => problem !== undefined)
  if (badName !== undefined) return yield* badName
  const bad = badSetting(pipeline.settings)
  if (bad !== undefined) return yield* bad
  const random = yield* Random.nextIntBetween(0, 0xffffff)
  const settings = resolve(options, options.name ?? `${hostname()}:${process.pid}:${random.toString(16)}`)
  return settings instanceof Error ? yield* settings : settings
})
