/**
 * Opens the parts of a worker around one subscription: flow, lease renewer, committers, attempts, fetcher, statistics
 * and the isolation of suspects.
 *
 * The scope closes the parts in reverse order. The caller adds the graceful stop as the last finalizer, so it runs
 * first, while every other part still works.
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { ConsumerConflict, StoreFailure, TransportError, Unsupported } from "../../Errors.ts"
import type * as Pipeline from "../../Pipeline.ts"
import type { Store } from "../../Store.ts"
import type { Capabilities, Subscription, Transport } from "../../Transport.ts"
import * as AtMostOnce from "../attempt/AtMostOnce.ts"
import * as Attempt from "../attempt/Attempt.ts"
import * as TurnBatch from "../attempt/TurnBatch.ts"
import * as Committer from "../commit/Committer.ts"
import * as Fetcher from "../fetch/Fetcher.ts"
import { gracefulStop } from "../fetch/GracefulStop.ts"
import { InFlight } from "../fetch/InFlight.ts"
import * as CrashIsolation from "../lease/CrashIsolation.ts"
import * as LeaseRenewer from "../lease/LeaseRenewer.ts"
import { Counters } from "../observe/Counters.ts"
import * as FailingSince from "../observe/FailingSince.ts"
import type { Outcomes } from "../observe/Outcomes.ts"
import * as Spans from "../observe/Spans.ts"
import * as Stats from "../observe/Stats.ts"
import { Warnings } from "../observe/Warnings.ts"
import * as Opening from "./Opening.ts"
import * as PipelineNames from "./PipelineNames.ts"
import { RelayTarget } from "./RelayTarget.ts"
import type { Settings } from "./Settings.ts"

export interface Options {
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly settings: Settings
  readonly store: Store["Service"]
  readonly transport: Transport["Service"]
  readonly can: Capabilities
  /** The worker's name with a part that is unique for each run. */
  readonly worker: string
  /** Whether the worker ends once no message can be taken and none is in progress. */
  readonly untilEmpty: boolean
  /** The place for outcomes. Undefined if the program does not read outcomes. */
  readonly outcomes: Outcomes<unknown> | undefined
}

export interface Stages {
  readonly inFlight: InFlight
  readonly attempt: Attempt.Attempt
  /** Runs turns that need no fiber. Undefined if each turn has one. */
  readonly batch: TurnBatch.TurnBatch | undefined
  readonly fetcher: Fetcher.Fetcher
  /** Stops the worker gracefully: see `GracefulStop.ts`. */
  readonly stop: Effect.Effect<void>
}

export const open = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Stages, ConsumerConflict | StoreFailure | TransportError | Unsupported, Scope.Scope> {
  const { outcomes, pipeline, settings, store, untilEmpty } = options
  const { consumer } = pipeline
  const subscription = yield* subscribe(options)
  const inFlight = new InFlight(settings, subscription.paused, outcomes?.capacity, options.can.order !== "none")
  const stopping = Deferred.makeUnsafe<void>()
  const warnings = new Warnings(consumer)
  const spans = yield* Spans.make(pipeline, settings)
  const counters = new Counters(consumer)
  yield* counters.begin(pipeline.topics)
  const renewer = yield* LeaseRenewer.make({ consumer, settings, subscription, inFlight, warnings })
  const { codeVersion, name } = settings
  const commits = { consumer, worker: name, codeVersion, pipeline, store, subscription, warnings }
  const transactions = Math.min(settings.committers, store.maxTransactions)
  const committer = yield* Committer.make({ ...commits, renewer, spans, committers: transactions })
  const disposition = { pipeline, store, subscription, inFlight, counters, warnings, outcomes }
  const attempt = Attempt.make({
    ...disposition,
    settings,
    committer,
    atMostOnce: pipeline.settings.delivery === "atMostOnce"
      ? AtMostOnce.make({ ...commits, transactions })
      : undefined,
    spans,
    stopping
  })
  const batch = settings.batches ? yield* TurnBatch.make({ ...disposition, settings, committer, attempt }) : undefined
  const fetcher = Fetcher.make({ consumer, subscription, inFlight, renewer, spans })
  const failing = FailingSince.report(renewer.now, {
    read: fetcher.failing,
    commit: committer.failing,
    publish: (yield* RelayTarget).failing
  })
  yield* Stats.make({
    consumer,
    settings,
    store,
    pipeline,
    renewer,
    counters,
    stopping,
    failing,
    readsStatus: !untilEmpty
  })
  yield* CrashIsolation.make({ consumer, settings, inFlight, subscription })
  return { inFlight, attempt, batch, fetcher, stop: gracefulStop({ consumer, settings, inFlight, counters, stopping }) }
})

/** Registers the consumer and opens its subscription. Waits while the store is unavailable. */
const subscribe = (
  { can, pipeline, settings, store, transport, untilEmpty, worker }: Options
): Effect.Effect<
  Subscription,
  ConsumerConflict | StoreFailure | TransportError | Unsupported,
  Scope.Scope
> => {
  const { consumer } = pipeline
  const topics = pipeline.topics.map((topic) => topic.name)
  const opened = transport.open({
    consumer,
    topics,
    worker,
    lanes: settings.lanes,
    lease: Duration.millis(settings.leaseMillis),
    codeVersion: settings.codeVersion,
    // `Worker.drain` ends when a poll finds nothing, so its polls do not wait for messages.
    idlePoll: Duration.millis(untilEmpty ? 0 : settings.idlePollMillis)
  })
  return Opening.run(
    { consumer, settings },
    (patiently) =>
      Effect.andThen(patiently(register(store, pipeline, settings.lanes, can)), patiently(Opening.whole(opened)))
  )
}

/**
 * Registers the consumer, and warns if another pipeline has its name. Where the engine has a queue of its own, the
 * store must not route messages to the consumer, since no worker would read them there.
 */
const register = (
  store: Store["Service"],
  pipeline: Pipeline.Pipeline<unknown, unknown, unknown>,
  lanes: number,
  can: Capabilities
): Effect.Effect<void, ConsumerConflict | StoreFailure, Scope.Scope> => {
  const { consumer, settings: { order } } = pipeline
  const topics = can.queue === "store" ? pipeline.topics.map((topic) => topic.name) : []
  const known = store.consumers.register({ consumer, topics, lanes, order, pipeline: PipelineNames.shapeOf(pipeline) })
  return Effect.andThen(known, PipelineNames.enter(store, pipeline))
}
