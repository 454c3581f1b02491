/**
 * The parts that facts share: a count that says how exact it is, and a fact that not every role can see.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * A number, and how exact it is.
 *
 * - `exact`: all were counted.
 * - `atLeast`: counting ended at the number, since counting more would cost too much. There are more.
 * - `estimate`: the statistics of the database say so.
 *
 * @since 0.1.0
 */
export interface Count {
  readonly value: number
  readonly kind: "exact" | "atLeast" | "estimate"
}

/**
 * Makes a count of a number that was counted up to `most + 1`.
 *
 * @since 0.1.0
 */
export const upTo = (counted: number, most: number): Count =>
  counted > most ? { value: most, kind: "atLeast" } : { value: counted, kind: "exact" }

/**
 * Shows a count for an operator: `14`, `10,000+` or `~48,000`.
 *
 * @since 0.1.0
 */
export const show = ({ kind, value }: Count): string => {
  const text = value.toLocaleString("en-US")
  return kind === "exact" ? text : kind === "atLeast" ? `${text}+` : `~${text}`
}

/**
 * Shows a duration for an operator, in whole seconds from one second on: `340ms`, `2m 5s`.
 *
 * @since 0.1.0
 */
export const showMillis = (millis: number): string =>
  Duration.format(Duration.millis(millis < 1000 ? Math.round(millis) : Math.round(millis / 1000) * 1000))

/**
 * A fact that only some roles of the database may see.
 *
 * @since 0.1.0
 */
export type Visible<A> =
  | { readonly _tag: "Visible"; readonly value: A }
  /** `reason` says which right is missing, or why the engine does not have the fact. */
  | { readonly _tag: "NotVisible"; readonly reason: string }

/**
 * Makes a fact that was seen.
 *
 * @since 0.1.0
 */
export const visible = <A>(value: A): Visible<A> => ({ _tag: "Visible", value })

/**
 * Makes a fact that could not be seen.
 *
 * @since 0.1.0
 */
export const notVisible = (reason: string): Visible<never> => ({ _tag: "NotVisible", reason })
