/**
 * A worker's subscription to the queue of a broker that leases messages or groups.
 *
 * Polls fill a buffer, from which `take` hands out. If a message has come before, the store is asked for its record:
 * failed attempts, when the next one is due, and crashes. The broker counts deliveries, and its count alone never
 * proves a crash. A hold, a release or an isolation also raises the count. The store records these, and they are
 * subtracted.
 *
 * No commit waits for the broker. A crash between COMMIT and the delete leaves a message that comes again, and its
 * commit is a duplicate.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../../Delivery.ts"
import { ConsumerRemoved, type StoreFailure, TransportError } from "../../Errors.ts"
import type { Message } from "../../Message.ts"
import type { Store } from "../../Store.ts"
import type { Subscription, SubscriptionSpec } from "../../Transport.ts"
import * as Backoff from "../Backoff.ts"
import * as Acknowledger from "./Acknowledger.ts"
import type { BrokerQueue, Received } from "./BrokerQueue.ts"
import * as BrokerRenewal from "./BrokerRenewal.ts"
import * as BrokerSource from "./BrokerSource.ts"
import { countOf, type Entry, Held } from "./Held.ts"
import * as Polls from "./Polls.ts"
import {
  closing,
  count,
  explained,
  giveBack,
  handOut,
  hideUntilDue,
  isAwaited,
  isBusy,
  notHeld,
  ofStore,
  polled,
  readRecords,
  type Seat,
  settled,
  visible
} from "./Seat.ts"

/** The parts that one subscription is built of. */
export interface Parts<R extends Received> {
  readonly queue: BrokerQueue<R>
  readonly store: Store["Service"]
  readonly spec: SubscriptionSpec
  /** How long a poll waits for messages at most, in milliseconds. */
  readonly longPollMillis: number
  /** The number of deliveries after which the broker discards a message. */
  readonly discardsAfter?: number | undefined
  /** Returns the message of what the broker handed out. A text that is no message becomes one that does not decode. */
  readonly messageOf: (received: R, topic: string) => Message
}

/** How often the store is asked whether an operator has paused or removed the consumer. */
const checkEvery = Duration.seconds(1)

/** Where polls do not wait, empty rounds are so many milliseconds apart, or an idle poll if that is less. */
const restMillis = 1000

/** Asks the store whether the consumer is paused or removed, unless it was asked a moment ago. */
const checkConsumer = (seat: Seat): Effect.Effect<void, TransportError | ConsumerRemoved> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const { pause, spec: { consumer }, store } = seat
    if (now - pause.checkedAt < Duration.toNanosUnsafe(checkEvery)) return Effect.void
    return store.consumers.get(consumer).pipe(
      Effect.mapError((error) =>
        error._tag === "ConsumerNotFound"
          ? new ConsumerRemoved({ consumer })
          : ofStore(seat, "look at the consumer")(error)
      ),
      Effect.flatMap(({ paused }) => {
        pause.paused = paused !== undefined
        pause.checkedAt = now
        return paused?.until === undefined
          ? Effect.void
          : Effect.mapError(store.consumers.resumeDue(consumer), ofStore(seat, "resume the consumer"))
      })
    )
  })

const take = (seat: Seat): Subscription["take"] =>
  Effect.fnUntraced(function*(demand, accept) {
    const idle = Duration.toMillis(seat.spec.idlePoll)
    const hand = Effect.andThen(
      readRecords(seat),
      Effect.sync(() => seat.pause.paused ? 0 : handOut(seat, demand, accept))
    )
    const handing = seat.reading.withPermits(1)(hand)
    seat.wanted = demand
    yield* checkConsumer(seat)
    seat.roomAgain.closeUnsafe()
    if ((yield* handing) > 0) return
    if (seat.pause.paused || isBusy(seat)) {
      yield* Effect.raceFirst(seat.roomAgain.await, Effect.sleep(Math.max(idle, 10)))
      yield* handing
      return
    }
    const round = polled(seat)
    yield* isAwaited(seat) ? round : Effect.raceFirst(round, Effect.sleep(idle))
    yield* handing
  })

const removeInTransaction = (seat: Seat): Subscription["removeInTransaction"] =>
  Effect.fnUntraced(function*(deliveries) {
    const ours = deliveries.filter((delivery) => seat.held.of(delivery) !== undefined)
    if (ours.length === 0) return ours
    const recorded = ours.flatMap((delivery) => seat.held.of(delivery)?.recorded === true ? [delivery.message.id] : [])
    const registered = yield* Effect.mapError(
      seat.store.unsettled.settle(seat.spec.consumer, recorded),
      ofStore(seat, "settle messages")
    )
    return registered ? ours : []
  })

