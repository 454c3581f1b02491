/**
 * Estimates the size of messages that are not read yet, so that a reader takes no more than it has room for.
 *
 * The estimate is the average of the last read, or half of the estimate before it if that is more. So after one read of
 * small messages, the next read takes at most twice as many large ones.
 */
export class MessageSizes {
  #estimate = 0

  /** Notes a read of so many messages with so many bytes. */
  note(messages: number, bytes: number): void {
    if (messages > 0) this.#estimate = Math.max(bytes / messages, this.#estimate / 2)
  }

  /** Returns how many messages fit into so many bytes, at least one. */
  fitInto(bytes: number): number {
    return this.#estimate === 0 ? Infinity : Math.max(1, Math.floor(bytes / this.#estimate))
  }
}
