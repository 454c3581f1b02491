/**
 * The settings of a redrive run: their defaults and their ranges.
 */
import type { InvalidSetting } from "../../Errors.ts"
import * as GivenDuration from "../../internal/GivenDuration.ts"
import type { StartRedrive } from "../RedriveRun.ts"

/** The defaults of `StartRedrive`. */
export const defaults = { stages: [1, 10], inARow: 3, ofLast20: 5 } as const

const mostRate = 10_000
const mostStages = 10

const whole = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most

/** Returns the first setting that is out of its range. */
export const refused = (
  { rate, stages, stopRule }: Pick<StartRedrive, "rate" | "stages" | "stopRule">
): InvalidSetting | undefined => {
  if (rate !== undefined && !(rate > 0 && rate <= mostRate)) {
    return GivenDuration.refusal("rate", rate, `dead letters a second, above 0 and at most ${mostRate}, are needed`)
  }
  if (stages !== undefined && !(stages.length <= mostStages && stages.every((size) => whole(size, 1_000_000)))) {
    return GivenDuration.refusal("stages", stages, `at most ${mostStages} whole numbers from 1 to 1,000,000 are needed`)
  }
  for (const part of ["inARow", "ofLast20"] as const) {
    const value = stopRule?.[part] ?? defaults[part]
    if (!whole(value, 20)) {
      return GivenDuration.refusal(`stopRule.${part}`, value, "a whole number from 1 to 20 is needed")
    }
  }
  return undefined
}
