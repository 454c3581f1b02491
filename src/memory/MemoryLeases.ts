/**
 * Named leases over the memory store, on Effect's `Clock`.
 *
 * While a transaction that checked a token is open, no claim of that lease succeeds. On Postgres a row lock does this.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type { LeaseStore } from "../Store.ts"
import { nextToken } from "./MemoryLane.ts"
import type { MemoryState } from "./MemoryStore.ts"
import { type MemoryTransaction, required } from "./MemoryTransaction.ts"

interface Row {
  owner: string | undefined
  /**
   * The fencing token. Every claim raises it. A row stays after its lease was given back, so the token is never
   * lowered.
   */
  token: bigint
  until: number
  /** The transactions that have checked the token. Ended ones are removed at the next claim. */
  readonly fences: Set<MemoryTransaction>
}

export const makeLeases = (state: MemoryState): LeaseStore => {
  const rows = new Map<string, Row>()
  const waiting = new Map<string, Set<Deferred.Deferred<void>>>()

  const rowOf = (name: string): Row => {
    let row = rows.get(name)
    if (row === undefined) rows.set(name, row = { owner: undefined, token: 0n, until: -Infinity, fences: new Set() })
    return row
  }
  const fenced = (row: Row): boolean => {
    for (const transaction of row.fences) if (!transaction.isOpenOn(state)) row.fences.delete(transaction)
    return row.fences.size > 0
  }
  const atNow = <A>(f: (now: number) => A): Effect.Effect<A> =>
    Effect.clockWith((clock) => Effect.sync(() => f(clock.currentTimeMillisUnsafe())))

  return {
    claim: (name, owner, millis) =>
      atNow((now) => {
        const row = rowOf(name)
        if ((row.until >= now && row.owner !== owner) || fenced(row)) {
          return { token: undefined, owner: row.owner ?? "", remainingMillis: Math.max(0, row.until - now) }
        }
        row.owner = owner
        row.token = nextToken(row.token, now)
        row.until = now + millis
        return { token: row.token, owner, remainingMillis: millis }
      }),
    renew: (name, owner, token, millis) =>
      atNow((now) => {
        const row = rowOf(name)
        if (row.token !== token || row.owner !== owner || row.until < now) return false
        row.until = now + millis
        return true
      }),
    release: (name, owner) =>
      Effect.sync(() => {
        const row = rowOf(name)
        if (row.owner !== owner) return
        row.owner = undefined
        row.until = -Infinity
        for (const waiter of waiting.get(name) ?? []) Deferred.doneUnsafe(waiter, Effect.void)
      }),
    fence: (name, owner, token) =>
      Effect.map(required(state, "look at a lease's token"), (transaction) => {
        const row = rowOf(name)
        if (row.token !== token || row.owner !== owner) return false
        row.fences.add(transaction)
        return true
      }),
    awaitRelease: (name) =>
      Effect.map(
        Effect.acquireRelease(
          Effect.sync(() => {
            const waiter = Deferred.makeUnsafe<void>()
            const waiters = waiting.get(name) ?? new Set()
            waiting.set(name, waiters.add(waiter))
            return waiter
          }),
          (waiter) =>
            Effect.sync(() => {
              const waiters = waiting.get(name)
              if (waiters?.delete(waiter) === true && waiters.size === 0) waiting.delete(name)
            })
        ),
        Deferred.await
      )
  }
}
