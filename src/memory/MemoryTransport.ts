/**
 * The transport over the queues of a memory store.
 *
 * Time is Effect's `Clock`, so a `TestClock` drives leases, holds and idle polls. A poll reads rows and hands them to
 * the worker in one synchronous step. While a hold is written, no poll runs.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type { Delivery } from "../Delivery.ts"
import { ConsumerRemoved, LeaseLost, TransportError } from "../Errors.ts"
import type { Store } from "../Store.ts"
import * as Telemetry from "../Telemetry.ts"
import type { Capabilities, Subscription, SubscriptionSpec, Transport } from "../Transport.ts"
import type { Lane, Row, WorkerClaim } from "./MemoryLane.ts"
import type { MemoryQueue } from "./MemoryQueue.ts"
import type { MemoryState } from "./MemoryStore.ts"
import { isLocked, required } from "./MemoryTransaction.ts"

/** The capabilities of the memory engine. The table in `README.md` is generated from them. */
export const capabilities: Capabilities = {
  engine: "memory",
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

const failed = (operation: string, detail: string): TransportError =>
  new TransportError({ engine: "memory", operation, kind: "permanent", detail })

/** The data of one open subscription. */
interface Seat {
  readonly state: MemoryState
  readonly queue: MemoryQueue
  readonly claim: WorkerClaim
  readonly idleMillis: number
  /** Polls and the writing of holds exclude one another by this semaphore. */
  readonly reading: Semaphore.Semaphore
}

const transactionOf = (state: MemoryState, operation: string) =>
  Effect.catchTag(required(state, operation), "StoreFailure", (error) => Effect.fail(failed(operation, error.detail)))

const asDelivery = (queue: MemoryQueue, row: Row): Delivery => ({
  message: row.message,
  lease: queue.laneOf(row.message.key).lease!,
  position: BigInt(row.seq),
  crashCount: row.crashCount,
  crashedAlone: row.crashedAlone,
  attempts: row.attempts,
  redrive: row.redrive,
  receipt: row.seq
})

/** Returns the row of a delivery, or undefined if its lease is lost, or if the row was removed or redriven since. */
const rowOf = (queue: MemoryQueue, delivery: Delivery): { readonly lane: Lane; readonly row: Row } | undefined => {
  const lane = queue.fenced(delivery.lease, delivery.message.key)
  const row = lane?.rows.get(Number(delivery.position))
  // A redriven message may have the position of its earlier delivery, so the number of redrives is compared, too.
  const same = row?.redrive?.count === delivery.redrive?.count
  return lane === undefined || row === undefined || !same ? undefined : { lane, row }
}

const removeInTransaction = (seat: Seat): Subscription["removeInTransaction"] =>
  Effect.fnUntraced(function*(deliveries) {
    const { claim, queue, state } = seat
    const transaction = yield* transactionOf(state, "settle messages")
    return yield* Effect.clockWith((clock) =>
      Effect.sync(() => {
        const removed = new Map<Row, Lane>()
        const ours = deliveries.filter((delivery) => {
          const found = rowOf(queue, delivery)
          if (found === undefined || removed.has(found.row) || transaction.removed(found.row)) return false
          removed.set(found.row, found.lane)
          return true
        })
        if (ours.length < deliveries.length) queue.notice(claim, clock.currentTimeMillisUnsafe())
        transaction.stage({
          removed: new Set(removed.keys()),
          stale: () =>
            ours.every((delivery) => removed.has(rowOf(queue, delivery)?.row as Row))
              ? undefined
              : "a lease or a message was lost before the commit",
          apply: () => {
            for (const [row, lane] of removed) queue.remove(lane, row)
          }
        })
        return ours
      })
    )
  })

const fence = (seat: Seat): Subscription["fence"] =>
  Effect.fnUntraced(function*(deliveries) {
    const { queue, state } = seat
    const transaction = yield* transactionOf(state, "look at fencing tokens")
    const held = ({ lease, message }: Delivery) => queue.fenced(lease, message.key) !== undefined
    const ours = deliveries.filter(held)
    transaction.stage({
      stale: () => ours.every(held) ? undefined : "a lease was lost before the commit",
      apply: () => {}
    })
    return ours
  })

const hold = (seat: Seat): Subscription["hold"] =>
  Effect.fnUntraced(function*(delivery, attempts, hold) {
    const { claim, queue, state } = seat
    const transaction = yield* transactionOf(state, "hold a key")
    const { key } = delivery.message
    return yield* Effect.clockWith((clock): Effect.Effect<"held", LeaseLost> => {
      const now = clock.currentTimeMillisUnsafe()
      const stale = () =>
        queue.fenced(delivery.lease, key) === undefined ? "a lease was lost before the commit" : undefined
      if (stale() !== undefined) {
        queue.notice(claim, now)
        const lease = `${delivery.lease.name} of "${queue.consumer}"`
        return Effect.fail(
          new LeaseLost({ lease, token: String(delivery.lease.token), reason: "another worker took it over" })
        )
      }
      const until = hold._tag === "Parked" ? Infinity : now + Duration.toMillis(hold.delay)
      transaction.stage({
        stale,
        apply: () => {
          const found = rowOf(queue, delivery)
          if (found !== undefined) found.row.attempts = attempts
          queue.hold(key, until)
        }
      })
      return Effect.succeed("held")
    })
  })

/** The result of a poll that found nothing. The wait ends when `woken` completes or `millis` have passed. */
interface Idle {
  readonly woken: Deferred.Deferred<void>
  readonly millis: number
}

/** Polls the queue once: hands over its rows, or returns how to wait for more. */
const poll = (
  seat: Seat,
  ...[demand, accept]: Parameters<Subscription["take"]>
): Effect.Effect<Idle | undefined, ConsumerRemoved> =>
  seat.reading.withPermits(1)(Effect.clockWith((clock) =>
    Effect.suspend(() => {
      const { claim, queue, state } = seat
      const now = clock.currentTimeMillisUnsafe()
      state.moveDue(now, (name) => isLocked(state, name))
      state.resumeDue(queue, now)
      const rows = queue.read(claim, demand, now, clock.monotonicTimeNanosUnsafe())
      if (queue.removed) {
        state.flush()
        return Effect.fail(new ConsumerRemoved({ consumer: queue.consumer }))
      }
      if (rows.length === 0) {
        // The Deferred is made in the same synchronous step as the read, so that no wake-up between the two is missed.
        const woken = claim.waiting ??= Deferred.makeUnsafe()
        // The wait is rounded up to whole milliseconds. A fraction of one might not move the clock, and the worker
        // would sleep again and again.
        const millis = Math.min(
          seat.idleMillis,
          Math.ceil(Math.min(queue.untilDue(claim, now), state.delayed.next(now) - now))
        )
        state.flush()
        return Effect.succeed({ woken, millis })
      }
      let accepted = false
      try {
        accept(rows.map((row) => asDelivery(queue, row)))
        accepted = true
      } finally {
        if (!accepted) queue.takeBack(rows)
      }
      state.flush()
      return Effect.succeed(undefined)
    })
  ))

/** Adds the lanes that were claimed since the last call to the metric. */
const claimed = ({ claim, queue }: Seat): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { expired, free } = claim.claims
    claim.claims = { expired: 0, free: 0 }
    return Telemetry.claimed(queue.consumer, expired, free)
  })