const hold = (seat: Seat): Subscription["hold"] =>
  Effect.fnUntraced(function*(delivery, attempts, hold) {
    const entry = seat.held.of(delivery)
    if (entry === undefined) return yield* notHeld(seat, delivery)
    if (hold._tag === "Parked") {
      return yield* new TransportError({
        engine: seat.queue.engine,
        operation: "park a key",
        kind: "permanent",
        detail: seat.queue.ceilingReason
      })
    }
    entry.holdMillis = Duration.toMillis(hold.delay)
    entry.recorded = true
    yield* Effect.mapError(
      seat.store.unsettled.hold(seat.spec.consumer, countOf(entry, true), attempts, hold.delay),
      ofStore(seat, "hold a message")
    )
    return "held" as const
  })

const whileNotReading = (seat: Seat): Subscription["whileNotReading"] => (delivery, write) =>
  seat.reading.withPermits(1)(Effect.tap(write, () =>
    Effect.suspend(() => {
      const entry = seat.held.of(delivery)
      return entry?.holdMillis === undefined ? Effect.void : hideUntilDue(seat, entry, entry.holdMillis, true)
    })))

/** The messages of an isolation, and the one that runs alone. */
interface Isolated {
  readonly entries: ReadonlyArray<Entry>
  readonly alone: Entry | undefined
}

/** Returns whether a message was lost while its process lives. Then its delivery proves no crash. */
const outlived = ({ lease, state }: Entry): boolean => Deferred.isDoneUnsafe(lease.lost) && state !== "done"

const endAlone = ({ spec, store }: Seat, { message, receiveCount }: Entry): Effect.Effect<void, StoreFailure> =>
  store.unsettled.endAlone(spec.consumer, message.id, receiveCount)

/** Takes an isolation back, and tries again until the store has recorded it or the worker stops. */
const endIsolation = (seat: Seat, isolated: Isolated, tries: number): Effect.Effect<void> =>
  Effect.catch(
    Effect.suspend(() => {
      const { alone, entries } = isolated
      const kept = count(seat, entries.filter((one) => seat.held.has(one) && one.state !== "done"), false)
      return alone !== undefined && outlived(alone) ? Effect.andThen(kept, endAlone(seat, alone)) : kept
    }),
    (error) =>
      Effect.logWarning(ofStore(seat, "end an isolation")(error).message).pipe(
        Effect.annotateLogs({ consumer: seat.spec.consumer }),
        Effect.andThen(Backoff.pause(tries, { first: 50, cap: 5000 })),
        Effect.andThen(Effect.suspend(() => endIsolation(seat, isolated, tries + 1))),
        Effect.interruptible
      )
  )

/**
 * Records that only one message, or none, runs. The deliveries of all others then count as explained, so a crash is not
 * counted for them. The store marks the message that runs alone.
 *
 * If its lease is lost, the mark is taken back at once. The worker loses a lease earlier than the broker does, so the
 * next owner reads no mark, and takes the lost lease for no crash.
 */
const isolate = (seat: Seat): Subscription["isolate"] =>
  Effect.fnUntraced(function*(delivery) {
    const begin = Effect.suspend(() => {
      const entries = seat.held.unsettled()
      const alone = delivery === undefined ? undefined : seat.held.of(delivery)
      return Effect.as(
        Effect.mapError(count(seat, entries, true, alone), ofStore(seat, "isolate a message")),
        { entries, alone }
      )
    })
    const { alone } = yield* Effect.acquireRelease(begin, (isolated) => endIsolation(seat, isolated, 0))
    if (alone === undefined) return
    const lost = Effect.andThen(
      Deferred.await(alone.lease.lost),
      Effect.uninterruptible(Effect.ignore(Effect.suspend(() => outlived(alone) ? endAlone(seat, alone) : Effect.void)))
    )
    yield* Effect.forkScoped(lost)
  })

/** Gives leases back: their deliveries end with an explanation, and their messages become visible. */
const release = Effect.fnUntraced(function*(seat: Seat, entries: ReadonlyArray<Entry>) {
  const { held } = seat
  for (const entry of entries) held.remove(entry)
  // The entries include messages that the worker has not taken yet, since the broker has counted their deliveries.
  yield* explained(seat, entries)
  yield* giveBack(seat, entries.toReversed().map(visible))
})

