/**
 * Searches of dead letters: by filter, by the version that they died on, by text, and by a value in the payload.
 *
 * No index has texts and payloads. So such a search looks at the newest dead letters that match all other filters, says
 * how many these were, and can continue from there.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { DeadLetter, Query } from "../DeadLetter.ts"
import type { InvalidSetting } from "../Errors.ts"
import * as GivenDuration from "../internal/GivenDuration.ts"

/**
 * A value in a payload. The value of `$.lines[0].sku` has the path `["lines", "0", "sku"]`.
 *
 * @since 0.1.0
 */
export interface PayloadValue {
  /** Names of fields and indexes of lists, from the root: 1 to 64. */
  readonly path: ReadonlyArray<string>
  /** The value as a text: `51` matches the number and the text. `null`, `true` and `false` are values, too. */
  readonly value: string
}

/**
 * Selects a page of dead letters, newest first. Every field is optional, and a dead letter must match all given fields.
 *
 * @since 0.1.0
 */
export interface DeadLetterSearch extends Query {
  /** The version of the code (`WorkerOptions.codeVersion`) that made the last attempt. */
  readonly version?: string | undefined
  /** A text in the payload, the key, the id, or an attempt: its error, message or stack. Upper and lower case match. */
  readonly text?: string | undefined
  /** A value in the payload. Needs Postgres 16 or later, or PGlite. */
  readonly payload?: PayloadValue | undefined
}

/**
 * A page of a search.
 *
 * @since 0.1.0
 */
export interface DeadLettersFound {
  readonly deadLetters: ReadonlyArray<DeadLetter>
  /**
   * How many dead letters that match all other filters were looked at. Undefined if the search asked for no text and no
   * value in the payload.
   */
  readonly looked: number | undefined
  /** The value of `before` that continues the search. Undefined if the search came to the end. */
  readonly next: string | undefined
}

/**
 * Parses a search for a value in a payload, as operators write it: `lines.0.sku:a-7`. The first colon ends the path.
 * Fails if the colon or a name is missing, or if the path has more than 64 names.
 *
 * ```ts
 * import { Result } from "effect"
 * import { DeadLetterSearch } from "millrace/ops"
 *
 * Result.getOrThrow(DeadLetterSearch.payloadValue("bank.code:51")).path.join("/") // => "bank/code"
 * ```
 *
 * @since 0.1.0
 */
export const payloadValue = (text: string): Result.Result<PayloadValue, InvalidSetting> => {
  const colon = text.indexOf(":")
  const path = text.slice(0, Math.max(0, colon)).split(".")
  return path.length > 64 || path.includes("")
    ? Result.fail(
      GivenDuration.refusal("payload", text, "a path of 1 to 64 names and a value are needed: bank.code:51")
    )
    : Result.succeed({ path, value: text.slice(colon + 1) })
}
