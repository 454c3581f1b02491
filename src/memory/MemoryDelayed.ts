/**
 * Keeps the delayed messages of a memory store, in the order of their due times.
 *
 * Every method is synchronous. A message that a transaction replaces or cancels is locked until the end of that
 * transaction (see `MemoryOutbox.ts`). Meanwhile `take` skips the message, and also later messages of the same key.
 *
 * @since 0.1.0
 */
import type { Message } from "../Message.ts"

/** A message that is not due yet. */
export interface Waiting {
  readonly message: Message
  /** When the message is due, in milliseconds since the epoch. */
  readonly due: number
  /** The message's name in the form of {@link nameKey}. At most one message waits under a name. */
  readonly name: string | undefined
}

/**
 * Returns the lock key of a named message. NUL separates the parts, since none of them contains NUL. No consumer's name
 * is empty, so the NUL at the beginning distinguishes it from an `inboxKey`.
 */
export const nameKey = (topic: string, key: string, name: string): string => `\0${topic}\0${key}\0${name}`

export class MemoryDelayed {
  /** The delayed messages by due time. Messages of the same time are in the order of their arrival. */
  private waiting: Array<Waiting> = []
  private readonly named = new Map<string, Waiting>()

  find(name: string): Waiting | undefined {
    return this.named.get(name)
  }

  /** Adds a message, and removes the message that waits under the same name. */
  add(waiting: Waiting): void {
    if (waiting.name !== undefined) {
      this.remove(waiting.name)
      this.named.set(waiting.name, waiting)
    }
    let [low, high] = [0, this.waiting.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.waiting[middle]!.due <= waiting.due) low = middle + 1
      else high = middle
    }
    this.waiting.splice(low, 0, waiting)
  }

  remove(name: string): void {
    const found = this.named.get(name)
    if (found === undefined) return
    this.named.delete(name)
    this.waiting.splice(this.waiting.indexOf(found), 1)
  }

  /** Takes out and returns the messages that are due, in order. */
  take(now: number, locked: (name: string) => boolean): ReadonlyArray<Waiting> {
    const taken: Array<Waiting> = []
    const stay: Array<Waiting> = []
    const held = new Set<string>()
    let i = 0
    for (; i < this.waiting.length && this.waiting[i]!.due <= now; i++) {
      const waiting = this.waiting[i]!
      const { key } = waiting.message
      if (held.has(key) || (waiting.name !== undefined && locked(waiting.name))) {
        held.add(key)
        stay.push(waiting)
        continue
      }
      if (waiting.name !== undefined) this.named.delete(waiting.name)
      taken.push(waiting)
    }
    if (i > 0) this.waiting = [...stay, ...this.waiting.slice(i)]
    return taken
  }

  /** Returns when the next message that is not due yet will be due. */
  next(now: number): number {
    return this.waiting.find((waiting) => waiting.due > now)?.due ?? Infinity
  }
}
