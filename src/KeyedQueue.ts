/**
 * Queues by key: values of one key come out in the order in which they went in, and never two at a time.
 *
 * A class over plain Maps with synchronous methods, used by the worker and by `KeyedStream` alike. A key exists only while
 * something of it waits or runs, so memory depends on what is in the queue and never on how many keys there are.
 *
 * Invariants: a key is in `ready` exactly if something of it waits and nothing of it runs; `running` holds the keys whose
 * value was taken and is not done.
 *
 * @since 0.1.0
 */

/**
 * A queue with an order per key.
 *
 * @since 0.1.0
 */
export class KeyedQueue<K, A> {
  private readonly waiting = new Map<K, Array<A>>()
  private readonly running = new Set<K>()
  private readonly ready = new Set<K>()
  private count = 0

  /** How many values wait. */
  get size(): number {
    return this.count
  }

  /** How many keys have a value that can be taken now. */
  get readyKeys(): number {
    return this.ready.size
  }

  /** How many values of the key wait. */
  waitingOf(key: K): number {
    return this.waiting.get(key)?.length ?? 0
  }

  /** Puts a value behind the others of its key. */
  offer(key: K, value: A): void {
    const queue = this.waiting.get(key)
    if (queue === undefined) this.waiting.set(key, [value])
    else queue.push(value)
    this.count++
    if (!this.running.has(key)) this.ready.add(key)
  }

  /** The next value of the key that has been ready longest; its key is then running until `done`. */
  take(): { readonly key: K; readonly value: A } | undefined {
    for (const key of this.ready) {
      this.ready.delete(key)
      this.running.add(key)
      return { key, value: this.shift(key) }
    }
    return undefined
  }

  /** The key's value is finished: its next one may be taken. */
  done(key: K): void {
    this.running.delete(key)
    if (this.waiting.has(key)) this.ready.add(key)
  }

  /** The key's value is to be taken again, before the others. */
  restart(key: K, value: A): void {
    const queue = this.waiting.get(key)
    if (queue === undefined) this.waiting.set(key, [value])
    else queue.unshift(value)
    this.count++
    this.done(key)
  }

  /** Takes out what waits of a key; what runs goes on. */
  forget(key: K): ReadonlyArray<A> {
    const queue = this.waiting.get(key) ?? []
    this.waiting.delete(key)
    this.ready.delete(key)
    this.count -= queue.length
    return queue
  }

  /** Takes out the waiting values that a predicate names, of any key. */
  remove(predicate: (value: A) => boolean): ReadonlyArray<A> {
    const removed: Array<A> = []
    for (const [key, queue] of this.waiting) {
      const kept = queue.filter((value) => !predicate(value))
      if (kept.length === queue.length) continue
      for (const value of queue) if (predicate(value)) removed.push(value)
      this.count -= queue.length - kept.length
      if (kept.length > 0) this.waiting.set(key, kept)
      else {
        this.waiting.delete(key)
        this.ready.delete(key)
      }
    }
    return removed
  }

  private shift(key: K): A {
    const queue = this.waiting.get(key)!
    const value = queue.shift()!
    if (queue.length === 0) this.waiting.delete(key)
    this.count--
    return value
  }
}
