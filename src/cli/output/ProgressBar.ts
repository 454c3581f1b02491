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
import * as SafeText from "./SafeText.ts"
import { short } from "./Times.ts"

/** How often a plain line is printed, and how often the bar is drawn, in milliseconds. */
const lineEvery = 5_000
const barEvery = 100

const width = 20

/** The parts of a display that stand beside the number that is done. */
export interface Beside {
  /** The milliseconds that are left. Default: the time of the rest at the rate so far. */
  readonly leftMillis?: number | undefined
  /** Further text behind the time that is left. */
  readonly text?: string | undefined
  /** Whether this is the last display. Default: whether all are done. */
  readonly last?: boolean | undefined
}

/** Returns the text of the progress. */
const textOf = (
  what: string,
  done: number,
  total: BoundedCount,
  perSecond: number,
  { last, leftMillis, text }: Beside
) => {
  const whole = `${total.count.toLocaleString("en-US")}${total.more ? "+" : ""}`
  const unknown = total.more || perSecond === 0 || (last === true && done < total.count)
  const left = leftMillis ?? (unknown ? undefined : ((total.count - done) / perSecond) * 1_000)
  return `${what} ${done.toLocaleString("en-US")}/${whole}  ${perSecond.toFixed(0)}/s`
    + (left === undefined ? "" : `  eta ${short(Math.max(0, left))}`)
    + (text === undefined ? "" : `  ${SafeText.oneLine(text)}`)
}

/** Returns the bar for a share from 0 to 1. */
const bar = (share: number): string => {
  const full = Math.round(Math.min(1, share) * width)
  return `[${"#".repeat(full)}${"-".repeat(width - full)}]`
}

/** Returns a function that shows how many are done. `from` were done before. */
export const make = Effect.fnUntraced(function*(what: string, total: BoundedCount, from = 0) {
  const stdio = yield* Stdio.Stdio
  const terminal = yield* stdio.stderrIsTerminal
  if ((yield* Quiet) || (yield* Output.isJson) || total.count < 2) return () => Effect.void
  const started = yield* Clock.currentTimeMillis
  let shown = started
  return (done: number, beside: Beside = {}): Effect.Effect<void> =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const ends = beside.last ?? (!total.more && done >= total.count)
      if (!ends && now - shown < (terminal ? barEvery : lineEvery)) return Effect.void
      shown = now
      const perSecond = now > started ? ((done - from) / (now - started)) * 1_000 : 0
      const text = textOf(what, done, total, perSecond, beside)
      const drawn = terminal ? `\r\u001b[K${bar(done / total.count)} ${text}${ends ? "\n" : ""}` : `${text}\n`
      return Effect.provideService(Output.stderr(drawn), Stdio.Stdio, stdio)
    })
})
