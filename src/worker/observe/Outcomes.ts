/**
 * Keeps the outcomes of deliveries for the reader of `Worker.stream`.
 *
 * An outcome is added synchronously after COMMIT and before the turn of its key ends. So the outcomes of one key come
 * in order. An unread outcome occupies one place of the worker's capacity until the reader asks for more. So a slow
 * reader slows the fetching, and never a COMMIT.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import type { Reason } from "../../DeadLetter.ts"
import type { DeliveryContext } from "../../Delivery.ts"
import { Capacity, type Limits } from "../../internal/flow/Capacity.ts"
import type { MemberOutcome } from "../commit/GroupCommit.ts"

interface Ended {
  /** The message, and the attempt with which its delivery ended. */
  readonly context: DeliveryContext
}

/**
 * How a delivery ended. An outcome is an observation and comes at most once. A delivery that was lost or given back has
 * none, and a COMMIT whose answer was lost may have none.
 *
 * @since 0.1.0
 */
export type Outcome<A> =
  /** The effects of the message's steps are committed. `value` is the result of the last step. */
  | Ended & { readonly _tag: "Committed"; readonly value: A }
  /** A filter dropped the message, and it is committed without the steps after the filter. */
  | Ended & { readonly _tag: "Filtered" }
  /** The message's id was committed or dead-lettered before, with the same content. So this delivery had no effect. */
  | Ended & { readonly _tag: "Duplicate" }
  /** The message is a dead letter with this id. If `parked`, its key waits for an operator. */
  | Ended & { readonly _tag: "DeadLettered"; readonly id: string; readonly reason: Reason; readonly parked: boolean }
  /**
   * The message's key is held until about this time, in whole milliseconds since the epoch. Then the message is
   * delivered again. `error` is the error of the attempt that failed. It is undefined if no attempt failed, for example
   * since this worker does not know the topic.
   */
  | Ended & { readonly _tag: "Held"; readonly until: number; readonly error: unknown }
  /** The pipeline is `atMostOnce`, and the message failed after it was taken, so it does not run again. */
  | Ended & { readonly _tag: "Failed"; readonly error: unknown }

type Unread = Outcome<unknown>

/** Where a worker puts outcomes. */
export type OutcomeSink = Pick<Outcomes<never>, "add" | "addMember">

export class Outcomes<E> {
  /** The capacity of the worker: unread outcomes share it with the messages in flight. */
  readonly capacity: Capacity
  private unread: Array<Unread> = []
  private reading: ReadonlyArray<Unread> = []
  private readonly arrived = Latch.makeUnsafe(false)
  private exit: Exit.Exit<void, E> | undefined

  constructor(limits: Limits) {
    this.capacity = new Capacity(limits)
  }

  add(outcome: Unread): void {
    this.unread.push(outcome)
    this.capacity.occupy(outcome.context.message.payload.length)
    this.arrived.openUnsafe()
  }

  /**
   * Adds the outcome of a member whose transaction has ended. A failed member gets none here, since its attempt may be
   * repeated.
   */
  addMember(context: DeliveryContext, outcome: MemberOutcome): void {
    switch (outcome._tag) {
      case "Committed":
        return this.add(
          outcome.filtered ? { _tag: "Filtered", context } : { _tag: "Committed", context, value: outcome.value }
        )
      case "Duplicate":
        return this.add({ _tag: "Duplicate", context })
      case "Conflict":
        return outcome.deadLetterId === undefined ? undefined : this.add({
          _tag: "DeadLettered",
          context,
          id: outcome.deadLetterId,
          reason: "rejected",
          parked: false
        })
      case "Failed":
      case "Skipped":
      case "NotHeld":
        return undefined
    }
  }

  /** Ends the stream, since the worker has ended. The reader first gets the unread outcomes. */
  end(exit: Exit.Exit<void, E>): void {
    this.exit = exit
    this.arrived.openUnsafe()
  }

  /**
   * Returns the outcomes since the last pull. The reader is done with the earlier ones, so a pull frees their places in
   * the capacity.
   */
  readonly pull: Pull.Pull<readonly [Unread, ...Array<Unread>], E> = Effect.suspend(() => {
    for (const { context } of this.reading) this.capacity.free(context.message.payload.length)
    this.reading = []
    const { unread } = this
    if (isNonEmpty(unread)) {
      this.reading = unread
      this.unread = []
      return Effect.succeed(unread)
    }
    if (this.exit !== undefined) return this.exit._tag === "Success" ? Cause.done() : Effect.failCause(this.exit.cause)
    this.arrived.closeUnsafe()
    return Effect.andThen(this.arrived.await, this.pull)
  })
}

const isNonEmpty = (outcomes: Array<Unread>): outcomes is [Unread, ...Array<Unread>] => outcomes.length > 0
