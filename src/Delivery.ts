/**
 * One handing-over of a message to one worker: the message, the attempts so far, and the lease it is held under.
 *
 * Deliveries are made by a transport and settled by a worker. Handlers see {@link DeliveryContext}, a view of it.
 *
 * @since 0.1.0
 */
import type * as Deferred from "effect/Deferred"
import type { LeaseLost } from "./Errors.ts"
import type { Message } from "./Message.ts"

/**
 * The right to work on deliveries until a deadline: what is lost as one (a lane, a partition, a received group, a
 * message, a channel). The fencing token is looked at again in every commit.
 *
 * @since 0.1.0
 */
export interface HeldLease {
  /** Names it in logs and errors, and picks the committer: `lane-12`. */
  readonly name: string
  /** Raised by every claim; a commit under an older one is refused. */
  readonly token: bigint
  /** Monotonic nanoseconds, read before the request that claimed it was sent: the first deadline counts from here. */
  readonly claimedAt: bigint
  /** Completed when the lease is lost, by whoever notices first: the transport, or the worker at the deadline. */
  readonly lost: Deferred.Deferred<LeaseLost>
}

/**
 * One failed attempt, as it is stored with the message and later with its dead letter. JSON through and through.
 *
 * @since 0.1.0
 */
export interface Failure {
  /** 1 for the first attempt. */
  readonly attempt: number
  /** Milliseconds since the epoch, on the worker's clock: for people to read, never compared. */
  readonly at: number
  /** Tag of the error: `PaymentDeclined`, `StepTimeout`, `Defect`. */
  readonly tag: string
  /** What JSON can keep of the typed error, or what the Schema of `Pipeline.deadLetter` made of it. */
  readonly error: unknown
  /** Whether `error` was written by that Schema, so that `DeadLetter.decodeError` can read it. */
  readonly encoded?: true | undefined
  readonly message: string
  /** Stack and cause, as text, bounded. */
  readonly stack: string
  /** Where it failed: `decode`, `steps`, `commit`. */
  readonly step: string
  /**
   * First frame of the stack outside of libraries, as function and file, without its line; where the payload does not decode, the
   * path in it and the kind of issue; of an SQL error (or another with a `reason`) before it the kind, SQLSTATE and constraint. Part of the failure's fingerprint.
   */
  readonly frame: string
  readonly worker: string
  readonly codeVersion: string
}

/**
 * One message in the hands of one worker.
 *
 * @since 0.1.0
 */
export interface Delivery {
  readonly message: Message
  readonly lease: HeldLease
  /** Ascending within a lease; what "in order" means. */
  readonly position: bigint
  /** How many owners died with it in their hands. */
  readonly crashCount: number
  /** Whether one of these owners died while it ran alone, as a suspect: only such a message is a dead letter `crashed`. */
  readonly crashedAlone: boolean
  /** Recorded failures of earlier attempts, oldest first. */
  readonly attempts: ReadonlyArray<Failure>
  /** The dead letter that this delivery redrives, and how often it has been redriven; absent on a first flow. */
  readonly redrive?: { readonly deadLetterId: string; readonly count: number } | undefined
  /** The adapter's own: lane and seq, receipt handle, reply subject, offset. */
  readonly receipt: unknown
}

/**
 * What a handler sees of its delivery, beside the decoded value.
 *
 * @since 0.1.0
 */
export interface DeliveryContext {
  readonly message: Message
  /** 1 on the first try. */
  readonly attempt: number
  /** How often the message was redriven from the dead letters: 0 on a first flow. */
  readonly redriven: number
}
