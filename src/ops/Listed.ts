/**
 * How long a list is, without reading it.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Query as AuditQuery } from "../Audit.ts"
import type { DeadLetterSearch } from "./DeadLetterSearch.ts"
import type { StuckQuery } from "./KeyFacts.ts"

/**
 * A list whose elements are counted, with its filter.
 *
 * @since 0.1.0
 */
export type Listed =
  /** Dead letters in any state. */
  | { readonly of: "deadLetters"; readonly filter: Omit<DeadLetterSearch, "text" | "payload" | "before" | "limit"> }
  /** Held keys. */
  | { readonly of: "keys"; readonly filter: Pick<StuckQuery, "consumer" | "hold" | "key"> }
  /** Messages that wait in a queue, or those of one key. */
  | { readonly of: "waiting"; readonly filter: { readonly consumer: string; readonly key?: string | undefined } }
  /** Operator actions. */
  | { readonly of: "audit"; readonly filter: Omit<AuditQuery, "before" | "limit"> }

/**
 * Options of a count.
 *
 * @since 0.1.0
 */
export interface CountOptions {
  /**
   * Counts beyond 10,000, for at most this time. If the time is over, the count is `atLeast` 10,000. Ignored on PGlite,
   * where a long count would keep its only session busy. By default, counting ends at 10,000.
   */
  readonly exactWithin?: Duration.Input | undefined
}
