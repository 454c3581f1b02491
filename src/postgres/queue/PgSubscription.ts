/**
 * A worker's subscription to its queue. The subscription polls for messages, and waits while there are none.
 *
 * Lanes are in `PgLanes.ts`, the order of reading is in `QueueReader.ts`, and the statements of a commit are in
 * `PgSettlement.ts` and `PgHold.ts`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import type { Delivery } from "../../Delivery.ts"
import type { ConsumerRemoved, SubscriptionLost, TransportError } from "../../Errors.ts"
import * as Backoff from "../../internal/Backoff.ts"
import type { Source } from "../../Store.ts"
import type { Demand, Subscription } from "../../Transport.ts"
import * as PgFailure from "../session/PgFailure.ts"
import * as HoldsSql from "../sql/holds.ts"
import type { LogError, LogReader } from "./LogReader.ts"
import * as Overflow from "./Overflow.ts"
import type { PgDelayed } from "./PgDelayed.ts"
import { hold, type HoldParts } from "./PgHold.ts"
import { fence, removal, removeInTransaction } from "./PgSettlement.ts"
import type { QueueReader } from "./QueueReader.ts"
import type { Wake } from "./Wake.ts"

export type Reader = QueueReader<SqlError | SubscriptionLost>

/** The objects that one subscription is built of. */
export interface SubscriptionParts extends HoldParts {
  readonly wake: Wake
  readonly delayed: PgDelayed
  readonly reader: Reader
  /** The log whose shards the lanes read. */
  readonly log: LogReader | undefined
  /** The source beside the messages in the lanes: this log, or a broker. */
  readonly source: Source | undefined
}

type ReadError = LogError | ConsumerRemoved | SubscriptionLost

type Accept = (deliveries: ReadonlyArray<Delivery>) => void

/** The most polls in a row that find no message. So `take` ends even if the reader always has more to read. */
const mostPolls = 100

/**
 * Moves due delayed messages and balances the lanes. Then polls until a message was handed to the worker, or there is
 * nothing more to read. Returns whether a message was handed over.
 */
const pollToEnd = (
  parts: SubscriptionParts,
  ...[demand, accept]: Parameters<Subscription["take"]>
): Effect.Effect<boolean, ReadError> => {
  const { delayed, lanes, log, reader, source } = parts
  const poll = (left: number): Effect.Effect<boolean, ReadError> => {
    let more = false
    const both = source === undefined ? reader.poll(demand, accept) : Effect.flatMap(
      counted(demand, accept, (accept) => reader.poll(demand, accept)),
      ({ left, n }) =>
        Effect.map(reader.exclusively(source.poll(left, accept)), ({ handed, moved }) => {
          more = moved
          return n + handed
        })
    )
    return Effect.flatMap(
      both,
      (n) => n > 0 ? Effect.succeed(true) : (more || reader.more) && left > 0 ? poll(left - 1) : Effect.succeed(false)
    )
  }
  const balance = lanes.balance(
    demand.perKey,
    () => log === undefined ? reader.lanesInFlight() : new Set([...reader.lanesInFlight(), ...log.lanesInFlight()])
  )
  return Effect.andThen(Effect.andThen(delayed.whenDue, balance), Effect.suspend(() => poll(mostPolls)))
}

/** Runs a poll, and returns its number of messages with the demand that it has left. */
const counted = <E>(
  demand: Demand,
  accept: Accept,
  poll: (accept: Accept) => Effect.Effect<number, E>
): Effect.Effect<{ readonly n: number; readonly left: Demand }, E> =>
  Effect.suspend(() => {
    let { bytes } = demand
    return Effect.map(
      poll((deliveries) => {
        for (const { message } of deliveries) bytes -= Buffer.byteLength(message.payload)
        accept(deliveries)
      }),
      (n) => ({ n, left: { ...demand, messages: demand.messages - n, bytes } })
    )
  })

/**
 * Returns the milliseconds until the next hold of this worker's lanes ends or the next delayed message is due, at most
 * the idle poll. Moves delayed messages that are due already, and returns 0 if it moved any.
 */
