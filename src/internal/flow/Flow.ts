/**
 * The flow: a keyed queue, its demand and its mode. The worker and `KeyedStream` both run on it.
 *
 * A turn is one value and the exclusive run of its key. `offer` is synchronous, and turns wait only in this flow, so
 * `forget` and `remove` miss none. `turns` hands out the turns that may start, for a `Stream`. `start` runs them: a
 * batch may take some of them, and each other turn has a fiber of its own. In both cases the next turn of a key starts
 * after `end`.
 *
 * | mode | the flow hands out | it asks for more |
 * | --- | --- | --- |
 * | `running` | turns that are ready, up to the concurrency | while it has places |
 * | `paused` | nothing | always, since a poll shows when the pause ends |
 * | `quarantine` | the turn that runs alone | no |
 * | `stopping` | nothing, and nothing waits any more; what runs may end | no |
 * | `stopped` | nothing, and nothing runs | no |
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import type * as Pull from "effect/Pull"
import type { Capacity } from "./Capacity.ts"
import { KeyedQueue } from "./KeyedQueue.ts"
import type { NotTaken, Rules, Runner, Turn, Work } from "./Turn.ts"

export type { Rules, Runner, Turn, Work } from "./Turn.ts"

export type Mode = "running" | "paused" | "quarantine" | "stopping" | "stopped"

/** The holder of a running turn: its fiber, or the function that makes a batch withdraw the turn. */
type Holder = Fiber.Fiber<void, unknown> | (() => void)

/** Marks a turn that was withdrawn before a fiber or a batch ran it. */
const withdrawn = (): void => {}

export class Flow<K, T extends Turn<K>, E = never> {
  /** This latch opens when a turn waits to run alone. */
  readonly quarantined = Latch.makeUnsafe(false)
  private readonly rules: Rules<T>
  private readonly capacity: Capacity
  private readonly queue = new KeyedQueue<K, T>()
  private readonly runningTurns = new Map<T, Holder | undefined>()
  private readonly waitingAlone: Array<T> = []
  private readonly alone = new Set<T>()
  /**
   * Turns that start in any mode: one that runs alone, one that another fiber continues, or one that a batch left for
   * later.
   */
  private starting: Array<T> = []
  private readonly resumed = new Map<T, Work<E>>()
  private readonly ready = Latch.makeUnsafe(false)
  private readonly endings = new Set<Latch.Latch>()
  private count = 0
  private quarantines = 0
  private stage: "open" | "stopping" | "stopped" = "open"
  private finished: Exit.Exit<void, E> | undefined

  constructor(rules: Rules<T>, capacity: Capacity) {
    this.rules = rules
    this.capacity = capacity
  }

  get mode(): Mode {
    if (this.stage !== "open") return this.stage
    if (this.quarantines > 0) return "quarantine"
    return this.rules.paused?.() === true ? "paused" : "running"
  }

  /** How many turns the flow holds: those that wait and those that run. */
  get size(): number {
    return this.count
  }

  /** How many turns wait for their key or for a free fiber. */
  get waiting(): number {
    return this.queue.size
  }

  get running(): ReadonlyMap<T, unknown> {
    return this.runningTurns
  }

  /**
   * Returns how much may be offered now. The share of one key shrinks with the free places, so that a few slow keys do
   * not occupy all places. With the defaults more than a hundred slow keys are needed for that.
   */
  demand(): { readonly messages: number; readonly bytes: number; readonly perKey: number } {
    const messages = Math.max(0, this.capacity.freeMessages)
    return {
      messages,
      bytes: this.capacity.freeBytes,
      perKey: Math.max(1, Math.min(this.rules.perKey ?? Infinity, Math.floor(messages / 32)))
    }
  }

  /**
   * Whether a request for more messages is worth its cost: a fiber would be idle, or an eighth of the places is free.
   * With batches it is a quarter: then larger requests cost less than idle places.
   */
  get wantsMore(): boolean {
    const { mode } = this
    if (mode === "paused") return true
    if (mode !== "running") return false
    const { freeBytes, freeMessages, limits } = this.capacity
    if (freeMessages <= 0 || freeBytes <= 0) return false
    if (this.rules.batches === true) return freeMessages * 4 >= limits.messages
    const idle = this.queue.readyKeys === 0 && this.runningTurns.size < this.rules.concurrency
    return idle || freeMessages * 8 >= limits.messages
  }

  /**
   * Puts a turn behind the others of its key. The caller then calls `wake`, once for all turns that it offers together.
   */
  offer(turn: T): void {
    this.count++
    this.capacity.occupy(turn.bytes)
    this.queue.offer(turn.key, turn)
  }

  /** Makes `turns` check again which turns may start, because turns were offered or a pause may have ended. */
  wake(): void {
    this.ready.openUnsafe()
  }

