/**
 * Owns every delivery that the worker has accepted: the worker's use of the flow.
 *
 * A class with synchronous methods, so that every transition is atomic. Only this file assigns fields of an `Entry`.
 * Beside the order of the flow it guarantees:
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
import { Flow, type Turn, type Work } from "../../internal/flow/Flow.ts"
import * as FailureRecord from "../attempt/FailureRecord.ts"
import { crashStatus } from "../lease/CrashStatus.ts"
import type { Settings } from "../start/Settings.ts"

/** A delivery that the worker has accepted. */
export interface Entry extends Turn<string> {
  readonly delivery: Delivery
  /** It was interrupted so that a suspect can run alone: it runs again, uncounted. */
  readonly again: boolean
  /** Its key is held: the transport hands the message over again. */
  readonly forgotten: boolean
  /** It has run alone for the time that a suspect may: it is no suspect any more. */
  readonly survived: boolean
}

/** How this file alone sees an entry. */
type Owned = { -readonly [Field in keyof Entry]: Entry[Field] }

/** The turn of one delivery, which another fiber can continue. */
interface Resumable {
  readonly run: Effect.Effect<void>
  readonly resume: (cause: Cause.Cause<unknown>) => Effect.Effect<void>
}

/** Why the fetching of a worker ends. */
export type FetchError = TransportError | ConsumerRemoved | SubscriptionLost

export class InFlight {
  readonly flow: Flow<string, Entry, FetchError>
  /** Whether an operator has paused the consumer. */
  readonly consumerPaused: () => boolean
  readonly capacity: Capacity
  private readonly settings: Settings

  constructor(
    settings: Settings,
    consumerPaused: () => boolean = () => false,
    capacity = new Capacity({ messages: settings.prefetch, bytes: settings.prefetchBytes })
  ) {
    this.settings = settings
    this.consumerPaused = consumerPaused
    this.capacity = capacity
    this.flow = new Flow({
      concurrency: settings.concurrency,
      perKey: settings.prefetchPerKey,
      paused: consumerPaused,
      admit: (entry) => this.admit(entry),
      repeats: (entry) => this.repeats(entry)
    }, capacity)
  }

  /**
   * Whether nothing of what it has can start or runs. A drain of a paused consumer does not wait for the end of the
   * pause.
   */
  get nothingRuns(): boolean {
    return this.flow.size === 0 || (this.consumerPaused() && this.flow.running.size === 0)
  }

  accept(deliveries: ReadonlyArray<Delivery>): void {
    for (const delivery of deliveries) {
      const { key, payload } = delivery.message
      const bytes = payload.length + FailureRecord.weight(delivery.attempts)
      this.flow.offer({ key, bytes, delivery, again: false, forgotten: false, survived: false })
    }
    this.flow.wake()
  }

  /** The work of an entry, as the flow runs it. */
  work(entry: Entry, { resume, run }: Resumable): Work<FetchError> {
    // However the fiber ended, the next message of the key must not start while this worker decides about this one.
    return { run, resume: (cause) => this.mayEnd(entry) ? undefined : resume(cause) }
  }

  /** Whether a suspect may start now. Otherwise it has its place in its key again, or it is dropped with its lease. */
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

  /** Starts a suspect while nothing else runs, unless it must not start any more. */
  startAlone(entry: Entry): boolean {
    const may = this.mayStart(entry)
    if (may) this.flow.startAlone(entry)
    return may
  }

  /** A suspect has run alone for the time that it may. */
  survive(entry: Entry): void {
    const owned: Owned = entry
    owned.survived = true
  }

  /** Whether something waits behind this key's running entry. */
  waitsBehind(key: string): boolean {
    return this.flow.waitingOf(key) > 0
  }

  /**
   * Takes out, of what waits behind a running delivery, what may share its transaction. That is what has the same
   * lease, has never failed, and was never held by a worker that died.
   */
  takeBehind({ lease, message }: Delivery, most: number): ReadonlyArray<Entry> {
    return this.flow.takeMore(
      message.key,
      most,
      ({ delivery }) =>
        delivery.lease === lease && delivery.attempts.length === 0 && delivery.redrive === undefined &&
        crashStatus(delivery, this.settings) === "clear"
    )
  }

  /**
   * Puts entries back behind the running delivery of their key. Returns those that it drops instead, since nothing
   * starts any more.
   */
  putBack(key: string, entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> {
    return this.flow.putBack(key, entries)
  }

  /** The entry was settled together with the delivery that it waited behind. */
  settled(entry: Entry): void {
    this.flow.drop(entry)
  }

  /**
   * Drops the waiting entries of a key that was held, since the transport hands them over again. Its running entry does
   * not run again.
   */
  forgetKey(key: string): void {
    for (const entry of this.flow.running.keys()) if (entry.key === key) forget(entry)
    this.flow.forget(key)
  }

  /** Drops what waits under a lost lease, and interrupts what runs under it. */
  lose(lease: HeldLease): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.flow.remove((entry) => entry.delivery.lease === lease)
      this.capacity.changed.openUnsafe()
      return this.flow.withdraw([...this.flow.running.keys()].filter((entry) => entry.delivery.lease === lease))
    })
  }

  /** Interrupts what runs, to make room for a suspect: it runs again later, uncounted. */
  readonly makeRoom: Effect.Effect<void> = Effect.suspend(() => {
    const running = [...this.flow.running.keys()]
    for (const entry of running) runAgain(entry)
    return this.flow.withdraw(running)
  })

  private get isStopping(): boolean {
    const { mode } = this.flow
    return mode === "draining" || mode === "stopped"
  }

  private admit(entry: Entry): "run" | "drop" | "quarantine" {
    if (Deferred.isDoneUnsafe(entry.delivery.lease.lost)) return "drop"
    return !entry.survived && crashStatus(entry.delivery, this.settings) === "suspect" ? "quarantine" : "run"
  }

  /**
   * Whether an entry may end with nothing decided about it: the transport hands its message out again in its order,
   * here or elsewhere. Otherwise its successor would overtake it.
   */
  private mayEnd({ again, delivery, forgotten }: Entry): boolean {
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
