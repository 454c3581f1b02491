/**
 * The state of a worker's subscription to a broker, and how it hands out, gives back and settles the messages that it
 * has received.
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"
import type * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../../Delivery.ts"
import { LeaseLost, type StoreFailure, TransportError } from "../../Errors.ts"
import type { Store } from "../../Store.ts"
import type { Demand, SubscriptionSpec } from "../../Transport.ts"
import type { Acknowledger } from "./Acknowledger.ts"
import { type BrokerQueue, eachOutcome, type Hidden, inBatches } from "./BrokerQueue.ts"
import * as BrokerRenewal from "./BrokerRenewal.ts"
import { countOf, type Entry, type Held } from "./Held.ts"
import type { Polls } from "./Polls.ts"

/** The state of an open subscription. */
export interface Seat {
  readonly store: Store["Service"]
  readonly spec: SubscriptionSpec
  readonly queue: BrokerQueue
  readonly held: Held
  readonly acknowledger: Acknowledger
  readonly onTheWay: BrokerRenewal.OnTheWay
  readonly polls: Polls
  /** The delivery of a message at which it moves into the lanes, before the broker discards it. */
  readonly movesAt: number
  /** Handing out and the writing of holds exclude one another by this semaphore. */
  readonly reading: Semaphore.Semaphore
  readonly pause: { paused: boolean; checkedAt: bigint }
  /** Opens when the worker has settled a message, so that another one of its key may be handed out. */
  readonly roomAgain: Latch.Latch
  /** The demand of the last call of `take`. */
  wanted: Demand
}

/** How long a closing subscription waits for the broker and the store. Then the leases expire by themselves. */
export const closing = Duration.seconds(5)

/** How long a message that is given back waits for renewals that are on their way. */
const renewing = Duration.seconds(3)

/** Returns the error of the transport for a failure of the store. */
export const ofStore = ({ queue }: Seat, operation: string) => (error: StoreFailure): TransportError =>
  new TransportError({
    engine: queue.engine,
    operation,
    kind: error.kind === "refused" ? "permanent" : "temporary",
    detail: error.message
  })

/**
 * Makes messages visible again, later ones first. Before that, waits for renewals that are on their way, since a late
 * one could hide a message again. Asks once more for each message that the broker has refused for now. A message that
 * is not given back stays hidden until its lease would have ended.
 */
export const giveBack = ({ onTheWay, queue }: Seat, entries: ReadonlyArray<Hidden>): Effect.Effect<void> => {
  const hide = (some: ReadonlyArray<Hidden>) => inBatches(queue, some, eachOutcome(queue.hide))
  return Effect.ignore(Effect.timeout(onTheWay.none, renewing)).pipe(
    Effect.andThen(hide(entries)),
    Effect.flatMap((results) => {
      const again = entries.filter((_, i) => results[i]?.outcome === "notDone")
      return again.length === 0 ? Effect.void : Effect.andThen(Effect.sleep("100 millis"), hide(again))
    }),
    Effect.ignore
  )
}

export const visible = ({ handle }: Entry): Hidden => ({ handle, millis: 0 })

/**
 * Hides a message until its next attempt is due, and takes it out. The messages behind it in its group become visible,
 * and the broker hands out none of them before it.
 *
 * The deliveries that end here are explained. `known` says that the store has the one of the message itself already.
 */
export const hideUntilDue = (seat: Seat, entry: Entry, millis: number, known: boolean): Effect.Effect<void> =>
  Effect.flatMap(Clock.monotonicTimeNanos, (now) => {
    const { held, queue } = seat
    const most = Math.max(0, Math.min(millis, BrokerRenewal.hideable(queue, entry, now)))
    const behind = held.entriesOf(entry.lease).filter(({ position, state }) =>
      position > entry.position && state !== "done"
    )
    const back = [...behind.toReversed().map(visible), { handle: entry.handle, millis: most }]
    for (const one of [entry, ...behind]) held.remove(one)
    return explained(seat, known ? behind : [entry, ...behind]).pipe(
      Effect.andThen(giveBack(seat, back)),
      Effect.timeout(closing),
      Effect.ignore
    )
  })

