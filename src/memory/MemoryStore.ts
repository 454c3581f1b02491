/**
 * The single owner of the state of a memory store: queues, subscriptions, unrouted and delayed messages, inbox, dead
 * letters.
 *
 * Every method is one synchronous transition, so no other fiber sees a half-done change. A transaction stages its
 * writes and applies them here at its end (see `MemoryTransaction.ts`). Nothing survives the process, and the inbox
 * keeps every id while the store exists. Use it for tests, and for work that may be lost with its process.
 *
 * @since 0.1.0
 */
import type { Entry } from "../Audit.ts"
import type { DeadLetter } from "../DeadLetter.ts"
import { ConsumerConflict } from "../Errors.ts"
import { Watchers } from "../internal/Watchers.ts"
import type { Message } from "../Message.ts"
import type { Neglected, QueueStatus, Registration } from "../Store.ts"
import { MemoryDelayed, type Waiting } from "./MemoryDelayed.ts"
import { MemoryQueue } from "./MemoryQueue.ts"
import type { UnsettledRow } from "./MemoryUnsettled.ts"

/** The inbox record of an id. */
export interface InboxRow {
  readonly outcome: "committed" | "dead"
  readonly fingerprint: string
  /** The dead letter that keeps a dead message. */
  readonly deadLetterId: string | undefined
  /** The encoded result of the first `Inbox.once`. */
  readonly result?: string | undefined
}

/** A dead letter, with the `seq` of its message in the queue. */
export interface StoredDeadLetter {
  readonly record: DeadLetter
  readonly seq: number
  /**
   * A number that rises with each opening of a dead letter. A frozen set contains no dead letter that was opened after
   * it was made.
   */
  readonly opened: number
}

