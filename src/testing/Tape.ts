/**
 * Records what happens to the messages of one test, in order. The test kit observes the two ports and the steps.
 *
 * Assertions read a tape, and {@link lifeLine} renders the life of one message as a sentence. Times are whole
 * milliseconds since the test began, on the test's clock.
 *
 * @since 0.1.0
 */
import type { DeadLetter, Reason } from "../DeadLetter.ts"
import type { ResolvedDelay } from "../Delay.ts"
import type { Delivery, Failure } from "../Delivery.ts"
import type { Message } from "../Message.ts"

/**
 * One thing that happened to a message. `id` is the message's id. If a commit published a message, now or for later,
 * the entry has the id of the committed message, and the published one as `message`.
 *
 * - `Published`: the message is stored for the consumer.
 * - `Delayed`: the message waits for its due time, and is `Published` then.
 * - `Cancelled`: the delayed message was cancelled, or replaced by another message under its name.
 * - `Redriven`, `Discarded`, `Restored`, `Released`: an operator decided about the message's dead letter.
 * - `Started`: an attempt began. `Failed`: an attempt failed with an error of this tag.
 * - `Retry`: when the next attempt is due.
 * - `Held`: the message's key is held until that time, or `parked` until an operator decides.
 * - `Emitted`: the message's commit published another message.
 * - `Committed`: the effects, emits and removal of the message are committed.
 * - `Duplicate`: the message's id was committed or dead-lettered before, so this message had no effect.
 * - `Dead`: the message became a dead letter.
 * - `Disturbed`: a transaction with the message failed by another cause than the message (`TransientFailure`,
 *   `UnknownOutcome`, ...).
 * - `Crashed`: the process died while the message was in flight or waited.
 *
 * @since 0.1.0
 */
export type Entry =
  | {
    readonly _tag: "Published"
    readonly at: number
    readonly id: string
    readonly topic: string
    readonly key: string
  }
  | {
    readonly _tag: "Delayed"
    readonly at: number
    readonly id: string
    readonly message: Message
    /** When the message is due. */
    readonly due: number
    /** The name under which the message can be replaced and cancelled. */
    readonly name: string | undefined
  }
  | { readonly _tag: "Cancelled"; readonly at: number; readonly id: string }
  | { readonly _tag: "Started"; readonly at: number; readonly id: string; readonly attempt: number }
  | {
    readonly _tag: "Failed"
    readonly at: number
    readonly id: string
    readonly attempt: number
    /** Tag of the error: `Declined`, `StepTimeout`, `Defect`. */
    readonly tag: string
    readonly message: string
  }
  | { readonly _tag: "Retry"; readonly at: number; readonly id: string; readonly due: number }
  | {
    readonly _tag: "Held"
    readonly at: number
    readonly id: string
    readonly key: string
    readonly until: number | "parked"
  }
  | { readonly _tag: "Emitted"; readonly at: number; readonly id: string; readonly message: Message }
  | { readonly _tag: "Committed"; readonly at: number; readonly id: string; readonly attempt: number }
  | { readonly _tag: "Duplicate"; readonly at: number; readonly id: string }
  | {
    readonly _tag: "Dead"
    readonly at: number
    readonly id: string
    readonly reason: Reason
    /** Tag of the last error. */
    readonly tag: string
  }
  | { readonly _tag: OperatorStep; readonly at: number; readonly id: string }
  | { readonly _tag: "Disturbed"; readonly at: number; readonly id: string; readonly tag: string }
  | { readonly _tag: "Crashed"; readonly at: number; readonly id: string; readonly point: string }

/** A decision of an operator about a dead letter. */
export type OperatorStep = "Redriven" | "Discarded" | "Restored" | "Released"

/** A message that was published for later. */
export type Delayed = Extract<Entry, { readonly _tag: "Delayed" }>

