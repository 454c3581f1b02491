/**
 * Ends a delivery: settles it as its commit decided, holds its key, or dead-letters it.
 *
 * A failure is recorded with the message before another worker can see the message again. The record is bounded in time
 * and repeated under the renewed lease. A store that refuses the record gets one that it cannot refuse.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { Reason } from "../../DeadLetter.ts"
import * as DeadLetter from "../../DeadLetter.ts"
import type { Delivery, DeliveryContext, Failure } from "../../Delivery.ts"
import {
  type LeaseLost,
  StoreFailure,
  type TransactionAborted,
  type TransientFailure,
  type TransportError,
  type UnknownOutcome
} from "../../Errors.ts"
import * as Hold from "../../Hold.ts"
import * as Backoff from "../../internal/Backoff.ts"
import type * as Pipeline from "../../Pipeline.ts"
import * as Store from "../../Store.ts"
import * as Telemetry from "../../Telemetry.ts"
import type { Subscription } from "../../Transport.ts"
import type { MemberOutcome } from "../commit/GroupCommit.ts"
import type { InFlight } from "../fetch/InFlight.ts"
import type { Counters } from "../observe/Counters.ts"
import type { OutcomeSink } from "../observe/Outcomes.ts"
import * as FailureRecord from "./FailureRecord.ts"

export interface Options {
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly store: Store.Store["Service"]
  readonly subscription: Subscription
  readonly inFlight: InFlight
  readonly counters: Counters
  /** Undefined where the program does not read them. */
  readonly outcomes: OutcomeSink | undefined
}

/** The handler's view of its delivery, in this attempt. */
export const contextOf = (delivery: Delivery, attempt: number): DeliveryContext => ({
  message: delivery.message,
  attempt,
  redriven: delivery.redrive?.count ?? 0
})

export interface Disposition {
  readonly settled: (delivery: Delivery, outcome: MemberOutcome) => Effect.Effect<void>
  readonly forget: (delivery: Delivery) => Effect.Effect<void>
  /** Holds the key, after or before this attempt. */
  readonly hold: (
    delivery: Delivery,
    failures: ReadonlyArray<Failure>,
    delay: Duration.Duration,
    attempt: number
  ) => Effect.Effect<void>
  readonly deadLetter: (delivery: Delivery, failures: ReadonlyArray<Failure>, reason: Reason) => Effect.Effect<void>
}

