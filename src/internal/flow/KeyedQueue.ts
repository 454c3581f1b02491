/**
 * Queues by key: values of one key come out in the order in which they went in, and never two at a time.
 *
 * A class over plain Maps with synchronous methods. A key exists only while a value of it waits or runs. So memory
 * depends on the values in the queue, never on how many keys there are.
 *
 * Invariants: a key is in `ready` exactly if a value of it waits and none of it runs. `running` holds the keys whose
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

  /** How many values of the key wait. */
  waitingOf(key: K): number {
    return lengthOf(this.waiting.get(key))
  }

  /** Puts a value behind the others of its key. */
  offer(key: K, value: A): void {
    const line = this.waiting.get(key)
    if (line === undefined) this.waiting.set(key, { values: [value], first: 0 })
    else line.values.push(value)
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

  /**
   * Takes the next values of a key that is running, at most so many, while the predicate holds. They run with the value
   * taken before.
   */
  takeMore(key: K, most: number, predicate: (value: A) => boolean): ReadonlyArray<A> {
    const values: Array<A> = []
    for (let line = this.waiting.get(key); line !== undefined && values.length < most; line = this.waiting.get(key)) {
      if (!predicate(line.values[line.first]!)) break
      values.push(this.shift(key))
    }
    return values
  }

  /** Puts values of a key that is running before those that wait, in their order. */
  putBack(key: K, values: ReadonlyArray<A>): void {
    if (values.length === 0) return
    this.waiting.set(key, { values: [...values, ...rest(this.waiting.get(key))], first: 0 })
    this.count += values.length
  }

  /** The key's value is to be taken again, before the others. */
  restart(key: K, value: A): void {
    this.putBack(key, [value])
    this.done(key)
  }

  /** Takes out the waiting values of a key. Its running value continues. */
  forget(key: K): ReadonlyArray<A> {
    const values = rest(this.waiting.get(key))
    this.waiting.delete(key)
    this.ready.delete(key)
    this.count -= values.length
    return values
  }

  /** Takes out the waiting values that a predicate names, of any key. */
  remove(predicate: (value: A) => boolean): ReadonlyArray<A> {
    const removed: Array<A> = []
    for (const [key, line] of this.waiting) {
      const kept: Array<A> = []
      for (const value of rest(line)) (predicate(value) ? removed : kept).push(value)
      this.count -= lengthOf(line) - kept.length
      if (kept.length > 0) this.waiting.set(key, { values: kept, first: 0 })
      else {
        this.waiting.delete(key)
        this.ready.delete(key)
      }
    }
    return removed
  }

  private shift(key: K): A {
    const line = this.waiting.get(key)!
    const value = line.values[line.first++]!
    this.count--
    if (line.first === line.values.length) this.waiting.delete(key)
    else if (line.first > 1024 && line.first * 2 > line.values.length) {
      line.values.splice(0, line.first)
      line.first = 0
    }
    return value
  }
}

/**
 * Values of one key from `first` on: taking one moves the index, since moving a long array for each costs its square.
 */
interface Waiting<A> {
  readonly values: Array<A>
  first: number
}

const lengthOf = (line: Waiting<unknown> | undefined): number =>
  line === undefined ? 0 : line.values.length - line.first

const rest = <A>(line: Waiting<A> | undefined): ReadonlyArray<A> =>
  line === undefined ? [] : line.values.slice(line.first)
