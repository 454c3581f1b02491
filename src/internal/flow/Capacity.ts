/**
 * Counts the messages and bytes in memory, and knows the most that may be there.
 *
 * A turn occupies a place from the moment when the flow accepts it until the turn ends. The worker's unread outcomes
 * occupy places of the same capacity, so that a slow reader slows the fetching.
 */
import * as Latch from "effect/Latch"

export interface Limits {
  readonly messages: number
  readonly bytes: number
}

export class Capacity {
  readonly limits: Limits
  /** This latch opens when a place is free again, or when the fetcher must check the flow for another reason. */
  readonly changed = Latch.makeUnsafe(false)
  private messages = 0
  private bytes = 0

  constructor(limits: Limits) {
    this.limits = limits
  }

  get freeMessages(): number {
    return this.limits.messages - this.messages
  }

  get freeBytes(): number {
    return this.limits.bytes - this.bytes
  }

  occupy(bytes: number): void {
    this.messages++
    this.bytes += bytes
  }

  free(bytes: number): void {
    this.messages--
    this.bytes -= bytes
    this.changed.openUnsafe()
  }
}
