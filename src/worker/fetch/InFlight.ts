/**
 * What a worker holds: the only mutable state that its fibers share.
 *
 * A class over plain Maps with synchronous methods, so that every transition is atomic. Invariants:
 * - a key has at most one entry running; the others of the key wait behind it, in order;
 * - `entries` counts every delivery that was accepted and has not ended, waiting ones included;
 * - an entry under a lost lease is never started; one that runs has been told to stop;
 * - while it is halted (for a message that runs alone), or a person has paused the consumer, nothing is started.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type { Delivery, HeldLease } from "../../Delivery.ts"
import { KeyedQueue } from "../../internal/flow/KeyedQueue.ts"
import type { Demand } from "../../Transport.ts"
import * as FailureRecord from "../attempt/FailureRecord.ts"
import { crashStatus } from "../lease/CrashStatus.ts"
import type { Settings } from "../start/Settings.ts"

/** A delivery in the worker's hands. */
export interface Entry {
  readonly delivery: Delivery
  readonly bytes: number
  /** The fiber that runs it, while it runs. */
  fiber: Fiber.Fiber<unknown> | undefined
  /** Interrupted to make room for a message that runs alone: it is run again, uncounted. */
  again: boolean
  /** Its key is held: the transport hands it over again, whatever else was to become of it. */
  forgotten: boolean
  /** Has run alone as long as one may: it is no suspect any more. */
  survived: boolean
}

export class InFlight {
  /** Opened when there is room again, or something to look at: the fetcher waits for it. */
  readonly changed = Latch.makeUnsafe(false)
  /** Messages that were in the hands of dead processes: they run alone. */
  readonly suspects: Array<Entry> = []
  readonly suspected = Latch.makeUnsafe(false)

  private readonly settings: Settings
  private readonly queue = new KeyedQueue<string, Entry>()
  private readonly running = new Set<Entry>()
  private entries = 0
  private bytes = 0
  private slots = 0
  private readonly endings = new Set<Latch.Latch>()
  private suspensions = 0
  private stopped = false

  /** Whether a person has paused the consumer. */
  readonly consumerPaused: () => boolean

  constructor(settings: Settings, consumerPaused: () => boolean = () => false) {
    this.settings = settings
    this.consumerPaused = consumerPaused
  }

  get size(): number {
    return this.entries
  }

  get runningEntries(): ReadonlySet<Entry> {
    return this.running
  }

  /**
   * What may be fetched now. The share of one key shrinks with the room that is left, so that a few slow keys do not take
   * all places: with the defaults it takes more than a hundred of them.
   */
  room(): Demand {
    const messages = this.settings.prefetch - this.entries
    return {
      messages,
      bytes: this.settings.prefetchBytes - this.bytes,
      perKey: Math.max(1, Math.min(this.settings.prefetchPerKey, Math.floor(messages / 32)))
    }
  }

  /** Whether fetching is worth a request: a fiber would be idle, or an eighth of the places is free. */
  get wantsMore(): boolean {
    const room = this.settings.prefetch - this.entries
    if (this.stopped || this.suspensions > 0) return false
    // Asked whatever the room is: only who asks hears that the consumer was resumed.
    if (this.consumerPaused()) return true
    if (room <= 0 || this.bytes >= this.settings.prefetchBytes) return false
    const idle = this.queue.readyKeys === 0 && this.running.size < this.settings.concurrency
    return idle || room * 8 >= this.settings.prefetch
  }

  accept(deliveries: ReadonlyArray<Delivery>): void {
    for (const delivery of deliveries) {
      const bytes = delivery.message.payload.length + FailureRecord.weight(delivery.attempts)
      this.entries++
      this.bytes += bytes
      this.queue.offer(delivery.message.key, {
        delivery,
        bytes,
        fiber: undefined,
        again: false,
        forgotten: false,
        survived: false
      })
    }
  }

  /** How many fibers to start so that whatever can run does. The caller starts them; each ends with `endSlot`. */
  openSlots(): number {
    if (this.stopped || this.suspensions > 0 || this.consumerPaused()) return 0
    const more = Math.min(this.settings.concurrency - this.slots, this.queue.readyKeys)
    this.slots += Math.max(0, more)
    return Math.max(0, more)
  }

  endSlot(): void {
    this.slots--
  }

  /** The next delivery to run, its key's turn having come. Suspects are set apart: they run alone. */
  next(): Entry | undefined {
    while (!this.stopped && this.suspensions === 0 && !this.consumerPaused()) {
      const taken = this.queue.take()
      if (taken === undefined) return undefined
      const entry = taken.value
      if (Deferred.isDoneUnsafe(entry.delivery.lease.lost)) {
        this.drop(entry)
        this.queue.done(taken.key)
      } else if (!entry.survived && crashStatus(entry.delivery, this.settings) === "suspect") {
        this.suspects.push(entry)
        this.suspected.openUnsafe()
      } else {
        this.running.add(entry)
        return entry
      }
    }
    return undefined
  }