const drop = (seat: Seat, deliveries: ReadonlyArray<Delivery>): Effect.Effect<void> =>
  Effect.suspend(() => {
    const leases = new Set(deliveries.flatMap((one) => seat.held.of(one)?.lease ?? []))
    const entries = [...leases].flatMap((lease) => seat.held.entriesOf(lease)).filter(({ state }) => state !== "done")
    for (const lease of leases) seat.held.lose(lease, "a message of it was given back")
    return Effect.andThen(explained(seat, entries), giveBack(seat, entries.toReversed().map(visible)))
  })

const subscription = (seat: Seat, scope: Scope.Scope): Subscription => {
  const { held, onTheWay, queue, spec } = seat
  return {
    take: take(seat),
    paused: () => seat.pause.paused,
    whileNotReading: whileNotReading(seat),
    held: () => held.leases(),
    renew: BrokerRenewal.renew({ queue, held, lease: spec.lease, onTheWay, scope }),
    removeInTransaction: removeInTransaction(seat),
    fence: (deliveries) => Effect.sync(() => deliveries.filter((delivery) => held.mayCommit(delivery))),
    acknowledge: (deliveries) =>
      Effect.sync(() => {
        for (const delivery of deliveries) {
          const entry = held.of(delivery)
          if (entry !== undefined) settled(seat, entry)
        }
      }),
    drop: (deliveries) => drop(seat, deliveries),
    hold: hold(seat),
    isolate: isolate(seat),
    release: (leases) =>
      Effect.suspend(() =>
        release(seat, leases.flatMap((lease) => held.entriesOf(lease)).filter(({ state }) => state !== "done"))
      )
  }
}

/** Opens a subscription. Closing it waits for polls and deletes that are under way, and gives all messages back. */
export const open = Effect.fnUntraced(function*<R extends Received>(
  { discardsAfter = Infinity, longPollMillis, messageOf, queue, spec, store }: Parts<R>
): Effect.fn.Return<Subscription, TransportError, Scope.Scope> {
  const held = new Held(spec.consumer)
  const topic = spec.topics[0] ?? ""
  const inTime = (effect: Effect.Effect<void>) => Effect.ignore(Effect.timeout(Effect.interruptible(effect), closing))
  // Finalizers run in reverse: first the polls end, then the deletes are awaited, and then the rest is given back.
  const giveAllBack = Effect.suspend(() => release(seat, held.unsettled()))
  yield* Effect.addFinalizer(() => inTime(giveAllBack))
  const acknowledger = yield* Acknowledger.make(queue, held)
  yield* Effect.addFinalizer(() => acknowledger.flush(closing))
  const polling = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
  const leaseMillis = Duration.toMillis(spec.lease)
  // A lease begins before its poll is sent. So a poll waits for a third of the lease at most, and most of the lease
  // is left when the message arrives.
  const most = Math.min(longPollMillis, leaseMillis / 3)
  const waitMillis = most - most % queue.waitUnitMillis
  const idle = Duration.toMillis(spec.idlePoll)
  const polls = Polls.make(queue, {
    waitMillis: idle === 0 ? Math.min(1000, waitMillis) : waitMillis,
    restMillis: Math.min(idle, waitMillis === 0 ? restMillis : waitMillis),
    leaseMillis,
    accept: (messages, claimedAt) => held.enter(messages, claimedAt, (received) => messageOf(received, topic))
  }, polling)
  const pause = { paused: false, checkedAt: -Duration.toNanosUnsafe(checkEvery) }
  const seat: Seat = {
    queue,
    store,
    spec,
    held,
    acknowledger,
    onTheWay: new BrokerRenewal.OnTheWay(),
    polls,
    // Half of the deliveries are left, because a stop or a crash before the move is one, too.
    movesAt: Math.ceil(discardsAfter / 2),
    reading: Semaphore.makeUnsafe(1),
    pause,
    roomAgain: Latch.makeUnsafe(),
    wanted: { messages: 0, bytes: 0, perKey: 0 }
  }
  const atBroker = subscription(seat, yield* Effect.scope)
  return store.overflow === undefined
    ? atBroker
    : yield* store.overflow.open(spec, (lanes) => BrokerSource.make(seat, atBroker, lanes))
})