const take = (seat: Seat): Subscription["take"] => (demand, accept) =>
  Effect.flatMap(Effect.tap(poll(seat, demand, accept), () => claimed(seat)), (idle) => {
    if (idle === undefined) return Effect.void
    return Effect.raceFirst(Deferred.await(idle.woken), Effect.sleep(idle.millis)).pipe(
      Effect.andThen(poll(seat, demand, accept)),
      Effect.andThen(claimed(seat)),
      Effect.asVoid
    )
  })

const whileNotReading = (seat: Seat): Subscription["whileNotReading"] => (delivery, write) =>
  seat.reading.withPermits(1)(Effect.tap(write, () =>
    Effect.sync(() => {
      const lane = seat.queue.fenced(delivery.lease, delivery.message.key)
      if (lane !== undefined) seat.queue.forget(lane, delivery.message.key)
      seat.state.flush()
    })))

const subscription = (seat: Seat): Subscription => {
  const { claim, queue, state } = seat
  const forget: Subscription["acknowledge"] = (deliveries) =>
    Effect.sync(() => {
      queue.acknowledge(deliveries)
      state.flush()
    })
  return {
    take: take(seat),
    whileNotReading: whileNotReading(seat),
    paused: () => claim.paused,
    held: () => [...claim.held.keys()],
    renew: (leases) =>
      Effect.clockWith((clock) =>
        Effect.sync(() => {
          const now = clock.currentTimeMillisUnsafe()
          state.resumeDue(queue, now)
          const confirmed = queue.renew(claim, leases, now)
          state.flush()
          return confirmed
        })
      ),
    removeInTransaction: removeInTransaction(seat),
    fence: fence(seat),
    acknowledge: forget,
    drop: forget,
    hold: hold(seat),
    isolate: (delivery) =>
      Effect.asVoid(Effect.acquireRelease(
        Effect.sync(() => {
          const before = claim.counted
          claim.counted = { seq: delivery === undefined ? undefined : Number(delivery.position) }
          return before
        }),
        (before) =>
          Effect.sync(() => {
            claim.counted = before
          })
      )),
    release: (leases) =>
      Effect.sync(() => {
        queue.release(claim, leases)
        state.flush()
      })
  }
}

const open = (state: MemoryState) =>
(
  spec: SubscriptionSpec
): Effect.Effect<Subscription, TransportError, Scope.Scope> =>
  Effect.clockWith((clock) => {
    const queue = state.queues.get(spec.consumer)
    if (queue === undefined) return Effect.fail(failed("open", `consumer "${spec.consumer}" is not registered`))
    if (queue.lanes.length !== spec.lanes) {
      return Effect.fail(
        failed("open", `consumer "${spec.consumer}" has ${queue.lanes.length} lanes, not ${spec.lanes}`)
      )
    }
    return Effect.acquireRelease(
      Effect.sync(() => {
        const claim = queue.join(spec.worker, Duration.toMillis(spec.lease), clock.currentTimeMillisUnsafe())
        state.flush()
        return claim
      }),
      (claim) =>
        Effect.sync(() => {
          queue.leave(claim)
          state.flush()
        })
    ).pipe(Effect.map((claim) =>
      subscription({
        state,
        queue,
        claim,
        idleMillis: Duration.toMillis(spec.idlePoll),
        reading: Semaphore.makeUnsafe(1)
      })
    ))
  })

export const makeTransport = (state: MemoryState, store: Store["Service"]): Transport["Service"] => ({
  capabilities: Effect.succeed(capabilities),
  publish: store.outbox.write,
  open: open(state)
})
