/**
 * The part of the store's port that keeps named leases. `Lease.ts` is built on it.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { StoreFailure } from "../../Errors.ts"
import type { Transaction } from "./StoreTransaction.ts"

/**
 * The result of a claim of a named lease.
 *
 * @since 0.1.0
 */
export interface LeaseClaim {
  /** The new fencing token if the claim got the lease; otherwise undefined. */
  readonly token: bigint | undefined
  /** The present or last owner, if the claim did not get the lease. */
  readonly owner: string
  /** Milliseconds until that owner's lease expires unless it is renewed, on the store's clock. 0 if it has expired. */
  readonly remainingMillis: number
}

/**
 * The part of the store that keeps named leases. All times are on the store's clock.
 *
 * @since 0.1.0
 */
export interface LeaseStore {
  /**
   * Claims the lease for `millis` milliseconds if it is free, has expired, or belongs to this owner. Returns at once.
   *
   * A claim that succeeds raises the token, at least to the milliseconds since the epoch. So a store that lost a claim
   * (restored from a copy, say) does not issue the same token again. A claim never succeeds between a {@link
   * LeaseStore.fence} and the end of its transaction. The claim does not join an ambient transaction. After a missing
   * answer the claim may be repeated, and returns a higher token.
   */
  readonly claim: (name: string, owner: string, millis: number) => Effect.Effect<LeaseClaim, StoreFailure>
  /**
   * Extends the owner's lease with this token. Returns false if the owner has no such lease, or the lease has expired.
   * Idempotent.
   */
  readonly renew: (name: string, owner: string, token: bigint, millis: number) => Effect.Effect<boolean, StoreFailure>
  /** Gives the owner's lease back at once and wakes the callers that wait for it. Idempotent. */
  readonly release: (name: string, owner: string) => Effect.Effect<void, StoreFailure>
  /**
   * Returns whether this owner holds the lease with this token. If it does, no other owner can claim the lease until
   * the transaction has ended. On Postgres, a process that freezes inside such a transaction loses the transaction
   * after `millis` milliseconds.
   */
  readonly fence: (
    name: string,
    owner: string,
    token: bigint,
    millis: number
  ) => Effect.Effect<boolean, StoreFailure, Transaction>
  /**
   * Starts to listen for a release of the lease. The inner effect completes when the lease may have been given back,
   * and misses no release after the outer effect. Behind a pooler without notifications the inner effect never
   * completes, so the caller also polls.
   */
  readonly awaitRelease: (name: string) => Effect.Effect<Effect.Effect<void>, never, Scope.Scope>
}
