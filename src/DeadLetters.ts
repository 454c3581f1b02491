/**
 * What people do with dead letters: look at them, redrive them, give them up.
 *
 * A redriven message keeps its id and key. Its letter is resolved in the commit of its message, so that a letter is open
 * exactly as long as its message had no effect. Every change is audited in the transaction that makes it.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { DeadLetter } from "./DeadLetter.ts"
import type { DeadLetterConflict, DeadLetterNotFound, StoreFailure } from "./Errors.ts"
import { type DeadLetterQuery, Store } from "./Store.ts"

/**
 * Letters that match, newest first, at most `limit` (100): the next page begins `before` the last id.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { DeadLetters } from "millrace"
 *
 * const retryAll = Effect.gen(function*() {
 *   const letters = yield* DeadLetters.list({ consumer: "ledger", state: "open" })
 *   yield* Effect.forEach(letters, (letter) => DeadLetters.redrive(letter.id, { by: "anna" }))
 * })
 * ```
 *
 * @since 0.1.0
 */
export const list = (query?: DeadLetterQuery): Effect.Effect<ReadonlyArray<DeadLetter>, StoreFailure, Store> =>
  Store.use((store) => store.deadLetters.list(query ?? {}))

/**
 * One letter with its message and every attempt's error.
 *
 * @since 0.1.0
 */
export const get = (letter: string): Effect.Effect<DeadLetter, StoreFailure | DeadLetterNotFound, Store> =>
  Store.use((store) => store.deadLetters.get(letter))

/**
 * Puts an open letter's message back into its queue, with the same id and key. A parked one goes first and its
 * successors follow; another one goes to the end of its key. Fails with `DeadLetterConflict` if somebody was there before.
 *
 * @since 0.1.0
 */
export const redrive = (
  letter: string,
  options: {
    /** Who does it; kept in the audit. */
    readonly by: string
  }
): Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict, Store> =>
  Store.use((store) => store.deadLetters.redrive(letter, options.by))

/**
 * Gives an open letter up. The successors of a parked one go on.
 *
 * @since 0.1.0
 */
export const discard = (
  letter: string,
  options: {
    /** Who does it; kept in the audit. */
    readonly by: string
  }
): Effect.Effect<void, StoreFailure | DeadLetterNotFound | DeadLetterConflict, Store> =>
  Store.use((store) => store.deadLetters.discard(letter, options.by))