  /**
   * Waits until turns may start, and hands them out. After `finish` this pull is done, or fails with the given failure.
   */
  readonly turns: Pull.Pull<readonly [T, ...Array<T>], E> = Effect.suspend(() => {
    if (this.finished !== undefined) {
      return this.finished._tag === "Success" ? Cause.done() : Effect.failCause(this.finished.cause)
    }
    const turns = this.takeReady()
    if (isNonEmpty(turns)) return Effect.succeed(turns)
    this.ready.closeUnsafe()
    return Effect.andThen(this.ready.await, this.turns)
  })

  /** Runs turns that were handed out: the batch takes some, and each other turn has a fiber. */
  readonly start = (runner: Runner<T, E>) => (turns: ReadonlyArray<T>): Effect.Effect<void> =>
    Effect.uninterruptible(Effect.suspend(() => {
      const { fibers, later } = runner.batch === undefined
        ? { fibers: turns, later: [] }
        : this.withBatch(turns, runner.batch)
      let next = 0
      const forking = Effect.whileLoop({
        while: () => next < fibers.length,
        body: () => this.fork(fibers[next]!, runner),
        step: () => {
          next++
        }
      })
      if (later.length === 0) return forking
      this.starting.push(...later)
      return Effect.andThen(forking, Effect.yieldNow)
    }))

  /** Offers turns to the batch, but none that runs alone, continues in a fiber, or was withdrawn meanwhile. */
  private withBatch(turns: ReadonlyArray<T>, batch: NonNullable<Runner<T, E>["batch"]>): NotTaken<T> {
    const special = turns.filter((turn) =>
      this.alone.has(turn) || this.resumed.has(turn) || this.runningTurns.get(turn) === withdrawn
    )
    const { fibers, later } = batch(special.length === 0 ? turns : turns.filter((turn) => !special.includes(turn)))
    return { fibers: [...special, ...fibers], later }
  }

  /** Records that a batch has taken this turn. The flow calls `withdraw` to make the batch end the turn soon. */
  held(turn: T, withdraw: () => void): void {
    this.runningTurns.set(turn, withdraw)
  }

  /**
   * Makes a fiber continue a turn that a batch has begun. While the flow is stopping, no fiber starts, so the turn
   * ends.
   */
  continueInFiber(turn: T, work: Work<E>): void {
    if (this.stage !== "open") return this.end(turn)
    this.runningTurns.set(turn, undefined)
    this.resumed.set(turn, work)
    this.starting.push(turn)
    this.ready.openUnsafe()
  }

  /** Ends the turn. The next turn of its key may start, unless the rule `repeats` makes this turn run again first. */
  end(turn: T): void {
    this.endAll([turn])
  }

  /** Ends turns, as `end` does. */
  endAll(turns: ReadonlyArray<T>): void {
    for (const turn of turns) {
      this.runningTurns.delete(turn)
      this.alone.delete(turn)
      this.resumed.delete(turn)
      if (this.rules.repeats?.(turn) === true) this.queue.restart(turn.key, turn)
      else this.release(turn)
    }
    this.ready.openUnsafe()
    this.capacity.changed.openUnsafe()
    if (this.endings.size === 0) return
    // Copies the set first: opening a latch may run its waiter at once, and the waiter may add itself again for the
    // next ending.
    const endings = [...this.endings]
    this.endings.clear()
    for (const ending of endings) ending.openUnsafe()
  }