/** Reads what the store knows of messages that came before. A message whose next attempt is not due is hidden again. */
export const readRecords = Effect.fnUntraced(function*(seat: Seat): Effect.fn.Return<void, TransportError> {
  const unread = seat.held.inState("unread")
  if (unread.length === 0) return
  const records = yield* Effect.mapError(
    seat.store.unsettled.read(seat.spec.consumer, [...new Set(unread.map(({ message }) => message.id))]),
    ofStore(seat, "read the records of messages")
  )
  const byId = new Map(records.map((record) => [record.id, record]))
  for (const entry of unread) {
    entry.record = byId.get(entry.message.id)
    entry.recorded = entry.record !== undefined
    entry.state = "waiting"
  }
  for (const entry of unread) {
    const wait = entry.record?.waitMillis ?? 0
    if (wait > 0 && seat.held.has(entry)) yield* hideUntilDue(seat, entry, wait, false)
  }
})

/** Hands out waiting messages, at most the demand. Synchronous. Returns how many. */
export const handOut = (
  { held, queue }: Seat,
  demand: Demand,
  accept: (deliveries: ReadonlyArray<Delivery>) => void
): number => {
  const deliveries: Array<Delivery> = []
  const skipped = new Set<string>()
  const counts = new Map<string, number>()
  if (queue.ordered) {
    for (const { message } of held.inState("out")) counts.set(message.key, (counts.get(message.key) ?? 0) + 1)
  }
  // An unread message of a group keeps those behind it back, too.
  for (const { groupId } of held.inState("unread")) if (groupId !== undefined) skipped.add(groupId)
  let bytes = 0
  for (const entry of held.inState("waiting")) {
    const { groupId, message } = entry
    if (deliveries.length >= demand.messages) break
    if (deliveries.length > 0 && bytes + entry.bytes > demand.bytes) break
    if (groupId !== undefined && skipped.has(groupId)) continue
    const ofKey = counts.get(message.key) ?? 0
    if (queue.ordered && ofKey >= demand.perKey) {
      skipped.add(groupId!)
      continue
    }
    counts.set(message.key, ofKey + 1)
    bytes += entry.bytes
    deliveries.push(held.delivered(entry))
  }
  if (deliveries.length > 0) accept(deliveries)
  return deliveries.length
}

/** Returns whether so many messages or bytes wait here that no more messages are to be received. */
export const isBusy = ({ acknowledger, held, queue, wanted }: Seat): boolean => {
  if (acknowledger.isFull()) return true
  const waiting = held.inState("waiting")
  if (waiting.length === 0) return false
  return waiting.length >= queue.batchSize || waiting.reduce((sum, { bytes }) => sum + bytes, 0) >= wanted.bytes
}

/**
 * Returns whether a call waits for its round of polls, however short the idle poll is. `Worker.drain` sets an idle
 * poll of 0, and ends when a call hands out nothing while nothing runs. If the last round failed, every call waits for
 * this round, and fails with it. So health shows the failure until a round succeeds.
 */
export const isAwaited = ({ polls, spec }: Seat): boolean => Duration.toMillis(spec.idlePoll) === 0 || polls.failing()

/** Waits for a round of polls. The end of a message ends the wait, too, if others of its key may wait here for it. */
export const polled = (seat: Seat): Effect.Effect<void, TransportError> => {
  const round = seat.polls.round(seat.wanted)
  return isAwaited(seat) || seat.held.inState("waiting").length === 0
    ? round
    : Effect.raceFirst(round, seat.roomAgain.await)
}

/** Returns the error of a delivery that this subscription does not have any more. */
export const notHeld = ({ spec: { consumer } }: Seat, { lease }: Delivery): LeaseLost =>
  new LeaseLost({
    lease: `${lease.name} of "${consumer}"`,
    token: String(lease.token),
    reason: "its message is not held any more"
  })

/** Writes what is known of the deliveries of these entries. */
export const count = (
  { spec, store }: Seat,
  entries: ReadonlyArray<Entry>,
  ended: boolean,
  alone?: Entry
): Effect.Effect<void, StoreFailure> => {
  for (const entry of entries) entry.recorded = true
  const counts = new Map(
    entries.map((entry) => [entry.message.id, countOf(entry, entry !== alone && ended, entry === alone)])
  )
  return counts.size === 0 ? Effect.void : store.unsettled.count(spec.consumer, [...counts.values()])
}

/**
 * Explains the deliveries of entries that are given back. If the store does not answer, they count as crashes, which
 * makes suspects and no dead letters.
 */
export const explained = (seat: Seat, entries: ReadonlyArray<Entry>): Effect.Effect<void> =>
  Effect.catch(count(seat, entries, true), (error) => Effect.logDebug(error.message))

/** Marks an entry as settled, and deletes its message at the broker. */
export const settled = (seat: Seat, entry: Entry): void => {
  if (entry.state === "done") return
  entry.state = "done"
  seat.acknowledger.add(entry)
  seat.roomAgain.openUnsafe()
}
