/**
 * The one owner of everything a memory store keeps: queues, subscriptions, unrouted and delayed messages, inbox,
 * dead letters.
 *
 * Every method is one synchronous transition, so nothing is ever half done. A transaction stages its writes and applies
 * them here at its end (see `MemoryTransaction.ts`). Nothing survives the process, and the inbox forgets nothing while
 * the store lives: it is for tests and for work that may be lost with its process.
 *
 * @since 0.1.0
 */
import type { Entry } from "../Audit.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import { ConsumerConflict } from "../Errors.ts"
import { Watchers } from "../internal/Watchers.ts"
import type { Message } from "../Message.ts"
import type { QueueStatus, Registration } from "../Store.ts"
import { MemoryDelayed, type Waiting } from "./MemoryDelayed.ts"
import { MemoryQueue } from "./MemoryQueue.ts"

/** What the inbox knows about an id. */
export interface InboxRow {
  readonly outcome: "committed" | "dead"
  readonly fingerprint: string
  /** The dead letter that keeps a dead message. */
  readonly deadLetterId: string | undefined
  /** What the first caller of `once` got, encoded. */
  readonly result?: string | undefined
}

/** A dead letter, and the place that its message had. */
export interface StoredDeadLetter {
  readonly record: DeadLetter
  readonly seq: number
  /** When it became open last, in the order of such moments: what becomes open later is in no set that was frozen before. */
  readonly opened: number
}

/** The state of one memory store. */
export class MemoryState {
  readonly queues = new Map<string, MemoryQueue>()
  /** Who waits for an id. */
  readonly watchers = new Watchers()
  /** By consumer, then by message id. */
  private readonly inbox = new Map<string, Map<string, InboxRow>>()
  /** In order of death. */
  readonly deadLetters = new Map<string, StoredDeadLetter>()
  readonly delayed = new MemoryDelayed()
  private readonly subscribed = new Map<string, Set<MemoryQueue>>()
  private readonly unrouted = new Map<string, Array<{ readonly seq: number; readonly message: Message }>>()
  /** What people did, in order. */
  readonly audit: Array<Entry> = []
  /** How often a dead letter became open. */
  opened = 0
  private seq = 0
  private lastLetter = 0
  private pending: Array<() => void> = []

  /** Runs what transitions left to be completed: waiters and lost leases. Never called in the middle of a transition. */
  flush(): void {
    while (this.pending.length > 0) {
      const pending = this.pending
      this.pending = []
      for (const complete of pending) complete()
    }
  }

  outcome(consumer: string, id: string): InboxRow | undefined {
    return this.inbox.get(consumer)?.get(id)
  }

  record(consumer: string, id: string, outcome: InboxRow): void {
    let ids = this.inbox.get(consumer)
    if (ids === undefined) this.inbox.set(consumer, ids = new Map())
    ids.set(id, outcome)
    this.pending.push(() => this.watchers.notify(consumer, [{ id }]))
  }

  /** Ids of dead letters ascend, also as text. */
  nextLetter(): string {
    return String(++this.lastLetter).padStart(16, "0")
  }

  /** Puts a message into the queue of every consumer of its topic, behind all that was published before. */
  publish(message: Message, now: number): void {
    const stored: Message = { ...message, publishedAt: now }
    const seq = ++this.seq
    const queues = this.subscribed.get(message.topic)
    if (queues !== undefined) {
      for (const queue of queues) queue.insert({ seq, message: stored })
      return
    }
    const waiting = this.unrouted.get(message.topic)
    if (waiting === undefined) this.unrouted.set(message.topic, [{ seq, message: stored }])
    else waiting.push({ seq, message: stored })
  }

  /** Keeps a message until it is due. Workers that wait look how long they may sleep now. */
  delay(waiting: Waiting): void {
    this.delayed.add(waiting)
    for (const queue of this.subscribed.get(waiting.message.topic) ?? []) queue.wake()
  }

  /** Publishes what is due, as of its time. */
  moveDue(now: number, locked: (name: string) => boolean): void {
    for (const { due, message } of this.delayed.take(now, locked)) this.publish(message, due)
  }

  /** What speaks against a registration. */
  conflict(registration: Registration): ConsumerConflict | undefined {
    const queue = this.queues.get(registration.consumer)
    if (queue === undefined) return undefined
    const differs = (setting: string, registered: string, asked: string) =>
      registered === asked
        ? undefined
        : new ConsumerConflict({ consumer: registration.consumer, setting, registered, asked })
    return differs("lanes", String(queue.lanes.length), String(registration.lanes))
      ?? differs("dead-letter order", queue.order, registration.order)
  }