  /**
   * Ends these running turns early: interrupts their fibers and withdraws them from their batch. Waits for the fibers.
   */
  withdraw(turns: Iterable<T>): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fibers: Array<Fiber.Fiber<void, unknown>> = []
      for (const turn of turns) {
        if (!this.runningTurns.has(turn)) continue
        const holder = this.runningTurns.get(turn)
        if (holder === undefined || this.resumed.has(turn)) this.runningTurns.set(turn, withdrawn)
        else if (typeof holder === "function") holder()
        else fibers.push(holder)
      }
      return Fiber.interruptAll(fibers)
    })
  }

  /** Returns how many turns wait behind the running turn of this key. */
  waitingOf(key: K): number {
    return this.queue.waitingOf(key)
  }

  /**
   * Takes out the next turns of a running key while the predicate holds, and returns them. These turns then run as part
   * of the running turn.
   */
  takeMore(key: K, most: number, predicate: (turn: T) => boolean): ReadonlyArray<T> {
    return this.mode === "running" ? this.queue.takeMore(key, most, predicate) : []
  }

  /**
   * Puts turns back behind the running one of their key. While the flow is stopping, no turn starts, so the turns are
   * dropped instead. Returns the dropped ones.
   */
  putBack(key: K, turns: ReadonlyArray<T>): ReadonlyArray<T> {
    if (this.stage === "open") {
      this.queue.putBack(key, turns)
      return []
    }
    for (const turn of turns) this.drop(turn)
    return turns
  }

  /**
   * Frees the place of a turn that leaves the flow. The caller of `takeMore` calls this for each turn that ended with
   * the running one.
   */
  drop(turn: T): void {
    this.count--
    this.capacity.free(turn.bytes)
  }

  /** Drops the waiting turns of a key. The key's running turn continues. */
  forget(key: K): void {
    for (const turn of this.queue.forget(key)) this.drop(turn)
  }

  /** Drops the waiting turns of any key for which the predicate holds. */
  remove(predicate: (turn: T) => boolean): void {
    for (const turn of this.queue.remove(predicate)) this.drop(turn)
  }

  /**
   * Takes out and returns the turn that has waited longest to run alone. The caller then calls `startAlone`, `restart`
   * or `release` for it.
   */
  nextAlone(): T | undefined {
    return this.waitingAlone.shift()
  }

  /** Starts a turn that must run alone. The caller has made sure that no other turn runs, mostly by `quarantine`. */
  startAlone(turn: T): void {
    this.runningTurns.set(turn, undefined)
    this.alone.add(turn)
    this.starting.push(turn)
    this.ready.openUnsafe()
  }

  /** Puts a turn that did not run back to the first place of its key. */
  restart(turn: T): void {
    this.queue.restart(turn.key, turn)
    this.ready.openUnsafe()
  }

  /** Drops the turn that occupies its key, so the next turn of the key may start. */
  release(turn: T): void {
    this.drop(turn)
    this.queue.done(turn.key)
  }

  /**
   * Begins the quarantine. Until `endQuarantine`, only turns start that `startAlone` starts or another fiber continues.
   */
  quarantine(): void {
    this.quarantines++
  }

  endQuarantine(): void {
    this.quarantines--
    this.ready.openUnsafe()
    this.capacity.changed.openUnsafe()
  }

  /** Ends `turns`, with a failure if the exit is one. Running turns continue. */
  finish(exit: Exit.Exit<void, E>): void {
    this.finished ??= exit
    this.ready.openUnsafe()
  }

  /**
   * Stops starting turns permanently. Drops the waiting turns, and those that were handed out and have not started, and
   * returns them. The reader of `turns` must have ended before.
   */
  beginStop(): ReadonlyArray<T> {
    this.stage = "stopping"
    const dropped = [...this.queue.remove(() => true), ...this.waitingAlone.splice(0)]
    for (const turn of dropped) this.drop(turn)
    for (const [turn, holder] of this.runningTurns) {
      if (holder !== undefined && holder !== withdrawn && !this.resumed.has(turn)) continue
      this.end(turn)
      dropped.push(turn)
    }
    this.capacity.changed.openUnsafe()
    return dropped
  }

  /** Marks the flow as stopped. The caller has waited until no turn runs. */
  stop(): void {
    this.stage = "stopped"
  }

  /** Waits until no turn runs. */
  readonly idle: Effect.Effect<void> = this.until(() => this.runningTurns.size === 0)

  /** Waits until no turn waits and no turn runs. */
  readonly empty: Effect.Effect<void> = this.until(() => this.count === 0)

  /** Waits until this turn is over. */
  ended(turn: T): Effect.Effect<void> {
    return this.until(() => !this.runningTurns.has(turn))
  }

  private until(met: () => boolean): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (met()) return Effect.void
      const ended = Latch.makeUnsafe(false)
      this.endings.add(ended)
      return Effect.andThen(ended.await, this.until(met))
    })
  }

  private takeReady(): ReadonlyArray<T> {
    const turns = this.starting
    this.starting = []
    while (this.mode === "running" && this.runningTurns.size - this.alone.size < this.rules.concurrency) {
      const taken = this.queue.take()
      if (taken === undefined) break
      const turn = taken.value
      const decision = this.rules.admit?.(turn) ?? "run"
      if (decision === "run") {
        this.runningTurns.set(turn, undefined)
        turns.push(turn)
      } else if (decision === "drop") this.release(turn)
      else {
        this.waitingAlone.push(turn)
        this.quarantined.openUnsafe()
      }
    }
    // Taking these turns may leave a fiber without a ready key. So the fetcher is woken to see whether the flow
    // wants more.
    if (turns.length > 0) this.capacity.changed.openUnsafe()
    return turns
  }

  private fork(turn: T, { work }: Runner<T, E>): Effect.Effect<void> {
    if (this.runningTurns.get(turn) === withdrawn) return Effect.sync(() => this.end(turn))
    const working = this.resumed.get(turn) ?? work(turn)
    return Effect.map(Effect.forkDetach(working.run), (fiber) => {
      this.resumed.delete(turn)
      this.runningTurns.set(turn, fiber)
      // If user code returns a value that is no Effect, the fiber ends without running the handlers inside of it. Only
      // an observer sees that end.
      fiber.addObserver((exit) => this.fiberEnded(turn, working, exit))
    })
  }

  private fiberEnded(turn: T, { resume }: Work<E>, exit: Exit.Exit<void, E>): void {
    const more = exit._tag === "Failure" && this.stage === "open" ? resume(exit.cause) : undefined
    if (more === undefined) return this.end(turn)
    this.resumed.set(turn, { run: more, resume })
    this.starting.push(turn)
    this.ready.openUnsafe()
  }
}

const isNonEmpty = <T>(turns: ReadonlyArray<T>): turns is readonly [T, ...Array<T>] => turns.length > 0
