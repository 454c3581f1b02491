/**
 * A turn of the flow, and the owner's part: the rules by which turns start, and the work that runs them.
 */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"

export interface Turn<K> {
  readonly key: K
  /** How many bytes of the capacity the turn occupies. */
  readonly bytes: number
}

/** The owner's part in the flow's decisions. All functions are synchronous. */
export interface Rules<T> {
  /** The most turns that run at the same time. A turn that was started alone does not count. */
  readonly concurrency: number
  /** Whether a batch runs most turns, so that no fiber becomes idle. The default is false. */
  readonly batches?: boolean | undefined
  /** The most turns of one key in memory. */
  readonly perKey?: number | undefined
  /** Whether an operator has paused the flow. */
  readonly paused?: (() => boolean) | undefined
  /** Decides about the next turn. The turn runs, is dropped, or waits until it may run alone (`quarantine`). */
  readonly admit?: ((turn: T) => "run" | "drop" | "quarantine") | undefined
  /** Returns whether a turn that has ended runs again, before the other turns of its key. */
  readonly repeats?: ((turn: T) => boolean) | undefined
}

/** The work of one turn. */
export interface Work<E> {
  readonly run: Effect.Effect<void, E>
  /**
   * The flow calls this function when the fiber has failed. It returns the effect with which another fiber continues
   * the turn, or undefined if the turn is over.
   */
  readonly resume: (cause: Cause.Cause<E>) => Effect.Effect<void, E> | undefined
}

export interface Runner<T, E> {
  readonly work: (turn: T) => Work<E>
  /**
   * Takes, in one synchronous step, the turns that need no fiber, and returns the others. The batch calls `held` for
   * each turn that it takes, and `end` when that turn is over.
   */
  readonly batch?: ((turns: ReadonlyArray<T>) => NotTaken<T>) | undefined
}

/** The turns that a batch did not take. */
export interface NotTaken<T> {
  /** Each of these turns needs a fiber. */
  readonly fibers: ReadonlyArray<T>
  /** The flow offers these turns again, after other fibers had their time. */
  readonly later: ReadonlyArray<T>
}
