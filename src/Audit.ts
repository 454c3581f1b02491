/**
 * Who did what to dead letters and consumers, and when: written in the transaction that did it, so that nothing is done without a record
 * and nothing is recorded that was not done. It holds names, never payloads.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { StoreFailure } from "./Errors.ts"
import { Store } from "./Store.ts"

/**
 * What people do. With a dead letter: `redriven`, `edited` (redriven with another payload), `discarded`, `restored`, `released`. With
 * a consumer: `removed`, `unsubscribed`; with a consumer or one of its keys: `paused`, `resumed`.
 *
 * @since 0.1.0
 */
export type Action =
  | "redriven"
  | "edited"
  | "discarded"
  | "restored"
  | "released"
  | "removed"
  | "unsubscribed"
  | "paused"
  | "resumed"

/**
 * One thing that somebody did. What does not apply is empty.
 *
 * @since 0.1.0
 */
export interface Entry {
  /** Ascending; sorts as text. */
  readonly id: string
  /** Milliseconds since the epoch, on the store's clock. */
  readonly at: number
  readonly by: string
  readonly action: Action
  readonly consumer: string
  readonly deadLetterId: string
  readonly topic: string
  readonly key: string
  /** What the person wrote down. */
  readonly note: string
  /** What it came to: `12 waiting, 3 deadLetters`. */
  readonly detail: string
}

/**
 * Which entries, newest first. Every field is optional, and all that are given must fit.
 *
 * @since 0.1.0
 */
export interface Query {
  readonly about?: "deadLetters" | "consumers" | undefined
  readonly consumer?: string | undefined
  readonly deadLetterId?: string | undefined
  readonly by?: string | undefined
  readonly action?: Action | undefined
  /** Only entries older than this id: the last id of the page before. */
  readonly before?: string | undefined
  /** 1 to 1,000; default 100. */
  readonly limit?: number | undefined
}

/**
 * Entries that match, newest first. They are kept for 30 days (`retention.audit`).
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Audit } from "millrace"
 *
 * const whatAnnaDid = Effect.gen(function*() {
 *   for (const entry of yield* Audit.list({ by: "anna" })) yield* Effect.log(`${entry.action} ${entry.deadLetterId}`)
 * })
 * ```
 *
 * @since 0.1.0
 */
export const list = (query?: Query): Effect.Effect<ReadonlyArray<Entry>, StoreFailure, Store> =>
  Store.use((store) => store.audit.list(query ?? {}))
