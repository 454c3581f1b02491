/**
 * Shows the progress of an action on many things, with its rate and the time that is left. A terminal has a bar, and
 * other output has plain lines. Both go to the standard error.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Stdio from "effect/Stdio"
import type { BoundedCount } from "../../DeadLetter.ts"
import { Quiet } from "../frame/GlobalSettings.ts"
import * as Output from "./Output.ts"
import { short } from "./Times.ts"

/** How often a plain line is printed, and how often the bar is drawn, in milliseconds. */
const lineEvery = 5_000
const barEvery = 100

const width = 20

/** Returns the text of the progress. */
export const textOf = (what: string, done: number, total: BoundedCount, millis: number): string => {
  const whole = `${total.count.toLocaleString("en-US")}${total.more ? "+" : ""}`
  const perSecond = millis > 0 ? (done / millis) * 1_000 : 0
  const left = total.more || perSecond === 0 ? undefined : ((total.count - done) / perSecond) * 1_000
  return `${what} ${done.toLocaleString("en-US")}/${whole}  ${perSecond.toFixed(0)}/s`
    + (left === undefined ? "" : `  eta ${short(Math.max(0, left))}`)
}

/** Returns the bar for a share from 0 to 1. */
const bar = (share: number): string => {
  const full = Math.round(Math.min(1, share) * width)
  return `[${"#".repeat(full)}${"-".repeat(width - full)}]`
}

/** Returns a function that shows how many are done. */
export const make = Effect.fnUntraced(function*(what: string, total: BoundedCount) {
  const stdio = yield* Stdio.Stdio
  const terminal = yield* stdio.stderrIsTerminal
  if ((yield* Quiet) || (yield* Output.isJson) || total.count < 2) return () => Effect.void
  const started = yield* Clock.currentTimeMillis
  let shown = started
  return (done: number): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const ends = !total.more && done >= total.count
      if (!ends && now - shown < (terminal ? barEvery : lineEvery)) return Effect.void
      shown = now
      const text = textOf(what, done, total, now - started)
      const drawn = terminal ? `\r\u001b[K${bar(done / total.count)} ${text}${ends ? "\n" : ""}` : `${text}\n`
      return Effect.provideService(Output.stderr(drawn), Stdio.Stdio, stdio)
    })
})
