/**
 * Settles a delivery as its commit decided, holds its key, or dead-letters its message.
 *
 * A failure is recorded with the message before another worker can see the message again. The transaction that writes
 * the record has a timeout, and is repeated while the lease is renewed. If the store refuses the record of a dead
 * letter, the record is written without the error's text.
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
import type { Warnings } from "../observe/Warnings.ts"
import * as FailureRecord from "./FailureRecord.ts"

export interface Options {
  readonly pipeline: Pipeline.Pipeline<unknown, unknown, unknown>
  readonly store: Store.Store["Service"]
  readonly subscription: Subscription
  readonly inFlight: InFlight
  readonly counters: Counters
  readonly warnings: Warnings
  /** Undefined if the program does not read outcomes. */
  readonly outcomes: OutcomeSink | undefined
}

/** Returns the context that handlers get in this attempt. */
export const contextOf = (delivery: Delivery, attempt: number): DeliveryContext => ({
  message: delivery.message,
  attempt,
  redriven: delivery.redrive?.count ?? 0
})

export interface Disposition {
  readonly settled: (delivery: Delivery, outcome: MemberOutcome) => Effect.Effect<void>
  /** Acknowledges deliveries, as `settled` does. */
  readonly forget: (deliveries: ReadonlyArray<Delivery>) => Effect.Effect<void>
  /**
   * Holds the key of the delivery for the delay. `attempt` is the number of the attempt that failed, or that could not
   * begin. `error` is the error of that attempt. Undefined if no attempt failed.
   */
  readonly hold: (
    delivery: Delivery,
    failures: ReadonlyArray<Failure>,
    delay: Duration.Duration,
    attempt: number,
    error?: unknown
  ) => Effect.Effect<void>
  readonly deadLetter: (delivery: Delivery, failures: ReadonlyArray<Failure>, reason: Reason) => Effect.Effect<void>
}