/** The tape of one test. Every method is one synchronous step. */
export class Tape {
  readonly entries: Array<Entry> = []
  /** Counts everything that happens. A wait for quiet compares it with an earlier value. */
  activity = 0
  private readonly topics: ReadonlySet<string>
  private readonly millis: () => number
  private readonly began: number
  /** The number of deliveries that are neither committed nor dead, by id. A second publish of an id counts, too. */
  private readonly open = new Map<string, number>()
  private readonly keys = new Map<string, string>()
  private readonly holds = new Map<string, number | "parked">()
  private readonly due = new Map<string, number>()
  /** How often the tape learned of a message from its reader, and not from its publisher or an operator. */
  private readonly read = new Map<string, number>()
  /** Messages that are being written. The writer reports them, also if the worker reads them first. */
  private readonly writing = new Map<string, number>()
  private readonly failures = new Set<string>()
  /**
   * The failed attempts of each delivered message object. An id alone would not do, since two deliveries can have the
   * same id.
   */
  private readonly tries = new WeakMap<Message, number>()
  private readonly redrives = new WeakMap<Message, number>()
  /** The attempt that was reported last. A message that is decoded again within its attempt is reported once. */
  private readonly told = new WeakMap<Message, number>()
  private closed = false

  constructor(topics: ReadonlyArray<string>, millis: () => number) {
    this.topics = new Set(topics)
    this.millis = millis
    this.began = millis()
  }

  get now(): number {
    return this.since(this.millis())
  }

  /** Whether the test is over. */
  get isClosed(): boolean {
    return this.closed
  }

  close(): void {
    this.closed = true
  }

  note(entry: Entry): void {
    this.activity++
    if (!this.closed) this.entries.push(entry)
  }

  /** Records that a write of messages begins. The caller ends the write with `written` or `unwritten`. */
  write(messages: ReadonlyArray<Message>): void {
    for (const { id } of messages) this.writing.set(id, (this.writing.get(id) ?? 0) + 1)
  }

  unwritten(messages: ReadonlyArray<Message>): void {
    for (const { id } of messages) this.writing.set(id, (this.writing.get(id) ?? 1) - 1)
  }

  written(messages: ReadonlyArray<Message>): void {
    this.unwritten(messages)
    this.stored(messages)
  }

  /** Records that messages are stored. */
  stored(messages: ReadonlyArray<Message>): void {
    for (const message of messages) if (this.topics.has(message.topic)) this.published(message, this.now)
  }

  /**
   * Begins an observation during a transaction. The result returns the messages that the worker has not read meanwhile.
   */
  unread(messages: ReadonlyArray<Message>): () => ReadonlyArray<Message> {
    const before = messages.map(({ id }) => this.read.get(id))
    return () => messages.filter(({ id }, i) => this.read.get(id) === before[i])
  }

  /** Returns the due time, in milliseconds since the test began. Undefined means now. */
  dueOf(later: ResolvedDelay | undefined): number | undefined {
    if (later === undefined) return undefined
    const due = later.at === undefined ? this.now + Math.round(later.delay) : this.since(later.at)
    return due > this.now ? due : undefined
  }

  /** Ends the wait of the delayed messages under that name. */
  cancelled(topic: string, key: string, name: string | undefined): void {
    if (name === undefined) return
    for (const { due, message, ...entry } of delayedIn(this.entries)) {
      if (entry.name !== name || message.key !== key || message.topic !== topic || due <= this.now) continue
      this.note({ _tag: "Cancelled", at: this.now, id: message.id })
    }
  }

  /**
   * Records that the worker got a delivery. If no watched publisher or operator reported the message, the tape records
   * its publish or redrive here.
   */
  handed(delivery: Delivery): void {
    const { message } = delivery
    this.activity++
    this.tries.set(message, delivery.attempts.length)
    this.redrives.set(message, delivery.redrive?.count ?? 0)
    this.told.delete(message)
    this.due.delete(message.id)
    if (this.holds.get(message.key) !== "parked") this.holds.delete(message.key)
    if ((this.open.get(message.id) ?? 0) > 0 || (this.writing.get(message.id) ?? 0) > 0) return
    this.read.set(message.id, (this.read.get(message.id) ?? 0) + 1)
    if (delivery.redrive === undefined) this.published(message, this.since(message.publishedAt))
    else this.decided("Redriven", { message, parked: true })
  }

  private published({ id, key, topic }: Message, at: number): void {
    this.open.set(id, (this.open.get(id) ?? 0) + 1)
    this.keys.set(id, key)
    this.note({ _tag: "Published", at, id, topic, key })
  }