const untilDue = ({ db, delayed, lanes, names, spec }: SubscriptionParts): Effect.Effect<number, SqlError> => {
  const idle = Duration.toMillis(spec.idlePoll)
  const owned = lanes.held().map((lease) => Number(lease.name.slice("lane-".length)))
  if (owned.length === 0) return Effect.succeed(idle)
  return Effect.flatMap(db.machinery(HoldsSql.make(names).next, [lanes.queue, owned]), ([row]) => {
    const held = row?.["millis"]
    const millis = typeof held === "number" ? Math.min(idle, Math.max(0, held)) : idle
    const due = row?.["delayed"]
    if (typeof due !== "number") return Effect.succeed(millis)
    if (due > 0) return Effect.as(delayed.expect(due), Math.min(millis, Math.ceil(due)))
    // If no message was moved, another transaction has locked the due ones. The next try is after the idle poll.
    return Effect.map(delayed.move, (moved) => moved > 0 ? 0 : millis)
  })
}

const take = (parts: SubscriptionParts): Subscription["take"] => (demand, accept) =>
  Effect.suspend(() => {
    const { lanes, reader, source, spec, wake } = parts
    // The waiter exists before the last poll, so that a message published after that poll wakes it.
    const waiter = wake.waiter(lanes.queue)
    const idle = Duration.toMillis(spec.idlePoll)
    const woken = Effect.raceFirst(waiter.woken, reader.roomAgain.await)
    const until = (millis: number): Effect.Effect<void, TransportError> => {
      const over = Effect.raceFirst(woken, Effect.sleep(millis))
      if (source === undefined) return over
      if (!source.awaited()) return Effect.raceFirst(source.arrival, over)
      return idle === 0 ? source.arrival : Effect.raceFirst(source.arrival, woken)
    }
    const wait = Effect.flatMap(
      untilDue(parts),
      (millis) => Effect.andThen(until(millis), Effect.asVoid(pollToEnd(parts, demand, accept)))
    )
    return pollToEnd(parts, demand, accept).pipe(
      Effect.flatMap((found) =>
        found ? Effect.void : Effect.flatMap(
          Effect.andThen(wake.announce(lanes.queue, idle + 200), pollToEnd(parts, demand, accept)),
          (found) => found ? Effect.void : wait
        )
      ),
      Effect.ensuring(Effect.sync(waiter.done)),
      Effect.mapError((error) => error._tag === "SqlError" ? PgFailure.transportError("read messages")(error) : error)
    )
  })

/**
 * Ends an isolation. Other messages wait until the database has recorded that end. Before it, a crash of the process
 * would count as a crash of the isolated message alone. So this retries without end, until the worker stops.
 */
const endIsolation = (parts: SubscriptionParts, tries: number): Effect.Effect<void> =>
  Effect.catch(
    parts.lanes.isolation.end,
    (error) =>
      Effect.logWarning(PgFailure.transportError("end an isolation")(error).message).pipe(
        Effect.annotateLogs({ consumer: parts.spec.consumer }),
        Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
        Effect.andThen(Effect.suspend(() => endIsolation(parts, tries + 1))),
        Effect.interruptible
      )
  )

/** Returns the subscription to the lanes alone. */
const ofLanes = (parts: SubscriptionParts): Subscription => {
  const { lanes, log, reader } = parts
  const forget: Subscription["acknowledge"] = (deliveries) =>
    Effect.sync(() => {
      for (const delivery of deliveries) reader.settled(delivery)
    })
  const save = log === undefined ? Effect.void : log.save
  return {
    take: take(parts),
    paused: () => lanes.paused,
    whileNotReading: (delivery, write) => reader.whileNotReading(delivery, write),
    held: () => lanes.held(),
    renew: (leases) => Effect.mapError(lanes.renew(leases), PgFailure.transportError("renew leases")),
    removeInTransaction: removeInTransaction(parts),
    removal: removal(parts),
    fence: fence(parts),
    acknowledge: forget,
    drop: forget,
    hold: hold(parts),
    isolate: (delivery) =>
      Effect.acquireRelease(
        Effect.mapError(lanes.isolation.begin(delivery), PgFailure.transportError("isolate a message")),
        () => endIsolation(parts, 0)
      ),
    release: (leases) =>
      Effect.mapError(
        reader.exclusively(Effect.andThen(save, lanes.release(leases))),
        PgFailure.transportError("release leases")
      )
  }
}

export const make = (parts: SubscriptionParts): Subscription =>
  parts.source === undefined ? ofLanes(parts) : Overflow.around(ofLanes(parts), parts.source)