  /** Whether a suspect may run now. Otherwise it has its place in its key again, or goes with its lease. */
  mayStart(entry: Entry): boolean {
    const { key } = entry.delivery.message
    if (this.stopped || Deferred.isDoneUnsafe(entry.delivery.lease.lost)) {
      this.drop(entry)
      this.queue.done(key)
      this.changed.openUnsafe()
      return false
    }
    if (!this.consumerPaused()) return true
    this.queue.restart(key, entry)
    return false
  }

  /** Starts a suspect, all others being quiet, unless it must not start any more. */
  startAlone(entry: Entry): boolean {
    const may = this.mayStart(entry)
    if (may) this.running.add(entry)
    return may
  }

  /**
   * Whether an entry may end with nothing decided about it: its message is handed out again in its order, here or elsewhere. Otherwise its
   * successor would overtake it.
   */
  mayEnd({ again, delivery, forgotten }: Entry): boolean {
    return this.stopped || again || forgotten || Deferred.isDoneUnsafe(delivery.lease.lost)
  }

  /** The entry has ended: the next one of its key may start. */
  end(entry: Entry): void {
    this.running.delete(entry)
    entry.fiber = undefined
    if (entry.again && !entry.forgotten && !this.stopped && !Deferred.isDoneUnsafe(entry.delivery.lease.lost)) {
      entry.again = false
      this.queue.restart(entry.delivery.message.key, entry)
    } else {
      this.drop(entry)
      this.queue.done(entry.delivery.message.key)
    }
    this.changed.openUnsafe()
    // A copy: opening a latch may run its waiter at once, which waits for the next ending.
    const endings = [...this.endings]
    this.endings.clear()
    for (const ending of endings) ending.openUnsafe()
  }

  /** Whether something waits behind this key's running entry. */
  waitsBehind(key: string): boolean {
    return this.queue.waitingOf(key) > 0
  }

  /**
   * Takes out what waits behind a running delivery and may share its end, at most so many: under the same lease, never failed, and
   * never in the hands of a process that died.
   */
  takeBehind({ lease, message }: Delivery, most: number): ReadonlyArray<Entry> {
    if (this.stopped || this.suspensions > 0 || this.consumerPaused()) return []
    return this.queue.takeMore(
      message.key,
      most,
      ({ delivery }) =>
        delivery.lease === lease && delivery.attempts.length === 0 && delivery.redrive === undefined &&
        crashStatus(delivery, this.settings) === "clear"
    )
  }

  /** Puts them back behind the running delivery of their key. Answers those that are dropped instead, since nothing is started any more. */
  putBack(key: string, entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> {
    if (!this.stopped) {
      this.queue.putBack(key, entries)
      return []
    }
    for (const entry of entries) this.drop(entry)
    return entries
  }

  /** It was settled together with the delivery that it waited behind. */
  settled(entry: Entry): void {
    this.drop(entry)
  }

  /** Waits until nothing runs. */
  readonly idle: Effect.Effect<void> = Effect.suspend(() => {
    if (this.running.size === 0) return Effect.void
    const ended = Latch.makeUnsafe(false)
    this.endings.add(ended)
    return Effect.andThen(ended.await, this.idle)
  })

  /** Drops what there is of a key, since it was held: the transport will hand it over again. What runs of it ends for good. */
  forgetKey(key: string): void {
    for (const entry of this.running) if (entry.delivery.message.key === key) entry.forgotten = true
    for (const entry of this.queue.forget(key)) this.drop(entry)
  }

  /** Drops what waits under a lost lease, and answers what runs under it: to be interrupted. */
  lose(lease: HeldLease): ReadonlyArray<Entry> {
    for (const entry of this.queue.remove((entry) => entry.delivery.lease === lease)) this.drop(entry)
    this.changed.openUnsafe()
    return [...this.running].filter((entry) => entry.delivery.lease === lease)
  }

  /** Starts nothing more, for good, and drops what waits, and answers it: it is given back uncounted. */
  stop(): ReadonlyArray<Entry> {
    this.stopped = true
    const dropped = [...this.queue.remove(() => true), ...this.suspects.splice(0)]
    for (const entry of dropped) this.drop(entry)
    this.changed.openUnsafe()
    return dropped
  }

  suspend(): void {
    this.suspensions++
  }

  resume(): void {
    this.suspensions--
    this.changed.openUnsafe()
  }

  private drop(entry: Entry): void {
    this.entries--
    this.bytes -= entry.bytes
  }
}