export const make = (options: Options): Disposition => {
  const { counters, inFlight, outcomes, pipeline, store, subscription, warnings } = options
  const { consumer } = pipeline
  const apart = bounded(pipeline.settings.commitTimeout)

  const died = (
    delivery: Delivery,
    reason: Reason,
    deadLetterId: string | undefined,
    attempts: ReadonlyArray<Failure>,
    last: { readonly attempt: number; readonly said: string }
  ) => {
    const tried = DeadLetter.retriedMillis(attempts)
    const long = tried === 0 ? "" : `, after it was tried for ${Duration.format(Duration.millis(tried))}`
    return Effect.logWarning(`A message became a dead letter (${reason}): ${last.said}${long}`).pipe(
      Effect.annotateLogs({
        ...Telemetry.logFields(consumer, delivery, last.attempt),
        ...(deadLetterId === undefined ? undefined : { deadLetter: deadLetterId })
      })
    )
  }

  /**
   * Acknowledges deliveries. A failure is only logged: the message may come again, and its commit then decides,
   * mostly as a duplicate.
   */
  const forget = (deliveries: ReadonlyArray<Delivery>): Effect.Effect<void> =>
    Effect.catch(subscription.acknowledge(deliveries), (error) => Effect.logDebug(error.message))

  /** Ends the transport's record of a delivery that this worker did not settle. */
  const drop = (delivery: Delivery): Effect.Effect<void> =>
    Effect.catch(subscription.drop([delivery]), (error) => Effect.logDebug(error.message))

  /** Acknowledges a delivery after its commit, and counts the outcome. */
  const settled = (delivery: Delivery, outcome: MemberOutcome): Effect.Effect<void> => {
    switch (outcome._tag) {
      case "Committed":
        return Effect.andThen(forget([delivery]), counters.committed(delivery))
      case "Duplicate":
        return Effect.andThen(forget([delivery]), counters.outcome(delivery, "duplicate"))
      case "Conflict":
        return Effect.andThen(forget([delivery]), counters.outcome(delivery, "dead", "rejected")).pipe(
          Effect.andThen(
            died(delivery, "rejected", outcome.deadLetterId, delivery.attempts, {
              attempt: delivery.attempts.length + 1,
              said: "IdempotencyConflict"
            })
          )
        )
      default:
        return drop(delivery)
    }
  }

  /**
   * Runs the transaction of a hold while the transport reads nothing of the lane, and drops the prefetched messages of
   * the key after it. If the key were held in the store but not in this worker, its next messages would overtake the
   * held one. An interruption waits for both parts, which have bounds.
   */
  const held = <A, E>(delivery: Delivery, transaction: Effect.Effect<A, E>): Effect.Effect<A, E> =>
    whole(
      subscription.whileNotReading(
        delivery,
        Effect.tap(transaction, () => Effect.sync(() => inFlight.forgetKey(delivery.message)))
      )
    )

  /**
   * Holds the key in the store and records the failures. Meanwhile the worker processes other keys. A message that is
   * settled already is acknowledged before its key is read again.
   */
  const hold: Disposition["hold"] = (delivery, failures, delay, attempt, error) => {
    const context = contextOf(delivery, attempt)
    return held(
      delivery,
      Effect.tap(
        apart(store.transact(subscription.hold(delivery, failures, Hold.delayed(delay)))),
        (end) => end === "settled" ? forget([delivery]) : Effect.void
      )
    ).pipe(
      Effect.flatMap((end) =>
        end === "settled"
          ? wasDuplicate(delivery, context)
          : observeHold(context, delay, error).pipe(
            Effect.andThen(counters.outcome(delivery, "held")),
            Effect.andThen(firstHeld(delivery, failures, delay))
          )
      ),
      persistently(consumer, delivery)
    )
  }

  /** Reports a delivery that has failed, although its message was settled before. */
  const wasDuplicate = (delivery: Delivery, context: DeliveryContext): Effect.Effect<void> =>
    Effect.suspend(() => {
      outcomes?.add({ ...duplicate, context })
      return counters.outcome(delivery, "duplicate")
    })

  const observeHold = (context: DeliveryContext, delay: Duration.Duration, error: unknown): Effect.Effect<void> =>
    outcomes === undefined
      ? Effect.void
      : Effect.map(
        Clock.currentTimeMillis,
        (now) => outcomes.add({ _tag: "Held", context, until: Math.ceil(now + Duration.toMillis(delay)), error })
      )

  /**
   * Logs that a message is held for the first time. Without the line a failing handler would be silent until its
   * message dies, which takes many minutes.
   */
  const firstHeld = (
    delivery: Delivery,
    failures: ReadonlyArray<Failure>,
    delay: Duration.Duration
  ): Effect.Effect<void> => {
    const last = failures.at(-1)
    if (last === undefined || delivery.attempts.length > 0) return Effect.void
    const wait = Duration.format(Duration.seconds(Math.ceil(Duration.toSeconds(delay))))
    return warnings.held(
      last.tag,
      `Attempt ${last.attempt} failed, and the message is held for a retry in ${wait}: ${FailureRecord.shown(last)}. `
        + `Nothing of it was committed.${delivery.message.keyed ? " The next messages of its key wait." : ""}`,
      Telemetry.logFields(consumer, delivery, last.attempt)
    )
  }

  /**
   * Makes the message a dead letter. One transaction removes the message, records its id and the dead letter, and holds
   * the key if it is to be parked.
   */
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
    // For a parked key, transport and flow drop the prefetched messages within `whileNotReading`. If the key is not
    // held in the end, its messages are read again. A duplicate is acknowledged before that. A broker or a log would
    // otherwise hand it out again and again.
    const written = (attempts: ReadonlyArray<Failure>) =>
      parked
        ? held(
          delivery,
          Effect.tap(transaction(attempts), (end) => end?._tag === "Duplicate" ? forget([delivery]) : Effect.void)
        )
        : Effect.tap(transaction(attempts), (end) => end === undefined ? drop(delivery) : forget([delivery]))
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
            return wasDuplicate(delivery, context)
          case "DeadLettered":
            outcomes?.add({ ...end, context, reason, parked })
            return Effect.andThen(
              counters.outcome(delivery, "dead", reason),
              died(delivery, reason, end.id, failures, { attempt: last.attempt, said: FailureRecord.shown(last) })
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
 * Runs a transaction with the timeout of a commit, on a connection that the store reserves for workers. So it does not
 * wait for connections that handlers use. Without the timeout a missing answer would keep the worker from reading and
 * from stopping.
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
 * Runs the effect in a fiber of its own, and an interruption waits for that fiber. So the effect's own timeouts still
 * work, which they would not in an uninterruptible region.
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
 * Repeats a transaction until it is committed or the lease is lost. Hold and dead-lettering may both be repeated after
 * a missing answer. A second hold equals the first one, and a second dead-lettering finds the message removed.
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
