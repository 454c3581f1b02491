/**
 * Keeps the messages that a subscription has received from a broker and that are still there: handles, leases and
 * states. All methods are synchronous, so every transition is atomic.
 *
 * A message without a group has a lease of its own. The messages of a group share one lease. If one of them is lost, a
 * later one must not run before it, so the whole group is lost.
 *
 * An entry is in one of four states:
 *
 * - `unread`: the store's record of its message is not known yet.
 * - `waiting`: the worker has not taken it yet.
 * - `out`: the worker has it.
 * - `done`: it is committed, and the broker has not deleted it yet.
 */
import * as Deferred from "effect/Deferred"
import * as Exit from "effect/Exit"
import type { Delivery, HeldLease } from "../../Delivery.ts"
import { LeaseLost } from "../../Errors.ts"
import type { Message } from "../../Message.ts"
import type { DeliveryCount, Unsettled } from "../../Store.ts"
import type { Received } from "./BrokerQueue.ts"

/**
 * A message that the subscription has received. The entry is removed when the broker has deleted the message, or when
 * its lease is lost. It is also removed when the message is hidden for a hold, or given back.
 */
export interface Entry {
  readonly messageId: string
  readonly groupId: string | undefined
  readonly message: Message
  readonly lease: HeldLease
  readonly position: bigint
  /** Bytes of the payload. */
  readonly bytes: number
  /** Monotonic nanoseconds, read before the poll was sent. A broker's ceiling counts from here. */
  receivedAt: bigint
  /** The handle of the newest delivery, since the broker may refuse an older one. */
  handle: string
  receiveCount: number
  state: "unread" | "waiting" | "out" | "done"
  record: Unsettled | undefined
  /** Whether the store has, or may have, a record of this message. */
  recorded: boolean
  /** The delay of a hold whose transaction is under way, in milliseconds. */
  holdMillis: number | undefined
}

/** The messages of one lease, in the order of their positions. */
interface Holding {
  readonly lease: HeldLease
  readonly groupId: string | undefined
  readonly entries: Set<Entry>
}

/** Returns how many deliveries of a message ended without an explanation, with those that the store has counted. */
export const crashCountOf = ({ receiveCount, record }: Pick<Entry, "receiveCount" | "record">): number =>
  (record?.crashCount ?? 0) + Math.max(0, receiveCount - 1 - (record?.explained ?? 0))

/** Returns the count to store for an entry. `ended` says whether this delivery ends with an explanation. */
export const countOf = (entry: Entry, ended: boolean, alone = false): DeliveryCount => ({
  id: entry.message.id,
  crashCount: crashCountOf(entry),
  explained: ended ? entry.receiveCount : entry.receiveCount - 1,
  alone
})

export class Held {
  private readonly consumer: string
  private readonly holdings = new Map<HeldLease, Holding>()
  private readonly byMessage = new Map<string, Entry>()
  private readonly byGroup = new Map<string, HeldLease>()
  private readonly receipts = new WeakMap<object, Entry>()
  private number = 0n

  constructor(consumer: string) {
    this.consumer = consumer
  }

  get size(): number {
    return this.byMessage.size
  }

  /**
   * Enters received messages. A message that the subscription has already came again: only its handle is replaced, and
   * it is not handed out twice. Returns the bytes of the new messages.
   */
  enter<R extends Received>(
    messages: ReadonlyArray<R>,
    claimedAt: bigint,
    messageOf: (received: R) => Message
  ): number {
    this.purge()
    let bytes = 0
    for (const received of messages) {
      const known = this.byMessage.get(received.messageId)
      if (known !== undefined) {
        known.handle = received.handle
        known.receiveCount = received.receiveCount
        known.receivedAt = claimedAt
        continue
      }
      const lease = this.leaseFor(received.groupId, claimedAt)
      const message = messageOf(received)
      const entry: Entry = {
        messageId: received.messageId,
        groupId: received.groupId,
        message,
        lease,
        position: received.sequence ?? ++this.number,
        bytes: Buffer.byteLength(message.payload),
        receivedAt: claimedAt,
        handle: received.handle,
        receiveCount: received.receiveCount,
        state: received.receiveCount > 1 ? "unread" : "waiting",
        record: undefined,
        recorded: received.receiveCount > 1,
        holdMillis: undefined
      }
      this.byMessage.set(received.messageId, entry)
      this.holdings.get(lease)!.entries.add(entry)
      bytes += entry.bytes
    }
    return bytes
  }

