/** The one search box of the failures: qualifiers, each with a value. `consumer:ledger error:PaymentDeclined` */
import type { Filter } from "../data/Requests.ts"

const names = ["consumer", "topic", "key", "message", "failure", "error", "reason", "since", "until"] as const

export type Name = (typeof names)[number]

/** The filter of a text, and the words of it that are no qualifier. */
export interface Asked {
  readonly filter: Filter
  readonly rest: ReadonlyArray<string>
}

/** One word: a qualifier whose value may be quoted, or any other word. */
const words = /(\w+):"((?:[^"\\]|\\.)*)"|(\S+)/g

const milliseconds: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Returns the time of `90m`, `2h` or `3d` before now, or of an ISO time. Undefined if the text is no time. */
export const timeOf = (text: string, now: number): string | undefined => {
  const span = /^(\d{1,6})([mhd])$/.exec(text)
  const at = span === null ? Date.parse(text) : now - Number(span[1]) * milliseconds[span[2]!]!
  return Number.isFinite(at) ? new Date(at).toISOString() : undefined
}

/** Reads a search. `now` is the time that spans count back from, in milliseconds since the epoch. */
export const parse = (text: string, now: number): Asked => {
  const filter: { -readonly [K in Name]?: string } = {}
  const rest: Array<string> = []
  for (const [whole, quotedName, quoted, word = ""] of text.matchAll(words)) {
    const colon = word.indexOf(":")
    const name = (quotedName ?? word.slice(0, Math.max(0, colon))) as Name
    const value = quoted === undefined ? word.slice(colon + 1) : quoted.replace(/\\(.)/g, "$1")
    const usable = name === "since" || name === "until" ? timeOf(value, now) : value === "" ? undefined : value
    if (names.includes(name) && usable !== undefined) filter[name] = usable
    else rest.push(whole)
  }
  return { filter, rest }
}

/** Writes one qualifier. A value with blanks or quotes is quoted. */
export const qualifier = (name: Name, value: string): string =>
  /^[^\s"\\]+$/.test(value) ? `${name}:${value}` : `${name}:"${value.replace(/["\\]/g, "\\$&")}"`