  /** Records the decision of an operator about a dead letter. Returns a function that takes the record back. */
  decided(tag: OperatorStep, { message, parked }: Pick<DeadLetter, "message" | "parked">): () => void {
    const { id, key } = message
    const hold = this.holds.get(key)
    const entry: Entry = { _tag: tag, at: this.now, id }
    this.keys.set(id, key)
    if (parked && tag === "Restored") this.holds.set(key, "parked")
    if (parked && tag !== "Restored") this.holds.delete(key)
    if (tag === "Redriven") this.open.set(id, (this.open.get(id) ?? 0) + 1)
    this.note(entry)
    return () => {
      const place = this.entries.lastIndexOf(entry)
      if (place >= 0) this.entries.splice(place, 1)
      if (hold === undefined) this.holds.delete(key)
      else this.holds.set(key, hold)
      if (tag === "Redriven") this.open.set(id, Math.max(0, (this.open.get(id) ?? 0) - 1))
    }
  }

  started(message: Message): void {
    const attempt = this.attemptOf(message)
    this.activity++
    this.due.delete(message.id)
    if (this.told.get(message) === attempt) return
    this.told.set(message, attempt)
    this.note({ _tag: "Started", at: this.now, id: message.id, attempt })
  }

  attemptOf(message: Message): number {
    return (this.tries.get(message) ?? 0) + 1
  }

  /** Records how many attempts of a message have failed by now. */
  tried(message: Message, attempts: number): void {
    this.tries.set(message, attempts)
  }

  /**
   * Records each failure once, from its first reporter. `at` is the time on the clock, and not since the test began.
   */
  failed(handed: Message, failure: Pick<Failure, "attempt" | "at" | "tag" | "message">): void {
    const { id } = handed
    const { attempt, message, tag } = failure
    // A redriven message starts again at attempt 1, perhaps in the same millisecond. So the name includes the
    // redrive count.
    const name = JSON.stringify([id, this.redrives.get(handed), attempt, failure.at])
    if (this.failures.has(name)) return
    this.failures.add(name)
    this.note({ _tag: "Failed", at: this.since(failure.at), id, attempt, tag, message })
  }

  retry(id: string, delay: number): void {
    const due = Math.round(this.now + delay)
    this.due.set(id, due)
    this.note({ _tag: "Retry", at: this.now, id, due })
  }

  held({ id, key }: Message, delay: number | "parked"): void {
    const until = delay === "parked" ? delay : Math.round(this.now + delay)
    this.holds.set(key, until)
    if (until !== "parked") this.due.set(id, until)
    this.note({ _tag: "Held", at: this.now, id, key, until })
  }

  ended(entry: Extract<Entry, { readonly _tag: "Committed" | "Duplicate" | "Dead" }>): void {
    this.open.set(entry.id, Math.max(0, (this.open.get(entry.id) ?? 0) - 1))
    this.due.delete(entry.id)
    this.note(entry)
  }

  crashed(point: string): void {
    this.due.clear()
    for (const [id, count] of this.open) {
      if (count > 0) this.note({ _tag: "Crashed", at: this.now, id, point })
    }
  }

  /** The ids of messages that are neither committed nor dead, without those behind a parked dead letter. */
  get waiting(): ReadonlyArray<string> {
    return [...this.open].filter(([id, count]) => count > 0 && this.holds.get(this.keys.get(id) ?? id) !== "parked")
      .map(([id]) => id)
  }

  /**
   * Whether a waiting message could be processed now: its key is not held, and no later time is set for its next
   * attempt.
   */
  get busy(): boolean {
    return this.waiting.some((id) => {
      const until = this.holds.get(this.keys.get(id) ?? id)
      return !(typeof until === "number" && until > this.now) && !((this.due.get(id) ?? 0) > this.now)
    })
  }

  /** When the next attempt of a waiting message is due. Undefined if no such time is known. */
  get nextDue(): number | undefined {
    const due = [...this.due.values()].filter((at) => at > this.now)
    return due.length === 0 ? undefined : Math.min(...due)
  }

