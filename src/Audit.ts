/**
 * The audit: every operator action on dead letters and consumers, with its operator and time.
 *
 * An entry is written in the transaction of its action. So there is no action without an entry, and no entry without an
 * action. Entries hold names and never payloads.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { StoreFailure } from "./Errors.ts"
import type { Entry, Query } from "./internal/store/AuditStore.ts"
import { Store } from "./Store.ts"

export { actions } from "./internal/store/AuditStore.ts"
export type { Action, Entry, Query } from "./internal/store/AuditStore.ts"

/**
 * Returns the entries that match, newest first. Entries are kept for 30 days (`retention.audit`).
 *
 * ```ts
 * import { Effect } from "effect"
 * import { Audit } from "millrace"
 *
 * const actionsOfAnna = Effect.gen(function*() {
 *   for (const entry of yield* Audit.list({ by: "anna" })) yield* Effect.log(`${entry.action} ${entry.deadLetterId}`)
 * })
 * ```
 *
 * @since 0.1.0
 */
export const list = (query?: Query): Effect.Effect<ReadonlyArray<Entry>, StoreFailure, Store> =>
  Store.use((store) => store.audit.list(query ?? {}))