export const make = (options: Options): Disposition => {
  const { counters, inFlight, outcomes, pipeline, store, subscription } = options
  const { consumer } = pipeline
  const apart = bounded(pipeline.settings.commitTimeout)

  const died = (delivery: Delivery, reason: Reason, tag: string, attempts: ReadonlyArray<Failure>, attempt: number) => {
    const tried = DeadLetter.retriedMillis(attempts)
    const long = tried === 0 ? "" : `, after it was tried for ${Duration.format(Duration.millis(tried))}`
    return Effect.logWarning(`A message became a dead letter (${reason}): ${tag}${long}`).pipe(
      Effect.annotateLogs(Telemetry.logFields(consumer, delivery, attempt))
    )
  }

  /** A failed acknowledgement makes a duplicate, no more. */
  const forget = (delivery: Delivery): Effect.Effect<void> =>
    Effect.catch(subscription.acknowledge([delivery]), (error) => Effect.logDebug(error.message))

  /** The commit has decided: the transport may forget it. */
  const settled = (delivery: Delivery, outcome: MemberOutcome): Effect.Effect<void> => {
    switch (outcome._tag) {
      case "Committed":
        return Effect.andThen(forget(delivery), counters.committed(delivery))
      case "Duplicate":
        return Effect.andThen(forget(delivery), counters.outcome(delivery, "duplicate"))
      case "Conflict":
        return Effect.andThen(forget(delivery), counters.outcome(delivery, "dead", "rejected")).pipe(
          Effect.andThen(
            died(delivery, "rejected", "IdempotencyConflict", delivery.attempts, delivery.attempts.length + 1)
          )
        )
      default:
        return forget(delivery)
    }
  }

  /**
   * Runs the transaction of a hold while nothing is read, and drops the prefetched messages of the key with it. An
   * interruption waits for both, which are bounded. A key held in the store but not here would be overtaken by its own
   * successors.
   */
  const held = <A, E>(delivery: Delivery, transaction: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    whole(
      subscription.whileNotReading(
        delivery,
        Effect.tap(transaction, () => Effect.sync(() => inFlight.forgetKey(delivery.message.key)))
      )
    )

  /** The key pauses, with the attempts written down; the worker is free. */
  const hold: Disposition["hold"] = (delivery, failures, delay, attempt) =>
    held(
      delivery,
      apart(store.transact(subscription.hold(delivery, failures, Hold.delayed(delay))))
    ).pipe(
      Effect.andThen(observeHold(contextOf(delivery, attempt), delay)),
      Effect.andThen(counters.outcome(delivery, "held")),
      persistently(consumer, delivery)
    )

  const observeHold = (context: DeliveryContext, delay: Duration.Duration): Effect.Effect<void> =>
    outcomes === undefined
      ? Effect.void
      : Effect.map(
        Clock.currentTimeMillis,
        (now) => outcomes.add({ _tag: "Held", context, until: now + Duration.toMillis(delay) })
      )

  /** Out of the flow: removal, inbox, dead letter and, for a parked key, its hold in one transaction. */
  const deadLetter = (delivery: Delivery, failures: ReadonlyArray<Failure>, reason: Reason): Effect.Effect<void> => {
    const parked = pipeline.settings.order === "park" && delivery.message.keyed
    const last = failures[failures.length - 1]!
    const transaction = (attempts: ReadonlyArray<Failure>) =>
      apart(store.transact(Effect.gen(function*() {
        const ours = yield* subscription.removeInTransaction([delivery])
        if (ours.length === 0) return undefined
        const fingerprint = DeadLetter.fingerprint(attempts.at(-1)!)
        const [deadLetterId] = yield* store.deadLetters.add(consumer, [{
          delivery,
          reason,
          attempts,
          fingerprint,
          parked
        }])
        if (deadLetterId === undefined) return duplicate
        if (parked) yield* subscription.hold(delivery, attempts, Hold.parked)
        return { _tag: "DeadLettered", id: deadLetterId } as const
      })))
    // Both sides forget a parked key within `whileNotReading`. If the key turns out not to be held, it is read again.
    const written = (attempts: ReadonlyArray<Failure>) =>
      parked ? held(delivery, transaction(attempts)) : Effect.tap(transaction(attempts), () => forget(delivery))
    return Effect.catchIf(
      written(failures),
      (error) => error._tag === "StoreFailure" && error.kind === "refused",
      (refusal) =>
        Effect.andThen(
          Effect.logWarning(refusal.message).pipe(
            Effect.annotateLogs(Telemetry.logFields(consumer, delivery, last.attempt))
          ),
          written(failures.map(FailureRecord.bare))
        )
    ).pipe(
      Effect.flatMap((end) => {
        const context = contextOf(delivery, last.attempt)
        switch (end?._tag) {
          case undefined:
            return Effect.void
          case "Duplicate":
            outcomes?.add({ ...end, context })
            return counters.outcome(delivery, "duplicate")
          case "DeadLettered":
            outcomes?.add({ ...end, context, reason, parked })
            return Effect.andThen(
              counters.outcome(delivery, "dead", reason),
              died(delivery, reason, last.tag, failures, last.attempt)
            )
        }
      }),
      persistently(consumer, delivery)
    )
  }

  return { settled, forget, hold, deadLetter }
}

const duplicate = { _tag: "Duplicate" } as const

/**
 * Like a commit, the transaction never queues behind the handlers' own statements, and it has the same bound. Without a
 * bound a missing answer would keep the worker from reading and from stopping.
 */
const bounded =
  (most: Duration.Input) => <A, E, R>(transaction: Effect.Effect<A, E, R>): Effect.Effect<A, E | StoreFailure, R> => {
    const duration = Duration.fromInputUnsafe(most)
    return Effect.timeoutOrElse(Effect.provideService(transaction, Store.WorkerTransaction, "separate"), {
      duration,
      orElse: () =>
        Effect.fail(
          new StoreFailure({
            operation: "hold or dead-letter a message",
            kind: "timeout",
            code: "",
            detail: `it took longer than ${Duration.format(duration)}`,
            hint: "It is tried again. Look for locks that another session holds on its rows."
          })
        )
    })
  }

/**
 * Runs to its end in a fiber of its own: an interruption waits for it. Its own timeouts still work, which they would
 * not in an uninterruptible region.
 */
const whole = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptible(
    Effect.flatMap(Effect.forkChild(Effect.interruptible(effect), { startImmediately: true }), Fiber.join)
  )

type Transient = TransientFailure | TransactionAborted | UnknownOutcome | StoreFailure | TransportError | {
  readonly _tag: "CommitRejected"
  readonly message: string
}

/**
 * Repeats a record until it is written, under the renewed lease. The fiber is interrupted when the lease is lost. Both
 * transactions may be repeated after a missing answer: a hold is the same hold, and a dead-lettering finds its row
 * gone.
 */
const persistently = (consumer: string, delivery: Delivery) =>
(
  write: Effect.Effect<void, Transient | LeaseLost>
): Effect.Effect<void> => {
  const go = (tries: number): Effect.Effect<void> =>
    Effect.catch(write, (error) => {
      if (error._tag === "LeaseLost") {
        return Effect.sync(() => {
          Deferred.doneUnsafe(delivery.lease.lost, Exit.succeed(error))
        })
      }
      return Effect.logWarning(error.message).pipe(
        Effect.annotateLogs(Telemetry.logFields(consumer, delivery, delivery.attempts.length + 1)),
        Effect.andThen(Backoff.pause(tries, { first: 20, cap: 5000 })),
        Effect.andThen(
          Effect.suspend(() => Deferred.isDoneUnsafe(delivery.lease.lost) ? Effect.void : go(tries + 1))
        )
      )
    })
  return go(0)
}
