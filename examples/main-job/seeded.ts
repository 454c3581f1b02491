/**
 * Random numbers that follow from a seed.
 *
 * Every number is a hash of the seed and its purpose, so the order of the calls does not matter.
 * Runs with the same seed are the same, in one process or in five.
 */
import { hash } from "node:crypto"

/** A number in [0, 1), always the same for the same arguments. */
export const roll = (seed: number, ...about: ReadonlyArray<string | number>): number =>
  Number.parseInt(hash("sha256", `${seed}:${about.join(":")}`, "hex").slice(0, 12), 16) / 2 ** 48

/** A whole number in [0, sides). */
export const pick = (sides: number, seed: number, ...about: ReadonlyArray<string | number>): number =>
  Math.floor(roll(seed, ...about) * sides)

/** The values in an order that the seed decides. */
export const shuffled = <A>(values: ReadonlyArray<A>, seed: number, about: string): ReadonlyArray<A> =>
  values.map((value, index) => ({ value, at: roll(seed, about, index) })).sort((a, b) => a.at - b.at).map(({ value }) =>
    value
  )

/** A GUID, as GitHub puts one on every delivery. */
export const guid = (seed: number, n: number): string => {
  const hex = hash("sha256", `${seed}:delivery:${n}`, "hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
