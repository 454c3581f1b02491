/**
 * The transport on Postgres: messages wait in a table, workers lease its lanes, and each commit checks the lane's
 * fencing token.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type { SqlError } from "effect/sql/SqlError"
import { TransportError } from "../../Errors.ts"
import type { Log, LogStore, OverflowLanes, OverflowStore, Source, Store } from "../../Store.ts"
import type { Capabilities, Subscription, SubscriptionSpec, Transport } from "../../Transport.ts"
import * as RedriveRuns from "../maintenance/RedriveRuns.ts"
import type { PgDatabase } from "../session/PgClient.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as LanesSql from "../sql/lanes.ts"
import type { Names } from "../sql/names.ts"
import type { Queues } from "../store/PgConsumers.ts"
import { LogReader } from "./LogReader.ts"
import * as LogSource from "./LogSource.ts"
import * as OverflowLanesOf from "./OverflowLanes.ts"
import type { PgDelayed } from "./PgDelayed.ts"
import { type LaneChange, PgLanes } from "./PgLanes.ts"
import * as PgSubscription from "./PgSubscription.ts"
import { QueueReader } from "./QueueReader.ts"
import { readerPort } from "./ReaderPort.ts"
import * as ServerLife from "./ServerLife.ts"
import type { Wake } from "./Wake.ts"

/** The capabilities of Postgres. The table in `README.md` is generated from them. */
export const capabilities: Capabilities = {
  engine: "postgres",
  queue: "store",
  order: "lane",
  fence: "token",
  acknowledge: "within",
  lease: { unit: "lane", ceiling: Option.none() },
  hold: "inPlace",
  discardsAfter: Option.none(),
  deduplicates: Option.none(),
  maxBytes: Option.none(),
  retention: Option.none()
}

/**
 * How long a closing subscription waits for the database while it gives lanes back. If the database does not respond,
 * the leases of the lanes expire by themselves.
 */
const closing = Duration.seconds(5)

const inTime = (leave: Effect.Effect<void, SqlError>): Effect.Effect<void> =>
  Effect.ignore(Effect.timeout(Effect.interruptible(leave), closing))

/** Makes the readers follow a change of the lanes. */
const follow = (reader: PgSubscription.Reader, log: LogReader | undefined, change: LaneChange): void => {
  switch (change._tag) {
    case "Opened":
      log?.add(change.owned)
      return reader.add(change.owned)
    case "Leaving":
      log?.leave(change.owned)
      return reader.leave(change.owned)
    case "Released":
      log?.forget(change.owned)
      return reader.forget(change.owned)
    case "Ended":
      // This wakes a worker that waits for messages. Its next poll fails with the reason.
      reader.roomAgain.openUnsafe()
  }
}

/** The log or the source that is read beside the messages in the lanes, if there is one. */
interface Beside {
  readonly log?: Log
  readonly source?: (lanes: OverflowLanes) => Source
}

const open = (
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake,
  delayed: PgDelayed,
  opened: Set<PgLanes>
): (
  spec: SubscriptionSpec,
  beside?: Beside
) => Effect.Effect<Subscription, TransportError, Scope.Scope> =>
  Effect.fnUntraced(function*(spec: SubscriptionSpec, { log, source: sourceOf }: Beside = {}) {
    // The server life is read before anything else. Each later statement compares it, and fails if that life is over.
    const life = yield* Effect.mapError(ServerLife.current(db.machinery, names), PgFailure.transportError("open"))
    yield* Effect.mapError(ServerLife.warn(db, names), PgFailure.transportError("open"))
    const queue = yield* Effect.mapError(queues.byName(spec.consumer), (error) =>
      new TransportError({
        engine: "postgres",
        operation: "open",
        kind: error.kind === "refused" ? "permanent" : "temporary",
        detail: error.detail
      }))
    const [row] = yield* Effect.mapError(
      db.machinery(LanesSql.make(names).count, [queue]),
      PgFailure.transportError("open")
    )
    if (row?.["lanes"] !== spec.lanes) {
      const detail = `consumer "${spec.consumer}" has ${String(row?.["lanes"])} lanes, not ${spec.lanes}`
      return yield* new TransportError({ engine: "postgres", operation: "open", kind: "permanent", detail })
    }
    yield* wake.listen
    const lanes: PgLanes = new PgLanes(db, names, { queue, life }, spec, (change) => follow(reader, logReader, change))
    const logReader = log === undefined ? undefined : new LogReader(db, names, lanes, log)
    const reader: PgSubscription.Reader = new QueueReader(
      readerPort(db, names, queue, life, {
        lost: (owned) => lanes.lost(owned, "another worker took it over"),
        paused: (paused) => {
          lanes.paused = paused
        },
        sameLife: (found) => lanes.sameLife(found)
      })
    )
    yield* RedriveRuns.start(db, names, wake, { queue, worker: spec.worker }, lanes.redrives)
    yield* Effect.mapError(lanes.releaseEarlier, PgFailure.transportError("open"))
    const parts = { db, names, lanes, reader, spec }
    const source = logReader === undefined
      ? sourceOf?.(OverflowLanesOf.make(parts, wake))
      : yield* LogSource.make(parts, logReader)
    return yield* Effect.acquireRelease(
      Effect.sync(() => {
        opened.add(lanes)
        return PgSubscription.make({ ...parts, wake, delayed, log: logReader, source })
      }),
      () => {
        opened.delete(lanes)
        return inTime(logReader === undefined ? lanes.leave : Effect.andThen(logReader.save, lanes.leave))
      }
    )
  })

export const make = Effect.fnUntraced(function*(
  db: PgDatabase,
  names: Names,
  queues: Queues,
  wake: Wake,
  delayed: PgDelayed,
  store: Store["Service"]
): Effect.fn.Return<
  { readonly transport: Transport["Service"]; readonly logs: LogStore; readonly overflow: OverflowStore },
  never,
  Scope.Scope
> {
  const opened = new Set<PgLanes>()
  // The layer may close before a worker that uses it. So this finalizer gives that worker's lanes back while the pools
  // are still open.
  yield* Effect.addFinalizer(() =>
    Effect.forEach(opened, (lanes) => inTime(lanes.abandon), { concurrency: "unbounded", discard: true })
  )
  const opening = open(db, names, queues, wake, delayed, opened)
  return {
    transport: {
      capabilities: Effect.succeed(capabilities),
      publish: store.outbox.write,
      open: (spec) => opening(spec)
    },
    logs: { open: (spec, log) => opening(spec, { log }) },
    overflow: { open: (spec, source) => opening(spec, { source }) }
  }
})
