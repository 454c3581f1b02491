/**
 * Queues by key: values of one key come out in the order in which they went in, and never two at a time.
 *
 * All methods are synchronous. A key exists only while a value of it waits or runs. So memory depends on the values in
 * the queue, never on how many keys there are.
 *
 * Invariants: a key is in `ready` exactly if a value of it waits and none of it runs. `running` holds the keys whose
 * value was taken and is not done.
 *
 * @since 0.1.0
 */

/**
 * A queue by key. Only the next value of a key that is not running can be taken.
 *
 * @since 0.1.0
 */
export class KeyedQueue<K, A> {
  private readonly waiting = new Map<K, Waiting<A>>()
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

  /** Returns how many values of the key wait. */
  waitingOf(key: K): number {
    return lengthOf(this.waiting.get(key))
  }

  /** Puts a value behind the others of its key. */
  offer(key: K, value: A): void {
    const queued = this.waiting.get(key)
    if (queued === undefined) this.waiting.set(key, { values: [value], first: 0 })
    else queued.values.push(value)
    this.count++
    if (!this.running.has(key)) this.ready.add(key)
  }

  /**
   * Takes out and returns the next value of the key that has been ready longest. The key is then running until `done`.
   */
  take(): { readonly key: K; readonly value: A } | undefined {
    for (const key of this.ready) {
      this.ready.delete(key)
      this.running.add(key)
      return { key, value: this.shift(key) }
    }
    return undefined
  }

  /** Ends the run of the key, so its next value may be taken. */
  done(key: K): void {
    this.running.delete(key)
    if (this.waiting.has(key)) this.ready.add(key)
  }

  /**
   * Takes out and returns the next values of a running key while the predicate holds, at most `most`. These values run
   * with the value that was taken before.
   */
  takeMore(key: K, most: number, predicate: (value: A) => boolean): ReadonlyArray<A> {
    const values: Array<A> = []
    let queued = this.waiting.get(key)
    while (queued !== undefined && values.length < most) {
      if (!predicate(queued.values[queued.first]!)) break
      values.push(this.shift(key))
      queued = this.waiting.get(key)
    }
    return values
  }

  /** Puts values of a running key back before its waiting values, in order. */
  putBack(key: K, values: ReadonlyArray<A>): void {
    if (values.length === 0) return
    this.waiting.set(key, { values: [...values, ...rest(this.waiting.get(key))], first: 0 })
    this.count += values.length
  }

  /** Puts the running value of a key back, as the first to be taken again, and ends the run of the key. */
  restart(key: K, value: A): void {
    this.putBack(key, [value])
    this.done(key)
  }

  /** Takes out and returns the waiting values of a key. The key's running value continues. */
  forget(key: K): ReadonlyArray<A> {
    const values = rest(this.waiting.get(key))
    this.waiting.delete(key)
    this.ready.delete(key)
    this.count -= values.length
    return values
  }

  /** Takes out and returns the waiting values of any key for which the predicate holds. */
  remove(predicate: (value: A) => boolean): ReadonlyArray<A> {
    const removed: Array<A> = []
    for (const [key, queued] of this.waiting) {
      const kept: Array<A> = []
      for (const value of rest(queued)) (predicate(value) ? removed : kept).push(value)
      this.count -= lengthOf(queued) - kept.length
      if (kept.length > 0) this.waiting.set(key, { values: kept, first: 0 })
      else {
        this.waiting.delete(key)
        this.ready.delete(key)
      }
    }
    return removed
  }

  private shift(key: K): A {
    const queued = this.waiting.get(key)!
    const value = queued.values[queued.first++]!
    this.count--
    if (queued.first === queued.values.length) this.waiting.delete(key)
    else if (queued.first > 1024 && queued.first * 2 > queued.values.length) {
      queued.values.splice(0, queued.first)
      queued.first = 0
    }
    return value
  }
}

/**
 * The waiting values of one key, from the index `first` on. Taking a value only moves the index, since shifting a long
 * array for each value would take quadratic time.
 */
interface Waiting<A> {
  readonly values: Array<A>
  first: number
}

const lengthOf = (queued: Waiting<unknown> | undefined): number =>
  queued === undefined ? 0 : queued.values.length - queued.first

const rest = <A>(queued: Waiting<A> | undefined): ReadonlyArray<A> =>
  queued === undefined ? [] : queued.values.slice(queued.first)
