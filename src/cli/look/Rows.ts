/**
 * The texts that several tables share.
 */
import * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import { type Count, show } from "../../ops/Fact.ts"
import { styled } from "../output/Output.ts"
import type { Cell } from "../output/Table.ts"

/** The time against which ages are shown. */
export const now: Effect.Effect<number> = Clock.currentTimeMillis

/** Shows a count, in this style if it is not 0. */
export const countCell = (count: Count, style: Cell["style"] = "plain"): Cell =>
  styled(count.value === 0 ? "dim" : style, show(count))

/** Shows a number of dead letters. */
export const deadLetters = (count: Count): string =>
  `${show(count)} dead letter${count.value === 1 && count.kind === "exact" ? "" : "s"}`

/** Shows versions of the code. */
export const versions = (all: ReadonlyArray<string>): string => {
  const named = all.filter((version) => version !== "")
  return named.length === 0 ? "-" : named.join(", ")
}

/** Shows a rate in messages a second. */
export const rate = (perSecond: number | undefined): string =>
  perSecond === undefined ? "-" : perSecond >= 10 ? perSecond.toFixed(0) : perSecond.toFixed(1)
