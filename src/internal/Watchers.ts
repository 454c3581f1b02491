/**
 * Who in this process waits for which id of which consumer. Synchronous and cheap, since every commit looks here.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** By consumer, then by id. An entry lives as long as somebody waits. */
export class Watchers {
  readonly #waiting = new Map<string, Map<string, Set<Deferred.Deferred<void>>>>()

  /** Ends at the next `settled` of this id; watching ends with the scope. */
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

  /** After the commit that decided about these ids. */
  notify(consumer: string, ids: ReadonlyArray<{ readonly id: string }>): void {
    const waiting = this.#waiting.get(consumer)
    if (waiting === undefined) return
    for (const { id } of ids) for (const deferred of waiting.get(id) ?? []) Deferred.doneUnsafe(deferred, Effect.void)
  }

  /** What is waited for. */
  each(f: (consumer: string, id: string) => void): void {
    for (const [consumer, ids] of this.#waiting) for (const id of ids.keys()) f(consumer, id)
  }

  /** Whoever waits looks again. */
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
