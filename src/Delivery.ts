/**
 * A delivery: one message handed to one worker, with its earlier attempts and the lease that it is held under.
 *
 * A transport makes deliveries and a worker settles them. Handlers see a {@link DeliveryContext}.
 *
 * @since 0.1.0
 */
import type * as Deferred from "effect/Deferred"
import type { LeaseLost } from "./Errors.ts"
import type { Message } from "./Message.ts"

/**
 * The right to process deliveries until a deadline. The unit of a lease is a lane, a partition, a received group, a
 * message or a channel. If the lease is lost, all its deliveries are lost together. Every commit checks the lease's
 * fencing token.
 *
 * @since 0.1.0
 */
export interface HeldLease {
  /** The lease's name in logs and errors (`lane-12`). The name also selects the committer. */
  readonly name: string
  /** The fencing token. Every claim raises it, and a commit with an older token is refused. */
  readonly token: bigint
  /** Monotonic nanoseconds, read before the request of the claim was sent. The first deadline counts from here. */
  readonly claimedAt: bigint
  /** This Deferred completes when the lease is lost. The transport completes it, or the worker does at the deadline. */
  readonly lost: Deferred.Deferred<LeaseLost>
}

/**
 * One failed attempt, as it is stored with the message and later with its dead letter. It contains JSON values only.
 *
 * @since 0.1.0
 */
export interface Failure {
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /**
   * Milliseconds since the epoch, on the worker's clock. This time is for display and for retry schedules. It is never
   * compared with the store's clock.
   */
  readonly at: number
  /** Tag of the error: `PaymentDeclined`, `StepTimeout`, `Defect`. */
  readonly tag: string
  /** The JSON of the typed error, or the error as the Schema of `Pipeline.deadLetter` encoded it. */
  readonly error: unknown
  /** Whether that Schema encoded `error`, so that `DeadLetter.decodeError` can decode it. */
  readonly encoded?: true | undefined
  readonly message: string
  /** Stack and cause as text, bounded. */
  readonly stack: string
  /** The phase that failed: `decode`, `steps`, `commit`. */
  readonly step: string
  /**
   * The step of the pipeline that failed, as in `Pipeline.mapEffect`, and its position: 1 for the first step. Undefined
   * if no step failed, and for failures in the middle of many.
   */
  readonly failedStep?: { readonly name: string; readonly position: number } | undefined
  /**
   * The place of the failure, part of its fingerprint.
   *
   * - For most errors: function and file of the first frame outside of libraries, without its line.
   * - For an undecodable payload: the path in it and the kind of issue.
   * - For an SQL error, or another error with a `reason`: kind, SQLSTATE and constraint, before the frame.
   */
  readonly frame: string
  readonly worker: string
  readonly codeVersion: string
}

/**
 * One message handed to one worker.
 *
 * @since 0.1.0
 */
export interface Delivery {
  /** The message as it was published, or as an operator edited it. */
  readonly message: Message
  /** The lease under which the worker may commit the message. */
  readonly lease: HeldLease
  /** The position ascends within a lease, and defines the order. */
  readonly position: bigint
  /** How many workers died while they had the message in flight. */
  readonly crashCount: number
  /**
   * Whether one of these workers died while the message ran alone. Only such a message can become a dead letter
   * `crashed`.
   */
  readonly crashedAlone: boolean
  /** Recorded failures of earlier attempts, oldest first. */
  readonly attempts: ReadonlyArray<Failure>
  /**
   * The dead letter that this delivery redrives, and how often it has been redriven. Absent for a message that was
   * never redriven.
   */
  readonly redrive?: { readonly deadLetterId: string; readonly count: number } | undefined
  /** Data of the adapter: lane and sequence number, receipt handle, reply subject, offset. */
  readonly receipt: unknown
}

/**
 * The delivery as a handler sees it, beside the decoded value.
 *
 * @since 0.1.0
 */
export interface DeliveryContext {
  readonly message: Message
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /** How often the message was redriven. 0 if it never was. */
  readonly redriven: number
}
