/**
 * Owns every delivery that the worker has accepted. It wraps the flow (`internal/flow/`) with the worker's rules about
 * leases, suspects and held keys.
 *
 * The methods are synchronous, so every transition is atomic. Only this file assigns fields of an `Entry`. The flow
 * keeps the order of each key. Beside that order this file guarantees:
 * - an entry under a lost lease never starts, and a running one is interrupted;
 * - a suspect starts only when nothing else runs in the process;
 * - an entry whose key was held is dropped, since the transport hands it over again.
 */
import type * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { Delivery, HeldLease } from "../../Delivery.ts"
import type { ConsumerRemoved, SubscriptionLost, TransportError } from "../../Errors.ts"
import { Capacity } from "../../internal/flow/Capacity.ts"
import { Flow } from "../../internal/flow/Flow.ts"
import type { Turn, Work } from "../../internal/flow/Turn.ts"
import type { Message } from "../../Message.ts"
import * as FailureRecord from "../attempt/FailureRecord.ts"
import { crashStatus } from "../lease/CrashStatus.ts"
import type { Settings } from "../start/Settings.ts"

/** A delivery that the worker has accepted. */
export interface Entry extends Turn<string> {
  readonly delivery: Delivery
  /**
   * Whether the entry was interrupted so that a suspect can run alone. Then the entry runs again, and no attempt is
   * counted.
   */
  readonly again: boolean
  /**
   * Whether the key was held. Then the entry does not run again here, since the transport hands the message over again.
   */
  readonly forgotten: boolean
  /** Whether the entry was a suspect and has run alone for its whole time. Then it is no suspect any more. */
  readonly survived: boolean
}

/** An entry with writable fields. Only this file uses this type. */
type Owned = { -readonly [Field in keyof Entry]: Entry[Field] }

/** The turn of one delivery. If the fiber of `run` ends by itself, another fiber continues with `resume`. */
interface Resumable {
  readonly run: Effect.Effect<void>
  readonly resume: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
}

/** The failures that end the fetching of a worker. */
export type FetchError = TransportError | ConsumerRemoved | SubscriptionLost

export class InFlight {
  readonly flow: Flow<string, Entry, FetchError>
  /** Whether an operator has paused the consumer. */
  readonly consumerPaused: () => boolean
  readonly capacity: Capacity
  private readonly settings: Settings
  private readonly ordered: boolean

  /** With `ordered` false, the transport keeps no order, and messages of one key run at the same time. */
  constructor(
    settings: Settings,
    consumerPaused: () => boolean = () => false,
    capacity = new Capacity({ messages: settings.prefetch, bytes: settings.prefetchBytes }),
    ordered = true
  ) {
    this.settings = settings
    this.ordered = ordered
    this.consumerPaused = consumerPaused
    this.capacity = capacity
    this.flow = new Flow({
      // A batch runs only pure steps, one turn after another. So `concurrency` does not limit how many messages a group
      // has, and only `prefetch` does.
      concurrency: settings.batches ? settings.prefetch : settings.concurrency,
      batches: settings.batches,
      perKey: settings.prefetchPerKey,
      paused: consumerPaused,
      admit: (entry) => this.admit(entry),
      repeats: (entry) => this.repeats(entry)
    }, capacity)
  }

  /**
   * Whether no entry runs and none can start. While the consumer is paused, waiting entries cannot start, so
   * `Worker.drain` does not wait for the end of the pause.
   */
  get nothingRuns(): boolean {
    return this.flow.size === 0 || (this.consumerPaused() && this.flow.running.size === 0)
  }

  accept(deliveries: ReadonlyArray<Delivery>): void {
    for (const delivery of deliveries) {
      const key = this.keyOf(delivery.message)
      const bytes = delivery.message.payload.length + FailureRecord.weight(delivery.attempts)
      this.flow.offer({ key, bytes, delivery, again: false, forgotten: false, survived: false })
    }
    this.flow.wake()
  }

  /** Returns the turn of an entry in the form that the flow runs. */
  work(entry: Entry, { resume, run }: Resumable): Work<FetchError> {
    // A fiber that ended by itself may have left its message undecided. Then another fiber resumes the turn, so that
    // the next message of the key does not start before.
    return { run, resume: (cause) => this.mayEnd(entry) ? undefined : resume(cause) }
  }

