/**
 * The facts about held keys: why each one is held, and what waits behind it.
 *
 * @since 0.1.0
 */
import type { Failure } from "../Delivery.ts"
import type { HeldKey } from "../Store.ts"
import type { Count } from "./Fact.ts"

/**
 * A held key, with the messages that wait behind it. Times are milliseconds since the epoch on the store's clock.
 *
 * @since 0.1.0
 */
export interface StuckKey extends HeldKey {
  readonly consumer: string
  readonly lane: number
  /** Messages of the key that wait. */
  readonly behind: Count
  /** When the oldest of these messages was published. Undefined if none waits. */
  readonly oldestAt: number | undefined
  /** The dead letter that parks the key: the oldest open one. Undefined if the key is not parked. */
  readonly deadLetter: {
    readonly id: string
    readonly fingerprint: string
    readonly tag: string
    readonly diedAt: number
  } | undefined
  /**
   * The last failure of the message that the key waits for: of the dead letter, or of the message that is retried. Its
   * message and stack may quote the payload. Undefined if no attempt failed, as for a key that an operator paused.
   */
  readonly lastFailure: Failure | undefined
}

/**
 * Selects one page of held keys. Every field is optional.
 *
 * @since 0.1.0
 */
export interface StuckQuery {
  readonly consumer?: string | undefined
  /** Only this key. */
  readonly key?: string | undefined
  /** Only keys that are held for this reason. One page looks at 1,000,000 held keys of a consumer at most. */
  readonly hold?: "parked" | "delayed" | "paused" | undefined
  /** Only keys after this one: the last key of the previous page. */
  readonly after?: { readonly consumer: string; readonly key: string } | undefined
  /** 1 to 100; default 25. For each key, messages of its lane are read. */
  readonly limit?: number | undefined
}

/**
 * The message that an advance lets through.
 *
 * @since 0.1.0
 */
export interface KeyAdvance {
  readonly messageId: string
  /** The dead letter that the advance redrove. Undefined if the first message of the key was in the queue. */
  readonly deadLetterId: string | undefined
}