  /** The keys that are held now. */
  get paused(): ReadonlyArray<{ readonly key: string; readonly until: number | "parked" }> {
    return [...this.holds].filter(([, until]) => until === "parked" || until > this.now)
      .map(([key, until]) => ({ key, until }))
  }

  private since(millis: number): number {
    return Math.round(millis - this.began)
  }
}

/** Returns the delayed messages that were neither replaced nor cancelled, in the order of their due times. */
export const delayedIn = (entries: ReadonlyArray<Entry>): ReadonlyArray<Delayed> => {
  const delayed: Array<Delayed> = []
  for (const entry of entries) {
    if (entry._tag === "Delayed") delayed.push(entry)
    if (entry._tag !== "Cancelled") continue
    const place = delayed.findLastIndex(({ message }) => message.id === entry.id)
    if (place >= 0) delayed.splice(place, 1)
  }
  return delayed.sort((a, b) => a.due - b.due)
}

/** Returns the dead letters that are neither redriven nor discarded, in the order of their deaths. */
export const deadIn = (entries: ReadonlyArray<Entry>): ReadonlyArray<Extract<Entry, { readonly _tag: "Dead" }>> => {
  const dead: Array<{ readonly entry: Extract<Entry, { readonly _tag: "Dead" }>; open: boolean }> = []
  for (const entry of entries) {
    if (entry._tag === "Dead") dead.push({ entry, open: true })
    const open = entry._tag === "Restored"
    if (!open && entry._tag !== "Redriven" && entry._tag !== "Discarded") continue
    const deadLetter = dead.findLast((deadLetter) => deadLetter.entry.id === entry.id && deadLetter.open !== open)
    if (deadLetter !== undefined) deadLetter.open = open
  }
  return dead.flatMap(({ entry, open }) => open ? [entry] : [])
}

/** Returns an entry as text for the life line of this message. */
const sentence = (entry: Entry, id: string): string => {
  switch (entry._tag) {
    case "Published":
      return `published at ${entry.at} ms`
    case "Delayed":
      return entry.message.id === id
        ? `delayed until ${entry.due} ms`
        : `delayed to ${entry.message.topic} until ${entry.due} ms`
    case "Started":
      return `attempt ${entry.attempt} began at ${entry.at} ms`
    case "Failed":
      return `attempt ${entry.attempt} failed ${entry.tag} at ${entry.at} ms`
    case "Retry":
      return `retry at ${entry.due} ms`
    case "Held":
      return entry.until === "parked" ? `key ${entry.key} parked` : `key ${entry.key} held until ${entry.until} ms`
    case "Emitted":
      return `emitted to ${entry.message.topic}`
    case "Committed":
      return `committed at ${entry.at} ms`
    case "Duplicate":
      return `duplicate at ${entry.at} ms`
    case "Dead":
      return `dead (${entry.reason}, ${entry.tag}) at ${entry.at} ms`
    case "Cancelled":
    case "Redriven":
    case "Discarded":
    case "Restored":
    case "Released":
      return `${entry._tag.toLowerCase()} at ${entry.at} ms`
    case "Disturbed":
      return `its transaction met ${entry.tag} at ${entry.at} ms`
    case "Crashed":
      return `process crashed at ${entry.at} ms (${entry.point})`
  }
}

/**
 * Returns the life of one message as a sentence. The beginning of an attempt is shown only if the attempt has not
 * ended.
 */
export const lifeLine = (entries: ReadonlyArray<Entry>, id: string): string => {
  const own = entries.filter((entry) => entry.id === id || (entry._tag === "Delayed" && entry.message.id === id))
  const ends = (entry: Entry | undefined) =>
    entry !== undefined && /^(Failed|Committed|Duplicate|Dead|Emitted|Delayed|Disturbed)$/.test(entry._tag)
  const told = own.filter((entry, i) => entry._tag !== "Started" || !ends(own[i + 1]))
  return told.length === 0
    ? "never published to a topic of this pipeline"
    : told.map((entry) => sentence(entry, id)).join(", ")
}

/** Returns the life lines of all messages, one on each line, in the order in which the messages were published. */
export const lifeLines = (entries: ReadonlyArray<Entry>): string =>
  [...new Set(entries.map((entry) => entry.id))].map((id) => `${id}: ${lifeLine(entries, id)}`).join("\n")
