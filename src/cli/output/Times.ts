/**
 * Times and durations for operators: `2h` before now as an option, and `26m ago` in a table.
 */
import * as Flag from "effect/cli/Flag"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { showMillis } from "../../ops/Fact.ts"
import { CliFailure } from "../frame/CliFailure.ts"

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Returns the milliseconds of `90s`, `15m`, `2h` or `1d`, or undefined for another text. */
export const millisOf = (text: string): number | undefined => {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text)
  return match === null ? undefined : Number(match[1]) * units[match[2]!]!
}

/** Returns the time of `2h` (before now) or of an ISO date, in milliseconds since the epoch. */
const timeOf = (text: string): Effect.Effect<number, CliFailure> => {
  const ago = millisOf(text)
  if (ago !== undefined) return Effect.map(Clock.currentTimeMillis, (now) => now - ago)
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(at)
    ? Effect.fail(
      new CliFailure({
        reason: "usage",
        type: "usage",
        message: `${
          JSON.stringify(text)
        } is no time. Use a duration before now (90s, 15m, 2h, 1d) or a date (2026-11-30T02:10:00Z).`
      })
    )
    : Effect.succeed(at)
}

/** Returns the milliseconds from now until `2h` have passed, or until an ISO date in the future. */
export const fromNow = Effect.fnUntraced(function*(text: string): Effect.fn.Return<number, CliFailure> {
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  const millis = millisOf(text) ?? at - (yield* Clock.currentTimeMillis)
  if (millis >= 1) return millis
  return yield* new CliFailure({
    reason: "usage",
    type: "usage",
    message: `${JSON.stringify(text)} is no time in the future. `
      + "Use a duration from now (30m, 1h, 2d) or a date (2026-11-30T02:10:00Z). Nothing was changed."
  })
})

/** Returns a flag for a time. Its value is decided when the command runs. */
export const flag = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("time"),
    Flag.withDescription(`${description}: 90s, 15m, 2h or 1d before now, or a date`),
    Flag.optional
  )

/** Returns the given time, or undefined if there is none. */
export const given = (text: string | undefined): Effect.Effect<number | undefined, CliFailure> =>
  text === undefined ? Effect.undefined : timeOf(text)

/** Returns a time as text in UTC, in seconds. */
export const utc = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`

/** Returns `26m ago`, or `-` without a time. The longest two units are shown. */
export const ago = (at: number | undefined, now: number): string =>
  at === undefined ? "-" : `${short(Math.max(0, now - at))} ago`

/** Returns a duration with its longest two units: `2h 5m`. */
export const short = (millis: number): string => showMillis(millis).split(" ").slice(0, 2).join(" ")