/** Returns a time as text in UTC, in seconds, as Postgres writes it into the audit. */
export const secondOf = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`

export class MemoryState {
  readonly queues = new Map<string, MemoryQueue>()
  /** The calls of `Inbox.once` and `Inbox.await` that wait for an id. */
  readonly watchers = new Watchers()
  /** The inbox records by consumer, then by message id. */
  private readonly inbox = new Map<string, Map<string, InboxRow>>()
  /** The dead letters by id, in the order of their first death. */
  readonly deadLetters = new Map<string, StoredDeadLetter>()
  readonly delayed = new MemoryDelayed()
  /** The records of messages that wait at a broker, by `inboxKey`. */
  readonly unsettled = new Map<string, UnsettledRow>()
  private readonly subscribed = new Map<string, Set<MemoryQueue>>()
  private readonly unrouted = new Map<string, Array<{ readonly seq: number; readonly message: Message }>>()
  /** Operator actions, in order. */
  readonly audit: Array<Entry> = []
  /** Number of times that a dead letter was opened. */
  opened = 0
  private seq = 0
  private lastDeadLetter = 0
  private pending: Array<() => void> = []

  /** Completes the waiters and lost leases of earlier transitions. Never called in the middle of a transition. */
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

  /** Returns the id of a new dead letter. Ids ascend, and also sort so as texts. */
  nextDeadLetterId(): string {
    return String(++this.lastDeadLetter).padStart(16, "0")
  }

  /** Returns the consumers and topics whose messages no worker processes, at most 10 of each. */
  neglected(now: number): Neglected {
    const idle = [...this.queues.values()].filter((queue) =>
      queue.rows.length > 0 && queue.paused === undefined && queue.alive(undefined, now) === 0
    )
    return {
      consumers: idle.map(({ consumer }) => consumer).sort().slice(0, 10),
      topics: [...this.unrouted.keys()].sort().slice(0, 10)
    }
  }

  /** Counts the messages whose topic no consumer reads now, by topic. */
  countUnrouted(messages: ReadonlyArray<Message>): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const { topic } of messages) {
      if (!this.subscribed.has(topic)) counts.set(topic, (counts.get(topic) ?? 0) + 1)
    }
    return counts
  }

  /**
   * Puts a message at the end of the queue of every consumer of its topic. Without a consumer the message waits as
   * unrouted.
   */
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

  /** Keeps a message until it is due. The waiting workers are woken, so that they sleep no longer than until then. */
  delay(waiting: Waiting): void {
    this.delayed.add(waiting)
    for (const queue of this.subscribed.get(waiting.message.topic) ?? []) queue.wake()
  }

  /** Publishes the messages that are due. Each gets its due time as time of the publish. */
  moveDue(now: number, locked: (name: string) => boolean): void {
    for (const { due, message } of this.delayed.take(now, locked)) this.publish(message, due)
  }

  /** Returns the conflict of a registration with the first one, if any. */
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

  /**
   * Registers the consumer, subscribes it, and moves its unrouted messages into the queue, in the order of
   * publishing.
   */
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

  /** Returns the state of a queue, or undefined if there is no such consumer. As on Postgres, counts end at 10,000. */
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
    const { delayed, eldest, oldest, parked, waiting } = queue.counts()
    const most = (count: number) => Math.min(count, 10_000)
    return {
      waiting: most(waiting),
      unsettled: most(queue.rows.length),
      lagMillis: since(oldest),
      delayedKeys: most(delayed),
      parkedKeys: most(parked),
      parkedMillis: since(parkedSince),
      deadLetters: most(deadLetters),
      paused: queue.paused !== undefined,
      redriveStopped: false,
      freeLanes: queue.lanes.filter((lane) => lane.rows.size > 0 && !lane.owned(now)).length,
      oldestMillis: since(Math.min(eldest, died)),
      pipeline: queue.pipeline
    }
  }

  /**
   * Puts a dead letter's message back into the queue. A parked message returns to its old place and its key continues.
   * Any other message goes to the end. The attempts stay with the dead letter, so the message is retried from the
   * beginning.
   */
  redrive({ record, seq }: StoredDeadLetter): void {
    const queue = this.queues.get(record.consumer)
    queue?.insert({
      seq: record.parked ? seq : ++this.seq,
      message: record.message,
      redrive: { deadLetterId: record.id, count: record.redriven }
    })
    if (record.parked) this.unparkIfDecided(record.consumer, record.message.key)
  }

  /** Lets the key continue, unless one of its parked dead letters is open. */
  unparkIfDecided(consumer: string, key: string): void {
    if (!this.parks(consumer, key)) this.queues.get(consumer)?.unpark(key)
  }

  /** Returns whether an open dead letter parks the key. */
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
    // Messages of a topic without a consumer wait as unrouted.
    if (queues?.size === 0) this.subscribed.delete(topic)
  }

  /** Removes a consumer with its data. */
  remove(queue: MemoryQueue): void {
    for (const topic of this.topicsOf(queue)) this.unsubscribe(queue, topic)
    this.queues.delete(queue.consumer)
    this.inbox.delete(queue.consumer)
    for (const [id, { record }] of this.deadLetters) if (record.consumer === queue.consumer) this.deadLetters.delete(id)
    queue.end()
  }

  /** Ends the pause of a consumer if its time is over. */
  resumeDue(queue: MemoryQueue, now: number): void {
    const { consumer, paused } = queue
    if (paused?.until === undefined || !queue.pauseIsOver(now)) return
    queue.paused = undefined
    const detail = `the pause of ${paused.by} lasted until ${secondOf(paused.until)}`
    this.note(now, { by: "millrace", action: "resumed", consumer, detail })
  }

  note(now: number, entry: Pick<Entry, "by" | "action" | "consumer"> & Partial<Entry>): void {
    const id = String(this.audit.length + 1).padStart(16, "0")
    this.audit.push({
      deadLetterId: "",
      redriveRunId: "",
      topic: "",
      key: "",
      note: "",
      detail: "",
      ...entry,
      id,
      at: now
    })
  }
}