  /** Makes the consumer known, subscribes it, and takes over what waits unrouted, in the order of publishing. */
  register(registration: Registration, now: number): void {
    let queue = this.queues.get(registration.consumer)
    if (queue === undefined) {
      queue = new MemoryQueue(registration, now, (complete) => this.pending.push(complete))
      this.queues.set(registration.consumer, queue)
    }
    queue.pipeline = registration.pipeline ?? queue.pipeline
    const taken: Array<{ readonly seq: number; readonly message: Message }> = []
    for (const topic of registration.topics) {
      const queues = this.subscribed.get(topic)
      if (queues === undefined) this.subscribed.set(topic, new Set([queue]))
      else queues.add(queue)
      taken.push(...this.unrouted.get(topic) ?? [])
      this.unrouted.delete(topic)
    }
    for (const { message } of taken.sort((a, b) => a.seq - b.seq)) queue.insert({ seq: ++this.seq, message })
  }

  /** How a queue stands; counts end where those of Postgres do. */
  status(consumer: string, now: number): QueueStatus | undefined {
    const queue = this.queues.get(consumer)
    if (queue === undefined) return undefined
    const since = (at: number) => at === Infinity ? 0 : Math.max(0, now - at)
    let deadLetters = 0
    let parkedSince = Infinity
    let died = Infinity
    for (const { record } of this.deadLetters.values()) {
      if (record.consumer !== consumer || record.state !== "open") continue
      deadLetters++
      died = Math.min(died, record.diedAt)
      if (record.parked) parkedSince = Math.min(parkedSince, record.diedAt)
    }
    const { delayed, eldest, oldest, parked, waiting } = queue.standing()
    const most = (count: number) => Math.min(count, 10_000)
    return {
      waiting: most(waiting),
      lagMillis: since(oldest),
      delayedKeys: most(delayed),
      parkedKeys: most(parked),
      parkedMillis: since(parkedSince),
      deadLetters: most(deadLetters),
      paused: queue.paused !== undefined,
      freeLanes: queue.lanes.filter((lane) => lane.rows.size > 0 && !lane.owned(now)).length,
      oldestMillis: since(Math.min(eldest, died)),
      pipeline: queue.pipeline
    }
  }

  /**
   * Puts a dead letter's message back: a parked one where it was, and its key goes on; another one at the end. Its attempts
   * stay with the dead letter, so that it is retried anew.
   */
  redrive({ record, seq }: StoredDeadLetter): void {
    const queue = this.queues.get(record.consumer)
    queue?.insert({
      seq: record.parked ? seq : ++this.seq,
      message: record.message,
      redrive: { deadLetterId: record.id, count: record.redriven }
    })
    if (record.parked) this.goOn(record.consumer, record.message.key)
  }

  /** The key goes on, unless one of its parked dead letters is open. */
  goOn(consumer: string, key: string): void {
    if (!this.parks(consumer, key)) this.queues.get(consumer)?.unpark(key)
  }

  /** Whether an open dead letter parks the key. */
  parks(consumer: string, key: string): boolean {
    for (const { record } of this.deadLetters.values()) {
      const same = record.consumer === consumer && record.message.key === key
      if (same && record.parked && record.state === "open") return true
    }
    return false
  }

  topicsOf(queue: MemoryQueue): ReadonlyArray<string> {
    return [...this.subscribed].flatMap(([topic, queues]) => queues.has(queue) ? [topic] : []).sort()
  }

  unsubscribe(queue: MemoryQueue, topic: string): void {
    const queues = this.subscribed.get(topic)
    queues?.delete(queue)
    // What nobody reads waits unrouted.
    if (queues?.size === 0) this.subscribed.delete(topic)
  }

  /** Takes a consumer away with all that is its own. */
  remove(queue: MemoryQueue): void {
    for (const topic of this.topicsOf(queue)) this.unsubscribe(queue, topic)
    this.queues.delete(queue.consumer)
    this.inbox.delete(queue.consumer)
    for (const [id, { record }] of this.deadLetters) if (record.consumer === queue.consumer) this.deadLetters.delete(id)
    queue.end()
  }

  /** What somebody did. */
  note(now: number, entry: Pick<Entry, "by" | "action" | "consumer"> & Partial<Entry>): void {
    const id = String(this.audit.length + 1).padStart(16, "0")
    this.audit.push({ deadLetterId: "", topic: "", key: "", note: "", detail: "", ...entry, id, at: now })
  }
}
