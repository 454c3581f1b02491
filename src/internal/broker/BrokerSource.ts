/**
 * The messages at a broker as the source beside the lanes of their consumer. A message that fails moves into the lanes,
 * with those of its key that the worker has, and the broker deletes them after the commit.
 *
 * If the broker keeps order, messages of a diverted key move before they run. A commit checks this again, since a stale
 * owner may have moved an earlier message meanwhile.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { TransportError } from "../../Errors.ts"
import type { Moving, OverflowLanes, Source, Store } from "../../Store.ts"
import type { Capabilities, Subscription } from "../../Transport.ts"
import { crashCountOf, type Entry } from "./Held.ts"
import {
  handOut,
  hideUntilDue,
  isAwaited,
  isBusy,
  notHeld,
  ofStore,
  polled,
  readRecords,
  type Seat,
  settled
} from "./Seat.ts"

/**
 * Returns what a broker can do with this store. Without lanes a failing message waits at the broker, which hides it for
 * a limited time.
 */
export const capabilitiesWith = (can: Capabilities, { overflow }: Store["Service"]): Capabilities =>
  overflow === undefined ? { ...can, hold: "timed" } : can

/** Returns the entry of a delivery as it moves into the lanes. */
const movingOf = (entry: Entry, attempts = entry.record?.attempts ?? []): Moving => ({
  message: entry.message,
  attempts,
  crashCount: crashCountOf(entry),
  crashedAlone: entry.record?.alone === true
})

/** Returns the entries of the same key under the same lease that stand behind this one, up to an unread one. */
const behindOf = ({ held }: Seat, entry: Entry): ReadonlyArray<Entry> => {
  const behind = held.entriesOf(entry.lease).filter(({ message, position, state }) =>
    message.key === entry.message.key && position > entry.position && state !== "done"
  )
  const unread = behind.findIndex(({ state }) => state === "unread")
  return unread < 0 ? behind : behind.slice(0, unread)
}

/**
 * Moves the waiting messages of diverted keys. If a message of the key is with the worker, later ones wait, since that
 * message may have to move before them. Returns whether any has moved.
 *
 * Without order only a message that has come before can wait in the lanes: its delete was lost after it had moved. A
 * message that the broker is about to discard moves in any case.
 */
const divert = Effect.fnUntraced(
  function*(seat: Seat, lanes: OverflowLanes): Effect.fn.Return<boolean, TransportError> {
    const { held, movesAt, queue: { ordered } } = seat
    const move = Effect.fnUntraced(
      function*(entries: ReadonlyArray<Entry>, which: Parameters<OverflowLanes["divert"]>[1]) {
        if (entries.length === 0) return false
        const found = yield* lanes.divert(entries.map((entry) => movingOf(entry)), which)
        for (const [i, entry] of entries.entries()) {
          if (found[i] === "moved") settled(seat, entry)
          // The messages behind it wait with it.
          if (found[i] === "full" && held.has(entry)) {
            yield* hideUntilDue(seat, entry, Duration.toMillis(seat.spec.lease), false)
          }
        }
        return which !== "none" && found.includes("moved")
      }
    )
    if (ordered) {
      const earlier = new Set([...held.inState("out"), ...held.inState("unread")].map(({ message }) => message.key))
      return yield* move(held.inState("waiting").filter(({ message }) => !earlier.has(message.key)), "diverted")
    }
    const again = held.inState("waiting").filter(({ receiveCount }) => receiveCount > 1)
    yield* move(again.filter(({ receiveCount }) => receiveCount < movesAt), "none")
    return yield* move(again.filter(({ receiveCount }) => receiveCount >= movesAt), "all")
  }
)

/** Removes deliveries as `removeInTransaction`, without those whose keys are diverted: they belong behind the lanes. */
const removeUndiverted = (
  seat: Seat,
  lanes: OverflowLanes,
  remove: Subscription["removeInTransaction"]
): Subscription["removeInTransaction"] =>
  Effect.fnUntraced(function*(deliveries) {
    const ours = yield* remove(deliveries)
    if (ours.length === 0 || !seat.queue.ordered) return ours
    const diverted = yield* lanes.diverted([...new Set(ours.map(({ message }) => message.key))])
    return diverted.size === 0 ? ours : ours.filter(({ message }) => !diverted.has(message.key))
  })

/**
 * Describes the removal of messages that the subscription has and that have no record in the store. Any other one needs
 * `removeInTransaction`.
 */
const removal = ({ held, queue }: Seat, lanes: OverflowLanes): Subscription["removal"] => (deliveries) =>
  deliveries.every((delivery) => held.of(delivery)?.recorded === false)
    ? lanes.removal(queue.ordered ? [...new Set(deliveries.map(({ message }) => message.key))] : [])
    : undefined

/**
 * Holds the key of a message in the lanes, and moves the message and those behind it there. A message whose outcome the
 * inbox knows is settled instead. Otherwise the broker would hand it out after each lease.
 */
const holdInLanes = (seat: Seat, lanes: OverflowLanes): Subscription["hold"] =>
  Effect.fnUntraced(function*(delivery, attempts, hold) {
    const entry = seat.held.of(delivery)
    if (entry === undefined) return yield* notHeld(seat, delivery)
    const behind = behindOf(seat, entry)
    const known = [entry, ...behind].filter(({ recorded }) => recorded).map(({ message }) => message.id)
    const registered = yield* Effect.mapError(
      seat.store.unsettled.settle(seat.spec.consumer, known),
      ofStore(seat, "hold a message")
    )
    if (!registered) return yield* notHeld(seat, delivery)
    const held = yield* lanes.hold({
      message: entry.message,
      hold,
      // The dead letter of a parked message keeps its place, so only the messages behind it move.
      moving: [...hold._tag === "Parked" ? [] : [movingOf(entry, attempts)], ...behind.map((one) => movingOf(one))],
      committed: () => {
        for (const one of [entry, ...behind]) settled(seat, one)
      }
    })
    return held ? "held" : "settled"
  })

/** Returns the messages at the broker as a source beside the lanes of the consumer in the store. */
export const make = (seat: Seat, atBroker: Subscription, lanes: OverflowLanes): Source => {
  const { acknowledge, drop, fence, held, isolate, release, removeInTransaction, renew } = atBroker
  return {
    has: ({ receipt }) => seat.held.issued(receipt),
    poll: (demand, accept) =>
      Effect.gen(function*() {
        seat.roomAgain.closeUnsafe()
        if (lanes.paused()) return { handed: 0, moved: false }
        yield* readRecords(seat)
        const moved = yield* divert(seat, lanes)
        seat.wanted = demand
        return { handed: demand.messages > 0 ? handOut(seat, demand, accept) : 0, moved }
      }),
    arrival: Effect.suspend(() =>
      lanes.paused() || isBusy(seat)
        ? seat.roomAgain.await
        : polled(seat)
    ),
    awaited: () => isAwaited(seat) && !lanes.paused() && !isBusy(seat),
    acknowledge,
    drop,
    readAgain: (key) => {
      for (const entry of seat.held.inState("out")) if (entry.message.key === key) entry.state = "waiting"
      seat.roomAgain.openUnsafe()
    },
    hold: holdInLanes(seat, lanes),
    leases: {
      fence,
      held,
      isolate,
      release,
      removal: removal(seat, lanes),
      removeInTransaction: removeUndiverted(seat, lanes, removeInTransaction),
      renew
    }
  }
}
