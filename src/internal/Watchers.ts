/**
 * The calls in this process that wait for an id of a consumer. Every commit calls `notify`, so its work is synchronous
 * and cheap.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Waiting calls by consumer, then by id. An entry exists while a call waits. */
export class Watchers {
  readonly #waiting = new Map<string, Map<string, Set<Deferred.Deferred<void>>>>()

  /**
   * Starts to watch an id. The inner effect completes at the next `notify` of this id. The watch ends with the scope.
   */
  watch(consumer: string, id: string): Effect.Effect<Effect.Effect<void>, never, Scope.Scope> {
    return Effect.acquireRelease(
      Effect.sync(() => {
        const deferred = Deferred.makeUnsafe<void>()
        const ids = this.#waiting.get(consumer) ?? new Map<string, Set<Deferred.Deferred<void>>>()
        const set = ids.get(id) ?? new Set()
        this.#waiting.set(consumer, ids.set(id, set.add(deferred)))
        return deferred
      }),
      (deferred) => Effect.sync(() => this.#forget(consumer, id, deferred))
    ).pipe(Effect.map(Deferred.await))
  }

  /** Notifies the calls that wait for these ids, after the commit that decided them. */
  notify(consumer: string, ids: ReadonlyArray<{ readonly id: string }>): void {
    const waiting = this.#waiting.get(consumer)
    if (waiting === undefined) return
    for (const { id } of ids) for (const deferred of waiting.get(id) ?? []) Deferred.doneUnsafe(deferred, Effect.void)
  }

  /** Calls a function for each id that a call waits for. */
  each(f: (consumer: string, id: string) => void): void {
    for (const [consumer, ids] of this.#waiting) for (const id of ids.keys()) f(consumer, id)
  }

  /** Completes all watches, so that the waiting calls poll. */
  notifyAll(): void {
    for (const ids of this.#waiting.values()) {
      for (const set of ids.values()) for (const deferred of set) Deferred.doneUnsafe(deferred, Effect.void)
    }
  }

  #forget(consumer: string, id: string, deferred: Deferred.Deferred<void>): void {
    const ids = this.#waiting.get(consumer)
    const set = ids?.get(id)
    set?.delete(deferred)
    if (set?.size === 0) ids?.delete(id)
    if (ids?.size === 0) this.#waiting.delete(consumer)
  }
}