  /**
   * Returns whether a suspect may start now. If not, the suspect is dropped when the worker stops or its lease is lost.
   * While the consumer is paused, the suspect waits in its key again.
   */
  mayStart(entry: Entry): boolean {
    if (this.isStopping || Deferred.isDoneUnsafe(entry.delivery.lease.lost)) {
      this.flow.release(entry)
      this.flow.wake()
      return false
    }
    if (!this.consumerPaused()) return true
    this.flow.restart(entry)
    return false
  }

  /** Starts a suspect alone, if it may still start. Returns whether the suspect was started. */
  startAlone(entry: Entry): boolean {
    const may = this.mayStart(entry)
    if (may) this.flow.startAlone(entry)
    return may
  }

  /** Marks a suspect that has run alone for its whole time: the entry is no suspect any more. */
  survive(entry: Entry): void {
    const owned: Owned = entry
    owned.survived = true
  }

  /**
   * Returns the key of a message in the flow. Without order this is its id, so that only deliveries of the same message
   * wait for each other.
   */
  private keyOf({ id, key }: Message): string {
    return this.ordered ? key : id
  }

  /** Returns whether entries wait behind the running entry of this message. */
  waitsBehind(message: Message): boolean {
    return this.flow.waitingOf(this.keyOf(message)) > 0
  }

  /**
   * Takes out the entries behind a running delivery that may share its transaction, and returns them. Such an entry has
   * the same lease, has never failed, is not redriven, and is no suspect of a crash.
   */
  takeBehind({ lease, message }: Delivery, most: number): ReadonlyArray<Entry> {
    return this.flow.takeMore(
      this.keyOf(message),
      most,
      ({ delivery }) =>
        delivery.lease === lease && delivery.attempts.length === 0 && delivery.redrive === undefined &&
        crashStatus(delivery, this.settings) === "clear"
    )
  }

  /**
   * Puts entries back behind the running delivery of their key. While the worker stops, no entry starts, so entries are
   * dropped instead. Returns the dropped ones.
   */
  putBack(message: Message, entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> {
    return this.flow.putBack(this.keyOf(message), entries)
  }

  /** Removes an entry that was settled together with the delivery that it waited behind. */
  settled(entry: Entry): void {
    this.flow.drop(entry)
  }

  /**
   * Drops the waiting entries behind a message that was held, since the transport hands them over again. The running
   * entry of the message's key does not run again.
   */
  forgetKey(message: Message): void {
    const key = this.keyOf(message)
    for (const entry of this.flow.running.keys()) if (entry.key === key) forget(entry)
    this.flow.forget(key)
  }

  /** Drops the waiting entries of a lost lease, and interrupts the running ones. */
  lose(lease: HeldLease): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.flow.remove((entry) => entry.delivery.lease === lease)
      this.capacity.changed.openUnsafe()
      return this.flow.withdraw([...this.flow.running.keys()].filter((entry) => entry.delivery.lease === lease))
    })
  }

  /**
   * Interrupts all running entries, so that a suspect can run alone. The interrupted entries run again later, and no
   * attempt is counted.
   */
  readonly interruptForSuspect: Effect.Effect<void> = Effect.suspend(() => {
    const running = [...this.flow.running.keys()]
    for (const entry of running) runAgain(entry)
    return this.flow.withdraw(running)
  })

  private get isStopping(): boolean {
    const { mode } = this.flow
    return mode === "stopping" || mode === "stopped"
  }

  private admit(entry: Entry): "run" | "drop" | "quarantine" {
    if (Deferred.isDoneUnsafe(entry.delivery.lease.lost)) return "drop"
    return !entry.survived && crashStatus(entry.delivery, this.settings) === "suspect" ? "quarantine" : "run"
  }

  /**
   * Returns whether a turn may end although its message is not settled. That is safe only where the transport hands the
   * message out again before the next message of its key. Elsewhere the turn is resumed, or the next message would
   * overtake this one.
   */
  mayEnd({ again, delivery, forgotten }: Entry): boolean {
    return this.isStopping || again || forgotten || Deferred.isDoneUnsafe(delivery.lease.lost)
  }

  private repeats(entry: Entry): boolean {
    if (entry.again && !entry.forgotten && !this.isStopping && !Deferred.isDoneUnsafe(entry.delivery.lease.lost)) {
      const owned: Owned = entry
      owned.again = false
      return true
    }
    return false
  }
}

const forget = (entry: Owned): void => {
  entry.forgotten = true
}

const runAgain = (entry: Owned): void => {
  entry.again = true
}
