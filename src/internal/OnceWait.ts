/**
 * The waiting of one call of `Inbox.once`. The call waits for an unavailable store, for another caller of the id, and
 * for the outcome of a COMMIT without an answer. The time in which its effect runs does not count.
 */
import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { StoreFailure, type UnknownOutcome } from "../Errors.ts"
import type { OnceClaim } from "../Store.ts"
import * as Backoff from "./Backoff.ts"

/** How often a failed transaction is run again. */
const tries = 10

/**
 * Milliseconds for which `refuse` waits for a worker's commit of the same id. The inbox cannot see that commit
 * without waiting.
 */
const refusalMillis = 1000

/** Counts how long one call has waited without running its effect, and how often its transaction failed. */
export class OnceWait {
  /**
   * The COMMIT of this call that had no answer. Until the inbox was asked, the call must not fail with an error that
   * says nothing was committed.
   */
  unknownOutcome: UnknownOutcome | undefined
  private readonly clock: Clock.Clock
  private readonly wait: boolean
  private readonly timeout: number
  private limit: number
  private waited = 0
  /** When the wait began, in milliseconds. Undefined while the effect runs. */
  private since: number | undefined
  /**
   * How many milliseconds the call had waited for the store when its first transaction began. The timeout for another
   * caller of the id counts from there.
   */
  private waitedForStore: number | undefined
  private pauses = 0
  private failures = 0

  constructor(clock: Clock.Clock, wait: boolean, timeout: number) {
    this.clock = clock
    this.wait = wait
    this.timeout = timeout
    this.limit = wait ? this.timeout : Math.min(this.timeout, refusalMillis)
    this.since = this.now()
  }

  private now(): number {
    return Number(this.clock.monotonicTimeNanosUnsafe()) / 1e6
  }

  /** Milliseconds for which the call has waited. */
  get waitedMillis(): number {
    return Math.round(this.waited + (this.since === undefined ? 0 : this.now() - this.since))
  }

  /** How much longer the call may wait. */
  get remaining(): Duration.Duration {
    return Duration.millis(Math.max(0, this.limit - this.waitedMillis + (this.waitedForStore ?? 0)))
  }

  /**
   * Whether the call must stop waiting for an id that another caller holds. A call whose own COMMIT had no answer
   * always waits.
   */
  get isOver(): boolean {
    return (!this.wait && this.unknownOutcome === undefined) || Duration.toMillis(this.remaining) <= 0
  }

  /** Marks the start of a transaction. From now on the call may be waiting for another caller. */
  transactionBegins(): void {
    this.waitedForStore ??= this.waitedMillis
  }

  /** Records the result of the claim: the effect runs now, or the call continues to wait. */
  claimed({ _tag }: OnceClaim): void {
    if (_tag === "Busy") return
    this.unknownOutcome = undefined
    if (_tag !== "Fresh") return
    this.waited = this.waitedMillis
    this.since = undefined
  }

  /** Records a failed transaction. Returns whether another one may succeed, and the timeout allows it. */
  mayRetry(error: { readonly _tag: string }): boolean {
    this.since ??= this.now()
    if (error._tag === "UnknownOutcome") {
      this.unknownOutcome = error as UnknownOutcome
      this.limit = this.waitedMillis + this.timeout
    }
    const passing = error._tag === "UnknownOutcome" || error._tag === "TransientFailure"
      || (error instanceof StoreFailure && error.kind !== "refused")
    return passing && ++this.failures <= tries && this.waitedMillis < this.limit
  }

  /**
   * Pauses before the next transaction. A random part of the pause keeps callers that wait for one another from
   * colliding again.
   */
  readonly pause: Effect.Effect<void> = Effect.suspend(() => Backoff.pause(this.pauses++, { first: 5, cap: 100 }))
}