  private leaseFor(groupId: string | undefined, claimedAt: bigint): HeldLease {
    const known = groupId === undefined ? undefined : this.byGroup.get(groupId)
    if (known !== undefined) return known
    const token = ++this.number
    const lease: HeldLease = {
      name: `${groupId === undefined ? "message" : "group"}-${token}`,
      token,
      claimedAt,
      lost: Deferred.makeUnsafe()
    }
    this.holdings.set(lease, { lease, groupId, entries: new Set() })
    if (groupId !== undefined) this.byGroup.set(groupId, lease)
    return lease
  }

  /** Returns the entries in this state, in the order in which they came. */
  inState(state: Entry["state"]): ReadonlyArray<Entry> {
    this.purge()
    return [...this.byMessage.values()].filter((entry) => entry.state === state)
  }

  /** Returns the leases that are held. */
  leases(): ReadonlyArray<HeldLease> {
    this.purge()
    return [...this.holdings.keys()]
  }

  /** Returns the entries under a lease, in order. */
  entriesOf(lease: HeldLease): ReadonlyArray<Entry> {
    return [...this.holdings.get(lease)?.entries ?? []]
  }

  /** Returns every entry that is not settled. */
  unsettled(): ReadonlyArray<Entry> {
    this.purge()
    return [...this.byMessage.values()].filter(({ state }) => state !== "done")
  }

  /** Marks an entry as handed out, and returns its delivery. */
  delivered(entry: Entry): Delivery {
    entry.state = "out"
    const receipt = {}
    this.receipts.set(receipt, entry)
    return {
      message: entry.message,
      lease: entry.lease,
      position: entry.position,
      crashCount: crashCountOf(entry),
      crashedAlone: entry.record?.alone === true,
      attempts: entry.record?.attempts ?? [],
      receipt
    }
  }

  /** Returns the entry of a delivery while its lease is held. */
  of({ receipt }: Delivery): Entry | undefined {
    const entry = typeof receipt === "object" && receipt !== null ? this.receipts.get(receipt) : undefined
    return entry !== undefined && this.has(entry) ? entry : undefined
  }

  /** Returns whether a delivery is from here and its lease is not lost, also after its message was deleted. */
  mayCommit({ lease, receipt }: Delivery): boolean {
    return this.issued(receipt) && !Deferred.isDoneUnsafe(lease.lost)
  }

  /** Returns whether this is the receipt of a delivery from here, also of one that is over. */
  issued(receipt: unknown): boolean {
    return typeof receipt === "object" && receipt !== null && this.receipts.has(receipt)
  }

  /** Returns whether the entry is here and its lease is held. */
  has(entry: Entry): boolean {
    return this.byMessage.get(entry.messageId) === entry && !Deferred.isDoneUnsafe(entry.lease.lost)
  }

  /** Takes an entry out. Its lease ends with its last entry. */
  remove(entry: Entry): void {
    if (this.byMessage.get(entry.messageId) === entry) this.byMessage.delete(entry.messageId)
    const holding = this.holdings.get(entry.lease)
    holding?.entries.delete(entry)
    if (holding !== undefined && holding.entries.size === 0) this.end(holding)
  }

  /** Marks a lease as lost, and takes out all its entries. */
  lose(lease: HeldLease, reason: string): void {
    Deferred.doneUnsafe(
      lease.lost,
      Exit.succeed(
        new LeaseLost({ lease: `${lease.name} of "${this.consumer}"`, token: String(lease.token), reason })
      )
    )
    this.purge()
  }

  /** Takes out the entries of leases that the worker or this adapter has marked as lost. */
  private purge(): void {
    for (const holding of this.holdings.values()) {
      if (!Deferred.isDoneUnsafe(holding.lease.lost)) continue
      for (const entry of holding.entries) this.byMessage.delete(entry.messageId)
      this.end(holding)
    }
  }

  private end({ groupId, lease }: Holding): void {
    this.holdings.delete(lease)
    if (groupId !== undefined) this.byGroup.delete(groupId)
  }
}
