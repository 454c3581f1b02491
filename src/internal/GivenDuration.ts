/**
 * Checks durations that callers give, also untyped ones. Effect reads `{}`, `{ minute: 5 }` and NaN as zero, which
 * would mean "at once" or "never wait". Here such values are no durations, and the caller gets an error that shows the
 * value.
 */
import * as Duration from "effect/Duration"
import { InvalidSetting } from "../Errors.ts"

const units: ReadonlySet<string> = new Set([
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
  "microseconds",
  "nanoseconds"
])

const isUnits = (given: object): boolean => {
  const parts = Object.entries(given).filter(([, value]) => value !== undefined)
  return parts.length > 0 && parts.every(([unit, value]) => units.has(unit) && isNumber(value))
}

const isNumber = (value: unknown): boolean => typeof value === "number" && !Number.isNaN(value)

/** Returns milliseconds, or NaN if the value is no duration. Never throws. */
export const millis = (given: unknown): number => {
  try {
    const fits = typeof given === "object" && given !== null && !Duration.isDuration(given)
      ? Array.isArray(given) ? given.every(isNumber) : isUnits(given)
      : !Number.isNaN(given)
    const parsed = fits ? Duration.fromInput(given as Duration.Input) : undefined
    return parsed?._tag === "Some" ? Duration.toMillis(parsed.value) : Number.NaN
  } catch {
    return Number.NaN
  }
}

/** Returns the given value as text for an error. Bounded, and never throws. */
export const shown = (given: unknown): string => {
  try {
    const text = typeof given === "object" || typeof given === "string"
      ? JSON.stringify(given)
      : String(given as number | symbol)
    return (text ?? typeof given).slice(0, 80)
  } catch {
    return typeof given
  }
}

/**
 * Problems of settings that were found by functions that cannot fail, such as `Retry.exponential`. The key is the
 * invalid value. A worker that gets the value fails at its start with this problem.
 */
export const problems = new WeakMap<object, InvalidSetting>()

/** Makes the refusal of a setting that is outside of its range, or is no duration. */
export const refusal = (setting: string, given: unknown, expected: string): InvalidSetting =>
  new InvalidSetting({ setting, got: shown(given), expected })
